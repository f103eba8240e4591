#include "runtime/service/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "runtime/executors/capability.h"
#include "runtime/plan/action_key.h"
#include "runtime/plan/limits.h"
#include "runtime/service/decision_check.h"
#include "runtime/service/notice_sender.h"
#include "runtime/service/planned_undos.h"
#include "runtime/store/restore_help.h"

namespace rescind {
namespace {

// Nobody plans for weeks and then at once removes what fell due in between: a longer leap of the
// clock is more likely a wrong clock. Nothing happens then without a person.
constexpr int64_t kLongestLeapMicros = 31 * kMicrosPerDay;

PlannerShare ShareOf(const Share& share) { return {share.is_percent, share.amount}; }

// What the store and rescind.toml say of one source of one entity.
FeedStatus DeclaredFeed(const std::string& name, EntityId entity, const WorkspaceSource* source) {
  FeedStatus feed;
  feed.source = name;
  feed.entity = entity;
  feed.declared = source != nullptr;
  if (source != nullptr) feed.max_age = source->max_age;
  return feed;
}

std::vector<std::string> FindingsOf(const JournalEntry& entry) {
  std::vector<std::string> findings;
  for (const ActionReason& reason : entry.action.reasons) findings.push_back(reason.finding_id);
  return findings;
}

// For which findings a playbook was run, whose last episode is `last`. Each asks for it once,
// however many there are.
Result<std::vector<std::string>> FindingsRunFor(const JournalEntry& last,
                                                const std::string& store_id,
                                                const Journal& journal) {
  std::vector<std::string> findings;
  const Action& action = last.action;
  for (uint32_t episode = 1; episode <= action.episode; ++episode) {
    RESCIND_ASSIGN(const auto entry, journal.Find(ActionKey(store_id, action.target, action.verb,
                                                            action.playbook, episode)));
    if (!entry || entry->state != ActionState::kVerified) continue;
    const std::vector<std::string> these = FindingsOf(*entry);
    findings.insert(findings.end(), these.begin(), these.end());
  }
  return findings;
}

// Of the wanted state whose last episode is `last`: that one when it was verified, else the one
// before, after which there is a later one because what it removed came back.
Result<std::optional<EarlierRemoval>> LastRemoval(const std::optional<JournalEntry>& last,
                                                  const std::string& store_id,
                                                  const Journal& journal) {
  using Removal = std::optional<EarlierRemoval>;
  if (!last || last->action.verb == Verb::kRun) return Removal();
  const Action& action = last->action;
  if (last->state == ActionState::kVerified) {
    return Removal(EarlierRemoval{last->changed_at, action.key});
  }
  if (action.episode == 1) return Removal();
  RESCIND_ASSIGN(const auto before, journal.Find(ActionKey(store_id, action.target, action.verb,
                                                           action.playbook, action.episode - 1)));
  if (!before || before->state != ActionState::kVerified) return Removal();
  return Removal(EarlierRemoval{before->changed_at, before->action.key});
}

Result<ActionHistory> HistoryOf(const std::string& wanted_key, const std::string& store_id,
                                const Journal& journal) {
  ActionHistory history;
  RESCIND_ASSIGN(const auto last, journal.Latest(wanted_key));
  history.episode = Journal::EpisodeAfter(last);
  if (last && last->state == ActionState::kVerified) history.verified_at = last->changed_at;
  if (last && last->action.verb == Verb::kRun) {
    RESCIND_ASSIGN(history.done_for, FindingsRunFor(*last, store_id, journal));
  } else if (last && last->state == ActionState::kVerified) {
    history.done_for = FindingsOf(*last);
  }
  history.untouched = last && !HasTouched(*last) && !last->may_have_effect;
  RESCIND_ASSIGN(history.removed, LastRemoval(last, store_id, journal));
  if (last && NeedsPerson(*last)) {
    history.escalated = {GivenUpAt(*last), WhyGivenUp(*last), kEscalationRemedy};
    history.escalated_for = FindingsOf(*last);
    if (IsGivenUpWithStage(*last)) history.given_up_groups = last->rollback_groups;
  }
  return history;
}

Status NoteFailedStages(const Journal& journal, const std::vector<JournalEntry>& undos,
                        PlannerOptions& planner) {
  for (const JournalEntry& undo : undos) {
    if (!IsUndoOpen(undo)) continue;
    planner.stages_being_undone.insert(undo.rollback_groups.begin(), undo.rollback_groups.end());
  }
  RESCIND_ASSIGN(const auto escalated, journal.ListEscalated());
  for (const JournalEntry& entry : escalated) {
    if (!IsGivenUpWithStage(entry)) continue;
    for (const std::string& finding : FindingsOf(entry)) planner.given_up_for.insert(finding);
  }
  RESCIND_ASSIGN(planner.stages_rolled_back, journal.ListRolledBack());
  return {};
}

}  // namespace

Status ReadOnlyCommitter::Commit(KeyValueBatch&, std::span<const Transition>) {
  return Error{ErrorKind::kUnsupported, "a dry run was about to write", ""};
}

void PutLastEvaluation(KeyValueBatch& batch, Instant now) {
  batch.Put(kClockKey, fmt::format("1 {}", now.micros));
}

Result<std::unique_ptr<Pipeline>> Pipeline::Open(Workspace workspace,
                                                 ServiceEnvironment environment,
                                                 PipelinePurpose purpose) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline(std::move(workspace), environment));
  RESCIND_ASSIGN(LoadedPolicies loaded, LoadPolicies(pipeline->workspace_, environment.files));
  RESCIND_ASSIGN(pipeline->own_, CompilePolicies(std::move(loaded)));
  const Workspace& space = pipeline->workspace_;
  const bool needs_store = purpose != PipelinePurpose::kChange;
  if (needs_store && !environment.files.Exists(space.store_folder)) {
    return NoFactsYet(space);
  }
  StoreOptions options;
  options.create_if_missing = !needs_store;
  options.read_only = purpose == PipelinePurpose::kRead;
  options.for_execution = purpose == PipelinePurpose::kExecute;
  RESCIND_ASSIGN(
      pipeline->opened_,
      OpenWorkspaceStore(space, std::make_shared<const Schema>(pipeline->program().schema),
                         environment, options));
  RESCIND_TRY(CheckDecisions(pipeline->store(), space.audit_key_file, environment.files));
  return pipeline;
}

