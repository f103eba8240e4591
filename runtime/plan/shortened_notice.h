// ShortenedNotice: what confirming a policy does to dates that people were told.
//
// While nobody has confirmed a new text that gives a shorter notice, or brings a later stage
// forward, the dates of the old one stand (finding_stages.h). Whoever confirms it moves them; the
// policy's line of a plan says so before. Private to the planner.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/plan/planner.h"

namespace rescind {

// `after` of the first stage that removes something: the notice that people get.
Duration NoticeOf(const ir::Rule& rule);

// What PolicyRecord::confirmed_stages becomes when the rule is confirmed.
std::vector<ConfirmedStage> StagesToConfirm(const ir::Rule& rule);

// By stage of the rule, when it falls due for whom the record's confirmed text had promised it: the
// later of what is written and what was promised, to the stage that it follows from or to one of
// its actions in another place. Nothing that removes comes before the confirmed notice.
std::vector<Duration> PromisedAfter(const ir::Rule& rule, const PolicyRecord& record);

// Enforced policies a stage of which was promised for later than they say now, by name.
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
