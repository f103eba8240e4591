// Two passes over a test: first every row that a fixture, `given` or `add` names comes into scope,
// so that rows may refer to each other in any order; then values, changes and expectations.
#include "engine/check/test_checker.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/check/expression_checker.h"
#include "engine/check/rule_checker.h"
#include "engine/check/test_expectation.h"

namespace rescind::check {

using typed::Constant;
using typed::RowKey;
using typed::Type;

namespace {

class TestChecker {
 public:
  TestChecker(CheckState& state, std::string module)
      : state_(state), module_(std::move(module)), expressions_(state, module_, nullptr) {}

  void CheckTest(const ast::Declaration& declaration, const ast::TestDecl& decl) {
    typed::Test test;
    test.title = decl.title;
    test.module = module_;
    test.span = declaration.span;
    title_span_ = decl.title_span;
    for (const auto& name : decl.policies) {
      if (const auto policy = FindPolicy(state_, module_, name)) test.policies.push_back(*policy);
    }
    std::set<const ast::FixtureDecl*> used;
    is_incomplete_ = declaration.incomplete;
    if (is_incomplete_) expressions_.ForgiveUnknownNames();
    CollectRows(decl.statements, used);
    NameRows();
    for (const auto& [row, at] : rows_) CheckRow(*row, at, test);
    for (const ast::Statement& statement : decl.statements) CheckStatement(statement, test);
    FinishTimes(test);
    state_.program.tests.push_back(std::move(test));
  }

  void CheckFixture(const Fixture& fixture) {
    const ast::FixtureDecl& decl = *fixture.decl;
    std::set<const ast::FixtureDecl*> used = {&decl};
    if (fixture.incomplete) expressions_.ForgiveUnknownNames();
    typed::Test scratch;
    CollectRows(decl.statements, used);
    NameRows();
    for (const auto& [row, at] : rows_) CheckRow(*row, at, scratch);
    for (const ast::Statement& statement : decl.statements) RefuseInFixture(statement);
  }

 private:
  using Row = std::pair<const ast::RowLiteral*, const ast::AtStatement*>;  // at: null for `given`

  void RefuseInFixture(const ast::Statement& statement) {
    if (std::holds_alternative<ast::GivenStatement>(statement.node) ||
        std::holds_alternative<ast::UseStatement>(statement.node)) {
      return;
    }
    state_.Mistake(kMisplacedStatement, statement.span, "a fixture holds `given` and `use` only")
        .Help("what happens and what is expected belongs into the test");
  }

  // Rows of used fixtures first, each fixture once.
  void CollectRows(const std::vector<ast::Statement>& statements,
                   std::set<const ast::FixtureDecl*>& used) {
    for (const ast::Statement& statement : statements) {
      const auto* use = std::get_if<ast::UseStatement>(&statement.node);
      if (use == nullptr) continue;
      const Fixture* fixture = use->fixture.ok() ? FindFixture(use->fixture) : nullptr;
      // The rows of the one that was meant are named by what follows.
      if (fixture == nullptr || fixture->incomplete) expressions_.ForgiveUnknownNames();
      if (fixture != nullptr && used.insert(fixture->decl).second) {
        CollectRows(fixture->decl->statements, used);
      }
    }
    for (const ast::Statement& statement : statements) {
      if (const auto* given = std::get_if<ast::GivenStatement>(&statement.node)) {
        rows_.emplace_back(&given->row, nullptr);
      } else if (const auto* at = std::get_if<ast::AtStatement>(&statement.node)) {
        if (const auto* add = std::get_if<ast::AddChange>(&at->change)) {
          rows_.emplace_back(&add->row, at);
        }
      }
    }
  }

  const Fixture* FindFixture(const ast::QualifiedName& name) {
    std::vector<std::string> parts;
    for (const ast::Name& part : name.parts) parts.push_back(part.text);
    const auto found = state_.symbols.Find(NameSpace::kFixtures, module_, parts);
    if (found.size() == 1) return &state_.fixtures[found.front()->index];
    if (found.size() > 1) {
      state_
          .Mistake(kAmbiguousName, name.span,
                   fmt::format("`{}` could be several fixtures", name.Text()))
          .Help(SayWhich(found));
      return nullptr;
    }
    if (state_.names_incomplete) return nullptr;
    state_.Mistake(kUnknownName, name.span, fmt::format("there is no fixture `{}`", name.Text()))
        .Suggest(name.parts.back().text, name.parts.back().span,
                 state_.symbols.Names(NameSpace::kFixtures));
    return nullptr;
  }

