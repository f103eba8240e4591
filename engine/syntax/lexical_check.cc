#include "engine/syntax/lexical_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/base/instant.h"
#include "engine/syntax/hidden_marks.h"
#include "engine/syntax/literal.h"
#include "engine/syntax/parser.h"
#include "engine/syntax/syntax_codes.h"

namespace rescind::syntax {
namespace {

class Checker {
 public:
  Checker(FileId file, std::string_view text, DiagnosticSink& sink)
      : file_(file), text_(text), sink_(sink) {}

  // True when the token is bad, and reported.
  bool Check(const Token& token);

 private:
  Span At(uint32_t begin, uint32_t end) const { return {file_, begin, end}; }
  bool Report(Diagnostic diagnostic) {
    sink_.Report(std::move(diagnostic));
    return true;
  }
  bool CheckNumber(const Token& token);
  bool CheckDuration(const Token& token);
  bool CheckMoment(const Token& token);
  bool CheckText(uint32_t begin, uint32_t end);
  bool CheckReason(const Token& token);
  bool ReportBadNumber(const Token& token);
  bool ReportOpenText(const Token& token);
  bool ReportOpenRegex(const Token& token);
  bool ReportForeign(const Token& token);
  bool ReportStray(const Token& token);

  bool ReportQuotes(const Token& token, std::string_view plain);
  uint32_t EndOfBrokenText(const Token& token) const;
  bool CheckMarks(uint32_t begin, uint32_t end, MarkMend mend) {
    return ReportHiddenMarks(file_, text_, begin, end, mend, sink_);
  }
  bool CheckReasonMarks(const Token& token);

