// Verbs of actions: their words, and which entity each acts on. Policies and tests share it.
#pragma once

#include <string_view>

#include "engine/check/typed_ast.h"
#include "engine/syntax/ast.h"

namespace rescind::check {

// The account's, identity's … ids in this schema; none where a program has no such entity.
struct ModelEntities {
  explicit ModelEntities(const Schema& schema);
  EntityId identity, account, grant, credential, session;
};

typed::Verb VerbOf(ast::ActionVerb verb);
std::string_view VerbText(typed::Verb verb);  // "disable"
// Whether the verb acts on rows of that entity. A notice acts on identities: it goes to them.
bool VerbActsOn(const Schema& schema, typed::Verb verb, EntityId entity);
// "accounts and identities"; empty for a verb that takes any entity.
std::string_view VerbTargets(typed::Verb verb);

}  // namespace rescind::check
