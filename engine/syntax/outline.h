// Outline: where each declaration, clause, field and statement begins and ends.
//
// Found from brackets and leading words alone, before anything is parsed, so that a mistake stays
// within the piece it is in. Brackets are repaired on the way: the token list of an Outline is
// balanced, and nests at most SyntaxLimits::kNesting deep except where `too_deep` says so.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/syntax/token.h"

namespace rescind::syntax {

// Half-open range of indexes into Outline::tokens.
struct TokenRange {
  size_t first = 0;
  size_t last = 0;
  bool empty() const { return first >= last; }
};

// Half-open range of bytes.
struct ByteRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct DeclarationRange {
  TokenRange range;
  bool known = false;  // begins with a declaration word
  // Brackets were reported in here; what the parser finds in here is a consequence.
  std::vector<ByteRange> broken;
  bool IsBroken(uint32_t at) const {
    return std::any_of(broken.begin(), broken.end(), [at](const ByteRange& range_of_bytes) {
      return range_of_bytes.begin <= at && at < range_of_bytes.end;
    });
  }
  bool too_deep = false;                                         // reported; must not be parsed
  uint32_t close_before = std::numeric_limits<uint32_t>::max();  // a `}` that ended the one before
};

struct Outline {
  std::vector<Token> tokens;  // visible ones, then one kEnd
  std::vector<DeclarationRange> declarations;
  std::vector<uint32_t> bad;  // begins of bad tokens, ascending
};

// kExpression: the whole is one piece, which is no declaration.
enum class PieceKind { kDeclarations, kExpression };
// `all` is what Tokenize made and CheckTokens marked. At most `budget` errors are reported;
// their number is taken from it.
Outline MakeOutline(FileId file, std::string_view text, const std::vector<Token>& all,
                    size_t& budget, DiagnosticSink& sink,
                    PieceKind kind = PieceKind::kDeclarations);

enum class BodyKind { kClauses, kFields, kStatements, kActions };
// The pieces between two braces. Together they cover `body`.
std::vector<TokenRange> SplitBody(std::string_view text, const std::vector<Token>& tokens,
                                  TokenRange body, BodyKind kind);

// The first `{` of the range that stands in no bracket, or range.last.
size_t FindBody(std::string_view text, const std::vector<Token>& tokens, TokenRange range);

}  // namespace rescind::syntax
