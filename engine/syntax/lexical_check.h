// Lexical check: what is wrong with single tokens, reported before anything is parsed.
//
// In: the tokens of a file or of a part of it. Out: diagnostics, and `bad` set on the tokens they
// are about, so that parser and tree stay silent there.
#pragma once

#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/syntax/token.h"

namespace rescind::syntax {

// Whether the text can be read at all: size, UTF-8, NUL bytes. Reports when it cannot.
bool CheckReadable(FileId file, std::string_view text, DiagnosticSink& sink);

// Returns the number of errors reported, at most `budget`.
size_t CheckTokens(FileId file, std::string_view text, std::vector<Token>& tokens, size_t budget,
                   DiagnosticSink& sink);

}  // namespace rescind::syntax
