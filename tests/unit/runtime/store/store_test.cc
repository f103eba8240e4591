// The contract of Store, a promise at a time.
#include "runtime/store/store.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "runtime/store/byte_codec.h"
#include "runtime/store/database.h"
#include "runtime/store/disk_guard.h"
#include "runtime/store/high_water_mark.h"
#include "runtime/store/store_layout.h"
#include "tests/unit/runtime/store/store_fixture.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

constexpr auto kLiveByte = static_cast<uint8_t>(Presence::kLive);

FactDelta AnnAndHerAccount(std::string source = "hr", Instant observed_at = kStart) {
  FactDelta delta = StoreFixture::From(std::move(source), observed_at);
  delta.BeginRow(kIdentity, "ann");
  delta.SetText(kName, "Ann");
  delta.SetNumber(kStatus, 0);
  delta.SetReference(kManager, "bob");
  delta.BeginSet(kTags);
  delta.AddText("vip");
  delta.AddText("board");
  delta.BeginRow(kAccount, "ldap/ann");
  delta.SetReference(kOwner, "ann");
  delta.SetText(kUser, "ann");
  delta.SetNumber(kPrivileged, 1);
  delta.SetNumber(kLastLogin, kStart.micros);
  delta.SetNumber(kEndsOn, 20'000);
  delta.BeginSet(kLevels);
  delta.AddNumber(-5);
  delta.AddNumber(7);
  delta.BeginSet(kPeers);
  delta.AddText("ldap/bob");
  delta.SetNumber(kScore, -3);
  return delta;
}

FactDelta SetStatus(const std::string& id, int64_t status, std::string source = "hr",
                    Instant observed_at = kStart) {
  FactDelta delta = StoreFixture::From(std::move(source), observed_at);
  delta.BeginRow(kIdentity, id);
  delta.SetNumber(kStatus, status);
  return delta;
}

FactDelta Deleted(const std::string& id, std::string source = "hr", Instant observed_at = kStart) {
  FactDelta delta = StoreFixture::From(std::move(source), observed_at);
  delta.BeginRow(kIdentity, id);
  delta.Delete();
  return delta;
}

void CheckAnn(const FactBase& facts) {
  const Table& identities = facts.table(kIdentity);
  const Table& accounts = facts.table(kAccount);
  REQUIRE(identities.row_count() == 2);
  REQUIRE(accounts.row_count() == 2);
  CHECK(identities.presence(RowId(0)) == Presence::kLive);
  CHECK(identities.presence(RowId(1)) == Presence::kAbsent);
  CHECK(accounts.complete(RowId(0)));
  const Column& name = identities.column(kName);
  CHECK(name.dictionary().Text(name.codes()[0]) == "Ann");
  CHECK(identities.column(kStatus).bytes()[0] == 0);
  CHECK(identities.column(kStatus).bytes()[1] == kUnknownByte);
  CHECK(identities.column(kManager).rows()[0] == 1);
  const Column& tags = identities.column(kTags);
  REQUIRE(tags.pool().Members(tags.sets()[0]).size() == 2);
  CHECK(tags.sets()[1] == kEmptySet);
  CHECK(identities.inverse(kAccounts).Count(RowId(0)) == 1);
  CHECK(accounts.column(kPrivileged).bytes()[0] == 1);
  CHECK(accounts.column(kLastLogin).longs()[0] == kStart.micros);
  CHECK(accounts.column(kEndsOn).days()[0] == 20'000);
  const Column& levels = accounts.column(kLevels);
  CHECK(levels.pool().HasInteger(levels.sets()[0], -5));
  const Column& peers = accounts.column(kPeers);
  CHECK(peers.pool().Has(peers.sets()[0], 1));
  CHECK(accounts.column(kScore).longs()[0] == -3);
  CHECK(facts.texts().Id(kAccount, RowId(1)).value() == "ldap/bob");
  CHECK(facts.texts().Text(kIdentity, kName, RowId(0)).value() == "Ann");
  CHECK(facts.texts().Origin(kIdentity, kName, RowId(0)).value()->source == "hr");
  CHECK(identities.ids().dictionary().Text(identities.ids().codes()[1]) == "bob");
}

}  // namespace

TEST_CASE_FIXTURE(StoreFixture, "A commit is there at once, after reopening, and after a fold") {
  Open();
  const CommitReport report = Commit(AnnAndHerAccount());
  CHECK(report.facts_seq == 1);
  CHECK(report.rows_given == 2);
  CHECK(report.rows_added == 2);
  CHECK(report.at == kStart);
  CheckAnn(Load());
  const std::string id = store->id();
  Open();
  CHECK(store->id() == id);
  CHECK(store->facts_seq() == 1);
  CHECK(store->last_change() == kStart);
  CheckAnn(Load());
  REQUIRE(store->Close().ok());
  Open();
  CheckAnn(Load());
  const auto row = store->Find(kAccount, "ldap/nobody");
  REQUIRE(row.ok());
  CHECK_FALSE(row->has_value());
}

TEST_CASE_FIXTURE(StoreFixture, "Giving the same again changes nothing but the origin") {
  Open();
  Commit(AnnAndHerAccount());
  const Instant later{kStart.micros + 5};
  const CommitReport report = Commit(AnnAndHerAccount("hr", later));
  CHECK(report.rows_unchanged == 2);
  CHECK(report.rows_changed == 0);
  CheckAnn(Load());
  CHECK(Load().texts().Origin(kIdentity, kName, RowId(0)).value()->observed_at == later);
}

TEST_CASE_FIXTURE(StoreFixture,
                  "Only a change between two known values of a tracked field counts") {
  Open();
  Commit(SetStatus("ann", 0));
  CHECK_FALSE(Show(kIdentity, "ann").fields[1].changed_at);
  clock.Advance({10});
  FactDelta unknown = From("hr");
  unknown.BeginRow(kIdentity, "ann");
  unknown.SetUnknown(kStatus);
  CHECK(Commit(unknown).rows_changed == 1);
  CHECK_FALSE(Show(kIdentity, "ann").fields[1].changed_at);
  Commit(SetStatus("ann", 0));
  Commit(SetStatus("ann", 1));
  const auto shown = Show(kIdentity, "ann");
  CHECK(shown.fields[1].value == "disabled");
  CHECK(shown.fields[1].previous == "active");
  CHECK(shown.fields[1].changed_at == Instant{kStart.micros + 10});
  FactDelta dated = SetStatus("ann", 0);
  dated.SetEffective({kStart.micros - 77});
  Commit(dated);
  CHECK(Show(kIdentity, "ann").fields[1].changed_at == Instant{kStart.micros - 77});
  const FactBase facts = Load();
  CHECK(facts.table(kIdentity).tracked(kStatus).previous.bytes()[0] == 1);
  CHECK(facts.table(kIdentity).tracked(kStatus).changed_at[0] == kStart.micros - 77);
}

// Access that was given anew was once revoked for a last use in its former life.
TEST_CASE_FIXTURE(StoreFixture, "A row that comes back has no field of its former life") {
  Open();
  Commit(AnnAndHerAccount());
  Commit(SetStatus("ann", 1));
  Commit(Deleted("ann"));
  FactDelta again = From("hr");
  again.BeginRow(kIdentity, "ann");
  Commit(again);
  const auto is_new = [&](const RowFacts& ann) {
    CHECK(ann.incarnation == 2);
    for (const RowFacts::Field& field : ann.fields) {
      CHECK(field.value == (field.name == "tags" ? "" : "unknown"));
      CHECK_FALSE(field.origin.has_value());
      CHECK_FALSE(field.changed_at.has_value());
    }
  };
  is_new(Show(kIdentity, "ann"));
  REQUIRE(store->Checkpoint().ok());
  Open();
  is_new(Show(kIdentity, "ann"));
}

TEST_CASE_FIXTURE(StoreFixture, "A removed row keeps its RowId and comes back as another life") {
  Open();
  Commit(AnnAndHerAccount());
  const RowId row = Row(kIdentity, "ann");
  CHECK(Commit(Deleted("ann")).rows_removed == 1);
  CHECK(Commit(Deleted("ann")).rows_unchanged == 1);
  FactBase facts = Load();
  CHECK(facts.table(kIdentity).presence(row) == Presence::kRemoved);
  CHECK(facts.table(kIdentity).removed_at(row) == kStart);
  CHECK(facts.table(kIdentity).incarnation(row) == 1);
  CHECK_FALSE(facts.table(kAccount).complete(RowId(0)));
  CHECK(Commit(SetStatus("ann", 1)).rows_added == 1);
  CHECK(Row(kIdentity, "ann") == row);
  Open();
  facts = Load();
  CHECK(facts.table(kIdentity).incarnation(row) == 2);
  CHECK(facts.table(kAccount).complete(RowId(0)));
}

TEST_CASE_FIXTURE(StoreFixture,
                  "A commit before the last change is refused, a clock set back is not") {
  Open();
  Commit(SetStatus("ann", 0), Instant{kStart.micros + 100});
  CommitOptions early;
  early.at = Instant{kStart.micros + 99};
  const auto refused = store->Commit(SetStatus("ann", 1), early);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::kInvalidInput);
  CHECK(Show(kIdentity, "ann").fields[1].value == "active");
  CHECK(Commit(SetStatus("ann", 1)).at == Instant{kStart.micros + 100});
}

