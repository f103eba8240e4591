// ProgramBuilder: rule programs by hand, a line a node, for tests of evaluation.
//
//   ProgramBuilder p(schema);
//   const auto g = p.Row("grant");
//   p.AddRule("grant", p.Passed(p.Field(g, "expires_at")));
//   const ir::Program program = p.Build();
// Works out frames, `moves`, `may_be_unknown` and the columns; equal nodes become one.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/assert.h"
#include "engine/ir/program.h"

namespace rescind {

class ProgramBuilder {
 public:
  using Kind = ir::Type::Kind;

  explicit ProgramBuilder(Schema schema) {
    program_.schema = std::move(schema);
    program_.default_timezone = "UTC";
  }

  const ir::Program& program() const { return program_; }
  // Verified; the builder may go on afterwards.
  ir::Program Build() const {
    const auto problems = ir::Verify(program_);
    RESCIND_ASSERT(problems.empty(), problems.empty() ? "" : problems.front());
    return program_;
  }

  // ---- Types ----
  static ir::Type Of(Kind kind) {
    ir::Type type;
    type.kind = kind;
    return type;
  }
  static ir::Type RowType(EntityId entity) {
    ir::Type type = Of(Kind::kRow);
    type.entity = entity;
    return type;
  }
  static ir::Type EnumType(EnumId enumeration) {
    ir::Type type = Of(Kind::kEnum);
    type.enumeration = enumeration;
    return type;
  }
  // The type of the values of a field; of a `many` field, of its members.
  static ir::Type FieldValueType(const FieldType& field) {
    switch (field.kind) {
      case TypeKind::kText: return Of(Kind::kText);
      case TypeKind::kBool: return Of(Kind::kBool);
      case TypeKind::kInt: return Of(Kind::kInt);
      case TypeKind::kTime: return Of(Kind::kTime);
      case TypeKind::kDate: return Of(Kind::kDate);
      case TypeKind::kDuration: return Of(Kind::kDuration);
      case TypeKind::kEnum: return EnumType(field.enumeration);
      case TypeKind::kReference:
      case TypeKind::kMany: return RowType(field.entity);
      case TypeKind::kSet: break;
    }
    ir::Type type = ElementType(field);
    type.element = type.kind;
    type.kind = Kind::kSet;
    return type;
  }
  static ir::Type ElementType(const FieldType& set) {
    FieldType element = set;
    element.kind = set.element;
    return FieldValueType(element);
  }

  // ---- Frames and collections ----
  ir::FrameId Root(EntityId entity) { return AddFrame({{}, RowType(entity), {}}); }
  ir::FrameId Over(ir::FrameId parent, ir::CollectionId collection) {
    return AddFrame({parent, program_.collection(collection).member, collection});
  }
  ir::CollectionId Many(ir::NodeId base, std::string_view field) {
    ir::Collection c;
    c.kind = ir::Collection::Kind::kMany;
    c.base = base;
    c.entity = program_.node(base).type.entity;
    c.field = FieldOf(c.entity, field);
    c.member = FieldValueType(program_.schema.field(c.entity, c.field).type);
    c.outer = program_.node(base).frame;
    program_.columns.Add(c.entity, c.field);
    program_.columns = program_.columns.Closure(program_.schema);
    return AddCollection(c);
  }
  ir::CollectionId Set(ir::NodeId base) {
    ir::Collection c;
    c.kind = ir::Collection::Kind::kSet;
    c.base = base;
    c.member = program_.node(base).type;
    c.member.kind = std::exchange(c.member.element, Kind::kText);
    c.outer = program_.node(base).frame;
    return AddCollection(c);
  }
  ir::CollectionId Each(ir::CollectionId inner, std::string_view field) {
    ir::Collection c;
    c.kind = ir::Collection::Kind::kFlatMap;
    c.inner = inner;
    c.entity = program_.collection(inner).member.entity;
    c.field = FieldOf(c.entity, field);
    const FieldType& type = program_.schema.field(c.entity, c.field).type;
    c.member = RowType(type.entity);
    c.outer = program_.collection(inner).outer;
    program_.columns.Add(c.entity, c.field);
    program_.columns = program_.columns.Closure(program_.schema);
    return AddCollection(c);
  }
  // `frame` stands on the members of `inner`.
  ir::CollectionId Where(ir::CollectionId inner, ir::FrameId frame, ir::NodeId condition) {
    ir::Collection c;
    c.kind = ir::Collection::Kind::kFilter;
    c.inner = inner;
    c.member = program_.collection(inner).member;
    c.frame = frame;
    c.condition = condition;
    // The condition may look at whatever its frame stands below.
    c.outer = Deeper(program_.collection(inner).outer, program_.frame(frame).parent);
    return AddCollection(c);
  }
  ir::CollectionId TableRows(ir::TableId table) {
    ir::Collection c;
    c.kind = ir::Collection::Kind::kTable;
    c.table = table;
    c.member = Of(Kind::kTableRow);
    c.member.table = table;
    return AddCollection(c);
  }
  ir::TableId AddTable(ir::Table table) {
    program_.tables.push_back(std::move(table));
    return ir::TableId(static_cast<uint32_t>(program_.tables.size() - 1));
  }

