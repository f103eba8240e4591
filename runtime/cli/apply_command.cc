// `rescind apply`: carries out a plan that somebody has read, or whatever is ready now.
#include <fmt/ostream.h>

#include <algorithm>
#include <memory>

#include "engine/base/visible_text.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/cli/interrupt_flag.h"
#include "runtime/plan/plan_table.h"
#include "runtime/service/apply_run.h"

namespace rescind {
namespace {

struct ApplyCommandOptions {
  std::string plan;
  bool automatic = false;
  bool resume = false;
  std::string confirm;
  std::string patience = "30s";
  std::string format = "table";
};

Status CheckWays(const ApplyCommandOptions& options) {
  const int ways =
      (options.plan.empty() ? 0 : 1) + (options.automatic ? 1 : 0) + (options.resume ? 1 : 0);
  if (options.resume && options.plan.empty() && !options.confirm.empty()) {
    return Error{ErrorKind::kInvalidInput,
                 "--resume goes on with what was confirmed when it began: there is no plan for "
                 "--confirm to name",
                 "rescind apply --resume"};
  }
  if (ways == 1) return {};
  // To apply a plan again goes on with what of it was cut off: --resume beside it says just that.
  if (ways == 2 && options.resume && !options.automatic) return {};
  return Error{ErrorKind::kInvalidInput,
               ways == 0 ? "apply needs a plan" : "apply takes one of a plan, --auto and --resume",
               "rescind apply PLAN, rescind apply --auto, or rescind apply --resume"};
}

ExitStatus StatusOf(const ApplyReport& report) {
  if (report.unfinished_count() + report.left_open_count > 0 || report.failed_notice_count() > 0 ||
      !report.escalated_earlier.empty() || !report.undos_left.empty() || report.left_count > 0 ||
      report.to_do_again_count > 0) {
    return ExitStatus::kAppliedInPart;
  }
  const bool held = report.all_held_count() > 0 || report.held_notice_count() > 0 ||
                    std::any_of(report.fallen.begin(), report.fallen.end(),
                                [](const FallenRow& row) { return row.held; });
  return held ? ExitStatus::kHeld : ExitStatus::kDone;
}

bool Ask(Invocation& invocation, const std::string& question) {
  fmt::print(invocation.err, "{} Type yes: ", question);
  invocation.err.flush();
  std::string answer;
  return std::getline(invocation.in, answer) && answer == "yes";
}

Result<ApplyAnswer> RunIt(const ApplyCommandOptions& options, Duration patience,
                          std::optional<Plan> plan, Invocation& invocation) {
  RESCIND_ASSIGN(Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(
      const auto pipeline,
      Pipeline::Open(std::move(workspace), EnvironmentOf(invocation), PipelinePurpose::kExecute));
  PrintNotices(pipeline->policies(), invocation);
  RESCIND_ASSIGN(const Instant now, pipeline->Now());
  RESCIND_TRY(WarnOfNameless(*pipeline, now, invocation));
  RESCIND_ASSIGN(const auto ledger, ActionLedger::Open(pipeline->workspace(), pipeline->store(),
                                                       pipeline->environment()));
  std::optional<InterruptFlag> interrupt;
  if (!invocation.wants_stop) interrupt.emplace();
  ApplyVoice voice;
  voice.tell = [&](const std::string& text) { fmt::print(invocation.err, "{}\n", Visible(text)); };
  voice.warn = [&](const std::string& text) { invocation.Warn(text); };
  voice.stop = [&] { return interrupt ? interrupt->raised() : invocation.wants_stop(); };
  // A disk that refuses a write ends the process, where no answer comes back any more.
  voice.begin = [&] {
    pipeline->store().SetLastWords(
        {static_cast<int>(ExitStatus::kAppliedInPart), kCutOffMeans, kCutOffRemedy});
  };
  if (invocation.in_is_terminal && invocation.err_is_terminal) {
    voice.ask = [&](const std::string& question) { return Ask(invocation, question); };
  }
  ApplyRun run(*pipeline, *ledger, invocation.processes, std::move(voice));
  // A store that has refused a record may refuse to be closed as well.
  const auto close = [&](Result<ApplyAnswer> answer) -> Result<ApplyAnswer> {
    if (!answer.ok()) return answer;
    if (Status closed = pipeline->Close(); !closed.ok() && !answer->cut_off) return closed.error();
    return answer;
  };
  if (options.resume && !plan) return close(run.Resume(ActorName(invocation), patience));
  ApplyRequest request;
  request.plan = std::move(plan);
  request.plan_name = options.plan;
  request.confirm = options.confirm;
  request.actor = ActorName(invocation);
  request.patience = patience;
  return close(run.Apply(request));
}

Result<ExitStatus> RunApply(const ApplyCommandOptions& options, Invocation& invocation) {
  if (const Status status = CheckWays(options); !status.ok()) {
    return FailUsage(status.error(), invocation);
  }
  Duration patience = ParseDuration(options.patience).value_or(Duration{});  // checked
  // Who serves goes on by itself, and does nothing else while it waits.
  if (invocation.server) patience = {0};
  std::optional<Plan> plan;
  if (!options.plan.empty()) {
    RESCIND_ASSIGN(plan, ReadPlanFile(invocation, options.plan));
  }
  RESCIND_ASSIGN(const ApplyAnswer answer, RunIt(options, patience, std::move(plan), invocation));
  if (answer.wanted) {
    const std::string& command = answer.wanted->command;
    const std::string& remedy = answer.wanted->remedy;
    invocation.Fail(
        {ErrorKind::kInvalidInput, fmt::format("nothing was done: {}", answer.wanted->why),
         !remedy.empty()   ? remedy
         : command.empty() ? "write a plan (`rescind plan --out F`), read it, and apply it"
                           : fmt::format("read the plan, then type: {}", command)});
    return ExitStatus::kHeld;
  }
  // Cut off between steps nothing is known to list.
  if (!answer.cut_off || !answer.report.actions.empty()) {
    invocation.out << (options.format == "json" ? EncodeApplyReport(answer.report)
                                                : FormatApplyReport(answer.report));
  }
  // Whoever applied a plan has seen what it lists; of what else needs a person, `status` tells.
  const bool needs_person = options.automatic && answer.report.person_count > 0;
  if (!answer.cut_off) return needs_person ? ExitStatus::kAppliedInPart : StatusOf(answer.report);
  invocation.Fail(*answer.cut_off);
  return ExitStatus::kAppliedInPart;
}

}  // namespace

void DeclareApply(CommandLine& line) {
  auto options = std::make_shared<ApplyCommandOptions>();
  CLI::App& apply =
      line.Add("apply", "Carry out a plan, and nothing that is not in it",
               [options](Invocation& invocation) { return RunApply(*options, invocation); });
  apply.add_option("plan", options->plan, "What `rescind plan --out` wrote");
  apply.add_flag("--auto", options->automatic,
                 "Whatever is ready now; holds what nobody confirmed, leaves what is escalated");
  apply.add_flag("--resume", options->resume, "Go on with what was cut off or waits for a retry");
  apply.add_option("--confirm", options->confirm, "The id of the plan that you have read");
  apply
      .add_option("--wait", options->patience,
                  "How long to wait for systems that fail; `serve` does not, but tries them again")
      ->check(IsLength())
      ->capture_default_str();
  apply.add_option("-o,--output", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace rescind
