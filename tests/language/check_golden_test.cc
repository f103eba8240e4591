// Every tests/language/check/*.rescind against its .err and what it says of its own diagnostics;
// every tests/language/programs/*.rescind, which must be faultless, against its .typed.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "engine/base/diagnostic_pages.h"
#include "engine/base/diagnostic_text.h"
#include "engine/check/program.h"
#include "tests/language/expectation.h"
#include "tests/language/golden.h"

namespace rescind::testing {
namespace {

constexpr const char* kFolder = "tests/language/check/";

// Beside a case lie the data files that it names, below "data/".
CheckOptions Options() {
  CheckOptions options;
  options.timezone = "Europe/Berlin";
  options.policy_folder = "";
  options.channels = {"iam-team", "iam-oncall", "ciso", "ops"};
  options.sources = {"hr", "directory"};
  options.read_file = [](const std::string& path) -> Result<std::string> {
    const std::string full = kFolder + path;
    if (!std::filesystem::exists(full)) {
      return Error{ErrorKind::kNotFound, "there is no file " + path, "put it there"};
    }
    return ReadFileOrFail(full);
  };
  return options;
}

// What follows each `//= WORD ` of a case.
std::vector<std::string> Directives(std::string_view text, std::string_view word) {
  std::vector<std::string> found;
  const std::string mark = "//= " + std::string(word) + " ";
  for (size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
    const size_t begin = at + mark.size();
    found.emplace_back(text.substr(begin, text.find('\n', begin) - begin));
  }
  return found;
}

// `//= param NAME = VALUE`: as if [params] said so.
void AddOverrides(std::string_view text, CheckOptions& options) {
  for (const std::string& line : Directives(text, "param")) {
    const size_t equals = line.find(" = ");
    REQUIRE(equals != std::string::npos);
    options.params[line.substr(0, equals)] = line.substr(equals + 3);
  }
}

struct Checked {
  SourceMap sources;
  std::unique_ptr<typed::Program> program;
  std::vector<Diagnostic> diagnostics;
};

void CheckCase(const std::filesystem::path& path, Checked& checked) {
  const std::string text = ReadFileOrFail(path);
  const FileId file = checked.sources.Add(path.filename().string(), text);
  CheckOptions options = Options();
  AddOverrides(text, options);
  std::vector<FileId> files = {file};
  // `//= with NAME`: another file of the same program.
  for (const std::string& name : Directives(text, "with")) {
    files.push_back(checked.sources.Add(name, ReadFileOrFail(kFolder + name)));
  }
  DiagnosticSink sink;
  checked.program = ParseAndCheck(checked.sources, files, options, sink);
  const bool has_errors = sink.has_errors();
  checked.diagnostics = sink.TakeSorted();
  CHECK((checked.program == nullptr) == has_errors);
  CheckExpectations(checked.sources, checked.diagnostics, ReadExpectations(text), path.string());
  CheckWellFormed(checked.sources, checked.diagnostics);
}

TEST_CASE("EveryCheckCaseMatchesItsGolden") {
  const auto files = PolicyFilesIn("tests/language/check");
  REQUIRE(files.size() >= 12);
  for (const auto& path : files) {
    INFO(path.string());
    Checked checked;
    CheckCase(path, checked);
    std::filesystem::path golden = path;
    CheckGolden(golden.replace_extension(".err"),
                RenderDiagnostics(checked.sources, checked.diagnostics));
  }
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

TEST_CASE("EveryProgramIsTypedAsItsGoldenSays") {
  const auto files = PolicyFilesIn("tests/language/programs");
  REQUIRE(files.size() >= 2);
  for (const auto& path : files) {
    INFO(path.string());
    Checked checked;
    CheckCase(path, checked);
    if (checked.program == nullptr) {
      FAIL_CHECK(RenderDiagnostics(checked.sources, checked.diagnostics));
      continue;
    }
    const std::string text = typed::Print(*checked.program);
    std::filesystem::path golden = path;
    CheckGolden(golden.replace_extension(".typed"),
                path.stem() == "entities" ? text : WithoutEntities(text));
  }
}

TEST_CASE("EveryCodeOfTheCheckerHasAPageAndACase") {
  std::set<std::string> seen;
  for (const char* folder : {"tests/language/check", "tests/language/programs"}) {
    for (const auto& path : PolicyFilesIn(folder)) {
      for (const Expectation& expectation : ReadExpectations(ReadFileOrFail(path))) {
        seen.insert(expectation.code);
      }
    }
  }
  const std::string header = ReadFileOrFail("engine/check/check_codes.h");
  size_t count = 0;
  for (size_t at = header.find("{\""); at != std::string::npos; at = header.find("{\"", at + 1)) {
    const std::string code = header.substr(at + 2, 5);
    INFO(code);
    CHECK(seen.count(code) == 1);
    CHECK(DiagnosticPage(code).has_value());
    ++count;
  }
  CHECK(count > 40);
}

// What the order of files and declarations must not change.
TEST_CASE("TheOrderOfFilesChangesNothing") {
  const auto files = PolicyFilesIn("tests/language/programs");
  const auto check = [&](bool reversed) {
    SourceMap sources;
    std::vector<FileId> ids;
    for (const auto& path : files) {
      ids.push_back(sources.Add(path.filename().string(), ReadFileOrFail(path)));
    }
    if (reversed) std::reverse(ids.begin(), ids.end());
    DiagnosticSink sink;
    const auto program = ParseAndCheck(sources, ids, Options(), sink);
    REQUIRE_MESSAGE(program != nullptr, RenderDiagnostics(sources, sink.TakeSorted()));
    std::string text;
    for (const auto& policy : program->policies) text += policy.full_name + policy.meaning_hash;
    for (const auto& protect : program->protects) text += protect.full_name + protect.meaning_hash;
    for (const EntityDef& entity : program->schema.entities()) {
      text += entity.name;
      for (const FieldDef& field : entity.fields) text += field.name;
    }
    return text;
  };
  CHECK(check(false) == check(true));
}

}  // namespace
}  // namespace rescind::testing
