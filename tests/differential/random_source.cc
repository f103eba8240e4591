#include "tests/differential/random_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <regex>
#include <utility>

#include "tests/differential/random_expression.h"
#include "tests/differential/random_facts.h"

namespace rescind {

using Kind = typed::Type::Kind;

namespace {

constexpr const char* kEntities[] = {"identity", "system",     "account", "entitlement",
                                     "grant",    "credential", "session"};

std::string Field(RandomChoice& choice, const std::string& name,
                  const std::vector<std::string>& entities) {
  if (choice.OneIn(4)) {
    const std::string element =
        choice.OneOf({std::string("text"), std::string("int"),
                      std::string("enum { red, green, blue }"), choice.Of(entities)});
    return name + " : set of " + element;
  }
  const std::string type = choice.OneOf(
      {std::string("text"), std::string("bool"), std::string("int"), std::string("time"),
       std::string("date"), std::string("duration"), std::string("enum { red, green }"),
       std::string("enum ordered { red, green, blue }"), choice.Of(entities), choice.Of(entities)});
  // Required ones seldom: every row without them is incomplete or undecided.
  return name + " : " + type + (choice.OneIn(6) ? "" : "?") + (choice.OneIn(3) ? " tracked" : "");
}

}  // namespace

std::vector<SourceDeclaration> RandomSchemaSource(RandomChoice& choice) {
  std::vector<std::string> entities(std::begin(kEntities), std::end(kEntities));
  std::vector<SourceDeclaration> declarations;
  if (choice.OneIn(2)) {
    std::string text = "entity project {\n";
    text += choice.OneIn(2) ? "  lead : identity?\n" : "  lead : identity\n";
    entities.emplace_back("project");
    for (int i = 0; i < 4; ++i)
      text += "  " + Field(choice, fmt::format("q{}", i), entities) + "\n";
    declarations.push_back({text + "}\n"});
    declarations.push_back({"extend identity { projects : many project via lead }\n"});
  }
  int field = 0;
  for (uint32_t count = choice.Below(4); count > 0; --count) {
    std::string text = fmt::format("extend {} {{\n", choice.Of(entities));
    for (uint32_t fields = 1 + choice.Below(4); fields > 0; --fields) {
      text += "  " + Field(choice, fmt::format("x{}", field++), entities) + "\n";
    }
    declarations.push_back({text + "}\n"});
  }
  return declarations;
}

namespace {

class PolicyWriter {
 public:
  PolicyWriter(RandomChoice& choice, const Schema& schema, Instant now,
               std::map<std::string, std::string>& files)
      : choice_(choice), schema_(schema), now_(now), files_(files) {}

  std::vector<SourceDeclaration> Write() {
    for (uint32_t count = choice_.Below(4); count > 0; --count) Param();
    for (uint32_t count = choice_.Below(3); count > 0; --count) List();
    if (choice_.OneIn(2)) Table();
    for (uint32_t count = choice_.Below(4); count > 0; --count) Define();
    for (uint32_t count = 1 + choice_.Below(4); count > 0; --count) Policy();
    if (choice_.OneIn(4)) Protect();
    return std::move(declarations_);
  }

 private:
  RandomExpression Expressions() { return {choice_, schema_, names_, now_}; }
  std::string NewName(char letter) { return fmt::format("{}{}", letter, ++name_count_); }

  typed::Type RowType() {
    typed::Type type = typed::Plain(Kind::kRow);
    type.entity = EntityId(choice_.Below(static_cast<uint32_t>(schema_.entities().size())));
    return type;
  }
  typed::Type EnumType() {
    typed::Type type = typed::Plain(Kind::kEnum);
    type.enumeration = EnumId(choice_.Below(static_cast<uint32_t>(schema_.enumerations().size())));
    return type;
  }
  typed::Type ConstantType() {
    const uint32_t pick = choice_.Below(12);
    if (pick == 0) return RowType();
    if (pick == 1) return EnumType();
    return typed::Plain(
        choice_.OneOf({Kind::kText, Kind::kText, Kind::kInt, Kind::kTime, Kind::kDate,
                       Kind::kDuration, Kind::kDuration, Kind::kCivil, Kind::kBool}));
  }
  typed::Type ElementType() {
    const uint32_t pick = choice_.Below(6);
    if (pick < 2) return RowType();
    if (pick < 3) return EnumType();
    return typed::Plain(choice_.OneOf({Kind::kText, Kind::kText, Kind::kInt}));
  }