  std::optional<EntityId> EntityOf(const ast::QualifiedName& name, bool report) {
    if (!name.ok()) return std::nullopt;
    const auto entity = state_.schema().Find(name.parts.back().text);
    if (entity || !report || state_.entities_incomplete) return entity;
    std::vector<std::string> names;
    for (const EntityDef& known : state_.schema().entities()) names.push_back(known.name);
    state_.Mistake(kUnknownType, name.span, fmt::format("there is no entity `{}`", name.Text()))
        .Suggest(name.parts.back().text, name.parts.back().span, names);
    return std::nullopt;
  }

  void NameRows() {
    for (const auto& [row, at] : rows_) {
      const auto entity = EntityOf(row->entity, true);
      if (!entity || row->id.empty()) continue;
      const auto [place, is_new] = ids_.insert({{*entity, row->id}, row->id_span});
      // A row that was removed may be added again.
      if (!is_new && at == nullptr) {
        state_.Mistake(kBadRow, row->id_span, fmt::format("`{}` is given twice", row->id))
            .Note(place->second, "it is given here")
            .Help("give each row once; a fixture's rows count, too");
        continue;
      }
      if (row->variable && row->variable->ok() &&
          expressions_.FindRow(row->variable->text) == nullptr) {
        expressions_.AddRow(*row->variable, {*entity, row->id});
      }
    }
  }

  // ---- Rows and values ----

  std::optional<typed::FieldContent> CheckContent(const ast::Expr& expr, const FieldDef& field) {
    if (expr.is_error()) return std::nullopt;
    if (expr.As<ast::UnknownLiteral>()) {
      if (field.type.optional) return typed::FieldContent{};
      state_.Mistake(kBadRow, expr.span, fmt::format("`{}` is never unknown", field.name))
          .Help(field.type.kind == TypeKind::kSet ? "write `{ }` for an empty set"
                                                  : "give it a value");
      return std::nullopt;
    }
    Type type = TypeOfField(field.type);
    type.optional = false;
    if (type.kind != Type::Kind::kSet) {
      auto value = expressions_.CheckConstant(expr, type);
      if (!value) return std::nullopt;
      if (std::holds_alternative<CivilDuration>(*value)) {
        state_.Mistake(kWrongLength, expr.span, "a duration is exact: `90d`, `12h`");
        return std::nullopt;
      }
      return typed::FieldContent(std::move(*value));
    }
    const auto* set = expr.As<ast::SetLiteral>();
    if (set == nullptr) {
      state_.Mistake(kBadRow, expr.span, fmt::format("`{}` is a set", field.name))
          .Help("write its members in braces: `{ \"a\", \"b\" }`");
      return std::nullopt;
    }
    Type element = typed::Plain(type.element);
    element.enumeration = type.enumeration;
    element.entity = type.entity;
    std::vector<Constant> items;
    bool sound = true;
    for (const auto& item : set->items) {
      auto value = expressions_.CheckConstant(*item, element);
      sound = sound && value.has_value();
      if (value) items.push_back(std::move(*value));
    }
    if (!sound) return std::nullopt;
    return typed::FieldContent(std::move(items));
  }

  std::optional<FieldId> FindField(EntityId entity, const ast::Name& name) {
    if (!name.ok()) return std::nullopt;
    const EntityDef& definition = state_.schema().entity(entity);
    const auto field = definition.Find(name.text);
    if (field && definition.field(*field).type.kind != TypeKind::kMany) return field;
    if (field) {
      state_
          .Mistake(kBadRow, name.span,
                   fmt::format("`{}.{}` follows from the rows that refer to it", definition.name,
                               name.text))
          .Help("set the reference of those rows instead");
      return std::nullopt;
    }
    if (state_.FieldMayBeHidden(entity, name.text)) return std::nullopt;
    std::vector<std::string> names;
    for (const FieldDef& known : definition.fields) names.push_back(known.name);
    state_
        .Mistake(kUnknownField, name.span,
                 fmt::format("`{}` has no `{}`", definition.name, name.text))
        .Suggest(name.text, name.span, names);
    return std::nullopt;
  }

