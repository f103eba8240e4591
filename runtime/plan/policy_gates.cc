#include "runtime/plan/policy_gates.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "runtime/plan/known_protects.h"
#include "runtime/plan/rule_reads.h"

namespace rescind {
namespace {

void Join(std::string& text, const std::string& more) {
  if (more.empty()) return;
  if (!text.empty()) text += "; ";
  text += more;
}

std::string StaleText(const FeedStatus& feed, Duration max_age) {
  if (!feed.observed_at) {
    return fmt::format("the feed \"{}\" has not delivered anything yet", feed.source);
  }
  return fmt::format("the feed \"{}\" was last read {} and may be {} old", feed.source,
                     FormatInstant(*feed.observed_at), FormatDuration(max_age));
}

// Feeds of the entities that the policy reads: at most as old as rescind.toml says, or as `needs`.
std::string FreshnessHold(const PlanDraft& draft, const ir::Rule& rule, const RuleReads& reads) {
  std::string text;
  std::set<std::string> told;
  const auto tell = [&](const FeedStatus& feed, Duration max_age) {
    if (told.insert(feed.source).second) Join(text, StaleText(feed, max_age));
  };
  const auto needed = [&](const std::string& source) {
    return std::any_of(rule.needs.begin(), rule.needs.end(),
                       [&](const ir::Need& need) { return need.source == source; });
  };
  for (const ir::Need& need : rule.needs) {
    bool found = false;
    for (const FeedStatus& feed : draft.options.feeds) {
      if (feed.source != need.source) continue;
      found = true;
      if (IsStale(feed, need.within, draft.input.now)) tell(feed, need.within);
    }
    FeedStatus nothing;
    nothing.source = need.source;
    if (!found) tell(nothing, need.within);
  }
  for (const FeedStatus& feed : draft.options.feeds) {
    if (!feed.max_age || needed(feed.source) || reads.facts.count(feed.entity) == 0) continue;
    if (IsStale(feed, feed.max_age, draft.input.now)) tell(feed, *feed.max_age);
  }
  return text;
}

std::string ClosedWorldHold(const PlanDraft& draft, const RuleReads& reads) {
  std::string text;
  for (const FeedStatus& feed : draft.options.feeds) {
    if (!feed.declared || feed.snapshot_observed_at) continue;
    if (reads.silences.count(feed.entity) == 0) continue;
    Join(text, fmt::format("it concludes from what is missing about {}, and the feed \"{}\" has "
                           "not delivered a complete snapshot yet",
                           draft.input.program.schema.entity(feed.entity).name, feed.source));
  }
  return text;
}

// Stages are by rule.
bool HasWork(const PlanDraft& draft, uint32_t rule) {
  const auto first =
      std::lower_bound(draft.stages.begin(), draft.stages.end(), rule,
                       [](const StageDraft& stage, uint32_t r) { return stage.rule < r; });
  return first != draft.stages.end() && first->rule == rule;
}

// Of a policy that is not confirmed; `record` may be null.
std::string WhyUnconfirmed(const PolicyRecord* record, const ir::Rule& rule,
                           const ir::Program& program) {
  if (!record || record->confirmed_meaning.empty()) return "the policy is new";
  if (record->confirmed_meaning != rule.meaning_hash) return "the policy has changed its meaning";
  const std::vector<std::string> lost = LostProtects(record->protects, program);
  const std::string more =
      lost.size() > 1 ? fmt::format(", and so {} more,", lost.size() - 1) : std::string();
  return fmt::format("the protect {}{} was changed or is gone", lost.front(), more);
}

std::string ConfirmationHold(const PlanDraft& draft, uint32_t index, GateReport& report) {
  const ir::Rule& rule = draft.input.program.rules[index];
  const PolicyRecord* record = draft.book.Record(rule.full_name);
  const ir::Program& program = draft.input.program;
  if (record && IsConfirmed(*record, rule, program)) return "";
  report.unconfirmed.push_back(rule.full_name);
  const std::string change = WhyUnconfirmed(record, rule, program);
  report.unconfirmed_because[index] = change;
  if (!HasWork(draft, index)) return "";
  report.cold_start = true;
  const auto& read = draft.options.read_policies;
  const bool is_read = !read || read->contains(rule.full_name);
  if (is_read && !draft.options.hold_unconfirmed) return "";
  const Release* release =
      is_read ? FindRelease(draft.options, rule.full_name, "", draft.input.now, {}) : nullptr;
  if (release) {
    report.confirming_releases.push_back(release->id);
    report.confirmed_by_release.push_back(rule.full_name);
    return "";
  }
  return fmt::format("{} and nobody has confirmed it: apply a plan with `--confirm`, or `{}`",
                     change, ReleaseCommand(rule.full_name, ""));
}

// Whether the system can do it, asked once for all rows of a system.
class SupportCheck {
 public:
  explicit SupportCheck(PlanDraft& draft) : draft_(draft) {}

