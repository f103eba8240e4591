#include "runtime/cli/command_list.h"

namespace rescind {

void DeclareAll(CommandLine& line) {
  DeclareInit(line);
  DeclareAudit(line);
}

}  // namespace rescind
