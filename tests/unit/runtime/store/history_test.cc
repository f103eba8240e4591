// How much of the past a store keeps: by age, by size, and to the hour for `latest` fields.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "runtime/store/byte_codec.h"
#include "runtime/store/change_record.h"
#include "runtime/store/database.h"
#include "runtime/store/disk_guard.h"
#include "runtime/store/store_layout.h"
#include "tests/unit/runtime/store/store_fixture.h"

namespace rescind {
namespace {

constexpr Duration kMinute{kMicrosPerMinute};

class HistoryFixture : public StoreFixture {
 public:
  Instant At(int64_t minutes) const { return {kStart.micros + minutes * kMicrosPerMinute}; }

  FactDelta Use(std::string_view id, Instant at) const {
    FactDelta delta({"directory", at});
    delta.BeginRow(kAccount, id);
    delta.SetNumber(kLastLogin, at.micros);
    return delta;
  }
  // One use a minute of the same account: commits 2 to count + 1.
  void UseEveryMinute(int count) {
    FactDelta first({"directory", kStart});
    first.BeginRow(kAccount, "acc1");
    Commit(first);
    for (int i = 0; i < count; ++i) {
      clock.Advance(kMinute);
      Commit(Use("acc1", clock.Now()));
    }
  }
  // Five accounts are used now, in one import.
  void ImportUses() {
    ImportOptions import;
    import.origin = {"directory", clock.Now()};
    auto begun = store->BeginImport(import);
    REQUIRE(begun.ok());
    for (int i = 0; i < 5; ++i) {
      REQUIRE((*begun)->Add(Use(fmt::format("acc{}", i), clock.Now())).ok());
    }
    REQUIRE((*begun)->Finish().ok());
  }
  int64_t LastLogin(const FactBase& facts, std::string_view id = "acc1") {
    return facts.table(kAccount).column(kLastLogin).longs()[Row(kAccount, id).index()];
  }
  FactBase AsOf(Instant instant) {
    auto past = store->LoadFactsAsOf(instant, ColumnSet::All(*schema_), {});
    if (!past.ok()) FAIL(past.error().message);
    return std::move(past->facts);
  }
  // Of the closed store: changes with old values in the log, and records.
  struct Kept {
    size_t cells = 0;
    size_t records = 0;
  };
  Kept InLog() {
    REQUIRE(store->Close().ok());
    store.reset();
    Kept kept;
    DiskGuard guard(folder / "store", files);
    auto database = Database::Open(folder / "store/db", Database::Access::kRead, {guard});
    REQUIRE(database.ok());
    const Status scanned =
        (*database)->Scan(Family::kChanges, ChangeKey(1, 0), ChangeKey(~uint64_t{0}, 0),
                          [&](std::string_view, std::string_view bytes) {
                            const auto record = ChangeRecord::Decode(bytes, true);
                            REQUIRE(record.ok());
                            ++kept.records;
                            for (const CellGroup& group : record->groups)
                              kept.cells += group.cells.olds.size();
                            return true;
                          });
    REQUIRE(scanned.ok());
    Open();
    return kept;
  }
};

}  // namespace

TEST_CASE_FIXTURE(HistoryFixture,
                  "The past of a last use is kept to the hour, its present exactly") {
  Open();
  UseEveryMinute(180);
  CHECK(LastLogin(Load()) == At(180).micros);
  const Kept kept = InLog();
  // 3 hours begin, one of them with the first use of all; the row itself; who said so.
  CHECK(kept.records <= 5);
  CHECK(kept.cells <= 16);
  CHECK(LastLogin(Load()) == At(180).micros);
  const auto hour = [](int64_t micros) { return micros / kMicrosPerHour; };
  for (int minute = 1; minute <= 180; ++minute) {
    const int64_t seen = LastLogin(AsOf(At(minute)));
    CHECK(seen >= At(minute).micros);
    CHECK(hour(seen) == hour(At(minute).micros));
  }
  CHECK(LastLogin(AsOf(kStart)) == kUnknownLong);
  // The next use goes on from there.
  clock.Advance(kMinute);
  Commit(Use("acc1", clock.Now()));
  Open();
  CHECK(LastLogin(Load()) == At(181).micros);
}

TEST_CASE_FIXTURE(HistoryFixture, "Steps of no time keep every use") {
  options.history_step = {0};
  Open();
  UseEveryMinute(100);
  CHECK(InLog().records == 101);
  for (int minute = 1; minute <= 100; ++minute) {
    CHECK(LastLogin(AsOf(At(minute))) == At(minute).micros);
  }
}

TEST_CASE_FIXTURE(HistoryFixture, "What else a commit says is kept, whatever its last use") {
  Open();
  UseEveryMinute(3);
  for (int i = 1; i <= 3; ++i) {
    clock.Advance(kMinute);
    FactDelta delta = Use("acc1", clock.Now());
    delta.SetText(kUser, fmt::format("ann{}", i));
    delta.BeginRow(kAccount, fmt::format("new{}", i));
    Commit(delta);
  }
  REQUIRE(store->Checkpoint().ok());
  Open();
  const RowFacts now = Show(kAccount, "acc1");
  for (const RowFacts::Field& field : now.fields) {
    if (field.name != "user") continue;
    CHECK(field.value == "ann3");
    CHECK(*field.previous == "ann2");
    CHECK(field.changed_at == At(6));
  }
  const FactBase second = AsOf(At(5));
  CHECK(second.table(kAccount).row_count() == 3);
  CHECK(second.texts().Text(kAccount, kUser, RowId(0)).value() == "ann2");
  CHECK(second.texts().Origin(kAccount, kUser, RowId(0)).value()->observed_at == At(5));
  CHECK(second.table(kAccount).tracked(kUser).changed_at[0] == At(5).micros);
}

TEST_CASE_FIXTURE(HistoryFixture, "A use that was corrected backwards stays in the history") {
  Open();
  UseEveryMinute(2);
  clock.Advance(kMinute);
  FactDelta back({"directory", clock.Now()});
  back.BeginRow(kAccount, "acc1");
  back.SetNumber(kLastLogin, kStart.micros - 10);
  Commit(back);
  REQUIRE(store->Checkpoint().ok());
  CHECK(LastLogin(AsOf(At(2))) == At(2).micros);
  CHECK(LastLogin(AsOf(At(3))) == kStart.micros - 10);
}

TEST_CASE_FIXTURE(HistoryFixture, "Staged imports leave out what small ones do") {
  options.staging_rows = 2;
  Open();
  for (int round = 0; round < 6; ++round) {
    ImportUses();
    clock.Advance({10 * kMicrosPerMinute});
  }
  // kStart lies 13 minutes and 20 seconds behind the full hour.
  CHECK(LastLogin(AsOf(At(0)), "acc3") == At(40).micros);
  CHECK(LastLogin(AsOf(At(45)), "acc3") == At(40).micros);
  CHECK(LastLogin(AsOf(At(50)), "acc3") == At(50).micros);
  // One hour has begun: of 5 rows, value and origin.
  CHECK(InLog().cells == 10);
}

TEST_CASE_FIXTURE(HistoryFixture, "A step that is set later applies to what is there") {
  options.history_step = {0};
  Open();
  UseEveryMinute(60);
  REQUIRE(store->Checkpoint().ok());
  options.history_step = {kMicrosPerHour};
  Open();
  Commit(Use("acc1", clock.Now()));
  CHECK(InLog().records <= 4);
}

TEST_CASE_FIXTURE(HistoryFixture, "History grows no older than asked, whatever is imported") {
  options.history_age = {100 * kMicrosPerMinute};
  options.staging_rows = 2;
  Open();
  for (int round = 0; round < 5; ++round) {
    ImportUses();
    clock.Advance({60 * kMicrosPerMinute});
  }
  // The last import, at minute 240, dropped what was older than minute 140.
  const auto gone = store->LoadFactsAsOf(At(130), {}, {});
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().kind == ErrorKind::kNotFound);
  CHECK(gone.error().help.find(FormatInstant(At(180))) != std::string::npos);
  CHECK(LastLogin(AsOf(At(180))) == At(180).micros);
  CHECK(LastLogin(AsOf(At(239))) == At(180).micros);
}