TEST_CASE_FIXTURE(StoreFixture, "A sixty-fifth source of an entity is refused and takes nothing") {
  Open();
  const auto say = [&](int source) {
    FactDelta delta = From("source " + std::to_string(source));
    delta.BeginRow(kIdentity, "ann");
    return store->Commit(delta, {});
  };
  for (int i = 1; i <= 64; ++i) REQUIRE(say(i).ok());
  const auto refused = say(65);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::kInvalidInput);
  CHECK(refused.error().message == "source 'source 65' would be the 65th of its entity");
  CHECK(refused.error().help.find("at most 64 sources") != std::string::npos);
  CHECK(Show(kIdentity, "ann").sources.size() == 64);
  CHECK(say(64).ok());
  FactDelta other = From("source 65");
  other.BeginRow(kAccount, "a");
  CHECK(store->Commit(other, {}).ok());
}

TEST_CASE_FIXTURE(StoreFixture, "A value of another type is refused and nothing is taken") {
  Open();
  FactDelta delta = SetStatus("ann", 0);
  delta.BeginRow(kIdentity, "bob");
  delta.SetNumber(kStatus, 2);
  const auto refused = store->Commit(delta, {});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("'bob': status") != std::string::npos);
  CHECK_FALSE(store->Find(kIdentity, "ann")->has_value());
}

