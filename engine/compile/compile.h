// Compile: from the typed program to the rule program; compile.cc lists all passes in one place.
//
// engine/check goes before it, engine/eval after it. Pure, total on checked programs, and
// deterministic: it knows no facts, no clock and no syntax. See README.md for what it promises.
#pragma once

#include "engine/base/source.h"
#include "engine/check/typed_ast.h"
#include "engine/ir/program.h"

namespace rescind::compile {

struct CompileOptions {
  // What the program was parsed from. Only read for the reason of policies without `because`:
  // the text of their `when`. Without it: their title.
  const SourceMap* sources = nullptr;
};

// The result holds nothing of its arguments. Any thread.
ir::Program Compile(const typed::Program& program, const CompileOptions& options = {});

}  // namespace rescind::compile
