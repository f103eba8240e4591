// Order: the operands of `and` and `or`, cheap and decisive ones first, and those that read the row
// through one and the same reference together.
#pragma once

#include "engine/ir/program.h"

namespace rescind::compile {

// Operands of `and` ascend by cost over the chance of being false, those of `or` by cost over the
// chance of being true: that order has the least expected work. Cost and chance are guessed from
// the operations alone; the answer does not hang on the order.
ir::Program Order(ir::Program program);

}  // namespace rescind::compile
