#include "runtime/audit/audit_log.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cerrno>

#include "runtime/audit/checkpoint.h"
#include "runtime/audit/leaf.h"
#include "runtime/audit/log_check.h"
#include "runtime/audit/log_reader.h"
#include "runtime/audit/signing_key.h"
#include "runtime/env/faulty_file_system.h"
#include "tests/unit/runtime/audit/audit_fixture.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

TEST_CASE("ANewLogBeginsWithALeafThatNamesItsKey") {
  AuditFixture fixture;
  const auto log = fixture.Open();
  CHECK(log->size() == 0);
  KeyValueBatch batch;
  REQUIRE(log->Append(Step("ldap/ann/vpn"), batch).ok());
  CHECK(log->size() == 0);  // nothing counts before the commit
  fixture.store.Apply(batch);
  log->Committed();
  CHECK(log->size() == 2);
  CHECK(fixture.store.mark == AuditMark{2, log->root()});
  const LogReader reader(fixture.store);
  CHECK(ReadLeaf(*reader.Leaf(0))->kind == "log_created");
  CHECK(reader.Leaf(0)->find(log->public_key()) != std::string::npos);
  CHECK(ReadLeaf(*reader.Leaf(1))->target == "ldap/ann/vpn");
}

TEST_CASE("AbandonedLeavesNeverWere") {
  AuditFixture fixture;
  const auto log = fixture.Open();
  fixture.AppendMany(*log, 3);
  const auto before = fixture.store.values;
  const Sha256Digest root = log->root();
  KeyValueBatch batch;
  REQUIRE(log->Append(Step("lost"), batch).ok());
  log->Abandoned();
  CHECK(log->size() == 4);
  CHECK(log->root() == root);
  fixture.AppendMany(*log, 1);
  CHECK(log->size() == 5);
  CHECK(RootAt(4, LogReader(fixture.store)).value() == root);
}

TEST_CASE("ReopeningAtEverySizeGoesOnWithTheSameTree") {
  AuditFixture fixture;
  auto log = fixture.Open();
  TreeFrontier oracle;
  for (int round = 0; round < 600; ++round) {
    fixture.AppendMany(*log, 1);
    if (round % 37 == 0 || round > 505) log = fixture.Open();
    const LogReader reader(fixture.store);
    while (oracle.size() < log->size()) oracle.Append(LeafHash(*reader.Leaf(oracle.size())));
    REQUIRE(log->root() == oracle.Root());
  }
}

TEST_CASE("AStoreThatLostOrAlteredLeavesIsRefused") {
  AuditFixture fixture;
  {
    const auto log = fixture.Open();
    fixture.AppendMany(*log, 300);
  }
  const MemoryStore good = fixture.store;
  SUBCASE("the last leaf is gone") {
    fixture.store.values.erase(NumberKey(kLeafPrefix, 300));
    CHECK(fixture.TryOpen().error().kind == ErrorKind::kCorrupt);
  }
  SUBCASE("a leaf at the right edge was edited") {
    fixture.store.values[NumberKey(kLeafPrefix, 299)][5] ^= 1;
    CHECK(fixture.TryOpen().error().kind == ErrorKind::kCorrupt);
  }
  SUBCASE("a tile was edited") {
    fixture.store.values[TileKey(0, 0)][5] ^= 1;
    CHECK(fixture.TryOpen().error().kind == ErrorKind::kCorrupt);
  }
  SUBCASE("a tile was cut") {
    fixture.store.values[TileKey(0, 0)].pop_back();
    CHECK(fixture.TryOpen().error().kind == ErrorKind::kCorrupt);
  }
  SUBCASE("more than was acknowledged is an unacknowledged tail") {
    fixture.store.mark = {100, RootAt(100, LogReader(good)).value()};
    CHECK(fixture.TryOpen().ok());
  }
}

TEST_CASE("CheckpointsAreSignedPersistedAndConsistent") {
  AuditFixture fixture;
  const auto log = fixture.Open();
  std::vector<SignedCheckpoint> checkpoints;
  for (int round = 0; round < 20; ++round) {
    fixture.AppendMany(*log, 1 + round * 3);
    checkpoints.push_back(ParseSignedCheckpoint(fixture.Checkpoint(*log)).value());
  }
  const AuditPublicKey key = ParsePublicKey(log->public_key()).value();
  const LogReader reader(fixture.store);
  for (const SignedCheckpoint& checkpoint : checkpoints) {
    CHECK(checkpoint.note.IsSignedBy(key));
    const auto proof = ConsistencyProof(checkpoint.checkpoint.size, log->size(), reader).value();
    CHECK(VerifyConsistency(checkpoint.checkpoint.size, log->size(), checkpoint.checkpoint.root,
                            log->root(), proof));
  }
  CHECK(reader.LastCheckpoint()->value() == fixture.Checkpoint(*log));  // the same again
}

