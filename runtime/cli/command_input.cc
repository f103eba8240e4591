#include "runtime/cli/command_input.h"

#include <fmt/ostream.h>
#include <unistd.h>

#include <filesystem>

#include "engine/base/time_zone.h"
#include "engine/base/visible_text.h"
#include "runtime/audit/audit_log.h"
#include "runtime/plan/plan_json.h"
#include "runtime/service/notice_reach.h"

namespace rescind {
namespace {

constexpr uint64_t kMaxPlanBytes = uint64_t{2} << 30;

}  // namespace

std::string PathFrom(const Invocation& invocation, const std::string& path) {
  if (path.starts_with('/') || invocation.working_folder == ".") return path;
  return invocation.working_folder + "/" + path;
}

Status RefuseOwnFile(const Invocation& invocation, const Workspace& workspace,
                     const std::string& path) {
  if (path.empty()) return {};
  const auto real = [](const std::string& name) {
    std::error_code failure;
    return std::filesystem::weakly_canonical(name, failure).string();
  };
  const std::string place = real(PathFrom(invocation, path));
  const bool is_own = place == real(workspace.folder + "/" + kWorkspaceFileName) ||
                      place == real(workspace.audit_key_file) ||
                      place == real(AuditWitnessFile(workspace.audit_key_file)) ||
                      place.starts_with(real(workspace.store_folder) + "/");
  if (!is_own) return {};
  return Error{ErrorKind::kInvalidInput, fmt::format("{} belongs to the workspace itself", path),
               "give the output a file of its own"};
}

Result<Plan> ReadPlanFile(Invocation& invocation, const std::string& path) {
  RESCIND_ASSIGN(const std::string bytes,
                 invocation.files.Read(PathFrom(invocation, path), kMaxPlanBytes));
  auto plan = DecodePlan(bytes);
  if (!plan.ok()) return std::move(plan).error().In(path);
  return plan;
}

Result<Instant> ParseMoment(std::string_view option, std::string_view text, Instant now,
                            const std::string& timezone) {
  if (text.starts_with('+')) {
    const auto length = ParseDuration(text.substr(1));
    Instant at;
    if (length && !__builtin_add_overflow(now.micros, length->micros, &at.micros)) return at;
  } else if (const auto instant = ParseInstant(text)) {
    return *instant;
  } else if (const auto day = ParseDay(text)) {
    const TimeZone* zone = FindTimeZone(timezone);
    return (zone != nullptr ? *zone : UtcTimeZone()).StartOf(*day);
  }
  return Error{ErrorKind::kInvalidInput, fmt::format("{} is no instant: {}", option, text),
               "write 2026-04-01, 2026-04-01T09:00Z or +30d"};
}

std::string ActorName() { return fmt::format("uid {}", getuid()); }

PipelineEnvironment EnvironmentOf(Invocation& invocation) {
  return {invocation.files, invocation.clock, invocation.random};
}

void PrintNotices(const LoadedPolicies& policies, Invocation& invocation) {
  for (const std::string& notice : policies.notices) {
    fmt::print(invocation.err, "note: {}\n", Visible(notice));
  }
  // Lints are for `check`; what keeps a policy from working is for everybody.
  for (const Diagnostic& diagnostic : policies.diagnostics) {
    if (diagnostic.code != kUnreachableNotice) continue;
    invocation.Warn(
        Visible(fmt::format("{}; {}", diagnostic.message, diagnostic.help.front().text)));
  }
}

}  // namespace rescind
