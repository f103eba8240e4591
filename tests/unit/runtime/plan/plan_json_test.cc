#include "runtime/plan/plan_json.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "tests/unit/runtime/plan/sample_plan.h"

namespace rescind {
namespace {

TEST_CASE("APlanReadsBackAsItWasWritten") {
  const std::string written = EncodePlan(SamplePlan());
  const Result<Plan> read = DecodePlan(written);
  REQUIRE(read.ok());
  CHECK(EncodePlan(*read) == written);
  CHECK(read->actions.size() == 2);
  CHECK(read->actions[1].held_because == "over the limit");
  CHECK(!read->feeds[0].observed_at);
}

TEST_CASE("AnEscalatedActionIsSaidToBeSoAndPlansWithoutOneHaveNoSuchMember") {
  CHECK(EncodePlan(SamplePlan()).find("escalated") == std::string::npos);
  Plan plan = SamplePlan();
  plan.actions[0].escalated = {*ParseInstant("2026-03-31T08:00Z"), "read-only", "mend it"};
  SealPlan(plan);
  const std::string written = EncodePlan(plan);
  const Result<Plan> read = DecodePlan(written);
  REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().message));
  CHECK(EncodePlan(*read) == written);
  CHECK(read->summary.escalated_count == 1);
  REQUIRE(read->actions[0].escalated);
  CHECK(read->actions[0].escalated->since == *ParseInstant("2026-03-31T08:00Z"));
  CHECK(read->actions[0].escalated->error == "read-only");
  CHECK(read->actions[0].escalated->remedy == "mend it");
  CHECK(!read->actions[1].escalated);
}

TEST_CASE("AccessThatCameBackSaysWhatHadRemovedIt") {
  CHECK(EncodePlan(SamplePlan()).find("came_back") == std::string::npos);
  Plan plan = SamplePlan();
  plan.actions[0].came_back = {*ParseInstant("2026-03-31T08:00Z"), "0123"};
  SealPlan(plan);
  const std::string written = EncodePlan(plan);
  const Result<Plan> read = DecodePlan(written);
  REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().message));
  CHECK(EncodePlan(*read) == written);
  REQUIRE(read->actions[0].came_back);
  CHECK(read->actions[0].came_back->at == *ParseInstant("2026-03-31T08:00Z"));
  CHECK(read->actions[0].came_back->action_key == "0123");
  CHECK(!read->actions[1].came_back);
}

TEST_CASE("TheOrderOfActionsDoesNotChangeTheBytes") {
  Plan plan = SamplePlan();
  const std::string written = EncodePlan(plan);
  std::reverse(plan.actions.begin(), plan.actions.end());
  std::reverse(plan.feeds.begin(), plan.feeds.end());
  SealPlan(plan);
  CHECK(EncodePlan(plan) == written);
}

TEST_CASE("AMoreSevereActionComesFirst") {
  Plan plan = SamplePlan();
  plan.actions[1].action.severity = Severity::kCritical;
  SealPlan(plan);
  CHECK(plan.actions[0].action.target.id == "ldap/bob/vpn");
}

TEST_CASE("ActionsLieInTheOrderOfSeverityPolicyAndTarget") {
  const uint32_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto text = [&](std::vector<std::string> parts) {
    std::string made;
    for (uint32_t left = random() % 4; left > 0; --left) made += parts[random() % parts.size()];
    return made;
  };
  Plan plan = SamplePlan();
  const PlannedAction sample = plan.actions[0];
  for (int i = 0; i < 2000; ++i) {
    PlannedAction planned = sample;
    planned.action.severity = static_cast<Severity>(1 + random() % 4);
    planned.action.target.entity = random() % 2 == 0 ? "grant" : "account";
    planned.action.target.id = "ldap/" + text({"ann", "\xfc", std::string(1, '\0'), "zz", "0"});
    planned.reasons[0].policy = "access." + text({"a", "b", ".c"});
    plan.actions.push_back(planned);
  }
  SealPlan(plan);
  const auto order = [](const PlannedAction& planned) {
    return std::make_tuple(-static_cast<int>(planned.action.severity), planned.reasons[0].policy,
                           planned.action.target.entity, planned.action.target.id);
  };
  for (size_t i = 1; i < plan.actions.size(); ++i) {
    REQUIRE(order(plan.actions[i - 1]) <= order(plan.actions[i]));
  }
}

TEST_CASE("AnEditedPlanIsRefused") {
  std::string written = EncodePlan(SamplePlan());
  const size_t place = written.find("ldap/ann/vpn");
  written.replace(place, 12, "ldap/eve/vpn");
  const Result<Plan> read = DecodePlan(written);
  REQUIRE(!read.ok());
  CHECK(read.error().message.find("changed after it was made") != std::string::npos);
}

TEST_CASE("EveryCutOfAPlanIsRefusedWithARemedy") {
  const std::string written = EncodePlan(SamplePlan());
  for (size_t size = 0; size + 2 < written.size(); ++size) {
    const Result<Plan> read = DecodePlan(std::string_view(written).substr(0, size));
    REQUIRE(!read.ok());
    CHECK(!read.error().help.empty());
  }
}

TEST_CASE("NoChangedByteIsAcceptedWithAnotherMeaning") {
  const Plan plan = SamplePlan();
  const std::string written = EncodePlan(plan);
  const uint32_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 2000; ++i) {
    std::string changed = written;
    changed[random() % changed.size()] = static_cast<char>(random());
    const Result<Plan> read = DecodePlan(changed);
    // White space may differ; nothing else may.
    if (read.ok()) CHECK(EncodePlan(*read) == written);
  }
}

// `"actions":[],"actions":[…]` showed no action to one reader and all of them to us.
TEST_CASE("APlanWithAMemberTwiceIsRefused") {
  const std::string written = EncodePlan(SamplePlan());
  for (const char* name : {"actions", "plan_id", "target"}) {
    CAPTURE(name);
    const std::string key = std::string("\"") + name + "\":";
    std::string changed = written;
    const size_t at = changed.find(key);
    REQUIRE(at != std::string::npos);
    changed.insert(at, key + (key == "\"actions\":" ? "[]," : "\"x:\\\":{\","));
    const Result<Plan> read = DecodePlan(changed);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message ==
          std::string("an object of the plan has two members \"") + name + "\"");
  }
}

TEST_CASE("ForeignAndNewerFilesAreNamedAsSuch") {
  CHECK(DecodePlan("").error().message == "the plan is empty");
  CHECK(DecodePlan("[1]").error().message.find("no Rescind plan") != std::string::npos);
  CHECK(DecodePlan(R"({"format":"rescind.plan/2"})").error().kind == ErrorKind::kUnsupported);
  CHECK(DecodePlan(R"({"format":"rescind.audit/1"})").error().kind == ErrorKind::kInvalidInput);
  CHECK(DecodePlan(std::string(100000, '[')).error().message == "the plan nests too deep");
  const Result<Plan> bare = DecodePlan(R"({"format":"rescind.plan/1"})");
  CHECK(bare.error().message.find("plan_id: is missing") != std::string::npos);
}

}  // namespace
}  // namespace rescind
