// RowExplanation: why access to, or through, one row goes, or why it stays.
//
// Puts together what the evaluator explains (clauses, facts, instants) and what the planner makes
// of it (actions, notices, protections, exemptions, holds). Data; row_explanation_text.h prints it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/eval/explanation.h"
#include "runtime/plan/relevant_rule.h"
#include "runtime/service/pipeline.h"
#include "runtime/service/target_resolver.h"

namespace rescind {

// One rule as it bears on the row.
struct ExplainedRule {
  RelevantRule relevant;
  eval::Explanation explanation;
  std::string judged;                    // "account ldap/ann": the row that the rule judges
  std::vector<PlannedAction> actions;    // of its findings there, on the asked row
  std::vector<PlannedNotice> notices;    // of its findings there
  std::vector<NotActedOn> not_acted_on;  // why a match leads to nothing, or to less
  std::string held_because;              // the first hold among actions and notices; or empty
  std::string insufficient_because;      // what the judged row lacks; empty: it could be judged
  std::string nothing_because;  // of an enforced match that leads to none of these; or empty

  bool matches() const { return explanation.verdict == eval::Verdict::kMatch; }
};

struct RowExplanation {
  TargetRow target;
  Instant now;
  Presence presence = Presence::kAbsent;
  std::string only_policy;            // the one that was asked for; empty: all of them
  std::vector<ExplainedRule> rules;   // policies by name, then protects; none unless it is live
  std::vector<Exemption> exemptions;  // active ones that name the row
};

// `policy`: only that one, and protects. `derivation` is of the pipeline, without filters.
Result<RowExplanation> ExplainRow(Pipeline& pipeline, const Derivation& derivation,
                                  const TargetRow& target,
                                  const std::optional<std::string>& policy);

}  // namespace rescind
