#include "runtime/service/failed_undos.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "runtime/plan/access_model.h"
#include "runtime/plan/policy_renames.h"

namespace rescind {
namespace {

class UndoLook {
 public:
  explicit UndoLook(ActionRunners& runners) : runners_(runners) {}

  // Its target is as the action left it, or was given back already.
  bool CanBeUndone(const JournalEntry& entry) {
    const std::string& system = entry.action.target.system;
    ActionRunner* runner = runners_.Find(system);
    if (runner == nullptr || silent_.contains(system)) return false;
    const Result<Observation> seen = runner->Observe(entry.action);
    if (!seen.ok()) {
      if (IsWorthARetry(seen.error())) silent_.insert(system);
      return false;
    }
    return seen->in_wanted_state || seen->digest == entry.precondition_digest;
  }

 private:
  ActionRunners& runners_;
  std::set<std::string> silent_;  // systems that are not asked again
};

// Whether the plan that is applied shows what an undo is about.
class ShownUndos {
 public:
  ShownUndos(const Derivation& derivation, const UndoChoice& choice)
      : facts_(derivation.facts),
        model_(derivation.facts),
        renames_(derivation.program),
        choice_(choice) {}

  Result<bool> Has(const JournalEntry& entry) const {
    if (!choice_.policies.empty() && !IsOfShownPolicies(entry.action)) return false;
    if (choice_.person.empty()) return true;
    const auto entity = facts_.schema().Find(entry.action.target.entity);
    if (!entity) return false;
    RESCIND_ASSIGN(const auto row, facts_.texts().Find(*entity, entry.action.target.id));
    if (!row || row->index() >= facts_.table(*entity).row_count()) return false;
    const std::optional<RowId> person = model_.PersonOf({*entity, *row});
    if (!person) return false;
    RESCIND_ASSIGN(const std::string id, facts_.texts().Id(model_.identity(), *person));
    return id == choice_.person;
  }

 private:
  // All that had asked for it: each of them has rolled it back.
  bool IsOfShownPolicies(const Action& action) const {
    const auto& shown = choice_.policies;
    return std::all_of(
        action.reasons.begin(), action.reasons.end(), [&](const ActionReason& reason) {
          return std::find(shown.begin(), shown.end(), renames_.NameNow(reason.policy)) !=
                 shown.end();
        });
  }

  const FactBase& facts_;
  const AccessModel model_;
  const PolicyRenames renames_;
  const UndoChoice& choice_;
};

}  // namespace

Result<bool> IsUndoShown(const Derivation& derivation, const UndoChoice& choice,
                         const JournalEntry& entry) {
  return ShownUndos(derivation, choice).Has(entry);
}

Result<FailedUndos> FindFailedUndos(const Journal& journal, ActionRunners& runners,
                                    const Derivation& derivation, const UndoChoice& choice) {
  std::set<std::string_view> ready;
  for (const PlannedAction& planned : derivation.outcome.plan.actions) {
    if (planned.status == ActionStatus::kReady) ready.insert(planned.action.key);
  }
  FailedUndos undos;
  UndoLook look(runners);
  const ShownUndos shown(derivation, choice);
  RESCIND_ASSIGN(auto escalated, journal.ListEscalated());
  for (JournalEntry& entry : escalated) {
    const std::string& key = entry.action.key;
    if (!IsUndoLeft(entry)) continue;
    const bool is_listed = choice.listed.contains(key);
    RESCIND_ASSIGN(bool is_tried, shown.Has(entry));
    is_tried = is_tried && (is_listed || !ready.contains(key)) &&
               (choice.by_person || !IsUndoRefused(entry)) && look.CanBeUndone(entry);
    if (is_tried) {
      undos.to_retry.push_back(key);
    } else if (!is_listed) {
      undos.left.push_back(std::move(entry));
    }
  }
  return undos;
}

}  // namespace rescind