TEST_CASE("ARestoredStoreNeitherOpensNorSigns") {
  AuditFixture fixture;
  auto log = fixture.Open();
  fixture.AppendMany(*log, 5);
  const MemoryStore backup = fixture.store;
  fixture.AppendMany(*log, 5);
  fixture.Checkpoint(*log);
  fixture.store = backup;  // mark included: the store itself is whole
  CHECK(fixture.TryOpen().error().kind == ErrorKind::kCorrupt);
  // Forked: as long as the signed one, but other leaves.
  RealFileSystem files;
  const std::string witness = fixture.key_file() + ".checkpoint";
  const std::string kept = files.Read(witness, 4096).value();
  REQUIRE(files.Remove(witness).ok());
  fixture.accepts_lost_witness = true;
  log = fixture.Open();
  fixture.AppendMany(*log, 9);
  REQUIRE(files.WriteAtomically(witness, kept).ok());
  CHECK(fixture.TryOpen().error().kind == ErrorKind::kCorrupt);
  KeyValueBatch batch;
  CHECK(log->Checkpoint(batch).error().kind == ErrorKind::kCorrupt);
  CHECK(batch.empty());
}

// Nobody noticed: an older copy of the store went on under the same key.
TEST_CASE("WithoutTheCheckpointBesideTheKeyNothingIsSigned") {
  AuditFixture fixture;
  const std::string witness = fixture.key_file() + ".checkpoint";
  // The key is made with one of the empty log.
  const auto first = ParseSignedCheckpoint(fixture.files.Read(witness, 4096).value());
  REQUIRE(first.ok());
  CHECK(first->checkpoint.size == 0);
  CHECK(fixture.files.Stat(witness)->mode == 0600);
  auto log = fixture.Open();
  CHECK(first->note.IsSignedBy(ParsePublicKey(log->public_key()).value()));
  // Missing beside an empty log, too: a store that was deleted is empty.
  REQUIRE(fixture.files.Remove(witness).ok());
  CHECK(fixture.TryOpen().error().kind == ErrorKind::kCorrupt);
  CHECK(fixture.TryOpen().error().message.find(witness + " is missing") == 0);
  KeyValueBatch batch;
  CHECK(log->Checkpoint(batch).error().message.find(witness + " is missing") == 0);
  CHECK(batch.empty());
  fixture.accepts_lost_witness = true;
  log = fixture.Open();
  fixture.AppendMany(*log, 3);
  const std::string kept = fixture.Checkpoint(*log);
  fixture.accepts_lost_witness = false;
  CHECK(fixture.TryOpen().ok());
  // Any copy of a signed checkpoint serves.
  fixture.AppendMany(*log, 3);
  fixture.Checkpoint(*log);
  REQUIRE(fixture.files.WriteAtomically(witness, kept).ok());
  CHECK(fixture.TryOpen().ok());
  // A key for another log does not go beside it.
  REQUIRE(fixture.files.Remove(fixture.key_file()).ok());
  const auto other =
      CreateAuditKey(fixture.key_file(), "rescind/acme", fixture.files, fixture.random);
  CHECK(other.error().message ==
        witness + " is the last checkpoint of a log that another key signed");
  CHECK(!fixture.files.Exists(fixture.key_file()));
}

TEST_CASE("ACheckpointOfTheStoreIsNeverContradictedEither") {
  AuditFixture fixture;
  const std::string witness = fixture.key_file() + ".checkpoint";
  const std::string first = fixture.files.Read(witness, 4096).value();
  auto log = fixture.Open();
  fixture.AppendMany(*log, 5);
  fixture.Checkpoint(*log);
  REQUIRE(fixture.files.WriteAtomically(witness, first).ok());
  const std::string bytes = fixture.store.values[NumberKey(kLeafPrefix, 2)];
  fixture.store.values[NumberKey(kLeafPrefix, 2)] = bytes + " ";
  KeyValueBatch batch;
  CHECK(log->Checkpoint(batch).error().kind == ErrorKind::kCorrupt);
}

