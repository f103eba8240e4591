#include "runtime/cli/command_list.h"

namespace rescind {

void DeclareAll(CommandLine& line) {
  DeclareInit(line);
  DeclareCheck(line);
  DeclareFmt(line);
  DeclareExplain(line);
  DeclareImport(line);
  DeclareFacts(line);
  DeclarePlan(line);
  DeclareApply(line);
  DeclareServe(line);
  DeclareWhy(line);
  DeclareExempt(line);
  DeclareRelease(line);
  DeclareStatus(line);
  DeclareAudit(line);
}

}  // namespace rescind
