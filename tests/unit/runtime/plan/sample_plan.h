// A plan with one of everything, for the tests of its faces.
#pragma once

#include "runtime/plan/plan.h"

namespace rescind {

inline PlannedAction SampleAction(std::string id, Verb verb, ActionStatus status) {
  PlannedAction planned;
  planned.action.key = "key-" + id;
  planned.action.verb = verb;
  planned.action.target = {"grant", id, 1, "corp-ldap", {{"account", "ldap/ann"}}};
  planned.action.severity = Severity::kMedium;
  planned.status = status;
  planned.due = *ParseInstant("2026-04-01T00:00Z");
  planned.reversible = true;
  planned.subject = {"ann", "sales", false};
  PlannedReason reason;
  reason.policy = "access.stale.stale_grant";
  reason.title = "A grant nobody uses";
  reason.judged_entity = "grant";
  reason.judged_id = std::move(id);
  reason.because = "last used long ago";
  reason.source_line = "policies/stale.rescind:11";
  reason.controls = {"pci_dss_4 8.2.6"};
  reason.opened_at = *ParseInstant("2026-03-25T00:00Z");
  reason.due = planned.due;
  reason.evidence = {{"g.last_used", "2025-12-01T00:00:00Z", "directory"}};
  planned.reasons.push_back(reason);
  return planned;
}

inline Plan SamplePlan() {
  Plan plan;
  plan.as_of = *ParseInstant("2026-04-01T00:00Z");
  plan.facts_seq = 42;
  plan.store_id = "store";
  plan.store_epoch = 3;
  plan.policies_hash = "sha256:00";
  plan.cold_start = true;
  plan.actions.push_back(SampleAction("ldap/ann/vpn", Verb::kRevoke, ActionStatus::kReady));
  plan.actions.push_back(SampleAction("ldap/bob/vpn", Verb::kRevoke, ActionStatus::kHeld));
  plan.actions.back().held_because = "over the limit";
  plan.notices.push_back({"access.stale.stale_grant",
                          "f1",
                          "grant",
                          "ldap/ann/vpn",
                          0,
                          plan.as_of,
                          ActionStatus::kReady,
                          "",
                          {"iam-team"},
                          "last used long ago",
                          ""});
  PlannedNotice alarm = plan.notices.back();
  alarm.alarm = "not done within 4h";
  plan.notices.push_back(std::move(alarm));
  plan.not_acted_on.push_back({"account", "ldap/root", "access.stale.stale_grant",
                               NotActedReason::kProtected, "access.stale.break_glass", ""});
  PolicySummary policy;
  policy.policy = "access.stale.stale_grant";
  policy.enforced = true;
  policy.judged_count = 40;
  policy.match_count = 3;
  policy.removal_count = 2;
  policy.limit = "5% of grant: 2 of at most 2";
  plan.policies.push_back(policy);
  plan.feeds.push_back({"hr", "identity", plan.as_of, Duration{kMicrosPerDay}, false});
  plan.feeds.push_back({"crm", "account", std::nullopt, std::nullopt, true});
  plan.roll_ups.push_back({"access.stale.stale_grant", "corp-ldap", "sales", false, 2, 40});
  SealPlan(plan);
  return plan;
}

}  // namespace rescind
