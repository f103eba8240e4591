// Pipeline: everything that a command on policies and facts needs, opened once; and Derive, the
// one place where all stages of a judgement are wired.
//
//   policies ─ load, compile ─> program ┐
//   store ─ load columns ─> facts ──────┴─ sweep ─> PlanActions ─> plan, findings, terms
//
// Deriving writes nothing, whoever asks for it. What follows from a derivation (findings kept,
// notices sent, actions carried out) is apply_run.h's. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/civil.h"
#include "engine/base/result.h"
#include "engine/eval/sweep.h"
#include "engine/ir/program.h"
#include "runtime/journal/journal.h"
#include "runtime/plan/plan_delta.h"
#include "runtime/plan/planner.h"
#include "runtime/service/compiled_policies.h"
#include "runtime/service/store_opener.h"
#include "runtime/service/system_runners.h"
#include "runtime/service/workspace.h"
#include "runtime/store/store.h"

namespace rescind {

enum class PipelinePurpose : uint8_t {
  kRead,     // a dry run, which needs no room on the disk; there must be a store
  kAmend,    // a release, a checkpoint, the audit log's key; there must be a store
  kChange,   // exemptions: the store is made when there is none
  kExecute,  // actions: the store's epoch is incremented; there must be a store
};

struct DeriveOptions {
  std::optional<Instant> now;    // --now: today's facts at that instant
  std::optional<Instant> as_of;  // --as-of: the facts as recorded at that instant, judged then
  std::vector<std::string> filter_policies;  // shown only
  std::string filter_person;
  bool hold_unconfirmed = false;  // nobody is there to confirm
  // By a process that plans again and again: limits of a run roll over an hour, and the sweep says
  // when it would come to something else.
  bool continuous = false;
  // As in PlannerOptions.
  std::optional<std::set<std::string>> read_policies{};
  // A plan that is only shown, as PlannerOptions::listed_actions says: arranged, not sealed.
  std::optional<size_t> listed_actions;
  // Judge by these instead of the workspace's own: a plan for comparison. They outlive what is
  // derived, and their program is of the store's schema.
  const CompiledPolicies* judged_by = nullptr;
};

// One judgement of all policies. Borrows the pipeline.
struct Derivation {
  Derivation(const ir::Program& rules, FactBase columns, Holidays calendar, Instant at)
      : program(rules), facts(std::move(columns)), holidays(std::move(calendar)), now(at) {}
  Derivation(const Derivation&) = delete;
  Derivation& operator=(const Derivation&) = delete;

  const ir::Program& program;
  const FactBase facts;
  const Holidays holidays;
  const Instant now;
  FindingBook previous;  // as the store holds them
  eval::SweepResult sweep;
  PlanOutcome outcome;

  eval::EvaluationInput input() const { return {program, facts, holidays, now}; }
};

// Why the clock cannot be trusted. At most one of the two is not empty.
struct ClockDoubt {
  Instant last_evaluation;  // where one of the two is not empty
  // It is far ahead of the last evaluation: nothing is removed until a person has said that it is
  // right. With the way out.
  std::string leap;
  // It is behind it, and judged is at that instant. With the way back.
  std::string behind;
};

class Pipeline {
 public:
  // kInvalidInput when the policies hold errors: the first is named. kNotFound for kRead and
  // kAmend when nothing was ever imported. kCorrupt when what people have decided was changed
  // behind the audit log's back (decision_check.h). Else what the store says.
  static Result<std::unique_ptr<Pipeline>> Open(Workspace workspace, ServiceEnvironment environment,
                                                PipelinePurpose purpose);

  const Workspace& workspace() const { return workspace_; }
  const ServiceEnvironment& environment() const { return environment_; }
  const LoadedPolicies& policies() const { return own_.loaded; }
  const ir::Program& program() const { return own_.program; }
  Store& store() { return *opened_.store; }
  const DeclaredSources& declared() const { return opened_.declared; }
  // The executors of rescind.toml; made by the first Derive, so that what needs none of them works
  // without.
  SystemRunners& runners() { return *runners_; }

  // The clock, but never before the last evaluation that was applied.
  Result<Instant> Now();
  // Of the last evaluation that was applied; nothing in a new store.
  Result<std::optional<Instant>> LastEvaluation();
  // What the last evaluation says of the clock.
  Result<ClockDoubt> DoubtClock();
  // The last plan applied.
  Result<std::optional<PlanOutline>> LastOutline();
  // Judges everything and plans. The plan is compared with the last one applied, and not
  // applicable with `now` or `as_of`. `journal`: the history of actions; it must be of this store.
  // An error of the targets' settings, of the store, or of its records.
  Result<std::unique_ptr<Derivation>> Derive(const DeriveOptions& options, const Journal& journal);
  // The same with a journal of its own, for commands that carry nothing out.
  Result<std::unique_ptr<Derivation>> Derive(const DeriveOptions& options);
  // What the groups of that policy's limits are called, by the facts of now; empty when its limits
  // have no groups.
  Result<std::set<std::string>> LimitGroupsOf(const std::string& policy);
  // Who delivers what, and how old it is.
  std::vector<FeedStatus> Feeds();

  Status Close() { return opened_.store->Close(); }

 private:
  Pipeline(Workspace workspace, ServiceEnvironment environment)
      : workspace_(std::move(workspace)), environment_(environment) {}
  const CompiledPolicies& JudgedBy(const DeriveOptions& options) const {
    return options.judged_by ? *options.judged_by : own_;
  }
  // Those that are declared, with what of them `delivered` says, and the others that it names.
  std::vector<FeedStatus> FeedsOf(const std::vector<SourceStatus>& delivered) const;
  // The columns that planning and explaining read, now or as recorded earlier, and what the sources
  // had delivered by then.
  Result<LoadedFacts> LoadFacts(const ir::Program& program, std::optional<Instant> as_of);
  Result<PlannerOptions> OptionsFor(const DeriveOptions& options,
                                    const std::vector<SourceStatus>& delivered, Instant now,
                                    const Journal& journal);

  Workspace workspace_;
  ServiceEnvironment environment_;
  CompiledPolicies own_;
  WorkspaceStore opened_;
  std::unique_ptr<SystemRunners> runners_;
};

// What to do about an action that is escalated.
inline constexpr const char* kEscalationRemedy =
    "mend what its system said, then make a plan and apply it: that tries it again; `apply --auto` "
    "leaves it";

// By which a person says that the clock is right (ClockDoubt::leap).
inline constexpr const char* kTrustClockCommand = "rescind release --clock --reason WHY";

// What applying keeps beside findings and actions (FORMAT.md).
inline constexpr std::string_view kClockKey = "service/clock";
inline constexpr std::string_view kOutlineKey = "service/outline";

void PutLastEvaluation(KeyValueBatch& batch, Instant now);
// Nothing in a new store. kCorrupt when the record is damaged.
Result<std::optional<Instant>> ReadLastEvaluation(const KeyValueReader& reader);

// A committer for a journal that is only read: it refuses.
class ReadOnlyCommitter final : public TransitionCommitter {
 public:
  Status Commit(KeyValueBatch& batch, std::span<const Transition> transitions) override;
};

}  // namespace rescind
