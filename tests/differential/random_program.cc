#include "tests/differential/random_program.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "tests/differential/random_facts.h"

namespace rescind {

using ir::Op;

namespace {

CivilDuration RandomLength(RandomChoice& choice) {
  const CivilUnit unit = choice.OneOf(
      {CivilUnit::kDays, CivilUnit::kMonths, CivilUnit::kYears, CivilUnit::kBusinessDays});
  return {unit, choice.OneIn(30) ? choice.OneOf({int64_t{5'000'000}, int64_t{-3'000'000}})
                                 : choice.Between(-14, 14)};
}

}  // namespace

RandomProgram::RandomProgram(RandomChoice& choice, Schema schema, Instant now)
    : choice_(choice), now_(now), builder_(std::move(schema)) {
  AddTables();
}

void RandomProgram::AddTables() {
  ir::Table table;
  table.name = "pairs";
  const uint32_t column_count = 1 + choice_.Below(3);
  for (uint32_t c = 0; c < column_count; ++c) {
    table.columns.push_back({"c" + std::to_string(c), AnyScalar()});
  }
  const uint32_t row_count = choice_.Below(5);
  for (uint32_t r = 0; r < row_count; ++r) {
    auto& cells = table.rows.emplace_back();
    for (const auto& column : table.columns) {
      if (choice_.OneIn(6)) {
        cells.emplace_back();
        continue;
      }
      const ir::NodeId constant = Constant(column.type);
      cells.push_back(builder_.program().node(constant).constant);
    }
  }
  tables_.push_back(builder_.AddTable(std::move(table)));
}

void RandomProgram::AddRules() {
  const uint32_t rule_count = 1 + choice_.Below(5);
  const auto& entities = builder_.program().schema.entities();
  for (uint32_t r = 0; r < rule_count; ++r) {
    const std::string entity = choice_.Of(entities).name;
    scope_ = {builder_.Row(entity)};
    const ir::NodeId when = Bool(static_cast<int>(1 + choice_.Below(4)));
    const ir::NodeId unless = choice_.OneIn(3) ? Bool(2) : ir::NodeId();
    builder_.AddRule(entity, when, unless);
  }
}

std::vector<RandomProgram::Probe> RandomProgram::AddProbes(uint32_t count) {
  std::vector<Probe> probes;
  for (uint32_t i = 0; i < count; ++i) {
    const EntityDef entity = choice_.Of(builder_.program().schema.entities());
    scope_ = {builder_.Row(entity.name)};
    may_name_now_ = true;
    probes.push_back({builder_.EntityOf(entity.name), Expression(AnyType(), 3)});
    may_name_now_ = false;
  }
  return probes;
}

std::vector<RandomProgram::CollectionProbe> RandomProgram::AddCollections(uint32_t count) {
  std::vector<CollectionProbe> probes;
  for (uint32_t i = 0; i < count; ++i) {
    const EntityDef entity = choice_.Of(builder_.program().schema.entities());
    scope_ = {builder_.Row(entity.name)};
    const ir::CollectionId collection = Collection(3);
    if (!collection.valid()) continue;
    if (builder_.program().collection(collection).member.kind != Kind::kRow) continue;
    probes.push_back({builder_.EntityOf(entity.name), collection});
  }
  return probes;
}

// ---- Types ------------------------------------------------------------------------------------

ir::Type RandomProgram::AnyScalar() {
  const Schema& schema = builder_.program().schema;
  const Kind kind = choice_.OneOf({Kind::kBool, Kind::kText, Kind::kInt, Kind::kTime, Kind::kDate,
                                   Kind::kDuration, Kind::kEnum, Kind::kRow});
  ir::Type type = ProgramBuilder::Of(kind);
  if (kind == Kind::kEnum) {
    if (schema.enumerations().empty()) return ProgramBuilder::Of(Kind::kInt);
    type.enumeration = EnumId(choice_.Below(static_cast<uint32_t>(schema.enumerations().size())));
  }
  if (kind == Kind::kRow) {
    type.entity = EntityId(choice_.Below(static_cast<uint32_t>(schema.entities().size())));
  }
  return type;
}

// Also sets, where some field has one.
ir::Type RandomProgram::AnyType() {
  if (choice_.OneIn(8)) {
    const EntityDef& entity = choice_.Of(builder_.program().schema.entities());
    const FieldDef& field = choice_.Of(entity.fields);
    if (field.type.kind != TypeKind::kMany) return ProgramBuilder::FieldValueType(field.type);
  }
  return AnyScalar();
}

// ---- Expressions ------------------------------------------------------------------------------

ir::NodeId RandomProgram::Constant(const ir::Type& type) {
  switch (type.kind) {
    case Kind::kBool: return builder_.Bool(choice_.OneIn(2));
    case Kind::kText: return builder_.Text(RandomText(choice_));
    case Kind::kInt: return builder_.Int(RandomInt(choice_));
    case Kind::kTime: return builder_.At(RandomInstant(choice_, now_));
    case Kind::kDate: return builder_.On(RandomDay(choice_, now_));
    case Kind::kDuration: return builder_.Length(RandomDuration(choice_));
    case Kind::kEnum: {
      const auto& members = builder_.program().schema.enumeration(type.enumeration).members;
      return builder_.Constant(type, int64_t{choice_.Below(static_cast<uint32_t>(members.size()))});
    }
    case Kind::kRow:
      return builder_.ConstantRow(builder_.program().schema.entity(type.entity).name,
                                  RandomId(choice_));
    default: return {};
  }
}

ir::NodeId RandomProgram::MemberOfType(const ir::Type& type) {
  std::vector<ir::NodeId> fitting;
  for (ir::NodeId member : scope_) {
    if (builder_.program().node(member).type == type) fitting.push_back(member);
  }
  return fitting.empty() ? ir::NodeId() : choice_.Of(fitting);
}

ir::NodeId RandomProgram::AnyRow(int depth) {
  std::vector<ir::NodeId> rows;
  for (ir::NodeId member : scope_) {
    if (builder_.program().node(member).type.kind == Kind::kRow) rows.push_back(member);
  }
  // Mostly of the innermost member: the others are its surroundings.
  ir::NodeId row = rows.empty() ? scope_.front() : rows.back();
  if (!rows.empty() && choice_.OneIn(3)) row = choice_.Of(rows);
  // Mostly a short path on from there.
  for (uint32_t hops = choice_.Below(3); hops > 0; --hops) {
    const ir::Type type = builder_.program().node(row).type;
    if (type.kind != Kind::kRow) break;
    const EntityDef entity = builder_.program().schema.entity(type.entity);
    const FieldDef& field = choice_.Of(entity.fields);
    if (field.type.kind != TypeKind::kReference) continue;
    const bool past = field.tracked && choice_.OneIn(4);
    row = past ? builder_.Path(Op::kPrevious, row, field.name) : builder_.Field(row, field.name);
    if (depth > 1 && choice_.OneIn(8)) {
      // A copy: the nodes move when one is added.
      const ir::Type wanted = builder_.program().node(row).type;
      row = builder_.Coalesce(row, Expression(wanted, depth - 2));
    }
  }
  return row;
}

ir::NodeId RandomProgram::FieldOfType(const ir::Type& type, int depth) {
  for (int attempt = 0; attempt < 4; ++attempt) {
    const ir::NodeId row = AnyRow(depth);
    const ir::Type row_type = builder_.program().node(row).type;
    if (row_type.kind != Kind::kRow) continue;
    const EntityDef entity = builder_.program().schema.entity(row_type.entity);
    std::vector<const FieldDef*> fitting;
    for (const FieldDef& field : entity.fields) {
      if (field.type.kind != TypeKind::kMany &&
          ProgramBuilder::FieldValueType(field.type) == type) {
        fitting.push_back(&field);
      }
    }
    if (fitting.empty()) continue;
    const FieldDef& field = *choice_.Of(fitting);
    if (field.tracked && choice_.OneIn(3)) {
      return builder_.Path(Op::kPrevious, row, field.name);
    }
    return builder_.Field(row, field.name);
  }
  return {};
}

ir::NodeId RandomProgram::CellOfType(const ir::Type& type) {
  for (ir::NodeId member : scope_) {
    const ir::Type row = builder_.program().node(member).type;
    if (row.kind != Kind::kTableRow) continue;
    const auto& columns = builder_.program().tables[row.table.index()].columns;
    for (uint32_t c = 0; c < columns.size(); ++c) {
      if (columns[c].type == type) return builder_.Column(member, c);
    }
  }
  return {};
}

ir::NodeId RandomProgram::Special(const ir::Type& type, int depth) {
  switch (type.kind) {
    case Kind::kBool: return Bool(depth);
    case Kind::kInt: return Number(depth);
    case Kind::kTime: return Time(depth);
    case Kind::kDate: return Date(depth);
    case Kind::kDuration: return Duration(depth);
    case Kind::kText: {
      if (choice_.OneIn(2)) {
        return builder_.Apply(Op::kLower, type, {Expression(type, depth - 1)});
      }
      const ir::NodeId row = AnyRow(depth);
      return builder_.program().node(row).type.kind == Kind::kRow ? builder_.Id(row) : ir::NodeId();
    }
    default: return {};
  }
}

ir::NodeId RandomProgram::Expression(const ir::Type& type, int depth) {
  for (int attempt = 0; attempt < 6; ++attempt) {
    ir::NodeId node;
    const uint32_t way = choice_.Below(10);
    if (way < 4) node = FieldOfType(type, depth);
    if (way == 4) node = MemberOfType(type);
    if (way == 5) node = CellOfType(type);
    if (way == 6 && depth > 0) {
      node = Expression(type, depth - 1);
      if (node.valid()) node = builder_.Coalesce(node, Expression(type, depth - 1));
    }
    if (way > 6 && depth > 0) node = Special(type, depth);
    if (node.valid()) return node;
  }
  if (type.kind == Kind::kSet) {
    // Some field has it: a set in another entity is reached by naming a row.
    const Schema& schema = builder_.program().schema;
    for (const EntityDef& entity : schema.entities()) {
      for (const FieldDef& field : entity.fields) {
        if (field.type.kind == TypeKind::kMany) continue;
        if (ProgramBuilder::FieldValueType(field.type) != type) continue;
        const std::string entity_name = entity.name;
        const std::string field_name = field.name;
        return builder_.Field(builder_.ConstantRow(entity_name, RandomId(choice_)), field_name);
      }
    }
  }
  return Constant(type);
}

ir::NodeId RandomProgram::Zone(int depth) {
  if (choice_.OneIn(2)) {
    return builder_.Text(choice_.OneOf(
        {"UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Nowhere/Town"}));
  }
  return Expression(ProgramBuilder::Of(Kind::kText), depth - 1);
}

ir::NodeId RandomProgram::Number(int depth) {
  const ir::Type type = ProgramBuilder::Of(Kind::kInt);
  switch (choice_.Below(6)) {
    case 0: return Fold(Op::kCount, type, depth);
    case 1: return Fold(Op::kSum, type, depth);
    case 2: return builder_.Apply(Op::kNegate, type, {Expression(type, depth - 1)});
    default:
      return builder_.Apply(choice_.OneOf({Op::kAdd, Op::kSubtract, Op::kMultiply}), type,
                            {Expression(type, depth - 1), Expression(type, depth - 1)});
  }
}

ir::NodeId RandomProgram::Time(int depth) {
  const ir::Type type = ProgramBuilder::Of(Kind::kTime);
  const ir::Type length = ProgramBuilder::Of(Kind::kDuration);
  switch (choice_.Below(7)) {
    case 0: return Fold(choice_.OneOf({Op::kLatest, Op::kEarliest}), type, depth);
    case 1:
      return builder_.Apply(Op::kStartOf, type,
                            {Expression(ProgramBuilder::Of(Kind::kDate), depth - 1), Zone(depth)});
    case 2: return may_name_now_ ? builder_.Apply(Op::kNow, type, {}) : ir::NodeId();
    case 3:
    case 4: {
      const ir::NodeId row = AnyRow(depth);
      if (builder_.program().node(row).type.kind != Kind::kRow) return {};
      const EntityDef entity =
          builder_.program().schema.entity(builder_.program().node(row).type.entity);
      for (int attempt = 0; attempt < 6; ++attempt) {
        const FieldDef& field = choice_.Of(entity.fields);
        if (field.type.kind == TypeKind::kReference && choice_.OneIn(2)) {
          return builder_.Path(Op::kRemovedAt, row, field.name);
        }
        if (field.tracked) return builder_.Path(Op::kChangedAt, row, field.name);
      }
      return {};
    }
    default:
      return builder_.Apply(choice_.OneOf({Op::kAdd, Op::kSubtract}), type,
                            {Expression(type, depth - 1), Expression(length, depth - 1)});
  }
}

ir::NodeId RandomProgram::Date(int depth) {
  const ir::Type type = ProgramBuilder::Of(Kind::kDate);
  switch (choice_.Below(5)) {
    case 0: return Fold(choice_.OneOf({Op::kLatest, Op::kEarliest}), type, depth);
    case 1: return may_name_now_ ? builder_.Apply(Op::kToday, type, {Zone(depth)}) : ir::NodeId();
    case 2:
      return builder_.Apply(Op::kDateOf, type,
                            {Expression(ProgramBuilder::Of(Kind::kTime), depth - 1), Zone(depth)});
    default: return builder_.AddCivil(Expression(type, depth - 1), RandomLength(choice_));
  }
}

ir::NodeId RandomProgram::Duration(int depth) {
  const ir::Type type = ProgramBuilder::Of(Kind::kDuration);
  const ir::Type time = ProgramBuilder::Of(Kind::kTime);
  switch (choice_.Below(4)) {
    case 0: return Fold(Op::kSum, type, depth);
    case 1:
      return builder_.Apply(Op::kSubtract, type,
                            {Expression(time, depth - 1), Expression(time, depth - 1)});
    default:
      return builder_.Apply(choice_.OneOf({Op::kAdd, Op::kSubtract}), type,
                            {Expression(type, depth - 1), Expression(type, depth - 1)});
  }
}

// ---- Conditions -------------------------------------------------------------------------------

ir::NodeId RandomProgram::Bool(int depth) {
  const ir::Type type = ProgramBuilder::Of(Kind::kBool);
  if (depth <= 0) {
    if (choice_.OneIn(3)) return Moment(0);
    return choice_.OneIn(3) ? Expression(type, 0) : Relation(0);
  }
  switch (choice_.Below(14)) {
    case 0:
    case 1:
    case 2: {
      std::vector<ir::NodeId> operands{Bool(depth - 1), Bool(depth - 1)};
      while (choice_.OneIn(3)) operands.push_back(Bool(depth - 1));
      return builder_.Logic(choice_.OneOf({Op::kAnd, Op::kOr}), operands);
    }
    case 3: return builder_.Not(Bool(depth - 1));
    case 4: return builder_.IsKnown(Expression(AnyType(), depth - 1));
    case 5:
    case 6: {
      const ir::NodeId fold = Fold(choice_.OneOf({Op::kAny, Op::kAll}), type, depth);
      return fold.valid() ? fold : Relation(depth - 1);
    }
    case 7:
    case 8:
    case 9: return Moment(depth);
    case 10:
    case 11: {
      // What time brings into a collection, or takes out of it.
      const ir::NodeId count = Fold(Op::kCount, ProgramBuilder::Of(Kind::kInt), depth);
      if (count.valid()) return builder_.Compare(ir::Compare::kLess, builder_.Int(0), count);
      return Relation(depth - 1);
    }
    default: return Relation(depth);
  }
}

ir::NodeId RandomProgram::Moment(int depth) {
  if (choice_.OneIn(3)) {
    return builder_.DayReached(Expression(ProgramBuilder::Of(Kind::kDate), depth - 1), Zone(depth),
                               choice_.Between(-2, 2), RandomLength(choice_));
  }
  std::vector<std::pair<int, ir::NodeId>> terms;
  const uint32_t term_count = choice_.OneOf({0U, 1U, 1U, 1U, 1U, 2U, 3U});
  for (uint32_t i = 0; i < term_count; ++i) {
    const Kind kind = i > 0 && choice_.OneIn(2) ? Kind::kDuration : Kind::kTime;
    const int sign = i == 0 && !choice_.OneIn(8) ? -1 : choice_.OneOf({-1, 1});
    const ir::Type type = ProgramBuilder::Of(kind);
    const ir::NodeId term = Expression(type, depth - 1);
    // In a moment `now` is normalised away everywhere.
    const bool is_now = builder_.program().node(term).op == Op::kNow;
    terms.emplace_back(sign, is_now ? Constant(type) : term);
  }
  const int64_t offset =
      choice_.OneOf({int64_t{0}, int64_t{-1}, int64_t{1}, RandomDuration(choice_).micros});
  const int32_t factor = choice_.OneOf({0, 1, 1, 1, 1, 1, 2, 3});
  return builder_.Reached(factor, terms, offset);
}

ir::NodeId RandomProgram::Relation(int depth) {
  switch (choice_.Below(6)) {
    case 0: return TextRelation(depth);
    case 1: return In(depth);
    case 2: {
      const ir::NodeId has = Has(depth);
      if (has.valid()) return has;
      break;
    }
    default: break;
  }
  const ir::Type type = AnyScalar();
  ir::Compare compare = ir::Compare::kEqual;
  const bool ordered = type.kind == Kind::kInt || type.kind == Kind::kTime ||
                       type.kind == Kind::kDate || type.kind == Kind::kDuration ||
                       type.kind == Kind::kEnum;
  if (ordered) {
    compare = choice_.OneOf({ir::Compare::kEqual, ir::Compare::kLess, ir::Compare::kLessEqual});
  }
  return builder_.Compare(compare, Expression(type, depth - 1), Expression(type, depth - 1));
}

ir::NodeId RandomProgram::TextRelation(int depth) {
  const ir::Type type = ProgramBuilder::Of(Kind::kText);
  const ir::NodeId text = Expression(type, depth - 1);
  if (choice_.OneIn(3)) {
    return builder_.Matches(text, choice_.OneOf({"a", "^A", "b$", "[0-9]+", "^$", "(?i)ab"}));
  }
  return builder_.Logic(choice_.OneOf({Op::kStartsWith, Op::kEndsWith, Op::kContains}),
                        {text, Expression(type, depth - 1)});
}

ir::NodeId RandomProgram::In(int depth) {
  ir::Type type = AnyScalar();
  std::vector<ir::Constant> items;
  for (uint32_t i = choice_.Below(5); i > 0; --i) {
    const ir::NodeId constant = Constant(type);
    items.push_back(builder_.program().node(constant).constant);
  }
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  return builder_.In(Expression(type, depth - 1), std::move(items));
}

ir::NodeId RandomProgram::Has(int depth) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const EntityDef& entity = choice_.Of(builder_.program().schema.entities());
    const FieldType type = choice_.Of(entity.fields).type;
    if (type.kind != TypeKind::kSet) continue;
    const ir::Type set = ProgramBuilder::FieldValueType(type);
    const ir::Type element = ProgramBuilder::ElementType(type);
    return builder_.Logic(Op::kHas, {Expression(set, depth - 1), Expression(element, depth - 1)});
  }
  return {};
}

