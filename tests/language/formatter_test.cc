// The formatter against goldens (.fmt) and against its two promises: twice is once, and the
// meaning stays.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "engine/syntax/formatter.h"
#include "engine/syntax/parser.h"
#include "engine/syntax/printer.h"
#include "tests/language/golden.h"
#include "tests/unit/test_seed.h"

namespace rescind::testing {
namespace {

struct Read {
  ast::File file;
  bool ok = false;
};

Read ReadText(const std::string& text) {
  SourceMap sources;
  DiagnosticSink sink;
  ParseResult result = Parse(sources, sources.Add("a.rescind", text), sink);
  return {std::move(result.file), result.ok};
}

// The tree as text with the lines of each declaration sorted, since clauses change places.
std::string Meaning(const ast::File& file) {
  std::string out;
  std::vector<std::string> items;
  const auto flush = [&] {
    std::sort(items.begin(), items.end());
    for (const std::string& item : items) out += item;
    items.clear();
  };
  const std::string tree = PrintTree(file);
  size_t at = 0;
  while (at < tree.size()) {
    const size_t end = tree.find('\n', at) + 1;
    const std::string line = tree.substr(at, end - at);
    if (line[0] != ' ') {
      flush();
      out += line;
    } else if (line.starts_with("    ") && !items.empty()) {
      items.back() += line;
    } else {
      items.push_back(line);
    }
    at = end;
  }
  flush();
  return out;
}

// Every comment, in no order, without the spaces at its end.
std::string Comments(const std::string& text) {
  std::vector<std::string> comments;
  for (size_t at = text.find("//"); at != std::string::npos; at = text.find("//", at)) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string comment = text.substr(at, end - at);
    while (comment.back() == ' ' || comment.back() == '\r') comment.pop_back();
    comments.push_back(comment);
    at = end;
  }
  std::sort(comments.begin(), comments.end());
  std::string out;
  for (const std::string& comment : comments) out += comment + "\n";
  return out;
}

std::string CheckPromises(const std::string& text) {
  const Read before = ReadText(text);
  REQUIRE(before.ok);
  std::string formatted = FormatPolicyText(text, before.file);
  const Read after = ReadText(formatted);
  INFO(text);
  INFO(formatted);
  REQUIRE(after.ok);
  CHECK(Meaning(before.file) == Meaning(after.file));
  CHECK(Comments(text) == Comments(formatted));
  CHECK(FormatPolicyText(formatted, after.file) == formatted);
  CHECK(formatted.find('\r') == std::string::npos);
  CHECK(formatted.find(" \n") == std::string::npos);
  return formatted;
}

TEST_CASE("EveryValidCaseFormatsToItsGolden") {
  size_t count = 0;
  for (auto path : PolicyFilesIn("tests/language")) {
    const std::string text = ReadFileOrFail(path);
    if (!ReadText(text).ok) continue;
    INFO(path.string());
    const std::string formatted = CheckPromises(text);
    if (path.string().find("/format/") != std::string::npos)
      CheckGolden(path.replace_extension(".fmt"), formatted);
    ++count;
  }
  CHECK(count > 5);
}

TEST_CASE("ShippedPoliciesKeepTheirMeaning") {
  for (const auto& path : PolicyFilesIn("policies")) {
    INFO(path.string());
    CheckPromises(ReadFileOrFail(path));
  }
}

// Any way of breaking lines, spacing and commenting the same tokens keeps both promises.
TEST_CASE("RandomLayoutsKeepTheirMeaning") {
  const std::string text = ReadFileOrFail("tests/language/syntax/clauses.rescind");
  uint64_t state = TestSeed();
  const auto next = [&state](uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  };
  const std::string gaps[] = {
      " ",      "\n",         "\r\n",         "\t",         "  ",
      "\n\n\n", " // note\n", "\n// above\n", " /* in */ ", "\n/* two\n   lines */\n"};
  for (int round = 0; round < 200; ++round) {
    std::string dressed;
    bool in_text = false;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (text.substr(i, 2) == "//" && !in_text) {
        i = text.find('\n', i);
        continue;
      }
      if (c == '"' && text[i - 1] != '\\') in_text = !in_text;
      // The text of a reason holds texts of its own: keep its line as it is.
      const size_t line = text.rfind('\n', i) + 1;
      const bool keep = in_text || text.substr(line, 9) == "  because";
      dressed += (c == ' ' && !keep) || c == '\n' ? gaps[next(std::size(gaps))] : std::string(1, c);
    }
    CheckPromises(dressed);
  }
}

}  // namespace
}  // namespace rescind::testing