TEST_CASE_FIXTURE(StoreFixture, "A feed that looked before our verification does not undo it") {
  Open();
  Commit(SetStatus("ann", 0));
  const Instant verified{kStart.micros + 100};
  clock.Advance({100});
  Commit(SetStatus("ann", 1, "rescind", verified));
  const CommitReport stale = Commit(SetStatus("ann", 0, "hr", {kStart.micros + 99}));
  CHECK(stale.rows_ignored == 1);
  CHECK(stale.rows_unchanged == 1);
  CHECK(Show(kIdentity, "ann").fields[1].value == "disabled");
  // One that confirms it does not open the door to others that are older.
  Commit(SetStatus("ann", 1, "hr", {kStart.micros + 101}));
  Open();
  CHECK(Commit(SetStatus("ann", 0, "hr", {kStart.micros + 99})).rows_ignored == 1);
  CHECK(Show(kIdentity, "ann").fields[1].value == "disabled");
  // Nor does what is as old as ours, now that the feed itself has looked later.
  CHECK(Commit(SetStatus("ann", 0, "hr", verified)).rows_ignored == 1);
  CHECK(Commit(SetStatus("ann", 0, "hr", {kStart.micros + 102})).rows_changed == 1);
  CHECK(Show(kIdentity, "ann").fields[1].value == "active");
}

TEST_CASE_FIXTURE(StoreFixture,
                  "A removal that we verified stands until a source has looked since") {
  Open();
  Commit(SetStatus("ann", 0));
  const Instant verified{kStart.micros + 100};
  Commit(Deleted("ann", "rescind", verified));
  CHECK(Commit(SetStatus("ann", 0, "hr", {kStart.micros + 99})).rows_ignored == 1);
  CHECK(Show(kIdentity, "ann").presence == Presence::kRemoved);
  CHECK(Commit(SetStatus("ann", 0, "hr", verified)).rows_added == 1);
  CHECK(Show(kIdentity, "ann").incarnation == 2);
  CHECK(Show(kIdentity, "ann").sources == std::vector<std::string>{"hr"});
}