  // ---- Nodes ----
  ir::NodeId Row(std::string_view entity) { return Member(Root(EntityOf(entity))); }
  ir::NodeId Member(ir::FrameId frame) {
    ir::Node node = Make(ir::Op::kMember, program_.frame(frame).member, {});
    node.frame = frame;
    return Add(node);
  }
  ir::NodeId Constant(ir::Type type, ir::Constant constant) {
    ir::Node node = Make(ir::Op::kConstant, type, {});
    node.constant = std::move(constant);
    return Add(node);
  }
  ir::NodeId Text(std::string text) { return Constant(Of(Kind::kText), std::move(text)); }
  ir::NodeId Int(int64_t number) { return Constant(Of(Kind::kInt), number); }
  ir::NodeId Bool(bool answer) { return Constant(Of(Kind::kBool), answer); }
  ir::NodeId At(Instant at) { return Constant(Of(Kind::kTime), at); }
  ir::NodeId On(Day day) { return Constant(Of(Kind::kDate), day); }
  ir::NodeId Length(Duration length) { return Constant(Of(Kind::kDuration), length); }
  ir::NodeId ConstantRow(std::string_view entity, std::string id) {
    ir::Node node = Make(ir::Op::kConstantRow, RowType(EntityOf(entity)), {});
    node.constant = std::move(id);
    return Add(node);
  }
  ir::NodeId Field(ir::NodeId base, std::string_view field) {
    return Path(ir::Op::kField, base, field);
  }
  ir::NodeId Path(ir::Op op, ir::NodeId base, std::string_view field) {
    ir::Node node = Make(op, {}, {base});
    node.entity = program_.node(base).type.entity;
    node.field = FieldOf(node.entity, field);
    const bool value = op == ir::Op::kField || op == ir::Op::kPrevious;
    node.type = value ? FieldValueType(program_.schema.field(node.entity, node.field).type)
                      : Of(Kind::kTime);
    const bool past = op == ir::Op::kChangedAt || op == ir::Op::kPrevious;
    past ? program_.columns.AddHistory(node.entity, node.field)
         : program_.columns.Add(node.entity, node.field);
    program_.columns = program_.columns.Closure(program_.schema);
    return Add(node);
  }
  ir::NodeId Id(ir::NodeId base) {
    program_.columns.AddIds(program_.node(base).type.entity);
    return Add(Make(ir::Op::kId, Of(Kind::kText), {base}));
  }
  ir::NodeId Column(ir::NodeId base, uint32_t column) {
    const ir::TableId table = program_.node(base).type.table;
    ir::Node node =
        Make(ir::Op::kColumn, program_.tables[table.index()].columns[column].type, {base});
    node.column = column;
    return Add(node);
  }
  // Any operation that is said by its operands and its type.
  ir::NodeId Apply(ir::Op op, ir::Type type, std::vector<ir::NodeId> operands) {
    return Add(Make(op, type, std::move(operands)));
  }
  ir::NodeId Logic(ir::Op op, std::vector<ir::NodeId> operands) {
    return Apply(op, Of(Kind::kBool), std::move(operands));
  }
  ir::NodeId And(ir::NodeId a, ir::NodeId b) { return Logic(ir::Op::kAnd, {a, b}); }
  ir::NodeId Or(ir::NodeId a, ir::NodeId b) { return Logic(ir::Op::kOr, {a, b}); }
  ir::NodeId Not(ir::NodeId a) { return Logic(ir::Op::kNot, {a}); }
  ir::NodeId IsKnown(ir::NodeId a) { return Logic(ir::Op::kIsKnown, {a}); }
  ir::NodeId Coalesce(ir::NodeId a, ir::NodeId b) {
    return Apply(ir::Op::kCoalesce, program_.node(a).type, {a, b});
  }
  ir::NodeId Compare(ir::Compare compare, ir::NodeId a, ir::NodeId b) {
    ir::Node node = Make(ir::Op::kCompare, Of(Kind::kBool), {a, b});
    node.compare = compare;
    return Add(node);
  }
  ir::NodeId Equal(ir::NodeId a, ir::NodeId b) { return Compare(ir::Compare::kEqual, a, b); }
  ir::NodeId In(ir::NodeId value, std::vector<ir::Constant> items) {
    ir::ConstantSet set{program_.node(value).type, std::move(items)};
    std::sort(set.items.begin(), set.items.end());
    program_.sets.push_back(std::move(set));
    ir::Node node = Make(ir::Op::kInSet, Of(Kind::kBool), {value});
    node.set = ir::SetId(static_cast<uint32_t>(program_.sets.size() - 1));
    return Add(node);
  }
  ir::NodeId Matches(ir::NodeId text, std::string pattern) {
    program_.patterns.push_back(std::move(pattern));
    ir::Node node = Make(ir::Op::kMatches, Of(Kind::kBool), {text});
    node.pattern = ir::PatternId(static_cast<uint32_t>(program_.patterns.size() - 1));
    return Add(node);
  }
  ir::NodeId Reached(int32_t factor, const std::vector<std::pair<int, ir::NodeId>>& terms,
                     int64_t offset_micros) {
    ir::Node node = Make(ir::Op::kReached, Of(Kind::kBool), {});
    node.factor = factor;
    node.offset = offset_micros;
    for (const auto& [sign, operand] : terms) {
      node.signs.push_back(static_cast<int8_t>(sign));
      node.operands.push_back(operand);
    }
    return Add(node);
  }
  // now >= time + length.
  ir::NodeId OlderThan(ir::NodeId time, int64_t micros) {
    return Reached(1, {{-1, time}}, -micros);
  }
  ir::NodeId Passed(ir::NodeId time) { return OlderThan(time, 0); }
  ir::NodeId DayReached(ir::NodeId date, ir::NodeId zone, int64_t days, CivilDuration length) {
    ir::Node node = Make(ir::Op::kDayReached, Of(Kind::kBool), {date, zone});
    node.offset = days;
    node.length = length;
    return Add(node);
  }
  ir::NodeId AddCivil(ir::NodeId date, CivilDuration length, bool endless = false) {
    ir::Node node = Make(ir::Op::kAddCivil, Of(Kind::kDate), {date});
    node.length = length;
    node.endless = endless;
    return Add(node);
  }
  ir::NodeId Fold(ir::Op op, ir::CollectionId collection, ir::FrameId inner,
                  std::vector<ir::NodeId> operands) {
    ir::Type type = Of(Kind::kBool);
    if (op == ir::Op::kCount) type = Of(Kind::kInt);
    if (operands.size() == 2) type = program_.node(operands[1]).type;
    ir::Node node = Make(op, type, std::move(operands));
    node.collection = collection;
    node.inner = inner;
    return Add(node);
  }
  ir::NodeId Add(ir::Node node) {
    if (node.op != ir::Op::kMember) node.frame = FrameOf(node);
    node.moves = Moves(node);
    node.may_be_unknown = MayBeUnknown(node);
    const auto found = std::find(program_.nodes.begin(), program_.nodes.end(), node);
    const auto at = static_cast<uint32_t>(found - program_.nodes.begin());
    if (found == program_.nodes.end()) program_.nodes.push_back(std::move(node));
    return ir::NodeId(at);
  }

