// Simplify: conditions without what cannot decide them.
#pragma once

#include "engine/ir/program.h"

namespace rescind::compile {

// Flattens `and` in `and` and `or` in `or`, turns `not (a or b)` there into `not a and not b`,
// drops constants, what stands twice and double negation; a condition that holds never becomes the
// constant false, and its rule stays. Every step holds for undecided and erroneous operands too;
// `a and not a` is therefore left alone: it is not false where `a` is undecided.
ir::Program Simplify(ir::Program program);

}  // namespace rescind::compile
