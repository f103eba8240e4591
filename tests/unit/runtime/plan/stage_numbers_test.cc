// Which stages of an edited policy are those that its findings have begun.
#include "runtime/plan/stage_numbers.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/runtime/plan/planner_world.h"

namespace rescind {
namespace {

using Numbers = std::vector<std::optional<uint32_t>>;
constexpr std::nullopt_t kGone = std::nullopt;
const std::vector<std::string> kTell = {"notify \"team\""};
const std::vector<std::string> kDisable = {"disable row.account"};
const std::vector<std::string> kDelete = {"delete row.account"};
const std::vector<std::string> kRevoke = {"revoke row"};
const std::vector<std::string> kTellAndDisable = {"notify \"team\"", "disable row.account"};

TEST_CASE("stages that ask for the same are the same, wherever they stand") {
  CHECK(MatchStages({}, {kTell}).empty());
  CHECK(MatchStages({kTell, kDisable}, {}) == Numbers{kGone, kGone});
  CHECK(MatchStages({kTell, kDisable, kDelete}, {kTell, kDisable, kDelete}) == Numbers{0, 1, 2});
  CHECK(MatchStages({kTell, kDisable, kDelete}, {kDisable, kDelete}) == Numbers{kGone, 0, 1});
  CHECK(MatchStages({kTell, kDisable, kDelete}, {kTell, kRevoke, kDisable, kDelete}) ==
        Numbers{0, 2, 3});
  CHECK(MatchStages({kDisable, kDelete}, {kDelete}) == Numbers{kGone, 0});
  CHECK(MatchStages({kTell, kDisable, kTell}, {kDisable, kTell}) == Numbers{kGone, 0, 1});
}

TEST_CASE("a stage that was edited in its place is that stage") {
  CHECK(MatchStages({kDisable}, {kDelete}) == Numbers{0});
  CHECK(MatchStages({kTell, kDisable}, {{"notify \"hr\""}, kRevoke}) == Numbers{0, 1});
  CHECK(MatchStages({kDisable, kDelete}, {kRevoke, kTellAndDisable, kDelete}) == Numbers{1, 2});
  CHECK(MatchStages({{"disable row"}, kDelete}, {kRevoke, {"disable row.accounts"}}) ==
        Numbers{1, kGone});
}

TEST_CASE("what only notifies is no stage that removes") {
  CHECK(MatchStages({kTell}, {kTellAndDisable}) == Numbers{kGone});
  CHECK(MatchStages({kDisable}, {kTell}) == Numbers{kGone});
}

TEST_CASE("what a finding knows of stages moves with them") {
  Finding finding;
  finding.begun = {{0, {1}}, {0, {5}}, {1, {2}}, {2, {3}}};
  finding.noticed = {{0, {1}}, {2, {3}}};
  for (const uint32_t stage : {0u, 1u, 2u, 7u}) {
    StageAction action;
    action.entity = "grant";
    action.row = RowId(stage);
    action.stage = stage;
    finding.PutAction(action);
  }
  RenumberStages(finding, {1, kGone, 3});
  CHECK(finding.begun == std::vector<StageTime>{{1, {1}}, {1, {5}}, {3, {3}}});
  CHECK(finding.noticed == std::vector<StageTime>{{1, {1}}, {3, {3}}});
  std::vector<uint32_t> stages;
  for (const StageAction& action : finding.actions) stages.push_back(action.stage);
  CHECK(stages == std::vector<uint32_t>{1, kNoStage, 3, kNoStage});
}

// Two stages that have the same id would be rolled back together.
TEST_CASE("a stage keeps its id, and the id of one that is gone is given to none") {
  const auto policy = [](const char* stages) {
    return fmt::format(
        "policy p \"P\" {{\n mode enforce\n for a in account\n when a.privileged\n{}}}\n", stages);
  };
  const char* kAll =
      " then { notify \"team\" }\n then after 7d { disable a }\n then after 30d { delete a }\n";
  const char* kNotTold = " then { disable a }\n then after 30d { delete a }\n";
  PlannerWorld world(policy(kAll));
  using Ids = std::vector<uint32_t>;
  const auto ids = [&] {
    world.Apply();
    return FindingBook::Load(world.store)->Record("p.p")->stage_ids;
  };
  CHECK(ids() == Ids{0, 1, 2});
  world.Change(policy(kNotTold));
  CHECK(ids() == Ids{1, 2});
  world.Change(policy(kAll));
  CHECK(ids() == Ids{3, 1, 2});
  world.Change(policy(" then { delete a }\n"));
  CHECK(ids() == Ids{2});
  CHECK(ids() == Ids{2});
}

}  // namespace
}  // namespace rescind