// What a rollback had given back was gone for the facts: no plan listed it.
TEST_CASE_FIXTURE(StoreFixture, "An undone removal restores the row as it was") {
  Open();
  Commit(SetStatus("ann", 0));
  clock.Advance({100});
  Commit(Deleted("ann", "rescind", clock.Now()));
  clock.Advance({100});
  FactDelta undone = From("rescind", clock.Now());
  undone.BeginRow(kIdentity, "ann");
  undone.Restore();
  CHECK(Commit(undone).rows_added == 1);
  CHECK(Commit(undone).rows_unchanged == 1);
  for (int opened = 0; opened < 2; ++opened) {
    const RowFacts ann = Show(kIdentity, "ann");
    CHECK(ann.presence == Presence::kLive);
    CHECK(ann.incarnation == 1);
    CHECK_FALSE(ann.removed_at);
    CHECK(ann.fields[1].value == "active");
    CHECK(ann.sources.empty());
    Open();
  }
  // Who looked before does not take it away, and who lists it lists what is there.
  CHECK(Commit(Deleted("ann", "hr", {kStart.micros + 150})).rows_ignored == 1);
  CHECK(Commit(SetStatus("ann", 1, "hr", clock.Now())).rows_changed == 1);
  CHECK(Show(kIdentity, "ann").incarnation == 1);
  // A row that was never there is not made up.
  FactDelta unknown = From("rescind", clock.Now());
  unknown.BeginRow(kIdentity, "nobody");
  unknown.Restore();
  Commit(unknown);
  CHECK(Show(kIdentity, "nobody").presence == Presence::kAbsent);
}

TEST_CASE_FIXTURE(StoreFixture, "What we verify asserts no row") {
  Open();
  Commit(SetStatus("ann", 1, "rescind"));
  CHECK(Show(kIdentity, "ann").presence == Presence::kAbsent);
  CHECK(store->Sources().empty());
}

TEST_CASE_FIXTURE(StoreFixture, "Key-values are committed with facts or alone, and read back") {
  Open();
  KeyValueBatch extra;
  extra.Put("journal/a", "1");
  extra.Put("journal/b", "2");
  extra.Put("audit/x", "3");
  extra.SetAuditMark({1, {7}});
  CommitOptions commit;
  commit.extra = &extra;
  REQUIRE(store->Commit(SetStatus("ann", 0), commit).ok());
  KeyValueBatch later;
  later.Delete("journal/a");
  later.Put(std::string("journal/\xFF", 9), "4");
  REQUIRE(store->CommitExtra(later).ok());
  CHECK(store->facts_seq() == 1);
  Open();
  const KeyValueReader& values = store->key_values();
  CHECK_FALSE(values.Get("journal/a")->has_value());
  CHECK(values.Get("audit/x")->value() == "3");
  CHECK(values.audit_mark() == AuditMark{1, {7}});
  CHECK((*values.Last("journal/"))->second == "4");
  CHECK((*values.Last("audit/"))->first == "audit/x");
  CHECK_FALSE(values.Last("nobody/")->has_value());
  std::vector<std::string> seen;
  REQUIRE(values
              .Scan("journal/", "",
                    [&](std::string_view key, std::string_view) {
                      seen.emplace_back(key);
                      return true;
                    })
              .ok());
  CHECK(seen == std::vector<std::string>{"journal/b", "journal/\xFF"});
  seen.clear();
  REQUIRE(values
              .Scan("journal/", "journal/c",
                    [&](std::string_view key, std::string_view) {
                      seen.emplace_back(key);
                      return true;
                    })
              .ok());
  CHECK(seen.size() == 1);
}

TEST_CASE_FIXTURE(StoreFixture, "Another process is refused, and told whose the store is") {
  Open();
  const auto second = TryOpen();
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().kind == ErrorKind::kBusy);
  CHECK(second.error().message.find(std::to_string(getpid())) != std::string::npos);
}

TEST_CASE_FIXTURE(StoreFixture, "Opening for execution begins an epoch") {
  Open();
  const uint64_t epoch = store->epoch();
  options.for_execution = true;
  Open();
  CHECK(store->epoch() == epoch + 1);
  options.for_execution = false;
  Open();
  CHECK(store->epoch() == epoch + 1);
}

TEST_CASE_FIXTURE(StoreFixture, "A store that is not there is not made unless asked") {
  options.create_if_missing = false;
  const auto opened = TryOpen();
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().kind == ErrorKind::kNotFound);
}

TEST_CASE_FIXTURE(StoreFixture, "A backup opens and has the facts") {
  Open();
  Commit(AnnAndHerAccount());
  REQUIRE(store->Backup(folder / "copy").ok());
  CHECK_FALSE(store->Backup(folder / "copy").ok());
  Commit(Deleted("ann"));
  store = std::move(*Store::Open(folder / "copy", schema_, {files, clock, random}, options));
  CheckAnn(Load());
}

