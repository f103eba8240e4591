// Tokenize: the generated lexer behind an interface without it.
//
// The lexer reads bytes: a CharStream whose symbols are the bytes of the text, so every index is a
// byte offset. Its last rules match what no other does, so it cannot fail.

#include "engine/base/assert.h"
#include "engine/syntax/token.h"

#include "RescindLexer.h"

namespace rescind::syntax {
namespace {

using grammar::RescindLexer;

class ByteStream : public antlr4::CharStream {
 public:
  ByteStream(std::string_view text, size_t begin, size_t end)
      : text_(text), position_(begin), end_(end) {}

  void consume() override {
    if (position_ < end_) ++position_;
  }
  size_t LA(ssize_t i) override {
    const size_t at = position_ + static_cast<size_t>(i > 0 ? i - 1 : i);
    if (i == 0 || at >= end_) return EOF;
    return static_cast<unsigned char>(text_[at]);
  }
  ssize_t mark() override { return -1; }
  void release(ssize_t) override {}
  size_t index() override { return position_; }
  void seek(size_t index) override { position_ = std::min(index, end_); }
  size_t size() override { return end_; }
  std::string getSourceName() const override { return "policy"; }
  std::string getText(const antlr4::misc::Interval& interval) override {
    const auto from = static_cast<size_t>(interval.a);
    return std::string(text_.substr(from, static_cast<size_t>(interval.b) + 1 - from));
  }
  std::string toString() const override { return std::string(text_); }

 private:
  std::string_view text_;
  size_t position_;
  size_t end_;
};

TokenKind KindOf(size_t type) {
  switch (type) {
    case RescindLexer::SPACE: return TokenKind::kSpace;
    case RescindLexer::LINE_COMMENT:
    case RescindLexer::BLOCK_COMMENT: return TokenKind::kComment;
    case RescindLexer::NUMBER: return TokenKind::kNumber;
    case RescindLexer::DURATION: return TokenKind::kDuration;
    case RescindLexer::MOMENT: return TokenKind::kMoment;
    case RescindLexer::TEXT: return TokenKind::kText;
    case RescindLexer::BECAUSE_TEXT: return TokenKind::kReason;
    case RescindLexer::MATCHES_REGEX: return TokenKind::kRegex;
    case RescindLexer::BAD_NUMBER: return TokenKind::kBadNumber;
    case RescindLexer::OPEN_TEXT: return TokenKind::kOpenText;
    case RescindLexer::OPEN_REGEX:
    case RescindLexer::OPEN_CLASS: return TokenKind::kOpenRegex;
    case RescindLexer::OPEN_COMMENT: return TokenKind::kOpenComment;
    case RescindLexer::FOREIGN_OPERATOR: return TokenKind::kForeignOperator;
    case RescindLexer::STRAY:
    case RescindLexer::STRAY_WIDE: return TokenKind::kStray;
    default: break;
  }
  if (type >= RescindLexer::LBRACE && type <= RescindLexer::PERCENT) return TokenKind::kMark;
  return TokenKind::kWord;
}

// What the grammar is to see instead of a bad token, so that one mistake stays one.
uint16_t StandIn(TokenKind kind, std::string_view word, size_t type) {
  switch (kind) {
    case TokenKind::kBadNumber: return RescindLexer::NUMBER;
    case TokenKind::kOpenText: return RescindLexer::TEXT;
    case TokenKind::kOpenRegex: return RescindLexer::MATCHES_REGEX;
    case TokenKind::kForeignOperator:
      if (word[0] == '&') return RescindLexer::AND;
      if (word[0] == '|') return RescindLexer::OR;
      if (word == "!") return RescindLexer::NOT;
      return word == "===" ? RescindLexer::EQUAL : RescindLexer::NOT_EQUAL;
    default: return static_cast<uint16_t>(type);
  }
}

}  // namespace

std::vector<Token> Tokenize(std::string_view text, uint32_t begin, uint32_t end) {
  ByteStream stream(text, begin, end);
  RescindLexer lexer(&stream);
  lexer.removeErrorListeners();
  std::vector<Token> tokens;
  uint32_t expected = begin;
  bool first_on_line = true;
  for (;;) {
    const auto made = lexer.nextToken();
    if (made->getType() == antlr4::Token::EOF) break;
    Token token;
    token.begin = static_cast<uint32_t>(made->getStartIndex());
    token.end = static_cast<uint32_t>(made->getStopIndex() + 1);
    // INVARIANT: tokens cover the text without a gap.
    RESCIND_ASSERT(token.begin == expected && token.end > token.begin, "the lexer skipped bytes");
    expected = token.end;
    token.kind = KindOf(made->getType());
    token.type = StandIn(token.kind, TextOf(text, token), made->getType());
    token.first_on_line = first_on_line;
    if (token.visible()) {
      first_on_line = false;
    } else if (TextOf(text, token).find('\n') != std::string_view::npos) {
      first_on_line = true;
    }
    tokens.push_back(token);
  }
  RESCIND_ASSERT(expected == end, "the lexer stopped early");
  tokens.push_back(
      {end, end, static_cast<uint16_t>(antlr4::Token::EOF), TokenKind::kEnd, false, first_on_line});
  return tokens;
}

}  // namespace rescind::syntax
