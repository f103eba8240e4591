#include "engine/syntax/printer.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace rescind {
namespace {

using ast::Overloaded;

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string NameText(const ast::Name& name) { return name.ok() ? name.text : "<error>"; }
std::string NameText(const ast::QualifiedName& name) { return name.ok() ? name.Text() : "<error>"; }

template <typename Enum, size_t N>
std::string_view Word(Enum value, const std::array<std::string_view, N>& words) {
  return words[static_cast<size_t>(value)];
}
constexpr std::array<std::string_view, 6> kCompareWords = {"==", "!=", "<", "<=", ">", ">="};
constexpr std::array<std::string_view, 3> kTextWords = {"starts_with", "ends_with", "contains"};
constexpr std::array<std::string_view, 5> kCivilWords = {"days", "weeks", "months", "years",
                                                         "business_days"};
constexpr std::array<std::string_view, 4> kQuantifierWords = {"any", "all", "no", "count"};
constexpr std::array<std::string_view, 3> kAggregateWords = {"latest", "earliest", "sum"};
constexpr std::array<std::string_view, 4> kSeverityWords = {"low", "medium", "high", "critical"};
constexpr std::array<std::string_view, 7> kVerbWords = {"disable", "suspend", "end", "revoke",
                                                        "delete",  "notify",  "run"};

// ---- Expressions ----------------------------------------------------------------------------

std::string Print(const ast::Expr& expr);
std::string Print(const ast::ExprPtr& expr) { return expr ? Print(*expr) : "<none>"; }

std::string PrintAll(const std::vector<ast::ExprPtr>& exprs) {
  std::string out;
  for (const auto& expr : exprs) out += " " + Print(expr);
  return out;
}

std::string PrintBinding(const ast::Binding& binding) {
  std::string out = fmt::format("{} in {}", NameText(binding.variable), Print(binding.collection));
  if (binding.condition) out += " where " + Print(binding.condition);
  return out;
}

std::string Binary(std::string_view op, const ast::ExprPtr& left, const ast::ExprPtr& right) {
  return fmt::format("({} {} {})", op, Print(left), Print(right));
}

// Literals and names.
struct LeafPrinter {
  std::string operator()(const ast::TextLiteral& e) const { return Quote(e.value); }
  std::string operator()(const ast::IntLiteral& e) const { return fmt::format("{}", e.value); }
  std::string operator()(const ast::BoolLiteral& e) const { return e.value ? "true" : "false"; }
  std::string operator()(const ast::DateLiteral& e) const { return FormatDay(e.value); }
  std::string operator()(const ast::TimeLiteral& e) const { return FormatInstant(e.value); }
  std::string operator()(const ast::DurationLiteral& e) const { return FormatDuration(e.value); }
  std::string operator()(const ast::CivilDurationLiteral& e) const {
    return fmt::format("(civil {} {})", e.count, Word(e.unit, kCivilWords));
  }
  std::string operator()(const ast::SetLiteral& e) const {
    return fmt::format("(set{})", PrintAll(e.items));
  }
  std::string operator()(const ast::UnknownLiteral&) const { return "<unknown>"; }
  std::string operator()(const ast::NameExpr& e) const { return NameText(e.name); }
  std::string operator()(const ast::FieldExpr& e) const {
    return fmt::format("{}{}{}", Print(e.base), e.optional ? "?." : ".", NameText(e.field));
  }
  std::string operator()(const ast::CallExpr& e) const {
    return fmt::format("(call {}{})", NameText(e.callee), PrintAll(e.arguments));
  }
  std::string operator()(const ast::NowExpr&) const { return "now"; }
  std::string operator()(const ast::TodayExpr&) const { return "today"; }
  std::string operator()(const ast::ErrorExpr&) const { return "<error>"; }
};

// Operators.
struct ExprPrinter : LeafPrinter {
  using LeafPrinter::operator();
  std::string operator()(const ast::LogicalExpr& e) const {
    return fmt::format("({}{})", e.op == ast::LogicalOp::kAnd ? "and" : "or", PrintAll(e.operands));
  }
  std::string operator()(const ast::NotExpr& e) const {
    return fmt::format("(not {})", Print(e.operand));
  }
  std::string operator()(const ast::CompareExpr& e) const {
    return Binary(Word(e.op, kCompareWords), e.left, e.right);
  }
  std::string operator()(const ast::InExpr& e) const { return Binary("in", e.item, e.collection); }
  std::string operator()(const ast::HasExpr& e) const { return Binary("has", e.set, e.item); }
  std::string operator()(const ast::TextRelationExpr& e) const {
    return Binary(Word(e.op, kTextWords), e.text, e.part);
  }
  std::string operator()(const ast::MatchesExpr& e) const {
    return fmt::format("(matches {} /{}/)", Print(e.text), e.pattern);
  }
  std::string operator()(const ast::PassedExpr& e) const {
    return fmt::format("(passed {})", Print(e.moment));
  }
  std::string operator()(const ast::AgeExpr& e) const {
    return Binary(e.op == ast::AgeOp::kOlder ? "older" : "newer", e.moment, e.length);
  }
  std::string operator()(const ast::WithinNextExpr& e) const {
    return Binary("within_next", e.moment, e.length);
  }
  std::string operator()(const ast::KnownExpr& e) const {
    return fmt::format("({} {})", e.known ? "known" : "unknown", Print(e.operand));
  }
  std::string operator()(const ast::CoalesceExpr& e) const { return Binary("??", e.left, e.right); }
  std::string operator()(const ast::ArithmeticExpr& e) const {
    constexpr std::array<std::string_view, 3> words = {"+", "-", "*"};
    return Binary(Word(e.op, words), e.left, e.right);
  }
  std::string operator()(const ast::NegateExpr& e) const {
    return fmt::format("(- {})", Print(e.operand));
  }
  std::string operator()(const ast::QuantifierExpr& e) const {
    return fmt::format("({} {})", Word(e.op, kQuantifierWords), PrintBinding(e.binding));
  }
  std::string operator()(const ast::AggregateExpr& e) const {
    return fmt::format("({} {} for {})", Word(e.op, kAggregateWords), Print(e.value),
                       PrintBinding(e.binding));
  }
  std::string operator()(const ast::FilterExpr& e) const {
    return fmt::format("(filter {})", PrintBinding(e.binding));
  }
};

std::string Print(const ast::Expr& expr) { return std::visit(ExprPrinter{}, expr.node); }

// ---- Types, fields, actions -----------------------------------------------------------------

std::string Print(const ast::TypeRef& type) {
  std::string out = "<error>";
  switch (type.kind) {
    case ast::TypeRef::Kind::kNamed: out = NameText(type.name); break;
    case ast::TypeRef::Kind::kEnum:
      out = type.ordered ? "enum ordered {" : "enum {";
      for (const ast::Name& member : type.members) out += " " + NameText(member);
      out += " }";
      break;
    case ast::TypeRef::Kind::kSet: out = "set of " + Print(*type.element); break;
    case ast::TypeRef::Kind::kError: break;
  }
  return type.optional ? out + "?" : out;
}

std::string Print(const ast::Action& action) {
  std::string out(Word(action.verb, kVerbWords));
  if (action.verb == ast::ActionVerb::kRun) out += fmt::format(" {} on", Quote(action.playbook));
  return fmt::format("({} {})", out, Print(action.target));
}

std::string Print(const ast::ExpectTime& time) {
  constexpr std::array<std::string_view, 5> words = {"", " at ", " before ", " after ",
                                                     " between "};
  std::string out(Word(time.kind, words));
  if (time.first) out += Print(time.first);
  if (time.second) out += " and " + Print(time.second);
  return out;
}

std::string Print(const ast::RowLiteral& row) {
  std::string out = fmt::format("{} {}", NameText(row.entity), Quote(row.id));
  if (row.variable) out += " as " + NameText(*row.variable);
  for (const ast::FieldValue& field : row.fields)
    out += fmt::format(" ({}: {})", NameText(field.field), Print(field.value));
  return out;
}

// ---- Lines ----------------------------------------------------------------------------------

class Printer {
 public:
  std::string Run(const ast::File& file) {
    if (file.module) Line(0, "module " + NameText(*file.module));
    for (const ast::Declaration& declaration : file.declarations) Add(declaration);
    if (file.incomplete) Line(0, "incomplete");
    return std::move(out_);
  }