  void Param() {
    const typed::Type type = ConstantType();
    const std::string name = NewName('p');
    declarations_.push_back(
        {fmt::format("param {} : {} = {}\n", name, RandomExpression::TypeText(schema_, type),
                     Expressions().Literal(type).text)});
    names_.params.push_back({name, type});
  }

  void List() {
    const typed::Type type = ElementType();
    const std::string name = NewName('s');
    std::vector<std::string> items;
    for (uint32_t count = 1 + choice_.Below(4); count > 0; --count) {
      items.push_back(Expressions().Literal(type).text);
    }
    std::string text =
        fmt::format("list {} of {} ", name, RandomExpression::TypeText(schema_, type));
    if (choice_.OneIn(3)) {
      std::string& file = files_["policies/" + name + ".csv"];
      file = "value\n";
      for (const std::string& item : items) file += item + "\n";
      text += fmt::format("from \"{}.csv\"\n", name);
    } else {
      text += fmt::format("= {{ {} }}\n", fmt::join(items, ", "));
    }
    declarations_.push_back({text});
    names_.lists.push_back({name, type});
  }

  void Table() {
    SourceNames::Table table;
    table.name = NewName('t');
    table.row = typed::Plain(Kind::kTableRow);
    table.row.table = typed::TableId(static_cast<uint32_t>(names_.tables.size()));
    std::string columns;
    std::string file;
    for (uint32_t i = 0; i < 3; ++i) {
      typed::Type type =
          choice_.OneOf({typed::Plain(Kind::kText), typed::Plain(Kind::kText),
                         typed::Plain(Kind::kInt), typed::Plain(Kind::kDate), RowType()});
      type.optional = choice_.OneIn(3);
      const std::string name = fmt::format("c{}", i);
      const std::string separator = i == 0 ? "" : ",";
      columns += (i == 0 ? "" : ", ") + name + ": " + RandomExpression::TypeText(schema_, type);
      file += separator + name;
      table.columns.push_back({name, type});
    }
    file += "\n";
    for (uint32_t rows = choice_.Below(5); rows > 0; --rows) {
      for (uint32_t i = 0; i < 3; ++i) {
        const typed::Type& type = table.columns[i].type;
        if (i > 0) file += ",";
        if (!type.optional || choice_.Percent(60)) file += Cell(type);
      }
      file += "\n";
    }
    files_["policies/" + table.name + ".csv"] = file;
    declarations_.push_back(
        {fmt::format("table {}({}) from \"{}.csv\"\n", table.name, columns, table.name)});
    names_.tables.push_back(std::move(table));
  }

  // Not empty: that would be unknown.
  std::string Cell(const typed::Type& type) {
    switch (type.kind) {
      case Kind::kText: return choice_.OneOf({"a", "A", "ab", "svc-1", "UTC"});
      case Kind::kRow: return RandomId(choice_);
      default: return Expressions().Literal(type).text;
    }
  }

  void Define() {
    SourceNames::Define define;
    define.name = NewName('d');
    RandomExpression expressions = Expressions();
    std::string parameters;
    for (uint32_t count = 1 + choice_.Below(2); count > 0; --count) {
      typed::Type type =
          choice_.OneIn(3) ? typed::Plain(choice_.OneOf({Kind::kTime, Kind::kText})) : RowType();
      type.optional = choice_.OneIn(4);
      type.moving = type.kind == Kind::kTime && choice_.OneIn(2);
      const std::string name = NewName('a');
      parameters += (parameters.empty() ? "" : ", ") + name + ": " +
                    RandomExpression::TypeText(schema_, type);
      expressions.AddVariable(name, type);
      define.parameters.push_back({name, type});
    }
    expressions.SetBudget(8);
    if (choice_.OneIn(3)) {
      const SourceCondition body = expressions.Condition(2);
      static_cast<SourceText&>(define.result) = body;
      define.result.type = typed::Plain(Kind::kBool);
      define.when_true = body.when_true;
      define.when_false = body.when_false;
    } else {
      const typed::Type type = expressions.AnyType();
      std::optional<SourceExpression> body;
      if (choice_.OneIn(2)) body = expressions.Maybe(type, 2);
      if (!body) body = expressions.Value(type, 2);
      if (!body || body->type.kind == Kind::kBool) return;
      define.result = *body;
      // It may be asked for as a zone.
      if (type.kind == Kind::kText) define.result.text = WithZones(body->text);
    }
    declarations_.push_back(
        {fmt::format("define {}({}) = {}\n", define.name, parameters, define.result.text)});
    names_.defines.push_back(std::move(define));
  }

