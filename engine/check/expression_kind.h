// Names and classes of the kinds of typed expressions.
#pragma once

#include <string_view>

#include "engine/check/typed_expression.h"

namespace rescind::check {

std::string_view ExprKindName(typed::ExprKind kind);  // "coalesce"
std::string_view CompareOpText(typed::CompareOp op);  // "<="
bool IsCollectionKind(typed::ExprKind kind);          // kAny … kSum: they bind a variable

}  // namespace rescind::check
