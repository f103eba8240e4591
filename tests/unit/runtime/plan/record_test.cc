// What findings, exemptions, releases and starts are as bytes: round trips, damage, newer versions.
#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "runtime/plan/exemption.h"
#include "runtime/plan/finding_book.h"
#include "runtime/plan/release.h"
#include "runtime/plan/removal_start.h"
#include "runtime/store/record_bytes.h"
#include "tests/unit/runtime/memory_store.h"

namespace rescind {
namespace {

Instant At(const char* text) { return ParseInstant(text).value(); }

Finding SampleFinding() {
  Finding finding;
  finding.policy = "p.stale";
  finding.entity = "grant";
  finding.row = RowId(77);
  finding.incarnation = 3;
  finding.opened_at = At("2026-01-01T00:00Z");
  finding.id = FindingId(finding);
  finding.resolved = true;
  finding.follows = "000000000000000000000000";
  finding.begun = {{0, At("2026-01-01T00:00Z")}, {1, At("2026-01-08T00:00Z")}};
  finding.noticed = {{0, At("2026-01-01T00:00Z")}, {1, At("2026-01-09T00:00Z")}};
  finding.notified = {"iam-team", "identity:ann"};
  finding.guards = {{"account", RowId(5), Verb::kDelete, Instant::Never()}};
  finding.alarmed_at = At("2026-01-02T00:00Z");
  finding.PutAction({"grant", RowId(9), Verb::kRun, "sweep", 1, std::nullopt,
                     At("2026-01-03T00:00Z"), std::nullopt, 0, "", At("2026-01-04T00:00Z")});
  finding.PutAction({"account", RowId(5), Verb::kDisable, "", 0, RowId(5), At("2026-01-01T00:00Z"),
                     At("2026-01-02T00:00Z"), 2, "0123", std::nullopt});
  return finding;
}
PolicyRecord SamplePolicyRecord() {
  return {"p.stale",
          At("2026-01-01T00:00Z"),
          "sha256:00",
          Duration{7 * kMicrosPerDay},
          {{"notify \"iam\""}, {"disable row.account", "run \"wipe\" row"}},
          {{"p.guard", "sha256:02"}, {"p.vip", "sha256:01"}},
          {{Duration{0}, {"notify \"iam\""}}, {Duration{7 * kMicrosPerDay}, {"delete row"}}},
          {4, 1},
          5};
}
// As FORMAT.md says of it, without the actions of version 2 and the instants of notices of 3.
std::string FindingOfVersion1(const Finding& finding) {
  RecordWriter writer(1);
  writer.Text(finding.id);
  writer.Text(finding.policy);
  writer.Text(finding.entity);
  writer.Number32(finding.row.index());
  writer.Number32(finding.incarnation);
  writer.Time(finding.opened_at);
  writer.Bool(finding.resolved);
  writer.Text(finding.follows);
  writer.List(finding.begun, [&](const StageTime& begin) {
    writer.Number32(begin.stage);
    writer.Time(begin.at);
  });
  writer.List(finding.noticed, [&](const StageTime& notice) { writer.Number32(notice.stage); });
  writer.List(finding.notified, [&](const std::string& name) { writer.Text(name); });
  writer.List(finding.guards, [&](const TargetGuard& guard) {
    writer.Text(guard.entity);
    writer.Number32(guard.row.index());
    writer.Byte(static_cast<uint8_t>(guard.verb));
    writer.Time(guard.until);
  });
  writer.Time(finding.alarmed_at);
  return writer.Take();
}
Exemption SampleExemption() {
  return {"e-1",
          "account",
          "ldap/ann",
          "p.stale",
          "audit",
          "ciso",
          At("2026-01-01T00:00Z"),
          At("2026-02-01T00:00Z"),
          At("2026-01-15T00:00Z")};
}
Release SampleRelease() {
  return {"r-1",
          "p.stale",
          "crm",
          "checked",
          "ann",
          At("2026-01-01T00:00Z"),
          At("2026-01-02T00:00Z"),
          "sha256:01"};
}
RemovalStart SampleStart() {
  return {At("2026-01-01T00:00Z"), "p.stale", "f1", 1, true, 2, {{"grant", "crm", {1, 2, 9}}}};
}

// Decoding gives what was encoded; no truncation, no added byte and no newer version is accepted,
// and no flipped bit crashes.
template <typename T>
void CheckRecord(const T& record, std::string (*encode)(const T&),
                 Result<T> (*decode)(std::string_view)) {
  const std::string bytes = encode(record);
  const auto decoded = decode(bytes);
  REQUIRE(decoded.ok());
  CHECK(*decoded == record);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const auto cut = decode(std::string_view(bytes).substr(0, length));
    REQUIRE_FALSE(cut.ok());
    CHECK(cut.error().kind == ErrorKind::kCorrupt);
  }
  CHECK(decode(bytes + '\0').error().kind == ErrorKind::kCorrupt);
  std::string newer = bytes;
  newer[0] = static_cast<char>(newer[0] + 1);
  CHECK(decode(newer).error().kind == ErrorKind::kUnsupported);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto other = decode(flipped);
    // Of an empty record an earlier version may say the same.
    if (other.ok() && bit >= 8) CHECK_FALSE(*other == record);
  }
}

