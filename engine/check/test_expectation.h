// What a test names: policies, rows, and what it expects of them.
#pragma once

#include <optional>
#include <string>

#include "engine/check/check_state.h"
#include "engine/check/expression_checker.h"

namespace rescind::check {

// The policy that a name means in a module; nullopt: reported.
std::optional<typed::PolicyId> FindPolicy(CheckState& state, const std::string& module,
                                          const ast::QualifiedName& name);
// The row of that name; null: reported.
const typed::RowKey* FindTestRow(CheckState& state, const ExpressionChecker& expressions,
                                 const ast::Name& name);
// Without its time and span.
std::optional<typed::ExpectedAction> CheckExpectedAction(CheckState& state,
                                                         ExpressionChecker& expressions,
                                                         const ast::ExpectAction& expect);
typed::ExpectedHold CheckExpectedHold(CheckState& state, const ast::ExpectHeld& expect);

}  // namespace rescind::check