Result<std::optional<Instant>> Pipeline::LastEvaluation() {
  return ReadLastEvaluation(store().key_values());
}

Result<std::optional<Instant>> ReadLastEvaluation(const KeyValueReader& reader) {
  RESCIND_ASSIGN(const auto bytes, reader.Get(kClockKey));
  if (!bytes) return std::optional<Instant>();
  Instant at;
  const std::string_view text = *bytes;
  const bool known = text.starts_with("1 ");
  const char* end = text.data() + text.size();
  const auto parsed = known ? std::from_chars(text.data() + 2, end, at.micros)
                            : std::from_chars_result{nullptr, std::errc::invalid_argument};
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return Error{ErrorKind::kCorrupt,
                 fmt::format("the record {} of the store is damaged", kClockKey), kRestoreHelp};
  }
  return std::optional<Instant>(at);
}

Result<Instant> Pipeline::Now() {
  RESCIND_ASSIGN(const auto last, LastEvaluation());
  return std::max(environment_.clock.Now(), last.value_or(Instant{0}));
}

Result<ClockDoubt> Pipeline::DoubtClock() {
  ClockDoubt doubt;
  RESCIND_ASSIGN(const auto last, LastEvaluation());
  if (!last) return doubt;
  doubt.last_evaluation = *last;
  const Instant now = environment_.clock.Now();
  if (now < *last) {
    doubt.behind = fmt::format(
        "the clock says {}, but the last evaluation was at {}: judging at that instant until the "
        "clock has come there; if the clock was wrong then, {}, from before",
        FormatInstant(now), FormatInstant(*last), kRestoreHelp);
  } else if (now.micros - last->micros > kLongestLeapMicros) {
    doubt.leap = fmt::format(
        "the clock says {}, but the last evaluation was at {}, more than {} ago: is the clock "
        "right? If it is: {}",
        FormatInstant(now), FormatInstant(*last), FormatDuration({kLongestLeapMicros}),
        kTrustClockCommand);
  }
  return doubt;
}

