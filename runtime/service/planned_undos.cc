#include "runtime/service/planned_undos.h"

#include <algorithm>
#include <utility>

#include "runtime/plan/action_key.h"

namespace rescind {
namespace {

constexpr const char* kStays =
    "applying this plan carries its stage out again: where it is still removed it stays so";
constexpr const char* kGoesOn = "applying this plan goes on giving it back";
constexpr const char* kTriesAgain = "applying this plan tries again to give it back";

// What a plan carries out, by which its stages are known.
class ReadyStages {
 public:
  ReadyStages(const Derivation& derivation, const UndoChoice& shown) {
    std::optional<std::set<std::string>> policies;
    if (!shown.policies.empty()) policies.emplace(shown.policies.begin(), shown.policies.end());
    const auto& all_terms = derivation.outcome.terms;
    for (const PlannedAction& planned : derivation.outcome.plan.actions) {
      if (planned.status != ActionStatus::kReady) continue;
      keys_.insert(planned.action.key);
      if (const auto terms = all_terms.find(planned.action.key); terms != all_terms.end()) {
        AddStagesLetGo(planned, terms->second, policies, names_);
        continue;
      }
      // Of a plan that is only shown.
      for (const ActionReason& reason : planned.action.reasons) {
        if (policies && !policies->contains(reason.policy)) continue;
        numbers_.emplace(reason.finding_id, reason.stage);
      }
    }
    // Nothing of them is carried out.
    for (const auto& [stage, parts] : derivation.outcome.left_parts) {
      const bool is_held = std::any_of(parts.begin(), parts.end(), [](const LeftPart& part) {
        return !part.held_because.empty();
      });
      if (is_held) names_.erase(stage);
    }
  }

  bool HasActionOf(const JournalEntry& undo) const { return keys_.contains(undo.action.key); }
  bool HasStageOf(const JournalEntry& undo) const {
    const auto& groups = undo.rollback_groups;
    const auto& reasons = undo.action.reasons;
    return std::any_of(groups.begin(), groups.end(),
                       [&](const std::string& name) { return names_.contains(name); }) ||
           std::any_of(reasons.begin(), reasons.end(), [&](const ActionReason& reason) {
             return numbers_.contains({reason.finding_id, reason.stage});
           });
  }

 private:
  std::set<std::string> keys_;
  std::set<std::string> names_;
  std::set<std::pair<std::string, uint32_t>> numbers_;
};

PlannedUndo Describe(const JournalEntry& entry) {
  PlannedUndo undo;
  undo.action_key = entry.action.key;
  undo.verb = entry.action.verb;
  undo.entity = entry.action.target.entity;
  undo.target = entry.action.target.id;
  undo.system = entry.action.target.system;
  for (const ActionReason& reason : entry.action.reasons) {
    const auto end = undo.policies.end();
    if (std::find(undo.policies.begin(), end, reason.policy) == end) {
      undo.policies.push_back(reason.policy);
    }
  }
  undo.failed = IsUndoLeft(entry);
  undo.since = entry.undo_since.value_or(entry.changed_at);
  undo.error = entry.detail;
  return undo;
}

}  // namespace

void AddStagesLetGo(const PlannedAction& planned, const ActionTerms& terms,
                    const std::optional<std::set<std::string>>& policies,
                    std::set<std::string>& stages) {
  for (const std::string& stage : terms.ready_stages) {
    const std::string finding = FindingOfStage(stage);
    const auto& reasons = planned.action.reasons;
    const bool is_shown =
        !policies || std::any_of(reasons.begin(), reasons.end(), [&](const ActionReason& reason) {
          return reason.finding_id == finding && policies->contains(reason.policy);
        });
    if (is_shown) stages.insert(stage);
  }
}

Result<std::vector<PlannedUndo>> ListPlannedUndos(const Journal& journal,
                                                  const Derivation& derivation,
                                                  const UndoChoice& shown) {
  std::vector<PlannedUndo> undos;
  RESCIND_ASSIGN(const auto entries, journal.ListUndos());
  if (entries.empty()) return undos;
  const ReadyStages ready(derivation, shown);
  for (const JournalEntry& entry : entries) {
    PlannedUndo undo = Describe(entry);
    if (entry.undo_dropped || ready.HasStageOf(entry)) {
      undo.effect = kStays;
    } else if (!undo.failed) {
      undo.effect = kGoesOn;
    } else {
      RESCIND_ASSIGN(const bool is_shown, IsUndoShown(derivation, shown, entry));
      if (!is_shown || ready.HasActionOf(entry)) continue;
      undo.effect = kTriesAgain;
    }
    undos.push_back(std::move(undo));
  }
  return undos;
}

}  // namespace rescind