 private:
  void Line(int level, std::string_view text) {
    out_.append(static_cast<size_t>(level) * 2, ' ');
    out_ += text;
    out_ += '\n';
  }
  void Add(const ast::Declaration& declaration);
  void Add(const ast::Field& field);
  void Add(const ast::Clause& clause);
  void Add(const ast::ThenClause& then);
  void Add(const ast::Statement& statement);
  std::string ClauseText(const ast::Clause::Node& node) const;
  void Body(const ast::Declaration::Node& node);
  std::string HeadText(const ast::Declaration::Node& node) const;
  std::string ParameterText(const std::vector<ast::Parameter>& parameters) const {
    std::string out;
    for (const ast::Parameter& parameter : parameters)
      out += fmt::format(" ({}: {})", NameText(parameter.name), Print(parameter.type));
    return out;
  }

  std::string out_;
};

std::string Printer::HeadText(const ast::Declaration::Node& node) const {
  return std::visit(
      Overloaded{[](const ast::EntityDecl& d) {
                   return fmt::format("{} {}", d.extends ? "extend" : "entity", NameText(d.name));
                 },
                 [](const ast::ParamDecl& d) {
                   return fmt::format("param {}: {} = {}", NameText(d.name), Print(d.type),
                                      Print(d.value));
                 },
                 [](const ast::ListDecl& d) {
                   return fmt::format(
                       "list {} of {}{}", NameText(d.name), Print(d.element),
                       d.file ? " from " + Quote(*d.file) : " =" + PrintAll(d.items));
                 },
                 [this](const ast::TableDecl& d) {
                   return fmt::format("table {}{} from {}", NameText(d.name),
                                      ParameterText(d.columns), Quote(d.file));
                 },
                 [this](const ast::DefineDecl& d) {
                   return fmt::format("define {}{} = {}", NameText(d.name),
                                      ParameterText(d.parameters), Print(d.body));
                 },
                 [](const ast::PolicyDecl& d) {
                   std::string out = fmt::format("policy {} {}", NameText(d.name), Quote(d.title));
                   if (d.renamed_from) out += " renamed from " + NameText(*d.renamed_from);
                   return out;
                 },
                 [](const ast::ProtectDecl& d) {
                   return fmt::format("protect {} {}", NameText(d.name), Quote(d.title));
                 },
                 [](const ast::TestDecl& d) {
                   std::string out = "test " + Quote(d.title);
                   for (const auto& policy : d.policies) out += " for " + NameText(policy);
                   return out;
                 },
                 [](const ast::FixtureDecl& d) { return "fixture " + NameText(d.name); }},
      node);
}

void Printer::Body(const ast::Declaration::Node& node) {
  if (const auto* entity = std::get_if<ast::EntityDecl>(&node)) {
    for (const ast::Field& field : entity->fields) Add(field);
  } else if (const auto* policy = std::get_if<ast::PolicyDecl>(&node)) {
    for (const ast::Clause& clause : policy->clauses) Add(clause);
  } else if (const auto* protect = std::get_if<ast::ProtectDecl>(&node)) {
    for (const ast::Clause& clause : protect->clauses) Add(clause);
  } else if (const auto* test = std::get_if<ast::TestDecl>(&node)) {
    for (const ast::Statement& statement : test->statements) Add(statement);
  } else if (const auto* fixture = std::get_if<ast::FixtureDecl>(&node)) {
    for (const ast::Statement& statement : fixture->statements) Add(statement);
  }
}

void Printer::Add(const ast::Declaration& declaration) {
  std::string head = HeadText(declaration.node);
  if (!declaration.doc.empty()) head += " doc " + Quote(declaration.doc);
  if (declaration.incomplete) head += " incomplete";
  Line(0, head);
  Body(declaration.node);
}

void Printer::Add(const ast::Field& field) {
  std::string line = NameText(field.name) + ": ";
  if (field.many) {
    line += fmt::format("many {} via {}", NameText(field.many->entity), NameText(field.many->via));
  } else {
    line += Print(field.type);
  }
  if (field.tracked) line += " tracked";
  if (field.latest) line += " latest";
  if (!field.doc.empty()) line += " doc " + Quote(field.doc);
  Line(1, line);
}

// ---- Clauses --------------------------------------------------------------------------------

std::string Reason(const ast::BecauseClause& because) {
  std::string out = "because";
  for (const auto& part : because.parts)
    out += " " + (part.expr ? fmt::format("{{{}}}", Print(part.expr)) : Quote(part.text));
  return out;
}

std::string Controls(const ast::ControlsClause& controls) {
  std::string out = "controls";
  for (const auto& framework : controls.frameworks) {
    out += " (" + NameText(framework.name);
    for (const auto& reference : framework.references) out += " " + Quote(reference.text);
    out += ")";
  }
  return out;
}

std::string LimitShare(const ast::LimitShareClause& limit) {
  std::string out = fmt::format("limit {}{} of {}", Print(limit.amount.value),
                                limit.percent ? "%" : "", NameText(limit.entity));
  if (limit.group) out += " per " + Print(limit.group);
  constexpr std::array<std::string_view, 3> words = {" per run", " per hour", " per day"};
  if (limit.window) out += Word(*limit.window, words);
  return out;
}

std::string OnFailure(const ast::OnFailureClause& clause) {
  std::string out = "on failure retry for " + Print(clause.retry_for.value) + " then";
  for (const auto& outcome : clause.outcomes) {
    constexpr std::array<std::string_view, 3> words = {" rollback", " keep", " notify"};
    out += Word(outcome.kind, words);
    if (outcome.recipient) out += " " + Print(outcome.recipient);
  }
  return out;
}

std::string Printer::ClauseText(const ast::Clause::Node& node) const {
  return std::visit(
      Overloaded{[](const ast::ForClause& c) {
                   return fmt::format("for {} in {}", NameText(c.variable), NameText(c.entity));
                 },
                 [](const ast::LetClause& c) {
                   return fmt::format("let {} = {}", NameText(c.name), Print(c.value));
                 },
                 [](const ast::WhenClause& c) { return "when " + Print(c.condition); },
                 [](const ast::UnlessClause& c) { return "unless " + Print(c.condition); },
                 [](const ast::BecauseClause& c) { return Reason(c); },
                 [](const ast::ControlsClause& c) { return Controls(c); },
                 [](const ast::SeverityClause& c) {
                   return fmt::format("severity {}",
                                      c.severity ? Word(*c.severity, kSeverityWords) : "<error>");
                 },
                 [](const ast::ModeClause& c) {
                   return fmt::format("mode {}", !c.mode                          ? "<error>"
                                                 : *c.mode == ast::Mode::kObserve ? "observe"
                                                                                  : "enforce");
                 },
                 [](const ast::TimezoneClause& c) { return "timezone " + Print(c.value); },
                 [](const ast::ThenClause&) { return std::string(); },
                 [](const ast::LimitShareClause& c) { return LimitShare(c); },
                 [](const ast::LimitLeaveClause& c) {
                   return fmt::format("limit leave {} per {}", Print(c.amount.value),
                                      Print(c.group));
                 },
                 [](const ast::NeedsClause& c) {
                   return fmt::format("needs {} within {}", Quote(c.source), Print(c.within.value));
                 },
                 [](const ast::DoneClause& c) {
                   return fmt::format("done within {} else notify {}", Print(c.within.value),
                                      Print(c.recipient));
                 },
                 [](const ast::OnFailureClause& c) { return OnFailure(c); }},
      node);
}

void Printer::Add(const ast::Clause& clause) {
  if (const auto* then = std::get_if<ast::ThenClause>(&clause.node)) return Add(*then);
  Line(1, ClauseText(clause.node));
}

void Printer::Add(const ast::ThenClause& then) {
  std::string line = "then";
  if (then.after) line += " after " + Print(then.after->value);
  if (then.approval) {
    constexpr std::array<std::string_view, 3> words = {"hold", "proceed", "withdraw"};
    line +=
        fmt::format(" approved by {} within {} else {}", Print(then.approval->approver),
                    Print(then.approval->within.value),
                    then.approval->otherwise ? Word(*then.approval->otherwise, words) : "<error>");
  }
  Line(1, line);
  for (const ast::Action& action : then.actions) Line(2, Print(action));
}

// ---- Statements -----------------------------------------------------------------------------

std::string AtText(const ast::AtStatement& at) {
  const std::string change =
      std::visit(Overloaded{[](const ast::SetChange& c) {
                              return fmt::format("set {} = {}", Print(c.path), Print(c.value));
                            },
                            [](const ast::RemoveChange& c) { return "remove " + NameText(c.row); },
                            [](const ast::AddChange& c) { return "add " + Print(c.row); },
                            [](const ast::StaleChange& c) { return "stale " + Quote(c.source); },
                            [](const ast::ApproveChange& c) {
                              return (c.approved ? "approve " : "refuse ") + NameText(c.policy);
                            }},
                 at.change);
  return fmt::format("at {} {}", Print(at.at), change);
}

void Printer::Add(const ast::Statement& statement) {
  Line(1, std::visit(
              Overloaded{[](const ast::UseStatement& s) { return "use " + NameText(s.fixture); },
                         [](const ast::GivenStatement& s) { return "given " + Print(s.row); },
                         [](const ast::StartStatement& s) { return "start " + Print(s.at); },
                         [](const ast::EndStatement& s) { return "end " + Print(s.at); },
                         [](const ast::AtStatement& s) { return AtText(s); },
                         [](const ast::ExpectAction& s) {
                           return fmt::format("expect {}{}{}", s.negated ? "no " : "",
                                              Print(s.action), Print(s.time));
                         },
                         [](const ast::ExpectHeld& s) {
                           return fmt::format("expect {}held{}{}", s.negated ? "no " : "",
                                              Print(s.time),
                                              s.reason ? " because " + NameText(*s.reason) : "");
                         }},
              statement.node));
}

}  // namespace

std::string PrintTree(const ast::File& file) { return Printer().Run(file); }
std::string PrintTree(const ast::Expr& expr) { return Print(expr); }

}  // namespace rescind
