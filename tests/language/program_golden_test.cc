// Every tests/language/programs/*.rescind, checked and compiled, against its .ir.
#include <doctest/doctest.h>

#include <string>

#include "engine/base/diagnostic_text.h"
#include "engine/check/program.h"
#include "engine/compile/compile.h"
#include "tests/language/golden.h"

namespace rescind::testing {
namespace {

std::string CompiledText(const std::filesystem::path& path) {
  SourceMap sources;
  const FileId file = sources.Add(path.string(), ReadFileOrFail(path));
  CheckOptions options;
  options.policy_folder = path.parent_path().string() + "/";
  options.read_file = [](const std::string& name) -> Result<std::string> {
    return ReadFileOrFail(name);
  };
  DiagnosticSink sink;
  const auto program = ParseAndCheck(sources, {file}, options, sink);
  REQUIRE_MESSAGE(program != nullptr, RenderDiagnostics(sources, sink.TakeSorted()));
  compile::CompileOptions compile_options;
  compile_options.sources = &sources;
  const ir::Program compiled = compile::Compile(*program, compile_options);
  CHECK(ir::Print(compile::Compile(*program, compile_options)) == ir::Print(compiled));
  return ir::Print(compiled);
}

TEST_CASE("EveryProgramCompilesToItsGolden") {
  const auto files = PolicyFilesIn("tests/language/programs");
  REQUIRE(files.size() >= 5);
  for (const auto& path : files) {
    INFO(path.string());
    std::filesystem::path golden = path;
    CheckGolden(golden.replace_extension(".ir"), CompiledText(path));
  }
}

}  // namespace
}  // namespace rescind::testing
