// ShortenedNotice: what confirming a policy does to dates that people were told.
//
// While nobody has confirmed a new text that gives a shorter notice, the dates of the old one stand
// (finding_stages.h). Whoever confirms it moves them; the policy's line of a plan says so before.
// Private to the planner.
#pragma once

#include <map>
#include <string>

#include "runtime/plan/planner.h"

namespace rescind {

// `after` of the first stage that removes something: the notice that people get.
Duration NoticeOf(const ir::Rule& rule);

// Enforced policies whose confirmed notice is longer than what they say now, by name.
std::map<std::string, const ir::Rule*> ShortenedPolicies(const ir::Program& program,
                                                         const FindingBook& findings);

// The book as it would be had a person confirmed those.
FindingBook ConfirmAll(const std::map<std::string, const ir::Rule*>& policies, FindingBook book,
                       const FindingBook& advanced);

// `as_promised` and `as_confirmed` are whole plans of the same facts; says in `plan` what differs.
void SayWhatConfirmingDoes(const std::map<std::string, const ir::Rule*>& policies,
                           const FindingBook& findings, const Plan& as_promised,
                           const Plan& as_confirmed, Plan& plan);

}  // namespace rescind