// It once read the names of everybody to show the name of one.
TEST_CASE_FIXTURE(StoreFixture, "Showing a row reads its texts and not all others") {
  constexpr uint32_t kPeople = 30'000;
  const auto id = [](uint32_t i) { return fmt::format("person {}", i); };
  const auto name = [](uint32_t i) { return fmt::format("the only name of person {}", i); };
  options.create_if_missing = true;
  Open();
  {
    FactDelta delta = From("hr");
    for (uint32_t i = 0; i < kPeople; ++i) {
      delta.BeginRow(kIdentity, id(i));
      delta.SetText(kName, name(i));
    }
    Commit(delta);
  }
  REQUIRE(store->Checkpoint().ok());
  {
    FactDelta delta = From("hr");
    delta.BeginRow(kIdentity, id(kPeople));
    delta.SetText(kName, name(kPeople));
    Commit(delta);
  }
  const auto name_of = [&](uint32_t i) {
    const RowFacts facts = Show(kIdentity, id(i));
    REQUIRE(facts.fields.front().name == "name");
    return facts.fields.front().value;
  };
  SeededRandom dice(TestSeed());
  for (int round = 0; round < 2; ++round) {
    Open();
    // The first few are found by themselves, and one in the log; many more are worth a whole load.
    CHECK(name_of(kPeople) == name(kPeople));
    CHECK(name_of(0) == name(0));
    CHECK(name_of(kPeople - 1) == name(kPeople - 1));
    const int many = round == 0 ? 3 : 300;
    for (int n = 0; n < many; ++n) {
      const auto i = static_cast<uint32_t>(dice.Below(kPeople + 1));
      CHECK(name_of(i) == name(i));
    }
  }

  // Without the last block, what lies in others is still shown, and what it held is refused.
  store.reset();
  {
    const DiskGuard guard(folder / "store", files);
    auto database = Database::Open(folder / "store/db", Database::Access::kChange, {guard});
    REQUIRE(database.ok());
    const std::string prefix = TextListPrefix(0, DictionaryList(0));
    const auto last = (*database)->Last(Family::kKeys, prefix, AfterPrefix(prefix));
    REQUIRE((last.ok() && last->has_value()));
    rocksdb::WriteBatch batch;
    (*database)->Delete(batch, Family::kKeys, (**last).first);
    REQUIRE((*database)->Write(batch, Database::Durability::kSynced).ok());
  }
  Open();
  CHECK(name_of(0) == name(0));
  const auto lost = store->Show(kIdentity, id(kPeople - 1));
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.error().kind == ErrorKind::kCorrupt);
}

TEST_CASE_FIXTURE(StoreFixture, "Facts as of an earlier instant are those recorded then") {
  Open();
  Commit(AnnAndHerAccount());
  for (int i = 1; i <= 3; ++i) {
    clock.Advance({10});
    FactDelta delta = SetStatus("ann", i % 2, "hr", clock.Now());
    delta.SetText(kName, fmt::format("Ann {}", i));
    delta.BeginRow(kIdentity, fmt::format("new {}", i));
    Commit(delta);
    if (i == 2) REQUIRE(store->Checkpoint().ok());
  }
  clock.Advance({10});
  Commit(Deleted("ann"));
  for (const bool reopened : {false, true}) {
    if (reopened) Open();
    const auto at = [&](int64_t offset) {
      ColumnSet columns = ColumnSet::All(*schema_);
      columns.AddIds(kIdentity);
      columns.AddIds(kAccount);
      auto past = store->LoadFactsAsOf({kStart.micros + offset}, columns, {});
      if (!past.ok()) FAIL(past.error().message);
      return std::move(past->facts);
    };
    CheckAnn(at(0));
    CheckAnn(at(9));
    const FactBase second = at(25);
    CHECK(second.facts_seq() == 3);
    CHECK(second.last_change() == Instant{kStart.micros + 20});
    CHECK(second.table(kIdentity).row_count() == 4);
    CHECK(second.table(kIdentity).presence(RowId(0)) == Presence::kLive);
    CHECK(second.texts().Text(kIdentity, kName, RowId(0)).value() == "Ann 2");
    CHECK(second.table(kIdentity).tracked(kStatus).changed_at[0] == kStart.micros + 20);
    const FactBase before = at(-1);
    CHECK(before.table(kIdentity).row_count() == 0);
    CHECK(before.facts_seq() == 0);
    CHECK(before.last_change() == Instant{});
  }
}

