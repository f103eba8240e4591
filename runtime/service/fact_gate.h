// FactGate: whether an action may still begin, by the facts of now.
//
// The journal asks before it calls a system, and before every attempt. Withdrawn is what no policy
// asks for any more, what is protected or exempt, and what no longer matches once the use that only
// its system has seen is taken for a fact, which it becomes (verified_facts.h); held, what the plan
// of now holds, and what is left to claims that do not let it go yet. The judged row is
// judged again for every action, whatever of its stage is done already: an action whose match has
// ended does not begin. A use that ends a reason counts for all others of its finding, in whatever
// order they are asked about (SeenUseCount). One caller at a time.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/eval/reference_evaluator.h"
#include "runtime/env/clock.h"
#include "runtime/journal/run_options.h"
#include "runtime/plan/access_model.h"
#include "runtime/plan/exemption.h"
#include "runtime/service/pipeline.h"

namespace rescind {

// Whether the facts have what a verified action took away: since then it came back. A playbook
// takes nothing that facts could tell of.
Result<bool> IsThereAgain(const FactBase& facts, const AccessModel& model, const Action& action);

class FactGate final : public ActionGate {
 public:
  // Copies the findings; the rest of the derivation and the clock outlive it. `confirmed`: policies
  // that are confirmed with this very run. `read`: the only ones whose claims let anything go;
  // absent: all.
  FactGate(const Derivation& derivation, std::vector<Exemption> exemptions,
           std::set<std::string> confirmed, const std::optional<std::set<std::string>>& read,
           const Clock& clock);
  ~FactGate() override;

  GateAnswer Judge(const JournalEntry& entry, const Observation* seen) override;
  uint64_t SeenUseCount() const override { return seen_use_count_; }
  GateAnswer JudgeUndo(const JournalEntry& entry,
                       const std::set<std::string>& rolled_back) override;

 private:
  struct Moment;
  // What a reason rests on.
  struct Ground {
    uint32_t rule = 0;
    RowId row;
  };

  Result<Moment*> Now();
  std::optional<Ground> GroundOf(const ActionReason& reason);
  // What the facts do not say of last uses, and systems do: of the target, and with it of all.
  struct Uses {
    std::vector<eval::SupposedInstant> own;
    std::vector<eval::SupposedInstant> all;
  };
  Uses UsesSeen(eval::FactRow target, std::optional<Instant> seen_use) const;
  // Why a reason no longer stands; empty when it does.
  struct Ended {
    std::string why;
    bool by_use = false;  // by what is taken for facts, and only by that
  };
  Result<Ended> WhyEnded(Moment& moment, const ActionReason& reason, const Uses& uses);
  bool LetsGo(const Action& action, const ActionReason& reason) const;
  Result<GateAnswer> Answer(const JournalEntry& entry, std::optional<Instant> seen_use);
  // Of a target that is there and not protected.
  Result<GateAnswer> AnswerOf(Moment& moment, const Action& action, eval::FactRow target,
                              std::optional<Instant> seen_use);
  Result<GateAnswer> AnswerUndo(const JournalEntry& entry,
                                const std::set<std::string>& rolled_back);
  // The target's row; nothing when the facts do not have it, or have another one of that name.
  Result<std::optional<eval::FactRow>> Find(const ActionTarget& target) const;

  const Derivation& derivation_;
  const FindingBook findings_;
  const AccessModel model_;
  std::vector<Exemption> exemptions_;
  std::set<std::string> confirmed_;
  const Clock& clock_;
  std::unordered_set<std::string> asked_;                 // keys of now
  std::map<std::string, std::string, std::less<>> held_;  // why, by action's key
  // Of actions that several claims ask for: findings and stages that let them go, by key.
  std::map<std::string, std::set<std::string>, std::less<>> letting_go_;
  std::map<std::string, uint32_t, std::less<>> rules_;                     // policies by name
  std::map<std::string, std::unordered_map<std::string, RowId>> grounds_;  // policy, finding
  // By which reasons of this run's actions have ended: facts for the others, as they will be for
  // the next run.
  std::vector<eval::SupposedInstant> uses_seen_;
  std::atomic<uint64_t> seen_use_count_{0};
  std::unique_ptr<Moment> moment_;
};

}  // namespace rescind
