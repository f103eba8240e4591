// Formatter: policy text in the one layout of the language, as `rescind fmt` writes it.
//
// Works on tokens, guided by the tree: comments stay where they belong, line breaks inside a clause
// stay the author's, everything else (indentation, spaces, order of clauses, blank lines) is
// decided here. Formatting twice changes nothing; the meaning never changes.
#pragma once

#include <string>
#include <string_view>

#include "engine/syntax/ast.h"

namespace rescind {

// `file` is the tree of `text`, read without any error. The result ends with a line feed, has
// no carriage returns and no byte order mark.
std::string FormatPolicyText(std::string_view text, const ast::File& file);

}  // namespace rescind
