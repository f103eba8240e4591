#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/runtime/journal/journal_simulation.h"

namespace rescind {
namespace {

using Names = std::vector<std::string>;

ActionRequest OnAnn(const std::string& name, const std::string& finding, uint32_t order,
                    Severity severity = Severity::kLow) {
  ActionRequest request = SimulatedWorld::Request("ldap", name);
  request.account = "ldap/ann";
  request.order = order;
  request.action.severity = severity;
  request.action.reasons.front().finding_id = finding;
  return request;
}

Names Applied(const SimulatedWorld& world) {
  Names names;
  for (const std::string& call : world.calls) {
    if (call.starts_with("apply ")) names.push_back(call.substr(call.find('/') + 1));
  }
  return names;
}

// A low revoke, written first in its policy, was tried for a day while the sessions of a leaver
// on the same account went on.
TEST_CASE("WhatFailsOnAnAccountDelaysNoOtherFindingOnIt") {
  SimulatedWorld world(3);
  const auto journal = world.OpenJournal();
  const std::vector<ActionRequest> requests = {OnAnn("grant-1", "stale-1", 0),
                                               OnAnn("grant-2", "stale-2", 0),
                                               OnAnn("session", "leaver", 1, Severity::kCritical)};
  REQUIRE(journal->Plan(requests, "").ok());
  world.targets["ldap/grant-1"].is_refusing = true;
  const RunReport report = world.Run(*journal).value();
  CHECK(report.verified_count == 2);
  CHECK(report.open_count == 1);
  CHECK(Applied(world).front() == "session");
}

TEST_CASE("StagesOnOneAccountGoBySeverityThenByAge") {
  SimulatedWorld world(3);
  const auto journal = world.OpenJournal();
  const std::vector<ActionRequest> requests = {OnAnn("a", "stale", 0),
                                               OnAnn("b", "unowned", 3, Severity::kMedium),
                                               OnAnn("c", "leaver", 1 << 24, Severity::kCritical)};
  for (const ActionRequest& request : requests) {
    REQUIRE(journal->Plan({&request, 1}, "").ok());
    world.clock.Sleep({kMicrosPerHour});
  }
  const ActionRequest younger = OnAnn("d", "unowned-2", 0, Severity::kMedium);
  REQUIRE(journal->Plan({&younger, 1}, "").ok());
  CHECK(world.RunToEnd(*journal).verified_count == 4);
  CHECK(Applied(world) == Names{"c", "b", "d", "a"});
}

TEST_CASE("WhatFailsHoldsUpTheRestOfItsStageOnly") {
  SimulatedWorld world(3);
  const auto journal = world.OpenJournal();
  std::vector<ActionRequest> requests = {OnAnn("disable", "leaver", 0),
                                         OnAnn("end", "leaver", 1, Severity::kCritical),
                                         OnAnn("later", "leaver", 1 << 24)};
  requests.back().action.reasons.front().stage = 1;
  REQUIRE(journal->Plan(requests, "").ok());
  world.targets["ldap/disable"].is_refusing = true;
  CHECK(world.Run(*journal).value().verified_count == 1);
  CHECK(journal->Find(requests[1].action.key).value()->state == ActionState::kReady);
  CHECK(journal->Find(requests[2].action.key).value()->state == ActionState::kVerified);
  world.targets["ldap/disable"].is_refusing = false;
  CHECK(world.RunToEnd(*journal).verified_count == 2);
}

TEST_CASE("AnActionOfSeveralStagesKeepsItsPlaceInEach") {
  SimulatedWorld world(3);
  const auto journal = world.OpenJournal();
  std::vector<ActionRequest> requests = {OnAnn("first", "one", 0), OnAnn("both", "one", 1),
                                         OnAnn("last", "two", 2, Severity::kCritical)};
  requests[1].action.reasons.push_back(requests[2].action.reasons.front());
  requests[1].action.reasons.push_back(requests[2].action.reasons.front());  // twice the same
  REQUIRE(journal->Plan(requests, "").ok());
  world.targets["ldap/first"].is_refusing = true;
  CHECK(world.Run(*journal).value().verified_count == 0);
  world.targets["ldap/first"].is_refusing = false;
  world.calls.clear();
  CHECK(world.RunToEnd(*journal).verified_count == 3);
  CHECK(Applied(world) == Names{"first", "both", "last"});
}

}  // namespace
}  // namespace rescind
