#include "engine/check/action_verb.h"

#include "engine/base/assert.h"

namespace rescind::check {

using typed::Verb;

ModelEntities::ModelEntities(const Schema& schema) {
  const auto find = [&](std::string_view name) {
    return schema.Find(name).value_or(EntityId::None());
  };
  identity = find("identity");
  account = find("account");
  grant = find("grant");
  credential = find("credential");
  session = find("session");
}

Verb VerbOf(ast::ActionVerb verb) {
  switch (verb) {
    case ast::ActionVerb::kDisable: return Verb::kDisable;
    case ast::ActionVerb::kSuspend: return Verb::kSuspend;
    case ast::ActionVerb::kEnd: return Verb::kEnd;
    case ast::ActionVerb::kRevoke: return Verb::kRevoke;
    case ast::ActionVerb::kDelete: return Verb::kDelete;
    case ast::ActionVerb::kNotify: return Verb::kNotify;
    case ast::ActionVerb::kRun: return Verb::kRun;
  }
  RESCIND_UNREACHABLE("not a verb");
}

std::string_view VerbText(typed::Verb verb) {
  switch (verb) {
    case typed::Verb::kDisable: return "disable";
    case typed::Verb::kSuspend: return "suspend";
    case typed::Verb::kEnd: return "end";
    case typed::Verb::kRevoke: return "revoke";
    case typed::Verb::kDelete: return "delete";
    case typed::Verb::kNotify: return "notify";
    case typed::Verb::kRun: return "run";
  }
  RESCIND_UNREACHABLE("not a verb");
}

bool VerbActsOn(const Schema& schema, Verb verb, EntityId entity) {
  const ModelEntities model(schema);
  switch (verb) {
    case Verb::kDisable:
    case Verb::kSuspend: return entity == model.account || entity == model.identity;
    case Verb::kEnd: return entity == model.session;
    case Verb::kRevoke: return entity == model.grant || entity == model.credential;
    case Verb::kDelete:
      return entity == model.account || entity == model.credential || entity == model.grant;
    case Verb::kNotify: return entity == model.identity;
    case Verb::kRun: return true;
  }
  RESCIND_UNREACHABLE("not a verb");
}

std::string_view VerbTargets(Verb verb) {
  switch (verb) {
    case Verb::kDisable:
    case Verb::kSuspend: return "accounts and identities";
    case Verb::kEnd: return "sessions";
    case Verb::kRevoke: return "grants and credentials";
    case Verb::kDelete: return "accounts, credentials and grants";
    case Verb::kNotify: return "identities";
    case Verb::kRun: return "";
  }
  RESCIND_UNREACHABLE("not a verb");
}

}  // namespace rescind::check
