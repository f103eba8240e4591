#include "runtime/service/continuous_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "engine/base/sha256.h"
#include "runtime/service/action_ledger.h"
#include "runtime/service/list_files.h"
#include "runtime/service/policy_files.h"

namespace rescind {
namespace {

// What a person must do first is looked at again.
constexpr int64_t kPersonLookMicros = kMicrosPerMinute;
constexpr uint64_t kMaxWatchedFileBytes = uint64_t{16} << 20;

// What has failed so many rounds in a row is tried later each time, up to the longest pause.
Backoff Slower(uint32_t failed_round_count) {
  Backoff backoff;
  for (uint32_t i = 0; i < failed_round_count && backoff.first < backoff.longest; ++i) {
    backoff.first.micros *= 2;
  }
  backoff.first = std::min(backoff.first, backoff.longest);
  return backoff;
}

}  // namespace

ServiceEnvironment ContinuousRun::Lending() const {
  ServiceEnvironment environment = setup_.environment;
  environment.lender = store_.get();
  return environment;
}

Status ContinuousRun::OpenStore(const Workspace& workspace, std::shared_ptr<const Schema> schema) {
  StoreOptions options;
  options.for_execution = true;
  RESCIND_ASSIGN(WorkspaceStore opened,
                 OpenWorkspaceStore(workspace, std::move(schema), setup_.environment, options));
  if (store_ == nullptr) {
    store_ = std::make_unique<HeldStore>(std::filesystem::absolute(workspace.store_folder).string(),
                                         std::move(opened.store));
  } else {
    store_->Put(std::move(opened.store));
  }
  return {};
}

Result<std::unique_ptr<ContinuousRun>> ContinuousRun::Open(ContinuousSetup setup) {
  std::unique_ptr<ContinuousRun> run(new ContinuousRun(std::move(setup)));
  const ServiceEnvironment& environment = run->setup_.environment;
  RESCIND_ASSIGN(Workspace workspace, run->setup_.read_workspace());
  run->digest_ = run->DigestOf(workspace);
  RESCIND_ASSIGN(auto schema, ReadSchema(workspace, environment.files));
  RESCIND_TRY(run->OpenStore(workspace, std::move(schema)));
  RESCIND_ASSIGN(run->pipeline_,
                 Pipeline::Open(std::move(workspace), run->Lending(), PipelinePurpose::kExecute));
  RESCIND_TRY(ActionLedger::Open(run->workspace(), run->store_->store(), environment));
  return run;
}

std::string ContinuousRun::DigestOf(const Workspace& workspace) const {
  FileSystem& files = setup_.environment.files;
  Sha256Fields fields;
  const auto add = [&](const std::string& path) {
    auto bytes = files.Read(path, kMaxWatchedFileBytes);
    fields.Add(path).Add(bytes.ok() ? *bytes : bytes.error().message);
  };
  add(workspace.folder + "/" + std::string(kWorkspaceFileName));
  for (const std::string& file : setup_.more_files) add(file);
  const auto policies = FindPolicyFiles(workspace, files);
  if (!policies.ok()) return fields.Add(policies.error().message).Hex();
  for (const PolicyFile& file : *policies) add(file.path);
  for (const std::string& list : ListFilesOf(workspace, files)) add(list);
  return fields.Hex();
}

Result<std::unique_ptr<Pipeline>> ContinuousRun::OpenAnew(Status& lost) {
  RESCIND_ASSIGN(const Workspace changed, setup_.read_workspace());
  const std::string folder = std::filesystem::absolute(changed.store_folder).string();
  if (folder != store_->folder()) {
    return Error{
        ErrorKind::kUnsupported, fmt::format("the workspace has another store now, {}", folder),
        fmt::format("stop `rescind serve`, which holds {}, and start it again", store_->folder())};
  }
  const auto schema = ReadSchema(changed, setup_.environment.files);
  // Policies with errors: it says of the first what and where it is.
  if (!schema.ok() || **schema == store_->store().schema()) {
    return Pipeline::Open(changed, Lending(), PipelinePurpose::kExecute);
  }
  const auto before = std::make_shared<const Schema>(store_->store().schema());
  lost = store_->Close();
  if (!lost.ok()) return lost.error();
  Status opened = OpenStore(changed, *schema);
  Result<std::unique_ptr<Pipeline>> pipeline =
      opened.ok() ? Pipeline::Open(changed, Lending(), PipelinePurpose::kExecute)
                  : Result<std::unique_ptr<Pipeline>>(std::move(opened).error());
  if (pipeline.ok()) return pipeline;
  lost = store_->Close();
  if (lost.ok()) lost = OpenStore(workspace(), before);
  return pipeline;
}

Result<ReloadAnswer> ContinuousRun::ReloadIfChanged(bool always) {
  // Before they are read: what changes meanwhile is seen the next time.
  const std::string digest = DigestOf(workspace());
  if (digest == digest_ && !always) {
    if (refused_digest_.empty()) return ReloadAnswer{};
    refused_digest_.clear();
    return ReloadAnswer{Reload::kMended, std::nullopt};
  }
  if (digest == refused_digest_ && !always) return ReloadAnswer{Reload::kRefused, std::nullopt};
  Status lost;
  auto pipeline = OpenAnew(lost);
  RESCIND_TRY(lost);
  if (!pipeline.ok()) {
    refused_digest_ = digest;
    return ReloadAnswer{Reload::kRefused, std::move(pipeline).error()};
  }
  pipeline_ = *std::move(pipeline);
  digest_ = digest;
  refused_digest_.clear();
  return ReloadAnswer{Reload::kTaken, std::nullopt};
}

Result<StepAnswer> ContinuousRun::Step() {
  // Commands of clients have their own between two steps.
  RESCIND_ASSIGN(const auto ledger,
                 ActionLedger::Open(workspace(), pipeline_->store(), setup_.environment));
  ApplyVoice voice = setup_.voice;
  voice.begin = [this] { store_->store().SetLastWords(setup_.last_words); };
  ApplyRun run(*pipeline_, *ledger, setup_.processes, std::move(voice));
  ApplyRequest request;
  request.continuous = true;
  request.actor = setup_.actor;
  request.patience = Duration{0};
  request.backoff = Slower(failed_round_count_);
  const Instant begun = setup_.environment.clock.Now();
  auto applied = run.Apply(request);
  store_->store().SetLastWords({});
  RESCIND_ASSIGN(ApplyAnswer answer, std::move(applied));
  if (answer.cut_off) return *std::move(answer.cut_off);
  if (!answer.wanted) NoteRetries(begun, answer.next_retry);
  StepAnswer step;
  step.report = std::move(answer.report);
  const Instant now = setup_.environment.clock.Now();
  if (answer.wanted) {
    step.held_because = answer.wanted->why;
    const std::string& remedy = answer.wanted->remedy;
    const bool is_said = step.held_because.find(remedy) != std::string::npos;
    if (!remedy.empty() && !is_said) step.held_because += ": " + remedy;
    step.next_look = {now.micros + kPersonLookMicros};
  } else {
    step.next_look = std::max(answer.next_look, now);
  }
  return step;
}

void ContinuousRun::NoteRetries(Instant begun, std::optional<Instant> next_retry) {
  if (!next_retry) {
    failed_round_count_ = 0;
  } else if (begun >= next_retry_.value_or(begun)) {
    ++failed_round_count_;  // something was due, and failed
  }
  next_retry_ = next_retry;
}

Status ContinuousRun::Close() { return store_->Close(); }

}  // namespace rescind