  FileId file_;
  std::string_view text_;
  DiagnosticSink& sink_;
  uint32_t quiet_until_ = 0;  // what lies before was reported together
};

bool Checker::Check(const Token& token) {
  if (token.begin < quiet_until_) return true;
  switch (token.kind) {
    case TokenKind::kNumber: return CheckNumber(token);
    case TokenKind::kDuration: return CheckDuration(token);
    case TokenKind::kMoment: return CheckMoment(token);
    case TokenKind::kSpace:
    case TokenKind::kComment: return CheckMarks(token.begin, token.end, MarkMend::kRemove);
    case TokenKind::kText: {
      const bool marked = CheckMarks(token.begin, token.end, MarkMend::kTextEscape);
      return CheckText(token.begin + 1, token.end - 1) || marked;
    }
    case TokenKind::kReason: {
      const bool marked = CheckReasonMarks(token);
      return CheckReason(token) || marked;
    }
    case TokenKind::kRegex: return CheckMarks(token.begin, token.end, MarkMend::kRegexEscape);
    case TokenKind::kBadNumber: return ReportBadNumber(token);
    case TokenKind::kOpenText: return ReportOpenText(token);
    case TokenKind::kOpenRegex: return ReportOpenRegex(token);
    case TokenKind::kOpenComment:
      return Report({kOpenComment,
                     At(token.begin, token.begin + 2),
                     "opened here",
                     "this comment is never closed",
                     {},
                     {{"close it with `*/`", {}}}});
    case TokenKind::kForeignOperator: return ReportForeign(token);
    case TokenKind::kStray:
      return CheckMarks(token.begin, token.end, MarkMend::kRemove) || ReportStray(token);
    default: return false;
  }
}

bool Checker::CheckNumber(const Token& token) {
  const std::string_view word = TextOf(text_, token);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error == std::errc() && end == word.data() + word.size()) return false;
  return Report({kNumberTooLarge,
                 At(token.begin, token.end),
                 "too large",
                 "this number does not fit",
                 {},
                 {{"the largest number is 9223372036854775807", {}}}});
}

bool Checker::CheckDuration(const Token& token) {
  if (ParseDuration(TextOf(text_, token))) return false;
  return Report({kNumberTooLarge,
                 At(token.begin, token.end),
                 "too long",
                 "this duration does not fit",
                 {},
                 {{"durations are counted in microseconds and end at about 292,000 years", {}}}});
}

bool Checker::CheckMoment(const Token& token) {
  const std::string_view word = TextOf(text_, token);
  const Span span = At(token.begin, token.end);
  switch (ReadMoment(word).problem) {
    case MomentProblem::kNone: return false;
    case MomentProblem::kNotADay:
      return Report({kBadMoment,
                     span,
                     "no such day",
                     fmt::format("`{}` is no day of the calendar", word.substr(0, 10)),
                     {},
                     {{"days run from 0001-01-01 to 9999-12-31", {}}}});
    case MomentProblem::kNoOffset:
      return Report(
          {kBadMoment,
           span,
           "where in the world?",
           "this time has no offset",
           {},
           {{fmt::format("say that it is UTC: `{}Z`", word), {{At(token.end, token.end), "Z"}}},
            {fmt::format("or give the offset: `{}+02:00`", word), {}}}});
    case MomentProblem::kNotATime:
      return Report(
          {kBadMoment,
           span,
           "cannot be read",
           fmt::format("`{}` is no time", word),
           {},
           {{"write a time like `2026-04-01T09:00Z` or `2026-04-01T09:00:30+02:00`", {}}}});
    case MomentProblem::kShape: break;
  }
  return Report({kBadMoment,
                 span,
                 "cannot be read",
                 fmt::format("`{}` is no date", word),
                 {},
                 {{"write a date like `2026-04-01` (four, two and two digits)", {}},
                  {"or a difference with spaces: `2026 - 4 - 1`", {}}}});
}

bool Checker::CheckText(uint32_t begin, uint32_t end) {
  const DecodedText decoded = DecodeText(text_.substr(begin, end - begin));
  for (const BadEscape& bad : decoded.bad) {
    const Span span = At(begin + bad.begin, begin + bad.end);
    const std::string_view word = text_.substr(span.begin, span.end - span.begin);
    switch (bad.why) {
      case BadEscape::Why::kUnknown:
        Report({kBadEscape,
                span,
                "means nothing",
                fmt::format("`{}` is not an escape", word),
                {},
                {{fmt::format("for a backslash itself write `\\{}`", word),
                  {{At(span.begin, span.begin), "\\"}}},
                 {"the escapes are `\\n`, `\\t`, `\\\"`, `\\\\`, `\\{`, `\\}` and `\\u{…}`", {}}}});
        break;
      case BadEscape::Why::kNotHexadecimal:
        Report({kBadEscape,
                span,
                "not a hexadecimal number in braces",
                fmt::format("`{}` is not an escape", word),
                {},
                {{"write the number of the character like `\\u{20ac}`", {}}}});
        break;
      case BadEscape::Why::kNotACharacter:
        Report({kBadEscape,
                span,
                "no such character",
                fmt::format("`{}` is no Unicode character", word),
                {},
                {{"characters are 1 to 10ffff without d800 to dfff", {}}}});
        break;
    }
  }
  return !decoded.bad.empty();
}

// The texts within the holes are tokens of their own.
bool Checker::CheckReasonMarks(const Token& token) {
  const uint32_t quote = token.begin + static_cast<uint32_t>(FindReasonQuote(TextOf(text_, token)));
  bool marked = CheckMarks(token.begin, quote, MarkMend::kRemove);
  std::vector<ReasonPart> parts;
  uint32_t bad_brace = 0;
  const uint32_t body = quote + 1;
  if (!SplitReason(text_.substr(body, token.end - 1 - body), parts, bad_brace)) return marked;
  for (const ReasonPart& part : parts) {
    if (part.is_hole) continue;
    marked = CheckMarks(body + part.begin, body + part.end, MarkMend::kTextEscape) || marked;
  }
  return marked;
}

// Only what lies outside the holes: they are tokenized and checked when they are parsed.
bool Checker::CheckReason(const Token& token) {
  const uint32_t body = token.begin + FindReasonQuote(TextOf(text_, token)) + 1;
  std::vector<ReasonPart> parts;
  uint32_t bad_brace = 0;
  if (!SplitReason(text_.substr(body, token.end - 1 - body), parts, bad_brace)) return false;
  bool bad = false;
  for (const ReasonPart& part : parts) {
    if (!part.is_hole) bad |= CheckText(body + part.begin, body + part.end);
  }
  return bad;
}

bool Checker::ReportBadNumber(const Token& token) {
  const std::string_view word = TextOf(text_, token);
  Diagnostic diagnostic{kBadNumber,
                        At(token.begin, token.end),
                        "neither a number nor a duration",
                        fmt::format("`{}` cannot be read", word),
                        {},
                        {}};
  const size_t digits = word.find_first_not_of("0123456789");
  const std::string_view unit = word.substr(digits);
  if (unit[0] == '.') {
    diagnostic.label = "not a whole number";
    diagnostic.help.push_back({"only whole numbers exist", {}});
  } else if (unit[0] == '_') {
    std::string plain(word);
    std::erase(plain, '_');
    diagnostic.help.push_back({fmt::format("write `{}`", plain), {{diagnostic.span, plain}}});
  } else {
    diagnostic.help.push_back(
        {"exact durations are `30s`, `15m`, `12h`, `90d`, `2w`, and sums such as `1h30m`", {}});
    diagnostic.help.push_back(
        {"civil ones have a space: `3 days`, `6 months`, `1 year`, `5 business days`", {}});
  }
  return Report(std::move(diagnostic));
}

// Where the text that begins here ends on the next line, behind its quote; 0 when it does not. A
// quote that ends a text stands behind something, and nothing follows it directly:
//   `when a.name == "Ann` / `  Smith" and …`, but not `severity "x` / `because "y`.
uint32_t Checker::EndOfBrokenText(const Token& token) const {
  const size_t line = text_.find('\n', token.begin);
  if (line == std::string_view::npos) return 0;
  const size_t line_end = std::min(text_.find('\n', line + 1), text_.size());
  const std::string_view next = text_.substr(line + 1, line_end - line - 1);
  const size_t quote = next.find('"');
  if (quote == std::string_view::npos) return 0;
  const auto is_blank = [&](size_t at) { return next[at] == ' ' || next[at] == '\t'; };
  const bool ends_something = quote > 0 && !is_blank(quote - 1) && next[quote - 1] != '\\';
  const bool is_last = quote + 1 == next.size() || is_blank(quote + 1) || next[quote + 1] == '\r';
  const bool is_odd = std::count(next.begin(), next.end(), '"') % 2 == 1;
  if (!is_odd || (!ends_something && !is_last)) return 0;
  return static_cast<uint32_t>(line + 1 + quote + 1);
}

bool Checker::ReportOpenText(const Token& token) {
  if (const uint32_t end = EndOfBrokenText(token); end != 0) {
    quiet_until_ = end;
    const size_t next = text_.find_first_not_of(" \t\r\n", token.end);
    const Span gap = At(token.end, static_cast<uint32_t>(next));
    return Report(
        {kOpenText,
         At(token.begin, token.end),
         "broken here",
         "a text stands on one line",
         {{At(end - 1, end), "it goes on to here"}},
         {{"join the lines", {{gap, " "}}}, {"or keep the line break as `\\n`", {{gap, "\\n"}}}}});
  }
  return Report({kOpenText,
                 At(token.begin, token.end),
                 "opened here",
                 "this text is never closed",
                 {},
                 {{"close it with `\"` on the same line; a line break inside is `\\n`", {}}}});
}

bool Checker::ReportOpenRegex(const Token& token) {
  const RegexPlace place = FindRegex(TextOf(text_, token));
  const std::string_view body = text_.substr(token.begin + place.begin);
  Diagnostic diagnostic{kOpenRegex,
                        At(token.begin + place.begin - 1, token.end),
                        "opened here",
                        "this regular expression is never closed",
                        {},
                        {{"close it with `/` on the same line", {}}}};
  if (body.substr(0, body.find('\n')).find('[') != std::string_view::npos)
    diagnostic.help.push_back({"a `[` in it needs its `]`, or stands for itself as `\\[`", {}});
  return Report(std::move(diagnostic));
}

bool Checker::ReportForeign(const Token& token) {
  const std::string_view word = TextOf(text_, token);
  const char* const ours = word[0] == '&'   ? "and"
                           : word[0] == '|' ? "or"
                           : word == "!"    ? "not"
                           : word == "==="  ? "=="
                                            : "!=";
  const Span span = At(token.begin, token.end);
  std::string replacement = ours;
  const bool glued = token.end < text_.size() && text_[token.end] != ' ';
  if (replacement == "not" && glued) replacement += ' ';
  return Report({kForeignOperator,
                 span,
                 fmt::format("write `{}`", ours),
                 fmt::format("`{}` is not an operator here", word),
                 {},
                 {{fmt::format("use `{}`", ours), {{span, replacement}}}}});
}

struct LookAlike {
  std::string_view wide;
  std::string_view plain;
};
constexpr LookAlike kLookAlikes[] = {
    {"“", "\""}, {"”", "\""}, {"„", "\""}, {"«", "\""}, {"»", "\""}, {"‘", "\""},  {"’", "\""},
    {"–", "-"},  {"—", "-"},  {"−", "-"},  {"×", "*"},  {"≤", "<="}, {"≥", ">="},  {"≠", "!="},
    {"'", "\""}, {"，", ","}, {"：", ":"}, {"（", "("}, {"）", ")"}, {"…", "..."},
};

// Quotes of another kind around a text: one mistake, mended by two edits.
bool Checker::ReportQuotes(const Token& token, std::string_view opening) {
  const std::string_view line = text_.substr(token.end, text_.find('\n', token.end) - token.end);
  size_t first = std::string_view::npos;
  size_t length = 0;
  for (const LookAlike& pair : kLookAlikes) {
    // The apostrophe in `“it's”` ends nothing.
    const bool is_pair = (pair.wide == "'") == (opening == "'");
    const size_t at = pair.plain == "\"" && is_pair ? line.find(pair.wide) : std::string_view::npos;
    if (at >= first) continue;
    first = at;
    length = pair.wide.size();
  }
  if (first == std::string_view::npos) return false;
  const Span open = At(token.begin, token.end);
  const auto close_begin = static_cast<uint32_t>(token.end + first);
  const Span close = At(close_begin, static_cast<uint32_t>(close_begin + length));
  quiet_until_ = close.end;
  return Report({kStrayCharacter,
                 Cover(open, close),
                 "not the quotes of a text",
                 fmt::format("`{}` cannot stand here", opening),
                 {},
                 {{"write `\"` before and behind the text", {{open, "\""}, {close, "\""}}}}});
}

bool Checker::ReportStray(const Token& token) {
  const std::string_view word = TextOf(text_, token);
  Diagnostic diagnostic{
      kStrayCharacter, At(token.begin, token.end), "has no meaning here", "", {}, {}};
  diagnostic.message = fmt::format("`{}` cannot stand here", word);
  for (const LookAlike& pair : kLookAlikes) {
    if (word != pair.wide) continue;
    if (pair.plain == "\"" && ReportQuotes(token, word)) return true;
    if (word == "'") break;
    diagnostic.help.push_back(
        {fmt::format("write `{}`", pair.plain), {{diagnostic.span, std::string(pair.plain)}}});
    return Report(std::move(diagnostic));
  }
  if (word == ";") {
    diagnostic.help.push_back(
        {"nothing separates clauses or actions: remove it", {{diagnostic.span, ""}}});
  } else if (word == "#") {
    diagnostic.help.push_back({"a comment begins with `//`", {{diagnostic.span, "//"}}});
  } else if (word == "'") {
    diagnostic.help.push_back({"text stands in double quotes: `\"…\"`", {}});
  } else if (word == "/") {
    diagnostic.help.push_back({"there is no division; a regular expression follows `matches`", {}});
  } else if (word == "[" || word == "]") {
    diagnostic.help.push_back({"a set stands in braces: `{ a, b }`", {}});
  } else if (static_cast<unsigned char>(word[0]) >= 0x80) {
    diagnostic.help.push_back({"names consist of a to z, A to Z, 0 to 9 and _", {}});
  } else {
    diagnostic.help.push_back({"remove it", {{diagnostic.span, ""}}});
  }
  return Report(std::move(diagnostic));
}

}  // namespace

