#include "runtime/service/fact_gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/eval/reference_evaluator.h"
#include "runtime/plan/action_key.h"
#include "runtime/plan/exemption_cover.h"
#include "runtime/plan/policy_renames.h"
#include "runtime/plan/protection.h"
#include "runtime/plan/standing_claims.h"

namespace rescind {
namespace {

// Within this time the answers of one judgement are good enough: a run waits longer than that
// only for retries.
constexpr int64_t kMomentMicros = 10 * kMicrosPerSecond;
constexpr const char* kUntold = "as its system says and no feed has told yet";

// What the facts would say of the row's last use, were they as new as what its system has seen.
void AddUse(const FactBase& facts, eval::FactRow row, Instant seen_use,
            std::vector<eval::SupposedInstant>& uses) {
  const EntityDef& definition = facts.schema().entity(row.entity);
  const Table& table = facts.table(row.entity);
  for (uint32_t index = 0; index < definition.fields.size(); ++index) {
    const FieldId field(index);
    // What was not loaded, no policy reads.
    if (!TellsUse(definition.fields[index]) || !table.has(field)) continue;
    const Column& column = table.column(field);
    const bool is_news =
        column.IsUnknown(row.row) || Instant{column.longs()[row.row.index()]} < seen_use;
    if (is_news) uses.push_back({row, field, seen_use});
  }
}

// Of the same field the later use. Whether any is news.
bool AddLater(const std::vector<eval::SupposedInstant>& more,
              std::vector<eval::SupposedInstant>& uses) {
  bool any = false;
  for (const eval::SupposedInstant& use : more) {
    const auto known =
        std::find_if(uses.begin(), uses.end(), [&](const eval::SupposedInstant& each) {
          return each.row == use.row && each.field == use.field;
        });
    if (known != uses.end() && known->at >= use.at) continue;
    any = true;
    if (known == uses.end()) {
      uses.push_back(use);
    } else {
      known->at = use.at;
    }
  }
  return any;
}

GateAnswer Withdraw(std::string reason) { return {GateAnswer::Kind::kWithdraw, std::move(reason)}; }

}  // namespace

Result<bool> IsThereAgain(const FactBase& facts, const AccessModel& model, const Action& action) {
  const auto entity = facts.schema().Find(action.target.entity);
  if (!entity || action.verb == Verb::kRun) return false;
  RESCIND_ASSIGN(const auto row, facts.texts().Find(*entity, action.target.id));
  const Table& table = facts.table(*entity);
  if (!row || row->index() >= table.row_count() || table.presence(*row) != Presence::kLive) {
    return false;
  }
  return !model.InWantedState(action.verb, {*entity, *row});
}

// Everything that depends on the instant.
struct FactGate::Moment {
  Moment(const Derivation& derivation, Instant now, ExemptionCover exemption_cover)
      : input{derivation.program, derivation.facts, derivation.holidays, now},
        evaluator(input),
        exemptions(std::move(exemption_cover)) {}

  // Whether what rests on `ground` would no longer match.
  bool EndsBy(const std::vector<eval::SupposedInstant>& uses, const Ground& ground) {
    return evaluator.JudgeSupposing(uses, ground.rule, ground.row).verdict != eval::Verdict::kMatch;
  }

