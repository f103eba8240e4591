// Which words of the language play which part. The grammar is the truth of what may follow what;
// these lists serve recovery, messages and the formatter. syntax_test.cc compares them with it.
#pragma once

#include <string_view>
#include <vector>

namespace rescind::syntax {

// Words that begin a declaration, a clause, a statement, an action.
const std::vector<std::string_view>& DeclarationWords();
const std::vector<std::string_view>& ClauseWords();
const std::vector<std::string_view>& StatementWords();
const std::vector<std::string_view>& ActionWords();
// Words that are no names of variables, and those that are not even names of fields.
const std::vector<std::string_view>& ReservedWords();
const std::vector<std::string_view>& ReservedFieldWords();
// Words that stand between two operands, and so cannot end an expression.
const std::vector<std::string_view>& InfixWords();

bool Contains(const std::vector<std::string_view>& words, std::string_view word);

}  // namespace rescind::syntax
