// Syntax tree to compact text, for golden tests and for people who look into the engine.
//
// Stable: the same tree prints the same bytes. One line a node with a body, two spaces a level;
// expressions on one line as (operator operand …). Not policy text: that is formatter.h.
#pragma once

#include <string>

#include "engine/syntax/ast.h"

namespace rescind {

std::string PrintTree(const ast::File& file);
std::string PrintTree(const ast::Expr& expr);

}  // namespace rescind
