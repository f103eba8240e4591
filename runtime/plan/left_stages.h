// LeftStages: the stages that were rolled back, and that `apply --auto` leaves to a person.
//
// A stage that was rolled back was one transaction: without what failed in it, which is left to a
// person, the rest of it would be half of one; and so would it be while what it had done is still
// being given back. Private to the planner.
#pragma once

#include <set>
#include <string>

#include "runtime/plan/action_sketch.h"

namespace rescind {

class LeftStages {
 public:
  // Errors: the journal could not be read.
  static Result<LeftStages> Find(PlanDraft& draft, const ActionSketches& sketches);

  // Names (NameOfStage).
  const std::set<std::string>& names() const { return names_; }
  // Why the action is left though it is ready; null: it is not. Another policy that lets it go is
  // about more than such a stage. Of one that was given up itself this says nothing.
  const char* WhyLeft(PlanDraft& draft, const ActionSketches& sketches,
                      const ActionSketch& sketch) const;

 private:
  std::set<std::string> names_;
};

}  // namespace rescind
