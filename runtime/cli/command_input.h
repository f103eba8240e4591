// What several commands read in the same way: paths, plan files, instants, who is typing.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/cli/command.h"
#include "runtime/plan/plan.h"
#include "runtime/service/pipeline.h"

namespace rescind {

// kInvalidInput when output would replace what the workspace works with (runtime/service/
// own_file.h). An empty path is none.
Status RefuseOwnFile(const Invocation& invocation, const Workspace& workspace,
                     const std::string& path);
// The same for commands that need no workspace: of the one that the command runs in, if any.
Status RefuseFileOfAnyWorkspace(Invocation& invocation, const std::string& path);

// A `rescind.plan/1` file. Errors name the file and say what is wrong with it.
Result<Plan> ReadPlanFile(Invocation& invocation, const std::string& path);

// ---- Values of options ----
// What can mean nothing, whatever the workspace holds, is a usage error. An option's `check` finds
// it before anything is opened; what more than one value takes is FailUsage's.

// "2026-04-01T09:00Z", "2026-04-01", or "+30d" from now.
CLI::Validator IsMoment();
// Without "+30d": that lies ahead.
CLI::Validator IsPastMoment();
// "30s", "1h30m"; "0s" too.
CLI::Validator IsLength();
// How many of something to list. CLI11 takes -1 for the greatest number there is.
CLI::Validator IsRowCount();
// What something is called. An empty one, as of a variable that is not set, would choose
// everything.
CLI::Validator IsName();
// A reason, or who answers for something: not blank.
CLI::Validator IsSaid();
// "error: …" on err.
ExitStatus FailUsage(const Error& error, Invocation& invocation);

// What IsMoment lets through; a date is when that day begins in `timezone`. kInvalidInput names
// `option` where the instant would lie behind the end of time.
Result<Instant> ParseMoment(std::string_view option, std::string_view text, Instant now,
                            const std::string& timezone);

// Who is typing, for the audit log: "uid 1000", or "uid 0 (sudo by uid 1000)". The environment only
// claims who called sudo, and anybody can set it: it is believed of root alone, who could write
// whatever he likes anyway.
std::string ActorName(const Invocation& invocation);

// The outside as a pipeline sees it.
ServiceEnvironment EnvironmentOf(Invocation& invocation);

// What LoadPolicies found noteworthy, on err.
void PrintNotices(const LoadedPolicies& policies, Invocation& invocation);
// Of active exemptions that cover nothing, because their policy is there no more.
Status WarnOfNameless(Pipeline& pipeline, Instant now, Invocation& invocation);

}  // namespace rescind
