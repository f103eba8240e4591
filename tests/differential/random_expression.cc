#include "tests/differential/random_expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/check/expression_checker.h"
#include "tests/differential/random_facts.h"

namespace rescind {

using Kind = typed::Type::Kind;

namespace {

// Of one kind, whether it may be unknown or moves aside.
using check::SameType;

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

bool IsRowsField(const FieldType& type) {
  return type.kind == TypeKind::kMany ||
         (type.kind == TypeKind::kSet && type.element == TypeKind::kReference);
}

}  // namespace

std::string RandomExpression::TypeText(const Schema& schema, const Type& type) {
  const std::string mark = type.optional ? "?" : "";
  switch (type.kind) {
    case Kind::kBool: return "bool" + mark;
    case Kind::kText: return "text" + mark;
    case Kind::kInt: return "int" + mark;
    case Kind::kTime: return "time" + mark;
    case Kind::kDate: return "date" + mark;
    case Kind::kDuration:
    case Kind::kCivil: return "duration" + mark;
    case Kind::kRow: return schema.entity(type.entity).name + mark;
    default: break;
  }
  const EnumDef& definition = schema.enumeration(type.enumeration);
  std::string text = definition.ordered ? "enum ordered {" : "enum {";
  for (const std::string& member : definition.members) {
    text += (text.back() == '{' ? " " : ", ") + member;
  }
  return text + " }" + mark;
}

// ---- Scope ------------------------------------------------------------------------------------

void RandomExpression::AddVariable(const std::string& name, const Type& type) {
  Named named;
  named.value.text = name;
  named.value.key = name;
  named.value.type = type;
  scope_.push_back(std::move(named));
}

void RandomExpression::AddValue(const std::string& name, const SourceExpression& expression,
                                const SourceCondition* condition) {
  Named named;
  named.value = expression;
  named.value.text = name;
  named.value.binding = Binding::kPrimary;
  if (condition != nullptr) {
    named.condition = *condition;
    named.condition->text = name;
    named.condition->binding = Binding::kPrimary;
  }
  scope_.push_back(std::move(named));
}

SourceExpression RandomExpression::Narrowed(SourceExpression expression) const {
  if (!expression.key.empty() && known_.count(expression.key) > 0) {
    expression.type.optional = false;
  }
  return expression;
}

SourceExpression RandomExpression::Plain(SourceText text, const Type& type) const {
  SourceExpression expression;
  expression.text = std::move(text.text);
  expression.binding = text.binding;
  expression.type = type;
  expression.type.optional = false;
  return expression;
}

std::optional<SourceExpression> RandomExpression::NamedValue(const Type& type, bool optional) {
  std::vector<SourceExpression> fitting;
  for (const Named& named : scope_) {
    if (!SameType(named.value.type, type)) continue;
    if (named.value.type.moving && !may_name_now_) continue;
    SourceExpression value = Narrowed(named.value);
    if (value.type.optional == optional) fitting.push_back(std::move(value));
  }
  if (!optional) {
    for (const auto& param : names_.params) {
      if (SameType(param.type, type)) fitting.push_back(Plain({param.name}, type));
    }
  }
  if (fitting.empty()) return std::nullopt;
  return choice_.Of(fitting);
}

// ---- Paths ------------------------------------------------------------------------------------

RandomExpression::Path RandomExpression::Step(Path base, const std::string& field, Type type) {
  Path path;
  const bool guarded = base.type.optional;
  bool question = choice_.OneIn(30);
  if (guarded) {
    question = !base.short_circuits || base.own_optional || choice_.OneIn(3);
    base.short_circuits = base.short_circuits || question;
    path.implied = base.implied;
    path.implied.insert(base.key);
  }
  path.text = base.In(Binding::kPrimary) + (question ? "?." : ".") + field;
  path.key = base.key.empty() ? "" : base.key + "." + field;
  path.own_optional = type.optional;
  path.type = type;
  path.type.optional = type.optional || guarded;
  static_cast<SourceExpression&>(path) = Narrowed(path);
  path.short_circuits = base.short_circuits && path.type.optional;
  path.own_optional = path.own_optional && path.type.optional;
  return path;
}

// A row: a variable, or what references lead to from one. May be unknown.
std::optional<RandomExpression::Path> RandomExpression::RowPath() {
  std::vector<SourceExpression> rows;
  for (const Named& named : scope_) {
    if (named.value.type.kind == Kind::kRow) rows.push_back(Narrowed(named.value));
  }
  if (rows.empty()) return std::nullopt;
  Path path;
  // What was bound last is what a condition is about.
  static_cast<SourceExpression&>(path) = choice_.OneIn(2) ? rows.back() : choice_.Of(rows);
  path.own_optional = path.type.optional;
  for (int steps = static_cast<int>(choice_.Below(4)); steps > 0; --steps) {
    std::vector<const FieldDef*> fields;
    for (const FieldDef& field : schema_.entity(path.type.entity).fields) {
      if (field.type.kind == TypeKind::kReference) fields.push_back(&field);
    }
    if (fields.empty()) break;
    const FieldDef* field = choice_.Of(fields);
    path = Step(std::move(path), field->name, check::TypeOfField(field->type));
  }
  return path;
}

// A field of that type of some row in reach.
std::optional<RandomExpression::Path> RandomExpression::FieldPath(const Type& type) {
  for (int attempt = 0; attempt < 6; ++attempt) {
    auto row = RowPath();
    if (!row) return std::nullopt;
    std::vector<const FieldDef*> fields;
    for (const FieldDef& field : schema_.entity(row->type.entity).fields) {
      if (SameType(check::TypeOfField(field.type), type)) fields.push_back(&field);
    }
    if (type.kind == Kind::kText && (fields.empty() || choice_.OneIn(8))) {
      return Step(*std::move(row), "id", typed::Plain(Kind::kText));
    }
    if (fields.empty()) continue;
    const FieldDef* field = choice_.Of(fields);
    return Step(*std::move(row), field->name, check::TypeOfField(field->type));
  }
  return std::nullopt;
}

std::optional<RandomExpression::Path> RandomExpression::ColumnPath(const Type& type) {
  for (auto named = scope_.rbegin(); named != scope_.rend(); ++named) {
    if (named->value.type.kind != Kind::kTableRow) continue;
    for (const auto& table : names_.tables) {
      if (!SameType(table.row, named->value.type)) continue;
      for (const auto& column : table.columns) {
        if (!SameType(column.type, type) || choice_.OneIn(4)) continue;
        Path path;
        static_cast<SourceExpression&>(path) = named->value;
        return Step(std::move(path), column.name, column.type);
      }
    }
  }
  return std::nullopt;
}

// A field whose past is kept, or a reference: what `changed_at`, `previous`, `removed_at` take.
std::optional<RandomExpression::Path> RandomExpression::TrackedPath(const Type& type,
                                                                    bool reference) {
  for (int attempt = 0; attempt < 6; ++attempt) {
    auto row = RowPath();
    if (!row) return std::nullopt;
    std::vector<const FieldDef*> fields;
    for (const FieldDef& field : schema_.entity(row->type.entity).fields) {
      const bool fits = type.kind == Kind::kError || SameType(check::TypeOfField(field.type), type);
      if (reference ? field.type.kind == TypeKind::kReference : field.tracked && fits) {
        fields.push_back(&field);
      }
    }
    if (fields.empty()) continue;
    const FieldDef* field = choice_.Of(fields);
    return Step(*std::move(row), field->name, check::TypeOfField(field->type));
  }
  return std::nullopt;
}

// ---- Values -----------------------------------------------------------------------------------

RandomExpression::Type RandomExpression::AnyType() {
  if (auto column = choice_.OneIn(2) ? ColumnPath(typed::Plain(Kind::kText)) : std::nullopt) {
    return typed::Plain(Kind::kText);
  }
  const uint32_t pick = choice_.Below(16);
  if (pick < 3) return typed::Plain(Kind::kTime);
  if (pick < 5) return typed::Plain(Kind::kDate);
  if (pick < 7) return typed::Plain(Kind::kText);
  if (pick < 8) return typed::Plain(Kind::kInt);
  if (pick < 9) return typed::Plain(Kind::kDuration);
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto row = RowPath();
    if (!row) break;
    if (choice_.OneIn(5)) return row->type;
    const FieldType& field = choice_.Of(schema_.entity(row->type.entity).fields).type;
    if (IsRowsField(field) || field.kind == TypeKind::kSet) continue;
    Type type = check::TypeOfField(field);
    type.optional = false;
    return type;
  }
  return typed::Plain(choice_.OneOf({Kind::kText, Kind::kInt, Kind::kTime, Kind::kBool}));
}

