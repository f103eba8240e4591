// PersonalData: which facts are names and addresses of people, or may be. The audit log commits to
// them without showing them.
#pragma once

#include <string_view>

#include "engine/facts/schema.h"
#include "engine/ir/program.h"

namespace rescind {

// Texts are, wherever they stand, those that a workspace adds among them. Not so ids, which are
// what rows are called everywhere, and the texts of the standard model that name nobody.
bool IsPersonal(const Schema& schema, EntityId entity, FieldId field);
// Whether what the policy says in `because` reads any, or was generated of a condition that does:
// it would repeat what they are compared with.
bool IsBecausePersonal(const ir::Program& program, const ir::Rule& rule);
// Whether the groups that its limits count in are made of any. Those of a policy that nobody knows
// any more may be.
bool IsGroupPersonal(const ir::Program& program, std::string_view policy);

}  // namespace rescind
