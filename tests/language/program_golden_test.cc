// Every tests/language/programs/*.rescind, which must be without errors, against what it becomes:
// the typed program (.typed) and the rule program (.ir).
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "engine/base/diagnostic_text.h"
#include "engine/check/program.h"
#include "engine/compile/compile.h"
#include "engine/ir/dependencies.h"
#include "tests/language/golden.h"

namespace rescind::testing {
namespace {

constexpr const char* kProgramFolder = "tests/language/programs";

std::unique_ptr<typed::Program> CheckPrograms(SourceMap& sources,
                                              const std::vector<std::filesystem::path>& paths) {
  std::vector<FileId> files;
  for (const auto& path : paths) files.push_back(sources.Add(path.string(), ReadFileOrFail(path)));
  CheckOptions options;
  options.policy_folder = std::string(kProgramFolder) + "/";
  options.read_file = [](const std::string& name) -> Result<std::string> {
    return ReadFileOrFail(name);
  };
  DiagnosticSink sink;
  auto program = ParseAndCheck(sources, files, options, sink);
  REQUIRE_MESSAGE(program != nullptr, RenderDiagnostics(sources, sink.TakeSorted()));
  return program;
}

// The standard model would be the same sixty lines in every golden.
std::string WithoutEntities(const std::string& text) {
  std::string rest;
  bool in_entity = false;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.rfind("  ", 0) != 0) in_entity = line.rfind("entity ", 0) == 0;
    if (!in_entity) rest += line + "\n";
  }
  return rest;
}

std::string CompiledText(const SourceMap& sources, const typed::Program& program) {
  compile::CompileOptions options;
  options.sources = &sources;
  const ir::Program compiled = compile::Compile(program, options);
  CHECK(ir::Print(compile::Compile(program, options)) == ir::Print(compiled));
  return ir::Print(compiled);
}

// From each fact that is read, the ways to the rows that it can affect.
std::string PathText(const typed::Program& program) {
  const ir::Program compiled = compile::Compile(program, {});
  return ir::Print(compiled, {compiled, ir::RulePart::kMatch}) + "actions\n" +
         ir::Print(compiled, {compiled, ir::RulePart::kActions});
}

TEST_CASE("EveryProgramBecomesWhatItsGoldensSay") {
  const auto files = PolicyFilesIn(kProgramFolder);
  REQUIRE(files.size() >= 5);
  for (const auto& path : files) {
    INFO(path.string());
    SourceMap sources;
    const auto program = CheckPrograms(sources, {path});
    const std::string text = typed::Print(*program);
    std::filesystem::path golden = path;
    CheckGolden(golden.replace_extension(".typed"),
                path.stem() == "entities" ? text : WithoutEntities(text));
    CheckGolden(golden.replace_extension(".ir"), CompiledText(sources, *program));
    CheckGolden(golden.replace_extension(".paths"), PathText(*program));
  }
}

TEST_CASE("TheOrderOfFilesChangesNothing") {
  const auto text_of = [](const std::vector<std::filesystem::path>& paths) {
    SourceMap sources;
    const auto program = CheckPrograms(sources, paths);
    std::string text;
    for (const auto& policy : program->policies) text += policy.full_name + policy.meaning_hash;
    for (const auto& protect : program->protects) text += protect.full_name + protect.meaning_hash;
    for (const EntityDef& entity : program->schema.entities()) {
      text += entity.name;
      for (const FieldDef& field : entity.fields) text += field.name;
    }
    return text;
  };
  std::vector<std::filesystem::path> paths;
  for (const char* name : {"entities", "everything", "reference_policies"}) {
    paths.push_back(std::filesystem::path(kProgramFolder) / (std::string(name) + ".rescind"));
  }
  const std::string in_order = text_of(paths);
  CHECK(in_order.find("sha256:") != std::string::npos);
  std::reverse(paths.begin(), paths.end());
  CHECK(text_of(paths) == in_order);
}

}  // namespace
}  // namespace rescind::testing
