// ParseAndCheck: sources in, typed program out; what every command that reads policies calls.
#pragma once

#include <memory>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/source.h"
#include "engine/check/check.h"
#include "engine/check/typed_ast.h"

namespace rescind {

// Parses `files` and the standard model (which it adds to `sources`) and checks them as one
// program. Syntax errors in one place do not hide mistakes elsewhere. Null when there is any
// error. One thread; never throws.
std::unique_ptr<typed::Program> ParseAndCheck(SourceMap& sources, const std::vector<FileId>& files,
                                              const CheckOptions& options, DiagnosticSink& sink);

}  // namespace rescind