// ---- Collections ------------------------------------------------------------------------------

ir::FrameId RandomProgram::FrameOver(ir::CollectionId collection) {
  ir::FrameId parent = builder_.program().node(scope_.back()).frame;
  // Seldom from further out, so that frames are shared.
  if (choice_.OneIn(3)) {
    parent = builder_.program().collection(collection).outer;
    scope_.erase(std::remove_if(scope_.begin(), scope_.end(),
                                [&](ir::NodeId member) {
                                  const ir::FrameId frame = builder_.program().node(member).frame;
                                  return !parent.valid() || frame > parent;
                                }),
                 scope_.end());
  }
  return builder_.Over(parent, collection);
}

ir::CollectionId RandomProgram::Collection(int depth) {
  for (int attempt = 0; attempt < 16; ++attempt) {
    if (choice_.OneIn(16)) return builder_.TableRows(choice_.Of(tables_));
    const ir::NodeId row = AnyRow(depth);
    const ir::Type type = builder_.program().node(row).type;
    if (type.kind != Kind::kRow) continue;
    const EntityDef entity = builder_.program().schema.entity(type.entity);
    const FieldDef field = choice_.Of(entity.fields);
    ir::CollectionId collection;
    if (field.type.kind == TypeKind::kMany) {
      collection = builder_.Many(row, field.name);
    } else if (field.type.kind == TypeKind::kSet) {
      collection = builder_.Set(Expression(ProgramBuilder::FieldValueType(field.type), depth - 1));
    } else {
      continue;
    }
    return Extended(collection, depth);
  }
  return {};
}

