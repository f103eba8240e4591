#include <fmt/format.h>

#include <utility>

#include "engine/check/expression_checker.h"
#include "tests/differential/random_expression.h"
#include "tests/differential/random_facts.h"

namespace rescind {

using Kind = typed::Type::Kind;

namespace {

SourceCondition Relating(std::string text) {
  SourceCondition condition;
  condition.text = std::move(text);
  condition.binding = Binding::kRelation;
  return condition;
}

KnownKeys Both(const KnownKeys& a, const KnownKeys& b) {
  KnownKeys both;
  for (const std::string& key : a) {
    if (b.count(key) > 0) both.insert(key);
  }
  return both;
}
KnownKeys Either(KnownKeys a, KnownKeys b) {
  a.merge(b);
  return a;
}

// What is known where the expression is.
KnownKeys KeysOf(const SourceExpression& expression) {
  KnownKeys keys = expression.implied;
  if (!expression.key.empty()) keys.insert(expression.key);
  return keys;
}

}  // namespace

SourceCondition RandomExpression::Condition(int depth) {
  --budget_;
  if (budget_ < 0) depth = 0;
  const uint32_t pick = choice_.Below(depth > 0 ? 20 : 9);
  SourceCondition condition;
  if (pick < 5) {
    condition = Relation(depth);
  } else if (pick < 6) {
    condition = BoolValue(depth);
  } else if (pick < 7) {
    condition = KnownTest(depth);
  } else if (pick < 8) {
    condition = TodayRelation(depth);
  } else if (pick < 10) {
    condition = Guarded(depth);
  } else if (pick < 11) {
    condition = GuardedRows(depth);
  } else if (pick < 14) {
    condition = Logic(depth);
  } else if (pick < 15) {
    condition = Not(depth);
  } else {
    condition = Quantifier(depth);
  }
  if (choice_.OneIn(20)) {
    condition.text = "(" + condition.text + ")";
    condition.binding = Binding::kPrimary;
  }
  return condition;
}

// ---- Logic ------------------------------------------------------------------------------------

// Each operand is written under what the earlier ones establish.
SourceCondition RandomExpression::Logic(int depth) {
  const bool conjunction = choice_.OneIn(2);
  const Binding place = conjunction ? Binding::kNot : Binding::kAnd;
  const KnownKeys before = known_;
  SourceCondition result = Condition(depth - 1);
  result.text = result.In(place);
  for (uint32_t more = 1 + choice_.Below(2); more > 0; --more) {
    known_ = Either(known_, conjunction ? result.when_true : result.when_false);
    const SourceCondition next = Condition(depth - 1);
    result.text += (conjunction ? " and " : " or ") + next.In(place);
    const auto joined_true = conjunction ? Either(result.when_true, next.when_true)
                                         : Both(result.when_true, next.when_true);
    result.when_false = conjunction ? Both(result.when_false, next.when_false)
                                    : Either(result.when_false, next.when_false);
    result.when_true = joined_true;
  }
  known_ = before;
  result.binding = conjunction ? Binding::kAnd : Binding::kOr;
  return result;
}

SourceCondition RandomExpression::Not(int depth) {
  SourceCondition result = Condition(depth - 1);
  // `not not a` is written with parentheses.
  result.text = "not " + result.In(Binding::kRelation);
  result.binding = Binding::kNot;
  std::swap(result.when_true, result.when_false);
  return result;
}

SourceCondition RandomExpression::KnownTest(int depth) {
  const auto value = Maybe(AnyType(), depth);
  if (!value) return Relation(depth);
  const bool known = choice_.OneIn(2);
  SourceCondition result =
      Relating(value->In(Binding::kCoalesce) + (known ? " is known" : " is unknown"));
  (known ? result.when_true : result.when_false) = KeysOf(*value);
  return result;
}

SourceCondition RandomExpression::Guarded(int depth) {
  auto value = Maybe(AnyType(), depth - 1);
  if (!value || value->key.empty()) return Relation(depth);
  const KnownKeys before = known_;
  const KnownKeys keys = KeysOf(*value);
  known_ = Either(known_, keys);
  SourceExpression known_value = *value;
  known_value.type.optional = false;
  const SourceCondition rest =
      choice_.OneIn(4) ? Condition(depth - 1) : RelationOn(known_value, depth - 1);
  known_ = before;
  SourceCondition result;
  const std::string operand = value->In(Binding::kCoalesce);
  if (choice_.OneIn(2)) {
    const bool turned = choice_.OneIn(4);
    result.text = (turned ? "not " + operand + " is unknown" : operand + " is known") + " and " +
                  rest.In(Binding::kNot);
    result.binding = Binding::kAnd;
    result.when_true = Either(keys, rest.when_true);
  } else {
    result.text = operand + " is unknown or " + rest.In(Binding::kAnd);
    result.binding = Binding::kOr;
    result.when_false = Either(keys, rest.when_false);
  }
  return result;
}

// `a.owner?.accounts is known and any(x in a.owner.accounts where …)`.
SourceCondition RandomExpression::GuardedRows(int depth) {
  const auto row = RowPath();
  if (!row || !row->type.optional) return Quantifier(depth);
  std::vector<const FieldDef*> fields;
  for (const FieldDef& field : schema_.entity(row->type.entity).fields) {
    if (field.type.kind == TypeKind::kMany) fields.push_back(&field);
  }
  if (fields.empty()) return Quantifier(depth);
  const FieldDef* field = choice_.Of(fields);
  const Path many = Step(*row, field->name, check::TypeOfField(field->type));
  if (!many.type.optional) return Quantifier(depth);
  const KnownKeys before = known_;
  known_ = Either(known_, KeysOf(many));
  const std::string name = NewVariable();
  SourceExpression rows = many;
  rows.type.optional = false;
  std::string filtered = rows.text;
  if (choice_.OneIn(3)) filtered = FilterText(rows, depth);
  const std::string word = choice_.OneOf({"any", "no"});
  SourceCondition result;
  result.text = fmt::format("{} is known and {}({} in {})", many.text, word, name, filtered);
  known_ = before;
  result.binding = Binding::kAnd;
  result.when_true = KeysOf(many);
  return result;
}

SourceCondition RandomExpression::BoolValue(int depth) {
  const Type boolean = typed::Plain(Kind::kBool);
  std::vector<SourceCondition> lets;
  for (const Named& named : scope_) {
    if (named.condition) lets.push_back(*named.condition);
  }
  if (!lets.empty() && choice_.OneIn(2)) return choice_.Of(lets);
  SourceCondition result;
  auto value = choice_.OneIn(2) ? Call(boolean, false, depth, &result) : std::nullopt;
  if (!value) {
    value = Value(boolean, depth);
    result = {};
  }
  result.text = value->text;
  result.binding = value->binding;
  return result;
}

SourceCondition RandomExpression::Quantifier(int depth) {
  const auto rows = Rows(depth - 1);
  if (!rows) return Relation(depth);
  const std::string word = choice_.OneOf({"any", "any", "no", "all"});
  const std::string name = NewVariable();
  const MemberScope member(*this, name, rows->type);
  std::string text = fmt::format("{}({} in {}", word, name, rows->text);
  if (word == "all" || choice_.Percent(80)) text += " where " + Condition(depth - 1).text;
  SourceCondition result;
  result.text = text + ")";
  return result;
}

// ---- Relations --------------------------------------------------------------------------------

SourceCondition RandomExpression::Relation(int depth) {
  if (choice_.OneIn(10)) {
    if (auto has = SetRelation(depth)) return *has;
  }
  const Type type = AnyType();
  auto left = Value(type, depth);
  if (!left) left = Value(typed::Plain(Kind::kTime), depth);
  return RelationOn(*left, depth);
}

SourceCondition RandomExpression::RelationOn(const SourceExpression& left, int depth) {
  const uint32_t pick = choice_.Below(4);
  switch (left.type.kind) {
    case Kind::kText: return pick < 2 ? TextRelation(left, depth) : Comparison(left, depth);
    case Kind::kTime:
    case Kind::kDate: return pick < 2 ? Moment(left, depth) : Comparison(left, depth);
    case Kind::kBool: {
      if (pick > 1) return Comparison(left, depth);
      SourceCondition result;
      result.text = left.text;
      result.binding = left.binding;
      return result;
    }
    default: break;
  }
  if (pick == 0 && !left.type.moving) return Membership(left);
  return Comparison(left, depth);
}

SourceCondition RandomExpression::Comparison(const SourceExpression& left, int depth) {
  const Kind kind = left.type.kind;
  const bool ordered = kind == Kind::kInt || kind == Kind::kTime || kind == Kind::kDate ||
                       kind == Kind::kDuration ||
                       (kind == Kind::kEnum && schema_.enumeration(left.type.enumeration).ordered);
  const std::string op =
      ordered ? choice_.OneOf({"==", "!=", "<", "<=", ">", ">="}) : choice_.OneOf({"==", "!="});
  auto right = Value(left.type, depth - 1, true);
  if (!right) right = left;
  std::string a = left.In(Binding::kCoalesce);
  std::string b = right->In(Binding::kCoalesce);
  if (choice_.OneIn(4)) std::swap(a, b);
  return Relating(fmt::format("{} {} {}", a, op, b));
}

SourceCondition RandomExpression::TextRelation(const SourceExpression& left, int depth) {
  const std::string text = left.In(Binding::kCoalesce);
  const uint32_t pick = choice_.Below(6);
  if (pick == 0) return Membership(left);
  if (pick < 3) {
    return Relating(text + " matches /" +
                    choice_.OneOf({"a", "^A", "b$", "[0-9]+", "^$", "(?i)ab", "svc-|r1", "a\\/b",
                                   "[/]", "^.r", "\\x{c4}", "^[^a-z]*$"}) +
                    "/");
  }
  const auto part = Value(left.type, depth - 1);
  const std::string word = choice_.OneOf({"starts with", "ends with", "contains"});
  return Relating(fmt::format("{} {} {}", text, word, part->In(Binding::kCoalesce)));
}

SourceCondition RandomExpression::Membership(const SourceExpression& left) {
  std::vector<std::string> lists;
  for (const auto& list : names_.lists) {
    if (check::SameType(list.type, left.type)) lists.push_back(list.name);
  }
  if (!lists.empty() && choice_.OneIn(2)) {
    return Relating(left.In(Binding::kCoalesce) + " in " + choice_.Of(lists));
  }
  std::string items;
  for (uint32_t count = 1 + choice_.Below(4); count > 0; --count) {
    items += (items.empty() ? "" : ", ") + Literal(left.type).text;
  }
  return Relating(fmt::format("{} in {{ {} }}", left.In(Binding::kCoalesce), items));
}

std::optional<SourceCondition> RandomExpression::SetRelation(int depth) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto row = RowPath();
    if (!row || row->type.optional) continue;
    const FieldDef& field = choice_.Of(schema_.entity(row->type.entity).fields);
    if (field.type.kind != TypeKind::kSet) continue;
    Type element = check::TypeOfField(field.type);
    element.kind = element.element;
    element.element = Kind::kError;
    std::optional<SourceExpression> item = Value(element, depth - 1, true);
    if (element.kind == Kind::kRow && (!item || choice_.OneIn(2))) {
      // An id stands for the row behind `has` only.
      return Relating(row->text + "." + field.name + " has " + Literal(element).text);
    }
    const std::string set = row->text + "." + field.name;
    const std::string member = item->In(Binding::kCoalesce);
    return Relating(choice_.OneIn(2) ? set + " has " + member : member + " in " + set);
  }
  return std::nullopt;
}