Result<std::optional<PlanOutline>> Pipeline::LastOutline() {
  RESCIND_ASSIGN(const auto bytes, store().key_values().Get(kOutlineKey));
  if (!bytes) return std::optional<PlanOutline>();
  auto outline = DecodeOutline(*bytes);
  if (!outline.ok()) return std::move(outline).error().In("the last plan applied");
  return std::optional<PlanOutline>(*std::move(outline));
}

Result<LoadedFacts> Pipeline::LoadFacts(const ir::Program& program, std::optional<Instant> as_of) {
  const ColumnSet columns = PlannerColumns(program);
  if (as_of) return store().LoadFactsAsOf(*as_of, columns, declared());
  RESCIND_ASSIGN(FactBase facts, store().LoadFacts(columns, declared()));
  return LoadedFacts{std::move(facts), store().Sources()};
}

Result<std::set<std::string>> Pipeline::LimitGroupsOf(const std::string& policy) {
  RESCIND_ASSIGN(const LoadedFacts loaded, LoadFacts(program(), std::nullopt));
  RESCIND_ASSIGN(const Instant now, Now());
  for (const ir::Rule& rule : program().rules) {
    if (rule.full_name != policy || rule.protect) continue;
    return LimitGroups({program(), loaded.facts, workspace_.holidays, now}, rule);
  }
  return std::set<std::string>();
}

std::vector<FeedStatus> Pipeline::Feeds() { return FeedsOf(store().Sources()); }

std::vector<FeedStatus> Pipeline::FeedsOf(const std::vector<SourceStatus>& delivered) const {
  std::vector<FeedStatus> feeds;
  for (const auto& [entity, names] : declared()) {
    for (const std::string& name : names) {
      const auto source = workspace_.sources.find(name);
      feeds.push_back(DeclaredFeed(name, entity,
                                   source == workspace_.sources.end() ? nullptr : &source->second));
    }
  }
  for (const SourceStatus& status : delivered) {
    if (status.source == kRescindSource) continue;  // what we did ourselves is no feed
    auto feed = std::find_if(feeds.begin(), feeds.end(), [&](const FeedStatus& known) {
      return known.source == status.source && known.entity == status.entity;
    });
    if (feed == feeds.end()) {
      feeds.push_back(DeclaredFeed(status.source, status.entity, nullptr));
      feed = feeds.end() - 1;
    }
    feed->observed_at = status.observed_at;
    feed->snapshot_observed_at = status.snapshot_observed_at;
  }
  std::sort(feeds.begin(), feeds.end(), [](const FeedStatus& a, const FeedStatus& b) {
    return std::pair(a.source, a.entity) < std::pair(b.source, b.entity);
  });
  return feeds;
}

