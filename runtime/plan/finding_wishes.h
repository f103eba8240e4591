// FindingWishes: what is left to do for one finding: its targets, less what is done or protected.
//
// The same object serves the findings of a policy one after the other. Private to the planner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/plan/plan_draft.h"

namespace rescind {

// A target that is not in its wanted state and that nothing protects.
struct Wish {
  uint32_t stage = 0;
  uint32_t position = 0;  // of the action in its stage
  const ir::Action* action = nullptr;
  eval::FactRow target;
  Instant base;  // stage times of this target count from here
};

class FindingWishes {
 public:
  // The policy is enforced.
  FindingWishes(PlanDraft& draft, uint32_t rule_index);

  // Of this finding from now on; it outlives the wishes. Its guards are brought up to date, and
  // what is left alone is listed in PlanDraft::not_acted_on. Errors: ids or the journal could not
  // be read.
  Status Collect(Finding& finding);
  // Whether all that is left of the finding came back after it was done for it. An apply that was
  // cut off after it had verified a finding's last action has not resolved the finding: this one is
  // over. While other targets are left, the times of one that came back begin anew.
  Result<bool> HaveAllReturned();
  // Takes back what the last Collect has listed.
  void UnlistVetoes();
  // From when on the times count: of each wish in Wish::base, the earliest is returned.
  Instant SetBases();

  const std::vector<Wish>& all() const { return wishes_; }
  bool any_vetoed() const { return any_vetoed_; }
  // An exemption of the judged row: nothing is done for the finding.
  bool judged_exempt() const { return judged_exempt_.has_value(); }

  // The stage in which the policy asks for what the finding remembers; nothing when it does not.
  std::optional<uint32_t> StageOf(const StageAction& action) const;
  // It asks for it, and it is not done, vetoed or not.
  bool IsPending(const StageAction& action) const;
  // When a protect, or an exemption for this policy, has let go of the target, the last time;
  // nothing when none did.
  std::optional<Instant> LetGoAt(Verb verb, eval::FactRow target) const;

  // Of all actions: done, protected or wanted. Each once, sorted.
  std::vector<eval::FactRow> Targets() const;

 private:
  using ActionName = std::tuple<EntityId, RowId, Verb, std::string_view>;
  struct Considered {
    uint32_t stage = 0;
    bool pending = false;
  };

  Status Consider(Wish wish, std::vector<TargetGuard>& guards);
  const Considered* FindConsidered(const StageAction& action) const;
  void KeepGuard(const eval::FactRow& target, Verb verb, bool is_protected,
                 std::vector<TargetGuard>& guards) const;
  const TargetGuard* FindGuard(const std::string& entity, RowId row, Verb verb) const;
  Status AddVeto(NotActedReason reason, const Veto& veto, const eval::FactRow& target);
  Result<bool> HasReturned(const Wish& wish);
  bool IsDoneForFinding(const ActionHistory& history) const;
  const std::string& NameOf(EntityId entity) const {
    return draft_.input.program.schema.entity(entity).name;
  }

  PlanDraft& draft_;
  const ir::Rule& rule_;
  Instant enforced_since_;

  Finding* finding_ = nullptr;
  std::vector<Wish> wishes_;
  // A finding's actions may name a row twice: the first counts.
  std::map<ActionName, Considered> considered_;
  std::set<std::pair<EntityId, RowId>> vetoed_rows_;
  bool any_vetoed_ = false;
  size_t first_veto_ = 0;  // of its rows in PlanDraft::not_acted_on
  std::optional<Veto> judged_exempt_;
};

}  // namespace rescind
