#include "runtime/service/audit_desk.h"

#include <doctest/doctest.h>

#include "runtime/audit/log_check.h"
#include "runtime/audit/log_export.h"
#include "runtime/audit/log_proof.h"
#include "runtime/audit/log_verify.h"
#include "tests/unit/runtime/audit/audit_fixture.h"
#include "tests/unit/runtime/service/remembering_store.h"

namespace rescind {
namespace {

// A log of 101 entries in a store.
struct Desk {
  Desk() {
    audit = OpenLog();
    for (int i = 0; i < 100; ++i) {
      AuditEvent event = Step("ldap/u" + std::to_string(i % 10));
      event.action->key = "key" + std::to_string(i);
      event.policies = {{i % 2 == 0 ? "access.even" : "access.odd", "", "", {}, 0, {}}};
      KeyValueBatch batch;
      REQUIRE(audit->Append(event, batch).ok());
      REQUIRE(store.CommitExtra(batch).ok());
      audit->Committed();
    }
  }
  std::unique_ptr<AuditLog> OpenLog() {
    auto opened = AuditLog::Open({store.values, keys.files, keys.clock, keys.random},
                                 {store.id(), keys.key_file()});
    REQUIRE_MESSAGE(opened.ok(), opened.error().message);
    return *std::move(opened);
  }
  std::vector<uint64_t> Shown(const AuditFilter& filter) {
    std::vector<uint64_t> shown;
    REQUIRE(ShowAudit(LogReader(store.values), filter,
                      [&](uint64_t index, std::string_view, const LeafView&) {
                        shown.push_back(index);
                        return Status();
                      })
                .ok());
    return shown;
  }
  AuditFixture keys;
  RememberingStore store;
  std::unique_ptr<AuditLog> audit;
};

TEST_CASE("ShowGivesTheEndOfTheLogOrWhatFits") {
  Desk desk;
  AuditFilter filter;
  CHECK(desk.Shown(filter).size() == 50);
  CHECK(desk.Shown(filter).back() == 100);
  filter.most = 0;
  CHECK(desk.Shown(filter).size() == 101);
  filter.most = 3;
  filter.from = 10;
  CHECK(desk.Shown(filter) == std::vector<uint64_t>{10, 11, 12});
  filter = {.target = "ldap/u3"};
  CHECK(desk.Shown(filter).size() == 10);
  filter.policy = "access.even";
  CHECK(desk.Shown(filter).empty());
  filter = {.most = 2, .policy = "access.odd"};
  CHECK(desk.Shown(filter) == std::vector<uint64_t>{98, 100});
  CHECK(desk.Shown({.action = "key42"}) == std::vector<uint64_t>{43});
  CHECK(desk.Shown({.kind = "log_created"}) == std::vector<uint64_t>{0});
  CHECK(desk.Shown({.system = "nothing"}).empty());
  CHECK(desk.Shown({.from = 90, .most = 0}).size() == 11);
  CHECK(desk.Shown({.from = 90, .most = 2, .policy = "access.odd"}) ==
        std::vector<uint64_t>{90, 92});
}

TEST_CASE("AnExportAndAProofVerifyWithThePublicKeyAlone") {
  Desk desk;
  const std::string folder = desk.keys.folder / "out";
  const LogReader reader(desk.store.values);
  const std::string note = CommitCheckpoint(desk.store, *desk.audit).value();
  REQUIRE(ExportLog(reader, note, folder, desk.keys.files).ok());
  const AuditPublicKey key = ParsePublicKey(desk.audit->public_key()).value();
  CHECK(VerifyExport(folder, key, {}, desk.keys.files)->ok());
  const LogProof proof = ProveEntry(reader, 7, note).value();
  CHECK(VerifyProof(ParseProof(FormatProof(proof)).value(), key).ok());
  CHECK(ProveEntry(reader, 101, note).error().kind == ErrorKind::kNotFound);
}

TEST_CASE("WhatOfTheLogIsSignedIsKnownWithoutTheKey") {
  Desk desk;
  const LogReader reader(desk.store.values);
  const Error never = ReadSignedLog(reader).error();
  CHECK(never.kind == ErrorKind::kNotFound);
  CHECK(never.message == "the audit log has 101 entries, and no checkpoint of it was ever signed");
  const std::string note = CommitCheckpoint(desk.store, *desk.audit).value();
  CHECK(ReadSignedLog(reader)->checkpoint == note);
  CHECK(ReadSignedLog(reader)->later_count == 0);
  KeyValueBatch batch;
  REQUIRE(desk.audit->Append(Step("ldap/late"), batch).ok());
  REQUIRE(desk.store.CommitExtra(batch).ok());
  CHECK(ReadSignedLog(reader)->checkpoint == note);
  CHECK(ReadSignedLog(reader)->later_count == 1);
  // An entry that is there and not signed is not one that does not exist.
  CHECK(ProveEntry(reader, 101, note).error().message ==
        "entry 101 is in no signed checkpoint yet: the last covers 101 entries");
  const std::string nowhere = desk.keys.folder / "nowhere";
  CHECK(CheckReadableLog(desk.store.values, nowhere, desk.keys.files).ok());
  desk.store.values.values.erase(std::string(kPublicKeyName));
  CHECK(CheckReadableLog(desk.store.values, nowhere, desk.keys.files).error().message ==
        "the store has an audit log of 102 entries, but not the public key that checks them");
}

TEST_CASE("AnEntryThatCannotBeReadOrShownIsNamed") {
  Desk desk;
  const LogReader reader(desk.store.values);
  const auto refuse = [](uint64_t index, std::string_view, const LeafView&) -> Status {
    if (index < 98) return {};
    return Error{ErrorKind::kIo, "no", ""};
  };
  CHECK(ShowAudit(reader, {.from = 0}, refuse).ok());
  CHECK(ShowAudit(reader, {.from = 90}, refuse).error().message == "entry 98: no");
  desk.store.values.values[NumberKey(kLeafPrefix, 60)] = "garbage";
  CHECK(ShowAudit(reader, {.most = 0}, refuse).error().message.starts_with("entry 60: "));
}

TEST_CASE("ARotationThatIsNotCommittedLeavesTheKey") {
  Desk desk;
  const std::string before = desk.audit->public_key();
  desk.store.fails = true;
  CHECK_FALSE(RotateAuditKey(desk.store, *desk.audit, "uid 1000").ok());
  desk.store.fails = false;
  CHECK(desk.audit->public_key() == before);
  CHECK(desk.OpenLog()->public_key() == before);
  REQUIRE(RotateAuditKey(desk.store, *desk.audit, "uid 1000").ok());
  CHECK(desk.audit->public_key() != before);
  CHECK(desk.OpenLog()->public_key() == desk.audit->public_key());
  CHECK(desk.Shown({.kind = "key_rotated"}).size() == 1);
}

}  // namespace
}  // namespace rescind
