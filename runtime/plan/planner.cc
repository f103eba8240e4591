#include "runtime/plan/planner.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "engine/base/assert.h"
#include "engine/base/sort_unique.h"
#include "runtime/env/two_threads.h"
#include "runtime/plan/finding_stages.h"
#include "runtime/plan/kept_access.h"
#include "runtime/plan/known_protects.h"
#include "runtime/plan/left_stages.h"
#include "runtime/plan/limits.h"
#include "runtime/plan/plan_assembly.h"
#include "runtime/plan/plan_draft.h"
#include "runtime/plan/planner_guards.h"
#include "runtime/plan/policy_gates.h"
#include "runtime/plan/policy_renames.h"
#include "runtime/plan/shortened_notice.h"
#include "runtime/plan/stage_progress.h"

namespace rescind {
namespace {

std::map<std::string_view, const ir::Rule*> PoliciesByName(const ir::Program& program) {
  std::map<std::string_view, const ir::Rule*> policies;
  for (const ir::Rule& rule : program.rules) {
    if (!rule.protect) policies.emplace(rule.full_name, &rule);
  }
  return policies;
}

Finding* FindFinding(FindingBook& book, const StageStart& start) {
  auto& findings = book.MutableOf(start.policy);
  const auto found =
      std::lower_bound(findings.begin(), findings.end(), start.row,
                       [](const Finding& finding, RowId row) { return finding.row < row; });
  return found != findings.end() && found->row == start.row ? &*found : nullptr;
}

void Begin(Finding& finding, uint32_t stage, Instant now) {
  finding.begun.push_back({stage, now});
  SortUnique(finding.begun);
}

void Notice(Finding& finding, uint32_t stage, Instant now,
            const std::vector<std::string>& recipients) {
  finding.noticed.push_back({stage, now});
  SortUnique(finding.noticed);
  finding.notified.insert(finding.notified.end(), recipients.begin(), recipients.end());
  SortUnique(finding.notified);
}

Instant NextDue(const PlanDraft& draft) {
  Instant next = Instant::Never();
  const auto take = [&](Instant at) {
    if (at > draft.input.now) next = std::min(next, at);
  };
  for (const Claim& claim : draft.claims) take(claim.due);
  for (const NoticeDraft& notice : draft.notices) take(notice.due);
  for (const Exemption& exemption : draft.options.exemptions) take(exemption.end());
  return next;
}

// What of a start was really handed over.
struct Handed {
  bool any_action = false;
  std::map<std::string_view, const StageAction*> started;  // by key: nobody had let them go before
  bool noticed = false;
};

Handed HandedOver(const StageStart& start, const AppliedSelection& selection) {
  Handed handed;
  for (const std::string& key : start.action_keys) {
    if (!selection.everything_ready && selection.action_keys.count(key) == 0) continue;
    handed.any_action = true;
    const auto started = start.starting.find(key);
    if (started != start.starting.end()) handed.started.emplace(key, &started->second);
  }
  handed.noticed =
      start.notifies && (selection.everything_ready ||
                         selection.notices.count({start.start.finding_id, start.start.stage}) > 0);
  return handed;
}

// Those that start, but for what runs already or counts for an earlier one of these starts.
uint32_t CountNew(const StageStart& start, const Handed& handed, std::set<std::string>& counted) {
  uint32_t count = 0;
  for (const auto& started : handed.started) {
    const std::string key(started.first);
    if (!start.running.contains(key) && counted.insert(key).second) ++count;
  }
  return count;
}

// Which releases end with an applied plan that was not held without them.
class UnneededReleases {
 public:
  UnneededReleases(const PlanOutcome& outcome, const AppliedSelection& selection,
                   const std::set<std::string>& started)
      : outcome_(outcome), selection_(selection), started_(started) {
    for (const UsedRelease& used : outcome.used_releases) needed_.insert(used.id);
    needed_.insert(outcome.confirming_releases.begin(), outcome.confirming_releases.end());
  }

  std::vector<Release> List(Instant now) const {
    std::vector<Release> unneeded;
    for (const Release& release : outcome_.releases) {
      if (!release.active(now) || needed_.contains(release.id)) continue;
      if (release.policy.empty() ? CapWentUnneeded() : WentUnneeded(release.policy)) {
        unneeded.push_back(release);
      }
    }
    return unneeded;
  }