SourceCondition RandomExpression::Moment(const SourceExpression& left, int depth) {
  const bool date = left.type.kind == Kind::kDate;
  const std::string moment = left.In(Binding::kCoalesce);
  const uint32_t pick = choice_.Below(5);
  if (pick == 0) return Relating(moment + " has passed");
  std::string length;
  if (date) {
    std::vector<std::string> params;
    for (const auto& param : names_.params) {
      if (param.type.kind == Kind::kCivil) params.push_back(param.name);
    }
    length = !params.empty() && choice_.OneIn(3) ? choice_.Of(params) : Length(true).text;
  } else {
    length = Value(typed::Plain(Kind::kDuration), depth - 1)->In(Binding::kCoalesce);
  }
  const std::string word = pick == 1 ? "within next" : pick < 4 ? "older than" : "newer than";
  return Relating(fmt::format("{} {} {}", moment, word, length));
}

// `today`, alone or with a civil length, on one side.
SourceCondition RandomExpression::TodayRelation(int depth) {
  std::string today = "today";
  if (choice_.OneIn(2)) today += choice_.OneOf({" + ", " - "}) + Length(true).text;
  const auto date = Value(typed::Plain(Kind::kDate), depth - 1);
  const std::string op = choice_.OneOf({"==", "!=", "<", "<=", ">", ">="});
  std::string other = date->In(Binding::kCoalesce);
  if (choice_.OneIn(2)) std::swap(today, other);
  return Relating(fmt::format("{} {} {}", today, op, other));
}

}  // namespace rescind