ir::CollectionId RandomProgram::Extended(ir::CollectionId collection, int depth) {
  while (depth > 0 && choice_.OneIn(2)) {
    const ir::Type member = builder_.program().collection(collection).member;
    if (member.kind == Kind::kRow && choice_.OneIn(2)) {
      const EntityDef entity = builder_.program().schema.entity(member.entity);
      const FieldType type = choice_.Of(entity.fields).type;
      const bool leads = type.kind == TypeKind::kReference || type.kind == TypeKind::kMany ||
                         (type.kind == TypeKind::kSet && type.element == TypeKind::kReference);
      if (leads) {
        for (const FieldDef& field : entity.fields) {
          if (field.type == type) return builder_.Each(collection, field.name);
        }
      }
    }
    const auto outer_scope = scope_;
    const bool outer_may_name_now = std::exchange(may_name_now_, false);
    const ir::FrameId frame = FrameOver(collection);
    scope_.push_back(builder_.Member(frame));
    const ir::NodeId condition = choice_.OneIn(2) ? Moment(1) : Bool(depth - 2);
    scope_ = outer_scope;
    may_name_now_ = outer_may_name_now;
    collection = builder_.Where(collection, frame, condition);
    --depth;
  }
  return collection;
}

ir::NodeId RandomProgram::Fold(Op op, const ir::Type& value, int depth) {
  const ir::CollectionId collection = Collection(depth - 1);
  if (!collection.valid()) return {};
  const auto outer_scope = scope_;
  const ir::FrameId frame = FrameOver(collection);
  scope_.push_back(builder_.Member(frame));
  std::vector<ir::NodeId> operands{choice_.OneIn(4) ? builder_.Bool(true) : Bool(depth - 1)};
  if (op == Op::kSum || op == Op::kLatest || op == Op::kEarliest) {
    operands.push_back(Expression(value, depth - 1));
  }
  scope_ = outer_scope;
  return builder_.Fold(op, collection, frame, operands);
}

}  // namespace rescind
