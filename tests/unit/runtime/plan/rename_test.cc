// What was said of a policy, and counted of it, belongs to the policy that was renamed from it.
#include "runtime/plan/policy_renames.h"
#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

std::string Stale(const std::string& name, const std::string& more = "") {
  return "policy " + name +
         " {\n  mode enforce\n  for g in grant\n"
         "  when (g.last_used ?? g.granted_at) older than 90d\n  then { revoke g }\n" +
         more + "}\n";
}

PlannerWorld WorldOf(const std::string& policies) {
  PlannerWorld world(policies);
  world.Account("a", nullptr);
  world.Account("b", nullptr);
  world.Grant("a1", "a");
  world.Grant("b1", "b");
  return world;
}

void StoreRenamesOf(PlannerWorld& world) {
  KeyValueBatch batch;
  REQUIRE(StoreRenames(world.store, PolicyRenames(*world.program), batch).ok());
  world.store.Apply(batch);
}

// The exemption covered nothing after the rename, and the access went.
TEST_CASE("an exemption of a policy covers the policy that was renamed from it") {
  PlannerWorld world = WorldOf(Stale("old \"Old\""));
  world.Exempt({"", "account", "a", "p.old", "", "", {}, Plus(world.now, "30d"), {}});
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant b1: ready"});
  world.Change(Stale("new \"New\" renamed from old"));
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant b1: ready"});
  // Once it is stored so, the chain may go on, and `renamed from` may go.
  StoreRenamesOf(world);
  world.Change(Stale("newest \"Newest\" renamed from new"));
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant b1: ready"});
  StoreRenamesOf(world);
  world.Change(Stale("newest \"Newest\""));
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant b1: ready"});
  // Another policy of the earlier name is another policy.
  world.Change(Stale("old \"Old\""));
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"revoke grant a1: ready", "revoke grant b1: ready"});
}

TEST_CASE("a policy that moved to another module keeps its exemptions") {
  PlannerWorld world = WorldOf(Stale("stale \"Stale\" renamed from elsewhere.stale"));
  world.Exempt({"", "account", "a", "elsewhere.stale", "", "", {}, Plus(world.now, "30d"), {}});
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant b1: ready"});
}

// Whoever renamed a policy could go over its limit again at once.
TEST_CASE("the window of a limit goes on over a rename") {
  PlannerWorld world(Stale("old \"Old\"", "  limit 1 of grant per day\n"));
  world.Account("a", nullptr);
  world.Grant("a1", "a");
  world.Apply();
  world.facts.Remove("grant", "a1", world.now);
  world.Account("b", nullptr);
  world.Grant("b1", "b");
  world.now = Plus(world.now, "1h");
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant b1: held"});
  world.Change(Stale("new \"New\" renamed from old", "  limit 1 of grant per day\n"));
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant b1: held"});
  StoreRenamesOf(world);
  world.Change(Stale("new \"New\"", "  limit 1 of grant per day\n"));
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant b1: held"});
  world.now = Plus(world.now, "24h");
  CHECK(ActionLines(world.Plan().plan) == Lines{"revoke grant b1: ready"});
}

TEST_CASE("a release of a policy lets go what was renamed from it") {
  const std::string limit = "  limit 1 of grant\n";
  PlannerWorld world = WorldOf(Stale("old \"Old\"", limit));
  world.AddRelease("p.old");
  world.Change(Stale("new \"New\" renamed from old", limit));
  CHECK(ActionLines(world.Plan().plan) ==
        Lines{"revoke grant a1: ready", "revoke grant b1: ready"});
  StoreRenamesOf(world);
  world.Apply();
  CHECK(ListReleases(world.store)->empty());
}

}  // namespace
}  // namespace rescind
