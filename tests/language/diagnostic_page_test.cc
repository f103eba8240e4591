// Codes, pages and golden cases belong together: none without the others.
#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>

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

// Codes that only a very large or a non-text file triggers; parser_test.cc asserts them.
const std::set<std::string> kWithoutGolden = {"E0101", "E0103", "E0122", "E0127"};

TEST_CASE("EveryCodeInTheSourcesHasAPage") {
  const auto codes = CodesIn("engine", {".cc", ".h"}, std::regex("\"([EW]0[1-9][0-9]{2})\""));
  REQUIRE(codes.size() > 20);
  for (const std::string& code : codes) CHECK_MESSAGE(DiagnosticPage(code).has_value(), code);
}

TEST_CASE("EveryPageBelongsToACodeInTheSources") {
  const auto codes = CodesIn("engine", {".cc", ".h"}, std::regex("\"([EW]0[1-9][0-9]{2})\""));
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

// The first block of a page that is marked so; nullopt without one.
std::optional<std::string> Block(const std::string& page, const std::string& mark) {
  const size_t begin = page.find("```" + mark + "\n");
  if (begin == std::string::npos) return std::nullopt;
  const size_t first = page.find('\n', begin) + 1;
  return page.substr(first, page.find("```", first) - first);
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

// An example is a program of its own, in the module `example`. A block `toml` beside it sets
// params, a block `csv` is every file that it names; a workspace has one channel and one source.
TEST_CASE("ExamplesOfMistakesInMeaningTriggerExactlyTheirCode") {
  for (const auto code : DiagnosticPageCodes()) {
    if (code.starts_with("E01")) continue;
    const std::string page(*DiagnosticPage(code));
    INFO(page);
    CHECK(page.starts_with("# " + std::string(code) + ": "));
    CHECK(page.find("## How to mend it") != std::string::npos);
    const auto example = Block(page, "rescind");
    REQUIRE(example.has_value());
    CheckOptions options;
    options.params = ParamsIn(Block(page, "toml").value_or(""));
    options.channels = {{"iam-team"}};
    options.sources = {{"directory"}};
    options.read_file = [&](const std::string& path) -> Result<std::string> {
      const auto csv = Block(page, "csv");
      if (csv) return *csv;
      return Error{ErrorKind::kNotFound, "there is no file " + path, ""};
    };
    SourceMap sources;
    DiagnosticSink sink;
    ParseAndCheck(sources, {sources.Add("policies/example.rescind", *example)}, options, sink);
    const auto diagnostics = sink.TakeSorted();
    CHECK_FALSE(diagnostics.empty());
    for (const Diagnostic& diagnostic : diagnostics) {
      CHECK_MESSAGE(diagnostic.code.text == code, RenderDiagnostic(sources, diagnostic));
    }
  }
}

TEST_CASE("ExamplesOfTheLanguageReferenceParse") {
  const std::string reference = ReadFileOrFail("grammar/README.md");
  const std::regex example("```rescind\n([^`]*)```");
  size_t count = 0;
  for (auto it = std::sregex_iterator(reference.begin(), reference.end(), example);
       it != std::sregex_iterator(); ++it) {
    SourceMap sources;
    DiagnosticSink sink;
    const bool ok = Parse(sources, sources.Add("grammar/README.md", (*it)[1]), sink).ok;
    CHECK_MESSAGE(ok, RenderDiagnostics(sources, sink.TakeSorted()));
    ++count;
  }
  CHECK(count >= 4);
}

}  // namespace
}  // namespace rescind::testing
