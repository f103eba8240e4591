// PersonalData: which facts are names and addresses of people. The audit log commits to them
// without showing them.
#pragma once

#include "engine/facts/schema.h"
#include "engine/ir/program.h"

namespace rescind {

bool IsPersonal(const Schema& schema, EntityId entity, FieldId field);
// Whether what the policy says in `because` reads any.
bool IsBecausePersonal(const ir::Program& program, const ir::Rule& rule);

}  // namespace rescind
