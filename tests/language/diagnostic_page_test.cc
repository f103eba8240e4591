// Codes, pages and golden cases belong together: none without the others.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "engine/base/diagnostic_pages.h"
#include "engine/base/diagnostic_text.h"
#include "engine/check/program.h"
#include "engine/syntax/parser.h"
#include "tests/language/golden.h"

namespace rescind::testing {
namespace {

namespace fs = std::filesystem;

std::set<std::string> FindCodes(const std::string& text, const std::regex& pattern) {
  std::set<std::string> codes;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), pattern);
       it != std::sregex_iterator(); ++it) {
    codes.insert((*it)[1]);
  }
  return codes;
}

std::set<std::string> CodesIn(const fs::path& folder, const std::set<std::string>& extensions,
                              const std::regex& pattern) {
  std::set<std::string> codes;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!extensions.count(entry.path().extension().string())) continue;
    std::istringstream lines(ReadFileOrFail(entry.path()));
    for (std::string line; std::getline(lines, line);) {
      // A code in a comment is an example.
      if (line.find("//") == std::string::npos) codes.merge(FindCodes(line, pattern));
    }
  }
  return codes;
}

// Codes that only a very large or a non-text file triggers; parser_test.cc asserts them. Those of
// rescind.toml are asserted by check_command_test.cc.
const std::set<std::string> kWithoutGolden = {"E0101", "E0103", "E0122", "E0127", "E0601",
                                              "E0602", "W0601", "W0602", "W0603"};

// Of policies and of rescind.toml.
std::set<std::string> CodesInTheSources() {
  const std::regex pattern("\"([EW]0[1-9][0-9]{2})\"");
  auto codes = CodesIn("engine", {".cc", ".h"}, pattern);
  codes.merge(CodesIn("runtime/service", {".h"}, pattern));
  return codes;
}

TEST_CASE("EveryCodeInTheSourcesHasAPage") {
  const auto codes = CodesInTheSources();
  REQUIRE(codes.size() > 20);
  for (const std::string& code : codes) CHECK_MESSAGE(DiagnosticPage(code).has_value(), code);
}

TEST_CASE("EveryPageBelongsToACodeInTheSources") {
  const auto codes = CodesInTheSources();
  for (const auto code : DiagnosticPageCodes())
    CHECK_MESSAGE(codes.count(std::string(code)) == 1, std::string(code));
}

TEST_CASE("EveryCodeHasAGoldenCase") {
  const auto shown =
      CodesIn("tests/language", {".err"}, std::regex("(?:error|warning)\\[([EW][0-9]{4})\\]"));
  for (const auto code : DiagnosticPageCodes()) {
    if (kWithoutGolden.count(std::string(code))) continue;
    CHECK_MESSAGE(shown.count(std::string(code)) == 1, "no .err shows ", std::string(code));
  }
}

TEST_CASE("ExamplesOfSyntaxErrorsTriggerExactlyTheirCode") {
  const std::regex example("```rescind\n([^`]*)```");
  size_t count = 0;
  for (const auto code : DiagnosticPageCodes()) {
    if (!code.starts_with("E01")) continue;
    const std::string page(*DiagnosticPage(code));
    INFO(page);
    CHECK(page.starts_with("# " + std::string(code) + ": "));
    CHECK(page.find("## How to mend it") != std::string::npos);
    std::smatch match;
    if (!std::regex_search(page, match, example)) {
      CHECK(kWithoutGolden.count(std::string(code)) == 1);
      continue;
    }
    SourceMap sources;
    DiagnosticSink sink;
    Parse(sources, sources.Add("example.rescind", match[1]), sink);
    const auto diagnostics = sink.TakeSorted();
    REQUIRE(diagnostics.size() == 1);
    CHECK(diagnostics[0].code.text == code);
    ++count;
  }
  CHECK(count > 20);
}

// What stands in the blocks of a page that are marked so.
std::vector<std::string> Blocks(const std::string& page, const std::string& mark) {
  std::vector<std::string> blocks;
  const std::string begin = "```" + mark + "\n";
  for (size_t at = page.find(begin); at != std::string::npos; at = page.find(begin, at)) {
    at += begin.size();
    blocks.push_back(page.substr(at, page.find("```", at) - at));
  }
  return blocks;
}
std::string FirstBlock(const std::string& page, const std::string& mark) {
  const auto blocks = Blocks(page, mark);
  return blocks.empty() ? "" : blocks[0];
}

// `"access.stale.inactive_after" = "60d"`, a line each; the value's quotes may be left out.
std::map<std::string, std::string> ParamsIn(const std::string& toml) {
  std::map<std::string, std::string> params;
  const std::regex line("\"([^\"]+)\" *= *\"?([^\"\n]*)\"?");
  for (auto it = std::sregex_iterator(toml.begin(), toml.end(), line); it != std::sregex_iterator();
       ++it) {
    params[(*it)[1]] = (*it)[2];
  }
  return params;
}