SourceText RandomExpression::Length(bool civil) {
  if (civil) {
    return {choice_.OneOf({"1 day", "3 days", "30 days", "0 days", "2 weeks", "1 week", "1 month",
                           "6 months", "1 year", "2 years", "1 business day", "5 business days",
                           "0 business days", "1000000 days", "9000 years"})};
  }
  if (choice_.OneIn(30)) return {"15000000w"};
  return {choice_.OneOf(
      {"0s", "1s", "30s", "15m", "1h", "12h", "1h30m", "1d", "3d", "45d", "90d", "2w", "365d"})};
}

SourceText RandomExpression::Literal(const Type& type) {
  switch (type.kind) {
    case Kind::kBool: return {choice_.OneIn(2) ? "true" : "false"};
    case Kind::kText: return {Quoted(RandomText(choice_))};
    case Kind::kInt: {
      const int64_t number = RandomInt(choice_);
      return {std::to_string(number), number < 0 ? Binding::kUnary : Binding::kPrimary};
    }
    case Kind::kTime: return {FormatInstant(RandomInstant(choice_, now_))};
    case Kind::kDate: return {FormatDay(RandomDay(choice_, now_))};
    case Kind::kDuration: return Length(false);
    case Kind::kCivil: return Length(true);
    case Kind::kEnum: return {choice_.Of(schema_.enumeration(type.enumeration).members)};
    // Only where an id may stand: in lists, params and sets in braces.
    default: return {Quoted(RandomId(choice_))};
  }
}

