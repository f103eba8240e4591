// The syntax tree of one policy file: what was written, where, and nothing more.
//
// Built by parser.h, read by engine/check, printed by printer.h. Names are not resolved and
// types are not checked. Every node carries the bytes it came from. The tree is tolerant: what a
// syntax error hides is an ErrorExpr, an empty Name or a TypeRef of kind kError, already
// reported, on which a later stage stays silent.
//
// Expressions and clauses are std::variants: visit them with std::visit and ast::Overloaded, and
// the compiler finds a forgotten case. Children are unique_ptr, never null unless said so.
#pragma once

#include "engine/syntax/ast_declaration.h"
#include "engine/syntax/ast_expression.h"