 private:
  // What is held by something else has not had its turn yet.
  static bool IsFree(const PolicySummary& policy) {
    return policy.enforced && policy.held_because.empty();
  }
  bool WentUnneeded(const std::string& name) const {
    if (started_.contains(name)) return true;
    const auto& shown = selection_.filter_policies;
    const bool is_shown =
        shown.empty() || std::find(shown.begin(), shown.end(), name) != shown.end();
    if (!is_shown || !selection_.filter_person.empty()) return false;
    return std::any_of(
        outcome_.plan.policies.begin(), outcome_.plan.policies.end(),
        [&](const PolicySummary& policy) { return policy.policy == name && IsFree(policy); });
  }
  bool CapWentUnneeded() const {
    if (!started_.empty()) return true;
    if (!selection_.filter_policies.empty() || !selection_.filter_person.empty()) return false;
    return std::all_of(outcome_.plan.policies.begin(), outcome_.plan.policies.end(),
                       [](const PolicySummary& policy) { return policy.held_because.empty(); });
  }

  const PlanOutcome& outcome_;
  const AppliedSelection& selection_;
  const std::set<std::string>& started_;
  std::set<std::string> needed_;
};

// Those that are kept, or else new ones, which `made` owns.
Result<PlannerGuards*> GuardsFor(const eval::EvaluationInput& input, const eval::SweepResult& sweep,
                                 const PlannerOptions& options, PlannerGuards* kept,
                                 std::optional<PlannerGuards>& made) {
  if (kept) return kept;
  RESCIND_ASSIGN(auto cover, ExemptionCover::Make(input.facts, options.exemptions, input.now));
  made.emplace(PlannerGuards{Protection(input.program, input.facts, sweep), std::move(cover)});
  return &*made;
}

// Those whose rows many findings are about; none where it is not worth a thread.
std::vector<EntityId> EntitiesToCount(const PlanDraft& draft) {
  std::map<EntityId, size_t> matches;
  for (uint32_t index = 0; index < draft.input.program.rules.size(); ++index) {
    const ir::Rule& rule = draft.input.program.rules[index];
    if (!rule.protect) matches[rule.entity] += draft.sweep.rules[index].matches.size();
  }
  std::vector<EntityId> entities;
  for (const auto& [entity, count] : matches) {
    if (count >= draft.options.many_matches) entities.push_back(entity);
  }
  return entities;
}

// From findings to what each claim and notice comes to.
Status DraftPlan(PlanDraft& draft, std::vector<FindingTransition>& transitions, GateReport& gates,
                 LimitReport& limits) {
  transitions = draft.book.Advance(draft.input, draft.sweep);
  RESCIND_TRY(WithdrawKept(draft, transitions));
  RESCIND_TRY(DraftStages(draft));
  RESCIND_TRY(MarkLeftStages(draft));
  RESCIND_ASSIGN(gates, GatePolicies(draft));
  RESCIND_ASSIGN(limits, CheckLimits(draft, gates.confirming_releases));
  return SayWhatStagesWaitFor(draft);
}

// As PlanActions. Once more with the same options gives the same.
Result<PlanOutcome> PlanOnce(const eval::EvaluationInput& input, const eval::SweepResult& sweep,
                             const FindingBook& previous, PlannerOptions& options,
                             PlannerGuards* kept_guards) {
  const PolicyRenames renames(input.program);
  renames.MoveTo(options.exemptions);
  renames.MoveTo(options.releases);
  renames.MoveTo(options.past_starts);
  PlanOutcome outcome;
  std::erase_if(options.releases, [&](const Release& release) {
    const bool is_outdated = IsOutdated(release, input.program);
    if (is_outdated) outcome.outdated_releases.push_back(release);
    return is_outdated;
  });
  outcome.findings = previous;
  std::optional<PlannerGuards> made_guards;
  RESCIND_ASSIGN(PlannerGuards * guards,
                 GuardsFor(input, sweep, options, kept_guards, made_guards));
  PlanDraft draft(input, sweep, options, outcome.findings, *guards);
  GateReport gates;
  LimitReport limits;
  UnjudgedRows unjudged;
  const std::vector<EntityId> counted = EntitiesToCount(draft);
  // The second rests on facts and sweep alone.
  const auto work = [&](size_t number) -> Status {
    if (number == 0) return DraftPlan(draft, outcome.transitions, gates, limits);
    draft.populations.Prepare(counted);
    FindingTexts texts(draft);
    RESCIND_ASSIGN(unjudged, ListUnjudgedRows(draft, texts));
    return {};
  };
  if (counted.empty()) {
    RESCIND_TRY(work(0));
    RESCIND_TRY(work(1));
  } else {
    RESCIND_TRY(DoOnTwoThreads(2, work));
  }
  RESCIND_TRY(AssemblePlan(draft, gates, limits, std::move(unjudged), outcome));
  outcome.transitions.insert(outcome.transitions.end(), draft.transitions.begin(),
                             draft.transitions.end());
  outcome.used_releases = std::move(limits.used_releases);
  SortUnique(outcome.used_releases);
  outcome.confirming_releases = std::move(gates.confirming_releases);
  outcome.unconfirmed = std::move(gates.unconfirmed);
  const auto& shown = options.filter_policies;
  std::erase_if(outcome.unconfirmed, [&](const std::string& policy) {
    return !shown.empty() && std::find(shown.begin(), shown.end(), policy) == shown.end();
  });
  outcome.next_due = NextDue(draft);
  outcome.confirmed_by_release = std::move(gates.confirmed_by_release);
  outcome.releases = options.releases;
  return outcome;
}

}  // namespace

ColumnSet PlannerColumns(const ir::Program& program) {
  ColumnSet columns = program.columns;
  AccessModel::AddColumns(program.schema, columns);
  return columns;
}

Result<PlanOutcome> PlanActions(const eval::EvaluationInput& input, const eval::SweepResult& sweep,
                                const FindingBook& previous, PlannerOptions options,
                                PlannerGuards* guards) {
  RESCIND_ASSIGN(PlanOutcome outcome, PlanOnce(input, sweep, previous, options, guards));
  const auto shortened = ShortenedPolicies(input.program, outcome.findings);
  if (shortened.empty()) return outcome;
  const auto plan_whole = [&](const FindingBook& book) {
    options.listed_actions.reset();
    return PlanOnce(input, sweep, book, options, guards);
  };
  // A rare state, and its dates are worth a plan or two.
  RESCIND_ASSIGN(const PlanOutcome promised, plan_whole(previous));
  RESCIND_ASSIGN(const PlanOutcome confirmed,
                 plan_whole(ConfirmAll(shortened, previous, outcome.findings)));
  SayWhatConfirmingDoes(shortened, outcome.findings, promised.plan, confirmed.plan, outcome.plan);
  return outcome;
}

Result<std::vector<FindingOutlook>> LookAhead(const eval::EvaluationInput& input,
                                              const eval::SweepResult& sweep,
                                              const FindingBook& previous, PlannerOptions options,
                                              PlannerGuards* guards) {
  const PolicyRenames renames(input.program);
  renames.MoveTo(options.exemptions);
  FindingBook findings = previous;
  findings.Advance(input, sweep);
  std::optional<PlannerGuards> made_guards;
  RESCIND_ASSIGN(guards, GuardsFor(input, sweep, options, guards, made_guards));
  PlanDraft draft(input, sweep, options, findings, *guards);
  RESCIND_TRY(DraftOutlooks(draft));
  return std::move(draft.outlooks);
}

AppliedRecord RecordApplied(const eval::EvaluationInput& input, const FindingBook& previous,
                            PlanOutcome outcome, const AppliedSelection& selection) {
  AppliedRecord applied;
  KeyValueBatch& batch = applied.batch;
  const auto policies = PoliciesByName(input.program);
  std::set<std::string> started;  // policies that remove something from now on
  std::set<std::string> counted;  // actions, for the workspace's cap
  for (const StageStart& start : outcome.starts) {
    const Handed handed = HandedOver(start, selection);
    if (!handed.any_action && !handed.noticed) continue;
    Finding* finding = FindFinding(outcome.findings, start);
    // INVARIANT: starts are of findings in the book, whose policies are in the program.
    RESCIND_ASSERT(finding, "a stage started of a finding that is not in the book");
    if (start.start.stage >= policies.at(start.policy)->stages.size()) {
      finding->alarmed_at = input.now;
      continue;
    }
    if (!start.begun) Begin(*finding, start.start.stage, input.now);
    for (const auto& started_action : handed.started) finding->PutAction(*started_action.second);
    if (!handed.started.empty()) {
      RemovalStart recorded = start.start;
      recorded.action_count = CountNew(start, handed, counted);
      PutRemovalStart(batch, recorded, handed.started.begin()->first);
      started.insert(start.policy);
    }
    if (handed.noticed) Notice(*finding, start.start.stage, input.now, start.recipients);
  }
  std::vector<std::string> confirmed = outcome.confirmed_by_release;
  confirmed.insert(confirmed.end(), selection.confirmed_policies.begin(),
                   selection.confirmed_policies.end());
  for (const std::string& name : confirmed) {
    const auto rule = policies.find(name);
    if (rule == policies.end()) continue;
    PolicyRecord& record = outcome.findings.MutableRecord(name);
    record.confirmed_meaning = rule->second->meaning_hash;
    record.confirmed_notice = NoticeOf(*rule->second);
    record.confirmed_stages = StagesToConfirm(*rule->second);
    record.protects.clear();  // what there is now, below
  }
  for (const auto& [name, rule] : policies) {
    const PolicyRecord* record = outcome.findings.Record(name);
    if (!record || !IsConfirmed(*record, *rule, input.program)) continue;
    outcome.findings.MutableRecord(name).protects = ProtectsOf(input.program);
  }
  const auto end = [&](const std::string& id, std::vector<Release>& ended) {
    DeleteRelease(batch, id);
    const auto is_it = [&](const Release& release) { return release.id == id; };
    const auto release = std::find_if(outcome.releases.begin(), outcome.releases.end(), is_it);
    if (release != outcome.releases.end()) ended.push_back(*release);
  };
  for (const std::string& id : outcome.confirming_releases) end(id, applied.confirming_releases);
  for (const UsedRelease& used : outcome.used_releases) {
    const bool over = used.policy.empty() ? !started.empty() : started.contains(used.policy);
    if (over) end(used.id, applied.used_releases);
  }
  applied.unneeded_releases = UnneededReleases(outcome, selection, started).List(input.now);
  for (const Release& release : applied.unneeded_releases) DeleteRelease(batch, release.id);
  applied.outdated_releases = std::move(outcome.outdated_releases);
  for (const Release& release : applied.outdated_releases) DeleteRelease(batch, release.id);
  for (const Release& release : outcome.releases) {
    if (release.expires_at > input.now) continue;
    DeleteRelease(batch, release.id);
    applied.expired_releases.push_back(release);
  }
  outcome.findings.WriteChanges(previous, batch);
  return applied;
}

Result<uint64_t> ResolveFindings(const KeyValueReader& reader, const std::vector<FindingEnd>& ends,
                                 const std::set<std::string>& verified,
                                 const std::set<std::pair<std::string, uint32_t>>& sent,
                                 KeyValueBatch& batch) {
  uint64_t count = 0;
  for (const FindingEnd& end : ends) {
    const bool is_over =
        std::all_of(end.action_keys.begin(), end.action_keys.end(),
                    [&](const std::string& key) { return verified.contains(key); }) &&
        std::all_of(end.notices.begin(), end.notices.end(), [&](uint32_t stage) {
          return sent.contains({end.finding_id, stage});
        });
    if (!is_over) continue;
    const std::string key = FindingKey(end.policy, end.row);
    RESCIND_ASSIGN(const auto bytes, reader.Get(key));
    if (!bytes) continue;
    auto finding = DecodeFinding(*bytes);
    if (!finding.ok()) return std::move(finding).error().In(key);
    // A run that goes on with actions has not stored what it has judged.
    if (finding->id != end.finding_id || finding->resolved) continue;
    finding->resolved = true;
    batch.Put(key, EncodeFinding(*finding));
    ++count;
  }
  return count;
}

}  // namespace rescind
