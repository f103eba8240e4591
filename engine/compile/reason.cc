#include "engine/compile/reason.h"

#include <cstddef>

#include "engine/base/assert.h"

namespace rescind::compile {
namespace {

std::string_view UnitName(CivilUnit unit) {
  switch (unit) {
    case CivilUnit::kDays: return "day";
    case CivilUnit::kMonths: return "month";
    case CivilUnit::kYears: return "year";
    case CivilUnit::kBusinessDays: return "business day";
  }
  RESCIND_UNREACHABLE("a civil unit beyond the enumeration");
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The end of the blank or comment that starts at `at`; `at` where there is none.
size_t SkipGap(std::string_view source, size_t at) {
  if (IsBlank(source[at])) return at + 1;
  const std::string_view rest = source.substr(at);
  if (rest.starts_with("//")) {
    const size_t end = source.find('\n', at);
    return end == std::string_view::npos ? source.size() : end;
  }
  if (rest.starts_with("/*")) {
    const size_t end = source.find("*/", at + 2);
    return end == std::string_view::npos ? source.size() : end + 2;
  }
  return at;
}

// The end of the text or pattern that starts at `at`: both end at their own mark, unless it is
// escaped.
size_t SkipQuoted(std::string_view source, size_t at) {
  const char mark = source[at];
  for (size_t i = at + 1; i < source.size(); ++i) {
    if (source[i] == '\\') {
      ++i;
    } else if (source[i] == mark) {
      return i + 1;
    }
  }
  return source.size();
}

}  // namespace

std::string ConditionText(std::string_view source) {
  std::string line;
  size_t at = 0;
  while (at < source.size()) {
    if (const size_t end = SkipGap(source, at); end != at) {
      if (!line.empty() && line.back() != ' ') line += ' ';
      at = end;
      continue;
    }
    const size_t end = source[at] == '"' || source[at] == '/' ? SkipQuoted(source, at) : at + 1;
    line += source.substr(at, end - at);
    at = end;
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string CivilText(CivilDuration length) {
  std::string text = std::to_string(length.count) + " ";
  text += UnitName(length.unit);
  if (length.count != 1) text += 's';
  return text;
}

}  // namespace rescind::compile
