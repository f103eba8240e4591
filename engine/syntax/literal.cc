#include "engine/syntax/literal.h"

#include <charconv>

namespace rescind::syntax {
namespace {

void AppendUtf8(std::string& out, uint32_t code) {
  const auto byte = [&out](uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | (code >> 6));
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3F));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

// Reads `u{…}` at `at` (behind the backslash); returns the offset behind it.
size_t DecodeUnicode(std::string_view body, size_t at, DecodedText& out) {
  const auto bad = [&](size_t end, BadEscape::Why why) {
    out.bad.push_back({static_cast<uint32_t>(at - 1), static_cast<uint32_t>(end), why});
    return end;
  };
  if (at + 1 >= body.size() || body[at + 1] != '{')
    return bad(at + 1, BadEscape::Why::kNotHexadecimal);
  const size_t close = body.find('}', at);
  if (close == std::string_view::npos) return bad(at + 2, BadEscape::Why::kNotHexadecimal);
  uint32_t code = 0;
  const char* first = body.data() + at + 2;
  const char* last = body.data() + close;
  const auto [end, error] = std::from_chars(first, last, code, 16);
  if (error != std::errc() || end != last) return bad(close + 1, BadEscape::Why::kNotHexadecimal);
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
    return bad(close + 1, BadEscape::Why::kNotACharacter);
  AppendUtf8(out.value, code);
  return close + 1;
}

// The length of the UTF-8 sequence at the start of `text`, 0 when it is not one.
size_t SequenceLength(std::string_view text) {
  const auto at = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond the last code point.
  if (lead == 0xE0 && at(1) < 0xA0) return 0;
  if (lead == 0xED && at(1) > 0x9F) return 0;
  if (lead == 0xF0 && at(1) < 0x90) return 0;
  if (lead == 0xF4 && at(1) > 0x8F) return 0;
  return length;
}

// The offset behind the comment at `at`, or `at` when there is none.
size_t SkipComment(std::string_view text, size_t at) {
  if (text.substr(at, 2) == "//") return std::min(text.find('\n', at), text.size());
  if (text.substr(at, 2) == "/*") {
    const size_t close = text.find("*/", at + 2);
    return close == std::string_view::npos ? text.size() : close + 2;
  }
  return at;
}

// The first byte behind `word`, space and comments.
size_t SkipGap(std::string_view token, size_t word_length) {
  size_t at = word_length;
  while (at < token.size()) {
    if (token[at] == ' ' || token[at] == '\t' || token[at] == '\r' || token[at] == '\n' ||
        token[at] == '\f') {
      ++at;
      continue;
    }
    const size_t behind = SkipComment(token, at);
    if (behind == at) break;
    at = behind;
  }
  return at;
}

// The offset behind the escape at `at`. The braces of `\u{20AC}` belong to it.
uint32_t SkipReasonEscape(std::string_view body, uint32_t at) {
  if (body.substr(at, 3) != "\\u{") return at + 2;
  const size_t close = body.find_first_of("{}\"\\", at + 3);
  const bool closes = close != std::string_view::npos && body[close] == '}';
  return closes ? static_cast<uint32_t>(close + 1) : at + 2;
}

}  // namespace

DecodedText DecodeText(std::string_view body) {
  DecodedText out;
  out.value.reserve(body.size());
  size_t at = 0;
  while (at < body.size()) {
    if (body[at] != '\\') {
      out.value += body[at++];
      continue;
    }
    ++at;
    const char kind = at < body.size() ? body[at] : '\0';
    switch (kind) {
      case 'n':
        out.value += '\n';
        ++at;
        break;
      case 't':
        out.value += '\t';
        ++at;
        break;
      case '"':
      case '\\':
      case '{':
      case '}':
        out.value += kind;
        ++at;
        break;
      case 'u': at = DecodeUnicode(body, at, out); break;
      default: {
        const size_t length = at < body.size() ? SequenceLength(body.substr(at)) : 0;
        out.bad.push_back({static_cast<uint32_t>(at - 1),
                           static_cast<uint32_t>(at + std::max<size_t>(length, kind ? 1 : 0)),
                           BadEscape::Why::kUnknown});
        at += std::max<size_t>(length, 1);
        break;
      }
    }
  }
  return out;
}

size_t FindInvalidUtf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = SequenceLength(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

MomentLiteral ReadMoment(std::string_view word) {
  const auto fail = [](MomentProblem problem) { return MomentLiteral{problem, ast::ErrorExpr{}}; };
  if (word.size() < 10 || word[7] != '-') return fail(MomentProblem::kShape);
  const auto day = ParseDay(word.substr(0, 10));
  if (word.size() == 10) {
    if (!day) return fail(MomentProblem::kNotADay);
    return {MomentProblem::kNone, ast::DateLiteral{*day}};
  }
  if (word[10] != 'T') return fail(MomentProblem::kShape);
  if (!day) return fail(MomentProblem::kNotADay);
  if (const auto instant = ParseInstant(word)) {
    return {MomentProblem::kNone, ast::TimeLiteral{*instant}};
  }
  const bool has_offset = word.find_first_of("Zz+-", 11) != std::string_view::npos;
  if (!has_offset && ParseInstant(std::string(word) + "Z")) return fail(MomentProblem::kNoOffset);
  return fail(MomentProblem::kNotATime);
}

bool SplitReason(std::string_view body, std::vector<ReasonPart>& parts, uint32_t& bad_brace) {
  uint32_t literal_begin = 0;
  uint32_t at = 0;
  const auto size = static_cast<uint32_t>(body.size());
  while (at < size) {
    if (body[at] == '\\') {
      at = SkipReasonEscape(body, at);
    } else if (body[at] == '}') {
      bad_brace = at;
      return false;
    } else if (body[at] != '{') {
      ++at;
    } else {
      if (at > literal_begin) parts.push_back({false, literal_begin, at});
      const uint32_t open = at++;
      bool in_text = false;
      for (int depth = 1; depth > 0; ++at) {
        if (at >= size) {
          bad_brace = open;
          return false;
        }
        if (in_text && body[at] == '\\') {
          ++at;
        } else if (body[at] == '"') {
          in_text = !in_text;
        } else if (!in_text && body[at] == '{') {
          ++depth;
        } else if (!in_text && body[at] == '}') {
          --depth;
        }
      }
      parts.push_back({true, open + 1, at - 1});
      literal_begin = at;
    }
  }
  if (size > literal_begin) parts.push_back({false, literal_begin, size});
  return true;
}

RegexPlace FindRegex(std::string_view token) {
  const size_t slash = SkipGap(token, std::string_view("matches").size());
  return {static_cast<uint32_t>(slash + 1), static_cast<uint32_t>(token.size() - 1)};
}

std::string DecodeRegex(std::string_view body) {
  std::string out;
  for (size_t at = 0; at < body.size(); ++at) {
    if (body[at] == '\\' && at + 1 < body.size()) {
      if (body[at + 1] != '/') out += '\\';
      out += body[++at];
    } else {
      out += body[at];
    }
  }
  return out;
}

uint32_t FindReasonQuote(std::string_view token) {
  return static_cast<uint32_t>(SkipGap(token, std::string_view("because").size()));
}

}  // namespace rescind::syntax
