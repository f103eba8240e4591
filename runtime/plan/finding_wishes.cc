#include "runtime/plan/finding_wishes.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/base/sort_unique.h"

namespace rescind {
namespace {

bool GuardsBefore(const TargetGuard& a, const TargetGuard& b) {
  return std::tie(a.entity, a.row, a.verb) < std::tie(b.entity, b.row, b.verb);
}

}  // namespace

FindingWishes::FindingWishes(PlanDraft& draft, uint32_t rule_index)
    : draft_(draft), rule_(draft.input.program.rules[rule_index]) {
  const PolicyRecord* record = draft.book.Record(rule_.full_name);
  RESCIND_ASSERT(record && record->enforced_since, "an enforced policy without a record");
  enforced_since_ = *record->enforced_since;
}

// ---- What is left to do ----

Status FindingWishes::Collect(Finding& finding) {
  finding_ = &finding;
  wishes_.clear();
  vetoed_rows_.clear();
  considered_.clear();
  any_vetoed_ = false;
  first_veto_ = draft_.not_acted_on.size();
  judged_exempt_ =
      draft_.exemptions.Vetoes(rule_.full_name, Verb::kNotify, rule_.entity, finding.row);
  std::vector<TargetGuard> guards;
  for (uint32_t stage = 0; stage < rule_.stages.size(); ++stage) {
    const auto& actions = rule_.stages[stage].actions;
    for (uint32_t position = 0; position < actions.size(); ++position) {
      if (!Removes(actions[position])) continue;
      for (const eval::FactRow& target : FindTargets(actions[position], draft_.input.facts,
                                                     draft_.evaluator, draft_.model, finding.row)) {
        RESCIND_TRY(Consider({stage, position, &actions[position], target, Instant()}, guards));
      }
    }
  }
  if (judged_exempt_ && !any_vetoed_) {
    RESCIND_TRY(AddVeto(NotActedReason::kExempt, *judged_exempt_, {rule_.entity, finding.row}));
  }
  std::sort(guards.begin(), guards.end(), GuardsBefore);
  // Two playbooks on one row share a guard.
  guards.erase(std::unique(guards.begin(), guards.end()), guards.end());
  finding.guards = std::move(guards);
  return {};
}

Status FindingWishes::Consider(Wish wish, std::vector<TargetGuard>& guards) {
  const Verb verb = ToVerb(wish.action->verb);
  const auto [considered, is_new] = considered_.try_emplace(
      {wish.target.entity, wish.target.row, verb, wish.action->playbook}, Considered{wish.stage});
  if (!is_new) return {};
  if (draft_.model.InWantedState(wish.action->verb, wish.target)) return {};
  if (wish.action->verb == ir::Verb::kRun) {
    RESCIND_ASSIGN(const ActionHistory history, draft_.HistoryOf(wish.target, *wish.action));
    if (IsDoneForFinding(history)) return {};
  }
  considered->second.pending = true;
  const auto veto = draft_.protection.Vetoes(verb, wish.target.entity, wish.target.row);
  KeepGuard(wish.target, verb, veto.has_value(), guards);
  if (veto) {
    const auto reason =
        veto->undecided ? NotActedReason::kUndecidedProtect : NotActedReason::kProtected;
    return AddVeto(reason, *veto, wish.target);
  }
  if (judged_exempt_) return AddVeto(NotActedReason::kExempt, *judged_exempt_, wish.target);
  const auto exempt =
      draft_.exemptions.Vetoes(rule_.full_name, verb, wish.target.entity, wish.target.row);
  if (exempt) return AddVeto(NotActedReason::kExempt, *exempt, wish.target);
  wishes_.push_back(wish);
  return {};
}

const FindingWishes::Considered* FindingWishes::FindConsidered(const StageAction& action) const {
  const auto entity = draft_.input.program.schema.Find(action.entity);
  if (!entity) return nullptr;
  const auto found = considered_.find({*entity, action.row, action.verb, action.playbook});
  return found == considered_.end() ? nullptr : &found->second;
}

std::optional<uint32_t> FindingWishes::StageOf(const StageAction& action) const {
  const Considered* considered = FindConsidered(action);
  return considered ? std::optional(considered->stage) : std::nullopt;
}

bool FindingWishes::IsPending(const StageAction& action) const {
  const Considered* considered = FindConsidered(action);
  return considered && considered->pending;
}

std::vector<eval::FactRow> FindingWishes::Targets() const {
  std::vector<eval::FactRow> targets;
  for (const auto& [name, considered] : considered_) {
    const eval::FactRow target{std::get<EntityId>(name), std::get<RowId>(name)};
    // They are sorted by target first.
    if (targets.empty() || targets.back() != target) targets.push_back(target);
  }
  return targets;
}

// ---- What protects and exemptions keep ----

// When a protect lets go of a target, its stage times begin anew: that instant is remembered.
void FindingWishes::KeepGuard(const eval::FactRow& target, Verb verb, bool is_protected,
                              std::vector<TargetGuard>& guards) const {
  const std::string& entity = NameOf(target.entity);
  if (is_protected) {
    guards.push_back({entity, target.row, verb, Instant::Never()});
  } else if (const TargetGuard* guard = FindGuard(entity, target.row, verb)) {
    guards.push_back({entity, target.row, verb, std::min(guard->until, draft_.input.now)});
  }
}

const TargetGuard* FindingWishes::FindGuard(const std::string& entity, RowId row, Verb verb) const {
  const auto& guards = finding_->guards;
  const auto found = std::lower_bound(guards.begin(), guards.end(), std::tie(entity, row, verb),
                                      [](const TargetGuard& guard, const auto& key) {
                                        return std::tie(guard.entity, guard.row, guard.verb) < key;
                                      });
  const bool is_it =
      found != guards.end() && found->entity == entity && found->row == row && found->verb == verb;
  return is_it ? &*found : nullptr;
}

Status FindingWishes::AddVeto(NotActedReason reason, const Veto& veto,
                              const eval::FactRow& target) {
  any_vetoed_ = true;
  if (!vetoed_rows_.insert({target.entity, target.row}).second) return {};
  RESCIND_ASSIGN(std::string id, draft_.IdOf(target));
  draft_.not_acted_on.push_back(
      {{NameOf(target.entity), std::move(id), rule_.full_name, reason, veto.by, veto.detail},
       target});
  return {};
}

void FindingWishes::UnlistVetoes() {
  draft_.not_acted_on.erase(draft_.not_acted_on.begin() + static_cast<std::ptrdiff_t>(first_veto_),
                            draft_.not_acted_on.end());
}

std::optional<Instant> FindingWishes::LetGoAt(Verb verb, eval::FactRow target) const {
  auto at = draft_.exemptions.LastEnd(rule_.full_name, verb, target.entity, target.row);
  if (const TargetGuard* guard = FindGuard(NameOf(target.entity), target.row, verb)) {
    at = std::max(at.value_or(guard->until), guard->until);
  }
  return at;
}

Instant FindingWishes::SetBases() {
  Instant base = std::max(finding_->opened_at, enforced_since_);
  const auto judged_end =
      draft_.exemptions.LastEnd(rule_.full_name, Verb::kNotify, rule_.entity, finding_->row);
  if (judged_end) base = std::max(base, *judged_end);
  if (wishes_.empty()) return base;
  Instant least = Instant::Never();
  for (Wish& wish : wishes_) {
    const auto let_go = LetGoAt(ToVerb(wish.action->verb), wish.target);
    wish.base = std::max(base, let_go.value_or(base));
    least = std::min(least, wish.base);
  }
  return least;
}

// ---- What has come back ----

Result<bool> FindingWishes::HaveAllReturned() {
  size_t returned_count = 0;
  for (const Wish& wish : wishes_) {
    RESCIND_ASSIGN(const bool returned, HasReturned(wish));
    if (returned) ++returned_count;
  }
  return returned_count > 0 && returned_count == wishes_.size() && !any_vetoed_;
}

// Whether an action of this finding was verified to have done what the wish asks for, and that
// is news.
Result<bool> FindingWishes::HasReturned(const Wish& wish) {
  if (wish.action->verb == ir::Verb::kRun) return false;  // was done, or is no wish
  RESCIND_ASSIGN(const ActionHistory history, draft_.HistoryOf(wish.target, *wish.action));
  if (!history.removed || !IsDoneForFinding(history)) return false;
  const Instant now = draft_.input.now;
  TargetGuard anew{NameOf(wish.target.entity), wish.target.row, ToVerb(wish.action->verb), now};
  auto& guards = finding_->guards;
  const auto at = std::lower_bound(guards.begin(), guards.end(), anew, GuardsBefore);
  if (at == guards.end() || GuardsBefore(anew, *at)) {
    guards.insert(at, std::move(anew));
    return true;
  }
  if (at->until >= history.removed->at) return false;
  at->until = now;
  return true;
}

bool FindingWishes::IsDoneForFinding(const ActionHistory& history) const {
  return std::find(history.done_for.begin(), history.done_for.end(), finding_->id) !=
         history.done_for.end();
}

}  // namespace rescind
