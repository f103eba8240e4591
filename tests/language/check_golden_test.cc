// Every tests/language/check/*.rescind against its .err and what it says of its own diagnostics.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "engine/base/diagnostic_pages.h"
#include "engine/base/diagnostic_text.h"
#include "engine/check/program.h"
#include "tests/language/expectation.h"
#include "tests/language/golden.h"

namespace rescind::testing {
namespace {

constexpr const char* kCheckFolder = "tests/language/check/";

// Beside a case lie the data files that it names, below "data/".
CheckOptions Options() {
  CheckOptions options;
  options.timezone = "Europe/Berlin";
  options.policy_folder = "";
  options.channels = {"iam-team", "iam-oncall", "ciso", "ops"};
  options.sources = {"hr", "directory"};
  options.read_file = [](const std::string& path) -> Result<std::string> {
    const std::string full = kCheckFolder + path;
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
    files.push_back(checked.sources.Add(name, ReadFileOrFail(kCheckFolder + name)));
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

// The text with the edits carried out, the last one first.
std::string WithEdits(std::string text, std::vector<TextEdit> edits) {
  std::sort(edits.begin(), edits.end());
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
    text.replace(edit->span.begin, edit->span.end - edit->span.begin, edit->text);
  }
  return text;
}

std::vector<std::string> MistakesOf(const std::string& text, std::vector<Diagnostic>* out) {
  SourceMap sources;
  DiagnosticSink sink;
  ParseAndCheck(sources, {sources.Add("fixes.rescind", text)}, Options(), sink);
  std::vector<std::string> mistakes;
  for (const Diagnostic& diagnostic : sink.TakeSorted()) {
    mistakes.push_back(std::string(diagnostic.code.text) + " " + diagnostic.message);
    if (out != nullptr) out->push_back(diagnostic);
  }
  return mistakes;
}

// The fix of `not g.last_used older than 3d` put `is known and` behind the `not`, which is E0203
// again.
TEST_CASE("AFixTakesItsMistakeAwayAndBringsNoOther") {
  const std::string text = ReadFileOrFail("tests/language/check/fixes.rescind");
  std::vector<Diagnostic> diagnostics;
  const auto before = MistakesOf(text, &diagnostics);
  size_t count = 0;
  for (size_t i = 0; i < diagnostics.size(); ++i) {
    for (const DiagnosticHelp& help : diagnostics[i].help) {
      if (help.fix.empty()) continue;
      INFO(help.text);
      auto left = before;
      left.erase(left.begin() + static_cast<ptrdiff_t>(i));
      CHECK(MistakesOf(WithEdits(text, help.fix), nullptr) == left);
      ++count;
    }
  }
  CHECK(count >= 15);
}

TEST_CASE("EveryCodeOfTheCheckerHasAPageAndACase") {
  std::set<std::string> seen;
  for (const auto& path : PolicyFilesIn("tests/language/check")) {
    for (const Expectation& expectation : ReadExpectations(ReadFileOrFail(path))) {
      seen.insert(expectation.code);
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

}  // namespace
}  // namespace rescind::testing
