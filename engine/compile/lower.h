// Lower: the typed program as a rule program, not optimised yet.
//
// The first pass of compile.h. Pure, total on checked programs, deterministic. What it makes is a
// whole rule program that means what the policies mean; the passes after it make it fast.
#pragma once

#include "engine/base/source.h"
#include "engine/check/typed_ast.h"
#include "engine/ir/program.h"

namespace rescind::compile {

// `sources`, where given, are those that the program was parsed from: a policy without `because`
// gets the text of its `when` as reason, else its title. `columns` of the result is empty.
ir::Program Lower(const typed::Program& program, const SourceMap* sources);

}  // namespace rescind::compile