  void ReportMissingFields(const ast::RowLiteral& row, EntityId entity,
                           const std::set<FieldId>& given) {
    std::vector<std::string> missing;
    const EntityDef& definition = state_.schema().entity(entity);
    for (uint32_t i = 0; i < definition.fields.size(); ++i) {
      const FieldType& type = definition.fields[i].type;
      const bool required =
          !type.optional && type.kind != TypeKind::kSet && type.kind != TypeKind::kMany;
      if (required && given.count(FieldId(i)) == 0) missing.push_back(definition.fields[i].name);
    }
    if (missing.empty()) return;
    state_
        .Mistake(kBadRow, row.id_span,
                 fmt::format("this {} lacks {}", definition.name, fmt::join(missing, ", ")))
        .Help("only fields declared with `?`, and sets, may be left out");
  }

  void CheckRow(const ast::RowLiteral& row, const ast::AtStatement* at, typed::Test& test) {
    const auto entity = EntityOf(row.entity, false);
    if (!entity) return;
    typed::GivenRow result{*entity, row.id, {}, row.span};
    std::set<FieldId> given;
    bool sound = true;
    for (const ast::FieldValue& value : row.fields) {
      const auto field = FindField(*entity, value.field);
      if (!field) {
        sound = false;
        continue;
      }
      if (!given.insert(*field).second) {
        state_
            .Mistake(kBadRow, value.field.span, fmt::format("`{}` is set twice", value.field.text))
            .Help("leave one of them out");
        continue;
      }
      auto content = CheckContent(*value.value, state_.schema().field(*entity, *field));
      if (content) result.fields.push_back({*field, std::move(*content), value.span});
    }
    if (sound) ReportMissingFields(row, *entity, given);
    if (at == nullptr) {
      test.rows.push_back(std::move(result));
    } else if (const auto when = CheckTime(at->at)) {
      test.changes.push_back({*when, typed::AddRow{std::move(result)}, row.span});
    }
  }

  // ---- Times ----

  std::optional<Instant> CheckTime(const ast::ExprPtr& expr) {
    if (expr == nullptr || expr->is_error()) return std::nullopt;
    const auto value = expressions_.CheckConstant(*expr, typed::Plain(Type::Kind::kTime));
    if (!value) return std::nullopt;
    const Instant at = std::get<Instant>(*value);
    times_.emplace_back(at, expr->span);
    return at;
  }

  void CheckMark(const ast::ExprPtr& expr, std::optional<Instant>& mark, std::string_view word,
                 Span place) {
    const size_t before = times_.size();
    const auto at = CheckTime(expr);
    times_.resize(before);
    if (mark) {
      state_.Mistake(kRepeatedClause, place, fmt::format("`{}` is there already", word))
          .Help("leave one of them out");
      return;
    }
    mark = at;
  }

