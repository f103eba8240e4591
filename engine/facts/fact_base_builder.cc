#include "engine/facts/fact_base_builder.h"

#include "engine/base/assert.h"

namespace rescind {

// A copy of what the base does not keep in memory.
class FactBaseBuilder::Texts final : public RowTexts {
 public:
  Texts(std::shared_ptr<const Schema> schema, std::vector<PlainTable> tables)
      : schema_(std::move(schema)), tables_(std::move(tables)) {}

  Result<std::string> Id(EntityId entity, RowId row) const override { return At(entity, row).id; }

  Result<std::optional<std::string>> Text(EntityId entity, FieldId field,
                                          RowId row) const override {
    RESCIND_ASSERT(schema_->field(entity, field).type.kind == TypeKind::kText, "not a text field");
    const PlainValue& value = At(entity, row).values[field.index()];
    if (const auto* text = std::get_if<std::string>(&value)) return std::optional(*text);
    return std::optional<std::string>();
  }

  Result<std::optional<FieldOrigin>> Origin(EntityId entity, FieldId field,
                                            RowId row) const override {
    return At(entity, row).origins[field.index()];
  }

  Result<std::optional<RowId>> Find(EntityId entity, std::string_view id) const override {
    const auto& by_id = tables_[entity.index()].by_id;
    const auto found = by_id.find(std::string(id));
    if (found == by_id.end()) return std::optional<RowId>();
    return std::optional(RowId(found->second));
  }

 private:
  const PlainRow& At(EntityId entity, RowId row) const {
    const auto& rows = tables_[entity.index()].rows;
    RESCIND_ASSERT(row.valid() && row.index() < rows.size(), "no such row");
    return rows[row.index()];
  }

