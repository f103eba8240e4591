// StandingClaims: which policies want a target as it is, now that it is done.
//
// What is done asks for nothing, so no plan speaks of it; but it is undone only if nobody wants it
// so any more. A claim stands when the policy is confirmed and enforced, its row still matches, no
// exemption covers it, and its time has come: counted like that of a stage, from when the times of
// the target began. Whom a policy would have given notice first, has it once access is back.
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

namespace rescind {

class StandingClaims {
 public:
  // All outlive it. `confirmed`: policies that count as confirmed beside those that the book has
  // as such.
  StandingClaims(const eval::EvaluationInput& input, const FindingBook& findings,
                 const std::set<std::string>& confirmed, eval::ReferenceEvaluator& evaluator,
                 ExemptionCover& exemptions);

  // A policy whose claim on the row stands, other than those of these findings (by id); nothing
  // when there is none. The first call looks at every target of every finding.
  std::optional<std::string> WhoWants(eval::FactRow target, const std::set<std::string>& except);

 private:
  struct Claim {
    uint32_t rule = 0;
    const Finding* finding = nullptr;
    const ir::Action* action = nullptr;
    Duration after;
  };

  void NoteAll();
  bool Stands(const Claim& claim, eval::FactRow target);

  const eval::EvaluationInput& input_;
  const FindingBook& findings_;
  const std::set<std::string>& confirmed_;
  eval::ReferenceEvaluator& evaluator_;
  ExemptionCover& exemptions_;
  AccessModel model_;
  using Target = std::pair<EntityId, RowId>;
  std::optional<std::map<Target, std::vector<Claim>>> claims_;
};

}  // namespace rescind