  // A text that is written out where a zone is asked for must be one.
  std::string WithZones(const std::string& text) {
    const std::string zone =
        choice_.OneOf({"\"UTC\"", "\"Europe/Berlin\"", "\"America/New_York\"", "\"Pacific/Apia\""});
    std::string words = R"("(?:[^"\\]|\\.)*")";
    for (const auto& param : names_.params) {
      if (param.type.kind == Kind::kText) words += "|\\b" + param.name + "\\b";
    }
    return std::regex_replace(text, std::regex(words), zone);
  }

  // for, timezone, let, when, unless.
  std::string Head(RandomExpression& expressions, const typed::Type& row) {
    std::string text = "  for r in " + schema_.entity(row.entity).name + "\n";
    expressions.AddVariable("r", row);
    if (choice_.OneIn(2)) {
      expressions.AllowNow(false);
      expressions.SetBudget(4);
      text +=
          "  timezone " + WithZones(expressions.Value(typed::Plain(Kind::kText), 2)->text) + "\n";
      expressions.AllowNow(true);
    }
    for (uint32_t count = choice_.Below(3); count > 0; --count) text += Let(expressions);
    expressions.SetBudget(choice_.OneIn(4) ? 60 : 20);
    const SourceCondition when = expressions.Condition(4);
    text += "  when " + when.text + "\n";
    KnownKeys known = when.when_true;
    if (choice_.OneIn(3)) {
      expressions.SetKnown(known);
      const SourceCondition unless = expressions.Condition(2);
      text += "  unless " + unless.text + "\n";
      known.insert(unless.when_false.begin(), unless.when_false.end());
    }
    expressions.SetKnown(std::move(known));
    return text;
  }

  std::string Let(RandomExpression& expressions) {
    const std::string name = NewName('l');
    expressions.SetBudget(10);
    SourceExpression value;
    if (choice_.OneIn(3)) {
      const SourceCondition condition = expressions.Condition(2);
      static_cast<SourceText&>(value) = condition;
      value.type = typed::Plain(Kind::kBool);
      expressions.AddValue(name, value, &condition);
    } else {
      const typed::Type type = expressions.AnyType();
      std::optional<SourceExpression> made;
      if (choice_.OneIn(2)) made = expressions.Maybe(type, 2);
      if (!made) made = expressions.Value(type, 2);
      if (!made) return "";
      value = *made;
      expressions.AddValue(name, value);
    }
    return fmt::format("  let {} = {}\n", name, value.text);
  }

  void Policy() {
    const typed::Type row = RowType();
    RandomExpression expressions = Expressions();
    const std::string name = NewName('n');
    std::string text =
        fmt::format("policy {} \"A random policy\" {{\n  controls soc2 \"CC6.2\"\n", name);
    text += Head(expressions, row);
    expressions.AllowNow(false);
    expressions.SetBudget(6);
    std::string target = "r";
    if (choice_.OneIn(2)) {
      const auto rows = expressions.Rows(2);
      if (rows && rows->type.kind == Kind::kRows) target = rows->text;
    }
    text += fmt::format("  then {{ run \"check\" on {} }}\n", target);
    if (choice_.OneIn(2)) {
      const typed::Type type = expressions.AnyType();
      auto group = choice_.OneIn(2) ? expressions.Maybe(type, 2) : expressions.Value(type, 2);
      if (group && group->type.kind != Kind::kTableRow) {
        text += fmt::format("  limit 5% of {} per {} per day\n", schema_.entity(row.entity).name,
                            group->In(Binding::kCoalesce));
      }
    }
    declarations_.push_back({text + "}\n"});
  }

  void Protect() {
    RandomExpression expressions = Expressions();
    const std::string name = NewName('n');
    declarations_.push_back({fmt::format("protect {} \"A random protect\" {{\n", name) +
                             Head(expressions, RowType()) + "}\n"});
  }

  RandomChoice& choice_;
  const Schema& schema_;
  const Instant now_;
  std::map<std::string, std::string>& files_;
  SourceNames names_;
  std::vector<SourceDeclaration> declarations_;
  uint32_t name_count_ = 0;
};

}  // namespace

std::vector<SourceDeclaration> RandomPolicySource(RandomChoice& choice, const Schema& schema,
                                                  Instant now,
                                                  std::map<std::string, std::string>& files) {
  return PolicyWriter(choice, schema, now, files).Write();
}

}  // namespace rescind