TEST_CASE_FIXTURE(StoreFixture, "History that was dropped is not made up") {
  options.history_age = {100};
  Open();
  Commit(SetStatus("ann", 0));
  clock.Advance({50});
  Commit(SetStatus("ann", 1));
  clock.Advance({90});
  REQUIRE(store->Checkpoint().ok());
  const auto gone = store->LoadFactsAsOf(kStart, {}, {});
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().kind == ErrorKind::kNotFound);
  CHECK(store->LoadFactsAsOf({kStart.micros + 50}, {}, {}).ok());
}

TEST_CASE_FIXTURE(StoreFixture, "A schema that grew is taken, in whatever order") {
  Open();
  Commit(AnnAndHerAccount());
  Schema grown;
  const EntityId extra = grown.AddEntity("extra");
  const EntityId identity = grown.AddEntity("identity");
  const EntityId account = grown.AddEntity("account");
  const Schema old = StoreSchema();
  FieldDef badge = MakeField("badge", TypeKind::kText, true);
  grown.AddField(extra, badge);
  grown.AddField(identity, badge);
  for (const EntityId from : {kIdentity, kAccount}) {
    for (FieldDef field : old.entity(from).fields) {
      if (field.type.entity.valid()) {
        field.type.entity = field.type.entity == kIdentity ? identity : account;
      }
      if (field.type.kind == TypeKind::kEnum) {
        field.type.enumeration = grown.AddEnum({{"active", "disabled", "gone"}, false});
      }
      grown.AddField(from == kIdentity ? identity : account, field);
    }
  }
  SetSchema(grown);
  for (int round = 0; round < 2; ++round) {
    Open();
    auto facts = store->LoadFacts(ColumnSet::All(grown), {});
    REQUIRE(facts.ok());
    const Table& identities = facts->table(identity);
    CHECK(identities.column(FieldId(0)).IsUnknown(RowId(0)));
    const Column& name = identities.column(FieldId(1));
    CHECK(name.dictionary().Text(name.codes()[0]) == "Ann");
    CHECK(facts->table(account).complete(RowId(0)));
  }
  FactDelta delta = From("hr");
  delta.BeginRow(identity, "ann");
  delta.SetNumber(FieldId(2), 2);
  Commit(delta);
  CHECK(Show(identity, "ann").fields[2].value == "gone");
}

TEST_CASE_FIXTURE(StoreFixture, "A schema that would reinterpret stored values is refused") {
  Open();
  Commit(AnnAndHerAccount());
  store.reset();
  const auto refused = [&](auto change) {
    Schema changed;
    const Schema old = StoreSchema();
    for (const EntityDef& entity : old.entities()) changed.AddEntity(entity.name);
    for (const EntityId entity : {kIdentity, kAccount}) {
      for (FieldDef field : old.entity(entity).fields) {
        EnumDef members{{"active", "disabled"}, false};
        if (!change(field, members)) continue;
        if (field.type.kind == TypeKind::kEnum) field.type.enumeration = changed.AddEnum(members);
        changed.AddField(entity, field);
      }
    }
    SetSchema(changed);
    const auto opened = TryOpen();
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().kind == ErrorKind::kUnsupported);
    CHECK_FALSE(opened.error().help.empty());
    return opened.error().message;
  };
  CHECK(refused([](FieldDef& field, EnumDef&) { return field.name != "score"; }) ==
        "field account.score is in the store and no longer declared: 1 row has a value of it, "
        "removed rows counted too");
  CHECK(refused([](FieldDef& field, EnumDef&) {
          if (field.name == "score") field.type.kind = TypeKind::kTime;
          return true;
        }) ==
        "field account.score holds values of type int in the store and is time now: "
        "1 row has a value of it, removed rows counted too");
  CHECK(refused([](FieldDef&, EnumDef& members) {
          std::swap(members.members[0], members.members[1]);
          return true;
        }).find("field identity.status is enum") == 0);
  CHECK(refused([](FieldDef& field, EnumDef&) {
          if (field.name == "manager") field.type.entity = kAccount;
          return true;
        }) ==
        "field identity.manager refers to identity in the store and to account now: 1 "
        "row has a value of it, removed rows counted "
        "too");
  SetSchema(StoreSchema());
  Open();
  CheckAnn(Load());
}

}  // namespace rescind
