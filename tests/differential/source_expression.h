// SourceExpression: a piece of policy text with what its writer knows about it.
//
// The generator is type-directed: it must know what the checker will conclude. What is known
// where (the language's narrowing) goes by keys: an expression's text without the difference
// between `.` and `?.`, with lets and calls replaced by what they stand for.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/check/typed_expression.h"

namespace rescind {

using KnownKeys = std::set<std::string>;

// How tightly the outermost operator binds, loosest first.
enum class Binding : uint8_t {
  kOr,
  kAnd,
  kNot,
  kRelation,
  kCoalesce,
  kSum,
  kProduct,
  kUnary,
  kPrimary,
};

struct SourceText {
  std::string text;
  Binding binding = Binding::kPrimary;

  // In parentheses where it binds more loosely than its place asks for.
  std::string In(Binding place) const { return binding < place ? "(" + text + ")" : text; }
};

struct SourceExpression : SourceText {
  // `optional`: may be unknown here. `moving`: made of `now`.
  typed::Type type;
  std::string key;    // empty: nothing that could be narrowed
  KnownKeys implied;  // what else is known where this is
};

struct SourceCondition : SourceText {
  KnownKeys when_true;
  KnownKeys when_false;
};

// The text with names replaced, whole words only. Empty when a name stands for the empty text.
inline std::string ReplaceNames(const std::string& text,
                                const std::vector<std::pair<std::string, std::string>>& names) {
  const auto in_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  };
  std::string result;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && in_word(text[end])) ++end;
    if (end == at) {
      result += text[at++];
      continue;
    }
    std::string word = text.substr(at, end - at);
    for (const auto& [name, value] : names) {
      if (word != name) continue;
      if (value.empty()) return "";
      word = value;
      break;
    }
    result += word;
    at = end;
  }
  return result;
}

}  // namespace rescind
