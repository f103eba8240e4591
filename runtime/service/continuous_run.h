// ContinuousRun: one workspace looked after without pause, as `rescind serve` does.
//
//   run.Step()   whatever is due now is done, as `apply --auto` would; says when to come again
//
// Between two steps commands of clients may use the store, which it lends (held_store.h). Policies
// and rescind.toml are read again when they have changed; what cannot be used leaves those in force
// that were. Where policies have other entities or fields, the store is opened anew for them. It
// knows neither sockets nor signals. One thread.
//
// Each step judges everything, so that what it costs grows with the population.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/process.h"
#include "runtime/service/apply_run.h"
#include "runtime/service/held_store.h"
#include "runtime/service/pipeline.h"

namespace rescind {

// What whoever runs it gives; all outlive it.
struct ContinuousSetup {
  // With a lender of nullptr: it is the one that lends.
  ServiceEnvironment environment;
  ProcessRunner& processes;
  // Reads rescind.toml, at the start and whenever it may have changed.
  std::function<Result<Workspace>()> read_workspace;
  std::string actor;  // for the audit log: "uid 1000"
  ApplyVoice voice;   // without `ask`, since nobody is there, and `begin`
  // Files of settings beside rescind.toml and policies; they need not exist.
  std::vector<std::string> more_files = {};
  LastWords last_words = {};  // when the disk ends the process while systems are being changed
};

struct StepAnswer {
  ApplyReport report;
  std::string held_because;  // nothing was done since a person must act first; empty: it was
  // While nothing happens there is nothing to do before then; not in the past.
  Instant next_look;
};

enum class Reload : uint8_t {
  kSame,     // nothing has changed
  kMended,   // what could not be used is again what is in force
  kTaken,    // what has changed is in force from now on
  kRefused,  // it cannot be used: what was in force stays so
};
struct ReloadAnswer {
  Reload what = Reload::kSame;
  std::optional<Error> why;  // of kRefused; once for the same files
};

class ContinuousRun {
 public:
  // Takes the store, which it makes when there is none. Errors: as those of Pipeline::Open, and of
  // ActionLedger::Open, since a log that cannot be signed would stop the first step.
  static Result<std::unique_ptr<ContinuousRun>> Open(ContinuousSetup setup);

  // Error: the store, the log or the targets' settings; the next step may do better.
  Result<StepAnswer> Step();
  // Looks whether rescind.toml, policies or their lists have changed; `always`: takes them as if
  // they had, since more than those may have (a password, a certificate). Error: the store, which
  // had to be opened anew, could not be, so that nothing can go on.
  Result<ReloadAnswer> ReloadIfChanged(bool always = false);

  StoreLender& lender() { return *store_; }
  const std::string& store_folder() const { return store_->folder(); }
  // Grow with everything that is committed.
  uint64_t facts_seq() const { return store_->store().facts_seq(); }
  uint64_t audit_size() const { return store_->store().key_values().audit_mark().size; }
  const Workspace& workspace() const { return pipeline_->workspace(); }
  const LoadedPolicies& policies() const { return pipeline_->policies(); }
  Pipeline& pipeline() { return *pipeline_; }  // until the next reload
  // Folds what is committed and lets go of the store.
  Status Close();

 private:
  explicit ContinuousRun(ContinuousSetup setup) : setup_(std::move(setup)) {}
  ServiceEnvironment Lending() const;
  // Of all files that policies and settings come from.
  std::string DigestOf(const Workspace& workspace) const;
  Status OpenStore(const Workspace& workspace, std::shared_ptr<const Schema> schema);
  // `begun`: when the step did.
  void NoteRetries(Instant begun, std::optional<Instant> next_retry);
  // What is on disk now, with the store opened for it. The store is left open in any case, unless
  // `lost` gets an error.
  Result<std::unique_ptr<Pipeline>> OpenAnew(Status& lost);

  ContinuousSetup setup_;
  std::unique_ptr<HeldStore> store_;
  std::unique_ptr<Pipeline> pipeline_;  // on what store_ lends
  std::string digest_;                  // of the files in force
  std::string refused_digest_;          // of those that could not be used
  // Each step begins to count failures anew, so that how often they were tried is counted here.
  std::optional<Instant> next_retry_;
  uint32_t failed_round_count_ = 0;
};

}  // namespace rescind
