// Copies of typed expressions.
#pragma once

#include <cstdint>

#include "engine/check/typed_ast.h"

namespace rescind::check {

// A deep copy in which every variable that the expression binds itself is a new one of `program`.
typed::ExprPtr CloneWithFreshBinders(const typed::Expr& expr, typed::Program& program);
uint32_t CountNodes(const typed::Expr& expr);

}  // namespace rescind::check