std::optional<SourceExpression> RandomExpression::Value(const Type& type, int depth,
                                                        bool expected) {
  const bool needs_place = type.kind == Kind::kRow || (type.kind == Kind::kEnum && !expected);
  --budget_;
  if (budget_ < 0) depth = 0;
  for (int attempt = 0; attempt < 8; ++attempt) {
    std::optional<SourceExpression> value;
    const uint32_t pick = choice_.Below(depth > 0 ? 16 : 8);
    if (pick < 4) {
      value = type.kind == Kind::kText && choice_.OneIn(2) ? ColumnPath(type) : FieldPath(type);
    } else if (pick < 6) {
      value = NamedValue(type, false);
    } else if (pick < 8) {
      if (!needs_place) value = Plain(Literal(type), type);
    } else if (pick < 11) {
      value = Coalesce(type, depth);
    } else if (pick < 13) {
      value = Call(type, false, depth);
    } else {
      value = Operation(type, depth);
    }
    if (value && !value->type.optional) return value;
  }
  if (needs_place) return NamedValue(type, false);
  return Plain(Literal(type), type);
}

std::optional<SourceExpression> RandomExpression::Maybe(const Type& type, int depth) {
  --budget_;
  if (budget_ < 0) depth = 0;
  for (int attempt = 0; attempt < 8; ++attempt) {
    std::optional<SourceExpression> value;
    const uint32_t pick = choice_.Below(depth > 0 ? 14 : 6);
    const bool moment = type.kind == Kind::kTime || type.kind == Kind::kDate;
    if (pick < 4) {
      value = choice_.OneIn(3) ? ColumnPath(type) : FieldPath(type);
    } else if (pick < 5) {
      value = NamedValue(type, true);
    } else if (pick < 8) {
      const bool removed = type.kind == Kind::kTime && choice_.OneIn(4);
      const bool changed = type.kind == Kind::kTime && !removed;
      const auto path = TrackedPath(removed || changed ? Type{} : type, removed);
      if (!path) continue;
      const std::string word = removed ? "removed_at" : changed ? "changed_at" : "previous";
      value = Plain({word + "(" + path->text + ")"}, type);
      value->key = path->key.empty() ? "" : word + "(" + path->key + ")";
      value->type.optional = true;
      value = Narrowed(*std::move(value));
    } else if (pick < 11 && moment) {
      value = Fold(choice_.OneIn(2) ? "latest" : "earliest", type, depth - 1);
    } else if (pick < 12) {
      value = Call(type, true, depth);
    } else {
      const auto left = Maybe(type, depth - 1);
      const auto right = left ? Maybe(type, depth - 1) : std::nullopt;
      if (!right) continue;
      value = Plain(
          {left->In(Binding::kCoalesce) + " ?? " + right->In(Binding::kSum), Binding::kCoalesce},
          type);
      value->type.optional = true;
      value->type.moving = left->type.moving || right->type.moving;
    }
    if (value && value->type.optional) return value;
  }
  return std::nullopt;
}

