// Syntax messages: from "this token does not fit, those would" to a sentence for a person.
//
// Knows the words of the language, not the grammar: what would fit is told to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/syntax/outline.h"
#include "engine/syntax/token.h"

namespace rescind::syntax {

enum class PieceRole { kDeclaration, kHeader, kClause, kField, kStatement, kAction };

struct Misfit {
  FileId file;
  std::string_view text;
  const std::vector<Token>* tokens = nullptr;
  TokenRange piece;
  PieceRole role = PieceRole::kDeclaration;
  size_t token = 0;                   // piece.last: the piece ends too early
  std::vector<std::string> expected;  // as in GrammarFailure
};

Diagnostic ExplainMisfit(const Misfit& misfit);

// A piece at the top of a file that begins with no declaration word.
Diagnostic ExplainUnknownDeclaration(FileId file, std::string_view text,
                                     const std::vector<Token>& tokens,
                                     const DeclarationRange& piece);

// "a name, `,` or `)`": what a list of expected things is called.
std::string PlainExpected(const std::vector<std::string>& expected);

}  // namespace rescind::syntax
