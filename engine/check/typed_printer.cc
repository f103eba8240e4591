// The typed program as text, for golden tests.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/check/action_verb.h"
#include "engine/check/canonical_text.h"
#include "engine/check/typed_ast.h"

namespace rescind::typed {

namespace {

using check::CanonicalText;

std::string ContentText(const CanonicalText& canonical, const FieldContent& content) {
  if (!content) return "unknown";
  if (const auto* single = std::get_if<Constant>(&*content)) return canonical.Of(*single);
  std::string text = "{";
  for (const Constant& item : std::get<std::vector<Constant>>(*content)) {
    text += " " + canonical.Of(item);
  }
  return text + " }";
}

std::string TimeText(const ExpectedTime& time) {
  switch (time.kind) {
    case ExpectedTime::Kind::kAnyTime: return "";
    case ExpectedTime::Kind::kAt: return " at " + FormatInstant(time.first);
    case ExpectedTime::Kind::kBefore: return " before " + FormatInstant(time.first);
    case ExpectedTime::Kind::kAfter: return " after " + FormatInstant(time.first);
    case ExpectedTime::Kind::kBetween:
      return fmt::format(" between {} and {}", FormatInstant(time.first),
                         FormatInstant(time.second));
  }
  return "";
}

std::string_view HeldText(HeldReason reason) {
  switch (reason) {
    case HeldReason::kAny: return "for any reason";
    case HeldReason::kLimit: return "because limit";
    case HeldReason::kApproval: return "because approval";
    case HeldReason::kNeeds: return "because needs";
    case HeldReason::kProtected: return "because protected";
    case HeldReason::kExempt: return "because exempt";
    case HeldReason::kMode: return "because mode";
  }
  return "";
}

class Printer {
 public:
  explicit Printer(const Program& program) : program_(program), canonical_(program, nullptr) {}

  std::string Print() {
    for (const EntityDef& entity : program_.schema.entities()) PrintEntity(entity);
    for (const Param& param : program_.params) {
      Line(fmt::format("param {} : {} = {}{}", param.name, FormatType(program_.schema, param.type),
                       canonical_.Of(param.value), param.overridden ? " (overridden)" : ""));
    }
    for (const List& list : program_.lists) PrintList(list);
    for (const Table& table : program_.tables) PrintTable(table);
    for (const Policy& policy : program_.policies) PrintPolicy(policy);
    for (const Protect& protect : program_.protects) {
      Line(fmt::format("protect {} {:?}", protect.full_name, std::string_view(protect.title)));
      Indented(protect.meaning);
    }
    for (const Test& test : program_.tests) PrintTest(test);
    return std::move(text_);
  }

 private:
  void Line(std::string_view line) {
    text_ += line;
    text_ += "\n";
  }
  void Indented(std::string_view lines) {
    while (!lines.empty()) {
      const size_t end = lines.find('\n');
      Line("  " + std::string(lines.substr(0, end)));
      lines = end == std::string_view::npos ? "" : lines.substr(end + 1);
    }
  }

  void PrintEntity(const EntityDef& entity) {
    Line("entity " + entity.name);
    for (const FieldDef& field : entity.fields) {
      Line(fmt::format("  {} : {}{}{}", field.name,
                       rescind::FormatType(program_.schema, field.type),
                       field.tracked ? " tracked" : "", field.latest ? " latest" : ""));
    }
  }

  void PrintList(const List& list) {
    std::string line =
        fmt::format("list {} of {} =", list.name, FormatType(program_.schema, list.element));
    for (const Constant& item : list.items) line += " " + canonical_.Of(item);
    Line(line);
  }

  void PrintTable(const Table& table) {
    std::vector<std::string> columns;
    for (const auto& column : table.columns) {
      columns.push_back(column.name + ": " + FormatType(program_.schema, column.type));
    }
    Line(fmt::format("table {}({})", table.name, fmt::join(columns, ", ")));
    for (const auto& row : table.rows) {
      std::string line = " ";
      for (const auto& cell : row) line += " " + (cell ? canonical_.Of(*cell) : "unknown");
      Line(line);
    }
  }

  void PrintPolicy(const Policy& policy) {
    Line(fmt::format("policy {} {:?}", policy.full_name, std::string_view(policy.title)));
    if (!policy.renamed_from.empty()) Line("  renamed from " + policy.renamed_from);
    for (const Control& control : policy.controls) {
      Line(fmt::format("  control {} {}", control.framework, control.reference));
    }
    Indented(policy.meaning);
    if (policy.because.empty()) return;
    CanonicalText canonical(program_, &policy.lets);
    canonical.Name(policy.binder, "row");
    std::string line = "  because";
    for (const ReasonPart& part : policy.because) {
      line += " " + (part.expr == nullptr ? fmt::format("{:?}", std::string_view(part.text))
                                          : canonical.Of(*part.expr));
    }
    Line(line);
  }

  std::string RowText(const RowKey& row) { return canonical_.Of(Constant(row)); }
  void PrintRow(std::string_view word, const GivenRow& row) {
    std::string line = fmt::format("  {} {}", word, RowText({row.entity, row.id}));
    for (const FieldSetting& field : row.fields) {
      line += fmt::format(" {}={}", program_.schema.field(row.entity, field.field).name,
                          ContentText(canonical_, field.value));
    }
    Line(line);
  }

  void PrintChange(const Change& change) {
    const std::string at = "at " + FormatInstant(change.at) + " ";
    if (const auto* set = std::get_if<SetFact>(&change.change)) {
      Line(fmt::format("  {}set {} {}={}", at, RowText(set->row),
                       program_.schema.field(set->row.entity, set->field.field).name,
                       ContentText(canonical_, set->field.value)));
    } else if (const auto* removed = std::get_if<RemoveRow>(&change.change)) {
      Line(fmt::format("  {}remove {}", at, RowText(removed->row)));
    } else if (const auto* added = std::get_if<AddRow>(&change.change)) {
      PrintRow(at + "add", added->row);
    } else if (const auto* stale = std::get_if<SourceStale>(&change.change)) {
      Line(fmt::format("  {}stale {:?}", at, std::string_view(stale->source)));
    } else {
      const auto& answer = std::get<Answer>(change.change);
      Line(fmt::format("  {}{} {}", at, answer.approved ? "approve" : "refuse",
                       program_.policies[answer.policy.index()].full_name));
    }
  }

  void PrintTest(const Test& test) {
    Line(fmt::format("test {:?}", std::string_view(test.title)));
    for (PolicyId policy : test.policies) {
      Line("  for " + program_.policies[policy.index()].full_name);
    }
    for (const GivenRow& row : test.rows) PrintRow("given", row);
    if (test.start) Line("  start " + FormatInstant(*test.start));
    for (const Change& change : test.changes) PrintChange(change);
    for (const ExpectedAction& action : test.actions) {
      Line(fmt::format(
          "  expect{} {} {}{}", action.negated ? " no" : "", check::VerbText(action.verb),
          action.target ? RowText(*action.target) : action.channel, TimeText(action.time)));
    }
    for (const ExpectedHold& hold : test.holds) {
      Line(fmt::format("  expect{} held {}{}", hold.negated ? " no" : "", HeldText(hold.reason),
                       TimeText(hold.time)));
    }
    if (test.end) Line("  end " + FormatInstant(*test.end));
  }

  const Program& program_;
  CanonicalText canonical_;
  std::string text_;
};

}  // namespace

std::string Print(const Program& program) { return Printer(program).Print(); }

std::string Print(const Program& program, const Expr& expr) {
  return CanonicalText(program, nullptr).Of(expr);
}

}  // namespace rescind::typed