  Result<const std::string*> WhyNot(const Claim& claim) {
    if (claim.action->verb == ir::Verb::kSuspend && !draft_.options.can_undo_suspend) {
      return draft_.Intern(
          "`suspend` is undone when the match ends, which only a running engine "
          "can do: it is held until `rescind serve` does it");
    }
    if (!draft_.options.support) return nullptr;
    const auto system = draft_.model.SystemOf(claim.target);
    const auto key = std::make_tuple(system.value_or(RowId()), claim.target.entity,
                                     claim.action->verb, claim.action->playbook);
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    RESCIND_ASSIGN(const std::string* why, Ask(claim, system));
    known_.emplace(key, why);
    return why;
  }

 private:
  Result<const std::string*> Ask(const Claim& claim, std::optional<RowId> system) {
    Action action;
    action.verb = ToVerb(claim.action->verb);
    action.playbook = claim.action->playbook;
    action.target.entity = draft_.input.program.schema.entity(claim.target.entity).name;
    RESCIND_ASSIGN(action.target.system, draft_.model.SystemName(system));
    draft_.FindHome(action.verb, action.playbook, action.target);
    const std::string& name = action.target.system;
    const SystemSupport support = draft_.options.support(action);
    if (support.can) return nullptr;
    if (name.empty() && action.verb == Verb::kRun) return draft_.Intern(WhyHomeless(action));
    if (!support.has_target) {
      return draft_.Intern(
          name.empty()
              ? fmt::format("nobody has said which system this {} lives in", action.target.entity)
              : fmt::format("rescind.toml has no [target.{}] that could do it", name));
    }
    const std::string what = action.playbook.empty()
                                 ? fmt::format("{} {}", VerbName(action.verb), action.target.entity)
                                 : fmt::format("run {}", action.playbook);
    return draft_.Intern(fmt::format("[target.{}] cannot {}", name, what));
  }

  // Which of several systems is meant, nobody has said.
  std::string WhyHomeless(const Action& action) const {
    const std::string& playbook = action.playbook;
    const auto systems = draft_.options.runs_playbook ? draft_.options.runs_playbook(playbook)
                                                      : std::vector<std::string>();
    if (systems.empty()) {
      return fmt::format(
          "no target of rescind.toml can run \"{0}\", and {1} rows live in no system: add \"run "
          "{0}\" to the `can` of one",
          playbook, action.target.entity);
    }
    return fmt::format(
        "several targets of rescind.toml can run \"{}\" ({}), and {} rows live in no system: "
        "leave it in the `can` of one, or give it another name there",
        playbook, fmt::join(systems, ", "), action.target.entity);
  }

  PlanDraft& draft_;
  std::map<std::tuple<RowId, EntityId, ir::Verb, std::string>, const std::string*> known_;
};

}  // namespace

bool IsStale(const FeedStatus& feed, std::optional<Duration> max_age, Instant now) {
  if (!max_age) return false;
  return !feed.observed_at || Later(*feed.observed_at, *max_age) < now;
}

const Release* FindRelease(const PlannerOptions& options, std::string_view policy,
                           std::string_view group, Instant now,
                           const std::vector<std::string>& spent) {
  const Release* best = nullptr;
  for (const Release& release : options.releases) {
    if (release.policy != policy || !release.active(now)) continue;
    if (std::find(spent.begin(), spent.end(), release.id) != spent.end()) continue;
    if (!release.group.empty() && release.group != group) continue;
    if (!best || release.id < best->id) best = &release;
  }
  return best;
}

Result<GateReport> GatePolicies(PlanDraft& draft) {
  GateReport report;
  report.held_because.resize(draft.input.program.rules.size());
  report.unconfirmed_because.resize(draft.input.program.rules.size());
  for (uint32_t index = 0; index < draft.input.program.rules.size(); ++index) {
    const ir::Rule& rule = draft.input.program.rules[index];
    if (rule.protect || rule.mode != ir::Mode::kEnforce) continue;
    const RuleReads reads = ReadsOf(draft.input.program, rule);
    std::string& held = report.held_because[index];
    held = draft.options.hold_everything_because;
    Join(held, ConfirmationHold(draft, index, report));
    Join(held, ClosedWorldHold(draft, reads));
    Join(held, FreshnessHold(draft, rule, reads));
  }
  for (StageDraft& stage : draft.stages) {
    const ir::Rule& rule = draft.rule(stage);
    const std::string& held = report.held_because[stage.rule];
    const bool is_alarm = stage.stage == rule.stages.size();
    if (is_alarm) continue;
    if (!held.empty()) {
      stage.held = draft.Intern(held);
    } else if (rule.stages[stage.stage].approval) {
      stage.held = draft.Intern(
          "it needs an approval, which only a running engine can ask for: it "
          "is held until `rescind serve` does so");
    }
  }
  SupportCheck support(draft);
  for (Claim& claim : draft.claims) {
    RESCIND_ASSIGN(claim.held, support.WhyNot(claim));
  }
  if (!draft.options.hold_everything_because.empty()) {
    // Even what has begun: now itself is in doubt.
    const std::string* why = draft.Intern(draft.options.hold_everything_because);
    for (Claim& claim : draft.claims) claim.held = why;
  }
  return report;
}

}  // namespace rescind
