#include "tests/differential/random_facts.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace rescind {
namespace {

constexpr uint32_t kIds = 12;  // that references name

FieldType RandomType(RandomChoice& choice, Schema& schema, uint32_t entity_count) {
  FieldType type;
  type.kind = choice.OneOf({TypeKind::kText, TypeKind::kBool, TypeKind::kInt, TypeKind::kTime,
                            TypeKind::kTime, TypeKind::kDate, TypeKind::kDuration, TypeKind::kEnum,
                            TypeKind::kReference, TypeKind::kReference, TypeKind::kSet});
  const auto take_enum = [&] {
    std::vector<std::string> members{"red", "green", "blue"};
    if (choice.OneIn(2)) members.pop_back();
    type.enumeration = schema.AddEnum({members, choice.OneIn(2)});
  };
  if (type.kind == TypeKind::kEnum) take_enum();
  if (type.kind == TypeKind::kReference) type.entity = EntityId(choice.Below(entity_count));
  if (type.kind == TypeKind::kSet) {
    type.element =
        choice.OneOf({TypeKind::kText, TypeKind::kInt, TypeKind::kEnum, TypeKind::kReference});
    if (type.element == TypeKind::kEnum) take_enum();
    if (type.element == TypeKind::kReference) type.entity = EntityId(choice.Below(entity_count));
  } else {
    type.optional = choice.Percent(type.kind == TypeKind::kReference ? 70 : 50);
  }
  return type;
}

PlainValue RandomSet(RandomChoice& choice, const Schema& schema, const FieldType& type) {
  const uint32_t count = choice.Below(4);
  if (type.element == TypeKind::kInt) {
    std::vector<int64_t> numbers;
    for (uint32_t i = 0; i < count; ++i) numbers.push_back(RandomInt(choice));
    return numbers;
  }
  std::vector<std::string> members;
  for (uint32_t i = 0; i < count; ++i) {
    if (type.element == TypeKind::kText) members.push_back(RandomText(choice));
    if (type.element == TypeKind::kReference) members.push_back(RandomId(choice));
    if (type.element == TypeKind::kEnum) {
      members.push_back(choice.Of(schema.enumeration(type.enumeration).members));
    }
  }
  return members;
}

PlainValue RandomValue(RandomChoice& choice, const Schema& schema, const FieldType& type,
                       Instant now) {
  switch (type.kind) {
    case TypeKind::kText: return RandomText(choice);
    case TypeKind::kBool: return choice.OneIn(2);
    case TypeKind::kInt: return RandomInt(choice);
    case TypeKind::kTime: return RandomInstant(choice, now);
    case TypeKind::kDate: return RandomDay(choice, now);
    case TypeKind::kDuration: return RandomDuration(choice);
    case TypeKind::kEnum: return choice.Of(schema.enumeration(type.enumeration).members);
    case TypeKind::kReference: return RandomId(choice);
    case TypeKind::kSet: return RandomSet(choice, schema, type);
    case TypeKind::kMany: break;
  }
  return {};
}

void FillRow(RandomChoice& choice, const Schema& schema, const EntityDef& entity,
             const std::string& id, Instant now, FactBaseBuilder& facts) {
  FactBaseBuilder::Row row = facts.Mention(entity.name, id);
  for (const FieldDef& field : entity.fields) {
    if (field.type.kind == TypeKind::kMany) continue;
    // A required field may be missing too: nobody delivered it.
    if (!choice.Percent(field.type.optional ? 35 : 2)) {
      row.Set(field.name, RandomValue(choice, schema, field.type, now));
    }
    if (field.tracked && choice.OneIn(2)) {
      row.SetPast(field.name, RandomValue(choice, schema, field.type, now),
                  RandomInstant(choice, now));
    }
  }
}

}  // namespace

Schema RandomSchema(RandomChoice& choice) {
  Schema schema;
  const uint32_t entity_count = 1 + choice.Below(4);
  for (uint32_t e = 0; e < entity_count; ++e) schema.AddEntity("e" + std::to_string(e));
  for (uint32_t e = 0; e < entity_count; ++e) {
    const uint32_t field_count = 2 + choice.Below(8);
    for (uint32_t f = 0; f < field_count; ++f) {
      FieldDef field;
      field.name = "f" + std::to_string(f);
      field.type = RandomType(choice, schema, entity_count);
      field.tracked = choice.OneIn(3);
      schema.AddField(EntityId(e), field);
    }
  }
  for (uint32_t e = 0; e < entity_count; ++e) {
    const auto fields = schema.entity(EntityId(e)).fields;
    for (uint32_t f = 0; f < fields.size(); ++f) {
      if (fields[f].type.kind != TypeKind::kReference || choice.OneIn(4)) continue;
      FieldDef many;
      many.type.kind = TypeKind::kMany;
      many.type.entity = EntityId(e);
      many.type.via = FieldId(f);
      const EntityId target = fields[f].type.entity;
      many.name = "m" + std::to_string(schema.entity(target).fields.size());
      schema.AddField(target, many);
    }
  }
  return schema;
}

Instant RandomNow(RandomChoice& choice) {
  const char* text = choice.OneOf(
      {"2026-03-29T01:00Z", "2026-10-25T01:00Z", "2025-12-31T23:00Z", "2026-01-01T00:00Z",
       "2024-02-29T12:00Z", "2026-11-01T06:00Z", "2011-12-30T10:00Z", "2026-04-01T09:00Z",
       "1969-12-31T23:59:59.999999Z", "0001-01-01T12:00Z", "9999-12-31T12:00Z"});
  const Instant at = ParseInstant(text).value();
  return {at.micros + choice.OneOf({int64_t{0}, int64_t{-1}, int64_t{1},
                                    choice.Between(-kMicrosPerDay / 2, kMicrosPerDay / 2)})};
}

