#include "engine/syntax/hidden_marks.h"

#include <fmt/format.h>

#include "engine/base/visible_text.h"
#include "engine/syntax/syntax_codes.h"

namespace rescind::syntax {
namespace {

std::string EscapeOf(uint32_t mark, MarkMend mend) {
  switch (mend) {
    case MarkMend::kTextEscape: return fmt::format("\\u{{{:X}}}", mark);
    case MarkMend::kRegexEscape: return fmt::format("\\x{{{:X}}}", mark);
    case MarkMend::kTomlEscape:
      return mark > 0xFFFF ? fmt::format("\\U{:08X}", mark) : fmt::format("\\u{:04X}", mark);
    case MarkMend::kRemove: break;
  }
  return "";
}

}  // namespace

// The first mark is shown, and all of them are mended: a hostile file holds as many as it likes.
bool ReportHiddenMarks(FileId file, std::string_view whole, uint32_t begin, uint32_t end,
                       MarkMend mend, DiagnosticSink& sink) {
  const std::string_view text = whole.substr(0, end);
  const HiddenMark first = FindHiddenMark(text, begin);
  if (first.begin == std::string_view::npos) return false;
  DiagnosticHelp escape;
  DiagnosticHelp blank{"or write a common blank", {}};
  DiagnosticHelp removal{"remove it: it makes the line look other than it is", {}};
  for (HiddenMark mark = first; mark.begin < end; mark = FindHiddenMark(text, mark.end)) {
    const Span span = {file, static_cast<uint32_t>(mark.begin), static_cast<uint32_t>(mark.end)};
    escape.fix.push_back({span, EscapeOf(mark.code_point, mend)});
    blank.fix.push_back({span, IsOddBlank(mark.code_point) ? " " : ""});
    removal.fix.push_back({span, ""});
  }
  const size_t count = escape.fix.size();
  const bool is_blank = IsOddBlank(first.code_point);
  Diagnostic diagnostic{kHiddenMark,
                        escape.fix[0].span,
                        is_blank ? "it looks like a common blank" : "nobody sees it",
                        fmt::format("a hidden character stands here: U+{:04X}, {}",
                                    first.code_point, HiddenMarkName(first.code_point)),
                        {},
                        {}};
  if (count > 1) {
    diagnostic.label +=
        fmt::format(", {} {} more behind it", is_blank ? "as do" : "nor", count - 1);
  }
  if (mend != MarkMend::kRemove) {
    escape.text =
        fmt::format("if it is meant, write it so that it shows: `{}`", escape.fix[0].text);
    diagnostic.help.push_back(std::move(escape));
    if (is_blank) diagnostic.help.push_back(std::move(blank));
  } else if (is_blank) {
    blank.text = "write a common blank";
    diagnostic.help.push_back(std::move(blank));
  } else {
    diagnostic.help.push_back(std::move(removal));
  }
  sink.Report(std::move(diagnostic));
  return true;
}

}  // namespace rescind::syntax