TEST_CASE("RotationIsALeafSignedByTheOldKey") {
  AuditFixture fixture;
  auto log = fixture.Open();
  fixture.AppendMany(*log, 2);
  fixture.Checkpoint(*log);
  const std::string old_key = log->public_key();
  KeyValueBatch batch;
  REQUIRE(log->RotateKey("uid 1000", batch).ok());
  CHECK(log->public_key() == old_key);  // until it is committed and finished
  fixture.store.Apply(batch);
  log->Committed();
  REQUIRE(log->FinishRotation().ok());
  CHECK(log->public_key() != old_key);
  const auto rotation = ReadRotation(*LogReader(fixture.store).Leaf(3));
  REQUIRE(rotation.has_value());
  CHECK(rotation->from == old_key);
  CHECK(rotation->to == log->public_key());
  const auto note = ParseSignedCheckpoint(fixture.Checkpoint(*log)).value();
  CHECK(note.note.IsSignedBy(ParsePublicKey(log->public_key()).value()));
  CHECK(fixture.Open()->public_key() == log->public_key());
}

TEST_CASE("ARotationThatIsCutOffAnywhereIsFinishedOrNeverWas") {
  for (uint64_t fail_at = 1; fail_at < 12; ++fail_at) {
    for (const bool commit : {false, true}) {
      AuditFixture fixture;
      {
        const auto log = fixture.Open();
        fixture.AppendMany(*log, 2);
      }
      FaultyFileSystem faulty(fixture.files, fail_at, EIO, true);
      {
        auto log = fixture.TryOpen(faulty).value();
        KeyValueBatch batch;
        if (log->RotateKey("uid 1000", batch).ok() && commit) {
          fixture.store.Apply(batch);
          log->Committed();
          static_cast<void>(log->FinishRotation());
        }
      }
      const auto log = fixture.Open();
      CHECK(log->public_key() == fixture.store.values[std::string(kPublicKeyName)]);
      fixture.AppendMany(*log, 1);
      fixture.Checkpoint(*log);
    }
  }
}

TEST_CASE("SomebodyElsesKeyIsRefused") {
  AuditFixture fixture;
  {
    const auto log = fixture.Open();
    fixture.AppendMany(*log, 1);
  }
  REQUIRE(fixture.files.Remove(fixture.key_file()).ok());
  CHECK(fixture.TryOpen().error().kind == ErrorKind::kNotFound);
  REQUIRE(CreateAuditKey(fixture.key_file(), "rescind/acme", fixture.files, fixture.random).ok());
  CHECK(fixture.TryOpen().error().kind == ErrorKind::kDenied);
}

TEST_CASE("PersonalTextsAreCommittedToAndCanBeErased") {
  AuditFixture fixture;
  const auto log = fixture.Open();
  AuditEvent event = Step("ldap/ann/vpn");
  event.evidence = {{"i.email", {"ann@example.org", true}, "hr"}, {"g.last_used", {"unknown"}, ""}};
  event.details["manager"] = {"Bob Builder", true};
  fixture.Append(*log, event);
  fixture.Append(*log, event);
  const LogReader reader(fixture.store);
  const std::string leaf = *reader.Leaf(1);
  CHECK(leaf.find("ann@example.org") == std::string::npos);
  CHECK(leaf.find("Bob") == std::string::npos);
  CHECK(leaf != *reader.Leaf(2));  // another salt
  const auto values = reader.Personal(1).value();
  REQUIRE(values.size() == 2);
  for (const PersonalValue& value : values) {
    CHECK(leaf.find(CommitmentOf(value)) != std::string::npos);
  }
  const Sha256Digest root = RootAt(3, reader).value();
  KeyValueBatch batch;
  CHECK(log->Erase("ann@example.org", "uid 1000", batch).value() == 2);
  fixture.store.Apply(batch);
  log->Committed();
  CHECK(reader.Personal(1)->size() == 1);
  CHECK(reader.Personal(2)->size() == 1);
  CHECK(RootAt(3, reader).value() == root);  // the log itself is untouched
  CHECK(ReadLeaf(*reader.Leaf(3))->kind == "erased");
  for (const auto& [key, value] : fixture.store.values) {
    CHECK(value.find("ann@example.org") == std::string::npos);
  }
  KeyValueBatch none;
  CHECK(log->Erase("nobody@example.org", "uid 1000", none).value() == 0);
  CHECK(none.empty());
}