  const eval::EvaluationInput input;
  eval::ReferenceEvaluator evaluator;
  ExemptionCover exemptions;
  eval::SweepResult protects;
  std::optional<Protection> protection;
  std::optional<StandingClaims> claims;
};

FactGate::FactGate(const Derivation& derivation, std::vector<Exemption> exemptions,
                   std::set<std::string> confirmed,
                   const std::optional<std::set<std::string>>& read, const Clock& clock)
    : derivation_(derivation),
      findings_(derivation.outcome.findings),
      model_(derivation.facts),
      exemptions_(std::move(exemptions)),
      confirmed_(std::move(confirmed)),
      clock_(clock) {
  confirmed_.insert(derivation.outcome.confirmed_by_release.begin(),
                    derivation.outcome.confirmed_by_release.end());
  PolicyRenames(derivation.program).MoveTo(exemptions_);
  for (uint32_t index = 0; index < derivation.program.rules.size(); ++index) {
    const ir::Rule& rule = derivation.program.rules[index];
    if (!rule.protect) rules_.emplace(rule.full_name, index);
  }
  for (const auto& [key, terms] : derivation.outcome.terms) asked_.insert(key);
  for (const PlannedAction& planned : derivation.outcome.plan.actions) {
    if (planned.status == ActionStatus::kReady && planned.reasons.size() > 1) {
      const auto& stages = derivation.outcome.terms.at(planned.action.key).ready_stages;
      auto& letting_go = letting_go_[planned.action.key];
      letting_go.insert(stages.begin(), stages.end());
      for (const ActionReason& reason : planned.action.reasons) {
        if (!read || read->contains(reason.policy)) continue;
        std::erase_if(letting_go, [&](const std::string& stage) {
          return FindingOfStage(stage) == reason.finding_id;
        });
      }
    }
    if (planned.status == ActionStatus::kHeld) {
      held_.emplace(planned.action.key, planned.held_because);
    } else if (planned.status == ActionStatus::kNotice) {
      held_.emplace(planned.action.key,
                    planned.held_because.empty()
                        ? fmt::format("its time comes at {}", FormatInstant(planned.due))
                        : planned.held_because);
    }
  }
}

FactGate::~FactGate() = default;

Result<FactGate::Moment*> FactGate::Now() {
  const Instant now = std::max(clock_.Now(), derivation_.now);
  if (moment_ && now.micros - moment_->input.now.micros < kMomentMicros) return moment_.get();
  RESCIND_ASSIGN(ExemptionCover cover, ExemptionCover::Make(derivation_.facts, exemptions_, now));
  const bool is_first = !moment_ && now.micros - derivation_.now.micros < kMomentMicros;
  moment_ =
      std::make_unique<Moment>(derivation_, is_first ? derivation_.now : now, std::move(cover));
  if (is_first) {
    moment_->protection.emplace(derivation_.program, derivation_.facts, derivation_.sweep);
    return moment_.get();
  }
  eval::SweepOptions options;
  options.deadlines = false;
  options.rules.emplace();
  for (uint32_t index = 0; index < derivation_.program.rules.size(); ++index) {
    if (derivation_.program.rules[index].protect) options.rules->push_back(index);
  }
  moment_->protects = eval::SweepFacts(moment_->input, options);
  moment_->protection.emplace(derivation_.program, derivation_.facts, moment_->protects);
  return moment_.get();
}

std::optional<FactGate::Ground> FactGate::GroundOf(const ActionReason& reason) {
  const auto rule = rules_.find(reason.policy);
  if (rule == rules_.end()) return std::nullopt;
  auto [rows, is_new] = grounds_.try_emplace(reason.policy);
  if (is_new) {
    for (const Finding& finding : findings_.Of(reason.policy)) {
      rows->second.emplace(finding.id, finding.row);
    }
  }
  const auto row = rows->second.find(reason.finding_id);
  if (row == rows->second.end()) return std::nullopt;
  return Ground{rule->second, row->second};
}

// Whoever uses a grant, a credential or a session uses its account.
FactGate::Uses FactGate::UsesSeen(eval::FactRow target, std::optional<Instant> seen_use) const {
  Uses uses;
  if (seen_use) {
    AddUse(derivation_.facts, target, *seen_use, uses.own);
    const auto account = model_.AccountOf(target);
    if (account && target.entity != model_.account()) {
      AddUse(derivation_.facts, {model_.account(), *account}, *seen_use, uses.own);
    }
  }
  uses.all = uses.own;
  AddLater(uses_seen_, uses.all);
  return uses;
}

Result<FactGate::Ended> FactGate::WhyEnded(Moment& moment, const ActionReason& reason,
                                           const Uses& uses) {
  const auto ground = GroundOf(reason);
  if (!ground) return Ended{fmt::format("{} no longer matches", reason.policy)};
  const ir::Rule& rule = derivation_.program.rules[ground->rule];
  if (rule.mode != ir::Mode::kEnforce) {
    return Ended{fmt::format("{} only observes now", reason.policy)};
  }
  if (const auto veto =
          moment.exemptions.Vetoes(rule.full_name, Verb::kNotify, rule.entity, ground->row)) {
    return Ended{fmt::format("it is exempt from {}: {}", reason.policy, veto->detail)};
  }
  if (moment.evaluator.Judge(ground->rule, ground->row).verdict != eval::Verdict::kMatch) {
    return Ended{fmt::format("{} no longer matches", reason.policy)};
  }
  if (uses.all.empty() || !moment.EndsBy(uses.all, *ground)) return Ended{};
  if (!uses.own.empty() && moment.EndsBy(uses.own, *ground)) {
    return Ended{fmt::format("it was used at {}, {}", FormatInstant(uses.own.front().at), kUntold),
                 true};
  }
  // Most likely the last one.
  for (auto use = uses_seen_.rbegin(); use != uses_seen_.rend(); ++use) {
    if (!moment.EndsBy({*use}, *ground)) continue;
    RESCIND_ASSIGN(const std::string id,
                   derivation_.facts.texts().Id(use->row.entity, use->row.row));
    return Ended{fmt::format("{} {} was used at {}, {}",
                             derivation_.facts.schema().entity(use->row.entity).name, id,
                             FormatInstant(use->at), kUntold),
                 true};
  }
  return Ended{fmt::format("{} no longer matches after the uses that systems have seen, and no "
                           "feed has told yet",
                           reason.policy),
               true};
}

Result<std::optional<eval::FactRow>> FactGate::Find(const ActionTarget& target) const {
  const auto entity = derivation_.program.schema.Find(target.entity);
  if (!entity) return std::optional<eval::FactRow>();
  RESCIND_ASSIGN(const auto row, derivation_.facts.texts().Find(*entity, target.id));
  const Table& table = derivation_.facts.table(*entity);
  const bool is_it = row && row->index() < table.row_count() &&
                     table.presence(*row) == Presence::kLive &&
                     table.incarnation(*row) == target.incarnation;
  return is_it ? std::optional(eval::FactRow{*entity, *row}) : std::nullopt;
}

bool FactGate::LetsGo(const Action& action, const ActionReason& reason) const {
  const auto stages = letting_go_.find(action.key);
  if (stages == letting_go_.end()) return true;
  // A finding asks for an action in one stage, whose number may have been another then.
  return std::any_of(stages->second.begin(), stages->second.end(), [&](const std::string& stage) {
    return FindingOfStage(stage) == reason.finding_id;
  });
}

Result<GateAnswer> FactGate::Answer(const JournalEntry& entry, std::optional<Instant> seen_use) {
  const Action& action = entry.action;
  RESCIND_ASSIGN(Moment* const moment, Now());
  const auto entity = derivation_.program.schema.Find(action.target.entity);
  if (!entity) return Withdraw("the policies no longer know such rows");
  RESCIND_ASSIGN(const auto row, derivation_.facts.texts().Find(*entity, action.target.id));
  const Table& table = derivation_.facts.table(*entity);
  if (!row || row->index() >= table.row_count() || table.presence(*row) != Presence::kLive) {
    return Withdraw("it is gone from the facts");
  }
  if (table.incarnation(*row) != action.target.incarnation) {
    return Withdraw("it was removed since, and another one of that name came");
  }
  if (const auto veto = moment->protection->Vetoes(action.verb, *entity, *row)) {
    return Withdraw(fmt::format("{} {}: {}",
                                veto->undecided ? "undecided protect" : "it is protected by",
                                veto->by, veto->detail));
  }
  return AnswerOf(*moment, action, {*entity, *row}, seen_use);
}

Result<GateAnswer> FactGate::AnswerOf(Moment& moment, const Action& action, eval::FactRow target,
                                      std::optional<Instant> seen_use) {
  const Uses uses = UsesSeen(target, seen_use);
  // What the facts have as it should be is asked for by nobody; whether it is so, its system says.
  const bool is_done = model_.InWantedState(action.verb, target);
  std::string why = "no policy asks for it";
  std::string waits;  // what is left
  bool goes = false;
  bool was_used = false;
  for (const ActionReason& reason : action.reasons) {
    // One that lets it go is enough, but for what its use may end of the others.
    if (goes && uses.own.empty()) break;
    const auto veto =
        moment.exemptions.Vetoes(reason.policy, action.verb, target.entity, target.row);
    if (veto) {
      why = fmt::format("it is exempt: {}", veto->detail);
      continue;
    }
    RESCIND_ASSIGN(Ended ended, WhyEnded(moment, reason, uses));
    was_used |= ended.by_use && !uses.own.empty();
    // A policy may still match and no longer ask for this action: its row hangs on another one now,
    // or its stages are others.
    if (ended.why.empty() && !is_done && !asked_.contains(action.key)) {
      ended.why = fmt::format("{} no longer asks for it", reason.policy);
    }
    if (!ended.why.empty()) {
      why = std::move(ended.why);
    } else if (LetsGo(action, reason)) {
      goes = true;
    } else {
      waits = fmt::format("{} does not let it go yet", reason.policy);
    }
  }
  GateAnswer answer;
  if (!goes && waits.empty()) {
    answer = Withdraw(std::move(why));
  } else if (const auto held = held_.find(action.key); held != held_.end()) {
    answer = {GateAnswer::Kind::kHold, held->second};
  } else if (!goes) {
    answer = {GateAnswer::Kind::kHold, std::move(waits)};
  }
  if (was_used) {
    answer.seen_use = seen_use;
    if (AddLater(uses.own, uses_seen_)) ++seen_use_count_;
  }
  return answer;
}

GateAnswer FactGate::Judge(const JournalEntry& entry, const Observation* seen) {
  std::optional<Instant> use = seen == nullptr ? std::nullopt : seen->last_used;
  // A system whose clock is ahead, or that is wrong, must not keep its access for years.
  if (use) use = std::min(*use, std::max(clock_.Now(), derivation_.now));
  auto answer = Answer(entry, use);
  if (answer.ok()) return *std::move(answer);
  return {GateAnswer::Kind::kHold,
          fmt::format("it could not be judged again: {}", answer.error().message)};
}

// Who wants it gone beside the stages that are rolled back. Of what is still to be done, the plan
// of now says who lets it go. Of what is done it says nothing: others may rest on it. Of a row that
// is gone from the facts nobody can say anything but who let it go.
Result<GateAnswer> FactGate::AnswerUndo(const JournalEntry& entry,
                                        const std::set<std::string>& rolled_back) {
  const Action& action = entry.action;
  RESCIND_ASSIGN(const auto row, Find(action.target));
  const auto& groups = entry.rollback_groups;
  const auto is_rolled_back = [&](const std::string& stage) { return rolled_back.contains(stage); };
  if (!row) {
    const bool all_are = std::all_of(groups.begin(), groups.end(), is_rolled_back);
    if (entry.is_undo || (entry.on_failure == OnFailure::kRollback && all_are)) return GateAnswer{};
    return Withdraw("another policy has let it go, too");
  }
  if (!model_.InWantedState(action.verb, *row)) {
    const auto letting_go = letting_go_.find(action.key);
    if (letting_go == letting_go_.end()) return GateAnswer{};
    const auto& stages = letting_go->second;
    if (std::all_of(stages.begin(), stages.end(), is_rolled_back)) return GateAnswer{};
    return Withdraw("another policy lets it go, too");
  }
  RESCIND_ASSIGN(Moment* const moment, Now());
  if (!moment->claims) {
    moment->claims.emplace(moment->input, findings_, confirmed_, moment->evaluator,
                           moment->exemptions, *moment->protection);
  }
  std::set<std::string> findings;
  const auto note = [&](const std::string& group) { findings.insert(FindingOfStage(group)); };
  std::for_each(rolled_back.begin(), rolled_back.end(), note);
  // That an undo is being tried says that all of them were.
  if (entry.is_undo) std::for_each(groups.begin(), groups.end(), note);
  const auto policy = moment->claims->WhoWants(*row, findings);
  if (!policy) return GateAnswer{};
  return Withdraw(fmt::format("{} wants it as it is", *policy));
}

GateAnswer FactGate::JudgeUndo(const JournalEntry& entry,
                               const std::set<std::string>& rolled_back) {
  auto answer = AnswerUndo(entry, rolled_back);
  if (answer.ok()) return *std::move(answer);
  return {GateAnswer::Kind::kHold,
          fmt::format("whether somebody else wants it gone could not be told: {}",
                      answer.error().message)};
}

}  // namespace rescind