std::optional<SourceExpression> RandomExpression::Coalesce(const Type& type, int depth) {
  const auto left = Maybe(type, depth - 1);
  if (!left) return std::nullopt;
  std::optional<SourceExpression> right;
  if (type.kind == Kind::kTime && may_name_now_ && choice_.OneIn(3)) {
    right = Plain({"now"}, type);
    right->type.moving = true;
  } else {
    right = Value(type, depth - 1, true);
  }
  if (!right) return std::nullopt;
  SourceExpression value = Plain(
      {left->In(Binding::kCoalesce) + " ?? " + right->In(Binding::kSum), Binding::kCoalesce}, type);
  value.type.moving = left->type.moving || right->type.moving;
  if (!left->key.empty() && !right->key.empty()) value.key = left->key + " ?? " + right->key;
  return value;
}

std::optional<SourceExpression> RandomExpression::Sum(const Type& type, int depth) {
  const bool plus = choice_.OneIn(2);
  const bool date = type.kind == Kind::kDate;
  const auto left = Value(type, depth - 1);
  if (!left) return std::nullopt;
  std::optional<SourceExpression> right;
  if (date) {
    right = Plain(Length(true), typed::Plain(Kind::kCivil));
  } else {
    right = Value(type.kind == Kind::kTime ? typed::Plain(Kind::kDuration) : type, depth - 1);
  }
  SourceExpression value =
      Plain({left->In(Binding::kSum) + (plus ? " + " : " - ") + right->In(Binding::kProduct),
             Binding::kSum},
            type);
  value.type.moving = left->type.moving || right->type.moving;
  return value;
}

std::optional<SourceExpression> RandomExpression::Operation(const Type& type, int depth) {
  const auto unary = [&](const std::string& word, Kind operand) -> SourceExpression {
    const bool may_name_now = std::exchange(may_name_now_, false);
    const auto value = Value(typed::Plain(operand), depth - 1);
    may_name_now_ = may_name_now;
    return Plain({word + "(" + value->text + ")"}, type);
  };
  switch (type.kind) {
    case Kind::kText: return unary("lower", Kind::kText);
    case Kind::kDate:
      return choice_.OneIn(2) ? Sum(type, depth) : std::optional(unary("date", Kind::kTime));
    case Kind::kTime: {
      if (choice_.OneIn(6)) return unary("start_of", Kind::kDate);
      if (!may_name_now_ || choice_.OneIn(2)) return Sum(type, depth);
      SourceExpression now = Plain({"now"}, type);
      now.type.moving = true;
      return now;
    }
    case Kind::kDuration: {
      const auto left = Value(typed::Plain(Kind::kTime), depth - 1);
      const auto right = Value(typed::Plain(Kind::kTime), depth - 1);
      SourceExpression value = Plain(
          {left->In(Binding::kSum) + " - " + right->In(Binding::kProduct), Binding::kSum}, type);
      value.type.moving = left->type.moving || right->type.moving;
      return value;
    }
    case Kind::kInt: {
      const uint32_t pick = choice_.Below(6);
      if (pick < 2) return Fold("sum", type, depth - 1);
      if (pick < 4) return Fold("count", type, depth - 1);
      if (pick < 5) return Sum(type, depth);
      const auto left = Value(type, depth - 1);
      if (choice_.OneIn(3)) return Plain({"-" + left->In(Binding::kUnary), Binding::kUnary}, type);
      const auto right = Value(type, depth - 1);
      return Plain(
          {left->In(Binding::kProduct) + " * " + right->In(Binding::kUnary), Binding::kProduct},
          type);
    }
    case Kind::kBool: return Plain({"(" + Condition(depth - 1).text + ")"}, type);
    default: return std::nullopt;
  }
}