Instant RandomInstant(RandomChoice& choice, Instant now) {
  const int64_t first = kFirstDay.days * kMicrosPerDay;
  const int64_t last = (kLastDay.days + int64_t{1}) * kMicrosPerDay - 1;
  if (choice.OneIn(40)) return {choice.OneOf({first, last, first + 1, last - kMicrosPerDay})};
  const int64_t unit = choice.OneOf({int64_t{1}, kMicrosPerSecond, kMicrosPerHour, kMicrosPerDay});
  return {std::clamp(now.micros + unit * choice.Between(-100, 100), first, last)};
}

Day RandomDay(RandomChoice& choice, Instant now) {
  if (choice.OneIn(40)) return choice.OneOf({kFirstDay, kLastDay, Day{kLastDay.days - 20}});
  const int64_t today = now.micros / kMicrosPerDay;
  const int64_t days = today + choice.OneOf({choice.Between(-3, 3), choice.Between(-400, 400)});
  return {static_cast<int32_t>(std::clamp<int64_t>(days, kFirstDay.days, kLastDay.days))};
}

Duration RandomDuration(RandomChoice& choice) {
  if (choice.OneIn(20)) {
    return {
        choice.OneOf({std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min() + 1,
                      std::numeric_limits<int64_t>::max() / 2})};
  }
  const int64_t unit = choice.OneOf({int64_t{1}, kMicrosPerHour, kMicrosPerDay});
  return {unit * choice.Between(-30, 100)};
}

int64_t RandomInt(RandomChoice& choice) {
  if (choice.OneIn(15)) {
    return choice.OneOf({std::numeric_limits<int64_t>::max(),
                         std::numeric_limits<int64_t>::min() + 1, int64_t{1} << 40});
  }
  return choice.Between(-3, 5);
}

std::string RandomText(RandomChoice& choice) {
  return choice.OneOf({"", "a", "A", "ab", "aB", "\xC3\x84rger", "\xC3\xA4rger", "svc-1", "r1",
                       "UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kolkata",
                       "Nowhere/Town", "utc"});
}

std::string RandomId(RandomChoice& choice) { return "r" + std::to_string(choice.Below(kIds)); }

FactBaseBuilder RandomFacts(RandomChoice& choice, const std::shared_ptr<const Schema>& schema,
                            Instant now,
                            const std::set<std::pair<std::string, std::string>>& left_out) {
  FactBaseBuilder facts(schema);
  FactBaseBuilder nowhere(schema);  // what is left out is thrown for all the same
  const auto at = [&](const EntityDef& entity, const std::string& id) -> FactBaseBuilder& {
    return left_out.count({entity.name, id}) > 0 ? nowhere : facts;
  };
  // Seldom many: then members no longer fit one slice of a fold.
  const uint32_t ids = choice.OneIn(15) ? 100 : choice.OneOf({2U, 8U, kIds, kIds});
  const uint32_t live_percent = choice.OneOf({50U, 85U, 99U});
  for (const EntityDef& entity : schema->entities()) {
    for (uint32_t i = 0; i < ids; ++i) {
      const std::string id = "r" + std::to_string(i);
      FactBaseBuilder& into = at(entity, id);
      if (choice.Percent(live_percent)) {
        into.Live(entity.name, id);
      } else if (choice.OneIn(2)) {
        into.Remove(entity.name, id,
                    choice.OneIn(3) ? std::nullopt : std::optional(RandomInstant(choice, now)));
      } else {
        continue;
      }
      FillRow(choice, *schema, entity, id, now, into);
    }
  }
  for (const EntityDef& entity : schema->entities()) {
    if (!choice.OneIn(2)) continue;
    facts.Close(entity.name,
                choice.OneIn(3) ? std::nullopt : std::optional(RandomInstant(choice, now)));
  }
  // After the snapshots: closed entities have rows that nobody saw, too.
  if (choice.OneIn(2)) {
    for (const EntityDef& entity : schema->entities()) {
      FactBaseBuilder& into = at(entity, "late");
      into.Live(entity.name, "late");
      FillRow(choice, *schema, entity, "late", now, into);
    }
  }
  return facts;
}

namespace {

void ChangeField(RandomChoice& choice, const Schema& schema, const EntityDef& entity,
                 const std::string& id, Instant now, FactBaseBuilder& facts) {
  const FieldDef& field = choice.Of(entity.fields);
  if (field.type.kind == TypeKind::kMany) return;
  FactBaseBuilder::Row row = facts.Mention(entity.name, id);
  if (field.tracked && choice.OneIn(3)) {
    row.SetPast(field.name, RandomValue(choice, schema, field.type, now),
                RandomInstant(choice, now));
  } else if (choice.OneIn(4)) {
    row.SetUnknown(field.name);
  } else {
    row.Set(field.name, RandomValue(choice, schema, field.type, now));
  }
}

}  // namespace

void ChangeFacts(RandomChoice& choice, const Schema& schema, Instant now, FactBaseBuilder& facts) {
  for (uint32_t left = 1 + choice.Below(4); left > 0; --left) {
    const EntityDef& entity = choice.Of(schema.entities());
    const std::string id = choice.OneIn(6) ? "new" : RandomId(choice);
    if (choice.OneIn(30)) {
      facts.Close(entity.name, RandomInstant(choice, now));
    } else if (choice.OneIn(6)) {
      facts.Remove(entity.name, id, RandomInstant(choice, now));
    } else {
      if (choice.OneIn(4)) facts.Live(entity.name, id);
      ChangeField(choice, schema, entity, id, now, facts);
    }
  }
}

}  // namespace rescind
