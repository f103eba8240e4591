// `rescind status`: how the workspace stands.
#include <memory>

#include "runtime/cli/audit_input.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/service/workspace_status.h"

namespace rescind {
namespace {

Result<ExitStatus> PrintStatus(Pipeline& pipeline, const std::string& format,
                               Invocation& invocation) {
  WarnOfKey(pipeline.store().key_values(), pipeline.workspace(), invocation);
  RESCIND_ASSIGN(const WorkspaceStatus status, ReadStatus(pipeline, invocation.server));
  invocation.out << (format == "json" ? EncodeStatus(status) : FormatStatus(status));
  return ExitStatus::kDone;
}

Result<ExitStatus> RunStatus(const std::string& format, Invocation& invocation) {
  // What is in force is what the server goes by, whatever has been made of the files since.
  if (invocation.in_force) return PrintStatus(*invocation.in_force, format, invocation);
  RESCIND_ASSIGN(Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(
      const auto pipeline,
      Pipeline::Open(std::move(workspace), EnvironmentOf(invocation), PipelinePurpose::kRead));
  return PrintStatus(*pipeline, format, invocation);
}

}  // namespace

void DeclareStatus(CommandLine& line) {
  auto format = std::make_shared<std::string>("table");
  CLI::App& status =
      line.Add("status", "Say how feeds, findings and actions stand",
               [format](Invocation& invocation) { return RunStatus(*format, invocation); });
  status.add_option("-o,--output", *format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace rescind
