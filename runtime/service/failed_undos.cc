#include "runtime/service/failed_undos.h"

#include <string_view>
#include <utility>

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

}  // namespace

Result<FailedUndos> FindFailedUndos(const Journal& journal, ActionRunners& runners,
                                    const Plan& derived, const std::set<std::string>& listed,
                                    bool by_person) {
  std::set<std::string_view> ready;
  for (const PlannedAction& planned : derived.actions) {
    if (planned.status == ActionStatus::kReady) ready.insert(planned.action.key);
  }
  FailedUndos undos;
  UndoLook look(runners);
  RESCIND_ASSIGN(auto escalated, journal.ListEscalated());
  for (JournalEntry& entry : escalated) {
    const std::string& key = entry.action.key;
    if (!IsUndoLeft(entry) || listed.contains(key)) continue;
    const bool is_tried =
        !ready.contains(key) && (by_person || !IsUndoRefused(entry)) && look.CanBeUndone(entry);
    if (is_tried) {
      undos.to_retry.push_back(key);
    } else {
      undos.left.push_back(std::move(entry));
    }
  }
  return undos;
}

}  // namespace rescind