  void FinishTimes(typed::Test& test) {
    for (const auto& [at, span] : times_) {
      if (test.start && at < *test.start) {
        state_.Mistake(kBadTestTime, span, "this lies before the test's start")
            .Label(fmt::format("it starts at {}", FormatInstant(*test.start)));
      } else if (test.end && at > *test.end) {
        state_.Mistake(kBadTestTime, span, "this lies after the test's end")
            .Label(fmt::format("it ends at {}", FormatInstant(*test.end)));
      }
    }
    if (test.start && test.end && *test.end < *test.start) {
      state_.Mistake(kBadTestTime, title_span_, "this test ends before it starts");
    }
    if (times_.empty() && !test.start && !test.end && !is_incomplete_) {
      state_.Mistake(kBadTestTime, title_span_, "this test names no time")
          .Help("say when it starts and ends: `start 2026-01-01T00:00Z`, `end …`");
    }
    std::stable_sort(test.changes.begin(), test.changes.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
  }

  // ---- Statements ----

  void CheckStatement(const ast::Statement& statement, typed::Test& test) {
    std::visit(
        ast::Overloaded{
            [](const ast::UseStatement&) {},
            [](const ast::GivenStatement&) {},
            [&](const ast::StartStatement& s) {
              CheckMark(s.at, test.start, "start", statement.span);
            },
            [&](const ast::EndStatement& s) { CheckMark(s.at, test.end, "end", statement.span); },
            [&](const ast::AtStatement& s) { CheckChange(s, test); },
            [&](const ast::ExpectAction& s) {
              auto time = CheckExpectedTime(s.time);
              auto action = CheckExpectedAction(state_, expressions_, s);
              if (!action) return;
              action->time = time;
              action->span = statement.span;
              test.actions.push_back(std::move(*action));
            },
            [&](const ast::ExpectHeld& s) {
              auto hold = CheckExpectedHold(state_, s);
              hold.time = CheckExpectedTime(s.time);
              hold.span = statement.span;
              test.holds.push_back(hold);
            },
        },
        statement.node);
  }

  typed::ExpectedTime CheckExpectedTime(const ast::ExpectTime& time) {
    typed::ExpectedTime result;
    result.kind = static_cast<typed::ExpectedTime::Kind>(time.kind);
    if (const auto first = CheckTime(time.first)) result.first = *first;
    if (const auto second = CheckTime(time.second)) {
      result.second = *second;
      if (result.second < result.first) {
        state_.Mistake(kBadTestTime, time.second->span, "the second time lies before the first")
            .Help("swap them");
      }
    }
    return result;
  }

  void CheckSet(const ast::AtStatement& at, const ast::SetChange& set, typed::Test& test) {
    const auto when = CheckTime(at.at);
    const auto* path = set.path->As<ast::FieldExpr>();
    const auto* name = path == nullptr ? nullptr : path->base->As<ast::NameExpr>();
    if (set.path->is_error()) return;
    if (name == nullptr || path->optional) {
      state_.Mistake(kBadRow, set.path->span, "`set` takes a field of a row")
          .Help("write `set g.last_used = …`");
      return;
    }
    const RowKey* row = FindRow(name->name);
    if (row == nullptr) return;
    const auto field = FindField(row->entity, path->field);
    if (!field) return;
    auto content = CheckContent(*set.value, state_.schema().field(row->entity, *field));
    if (!when || !content) return;
    test.changes.push_back({*when,
                            typed::SetFact{*row, {*field, std::move(*content), set.path->span}},
                            at.change_span});
  }

  const RowKey* FindRow(const ast::Name& name) { return FindTestRow(state_, expressions_, name); }

  void CheckChange(const ast::AtStatement& at, typed::Test& test) {
    const auto put = [&](auto change) {
      if (const auto when = CheckTime(at.at)) {
        test.changes.push_back({*when, std::move(change), at.change_span});
      }
    };
    std::visit(ast::Overloaded{
                   [&](const ast::SetChange& c) { CheckSet(at, c, test); },
                   [&](const ast::RemoveChange& c) {
                     if (const RowKey* row = FindRow(c.row)) put(typed::RemoveRow{*row});
                   },
                   [](const ast::AddChange&) {},  // with the rows
                   [&](const ast::StaleChange& c) { put(typed::SourceStale{c.source}); },
                   [&](const ast::ApproveChange& c) {
                     const auto policy = FindPolicy(state_, module_, c.policy);
                     if (policy) put(typed::Answer{*policy, c.approved});
                   },
               },
               at.change);
  }

  CheckState& state_;
  const std::string module_;
  Span title_span_;
  bool is_incomplete_ = false;  // a syntax error may have hidden statements
  ExpressionChecker expressions_;
  std::vector<Row> rows_;
  std::map<std::pair<EntityId, std::string>, Span> ids_;
  std::vector<std::pair<Instant, Span>> times_;  // of changes and expectations
};

}  // namespace

void CheckTests(CheckState& state) {
  for (const Fixture& fixture : state.fixtures) {
    TestChecker(state, fixture.module).CheckFixture(fixture);
  }
  for (const auto& test : state.tests) {
    TestChecker(state, test.module).CheckTest(*test.declaration, *test.decl);
  }
}

}  // namespace rescind::check
