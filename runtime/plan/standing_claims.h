// StandingClaims: which policies want a target as it is, now that it is done.
//
// What is done asks for nothing, so no plan speaks of it; but it is undone only if nobody wants it
// so any more. A claim stands when the policy is confirmed and enforced, its row still matches, no
// exemption and no protect covers it, and it has let the target go or would have by now: its time
// has come, counted from when the times of the target began, the notices that come before were
// sent, and nobody's approval is missing. Whom a policy would have given notice first, has it once
// access is back. Limits and stale feeds hold what is to be removed, not what is gone.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/eval/reference_evaluator.h"
#include "runtime/plan/access_model.h"
#include "runtime/plan/exemption_cover.h"
#include "runtime/plan/finding_book.h"
#include "runtime/plan/protection.h"

namespace rescind {

class StandingClaims {
 public:
  // All outlive it. `confirmed`: policies that count as confirmed beside those that the book has
  // as such.
  StandingClaims(const eval::EvaluationInput& input, const FindingBook& findings,
                 const std::set<std::string>& confirmed, eval::ReferenceEvaluator& evaluator,
                 ExemptionCover& exemptions, Protection& protection);

  // A policy whose claim on the row stands, other than those of these findings (by id); nothing
  // when there is none. The first call looks at every target of every finding.
  std::optional<std::string> WhoWants(eval::FactRow target, const std::set<std::string>& except);

 private:
  struct Claim {
    uint32_t rule = 0;
    const Finding* finding = nullptr;
    uint32_t stage = 0;
    const ir::Action* action = nullptr;
  };

  void NoteAll();
  bool Stands(const Claim& claim, eval::FactRow target);
  Instant BaseOf(const Claim& claim, eval::FactRow target) const;
  static bool WouldHaveBegun(const Claim& claim, const ir::Rule& rule, Instant base, Instant now);

  const eval::EvaluationInput& input_;
  const FindingBook& findings_;
  const std::set<std::string>& confirmed_;
  eval::ReferenceEvaluator& evaluator_;
  ExemptionCover& exemptions_;
  Protection& protection_;
  AccessModel model_;
  using Target = std::pair<EntityId, RowId>;
  std::optional<std::map<Target, std::vector<Claim>>> claims_;
};

}  // namespace rescind
