// Prints the rule program for golden tests: every node on a line, in the order of evaluation.
#include <fmt/format.h>

#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include "engine/base/assert.h"
#include "engine/ir/program.h"

namespace rescind::ir {
namespace {

constexpr std::array kOpNames = {
    "constant", "member",     "row",         "now",        "today",       "id",        "field",
    "column",   "changed_at", "previous",    "removed_at", "and",         "or",        "not",
    "is_known", "compare",    "in",          "has",        "starts_with", "ends_with", "contains",
    "matches",  "reached",    "day_reached", "coalesce",   "add",         "subtract",  "multiply",
    "negate",   "add_civil",  "lower",       "date_of",    "start_of",    "any",       "all",
    "count",    "sum",        "latest",      "earliest"};
static_assert(kOpNames.size() == static_cast<size_t>(Op::kEarliest) + 1);

constexpr std::array kVerbNames = {"disable", "suspend", "end", "revoke",
                                   "delete",  "notify",  "run"};
static_assert(kVerbNames.size() == static_cast<size_t>(Verb::kRun) + 1);

std::string_view OpName(Op op) { return kOpNames[static_cast<size_t>(op)]; }

std::string_view KindName(Type::Kind kind) {
  switch (kind) {
    case Type::Kind::kBool: return "bool";
    case Type::Kind::kText: return "text";
    case Type::Kind::kInt: return "int";
    case Type::Kind::kTime: return "time";
    case Type::Kind::kDate: return "date";
    case Type::Kind::kDuration: return "duration";
    case Type::Kind::kEnum: return "enum";
    case Type::Kind::kRow: return "row";
    case Type::Kind::kTableRow: return "table row";
    case Type::Kind::kSet: return "set";
  }
  RESCIND_ASSERT(false, "a type kind that is none");
  return {};
}

std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + '"';
}

struct ConstantText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return fmt::to_string(value); }
  std::string operator()(const std::string& value) const { return Quote(value); }
  std::string operator()(Instant value) const { return FormatInstant(value); }
  std::string operator()(Day value) const { return FormatDay(value); }
  std::string operator()(Duration value) const { return FormatDuration(value); }
};

std::string Name(NodeId id) { return id.valid() ? fmt::format("%{}", id.index()) : "-"; }
std::string Name(FrameId id) { return id.valid() ? fmt::format("f{}", id.index()) : "-"; }
std::string Name(CollectionId id) { return id.valid() ? fmt::format("c{}", id.index()) : "-"; }

class Printer {
 public:
  explicit Printer(const Program& program) : program_(program) {}

