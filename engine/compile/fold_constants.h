// FoldConstants: computes what depends on no fact, no instant and no calendar.
#pragma once

#include "engine/ir/program.h"

namespace rescind::compile {

// An operation that would be an error stays, so that it is reported where it is evaluated.
ir::Program FoldConstants(ir::Program program);

}  // namespace rescind::compile
