// Every group of commands, once. A new one is declared here and called in command_list.cc.
#pragma once

#include "runtime/cli/command.h"

namespace rescind {

void DeclareInit(CommandLine& line);
void DeclareCheck(CommandLine& line);
void DeclareFmt(CommandLine& line);
void DeclareExplain(CommandLine& line);
void DeclareImport(CommandLine& line);
void DeclareFacts(CommandLine& line);
void DeclarePlan(CommandLine& line);
void DeclareApply(CommandLine& line);
void DeclareServe(CommandLine& line);
void DeclareWhy(CommandLine& line);
void DeclareExempt(CommandLine& line);
void DeclareRelease(CommandLine& line);
void DeclareStatus(CommandLine& line);
void DeclareAudit(CommandLine& line);

// Below `rescind audit`: the entries, and what needs the store.
void DeclareAuditShow(CommandLine& line, CLI::App& audit);
void DeclareAuditLog(CommandLine& line, CLI::App& audit);
Result<ExitStatus> RunKeyRotation(Invocation& invocation);
Result<ExitStatus> RunKeyAcceptance(Invocation& invocation);

// All of the above, in the order in which help lists them.
void DeclareAll(CommandLine& line);

}  // namespace rescind