bool CheckReadable(FileId file, std::string_view text, DiagnosticSink& sink) {
  if (text.size() > SyntaxLimits::kFileBytes) {
    sink.Report(
        {kFileTooLarge,
         {file, 0, 0},
         "",
         fmt::format("this file is larger than the {} MiB that a policy file may have",
                     SyntaxLimits::kFileBytes >> 20),
         {},
         {{"split it, or move a long list to a CSV file: `list … from \"file.csv\"`", {}}}});
    return false;
  }
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    const auto at = static_cast<uint32_t>(nul);
    sink.Report({kNotUtf8,
                 {file, at, at + 1},
                 "a zero byte",
                 "this file is not text",
                 {},
                 {{"save it as UTF-8 (it may be UTF-16, or not be a policy at all)", {}}}});
    return false;
  }
  if (const size_t bad = FindInvalidUtf8(text); bad != std::string_view::npos) {
    const auto at = static_cast<uint32_t>(bad);
    sink.Report({kNotUtf8,
                 {file, at, at + 1},
                 fmt::format("byte {:#04x}", static_cast<unsigned char>(text[bad])),
                 "this file is not UTF-8",
                 {},
                 {{"save it as UTF-8", {}}}});
    return false;
  }
  return true;
}

size_t CheckTokens(FileId file, std::string_view text, std::vector<Token>& tokens, size_t budget,
                   DiagnosticSink& sink) {
  DiagnosticSink unheard;
  Checker checker(file, text, sink);
  Checker quiet_checker(file, text, unheard);
  size_t count = 0;
  for (Token& token : tokens) {
    token.bad = (count < budget ? checker : quiet_checker).Check(token);
    count += token.bad && count < budget ? 1 : 0;
  }
  return count;
}

}  // namespace rescind::syntax
