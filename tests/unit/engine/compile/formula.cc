#include "tests/unit/engine/compile/formula.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <variant>

namespace rescind::compile {
namespace {

using ir::Op;

struct ConstantText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return fmt::to_string(value); }
  std::string operator()(const std::string& value) const { return "'" + value + "'"; }
  std::string operator()(Instant value) const { return FormatInstant(value); }
  std::string operator()(Day value) const { return FormatDay(value); }
  std::string operator()(Duration value) const { return FormatDuration(value); }
};

class Writer {
 public:
  explicit Writer(const ir::Program& program) : program_(program) {}

  std::string Node(ir::NodeId id) const {
    const ir::Node& node = program_.node(id);
    switch (node.op) {
      case Op::kConstant: return std::visit(ConstantText{}, node.constant);
      case Op::kConstantRow: return "row " + std::get<std::string>(node.constant);
      case Op::kMember: return Frame(node.frame);
      case Op::kNow: return "now";
      case Op::kId: return Node(node.operands[0]) + ".id";
      case Op::kField: return Field(node);
      case Op::kColumn: return fmt::format("{}[{}]", Node(node.operands[0]), node.column);
      case Op::kChangedAt: return "changed_at(" + Field(node) + ")";
      case Op::kPrevious: return "previous(" + Field(node) + ")";
      case Op::kRemovedAt: return "removed_at(" + Field(node) + ")";
      case Op::kCompare: return Compare(node);
      case Op::kInSet: return Node(node.operands[0]) + " in " + Set(node.set);
      case Op::kMatches:
        return Node(node.operands[0]) + " ~ /" + program_.patterns[node.pattern.index()] + "/";
      case Op::kReached: return Reached(node);
      case Op::kDayReached:
        return fmt::format("day({}{:+}{} in {})", Node(node.operands[0]), node.offset,
                           Length(node.length), Node(node.operands[1]));
      case Op::kAddCivil: return Node(node.operands[0]) + Length(node.length);
      default: return Call(node);
    }
  }

  std::string Collection(ir::CollectionId id) const {
    const ir::Collection& c = program_.collection(id);
    switch (c.kind) {
      case ir::Collection::Kind::kMany: return Node(c.base) + "." + Name(c.entity, c.field);
      case ir::Collection::Kind::kSet: return "each " + Node(c.base);
      case ir::Collection::Kind::kFlatMap:
        return Collection(c.inner) + "." + Name(c.entity, c.field);
      case ir::Collection::Kind::kFilter:
        return fmt::format("({} in {}: {})", Frame(c.frame), Collection(c.inner),
                           Node(c.condition));
      case ir::Collection::Kind::kTable: return program_.tables[c.table.index()].name;
    }
    return "?";
  }

 private:
  static std::string Frame(ir::FrameId id) { return fmt::format("f{}", id.index()); }
  std::string Name(EntityId entity, FieldId field) const {
    return program_.schema.field(entity, field).name;
  }
  std::string Field(const ir::Node& node) const {
    return Node(node.operands[0]) + "." + Name(node.entity, node.field);
  }
  static std::string Length(CivilDuration length) {
    constexpr std::array kUnits = {"?", "days", "months", "years", "business days"};
    if (length.count == 0) return "";
    return fmt::format("{:+} {}", length.count, kUnits[static_cast<size_t>(length.unit)]);
  }
  std::string Compare(const ir::Node& node) const {
    const char* op = node.compare == ir::Compare::kEqual  ? "=="
                     : node.compare == ir::Compare::kLess ? "<"
                                                          : "<=";
    return fmt::format("{} {} {}", Node(node.operands[0]), op, Node(node.operands[1]));
  }
  std::string Set(ir::SetId id) const {
    std::string text = "{";
    for (const ir::Constant& item : program_.sets[id.index()].items) {
      if (text.size() > 1) text += ", ";
      text += std::visit(ConstantText{}, item);
    }
    return text + "}";
  }
  std::string Reached(const ir::Node& node) const {
    std::string text = fmt::format("reached({}*now", node.factor);
    for (size_t i = 0; i < node.operands.size(); ++i) {
      text += (node.signs[i] > 0 ? " + " : " - ") + Node(node.operands[i]);
    }
    if (node.offset != 0) {
      text += (node.offset > 0 ? " + " : " - ");
      text += node.offset % kMicrosPerSecond == 0 ? FormatDuration(Duration{std::abs(node.offset)})
                                                  : fmt::format("{}us", std::abs(node.offset));
    }
    return text + ")";
  }
  std::string Call(const ir::Node& node) const {
    static constexpr std::array kNames = {
        "constant", "member",     "row",      "now",        "today",    "id",   "field",
        "column",   "changed_at", "previous", "removed_at", "and",      "or",   "not",
        "known",    "compare",    "in",       "has",        "starts",   "ends", "contains",
        "matches",  "reached",    "day",      "coalesce",   "add",      "sub",  "mul",
        "neg",      "add_civil",  "lower",    "date_of",    "start_of", "any",  "all",
        "count",    "sum",        "latest",   "earliest"};
    std::string text = kNames[static_cast<size_t>(node.op)];
    text += "(";
    if (node.collection.valid()) {
      text += Frame(node.inner) + " in " + Collection(node.collection) + ": ";
    }
    for (size_t i = 0; i < node.operands.size(); ++i) {
      if (i > 0) text += ", ";
      text += Node(node.operands[i]);
    }
    return text + ")";
  }

  const ir::Program& program_;
};

}  // namespace

std::string Formula(const ir::Program& program, ir::NodeId node) {
  return Writer(program).Node(node);
}
std::string Formula(const ir::Program& program, ir::CollectionId collection) {
  return Writer(program).Collection(collection);
}

}  // namespace rescind::compile