Result<PlannerOptions> Pipeline::OptionsFor(const DeriveOptions& options,
                                            const std::vector<SourceStatus>& delivered, Instant now,
                                            const Journal& journal) {
  const KeyValueReader& reader = store().key_values();
  if (runners_ == nullptr) {
    RESCIND_ASSIGN(runners_, SystemRunners::Make(workspace_, store().epoch()));
  }
  PlannerOptions planner;
  planner.store_id = store().id();
  planner.store_epoch = store().epoch();
  const LoadedPolicies& policies = JudgedBy(options).loaded;
  planner.policies_hash = policies.policies_hash;
  planner.oncall = workspace_.oncall;
  planner.feeds = FeedsOf(delivered);
  planner.per_policy = ShareOf(workspace_.limits.per_policy);
  planner.removals_per_hour = workspace_.limits.removals_per_hour;
  RESCIND_ASSIGN(planner.exemptions, ListExemptions(reader));
  if (options.now || options.as_of) {
    std::erase_if(planner.exemptions,
                  [&](const Exemption& exemption) { return exemption.created_at > now; });
  }
  RESCIND_ASSIGN(planner.releases, ListReleases(reader));
  RESCIND_ASSIGN(planner.past_starts,
                 ListRemovalStarts(reader, {now.micros - kRemovalStartKept.micros}));
  planner.hold_unconfirmed = options.hold_unconfirmed;
  planner.continuous = options.continuous;
  planner.read_policies = options.read_policies;
  planner.listed_actions = options.listed_actions;
  if (!options.now && !options.as_of) {
    RESCIND_ASSIGN(ClockDoubt doubt, DoubtClock());
    planner.hold_everything_because = std::move(doubt.leap);
  }
  RESCIND_ASSIGN(auto touched, journal.ListTouched());
  planner.untouched = std::move(touched.untouched);
  planner.touched = std::move(touched.others);
  RESCIND_ASSIGN(const auto undos, journal.ListUndos());
  for (const JournalEntry& undo : undos) {
    for (const std::string& finding : FindingsOf(undo)) planner.being_undone.insert(finding);
  }
  // What applying the plan carries out again.
  const bool is_applicable = !options.now && !options.as_of && options.judged_by == nullptr;
  if (is_applicable) RESCIND_TRY(NoteFailedStages(journal, undos, planner));
  planner.filter_policies = options.filter_policies;
  planner.filter_person = options.filter_person;
  planner.sources = &policies.sources;
  planner.support = [this](const Action& action) {
    const Executor* executor = runners_->FindExecutor(action.target.system);
    if (executor == nullptr) return SystemSupport{};
    const ExecutorDescription described = executor->Describe();
    const Capability* capability = FindCapability(described.capabilities, action);
    return SystemSupport{true, capability != nullptr,
                         capability != nullptr && capability->reversible};
  };
  planner.runs_playbook = [this](const std::string& playbook) {
    return runners_->ListSystemsThatRun(playbook);
  };
  planner.unreachable = [this](const std::string& recipient) {
    return WhyUnreachable(workspace_, recipient);
  };
  if (journal.IsNew()) return planner;  // no need to ask for each action
  planner.history = [this, &journal](const std::string& wanted_key) {
    return HistoryOf(wanted_key, store().id(), journal);
  };
  return planner;
}

Result<std::unique_ptr<Derivation>> Pipeline::Derive(const DeriveOptions& options,
                                                     const Journal& journal) {
  RESCIND_ASSIGN(const Instant guarded, Now());
  const Instant now = options.as_of ? *options.as_of : options.now.value_or(guarded);
  const ir::Program& program = JudgedBy(options).program;
  RESCIND_ASSIGN(LoadedFacts loaded, LoadFacts(program, options.as_of));
  auto derivation =
      std::make_unique<Derivation>(program, std::move(loaded.facts), workspace_.holidays, now);
  const eval::EvaluationInput input = derivation->input();
  eval::SweepOptions sweep_options;
  sweep_options.deadlines = options.continuous;
  derivation->sweep = eval::SweepFacts(input, sweep_options);
  RESCIND_ASSIGN(derivation->previous, FindingBook::Load(store().key_values()));
  RESCIND_ASSIGN(PlannerOptions planner, OptionsFor(options, loaded.sources, now, journal));
  RESCIND_ASSIGN(const auto last, LastOutline());
  planner.key_unlisted = last.has_value();
  RESCIND_ASSIGN(derivation->outcome,
                 PlanActions(input, derivation->sweep, derivation->previous, planner));

  Plan& plan = derivation->outcome.plan;
  if (last) ComparePlan(plan, *last);
  if (options.as_of) {
    plan.applicable = false;
    plan.not_applicable_because =
        fmt::format("it shows the facts as recorded at {}", FormatInstant(*options.as_of));
  } else if (options.now) {
    plan.applicable = false;
    plan.not_applicable_because =
        fmt::format("it judges today's facts at {}", FormatInstant(*options.now));
  }
  // At another instant, and by other policies, nothing is carried out.
  if (plan.applicable && options.judged_by == nullptr) {
    const UndoChoice shown{{}, true, plan.filter_policies, plan.filter_person};
    RESCIND_ASSIGN(plan.undos, ListPlannedUndos(journal, *derivation, shown));
  }
  options.listed_actions ? ArrangePlan(plan) : SealPlan(plan);
  return derivation;
}

Result<std::unique_ptr<Derivation>> Pipeline::Derive(const DeriveOptions& options) {
  ReadOnlyCommitter nobody;
  RESCIND_ASSIGN(const auto journal,
                 Journal::Open(store().key_values(), nobody, environment_.clock));
  return Derive(options, *journal);
}

}  // namespace rescind
