// Tokens: the words of a policy file, space and comments included.
//
// Made from text by Tokenize (parser_tokens.cc, where the generated lexer is), read by the outline,
// the lexical check, the parser and the formatter. Knows nothing of grammar.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace rescind::syntax {

enum class TokenKind : uint8_t {
  kSpace,
  kComment,
  kWord,  // names and keywords
  kMark,  // brackets and operators
  kNumber,
  kDuration,
  kMoment,  // a date, a time, or what was meant to be one
  kText,
  kReason,  // `because "…"` as one token
  kRegex,   // `matches /…/` as one token
  // What is no word of the language. Reported by the lexical check.
  kBadNumber,
  kOpenText,
  kOpenRegex,
  kOpenComment,
  kForeignOperator,
  kStray,
  kEnd,  // behind the last token; empty
};

struct Token {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint16_t type = 0;  // the generated lexer's number, or that of its stand-in once `bad`
  TokenKind kind = TokenKind::kEnd;
  bool bad = false;  // reported by the lexical check: stay silent about it
  bool first_on_line = false;

  bool visible() const { return kind != TokenKind::kSpace && kind != TokenKind::kComment; }
};

// Tokens of text[begin, end) in order, covering every byte, then one kEnd. Positions are offsets
// in `text`.
std::vector<Token> Tokenize(std::string_view text, uint32_t begin, uint32_t end);

inline std::string_view TextOf(std::string_view text, const Token& token) {
  return text.substr(token.begin, token.end - token.begin);
}

}  // namespace rescind::syntax
