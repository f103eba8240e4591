// Literals: from the bytes of one token to a value, and what is wrong with them.
//
// Pure functions over text. The lexical check reports the problems; the tree takes the values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/syntax/ast_expression.h"

namespace rescind::syntax {

// A backslash sequence that means nothing. Offsets count from the start of the text given.
struct BadEscape {
  uint32_t begin = 0;
  uint32_t end = 0;
  enum class Why { kUnknown, kNotHexadecimal, kNotACharacter } why = Why::kUnknown;
};

// `body` lies between the quotes. Escapes: \n \t \" \\ \{ \} \u{…}.
struct DecodedText {
  std::string value;
  std::vector<BadEscape> bad;
};
DecodedText DecodeText(std::string_view body);

// The offset of the first byte that is not UTF-8, or npos.
size_t FindInvalidUtf8(std::string_view text);

enum class MomentProblem { kNone, kShape, kNotADay, kNoOffset, kNotATime };
// A DateLiteral or TimeLiteral in `node` when the problem is kNone.
struct MomentLiteral {
  MomentProblem problem = MomentProblem::kNone;
  ast::Expr::Node node;
};
MomentLiteral ReadMoment(std::string_view word);

// The parts of a `because` text. `body` lies between the quotes.
struct ReasonPart {
  bool is_hole = false;
  uint32_t begin = 0;  // offsets in body; for a hole what is between the braces
  uint32_t end = 0;
};
// False when braces do not pair; `bad_brace` is then the offset of the culprit.
bool SplitReason(std::string_view body, std::vector<ReasonPart>& parts, uint32_t& bad_brace);

// Where the pattern lies in a `matches /…/` token: offsets from its start.
struct RegexPlace {
  uint32_t begin = 0;
  uint32_t end = 0;
};
RegexPlace FindRegex(std::string_view token);
// `\/` becomes `/`, all else stays for RE2.
std::string DecodeRegex(std::string_view body);

// Where the opening quote lies in a `because "…"` token.
uint32_t FindReasonQuote(std::string_view token);

}  // namespace rescind::syntax