  std::string Run() {
    for (size_t i = 0; i < program_.frames.size(); ++i) Frame(i);
    for (size_t i = 0; i < program_.collections.size(); ++i) Collection(i);
    for (size_t i = 0; i < program_.sets.size(); ++i) Set(i);
    for (size_t i = 0; i < program_.nodes.size(); ++i) Line(i);
    for (const Rule& rule : program_.rules) OneRule(rule);
    Columns();
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void Write(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  std::string TypeName(const Type& type) const {
    switch (type.kind) {
      case Type::Kind::kRow: return program_.schema.entity(type.entity).name;
      case Type::Kind::kTableRow: return "row of " + program_.tables[type.table.index()].name;
      case Type::Kind::kSet: return fmt::format("set of {}", KindName(type.element));
      default: return std::string(KindName(type.kind));
    }
  }
  std::string FieldName(EntityId entity, FieldId field) const {
    return program_.schema.entity(entity).name + "." + program_.schema.field(entity, field).name;
  }

  void Frame(size_t index) {
    const ir::Frame& frame = program_.frames[index];
    Write("frame f{} {} in {} over {}\n", index, TypeName(frame.member), Name(frame.parent),
          Name(frame.source));
  }

  void Collection(size_t index) {
    const ir::Collection& c = program_.collections[index];
    Write("collection c{} of {} = ", index, TypeName(c.member));
    switch (c.kind) {
      case Collection::Kind::kMany:
        Write("many {} of {}", FieldName(c.entity, c.field), Name(c.base));
        break;
      case Collection::Kind::kSet: Write("set {}", Name(c.base)); break;
      case Collection::Kind::kFlatMap:
        Write("{} of each {}", FieldName(c.entity, c.field), Name(c.inner));
        break;
      case Collection::Kind::kFilter:
        Write("{} where {} ({})", Name(c.inner), Name(c.condition), Name(c.frame));
        break;
      case Collection::Kind::kTable: Write("table {}", program_.tables[c.table.index()].name);
    }
    out_ += '\n';
  }

  void Set(size_t index) {
    Write("set s{} =", index);
    for (const Constant& item : program_.sets[index].items) {
      Write(" {}", std::visit(ConstantText{}, item));
    }
    out_ += '\n';
  }

  void Details(const Node& node) {
    switch (node.op) {
      case Op::kConstant:
      case Op::kConstantRow: Write(" {}", std::visit(ConstantText{}, node.constant)); break;
      case Op::kField:
      case Op::kChangedAt:
      case Op::kPrevious:
      case Op::kRemovedAt: Write(" {}", FieldName(node.entity, node.field)); break;
      case Op::kColumn: Write(" column {}", node.column); break;
      case Op::kCompare:
        Write(" {}", node.compare == Compare::kEqual  ? "=="
                     : node.compare == Compare::kLess ? "<"
                                                      : "<=");
        break;
      case Op::kInSet: Write(" s{}", node.set.index()); break;
      case Op::kMatches: Write(" {}", Quote(program_.patterns[node.pattern.index()])); break;
      case Op::kReached:
        Write(" {} * now", node.factor);
        for (int8_t sign : node.signs) Write(" {}", sign > 0 ? '+' : '-');
        Write(" offset {}", FormatDuration(Duration{node.offset}));
        break;
      case Op::kDayReached: Write(" offset {}", node.offset); [[fallthrough]];
      case Op::kAddCivil:
        Write(" length {} unit {}", node.length.count, static_cast<int>(node.length.unit));
        if (node.endless) Write(" endless");
        break;
      default: break;
    }
    if (node.collection.valid()) Write(" {} ({})", Name(node.collection), Name(node.inner));
  }

  void Line(size_t index) {
    const Node& node = program_.nodes[index];
    Write("%{} {} {}{}{} = {}", index, Name(node.frame), TypeName(node.type),
          node.may_be_unknown ? "?" : "", node.moves ? "~" : "", OpName(node.op));
    Details(node);
    for (NodeId operand : node.operands) Write(" {}", Name(operand));
    out_ += '\n';
  }

  std::string Choices(const Recipient& recipient) const {
    std::string text;
    for (NodeId choice : recipient.choices) text += (text.empty() ? "" : " ?? ") + Name(choice);
    return text.empty() ? "oncall" : text;
  }

  void OneStage(const Stage& stage) {
    Write("  after {}", FormatDuration(stage.after));
    if (stage.approval) {
      Write(" approved by {} within {} else {}", Choices(stage.approval->approver),
            FormatDuration(stage.approval->within), static_cast<int>(stage.approval->otherwise));
    }
    for (const Action& action : stage.actions) {
      Write(" {}", kVerbNames[static_cast<size_t>(action.verb)]);
      if (action.verb == Verb::kRun) Write(" {} on", Quote(action.playbook));
      if (action.verb == Verb::kNotify) {
        Write(" {}", Choices(action.recipient));
      } else {
        Write(" {}{}", action.targets.valid() ? Name(action.targets) : Name(action.target),
              action.expands_identity ? " accounts" : "");
      }
    }
    out_ += '\n';
  }

  void Limits(const Rule& rule) {
    for (const ShareLimit& limit : rule.share_limits) {
      Write("  limit {}{} of {} per {}{}\n", limit.amount, limit.percent ? "%" : "",
            program_.schema.entity(limit.entity).name, Name(limit.group),
            limit.window ? fmt::format(" window {}", static_cast<int>(*limit.window)) : "");
    }
    for (const LeaveLimit& limit : rule.leave_limits) {
      Write("  leave {} per {}\n", limit.amount, Name(limit.group));
    }
  }

  void Service(const Rule& rule) {
    for (const Need& need : rule.needs) {
      Write("  needs {} within {}\n", Quote(need.source), FormatDuration(need.within));
    }
    if (rule.done) {
      Write("  done within {} else {}\n", FormatDuration(rule.done->within),
            Choices(rule.done->recipient));
    }
    if (rule.on_failure) {
      Write("  on failure retry {}{}{}", FormatDuration(rule.on_failure->retry_for),
            rule.on_failure->rollback ? " rollback" : "", rule.on_failure->keep ? " keep" : "");
      for (const Recipient& told : rule.on_failure->notify) Write(" notify {}", Choices(told));
      out_ += '\n';
    }
  }

  void Because(const Rule& rule) {
    if (rule.because.empty()) return;
    out_ += "  because";
    for (const ReasonPart& part : rule.because) {
      out_ += ' ';
      out_ += part.node.valid() ? Name(part.node) : Quote(part.text);
    }
    out_ += '\n';
  }

  void OneRule(const Rule& rule) {
    Write("{} {} for {} match {} when {} unless {}\n", rule.protect ? "protect" : "policy",
          rule.full_name, program_.schema.entity(rule.entity).name, Name(rule.match),
          Name(rule.when), Name(rule.unless));
    for (const Control& control : rule.controls) {
      Write("  controls {} {}\n", control.framework, Quote(control.reference));
    }
    if (!rule.protect) {
      Write("  severity {} mode {}\n", static_cast<int>(rule.severity),
            rule.mode == Mode::kEnforce ? "enforce" : "observe");
    }
    for (const Stage& stage : rule.stages) OneStage(stage);
    Limits(rule);
    Service(rule);
    Because(rule);
    for (const EvidencePath& path : rule.evidence)
      Write("  reads {} {}\n", path.path, Name(path.value));
  }

  void Columns() {
    for (const auto& [entity, field] : program_.columns.fields) {
      Write("column {}{}\n", FieldName(entity, field),
            program_.columns.HasHistory(entity, field) ? " with history" : "");
    }
    for (const EntityId entity : program_.columns.ids) {
      Write("column {}.id\n", program_.schema.entity(entity).name);
    }
  }

  const Program& program_;
  std::string out_;
};

}  // namespace

std::string Print(const Program& program) { return Printer(program).Run(); }

}  // namespace rescind::ir
