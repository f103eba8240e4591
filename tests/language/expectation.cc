#include "tests/language/expectation.h"

#include <doctest/doctest.h>

#include <sstream>

namespace rescind::testing {
namespace {

// The text between the next two quotes; `rest` goes on behind them. `\"` is a quote within.
std::string TakeQuoted(std::string_view& rest) {
  const size_t open = rest.find('"');
  REQUIRE_MESSAGE(open != std::string_view::npos, "a quote is missing: ", std::string(rest));
  std::string out;
  size_t at = open + 1;
  for (; at < rest.size() && rest[at] != '"'; ++at) {
    if (rest[at] == '\\' && at + 1 < rest.size() && rest[at + 1] == '"') ++at;
    out += rest[at];
  }
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return out;
}

// `<U+202E>` stands for the character, which a case cannot write in a comment.
std::string WithMarks(std::string text) {
  for (size_t at = text.find("<U+"); at != std::string::npos; at = text.find("<U+", at)) {
    const size_t end = text.find('>', at);
    REQUIRE(end != std::string::npos);
    const auto code =
        static_cast<unsigned>(std::stoul(text.substr(at + 3, end - at - 3), nullptr, 16));
    REQUIRE(code < 0x110000);
    std::string mark(1, static_cast<char>(code));
    if (code >= 0x80) {
      const size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      mark = {static_cast<char>(0xFF00 >> (more + 1) | code >> 6 * more)};
      for (size_t left = more; left-- > 0;) {
        mark += static_cast<char>(0x80 | (code >> 6 * left & 0x3F));
      }
    }
    text.replace(at, end + 1 - at, mark);
  }
  return text;
}

}  // namespace

std::vector<Expectation> ReadExpectations(std::string_view source) {
  std::vector<Expectation> result;
  std::istringstream lines{std::string(source)};
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(' '));
    if (!line.starts_with("//~ ")) continue;
    Expectation expectation;
    std::string_view rest = std::string_view(line).substr(4);
    expectation.code = rest.substr(0, rest.find(' '));
    expectation.underlined = WithMarks(TakeQuoted(rest));
    while (rest.find("help") != std::string_view::npos)
      expectation.helps.push_back(TakeQuoted(rest));
    result.push_back(std::move(expectation));
  }
  return result;
}

namespace {

// Empty for a mistake that lies in no policy file.
std::string Underlined(const SourceMap& sources, const Diagnostic& diagnostic) {
  return diagnostic.span.valid() ? std::string(sources.Text(diagnostic.span)) : "";
}

}  // namespace

void CheckExpectations(const SourceMap& sources, const std::vector<Diagnostic>& diagnostics,
                       const std::vector<Expectation>& expected, const std::string& name) {
  INFO(name);
  std::string actual;
  for (const Diagnostic& diagnostic : diagnostics) {
    actual += "\n" + std::string(diagnostic.code.text) + " " + Underlined(sources, diagnostic);
  }
  if (diagnostics.size() != expected.size()) {
    FAIL_CHECK("expected ", expected.size(), " diagnostics, there are:", actual);
    return;
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const Diagnostic& diagnostic = diagnostics[i];
    CHECK(std::string(diagnostic.code.text) == expected[i].code);
    CHECK(Underlined(sources, diagnostic) == expected[i].underlined);
    for (const std::string& help : expected[i].helps) {
      bool found = false;
      for (const DiagnosticHelp& given : diagnostic.help)
        found = found || given.text.find(help) != std::string::npos;
      CHECK_MESSAGE(found, "no help says: ", help);
    }
  }
}

void CheckWellFormed(const SourceMap& sources, const std::vector<Diagnostic>& diagnostics) {
  const auto inside = [&sources](Span span) {
    return span.valid() && span.begin <= span.end &&
           span.end <= sources.Get(span.file).text().size();
  };
  for (const Diagnostic& diagnostic : diagnostics) {
    INFO(diagnostic.message);
    CHECK_FALSE(diagnostic.message.empty());
    // A mistake in [params] has a place only where rescind.toml is read, and not here.
    CHECK((inside(diagnostic.span) || diagnostic.code == DiagnosticCode{"E0306"}));
    for (const DiagnosticLabel& note : diagnostic.notes) CHECK(inside(note.span));
    for (const DiagnosticHelp& help : diagnostic.help) {
      for (const TextEdit& edit : help.fix) CHECK(inside(edit.span));
    }
    for (const char* machinery : {"<EOF>", "NAME", "LBRACE", "antlr", "qualifiedName", "<name>"}) {
      CHECK(diagnostic.message.find(machinery) == std::string::npos);
      CHECK(diagnostic.label.find(machinery) == std::string::npos);
    }
  }
}

}  // namespace rescind::testing
