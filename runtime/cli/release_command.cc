// `rescind release`: a person's word that what a limit, or a policy that nobody has confirmed yet,
// holds may go: once, in the next apply. Also a person's word that the clock is right.
#include <fmt/ostream.h>

#include <algorithm>
#include <memory>
#include <set>

#include "engine/base/diagnostic.h"
#include "engine/base/visible_text.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/plan/policy_renames.h"
#include "runtime/plan/release.h"
#include "runtime/service/action_ledger.h"
#include "runtime/service/audit_desk.h"
#include "runtime/service/policy_name.h"
#include "runtime/service/release_entry.h"

namespace rescind {
namespace {

struct ReleaseOptions {
  std::string policy;
  std::string group;
  std::string reason;
  std::string valid_for = "24h";
  bool clock = false;
};

// A limit without `per` counts all in one, and so does the workspace's cap: a release of one group
// would never be used, and nor would one of a group that there is not.
Status CheckGroup(const Release& wish, Pipeline& pipeline) {
  if (wish.group.empty()) return {};
  const std::string remedy = fmt::format("leave --group out: {}", ReleaseCommand(wish.policy, ""));
  if (wish.policy.empty()) {
    return Error{ErrorKind::kInvalidInput,
                 "--group without a policy: the workspace's cap on removals per hour has no groups",
                 fmt::format("name the policy whose limit it is, or {}", remedy)};
  }
  RESCIND_ASSIGN(const std::set<std::string> groups, pipeline.LimitGroupsOf(wish.policy));
  if (groups.empty()) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("{} has no limit `per` something, and so no groups", wish.policy),
                 remedy};
  }
  if (groups.contains(wish.group)) return {};
  const auto meant = DidYouMean(wish.group, {groups.begin(), groups.end()});
  return Error{ErrorKind::kInvalidInput,
               fmt::format("no limit of {} has a group {}", wish.policy, wish.group),
               meant ? fmt::format("did you mean `{}`?", *meant)
                     : "write it as `rescind plan` does where it says what is held"};
}

Result<Release> ReadWish(const ReleaseOptions& options, Pipeline& pipeline,
                         const Invocation& invocation) {
  Release wish;
  if (!options.policy.empty()) {
    RESCIND_ASSIGN(wish.policy, ResolvePolicy(pipeline.program(), options.policy));
    wish.meaning = ReleasedMeaning(pipeline.program(), wish.policy);
  }
  wish.group = options.group;
  RESCIND_TRY(CheckGroup(wish, pipeline));
  wish.reason = options.reason;
  wish.by = ActorName(invocation);
  RESCIND_ASSIGN(wish.created_at, pipeline.Now());
  RESCIND_ASSIGN(wish.expires_at, ParseMoment("--for", "+" + options.valid_for, wish.created_at,
                                              pipeline.workspace().timezone));
  return NewRelease(std::move(wish));
}

// A person says that the clock is right: from now on its instant is the last evaluation's.
Result<ExitStatus> TrustClock(const ReleaseOptions& options, Pipeline& pipeline,
                              ActionLedger& ledger, Invocation& invocation) {
  RESCIND_ASSIGN(const ClockDoubt doubt, pipeline.DoubtClock());
  if (doubt.leap.empty()) {
    return Error{ErrorKind::kInvalidInput, "nothing is held for the clock's sake", doubt.behind};
  }
  const Instant now = pipeline.environment().clock.Now();
  AuditEvent event;
  event.kind = AuditKind::kReleased;
  event.at = now;
  event.trigger = fmt::format("release by {}", ActorName(invocation));
  event.outcome = {options.reason, true};  // may name anybody
  event.details["clock"] = {FormatInstant(now), false};
  KeyValueBatch batch;
  PutLastEvaluation(batch, now);
  RESCIND_TRY(ledger.recorder().Record({event}, batch));
  fmt::print(invocation.err, "the clock is taken for right at {}\n", FormatInstant(now));
  return ExitStatus::kDone;
}