// The blocks `rescind` of a page are the files of one program. A block `toml` sets params, a block
// `csv` is every file that it names; the workspace has one channel and one source.
struct PageProgram {
  SourceMap sources;
  std::vector<Diagnostic> diagnostics;

  explicit PageProgram(const std::string& page) : PageProgram(page, Blocks(page, "rescind")) {}

  // With other texts in the place of its examples.
  PageProgram(const std::string& page, const std::vector<std::string>& texts) {
    CheckOptions options;
    options.params = ParamsIn(FirstBlock(page, "toml"));
    options.channels = {{"iam-team"}};
    options.sources = {{"directory"}};
    options.read_file = [&](const std::string& path) -> Result<std::string> {
      const auto csv = Blocks(page, "csv");
      if (!csv.empty()) return csv[0];
      return Error{ErrorKind::kNotFound, "there is no file " + path, ""};
    };
    std::vector<FileId> files;
    for (const std::string& text : texts) {
      const std::string number = files.empty() ? "" : std::to_string(files.size() + 1);
      files.push_back(sources.Add("policies/example" + number + ".rescind", text));
    }
    DiagnosticSink sink;
    ParseAndCheck(sources, files, options, sink);
    diagnostics = sink.TakeSorted();
  }
};

// The texts with the edits carried out, the last one first, so that the offsets stay right.
std::vector<std::string> Apply(std::vector<TextEdit> edits, std::vector<std::string> texts) {
  std::sort(edits.begin(), edits.end());
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
    std::string& text = texts.at(edit->span.file.index());
    text.replace(edit->span.begin, edit->span.end - edit->span.begin, edit->text);
  }
  return texts;
}

// A machine may carry out what a help offers: nothing but the mistake itself may change.
TEST_CASE("EveryFixOfAnExampleMendsIt") {
  size_t count = 0;
  for (const auto code : DiagnosticPageCodes()) {
    const std::string page(*DiagnosticPage(code));
    const PageProgram before(page);
    for (const Diagnostic& diagnostic : before.diagnostics) {
      for (const DiagnosticHelp& help : diagnostic.help) {
        if (help.fix.empty() || diagnostic.code.text != code) continue;
        const auto texts = Apply(help.fix, Blocks(page, "rescind"));
        const PageProgram after(page, texts);
        INFO(std::string(code), ": ", help.text, "\n", texts.at(0));
        for (const Diagnostic& left : after.diagnostics) {
          const bool gone = left.code.text != code && left.severity() != DiagnosticSeverity::kError;
          CHECK_MESSAGE(gone, RenderDiagnostic(after.sources, left));
        }
        ++count;
      }
    }
  }
  MESSAGE(count, " fixes");
  CHECK(count > 20);
}

// What a user sees of each example is a golden, pages/<code>.err: message, place and ways out.
TEST_CASE("ExamplesOfMistakesInMeaningTriggerExactlyTheirCode") {
  for (const auto code : DiagnosticPageCodes()) {
    if (code.starts_with("E01")) continue;
    const std::string page(*DiagnosticPage(code));
    INFO(page);
    CHECK(page.starts_with("# " + std::string(code) + ": "));
    CHECK(page.find("## How to mend it") != std::string::npos);
    // Its example is a rescind.toml, or needs one.
    if (code.substr(1).starts_with("06")) continue;
    const PageProgram program(page);
    CHECK_FALSE(program.diagnostics.empty());
    for (const Diagnostic& diagnostic : program.diagnostics) {
      CHECK_MESSAGE(diagnostic.code.text == code, RenderDiagnostic(program.sources, diagnostic));
    }
    CheckGolden("tests/language/pages/" + std::string(code) + ".err",
                RenderDiagnostics(program.sources, program.diagnostics));
  }
}

// Each example is a program of its own. Warnings too would be bad examples.
TEST_CASE("ExamplesOfTheLanguageReferenceCompileWithoutAWarning") {
  const auto examples = Blocks(ReadFileOrFail("grammar/README.md"), "rescind");
  CHECK(examples.size() >= 4);
  for (const std::string& example : examples) {
    SourceMap sources;
    DiagnosticSink sink;
    const auto program = ParseAndCheck(sources, {sources.Add("policies/example.rescind", example)},
                                       CheckOptions(), sink);
    CHECK(program != nullptr);
    CHECK(RenderDiagnostics(sources, sink.TakeSorted()) == "");
  }
}

}  // namespace
}  // namespace rescind::testing
