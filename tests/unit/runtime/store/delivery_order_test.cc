// Deliveries come in any order: an earlier one undoes nothing that a later one said of a row.
#include <doctest/doctest.h>

#include "tests/unit/runtime/store/store_fixture.h"

namespace rescind {
namespace {

constexpr Instant At(int64_t minute) { return {kStart.micros + minute * kMicrosPerMinute}; }

class OrderFixture : public StoreFixture {
 public:
  explicit OrderFixture(uint64_t staging_rows) {
    options.staging_rows = staging_rows;
    Open();
    clock.SetWall(At(100));
  }

  CommitReport Deliver(const std::string& source, int64_t minute, const FactDelta& delta,
                       bool snapshot = false) {
    ImportOptions import;
    import.origin = {source, At(minute)};
    import.snapshot = snapshot;
    import.allow_shrink = true;
    import.snapshot_entities = {kIdentity};
    auto begun = store->BeginImport(import);
    if (!begun.ok()) FAIL(begun.error().message);
    REQUIRE((*begun)->Add(delta).ok());
    auto report = (*begun)->Finish();
    if (!report.ok()) FAIL(report.error().message);
    return *report;
  }
  bool IsLive(std::string_view id) { return Show(kIdentity, id).presence == Presence::kLive; }
};

FactDelta Listed(std::initializer_list<const char*> ids) {
  FactDelta delta = StoreFixture::From("ignored");
  for (const char* id : ids) {
    delta.BeginRow(kIdentity, id);
    delta.SetText(kName, id);
  }
  return delta;
}

FactDelta Deleted(const char* id) {
  FactDelta delta = StoreFixture::From("ignored");
  delta.BeginRow(kIdentity, id);
  delta.Delete();
  return delta;
}

void CheckPassedOver(const CommitReport& report) {
  CHECK(report.rows_given == 1);
  CHECK(report.rows_ignored == 1);
  CHECK(report.rows_added + report.rows_removed + report.rows_changed == 0);
}

}  // namespace

// A month-old `deleted` line took a row away that today's delivery had listed.
TEST_CASE("An earlier `deleted` line does not remove what its source listed later") {
  for (const uint64_t staging_rows : {1'000'000, 1}) {
    OrderFixture history(staging_rows);
    history.Deliver("hr", 10, Listed({"ann", "bob"}));
    CheckPassedOver(history.Deliver("hr", 9, Deleted("ann")));
    CHECK(history.IsLive("ann"));
    // Another source's listing is no word of this one: a leaver leaves.
    CHECK(history.Deliver("directory", 9, Deleted("bob")).rows_removed == 1);
    CHECK_FALSE(history.IsLive("bob"));
    // From the same instant on it counts, and so it does after a fold and an opening.
    REQUIRE(history.store->Close().ok());
    history.Open();
    CheckPassedOver(history.Deliver("hr", 9, Deleted("ann")));
    CHECK(history.Deliver("hr", 10, Deleted("ann")).rows_removed == 1);
    CHECK_FALSE(history.IsLive("ann"));
  }
}

// It came back with a delivery from before its removal: with it all that the leaver had.
TEST_CASE("A row that was deleted later does not come back with an earlier delivery") {
  for (const uint64_t staging_rows : {1'000'000, 1}) {
    OrderFixture history(staging_rows);
    history.Deliver("hr", 1, Listed({"ann"}));
    history.Deliver("hr", 10, Deleted("ann"));
    CheckPassedOver(history.Deliver("hr", 9, Listed({"ann"})));
    CheckPassedOver(history.Deliver("directory", 9, Listed({"ann"})));
    REQUIRE(history.store->Close().ok());
    history.Open();
    CheckPassedOver(history.Deliver("hr", 9, Listed({"ann"})));
    CHECK_FALSE(history.IsLive("ann"));
    CHECK(history.Show(kIdentity, "ann").incarnation == 1);
    CHECK(history.Deliver("hr", 11, Listed({"ann"})).rows_added == 1);
    CHECK(history.Show(kIdentity, "ann").incarnation == 2);
    // Of two deletions the later one counts, whichever came last.
    history.Deliver("hr", 20, Deleted("ann"));
    history.Deliver("directory", 15, Deleted("ann"));
    CheckPassedOver(history.Deliver("hr", 18, Listed({"ann"})));
    CHECK_FALSE(history.IsLive("ann"));
  }
}

TEST_CASE("What a later complete snapshot lacked does not come back with an earlier delivery") {
  for (const uint64_t staging_rows : {1'000'000, 1}) {
    OrderFixture history(staging_rows);
    history.Deliver("hr", 1, Listed({"ann", "bob"}), true);
    history.Deliver("directory", 1, Listed({"bob"}), true);
    history.Deliver("hr", 10, Listed({"cleo"}), true);
    CHECK_FALSE(history.IsLive("ann"));
    CheckPassedOver(history.Deliver("hr", 9, Listed({"ann"})));
    CHECK_FALSE(history.IsLive("ann"));
    // bob lives for the directory's sake alone, and goes when it lets go of him.
    CheckPassedOver(history.Deliver("hr", 9, Listed({"bob"})));
    CHECK(history.Show(kIdentity, "bob").sources == std::vector<std::string>{"directory"});
    // Each source speaks for itself.
    CHECK(history.Deliver("tickets", 9, Listed({"ann"})).rows_added == 1);
    CheckPassedOver(history.Deliver("hr", 9, Deleted("cleo")));
    CHECK(history.IsLive("cleo"));
    // Nor does a snapshot take away what its source has listed since it was taken.
    history.Deliver("hr", 30, Listed({"dora"}));
    CHECK(history.Deliver("hr", 20, Listed({"cleo"}), true).rows_removed == 0);
    CHECK(history.IsLive("dora"));
  }
}

// A feed that knew nothing of the use took it back with its next delivery: the match began anew,
// and with it the notice, every night.
TEST_CASE("AUseThatWeSawStandsUntilASourceTellsOfALaterOne") {
  for (const uint64_t staging_rows : {uint64_t{1'000'000}, uint64_t{0}}) {
    OrderFixture world(staging_rows);
    const FieldId last_login = *StoreSchema().entity(kAccount).Find("last_login");
    const auto used = [&](std::optional<Instant> at) {
      FactDelta delta = StoreFixture::From("ignored");
      delta.BeginRow(kAccount, "a");
      delta.SetReference(kOwner, "ann");
      if (at) {
        delta.SetNumber(last_login, at->micros);
      } else {
        delta.SetUnknown(last_login);
      }
      return delta;
    };
    const auto known = [&] { return world.Show(kAccount, "a").fields[last_login.index()].value; };
    world.Deliver("directory", 10, used(At(1)));
    FactDelta seen = StoreFixture::From("rescind", At(20));
    seen.BeginRow(kAccount, "a");
    seen.SetNumber(last_login, At(15).micros);
    world.Commit(seen);
    CHECK(world.Deliver("directory", 30, used(At(1))).rows_ignored == 1);
    CHECK(world.Deliver("directory", 31, used(std::nullopt)).rows_ignored == 1);
    CHECK(known() == FormatInstant(At(15)));
    CHECK(world.Deliver("directory", 32, used(At(16))).rows_ignored == 0);
    CHECK(known() == FormatInstant(At(16)));
    // What it has said itself it may take back.
    world.Deliver("directory", 33, used(At(2)));
    CHECK(known() == FormatInstant(At(2)));
  }
}

}  // namespace rescind
