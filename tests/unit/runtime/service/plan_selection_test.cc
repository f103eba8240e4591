#include "runtime/service/plan_selection.h"

#include "tests/unit/runtime/service/remembering_store.h"

namespace rescind {
namespace {

PlannedAction Removal(const std::string& target, ActionStatus status = ActionStatus::kReady) {
  PlannedAction planned;
  planned.action.key = "key-" + target;
  planned.action.verb = Verb::kRevoke;
  planned.action.target.entity = "grant";
  planned.action.target.id = target;
  planned.status = status;
  PlannedReason reason;
  reason.policy = "stale";
  reason.judged_entity = "grant";
  reason.judged_id = target;
  planned.reasons.push_back(reason);
  return planned;
}

TEST_CASE("OnlyWhatIsReadyInBothPlansIsSelected") {
  Plan read, derived;
  read.actions = {Removal("both"), Removal("gone"), Removal("held"), Removal("protected"),
                  Removal("later", ActionStatus::kNotice)};
  derived.actions = {Removal("both"), Removal("held", ActionStatus::kHeld), Removal("later"),
                     Removal("new")};
  derived.actions[1].held_because = "over its limit";
  NotActedOn left_alone;
  left_alone.entity = "grant";
  left_alone.target = "protected";
  left_alone.by = "break_glass";
  derived.not_acted_on = {left_alone};
  const PlanSelection selection = SelectActions(read, derived);
  CHECK(selection.action_keys == std::set<std::string>{"key-both"});
  CHECK(selection.unseen_count == 1);
  REQUIRE(selection.fallen.size() == 4);
  CHECK(selection.fallen[0].why == "no policy asks for it any more");
  CHECK(selection.fallen[1].why == "it is held now: over its limit");
  CHECK(selection.fallen[1].held);
  CHECK(selection.fallen[2].why == "it is protected now, by break_glass");
  CHECK(selection.fallen[3].why ==
        "it was not due when this plan was made, and may go now: make a new plan");
  CHECK_FALSE(selection.fallen[3].held);
}

// What another policy let go was selected by a plan that showed only one which was held.
TEST_CASE("OfAPlanOfSomePoliciesOnlyWhatTheseLetGoIsSelected") {
  Plan read, derived;
  read.filter_policies = {"stale"};
  read.actions = {Removal("mine"), Removal("held"), Removal("theirs")};
  derived.actions = {Removal("mine"), Removal("held"), Removal("theirs")};
  for (PlannedAction& planned : derived.actions) {
    PlannedReason other = planned.reasons[0];
    other.policy = "other";
    planned.reasons.push_back(other);
  }
  PlannedReason& held = derived.actions[1].reasons[0];
  held.status = ActionStatus::kHeld;
  held.held_because = "over its limit";
  derived.actions[2].reasons.erase(derived.actions[2].reasons.begin());
  const PlanSelection selection = SelectActions(read, derived);
  CHECK(selection.action_keys == std::set<std::string>{"key-mine"});
  REQUIRE(selection.fallen.size() == 2);
  CHECK(selection.fallen[0].why == "it is held now: over its limit");
  CHECK(selection.fallen[1].why == "only policies that this plan does not show ask for it now");
}

TEST_CASE("WhatIsEscalatedIsLeftByAutoAndTriedAgainByAPlanThatListsIt") {
  Plan derived;
  derived.actions = {Removal("fine"), Removal("stuck"), Removal("held", ActionStatus::kHeld)};
  for (PlannedAction& planned : derived.actions) {
    if (planned.action.target.id != "fine")
      planned.escalated = {Instant{1}, "read-only", "mend it"};
  }
  const PlanSelection ready = SelectReady(derived);
  CHECK(ready.action_keys == std::set<std::string>{"key-fine"});
  REQUIRE(ready.escalated.size() == 1);
  CHECK(ready.escalated[0].action.key == "key-stuck");
  CHECK(ready.fallen.empty());
  CHECK(ready.unseen_count == 0);
  Plan read;
  read.actions = {Removal("stuck")};
  const PlanSelection listed = SelectActions(read, derived);
  CHECK(listed.action_keys == std::set<std::string>{"key-stuck"});
  CHECK(listed.escalated.empty());
  CHECK(listed.unseen_count == 1);
}

// What another policy left alone was given as the reason.
TEST_CASE("AnActionThatIsDoneIsSaidToBeDoneWhateverOtherPoliciesLeaveAlone") {
  Plan read, derived;
  for (const char* id : {"done", "gone", "back", "seen", "asked-by-nobody"}) {
    read.actions.push_back(Removal(id));
    NotActedOn other;
    other.entity = "grant";
    other.target = id;
    other.policy = std::string(id) == "seen" ? "stale" : "other";
    other.reason = NotActedReason::kObserve;
    derived.not_acted_on.push_back(other);
  }
  derived.actions.push_back(Removal("next-back", ActionStatus::kNotice));
  // It came back, was removed, and came back again: the last removal is another action.
  derived.actions[0].action.target.id = "back";
  derived.actions[0].came_back = {*ParseInstant("2026-03-31T08:00Z"), "key-back-2"};
  const PlanSelection selection = SelectActions(
      read, derived, {{"key-done", false}, {"key-back", true}, {"key-asked-by-nobody", true}});
  REQUIRE(selection.fallen.size() == 5);
  CHECK(selection.fallen[0].why == "it is done");
  CHECK(selection.fallen[1].why == "no policy asks for it any more");
  CHECK(selection.fallen[2].why == "it was done, and came back since: make a new plan");
  CHECK(selection.fallen[3].why == "its policy only observes now");
  CHECK(selection.fallen[4].why == "it was done, and came back since; no policy asks for it now");
}

TEST_CASE("ANoticeIsFoundAgainThoughItsFindingIsOpenedAnew") {
  PlannedNotice notice;
  notice.policy = "stale";
  notice.judged_entity = "grant";
  notice.judged_id = "ann-vpn";
  notice.finding_id = "before";
  Plan read, derived;
  read.notices = {notice};
  notice.finding_id = "after";
  derived.notices = {notice};
  CHECK(SelectActions(read, derived).notices ==
        std::set<std::pair<std::string, uint32_t>>{{"after", 0}});
  derived.notices[0].status = ActionStatus::kHeld;
  CHECK(SelectActions(read, derived).notices.empty());
}

// A notice that was read in the plan, and not sent any more, was passed over in silence.
TEST_CASE("ANoticeThatFellAwayIsNamedWithItsReason") {
  const auto notice = [](const std::string& target, ActionStatus status = ActionStatus::kReady) {
    PlannedNotice planned;
    planned.policy = "warned";
    planned.judged_entity = "grant";
    planned.judged_id = target;
    planned.status = status;
    planned.due = *ParseInstant("2026-07-01T00:00Z");
    return planned;
  };
  Plan read, derived;
  read.notices = {notice("sent"),  notice("held"),
                  notice("later"), notice("exempt"),
                  notice("both"),  notice("not-ready-when-read", ActionStatus::kNotice)};
  derived.notices = {notice("held", ActionStatus::kHeld), notice("later", ActionStatus::kNotice),
                     notice("both")};
  derived.notices[0].held_because = "its feed is stale";
  NotActedOn left_alone;
  left_alone.entity = "grant";
  left_alone.target = "exempt";
  left_alone.reason = NotActedReason::kExempt;
  left_alone.by = "e-1";
  derived.not_acted_on = {left_alone};
  const PlanSelection selection = SelectActions(read, derived);
  CHECK(selection.notices.size() == 1);
  REQUIRE(selection.fallen.size() == 4);
  for (const FallenRow& row : selection.fallen) {
    CHECK(row.verb == "notify");
    CHECK(row.entity == "grant");
    CHECK(row.policy == "warned");
    CHECK(row.held == (row.target == "held"));
  }
  CHECK(selection.fallen[0].target == "sent");
  CHECK(selection.fallen[0].why == "no policy asks for it any more, or it was sent");
  CHECK(selection.fallen[1].why == "it is held now: its feed is stale");
  CHECK(selection.fallen[2].why == "it falls due at 2026-07-01T00:00:00Z");
  CHECK(selection.fallen[3].why == "it is exempt now, by e-1");
}

TEST_CASE("APlanIsOnlyGoodForItsStoreAndItsPolicies") {
  const RememberingStore store;
  Plan plan;
  plan.store_id = store.id();
  plan.store_epoch = store.epoch();
  plan.policies_hash = "sha256:a";
  CHECK(CheckPlan(plan, store, "sha256:a").ok());
  CHECK(CheckPlan(plan, store, "sha256:b").error().kind == ErrorKind::kStale);
  Plan ahead = plan;
  ahead.facts_seq = 7;  // the store was restored from before
  CHECK(CheckPlan(ahead, store, "sha256:a").error().kind == ErrorKind::kStale);
  Plan foreign = plan;
  foreign.store_id = "another";
  CHECK(CheckPlan(foreign, store, "sha256:a").error().kind == ErrorKind::kInvalidInput);
  Plan shown = plan;
  shown.applicable = false;
  CHECK(CheckPlan(shown, store, "sha256:a").error().kind == ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace rescind