  // A policy that notifies; `match` is worked out.
  uint32_t AddRule(std::string_view entity, ir::NodeId when, ir::NodeId unless = {}) {
    ir::Rule rule;
    rule.full_name = "test.rule" + std::to_string(program_.rules.size());
    rule.entity = EntityOf(entity);
    rule.frame = Root(rule.entity);
    rule.when = when;
    rule.unless = unless;
    rule.match = unless.valid() ? And(when, Not(unless)) : when;
    rule.because = {ir::ReasonPart{"because", {}}};
    rule.stages.resize(1);
    rule.clauses.push_back({when, {}, {}});
    if (unless.valid()) {
      rule.clauses.push_back({unless, {}, {}});
      rule.unless_clause = 1;
    }
    program_.rules.push_back(std::move(rule));
    return static_cast<uint32_t>(program_.rules.size() - 1);
  }
  ir::Rule& rule(uint32_t index) { return program_.rules[index]; }

  EntityId EntityOf(std::string_view name) const {
    const auto found = program_.schema.Find(name);
    RESCIND_ASSERT(found.has_value(), "unknown entity");
    return *found;
  }

 private:
  static ir::Node Make(ir::Op op, ir::Type type, std::vector<ir::NodeId> operands) {
    ir::Node node;
    node.op = op;
    node.type = type;
    node.operands = std::move(operands);
    return node;
  }
  FieldId FieldOf(EntityId entity, std::string_view field) const {
    const auto found = program_.schema.entity(entity).Find(field);
    RESCIND_ASSERT(found.has_value(), "unknown field");
    return *found;
  }
  ir::FrameId AddFrame(ir::Frame frame) {
    for (uint32_t i = 0; i < program_.frames.size(); ++i) {
      const ir::Frame& other = program_.frames[i];
      if (other.parent == frame.parent && other.source == frame.source &&
          other.member == frame.member) {
        return ir::FrameId(i);
      }
    }
    program_.frames.push_back(frame);
    return ir::FrameId(static_cast<uint32_t>(program_.frames.size() - 1));
  }
  ir::CollectionId AddCollection(const ir::Collection& collection) {
    const auto found =
        std::find(program_.collections.begin(), program_.collections.end(), collection);
    const auto at = static_cast<uint32_t>(found - program_.collections.begin());
    if (found == program_.collections.end()) program_.collections.push_back(collection);
    return ir::CollectionId(at);
  }
  int DepthOf(ir::FrameId frame) const {
    return frame.valid() ? 1 + DepthOf(program_.frame(frame).parent) : 0;
  }
  ir::FrameId Deeper(ir::FrameId a, ir::FrameId b) const {
    return DepthOf(a) >= DepthOf(b) ? a : b;
  }
  ir::FrameId FrameOf(const ir::Node& node) const {
    ir::FrameId frame;
    if (node.collection.valid()) {
      const ir::FrameId outer = program_.collection(node.collection).outer;
      return Deeper(outer, program_.frame(node.inner).parent);
    }
    for (ir::NodeId operand : node.operands) frame = Deeper(frame, program_.node(operand).frame);
    return frame;
  }
  bool CollectionMoves(ir::CollectionId id) const {
    const ir::Collection& c = program_.collection(id);
    if (c.base.valid() && program_.node(c.base).moves) return true;
    if (c.condition.valid() && program_.node(c.condition).moves) return true;
    return c.inner.valid() && CollectionMoves(c.inner);
  }
  bool Moves(const ir::Node& node) const {
    using ir::Op;
    if (node.op == Op::kNow || node.op == Op::kToday || node.op == Op::kDayReached) return true;
    if (node.op == Op::kReached && node.factor > 0) return true;
    if (node.collection.valid() && CollectionMoves(node.collection)) return true;
    return std::any_of(node.operands.begin(), node.operands.end(),
                       [&](ir::NodeId operand) { return program_.node(operand).moves; });
  }
  bool MayBeUnknown(const ir::Node& node) const {
    using ir::Op;
    const auto operand = [&](size_t i) { return program_.node(node.operands[i]).may_be_unknown; };
    switch (node.op) {
      case Op::kConstantRow:
      case Op::kColumn:
      case Op::kChangedAt:
      case Op::kPrevious:
      case Op::kRemovedAt:
      case Op::kLatest:
      case Op::kEarliest: return true;
      case Op::kField:
        return operand(0) || program_.schema.field(node.entity, node.field).type.optional;
      case Op::kAnd:
      case Op::kOr:
      case Op::kNot:
      case Op::kIsKnown:
      case Op::kAny:
      case Op::kAll:
      case Op::kCount:
      case Op::kSum: return false;
      case Op::kCoalesce: return operand(1);
      default: break;
    }
    for (size_t i = 0; i < node.operands.size(); ++i) {
      if (operand(i)) return true;
    }
    return false;
  }

  ir::Program program_;
};

}  // namespace rescind
