#include "runtime/service/left_actions.h"

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "runtime/plan/access_model.h"

namespace rescind {
namespace {

// Of what the plan of now does not ask for.
class UnaskedActions {
 public:
  UnaskedActions(const Derivation& derivation, FactGate& gate)
      : facts_(derivation.facts), model_(derivation.facts), gate_(gate) {}

  Status Add(const JournalEntry& entry) {
    // The gate knows better why, where something keeps the policies from it.
    GateAnswer answer = gate_.Judge(entry, nullptr);
    if (answer.kind == GateAnswer::Kind::kWithdraw) {
      unasked_.push_back({entry.action.key, std::move(answer.reason)});
      return {};
    }
    RESCIND_ASSIGN(const bool is_done, IsDone(entry.action));
    unasked_.push_back({entry.action.key, is_done ? "the facts have it as the policies want it"
                                                  : "no policy asks for it any more"});
    return {};
  }

  // What was left to a person for a finding of now needs none when the facts have it done, or when
  // its policy asks for something else: this goes by what is, so that it also finds what is left of
  // findings that ended without a transition.
  Status AddGivenUp(const JournalEntry& entry) {
    if (!IsGivenUpUndone(entry)) return {};
    if (IsStillEffective(entry)) {
      RESCIND_ASSIGN(const bool is_done, IsDone(entry.action));
      if (is_done) return {};
    }
    return Add(entry);
  }

  std::vector<UnaskedAction> Take() { return std::move(unasked_); }

 private:
  Result<bool> IsDone(const Action& action) const {
    if (action.verb == Verb::kRun) return false;
    RESCIND_ASSIGN(const bool is_there, IsThereAgain(facts_, model_, action));
    return !is_there;
  }

  const FactBase& facts_;
  const AccessModel model_;
  FactGate& gate_;
  std::vector<UnaskedAction> unasked_;
};

}  // namespace

Result<LeftActions> FindLeftActions(const Journal& journal, const Derivation& derivation,
                                    FactGate& gate,
                                    const std::function<bool(const std::string& key)>& runs) {
  std::map<std::string_view, ActionStatus> asked;
  for (const PlannedAction& planned : derivation.outcome.plan.actions) {
    asked.emplace(planned.action.key, planned.status);
  }
  LeftActions left;
  std::vector<JournalEntry> idle;
  RESCIND_TRY(journal.List([&](const JournalEntry& entry) {
    if (IsTerminal(entry.state)) return false;  // open ones come first
    const std::string& key = entry.action.key;
    const auto wanted = asked.find(key);
    if (!IsInFlight(entry.state)) {
      if (wanted == asked.end()) idle.push_back(entry);
    } else if (!runs(key)) {
      const bool is_ready = wanted != asked.end() && wanted->second == ActionStatus::kReady;
      if (is_ready) ++left.left_open_count;
      if (!is_ready) left.adopted.insert(key);
    }
    return true;
  }));
  UnaskedActions unasked(derivation, gate);
  for (const JournalEntry& entry : idle) RESCIND_TRY(unasked.Add(entry));
  RESCIND_ASSIGN(const auto escalated, journal.ListEscalated());
  std::set<std::string_view> wanted;
  for (const auto& [key, terms] : derivation.outcome.terms) wanted.insert(terms.wanted_key);
  for (const JournalEntry& entry : escalated) {
    // To do it again would be another action.
    if (entry.state == ActionState::kCompensated) {
      if (!wanted.contains(entry.wanted_key)) left.forgotten.push_back(entry.action.key);
    } else if (!asked.contains(entry.action.key)) {
      RESCIND_TRY(unasked.AddGivenUp(entry));
    }
  }
  left.unasked = unasked.Take();
  return left;
}

}  // namespace rescind