// As `apply --auto` judges now that it is given. It is recorded whatever becomes of this.
void SayWhatItDoes(const Release& release, Pipeline& pipeline, const Journal& journal,
                   Invocation& invocation) {
  DeriveOptions options;
  options.hold_unconfirmed = true;
  options.listed_actions = 0;
  const auto derived = pipeline.Derive(options, journal);
  const std::string until = FormatInstant(release.expires_at);
  std::string unconfirmed, idle, sooner, held;
  bool observes = false;
  if (derived.ok()) {
    const PlanOutcome& outcome = (*derived)->outcome;
    for (const PolicySummary& policy : outcome.plan.policies) {
      if (policy.policy != release.policy) continue;
      observes = !policy.enforced;
      const auto& confirmed = outcome.confirmed_by_release;
      const bool confirms =
          std::find(confirmed.begin(), confirmed.end(), policy.policy) != confirmed.end();
      if (!observes) held = policy.held_because;
      if (confirms) sooner = policy.confirming;
      if (confirms || (policy.enforced && held.empty())) {
        (confirms ? unconfirmed : idle) = policy.unconfirmed_because;
      }
    }
  }
  if (observes) {
    fmt::print(
        invocation.err,
        "{} only observes (`mode observe`) and removes nothing: this changes nothing for "
        "now; setting `mode enforce` is an edit, which ends this: do that first, then release\n",
        release.policy);
  } else if (!idle.empty()) {
    fmt::print(invocation.err,
               "nobody has confirmed {} ({}), and it has nothing to do now: unless that changes "
               "first, the next apply ends this unused; an apply of a plan with `--confirm` "
               "confirms it\n",
               release.policy, idle);
  } else if (unconfirmed.empty()) {
    fmt::print(invocation.err,
               "the next apply before {} may go over it; needed or not, that uses it up\n", until);
  } else {
    fmt::print(invocation.err,
               "nobody has confirmed {} ({}): the next `apply --auto` before {} takes this for the "
               "confirmation, and goes over no limit by it\n",
               release.policy, unconfirmed, until);
  }
  if (!sooner.empty()) fmt::print(invocation.err, "! sooner: {}\n", Visible(sooner));
  if (!derived.ok()) {
    invocation.Warn(
        fmt::format("what else holds it cannot be judged: {}", derived.error().message));
  } else if (!held.empty()) {
    fmt::print(invocation.err, "`apply --auto` still holds it: {}\n", Visible(held));
  }
}

Result<ExitStatus> RunRelease(const ReleaseOptions& options, Invocation& invocation) {
  if (options.clock && (!options.policy.empty() || !options.group.empty())) {
    return FailUsage({ErrorKind::kInvalidInput, "--clock is of no policy and no group",
                      "type: " + std::string(kTrustClockCommand)},
                     invocation);
  }
  RESCIND_ASSIGN(Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(
      const auto pipeline,
      Pipeline::Open(std::move(workspace), EnvironmentOf(invocation), PipelinePurpose::kAmend));
  RESCIND_ASSIGN(const auto ledger, ActionLedger::Open(pipeline->workspace(), pipeline->store(),
                                                       pipeline->environment()));
  if (options.clock) {
    RESCIND_ASSIGN(const ExitStatus status, TrustClock(options, *pipeline, *ledger, invocation));
    RESCIND_TRY(SignLog(pipeline->store(), ledger->audit()));
    RESCIND_TRY(pipeline->Close());
    return status;
  }
  RESCIND_ASSIGN(const Release release, ReadWish(options, *pipeline, invocation));
  AuditEvent event = ReleaseEntry(AuditKind::kReleased, release, pipeline->program(),
                                  release.created_at, fmt::format("release by {}", release.by));
  event.outcome = {release.reason, true};
  event.details["until"] = {FormatInstant(release.expires_at), false};
  for (AuditPolicy& policy : event.policies) {
    policy.source_hash = MeaningOf(pipeline->program(), policy.name);
  }
  KeyValueBatch batch;
  // Two of the same would let it go twice.
  RESCIND_ASSIGN(auto others, ListReleases(pipeline->store().key_values()));
  PolicyRenames(pipeline->program()).MoveTo(others);
  std::string replaced;
  for (const Release& other : others) {
    if (!other.IsForTheSame(release) || !other.active(release.created_at)) continue;
    DeleteRelease(batch, other.id);
    replaced += (replaced.empty() ? "" : ", ") + other.id;
  }
  if (!replaced.empty()) event.details["replaces"] = {replaced, false};
  PutRelease(batch, release);
  RESCIND_TRY(ledger->recorder().Record({event}, batch));
  RESCIND_TRY(SignLog(pipeline->store(), ledger->audit()));
  fmt::print(invocation.out, "{}\n", release.id);
  if (!replaced.empty()) fmt::print(invocation.err, "it replaces {}\n", replaced);
  SayWhatItDoes(release, *pipeline, ledger->journal(), invocation);
  RESCIND_TRY(pipeline->Close());
  return ExitStatus::kDone;
}

}  // namespace

void DeclareRelease(CommandLine& line) {
  auto options = std::make_shared<ReleaseOptions>();
  CLI::App& release =
      line.Add("release", "Let what a limit holds go, once, in the next apply",
               [options](Invocation& invocation) { return RunRelease(*options, invocation); });
  release.add_option("policy", options->policy,
                     "Whose limit (default: the workspace's cap on removals per hour)");
  release.add_option("--group", options->group, "Only that group of a limit `per`");
  release.add_flag("--clock", options->clock,
                   "The clock is right, though it is far ahead of the last evaluation");
  release.add_option("--reason", options->reason, "Why")->required()->check(IsSaid());
  release.add_option("--for", options->valid_for, "How long it waits for that apply, at most 31d")
      ->check(IsLength())
      ->capture_default_str();
}

}  // namespace rescind