// Nobody knows which sentences name her.
TEST_CASE("ASentenceIsErasedWithWhomItNames") {
  AuditFixture fixture;
  const auto log = fixture.Open();
  for (const char* said : {"uid=ann,ou=people: not locked", "joanna: not locked", "ann", "annä",
                           "\xC3\xA4"
                           "ann",
                           "joanna and ann"}) {
    AuditEvent event;
    event.outcome = {said, true};
    fixture.Append(*log, event);
  }
  KeyValueBatch batch;
  CHECK(log->Erase("ann", "uid 1000", batch).value() == 3);
  fixture.store.Apply(batch);
  log->Committed();
  const LogReader reader(fixture.store);
  CHECK(reader.Personal(1)->empty());
  CHECK(reader.Personal(2)->front().value == "joanna: not locked");
  CHECK(reader.Personal(3)->empty());
  CHECK(reader.Personal(4)->size() == 1);
  CHECK(reader.Personal(5)->size() == 1);
  CHECK(reader.Personal(6)->empty());
}

// They lay beside the leaf with all that they said, and who asked for a policy's entries missed it.
TEST_CASE("AnEntryNamesItsPoliciesAlsoWhereTheirReasonsAreTooLong") {
  AuditFixture fixture;
  const auto log = fixture.Open();
  AuditEvent event = Step("ldap/ann/vpn");
  event.policies.clear();
  const auto add = [&](const std::string& name, size_t because_bytes) {
    AuditPolicy& policy = event.policies.emplace_back();
    policy.name = name;
    policy.source_hash = "sha256:01";
    policy.because = {std::string(because_bytes, 'x'), false};
  };
  for (int i = 0; i < 30; ++i) add(fmt::format("access.p{}", i), 4000);
  fixture.Append(*log, event);
  const LogReader reader(fixture.store);
  const LeafView view = ReadLeaf(*reader.Leaf(1)).value();
  CHECK(view.policies.size() == 30);
  CHECK(view.policies.back() == "access.p29");
  CHECK(view.beside_sha256 == Sha256Hex(reader.Beside(1)->value()));
  CHECK(reader.Beside(1)->value().find("xxxx") != std::string::npos);
  // Names that do not fit themselves are beside the leaf alone.
  for (int i = 0; i < 3000; ++i) add(fmt::format("access.{}{}", std::string(40, 'q'), i), 1);
  fixture.Append(*log, event);
  const std::string leaf = *reader.Leaf(2);
  CHECK(leaf.size() <= kMaxLeafBytes);
  CHECK(ReadLeaf(leaf)->policies.empty());
  CHECK(reader.Beside(2)->value().find("q2999") != std::string::npos);
}

TEST_CASE("OversizeEvidenceLiesBesideTheLeafCommittedByItsHash") {
  AuditFixture fixture;
  const auto log = fixture.Open();
  AuditEvent event = Step("ldap/ann/vpn");
  for (int i = 0; i < 1000; ++i) {
    event.evidence.push_back({fmt::format("g.members[{}]", i), {std::string(100, 'x')}, "hr"});
  }
  fixture.Append(*log, event);
  const LogReader reader(fixture.store);
  const std::string leaf = *reader.Leaf(1);
  CHECK(leaf.size() < 1000);
  const std::string beside = reader.Beside(1)->value();
  CHECK(ReadLeaf(leaf)->beside_sha256 == Sha256Hex(beside));
  CHECK(beside.find("g.members[999]") != std::string::npos);
  CHECK_FALSE(reader.Beside(0)->has_value());
}

