// Formula: one node of a rule program as a formula, so that a test can say all of it in a line.
#pragma once

#include <string>

#include "engine/ir/program.h"

namespace rescind::compile {

// "and(f0.vip, reached(1*now - f0.granted_at - 90d))". A frame is named by its index: "f0" is its
// member; a fold is "any(f1 in f0.accounts: …)".
std::string Formula(const ir::Program& program, ir::NodeId node);
std::string Formula(const ir::Program& program, ir::CollectionId collection);

}  // namespace rescind::compile