  std::shared_ptr<const Schema> schema_;
  std::vector<PlainTable> tables_;
};

FactBaseBuilder::FactBaseBuilder(std::shared_ptr<const Schema> schema)
    : schema_(std::move(schema)), tables_(schema_->entities().size()) {}

EntityId FactBaseBuilder::Entity(std::string_view name) const {
  const auto found = schema_->Find(name);
  RESCIND_ASSERT(found.has_value(), "unknown entity");
  return *found;
}

RowId FactBaseBuilder::RowOf(EntityId entity, std::string_view id) {
  PlainTable& table = tables_[entity.index()];
  const auto next = static_cast<uint32_t>(table.rows.size());
  const auto [it, added] = table.by_id.try_emplace(std::string(id), next);
  if (added) {
    const size_t fields = schema_->entity(entity).fields.size();
    PlainRow row;
    row.id = id;
    row.values.resize(fields);
    row.previous.resize(fields);
    row.changed_at.resize(fields);
    row.origins.resize(fields);
    table.rows.push_back(std::move(row));
  }
  return RowId(it->second);
}

FactBaseBuilder::Row FactBaseBuilder::Mention(std::string_view entity, std::string_view id) {
  const EntityId e = Entity(entity);
  return Row(this, e, RowOf(e, id));
}

FactBaseBuilder::Row FactBaseBuilder::Live(std::string_view entity, std::string_view id) {
  Row row = Mention(entity, id);
  tables_[row.entity_.index()].rows[row.row_.index()].presence = Presence::kLive;
  return row;
}

void FactBaseBuilder::Remove(std::string_view entity, std::string_view id,
                             std::optional<Instant> at) {
  const Row named = Mention(entity, id);
  PlainRow& row = tables_[named.entity_.index()].rows[named.row_.index()];
  row.presence = Presence::kRemoved;
  row.removed_at = at;
}

void FactBaseBuilder::Close(std::string_view entity, std::optional<Instant> at) {
  PlainTable& table = tables_[Entity(entity).index()];
  const auto row_count = static_cast<uint32_t>(table.rows.size());
  table.closed_row_count = row_count;
  const bool reaches_further = table.lacked.empty() || table.lacked.back().row_count < row_count;
  if (reaches_further) table.lacked.push_back({row_count, at});
}

void FactBaseBuilder::SetVersion(uint64_t facts_seq, Instant last_change) {
  facts_seq_ = facts_seq;
  last_change_ = last_change;
}

FactBaseBuilder::Row& FactBaseBuilder::Row::Set(std::string_view field, PlainValue value) {
  const auto id = builder_->schema_->entity(entity_).Find(field);
  RESCIND_ASSERT(id.has_value(), "unknown field");
  builder_->Admit(builder_->schema_->field(entity_, *id).type, value);
  builder_->tables_[entity_.index()].rows[row_.index()].values[id->index()] = std::move(value);
  return *this;
}

FactBaseBuilder::Row& FactBaseBuilder::Row::SetPast(std::string_view field, PlainValue previous,
                                                    Instant changed_at) {
  const auto id = builder_->schema_->entity(entity_).Find(field);
  RESCIND_ASSERT(id.has_value(), "unknown field");
  const FieldDef& definition = builder_->schema_->field(entity_, *id);
  RESCIND_ASSERT(definition.tracked, "the field is not tracked");
  builder_->Admit(definition.type, previous);
  PlainRow& row = builder_->tables_[entity_.index()].rows[row_.index()];
  row.previous[id->index()] = std::move(previous);
  row.changed_at[id->index()] = changed_at;
  return *this;
}

FactBaseBuilder::Row& FactBaseBuilder::Row::SetIncarnation(uint32_t incarnation) {
  builder_->tables_[entity_.index()].rows[row_.index()].incarnation = incarnation;
  return *this;
}

FactBaseBuilder::Row& FactBaseBuilder::Row::SetOrigin(std::string_view field, FieldOrigin origin) {
  const auto id = builder_->schema_->entity(entity_).Find(field);
  RESCIND_ASSERT(id.has_value(), "unknown field");
  builder_->tables_[entity_.index()].rows[row_.index()].origins[id->index()] = std::move(origin);
  return *this;
}

void FactBaseBuilder::Admit(const FieldType& type, const PlainValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return;
  const auto is = [&](auto of_type) { return std::holds_alternative<decltype(of_type)>(value); };
  const bool fits = [&] {
    switch (type.kind) {
      case TypeKind::kText:
      case TypeKind::kReference: return is(std::string());
      case TypeKind::kBool: return is(false);
      case TypeKind::kInt: return is(int64_t{});
      case TypeKind::kTime: return is(Instant());
      case TypeKind::kDate: return is(Day());
      case TypeKind::kDuration: return is(Duration());
      case TypeKind::kEnum:
        return is(std::string()) && schema_->enumeration(type.enumeration)
                                        .Find(std::get<std::string>(value))
                                        .has_value();
      case TypeKind::kSet:
        return type.element == TypeKind::kInt ? is(std::vector<int64_t>())
                                              : is(std::vector<std::string>());
      case TypeKind::kMany: return false;
    }
    return false;
  }();
  RESCIND_ASSERT(fits, "a value of another type than its field");
  if (type.kind == TypeKind::kReference) RowOf(type.entity, std::get<std::string>(value));
  if (type.kind == TypeKind::kSet && type.element == TypeKind::kReference) {
    for (const auto& id : std::get<std::vector<std::string>>(value)) RowOf(type.entity, id);
  }
}

uint32_t FactBaseBuilder::PutSet(Column& column, const FieldType& type,
                                 const PlainValue& value) const {
  if (const auto* integers = std::get_if<std::vector<int64_t>>(&value)) {
    return column.mutable_pool().InternIntegers(*integers);
  }
  std::vector<uint32_t> members;
  for (const auto& text : std::get<std::vector<std::string>>(value)) {
    if (type.element == TypeKind::kText) {
      members.push_back(column.mutable_dictionary().Intern(text));
    } else if (type.element == TypeKind::kEnum) {
      members.push_back(schema_->enumeration(type.enumeration).Find(text).value());
    } else {
      members.push_back(tables_[type.entity.index()].by_id.at(text));
    }
  }
  return column.mutable_pool().Intern(members);
}

void FactBaseBuilder::Put(Column& column, const FieldType& type, uint32_t row,
                          const PlainValue& value) const {
  if (std::holds_alternative<std::monostate>(value)) return;
  switch (type.kind) {
    case TypeKind::kBool: column.mutable_bytes()[row] = std::get<bool>(value) ? 1 : 0; break;
    case TypeKind::kEnum:
      column.mutable_bytes()[row] =
          schema_->enumeration(type.enumeration).Find(std::get<std::string>(value)).value();
      break;
    case TypeKind::kText:
      column.mutable_words()[row] =
          column.mutable_dictionary().Intern(std::get<std::string>(value));
      break;
    case TypeKind::kReference:
      column.mutable_words()[row] =
          tables_[type.entity.index()].by_id.at(std::get<std::string>(value));
      break;
    case TypeKind::kDate: column.mutable_days()[row] = std::get<Day>(value).days; break;
    case TypeKind::kInt: column.mutable_longs()[row] = std::get<int64_t>(value); break;
    case TypeKind::kTime: column.mutable_longs()[row] = std::get<Instant>(value).micros; break;
    case TypeKind::kDuration: column.mutable_longs()[row] = std::get<Duration>(value).micros; break;
    case TypeKind::kSet: column.mutable_words()[row] = PutSet(column, type, value); break;
    case TypeKind::kMany: RESCIND_UNREACHABLE("a `many` field has no value");
  }
}

void FactBaseBuilder::FillRow(FactBase& base, const ColumnSet& columns, EntityId entity,
                              uint32_t index) const {
  const PlainRow& row = tables_[entity.index()].rows[index];
  base.mutable_presence(entity)[index] = static_cast<uint8_t>(row.presence);
  if (row.presence != Presence::kAbsent && row.incarnation != 1) {
    base.SetIncarnation(entity, RowId(index), row.incarnation);
  } else if (row.presence == Presence::kRemoved) {
    base.SetIncarnation(entity, RowId(index), 1);
  }
  if (row.removed_at) base.SetRemovedAt(entity, RowId(index), *row.removed_at);
  const auto& fields = schema_->entity(entity).fields;
  for (uint32_t f = 0; f < fields.size(); ++f) {
    if (!base.table(entity).has(FieldId(f))) continue;
    Put(base.mutable_column(entity, FieldId(f)), fields[f].type, index, row.values[f]);
    if (!columns.HasHistory(entity, FieldId(f)) || !fields[f].tracked) continue;
    TrackedColumn& tracked = base.mutable_tracked(entity, FieldId(f));
    Put(tracked.previous, fields[f].type, index, row.previous[f]);
    if (row.changed_at[f]) tracked.changed_at[index] = row.changed_at[f]->micros;
  }
}

FactBase FactBaseBuilder::Build(const ColumnSet& columns) const {
  FactBase base(schema_);
  const ColumnSet wanted = columns.Closure(*schema_);
  for (uint32_t e = 0; e < tables_.size(); ++e) {
    base.Resize(EntityId(e), static_cast<uint32_t>(tables_[e].rows.size()));
    if (tables_[e].closed_row_count) {
      base.Close(EntityId(e), *tables_[e].closed_row_count, tables_[e].lacked);
    }
    if (!wanted.ids.count(EntityId(e))) continue;
    Column& ids = base.AddIds(EntityId(e));
    for (uint32_t row = 0; row < tables_[e].rows.size(); ++row) {
      ids.mutable_words()[row] = ids.mutable_dictionary().Intern(tables_[e].rows[row].id);
    }
  }
  for (const auto& [entity, field] : wanted.fields) base.AddColumn(entity, field);
  for (const auto& [entity, field] : wanted.history) base.AddTracked(entity, field);
  for (uint32_t e = 0; e < tables_.size(); ++e) {
    for (uint32_t row = 0; row < tables_[e].rows.size(); ++row) {
      FillRow(base, wanted, EntityId(e), row);
    }
  }
  base.SetVersion(facts_seq_, last_change_);
  base.SetTexts(std::make_shared<Texts>(schema_, tables_));
  base.Derive();
  return base;
}

}  // namespace rescind