TEST_CASE("LeavesAreCanonicalAndNeverTooLong") {
  SeededRandom random(1);
  AuditEvent event = Step("ldap/\"ann\"\n\xFF/ü");
  event.policies = {{"b.policy", "sha256:1", "f1", {"because"}, 2, {"pci_dss_4 8.2.6"}}};
  event.outcome.text = std::string(5000, 'o');
  const EncodedLeaf first = EncodeLeaf(event, "store", random);
  CHECK(first.leaf == EncodeLeaf(event, "store", random).leaf);
  CHECK(first.leaf.find('\n') == std::string::npos);
  CHECK(
      first.leaf.starts_with(R"({"action":{"entity":"grant","episode":1,"incarnation":1,"key":)"));
  CHECK(first.leaf.size() < 5500);  // what a system says is cut
  // Around the limit, byte by byte: the leaf fits, or its policies lie beside it.
  for (size_t length = 64'000; length < 66'000; length += 13) {
    AuditEvent long_event = Step("t");
    long_event.policies = {{std::string(length, 'p'), "", "", {}, 0, {}}};
    const EncodedLeaf leaf = EncodeLeaf(long_event, "store", random);
    REQUIRE(leaf.leaf.size() <= 65'535);
    REQUIRE(leaf.beside.empty() == (leaf.leaf.size() > 60'000));
  }
}

TEST_CASE("NothingThatAnybodyIsCalledMakesALeafTooLong") {
  SeededRandom random(1);
  for (const char filler : {'t', '\1', '\xFF', '"'}) {
    AuditEvent event = Step(std::string(70'000, filler));
    event.action->key = event.action->system = event.action->entity = event.action->target;
    event.action->verb = event.action->playbook = event.action->target;
    event.action->account = event.action->owner = event.action->target;
    event.action->entitlement = event.action->entitlement_name = event.action->target;
    event.trigger = event.outcome.text = event.action->target;
    event.policies = {{event.trigger, event.trigger, event.trigger, {event.trigger}, 0, {}}};
    event.details["x"] = {event.trigger, false};
    event.evidence = {{event.trigger, {event.trigger, true}, event.trigger}};
    const EncodedLeaf leaf = EncodeLeaf(event, "0123456789abcdef0123456789abcdef", random);
    CHECK(leaf.leaf.size() <= 65'535);
    CHECK(ReadLeaf(leaf.leaf).ok());
    CHECK(leaf.personal.size() == 1);
    // Cut, but committed to.
    CHECK(leaf.leaf.find(Sha256Hex(event.action->target)) != std::string::npos);
  }
}

TEST_CASE("DeeplyNestedEntriesAreReadWithoutHarm") {
  const std::string deep = R"({"format":"x","beside":{"sha256":)" + std::string(60'000, '[');
  CHECK_FALSE(ReadLeaf(deep).ok());
  CHECK_FALSE(ReadRotation(deep).has_value());
  const std::string closed =
      R"({"format":"x","beside":)" + std::string(30'000, '[') + std::string(30'000, ']') + "}";
  CHECK(ReadLeaf(closed).ok());
  CHECK_FALSE(ReadRotation(closed).has_value());
}

TEST_CASE("LeavesOfTheFutureAreRecognised") {
  const auto leaf = ReadLeaf(R"({"format":"rescind.audit/2","kind":"teleported","at":5})");
  REQUIRE(leaf.ok());
  CHECK(leaf->is_newer);
  CHECK(leaf->kind == "teleported");
  for (const char* bad : {"", "{}", "[]", "\x00\x01", "{\"format\":3}", "{\"format\":\"x\""}) {
    CHECK(ReadLeaf(bad).error().kind == ErrorKind::kCorrupt);
  }
}

// Tiles lie in the same store as the leaves that they are made of.
TEST_CASE("ALeafThatWasChangedUnderItsTileIsFoundByWhoReadsIt") {
  AuditFixture fixture;
  auto log = fixture.Open();
  fixture.AppendMany(*log, 600);
  const std::string note = fixture.Checkpoint(*log);
  for (const uint64_t from : {0, 1, 255, 256, 257, 511, 512, 600}) {
    CAPTURE(from);
    CHECK(CheckReadableLog(fixture.store, fixture.key_file(), fixture.files, from).ok());
    CHECK(RootAt(600, LogReader(fixture.store, from)).value() ==
          RootAt(600, LogReader(fixture.store)).value());
  }
  fixture.store.values[NumberKey(kLeafPrefix, 300)] += " ";
  CHECK(CheckReadableLog(fixture.store, fixture.key_file(), fixture.files).ok());
  CHECK(CheckReadableLog(fixture.store, fixture.key_file(), fixture.files, 301).ok());
  for (const uint64_t from : {0, 256, 299, 300}) {
    CAPTURE(from);
    const Status status = CheckReadableLog(fixture.store, fixture.key_file(), fixture.files, from);
    REQUIRE(!status.ok());
    CHECK(status.error().kind == ErrorKind::kCorrupt);
  }
}

TEST_CASE("AnEntryThatIsTooLongKeepsWhatTheStoreIsComparedWith") {
  SeededRandom random{3};
  AuditEvent event;
  event.kind = AuditKind::kRunEnded;
  event.details["decisions"] = {"sha256:abc", false};
  event.details["decisions_of"] = {"1 exemption", false};
  event.details["renamed"] = {std::string(90'000, 'x'), false};
  const EncodedLeaf encoded = EncodeLeaf(event, "store-1", random);
  CHECK(encoded.beside.find("renamed") != std::string::npos);
  const LeafView view = ReadLeaf(encoded.leaf).value();
  CHECK(!view.beside_sha256.empty());
  CHECK(view.decisions == "sha256:abc");
  CHECK(view.decisions_of == "1 exemption");
}

}  // namespace
}  // namespace rescind