TEST_CASE("records survive a round trip and refuse damage") {
  CheckRecord<Finding>(SampleFinding(), EncodeFinding, DecodeFinding);
  CheckRecord<Finding>(Finding(), EncodeFinding, DecodeFinding);
  CheckRecord<PolicyRecord>(SamplePolicyRecord(), EncodePolicyRecord, DecodePolicyRecord);
  CheckRecord<Exemption>(SampleExemption(), EncodeExemption, DecodeExemption);
  CheckRecord<Release>(SampleRelease(), EncodeRelease, DecodeRelease);
  CheckRecord<RemovalStart>(SampleStart(), EncodeRemovalStart, DecodeRemovalStart);
}

TEST_CASE("a finding of version 1 is read as one of which no action is remembered") {
  Finding before = SampleFinding();
  before.actions.clear();
  before.begun.push_back({1, At("2026-01-20T00:00Z")});
  const auto decoded = DecodeFinding(FindingOfVersion1(before));
  REQUIRE(decoded.ok());
  // Its notices left when their stages began, the last time.
  before.noticed = {{0, At("2026-01-01T00:00Z")}, {1, At("2026-01-20T00:00Z")}};
  CHECK(*decoded == before);
}

TEST_CASE("a finding of version 2 has its actions, and no instants of notices") {
  Finding before = SampleFinding();
  before.noticed = before.begun;
  Finding no_actions = before;
  no_actions.actions.clear();
  std::string actions = EncodeFinding(before);
  actions.erase(0, EncodeFinding(no_actions).size() - 4);  // less the count of an empty list
  std::string bytes = FindingOfVersion1(before) + actions;
  bytes[0] = 2;
  const auto decoded = DecodeFinding(bytes);
  REQUIRE(decoded.ok());
  CHECK(*decoded == before);
}

TEST_CASE("of a policy of an earlier version neither stages nor protects are known") {
  PolicyRecord before = SamplePolicyRecord();
  before.stages.clear();
  before.protects.clear();
  before.confirmed_stages.clear();
  before.stage_ids.clear();
  before.next_stage_id = 0;
  std::string bytes = EncodePolicyRecord(before);
  bytes[0] = 1;
  bytes.resize(bytes.size() - 20);  // the four empty lists, the next id
  const auto decoded = DecodePolicyRecord(bytes);
  REQUIRE(decoded.ok());
  CHECK(*decoded == before);
}

TEST_CASE("of a policy of version 2 the notice that was confirmed is known, and no later stage") {
  PolicyRecord before = SamplePolicyRecord();
  before.confirmed_stages.clear();
  before.stage_ids = {0, 1};
  before.next_stage_id = 2;
  std::string bytes = EncodePolicyRecord(before);
  bytes[0] = 2;
  bytes.resize(bytes.size() - 20);  // the empty list, the ids
  const auto decoded = DecodePolicyRecord(bytes);
  REQUIRE(decoded.ok());
  CHECK(*decoded == before);
}

