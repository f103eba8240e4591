// Every tests/language/syntax/*.rescind against its .ast and .err, and against what it says of
// its own diagnostics.
#include <doctest/doctest.h>

#include <string>

#include "engine/base/diagnostic_text.h"
#include "engine/syntax/parser.h"
#include "engine/syntax/printer.h"
#include "tests/language/expectation.h"
#include "tests/language/golden.h"

namespace rescind::testing {
namespace {

void CheckFile(const std::filesystem::path& path) {
  SourceMap sources;
  const std::string text = ReadFileOrFail(path);
  const FileId file = sources.Add(path.filename().string(), text);
  DiagnosticSink sink;
  const ParseResult result = Parse(sources, file, sink);
  const auto diagnostics = sink.TakeSorted();
  CHECK(result.ok == diagnostics.empty());
  CheckExpectations(sources, diagnostics, ReadExpectations(text), path.string());
  CheckWellFormed(sources, diagnostics);
  std::filesystem::path golden = path;
  CheckGolden(golden.replace_extension(".ast"), PrintTree(result.file));
  CheckGolden(golden.replace_extension(".err"), RenderDiagnostics(sources, diagnostics));
}

TEST_CASE("EverySyntaxCaseMatchesItsGoldens") {
  const auto files = PolicyFilesIn("tests/language/syntax");
  REQUIRE(files.size() > 20);
  for (const auto& path : files) {
    INFO(path.string());
    CheckFile(path);
  }
}

// The same file in other clothes: the tree is the same, the diagnostics the same but for places.
TEST_CASE("CarriageReturnsAndByteOrderMarkChangeNothing") {
  for (const auto& path : PolicyFilesIn("tests/language/syntax")) {
    INFO(path.string());
    const std::string text = ReadFileOrFail(path);
    if (text.find('\r') != std::string::npos) continue;
    std::string dressed = "\xEF\xBB\xBF";
    for (const char c : text) {
      if (c == '\n') dressed += '\r';
      dressed += c;
    }
    SourceMap sources;
    DiagnosticSink plain_sink;
    DiagnosticSink dressed_sink;
    const auto plain = Parse(sources, sources.Add("a", text), plain_sink);
    const auto other = Parse(sources, sources.Add("b", dressed), dressed_sink);
    CHECK(PrintTree(plain.file) == PrintTree(other.file));
    const auto first = plain_sink.TakeSorted();
    const auto second = dressed_sink.TakeSorted();
    REQUIRE(first.size() == second.size());
    for (size_t i = 0; i < first.size(); ++i) {
      CHECK(first[i].code == second[i].code);
      CHECK(first[i].message == second[i].message);
    }
  }
}

}  // namespace
}  // namespace rescind::testing
