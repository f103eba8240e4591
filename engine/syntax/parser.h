// Text to syntax tree: the only door to ANTLR.
//
// Reads one file of a SourceMap. Tolerant: everything that could be read is in the tree, and each
// mistake is reported once (codes E0101 … E0199) with its place and a way out. Knows nothing of
// names, types, or other files.
#pragma once

#include "engine/base/diagnostic.h"
#include "engine/base/source.h"
#include "engine/syntax/ast.h"

namespace rescind {

// What one file may hold. More is an error, never a crash.
struct SyntaxLimits {
  static constexpr size_t kFileBytes = 4 * 1024 * 1024;
  static constexpr size_t kDeclarations = 100'000;
  static constexpr int kNesting = ast::kMaxNesting;
};

struct ParseResult {
  ast::File file;
  bool ok = false;  // no error was reported for this file
};

// Never throws, never fails otherwise than through `sink`. Thread-safe as long as each thread has
// its own sink.
ParseResult Parse(const SourceMap& sources, FileId file, DiagnosticSink& sink);

}  // namespace rescind