TEST_CASE("the stages of a policy of version 3 have their numbers as ids") {
  PolicyRecord before = SamplePolicyRecord();
  before.stage_ids = {0, 1};
  before.next_stage_id = 2;
  std::string bytes = EncodePolicyRecord(before);
  bytes[0] = 3;
  bytes.resize(bytes.size() - 16);
  const auto decoded = DecodePolicyRecord(bytes);
  REQUIRE(decoded.ok());
  CHECK(*decoded == before);
}

TEST_CASE("a policy record whose stages have no ids, or too many, is corrupt") {
  for (const size_t count : {0, 1, 3}) {
    PolicyRecord record = SamplePolicyRecord();
    record.stage_ids.resize(count);
    const auto decoded = DecodePolicyRecord(EncodePolicyRecord(record));
    REQUIRE(!decoded.ok());
    CHECK(decoded.error().kind == ErrorKind::kCorrupt);
  }
}

TEST_CASE("a release of an earlier version is read as one for a text that nobody knows") {
  Release before = SampleRelease();
  before.meaning.clear();
  std::string bytes = EncodeRelease(before);
  bytes[0] = 1;
  bytes.resize(bytes.size() - 4);  // the empty text
  const auto decoded = DecodeRelease(bytes);
  REQUIRE(decoded.ok());
  CHECK(*decoded == before);
}

TEST_CASE("a book is what was written of it, by policy and row") {
  MemoryStore store;
  FindingBook book;
  for (const uint32_t row : {3u, 70'000u, 12u}) {
    Finding finding = SampleFinding();
    finding.row = RowId(row);
    auto& list = book.MutableOf(finding.policy);
    list.push_back(finding);
    std::sort(list.begin(), list.end(),
              [](const Finding& a, const Finding& b) { return a.row < b.row; });
  }
  Finding other = SampleFinding();
  other.policy = "p.stale.more";
  book.MutableOf(other.policy).push_back(other);
  book.MutableRecord("p.stale").confirmed_meaning = "sha256:01";
  KeyValueBatch batch;
  book.WriteChanges(FindingBook(), batch);
  store.Apply(batch);
  const auto loaded = FindingBook::Load(store);
  REQUIRE(loaded.ok());
  CHECK(loaded->Of("p.stale") == book.Of("p.stale"));
  CHECK(loaded->Of("p.stale.more") == book.Of("p.stale.more"));
  CHECK(loaded->count() == 4);
  CHECK_FALSE(loaded->cold());
  KeyValueBatch nothing;
  loaded->WriteChanges(book, nothing);
  CHECK(nothing.empty());
  KeyValueBatch all_gone;
  FindingBook().WriteChanges(book, all_gone);
  store.Apply(all_gone);
  CHECK(store.values.empty());
}

TEST_CASE("a damaged record is named") {
  MemoryStore store;
  store.values["finding/row/p.stale/00000001"] = "\x01nonsense";
  CHECK(FindingBook::Load(store).error().message.starts_with("finding/row/p.stale/00000001: "));
  store.values.clear();
  store.values["exempt/e-1"] = "\x09";
  const auto listed = ListExemptions(store);
  CHECK(listed.error().kind == ErrorKind::kUnsupported);
  CHECK(listed.error().message.starts_with("exempt/e-1: "));
}

TEST_CASE("starts are listed from an instant on and dropped after a day and a bit") {
  MemoryStore store;
  KeyValueBatch batch;
  for (const char* at : {"0999-01-01T00:00Z", "2026-01-01T00:00Z", "2026-01-02T00:00Z"}) {
    RemovalStart start = SampleStart();
    start.at = At(at);
    PutRemovalStart(batch, start, "0123");
  }
  store.Apply(batch);
  CHECK(ListRemovalStarts(store, At("0001-01-01T00:00Z"))->size() == 3);
  CHECK(ListRemovalStarts(store, At("2026-01-01T00:00Z"))->size() == 2);
  CHECK(ListRemovalStarts(store, At("2026-01-01T00:00:01Z"))->size() == 1);
  KeyValueBatch drop;
  CHECK(DropOldRemovalStarts(store, At("2026-01-02T02:00Z"), drop).ok());
  store.Apply(drop);
  CHECK(ListRemovalStarts(store, At("0001-01-01T00:00Z"))->size() == 2);
}

}  // namespace
}  // namespace rescind
