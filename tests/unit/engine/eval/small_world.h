// A small schema of people, accounts and grants, and facts about them, for the tests here.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "engine/facts/fact_base_builder.h"
#include "tests/support/program_builder.h"

namespace rescind {

inline FieldDef FieldOfKind(std::string name, TypeKind kind, bool optional = false) {
  FieldDef field;
  field.name = std::move(name);
  field.type.kind = kind;
  field.type.optional = optional;
  return field;
}

inline FieldDef ReferenceField(std::string name, EntityId entity, bool optional = false) {
  FieldDef field = FieldOfKind(std::move(name), TypeKind::kReference, optional);
  field.type.entity = entity;
  return field;
}

inline FieldDef ManyField(std::string name, EntityId entity, FieldId via) {
  FieldDef field = FieldOfKind(std::move(name), TypeKind::kMany);
  field.type.entity = entity;
  field.type.via = via;
  return field;
}

// person { name: text  email: text?  level: int  ends_on: date?  zone: text?  kind: enum ordered
//   { low, high }  tags: set of text  friends: set of person  boss: person? tracked
//   accounts: many account via owner }
// account { owner: person  backup: person?  used_at: time?  grants: many grant via account }
// grant { account: account  made_at: time  weight: int  lasts: duration?  active: bool }
inline Schema SmallSchema() {
  Schema schema;
  const EntityId person = schema.AddEntity("person");
  const EntityId account = schema.AddEntity("account");
  const EntityId grant = schema.AddEntity("grant");
  schema.AddField(person, FieldOfKind("name", TypeKind::kText));
  schema.AddField(person, FieldOfKind("email", TypeKind::kText, true));
  schema.AddField(person, FieldOfKind("level", TypeKind::kInt));
  schema.AddField(person, FieldOfKind("ends_on", TypeKind::kDate, true));
  schema.AddField(person, FieldOfKind("zone", TypeKind::kText, true));
  FieldDef kind = FieldOfKind("kind", TypeKind::kEnum);
  kind.type.enumeration = schema.AddEnum({{"low", "high"}, true});
  schema.AddField(person, kind);
  FieldDef tags = FieldOfKind("tags", TypeKind::kSet);
  schema.AddField(person, tags);
  FieldDef friends = FieldOfKind("friends", TypeKind::kSet);
  friends.type.element = TypeKind::kReference;
  friends.type.entity = person;
  schema.AddField(person, friends);
  FieldDef boss = ReferenceField("boss", person, true);
  boss.tracked = true;
  schema.AddField(person, boss);
  const FieldId owner = schema.AddField(account, ReferenceField("owner", person));
  schema.AddField(account, ReferenceField("backup", person, true));
  schema.AddField(account, FieldOfKind("used_at", TypeKind::kTime, true));
  const FieldId its_account = schema.AddField(grant, ReferenceField("account", account));
  schema.AddField(grant, FieldOfKind("made_at", TypeKind::kTime));
  schema.AddField(grant, FieldOfKind("weight", TypeKind::kInt));
  schema.AddField(grant, FieldOfKind("lasts", TypeKind::kDuration, true));
  schema.AddField(grant, FieldOfKind("active", TypeKind::kBool));
  schema.AddField(person, ManyField("accounts", account, owner));
  schema.AddField(account, ManyField("grants", grant, its_account));
  return schema;
}

inline FactBaseBuilder SmallFacts() {
  return FactBaseBuilder(std::make_shared<const Schema>(SmallSchema()));
}

inline Instant InstantOf(const char* text) { return ParseInstant(text).value(); }
inline Day DayOf(const char* text) { return ParseDay(text).value(); }

}  // namespace rescind