TEST_CASE_FIXTURE(HistoryFixture,
                  "History grows no larger than asked, and the present needs none") {
  Open();
  SeededRandom dice(3);
  const auto commit = [&] {
    FactDelta delta({"hr", clock.Now()});
    delta.BeginRow(kIdentity, "ann");
    delta.SetText(kName, dice.Hex(200'000));
    Commit(delta);
    clock.Advance(kMinute);
  };
  for (int i = 0; i < 40; ++i) commit();
  // What lies in memory only is not counted: 40 commits of 200 KB each become files.
  Open();
  options.history_bytes = 4 << 20;
  Open();
  commit();
  REQUIRE(store->Checkpoint().ok());
  CHECK_FALSE(store->LoadFactsAsOf(At(5), {}, {}).ok());
  CHECK(store->LoadFactsAsOf(At(30), {}, {}).ok());
  // A second fold drops no more: what is left fits.
  commit();
  REQUIRE(store->Checkpoint().ok());
  CHECK(store->LoadFactsAsOf(At(30), {}, {}).ok());

  options.history_bytes = 1;
  options.history_age = {kMicrosPerMinute / 2};
  Open();
  commit();
  REQUIRE(store->Checkpoint().ok());
  const auto before = store->LoadFactsAsOf(At(41), {}, {});
  REQUIRE_FALSE(before.ok());
  CHECK(before.error().help.find(FormatInstant(At(42))) != std::string::npos);
  const FactBase now = AsOf(clock.Now());
  CHECK(now.facts_seq() == 43);
  CHECK(now.last_change() == At(42));
}

}  // namespace rescind
