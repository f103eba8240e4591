// Imports: all at once, small or staged; snapshots and what they withdraw.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "runtime/store/snapshot_sizes.h"
#include "runtime/store/source_ledger.h"
#include "tests/unit/runtime/store/store_fixture.h"

namespace rescind {
namespace {

FactDelta People(int first, int end, int64_t status = 0) {
  FactDelta delta = StoreFixture::From("ignored");
  for (int i = first; i < end; ++i) {
    delta.BeginRow(kIdentity, fmt::format("person {}", i));
    delta.SetNumber(kStatus, status);
    delta.SetText(kName, fmt::format("name {}", i % 100));
  }
  return delta;
}

class ImportFixture : public StoreFixture {
 public:
  std::unique_ptr<Import> Begin(std::string source = "hr", bool snapshot = false,
                                bool allow_shrink = false) {
    ImportOptions import;
    import.origin = {std::move(source), clock.Now()};
    import.snapshot = snapshot;
    import.allow_shrink = allow_shrink;
    import.snapshot_entities = {kIdentity};
    import.declared = workspace_sources;
    auto begun = store->BeginImport(import);
    if (!begun.ok()) FAIL(begun.error().message);
    return std::move(*begun);
  }
  DeclaredSources workspace_sources;
  static CommitReport Finish(Import& import) {
    auto report = import.Finish();
    if (!report.ok()) FAIL(report.error().message);
    return *report;
  }
};

}  // namespace

TEST_CASE_FIXTURE(ImportFixture, "A staged import is there whole, and reads as a small one does") {
  for (const uint64_t staging_rows : {uint64_t{1'000'000}, uint64_t{1'000}}) {
    options.staging_rows = staging_rows;
    Open();
    const auto import = Begin();
    for (int i = 0; i < 10; ++i) REQUIRE(import->Add(People(i * 1000, i * 1000 + 1000)).ok());
    const CommitReport report = Finish(*import);
    CHECK(report.rows_given == 10'000);
    CHECK(report.rows_added + report.rows_unchanged == 10'000);
    for (int round = 0; round < 2; ++round) {
      const FactBase facts = Load();
      CHECK(facts.table(kIdentity).live_count() == 10'000);
      const RowId row = Row(kIdentity, "person 9999");
      CHECK(facts.texts().Text(kIdentity, kName, row).value() == "name 99");
      CHECK(facts.texts().Id(kIdentity, row).value() == "person 9999");
      CHECK(facts.texts().Origin(kIdentity, kStatus, row).value()->source == "hr");
      Open();
    }
    CHECK(store->Sources().front().claimed_rows == 10'000);
  }
}

TEST_CASE_FIXTURE(ImportFixture, "Where a fact comes from is read anew after it has changed") {
  options.staging_rows = 1'000;
  Open();
  const auto import = Begin();
  REQUIRE(import->Add(People(0, 10'000)).ok());
  Finish(*import);
  Open();
  const auto source = [&](uint32_t row) {
    return Load().texts().Origin(kIdentity, kStatus, RowId(row)).value()->source;
  };
  CHECK(source(4'100) == "hr");  // its chunk has one value
  FactDelta later = From("crm");
  later.BeginRow(kIdentity, "person 4100");
  later.SetNumber(kStatus, 1);
  Commit(later);
  for (int round = 0; round < 3; ++round) {
    CHECK(source(4'100) == "crm");
    CHECK(source(4'101) == "hr");
    CHECK(source(9'000) == "hr");
    CHECK(Load().texts().Id(kIdentity, RowId(300)).value() == "person 300");
    CHECK(Load().texts().Id(kIdentity, RowId(9'999)).value() == "person 9999");
    if (round == 1) REQUIRE(store->Checkpoint().ok());
    Open();
  }
}

TEST_CASE_FIXTURE(ImportFixture, "An import that is dropped leaves no trace") {
  options.staging_rows = 500;
  Open();
  Commit(People(0, 10));
  for (const int count : {100, 5'000}) {
    auto import = Begin();
    REQUIRE(import->Add(People(0, count, 1)).ok());
    CHECK(import->WasGiven(kIdentity, fmt::format("person {}", count - 1)));
    CHECK_FALSE(import->WasGiven(kIdentity, fmt::format("person {}", count)));
    CHECK_FALSE(store->Commit(People(0, 1), {}).ok());
    import.reset();
    // Symptom once: the clean-up took a mark of the log with it, and the store was refused.
    Open();
    CHECK(store->facts_seq() == 1);
    CHECK(Load().table(kIdentity).row_count() == 10);
    CHECK(Show(kIdentity, "person 3").fields[1].value == "active");
  }
  Commit(People(10, 11));
  Open();
  CHECK(Load().table(kIdentity).row_count() == 11);
  CHECK(Show(kIdentity, "person 10").fields[0].value == "name 10");
}

TEST_CASE_FIXTURE(ImportFixture, "A bad value ends the import and nothing of it is taken") {
  options.staging_rows = 500;
  Open();
  const auto import = Begin();
  REQUIRE(import->Add(People(0, 1'000)).ok());
  CHECK_FALSE(import->Add(People(0, 1, 99)).ok());
  CHECK_FALSE(import->Finish().ok());
  CHECK(Load().table(kIdentity).row_count() == 0);
  CHECK(store->Commit(People(0, 1), {}).ok());
}

TEST_CASE_FIXTURE(ImportFixture, "What existed before a staged import can be read as of then") {
  options.staging_rows = 500;
  Open();
  Commit(People(0, 2'000));
  clock.Advance({10});
  const auto import = Begin();
  REQUIRE(import->Add(People(1'000, 3'000, 1)).ok());
  const CommitReport report = Finish(*import);
  CHECK(report.rows_changed == 1'000);
  CHECK(report.rows_added == 1'000);
  for (int round = 0; round < 2; ++round) {
    auto past = store->LoadFactsAsOf(kStart, ColumnSet::All(*schema_), {});
    REQUIRE(past.ok());
    const Table& people = past->facts.table(kIdentity);
    CHECK(people.row_count() == 2'000);
    CHECK(people.column(kStatus).bytes()[1'500] == 0);
    CHECK(people.tracked(kStatus).changed_at[1'500] == kUnknownLong);
    const auto origin = past->facts.texts().Origin(kIdentity, kStatus, RowId(1'500));
    CHECK(origin.value()->source == "ignored");
    CHECK(Load().table(kIdentity).column(kStatus).bytes()[1'500] == 1);
    CHECK(Load().table(kIdentity).tracked(kStatus).changed_at[1'500] == kStart.micros + 10);
    Open();
  }
}

TEST_CASE_FIXTURE(ImportFixture, "A snapshot withdraws what its own source claimed, no more") {
  for (const uint64_t staging_rows : {uint64_t{1'000'000}, uint64_t{1}}) {
    options.staging_rows = staging_rows;
    Open();
    Finish(*[&] {
      auto import = Begin("hr", true, true);
      REQUIRE(import->Add(People(0, 20)).ok());
      return import;
    }());
    Finish(*[&] {
      auto import = Begin("directory", true, true);
      REQUIRE(import->Add(People(10, 30)).ok());
      return import;
    }());
    const auto import = Begin("hr", true);
    REQUIRE(import->Add(People(0, 19)).ok());
    CHECK(Finish(*import).rows_removed == 0);
    CHECK(Show(kIdentity, "person 19").sources == std::vector<std::string>{"directory"});
    const auto second = Begin("directory", true);
    REQUIRE(second->Add(People(10, 19)).ok());
    REQUIRE(second->Add(People(20, 30)).ok());
    CHECK(Finish(*second).rows_removed == 1);
    CHECK(Show(kIdentity, "person 19").presence == Presence::kRemoved);
    CHECK(Show(kIdentity, "person 18").presence == Presence::kLive);
  }
}

TEST_CASE_FIXTURE(ImportFixture,
                  "A snapshot that loses more than a tenth is refused, with numbers") {
  for (const uint64_t staging_rows : {uint64_t{1'000'000}, uint64_t{1}}) {
    options.staging_rows = staging_rows;
    Open();
    const auto all = Begin("hr", true, true);
    REQUIRE(all->Add(People(0, 20)).ok());
    Finish(*all);
    const uint64_t before = store->facts_seq();
    auto import = Begin("hr", true);
    REQUIRE(import->Add(People(0, 17, 1)).ok());
    const auto refused = import->Finish();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("lacks 3 of the 20 identity rows") != std::string::npos);
    CHECK(refused.error().help.find("--allow-shrink") != std::string::npos);
    CHECK(store->facts_seq() == before);
    CHECK(Show(kIdentity, "person 0").fields[1].value == "active");
    import = Begin("hr", true, true);
    REQUIRE(import->Add(People(0, 17)).ok());
    CHECK(Finish(*import).rows_removed == 3);
  }
}

// There was no size to compare a first snapshot with, so an empty one declared everybody gone whom
// other facts name.
TEST_CASE_FIXTURE(ImportFixture, "A first snapshot that lacks the ids that are named is refused") {
  SUBCASE("kept back") { options.staging_rows = 1'000'000; }
  SUBCASE("staged") { options.staging_rows = 1; }
  workspace_sources = {{kIdentity, {"hr", "contractors"}}};
  Open();
  FactDelta accounts = From("directory", clock.Now());
  for (int i = 0; i < 30; ++i) {
    accounts.BeginRow(kAccount, fmt::format("account {}", i));
    accounts.SetReference(kOwner, fmt::format("person {}", i));
  }
  Commit(accounts);
  // The contractors are still to come, so nobody is gone yet.
  auto import = Begin("hr", true);
  REQUIRE(import->Add(People(0, 10)).ok());
  Finish(*import);
  const uint64_t before = store->facts_seq();
  import = Begin("contractors", true);
  REQUIRE(import->Add(People(10, 27)).ok());
  REQUIRE(import->Add(People(100, 200)).ok());
  const auto refused = import->Finish();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message ==
        "this first snapshot of source 'contractors' lacks 3 of the 20 identity ids that facts "
        "name and no other source has listed: more than 10% would count as removed, so nothing "
        "was taken");
  CHECK(refused.error().help.find("--allow-shrink") != std::string::npos);
  CHECK(store->facts_seq() == before);
  // A tenth is what it may lack.
  import = Begin("contractors", true);
  REQUIRE(import->Add(People(10, 28)).ok());
  Finish(*import);
  const FactBase facts = Load(workspace_sources);
  CHECK(facts.table(kIdentity).presence(Row(kIdentity, "person 29")) == Presence::kRemoved);
}

TEST_CASE_FIXTURE(ImportFixture, "An empty first snapshot is taken where it removes nobody") {
  workspace_sources = {{kIdentity, {"early"}}};
  Open();
  CHECK(Begin("early", true)->Finish().ok());  // when nobody was named yet
  workspace_sources = {{kIdentity, {"hr"}}};
  FactDelta account = From("directory", clock.Now());
  account.BeginRow(kAccount, "a");
  account.SetReference(kOwner, "ann");
  Commit(account);
  CHECK_FALSE(Begin("hr", true)->Finish().ok());
  // No declared source, so not the last word on anybody.
  CHECK(Begin("other", true)->Finish().ok());
  CHECK(Begin("hr", true, /*allow_shrink=*/true)->Finish().ok());
}

// Every day's snapshot was compared with the day before alone, so that 8% a day went unnoticed.
TEST_CASE_FIXTURE(ImportFixture, "A feed that decays day by day is refused, and says since when") {
  for (const uint64_t staging_rows : {uint64_t{1'000'000}, uint64_t{1}}) {
    options.staging_rows = staging_rows;
    Open();
    const auto deliver = [&](int count, bool allow_shrink = false) {
      clock.Advance({kMicrosPerDay});
      auto import = Begin("hr", true, allow_shrink);
      REQUIRE(import->Add(People(0, count)).ok());
      return import->Finish();
    };
    REQUIRE(deliver(100, true).ok());
    const std::string then = FormatInstant(clock.Now());
    REQUIRE(deliver(95).ok());
    REQUIRE(store->Close().ok());
    Open();
    REQUIRE(deliver(90).ok());
    const auto refused = deliver(85);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message ==
          "with this snapshot source 'hr' has 85 identity rows left of 100 at " + then +
              ", deleted ones apart: more than 10% were lost little by little within 30 days, so "
              "nothing was taken");
    CHECK(refused.error().help.find("--allow-shrink") != std::string::npos);
    CHECK(Show(kIdentity, "person 89").presence == Presence::kLive);
    // Once accepted it is the new measure.
    REQUIRE(deliver(85, true).ok());
    REQUIRE(deliver(78).ok());
    CHECK_FALSE(deliver(76).ok());
    // What is deleted by name, above all by us, is no decay.
    FactDelta removed = From("rescind", clock.Now());
    for (int i = 70; i < 78; ++i) {
      removed.BeginRow(kIdentity, fmt::format("person {}", i));
      removed.Delete();
    }
    Commit(removed);
    REQUIRE(store->Close().ok());
    Open();
    REQUIRE(deliver(70).ok());
    CHECK_FALSE(deliver(69).ok());
    // And what is long ago is none.
    clock.Advance({31 * kMicrosPerDay});
    CHECK(deliver(64).ok());
  }
}

TEST_CASE("Of the sizes of snapshots those are kept that can still be the largest") {
  const auto day = [](int64_t number) {
    return Instant{kStart.micros / kMicrosPerDay * kMicrosPerDay + number * kMicrosPerDay};
  };
  SnapshotSizes sizes;
  CHECK_FALSE(sizes.Largest(day(0)).has_value());
  sizes.Add({day(0), 100});
  sizes.Add({{day(0).micros + 1}, 97});  // of that day the largest stands
  sizes.Add({day(1), 95});
  sizes.Add({day(2), 98});
  CHECK(sizes.Largest(day(30)) == SnapshotSizes::Size{day(0), 100});
  CHECK(sizes.Largest(day(31)) == SnapshotSizes::Size{day(2), 98});
  const auto decoded = SnapshotSizes::Decode(sizes.Encode());
  REQUIRE(decoded.has_value());
  CHECK(*decoded == sizes);
  SnapshotSizes two;
  two.Add({day(0), 100});
  two.Add({day(2), 98});
  CHECK(two == sizes);
  two.Add({day(3), 100});
  CHECK(two.Largest(day(4)) == SnapshotSizes::Size{day(3), 100});
  two.Forget();
  CHECK(two == SnapshotSizes());
  std::string broken = sizes.Encode();
  broken[5] = static_cast<char>(broken[5] ^ 1);
  CHECK_FALSE(SnapshotSizes::Decode(broken).has_value());
}

// Five-week-old data took access away although today's said otherwise.
TEST_CASE_FIXTURE(ImportFixture, "What was observed earlier undoes nothing observed later") {
  Open();
  const auto deliver = [&](Instant observed_at, bool snapshot, const FactDelta& delta) {
    ImportOptions import;
    import.origin = {"hr", observed_at};
    import.snapshot = snapshot;
    auto begun = store->BeginImport(import);
    REQUIRE(begun.ok());
    REQUIRE((*begun)->Add(delta).ok());
    return (*begun)->Finish();
  };
  const Instant today = clock.Now();
  const Instant before{today.micros - 1};
  REQUIRE(deliver(today, true, People(0, 20)).ok());
  const auto late = deliver(before, false, People(0, 20, 1));
  REQUIRE(late.ok());
  CHECK(late->rows_ignored == 20);
  CHECK(late->rows_changed == 0);
  const auto late_snapshot = deliver(before, true, People(0, 19));
  REQUIRE_FALSE(late_snapshot.ok());
  CHECK(late_snapshot.error().help.find("without --snapshot") != std::string::npos);
  CHECK(deliver(today, true, People(0, 19)).ok());
}

TEST_CASE("A shrink limit is a share of what was there, or a number of rows") {
  CHECK(ShrinkLimit{}.Allows(2, 25));
  CHECK_FALSE(ShrinkLimit{}.Allows(3, 25));
  CHECK_FALSE(ShrinkLimit{}.Allows(1, 0));
  CHECK(ShrinkLimit{}.Allows(0, 0));
  CHECK(ShrinkLimit{false, 3}.Allows(3, 3));
  CHECK_FALSE(ShrinkLimit{false, 3}.Allows(4, 4'000'000'000));
  CHECK(ShrinkLimit{true, 1'000'000}.Allows(4'000'000'000, 4'000'000'000));
  CHECK(ShrinkLimit{}.Text() == "10%");
  CHECK(ShrinkLimit{true, 5'000}.Text() == "0.5%");
  CHECK(ShrinkLimit{false, 3}.Text() == "3 rows");
}

TEST_CASE_FIXTURE(ImportFixture, "An entity is closed once every declared source gave a snapshot") {
  Open();
  FactDelta boss = From("hr");
  boss.BeginRow(kIdentity, "ann");
  boss.SetReference(kManager, "boss");
  Commit(boss);
  const DeclaredSources declared = {{kIdentity, {"hr", "directory"}}};
  CHECK_FALSE(Load(declared).closed(kIdentity));
  CHECK(Load().closed(kIdentity));
  CHECK(Load().table(kIdentity).presence(Row(kIdentity, "boss")) == Presence::kAbsent);
  for (const char* source : {"hr", "directory"}) {
    CHECK_FALSE(Load(declared).closed(kIdentity));
    FactDelta delta = From(source);
    delta.BeginRow(kIdentity, "ann");
    delta.SetReference(kManager, source == std::string("hr") ? "late" : "boss");
    const auto import = Begin(source, true);
    REQUIRE(import->Add(delta).ok());
    Finish(*import);
  }
  const FactBase facts = Load(declared);
  CHECK(facts.closed(kIdentity));
  // Mentioned before the first of the two snapshots; by that one.
  CHECK(facts.table(kIdentity).presence(Row(kIdentity, "boss")) == Presence::kRemoved);
  CHECK(facts.table(kIdentity).presence(Row(kIdentity, "late")) == Presence::kAbsent);
}

// `removed_at` of such a row was unknown for ever.
TEST_CASE_FIXTURE(ImportFixture,
                  "What nobody listed counts as removed since the last first snapshot") {
  Open();
  const auto name = [&](const char* boss) {
    FactDelta delta = From("hr");
    delta.BeginRow(kIdentity, "ann");
    delta.SetReference(kManager, boss);
    Commit(delta);
  };
  const auto snapshot = [&](const char* source) {
    clock.Advance({kMicrosPerHour});
    FactDelta delta = From(source);
    delta.BeginRow(kIdentity, "ann");
    const auto import = Begin(source, true);
    REQUIRE(import->Add(delta).ok());
    Finish(*import);
    return store->last_change();
  };
  const DeclaredSources both = {{kIdentity, {"hr", "directory"}}};
  const DeclaredSources one = {{kIdentity, {"hr"}}};
  const auto since = [&](const DeclaredSources& declared, const char* id) {
    return Load(declared).table(kIdentity).removed_at(Row(kIdentity, id));
  };
  name("boss");
  const Instant first = snapshot("hr");
  name("late");
  CHECK(since(one, "boss") == first);
  CHECK_FALSE(since(one, "late").has_value());
  CHECK_FALSE(since(both, "boss").has_value());
  const Instant second = snapshot("directory");
  CHECK(since(both, "boss") == second);
  CHECK_FALSE(since(both, "late").has_value());
  const Instant third = snapshot("hr");
  snapshot("directory");
  snapshot("hr");
  const auto check = [&] {
    CHECK(since(both, "boss") == second);
    CHECK(since(one, "boss") == first);
    CHECK(since(both, "late") == third);
    CHECK_FALSE(since(both, "ann").has_value());
    const auto then = store->LoadFactsAsOf(second, ColumnSet::All(store->schema()), both);
    REQUIRE(then.ok());
    CHECK(then->facts.table(kIdentity).removed_at(Row(kIdentity, "boss")) == second);
    CHECK_FALSE(then->facts.table(kIdentity).removed_at(Row(kIdentity, "late")).has_value());
  };
  check();
  store.reset();
  Open();
  check();
  // It comes after all.
  FactDelta late = From("hr", clock.Now());
  late.BeginRow(kIdentity, "boss");
  Commit(late);
  CHECK_FALSE(since(both, "boss").has_value());
}

TEST_CASE("Of snapshots that an older program took it is not known what they were first to lack") {
  SourceLedger ledger;
  SourceState before;
  before.snapshot_observed_at = kStart;
  before.snapshot_row_count = 3;
  const std::string hr = "hr";
  const auto all = [&] { return ledger.LackedByAll(0, {&hr, 1}, std::nullopt); };
  using Rows = std::vector<LackedRows>;
  CHECK(all().empty());
  CHECK(ledger.AddSnapshot(0, hr, before, 5, {10}) == Rows{{3, std::nullopt}, {5, Instant{10}}});
  before.snapshot_row_count = 5;
  CHECK(ledger.AddSnapshot(0, hr, before, 5, {20}).empty());
  before.snapshot_row_count = 7;  // such a program again
  CHECK(ledger.AddSnapshot(0, hr, before, 8, {30}) == Rows{{7, std::nullopt}, {8, Instant{30}}});
  CHECK(all().size() == 4);
  CHECK(ledger.LackedByAll(0, {&hr, 1}, Instant{9}) == Rows{{3, std::nullopt}, {7, std::nullopt}});
}

TEST_CASE_FIXTURE(ImportFixture, "Sources say what they delivered and when") {
  Open();
  clock.Advance({5});
  const auto import = Begin("hr", true);
  REQUIRE(import->Add(People(0, 3)).ok());
  clock.Advance({7});
  Finish(*import);
  Commit(People(2, 4));
  Open();
  const auto sources = store->Sources();
  REQUIRE(sources.size() == 2);
  CHECK(sources[0].source == "hr");
  CHECK(sources[0].entity == kIdentity);
  CHECK(sources[0].claimed_rows == 3);
  CHECK(sources[0].observed_at == Instant{kStart.micros + 5});
  CHECK(sources[0].snapshot_observed_at == Instant{kStart.micros + 5});
  CHECK(sources[1].source == "ignored");
  CHECK(sources[1].claimed_rows == 2);
  CHECK(sources[1].committed_at == Instant{kStart.micros + 12});
  CHECK_FALSE(sources[1].snapshot_observed_at);
}

}  // namespace rescind
