// A plan for a person's eyes: the six parts of the impact preview as plain text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/plan/plan.h"

namespace rescind {

struct TableOptions {
  bool colour = false;
  size_t max_rows = 50;  // of actions, and of each other listing; the rest is counted
};

// Marks with words beside them: `-` remove, `~` disable, `!` held, `·` standing, `=` left alone.
std::string FormatPlan(const Plan& plan, const TableOptions& options);

// The verdict alone, as it opens and closes the table.
std::string FormatVerdict(const Plan& plan, const TableOptions& options);

// "what changed": the delta of `plan` alone, for `rescind diff`.
std::string FormatDelta(const Plan& plan, const TableOptions& options);

// The mark of one action.
std::string_view MarkSign(const PlannedAction& planned);

// "2 new, 9 standing, 1 resolved, 1 exempt now".
std::string DeltaCounts(const PlanDelta& delta);

// What the words mean where policies are compared, not plans; empty else.
std::string_view DeltaMeaning(const PlanDelta& delta);

// What the filters show: "policy access.stale.stale_grant and the access of ann"; empty without.
std::string FilterText(const Plan& plan);

// "2 messages are held: nobody is told yet."; empty when none is.
std::string HeldMessagesText(const Plan& plan);

// "1 of them is of a stage that was rolled back: …", where there is one.
std::string LeftText(const PlanSummary& summary);

// "2 rows could not be evaluated, …", of a policy that is degraded.
std::string DegradedText(const PolicySummary& policy);

// "read 2h ago", as seen from the instant at which a plan judges; never negative.
std::string FeedAgeText(const std::optional<Instant>& observed_at, Instant now);

}  // namespace rescind
