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
void DeclareAudit(CommandLine& line);

// All of the above, in the order in which help lists them.
void DeclareAll(CommandLine& line);

}  // namespace rescind
