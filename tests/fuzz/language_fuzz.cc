// Any bytes as a policy file: parsed, printed, its diagnostics rendered; what is well-formed is
// also formatted, twice, and must keep its meaning; what is right is compiled.
#include <cstdint>
#include <string>

#include "engine/base/assert.h"
#include "engine/base/diagnostic_text.h"
#include "engine/check/program.h"
#include "engine/compile/compile.h"
#include "engine/syntax/formatter.h"
#include "engine/syntax/parser.h"
#include "engine/syntax/printer.h"

namespace rescind {
namespace {

void CheckFormatting(const std::string& text, const ast::File& file) {
  const std::string once = FormatPolicyText(text, file);
  SourceMap sources;
  DiagnosticSink sink;
  const ParseResult again = Parse(sources, sources.Add("formatted.rescind", once), sink);
  RESCIND_ASSERT(again.ok, "formatting made a mistake");
  RESCIND_ASSERT(FormatPolicyText(once, again.file) == once, "formatting twice is not once");
}

void CheckCompiling(const std::string& text) {
  SourceMap sources;
  DiagnosticSink sink;
  const FileId file = sources.Add("policies/fuzz.rescind", text);
  const auto program = ParseAndCheck(sources, {file}, {}, sink);
  RenderDiagnostics(sources, sink.TakeSorted());
  compile::CompileOptions options;
  options.sources = &sources;
  if (program) compile::Compile(*program, options);
}

void RunOne(const std::string& text) {
  SourceMap sources;
  DiagnosticSink sink;
  const ParseResult result = Parse(sources, sources.Add("fuzz.rescind", text), sink);
  const auto diagnostics = sink.TakeSorted();
  // INVARIANT: a file is read in full or a mistake is reported.
  RESCIND_ASSERT(result.ok == diagnostics.empty(), "a mistake without a word");
  PrintTree(result.file);
  RenderDiagnostics(sources, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics) {
    for (const DiagnosticHelp& help : diagnostic.help) {
      for (const TextEdit& edit : help.fix) sources.Text(edit.span);
    }
    for (const DiagnosticLabel& note : diagnostic.notes) sources.Text(note.span);
  }
  if (!result.ok) return;
  CheckFormatting(text, result.file);
  CheckCompiling(text);
}

}  // namespace
}  // namespace rescind

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  rescind::RunOne(std::string(reinterpret_cast<const char*>(bytes), byte_count));
  return 0;
}
