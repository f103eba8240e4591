// BuildSchema: `entity` and `extend` declarations into the schema of the program.
//
// The result does not depend on the order of files: the standard model's entities come first as
// they are written there, then the others by name; fields as their entity declares them, then
// those of `extend` by name.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/check/check_state.h"

namespace rescind::check {

struct EntitySource {
  std::string module;
  bool is_standard = false;
  const ast::Declaration* declaration = nullptr;
  const ast::EntityDecl* decl = nullptr;
};

void BuildSchema(CheckState& state, std::vector<EntitySource> sources);

}  // namespace rescind::check
