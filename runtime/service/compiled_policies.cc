#include "runtime/service/compiled_policies.h"

#include <fmt/format.h>

#include <utility>

#include "engine/compile/compile.h"
#include "runtime/service/diagnostic_report.h"

namespace rescind {
namespace {

// "policies/stale.rescind:11:12: error[E0203]: …": the first error, on one line.
std::string FirstError(const LoadedPolicies& policies) {
  for (const Diagnostic& diagnostic : policies.diagnostics) {
    if (diagnostic.severity() != DiagnosticSeverity::kError) continue;
    std::string place;
    if (diagnostic.span.valid()) {
      const SourceFile& file = policies.sources.Get(diagnostic.span.file);
      const LineColumn at = file.Locate(diagnostic.span.begin);
      place = fmt::format("{}:{}:{}: ", file.name(), at.line, at.column);
    }
    return fmt::format("{}error[{}]: {}", place, diagnostic.code.text, diagnostic.message);
  }
  return {};
}

}  // namespace

Result<CompiledPolicies> CompilePolicies(LoadedPolicies loaded) {
  if (loaded.program == nullptr) {
    const size_t errors = CountDiagnostics(loaded.diagnostics).errors;
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("the policies hold {} error{}{} {}", errors, errors == 1 ? "" : "s",
                             errors == 1 ? ":" : "; the first:", FirstError(loaded)),
                 "`rescind check` shows each with its place and a way out"};
  }
  CompiledPolicies compiled;
  compile::CompileOptions options;
  options.sources = &loaded.sources;
  compiled.program = compile::Compile(*loaded.program, options);
  compiled.loaded = std::move(loaded);
  return compiled;
}

}  // namespace rescind
