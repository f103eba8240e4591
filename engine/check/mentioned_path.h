// FindMentionedPaths: which paths an expression names that could not be given a type.
//
// What a broken condition would have made known cannot be told; it would have been about one of
// these. Looks at the syntax only.
#pragma once

#include <vector>

#include "engine/syntax/ast_expression.h"

namespace rescind::check {

struct MentionedPath {
  const ast::Expr* path = nullptr;  // a name, or a chain of fields from one; never part of another
  // It stands in `is known` or `is unknown`, or in a call, whose body may ask so.
  bool asked = false;
};

struct MentionedPaths {
  std::vector<MentionedPath> paths;
  bool unreadable = false;  // a syntax error in it may have hidden any path
};

// The paths point into `expr`.
MentionedPaths FindMentionedPaths(const ast::Expr& expr);

}  // namespace rescind::check
