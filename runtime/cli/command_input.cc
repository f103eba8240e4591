#include "runtime/cli/command_input.h"

#include <fmt/ostream.h>

#include <charconv>
#include <span>
#include <system_error>

#include "engine/base/blank_text.h"
#include "engine/base/time_zone.h"
#include "engine/base/visible_text.h"
#include "runtime/plan/plan_json.h"
#include "runtime/service/exemption_desk.h"
#include "runtime/service/notice_reach.h"
#include "runtime/service/own_file.h"

namespace rescind {
namespace {

constexpr uint64_t kMaxPlanBytes = uint64_t{2} << 30;
constexpr int64_t kMostRows = 1'000'000'000;
constexpr const char* kHowToWriteMoments = "write 2026-04-01, 2026-04-01T09:00Z or +30d";
constexpr const char* kHowToWritePastMoments = "write 2026-04-01 or 2026-04-01T09:00Z";

// Of a file that has no size to look at, such as the pipe of `<(…)`. What does not begin as JSON
// does is read no further: it may never end.
Result<std::string> ReadPlanStream(FileSystem& files, const std::string& path) {
  constexpr size_t kPieceBytes = size_t{256} << 10;
  RESCIND_ASSIGN(const auto file, files.OpenRegular(path));
  std::string bytes;
  for (bool goes_on = true; goes_on && bytes.size() <= kMaxPlanBytes;) {
    const size_t filled = bytes.size();
    bytes.resize(filled + kPieceBytes);
    RESCIND_ASSIGN(const size_t count, file->Read(std::span(bytes).subspan(filled)));
    bytes.resize(filled + count);
    const size_t first = bytes.find_first_not_of(" \t\r\n");
    const bool may_be_json = first == bytes.npos || bytes[first] == '{' || bytes[first] == '\xEF';
    goes_on = count > 0 && may_be_json;
  }
  if (bytes.size() <= kMaxPlanBytes) return bytes;
  return Error{ErrorKind::kInvalidInput, fmt::format("it is longer than {} bytes", kMaxPlanBytes),
               "check that it is the file that you meant"};
}

Result<std::string> ReadPlanBytes(FileSystem& files, const std::string& path) {
  const auto info = files.Stat(path);
  if (info.ok() && info->kind == FileKind::kOther) return ReadPlanStream(files, path);
  return files.Read(path, kMaxPlanBytes);
}

}  // namespace

Status RefuseOwnFile(const Invocation& invocation, const Workspace& workspace,
                     const std::string& path) {
  if (path.empty()) return {};
  return RefuseOwnFile(workspace, path, invocation.PathFrom(path), invocation.files,
                       {invocation.surroundings.user_file, invocation.surroundings.system_file});
}

Status RefuseFileOfAnyWorkspace(Invocation& invocation, const std::string& path) {
  if (path.empty()) return {};
  const auto reading = invocation.ReadWorkspaceFile();
  return reading.ok() ? RefuseOwnFile(invocation, reading->workspace, path) : Status();
}

Result<Plan> ReadPlanFile(Invocation& invocation, const std::string& path) {
  RESCIND_ASSIGN(const std::string bytes,
                 ReadPlanBytes(invocation.files, invocation.PathFrom(path)));
  auto plan = DecodePlan(bytes);
  if (!plan.ok()) return std::move(plan).error().In(path);
  return plan;
}

CLI::Validator IsMoment() {
  const auto check = [](const std::string& text) -> std::string {
    const bool is_one = text.starts_with('+')
                            ? ParseDuration(std::string_view(text).substr(1)).has_value()
                            : ParseInstant(text) || ParseDay(text);
    return is_one ? "" : fmt::format("{} is no instant: {}", text, kHowToWriteMoments);
  };
  return CLI::Validator(check, "");
}

CLI::Validator IsPastMoment() {
  const auto check = [](const std::string& text) -> std::string {
    if (ParseInstant(text) || ParseDay(text)) return "";
    return fmt::format("{} is no instant of the past: {}", text, kHowToWritePastMoments);
  };
  return CLI::Validator(check, "");
}

CLI::Validator IsLength() {
  const auto check = [](const std::string& text) -> std::string {
    if (ParseDuration(text)) return "";
    return fmt::format("{} is no duration: write 30s, 10m, 24h or 0s", text);
  };
  return CLI::Validator(check, "");
}

CLI::Validator IsRowCount() { return CLI::Range(int64_t{0}, kMostRows); }

CLI::Validator IsName() {
  const auto check = [](const std::string& text) -> std::string {
    return IsBlank(text) ? "must not be empty: name what to show, or leave it out" : "";
  };
  return CLI::Validator(check, "");
}

CLI::Validator IsSaid() {
  const auto check = [](const std::string& text) -> std::string {
    return IsBlank(text) ? "must not be blank: the audit log keeps it" : "";
  };
  return CLI::Validator(check, "");
}

ExitStatus FailUsage(const Error& error, Invocation& invocation) {
  invocation.Fail(error);
  return ExitStatus::kUsage;
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
               kHowToWriteMoments};
}

std::string ActorName(const Invocation& invocation) {
  const Caller& caller = invocation.caller;
  std::string name = fmt::format("uid {}", caller.user_id);
  if (caller.user_id != 0 || caller.effective_user_id != 0) return name;
  uint32_t before_sudo = 0;
  const char* const end = caller.sudo_uid.data() + caller.sudo_uid.size();
  const auto read = std::from_chars(caller.sudo_uid.data(), end, before_sudo);
  if (read.ec != std::errc() || read.ptr != end || before_sudo == 0) return name;
  return fmt::format("{} (sudo by uid {})", name, before_sudo);
}

ServiceEnvironment EnvironmentOf(Invocation& invocation) {
  return {invocation.files, invocation.clock, invocation.random, invocation.lender};
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

Status WarnOfNameless(Pipeline& pipeline, Instant now, Invocation& invocation) {
  RESCIND_ASSIGN(const auto texts,
                 ListNameless(pipeline.store().key_values(), pipeline.program(), now));
  for (const std::string& text : texts) invocation.Warn(Visible(text));
  return {};
}

}  // namespace rescind