std::optional<SourceExpression> RandomExpression::Call(const Type& type, bool optional, int depth,
                                                       SourceCondition* condition) {
  std::vector<const SourceNames::Define*> fitting;
  for (const auto& define : names_.defines) {
    const Type& result = define.result.type;
    if (!SameType(result, type) || result.optional != optional) continue;
    if (!result.moving || may_name_now_) fitting.push_back(&define);
  }
  if (fitting.empty()) return std::nullopt;
  const SourceNames::Define& define = *choice_.Of(fitting);
  std::string text = define.name + "(";
  std::vector<std::pair<std::string, std::string>> keys;
  bool moving = define.result.type.moving;
  KnownKeys implied;
  for (const auto& parameter : define.parameters) {
    const bool may_name_now = std::exchange(may_name_now_, may_name_now_ && parameter.type.moving);
    std::optional<SourceExpression> argument;
    if (parameter.type.optional && choice_.Percent(70)) {
      argument = Maybe(parameter.type, depth - 1);
    }
    if (!argument) argument = Value(parameter.type, depth - 1, true);
    may_name_now_ = may_name_now;
    if (!argument) return std::nullopt;
    moving = moving || argument->type.moving;
    if (text.back() != '(') text += ", ";
    text += argument->text;
    keys.emplace_back(parameter.name, argument->key);
    if (define.result.implied.count(parameter.name) > 0) implied.merge(argument->implied);
  }
  SourceExpression value = Plain({text + ")"}, type);
  value.type.optional = optional;
  value.type.moving = moving;
  value.key = ReplaceNames(define.result.key, keys);
  for (const std::string& key : define.result.implied) implied.insert(ReplaceNames(key, keys));
  value.implied = std::move(implied);
  for (const std::string& key : define.when_true) {
    if (condition != nullptr) condition->when_true.insert(ReplaceNames(key, keys));
  }
  for (const std::string& key : define.when_false) {
    if (condition != nullptr) condition->when_false.insert(ReplaceNames(key, keys));
  }
  return Narrowed(std::move(value));
}

// ---- Collections ------------------------------------------------------------------------------

std::optional<SourceExpression> RandomExpression::Rows(int depth) {
  if (!names_.tables.empty() && choice_.OneIn(8)) {
    const SourceNames::Table& table = choice_.Of(names_.tables);
    SourceExpression rows = Plain({table.name}, table.row);
    rows.type.kind = Kind::kTableRows;
    return rows;
  }
  SourceExpression rows;
  for (int attempt = 0;; ++attempt) {
    const auto row = RowPath();
    if (!row || attempt == 8) return std::nullopt;
    if (row->type.optional) continue;
    std::vector<const FieldDef*> fields;
    for (const FieldDef& field : schema_.entity(row->type.entity).fields) {
      if (IsRowsField(field.type)) fields.push_back(&field);
    }
    if (fields.empty()) continue;
    const FieldDef* field = choice_.Of(fields);
    rows = Plain({row->text + "." + field->name}, typed::Plain(Kind::kRows));
    rows.type.entity = field->type.entity;
    break;
  }
  for (; depth >= 0 && choice_.OneIn(2); --depth) {
    if (budget_ > 0 && choice_.OneIn(3)) {
      rows.text = FilterText(rows, depth);
      continue;
    }
    std::vector<const FieldDef*> fields;
    for (const FieldDef& field : schema_.entity(rows.type.entity).fields) {
      if (IsRowsField(field.type) || field.type.kind == TypeKind::kReference) {
        fields.push_back(&field);
      }
    }
    if (fields.empty()) break;
    const FieldDef* field = choice_.Of(fields);
    rows.text += "." + field->name;
    rows.type.entity = field->type.entity;
  }
  return rows;
}

std::string RandomExpression::FilterText(const SourceExpression& rows, int depth) {
  const std::string name = NewVariable();
  const MemberScope member(*this, name, rows.type);
  return fmt::format("({} in {} where {})", name, rows.text, Condition(depth - 1).text);
}

std::optional<SourceExpression> RandomExpression::Fold(const std::string& word, const Type& type,
                                                       int depth) {
  const auto rows = Rows(depth);
  if (!rows) return std::nullopt;
  const std::string name = NewVariable();
  const MemberScope member(*this, name, rows->type);
  const KnownKeys outer = known_;
  std::string where;
  if (choice_.OneIn(2)) {
    SourceCondition condition = Condition(depth - 1);
    where = " where " + condition.text;
    known_.merge(condition.when_true);
  }
  std::string text = fmt::format("{}({} in {}{})", word, name, rows->text, where);
  bool moving = false;
  if (word != "count") {
    std::optional<SourceExpression> value;
    if (choice_.OneIn(2)) value = Maybe(type, depth - 1);
    if (!value) value = Value(type, depth - 1);
    moving = value->type.moving;
    text = fmt::format("{}({} for {} in {}{})", word, value->text, name, rows->text, where);
  }
  known_ = outer;
  SourceExpression fold = Plain({text}, type);
  fold.type.moving = moving;
  if (type.kind == Kind::kInt) return fold;
  fold.type.optional = true;
  fold.key = text;
  return Narrowed(std::move(fold));
}

}  // namespace rescind
