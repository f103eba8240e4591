// PersonalData: which facts are names and addresses of people, or may be. The audit log commits to
// them without showing them.
#pragma once

#include "engine/facts/schema.h"
#include "engine/ir/program.h"

namespace rescind {

// `email` and `username` of any entity; of an identity and an account every text that the standard
// model does not know to name nobody, those that a workspace adds among them.
bool IsPersonal(const Schema& schema, EntityId entity, FieldId field);
// Whether what the policy says in `because` reads any.
bool IsBecausePersonal(const ir::Program& program, const ir::Rule& rule);

}  // namespace rescind
