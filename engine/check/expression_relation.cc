// Logic and relations: what yields true or false.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "engine/check/check_codes.h"
#include "engine/check/expression_checker.h"
#include "engine/check/time_choices.h"

namespace rescind::check {

using typed::CompareOp;
using typed::Expr;
using typed::ExprKind;
using typed::ExprPtr;
using typed::Type;

namespace {

// Of one comparison around `now`; ten choices make them.
constexpr uint64_t kMaxCases = 1024;

Type Boolean() {
  Type type;
  type.kind = Type::Kind::kBool;
  return type;
}

CompareOp OpOf(ast::CompareOp op) {
  switch (op) {
    case ast::CompareOp::kEqual: return CompareOp::kEqual;
    case ast::CompareOp::kNotEqual: return CompareOp::kNotEqual;
    case ast::CompareOp::kLess: return CompareOp::kLess;
    case ast::CompareOp::kLessEqual: return CompareOp::kLessEqual;
    case ast::CompareOp::kGreater: return CompareOp::kGreater;
    case ast::CompareOp::kGreaterEqual: return CompareOp::kGreaterEqual;
  }
  RESCIND_UNREACHABLE("not a comparison");
}

bool IsEquality(ast::CompareOp op) {
  return op == ast::CompareOp::kEqual || op == ast::CompareOp::kNotEqual;
}

bool IsOrdered(const Schema& schema, const Type& type) {
  switch (type.kind) {
    case Type::Kind::kInt:
    case Type::Kind::kTime:
    case Type::Kind::kDate:
    case Type::Kind::kDuration: return true;
    case Type::Kind::kEnum: return schema.enumeration(type.enumeration).ordered;
    default: return false;
  }
}

bool IsCollection(const Type& type) {
  return type.kind == Type::Kind::kSet || type.kind == Type::Kind::kRows ||
         type.kind == Type::Kind::kTableRows;
}

}  // namespace

// ---- Logic --------------------------------------------------------------------------------------

// Each operand is checked under what the earlier ones establish.
ExprPtr ExpressionChecker::CheckLogical(const ast::Expr& expr, const ast::LogicalExpr& logical) {
  const bool conjunction = logical.op == ast::LogicalOp::kAnd;
  ExprPtr result = Make(conjunction ? ExprKind::kAnd : ExprKind::kOr, Boolean(), expr.span);
  const KnownSet before = known_;
  const KnownSet doubtful_before = doubtful_;
  const bool all_was_doubtful = all_is_doubtful_;
  bool sound = true;
  for (const auto& operand : logical.operands) {
    ExprPtr part = CheckCondition(*operand);
    if (Sound(part)) {
      KnownSet more = conjunction ? flow_.WhenTrue(*part) : flow_.WhenFalse(*part);
      known_.merge(more);
      result->operands.push_back(std::move(part));
    } else {
      sound = false;
      Doubt(*operand, conjunction);
    }
  }
  known_ = before;
  doubtful_ = doubtful_before;
  all_is_doubtful_ = all_was_doubtful;
  return sound ? std::move(result) : Poison(expr.span);
}

ExprPtr ExpressionChecker::CheckNot(const ast::Expr& expr, const ast::NotExpr& negation) {
  if (negation_ == nullptr) negation_ = &expr;
  ExprPtr operand = CheckCondition(*negation.operand);
  if (!Sound(operand)) return Poison(expr.span);
  return Unary(ExprKind::kNot, Boolean(), expr.span, std::move(operand));
}

// ---- Comparisons --------------------------------------------------------------------------------

void ExpressionChecker::ReportPair(const Expr& left, const Expr& right) {
  const std::string left_text = state_.Text(left.span);
  const std::string right_text = state_.Text(right.span);
  auto mistake = Mistake(kTypeMismatch, right.span,
                         fmt::format("`{}` and `{}` cannot be compared", left_text, right_text));
  mistake.Label(fmt::format("this is `{}`", state_.Type(right.type)));
  mistake.Note(left.span, fmt::format("this is `{}`", state_.Type(left.type)));
  const auto is = [](const Expr& e, Type::Kind kind) { return e.type.kind == kind; };
  using K = Type::Kind;
  for (const auto& [one, other] : {std::pair(&left, &right), std::pair(&right, &left)}) {
    const std::string text = state_.Text(one->span);
    if (is(*one, K::kRow) && is(*other, K::kText)) {
      const Span end{one->span.file, one->span.end, one->span.end};
      mistake.Help(fmt::format("compare its id: `{}.id`", text), {{end, ".id"}});
    } else if (is(*one, K::kTime) && is(*other, K::kDate)) {
      mistake.Help(fmt::format("compare its day: `date({})`", text),
                   {{one->span, "date(" + text + ")"}});
    } else if (is(*one, K::kDuration) && is(*other, K::kCivil)) {
      mistake.Help("durations are exact: write `90d`, not `90 days`");
    } else if (is(*one, K::kEnum) && is(*other, K::kText) && other->kind == ExprKind::kLiteral) {
      const std::string& member = std::get<std::string>(other->constant);
      if (state_.schema().enumeration(one->type.enumeration).Find(member)) {
        mistake.Help(fmt::format("write the member without quotes: `{}`", member),
                     {{other->span, member}});
      }
    }
  }
}

ExpressionChecker::Pair ExpressionChecker::CheckPair(const ast::Expr& left, const ast::Expr& right,
                                                     const ast::Expr& whole) {
  Pair pair;
  // A bare name that means nothing by itself is a member of the other side's enum.
  if (!Resolves(left) && Resolves(right)) {
    pair.right = CheckPart(right, whole);
    if (Sound(pair.right)) pair.left = CheckPart(left, whole, &pair.right->type);
    return pair;
  }
  pair.left = CheckPart(left, whole);
  const bool sound = Sound(pair.left);
  if (!sound && !Resolves(right)) return pair;
  pair.right = CheckPart(right, whole, sound ? &pair.left->type : nullptr);
  const auto* name = left.As<ast::NameExpr>();
  if (name != nullptr && pair.sound() && !part_was_unknown_ &&
      pair.right->type.kind == Type::Kind::kEnum && !SameType(pair.left->type, pair.right->type)) {
    pair.left = CheckPart(left, whole, &pair.right->type);
  }
  return pair;
}

bool ExpressionChecker::CheckComparable(const Pair& pair, const ast::CompareExpr& compare) {
  const Type& type = pair.left->type;
  if (!SameType(type, pair.right->type)) {
    ReportPair(*pair.left, *pair.right);
    return false;
  }
  if (IsCollection(type) || type.kind == Type::Kind::kCivil) {
    Mistake(kTypeMismatch, pair.left->span,
            fmt::format("`{}` cannot be compared", state_.Type(type)))
        .Help(type.kind == Type::Kind::kCivil
                  ? "compare dates: `a + 3 days < b`"
                  : "ask about its members: `x has y`, `any(x in … where …)`, `count(x in …)`");
    return false;
  }
  if (!IsEquality(compare.op) && !IsOrdered(state_.schema(), type)) {
    auto mistake =
        Mistake(kNotOrdered, compare.op_span, fmt::format("`{}` has no order", state_.Type(type)));
    mistake.Label("only int, time, date, duration and ordered enums do");
    if (type.kind == Type::Kind::kEnum) mistake.Help("declare it as `enum ordered { … }`");
    return false;
  }
  if (pair.left->type.is_today() && pair.right->type.is_today()) {
    ReportMoving(*pair.right, "on both sides of a comparison");
    return false;
  }
  return true;
}

ExprPtr ExpressionChecker::CheckCompare(const ast::Expr& expr, const ast::CompareExpr& compare) {
  Pair pair = CheckPair(*compare.left, *compare.right, expr);
  if (!pair.sound() || !CheckComparable(pair, compare) ||
      !CasesAreFew(expr.span, {pair.left.get(), pair.right.get()})) {
    return Poison(expr.span);
  }
  ExprPtr result =
      Binary(ExprKind::kCompare, Boolean(), expr.span, std::move(pair.left), std::move(pair.right));
  result->compare = OpOf(compare.op);
  return result;
}

// ---- Membership ---------------------------------------------------------------------------------

ExprPtr ExpressionChecker::CheckInSet(const ast::Expr& expr, const ast::InExpr& in,
                                      const ast::SetLiteral& set) {
  ExprPtr item = CheckPart(*in.item, expr);
  if (!Sound(item)) return Poison(expr.span);
  if (item->type.moving) {
    ReportMoving(*item, "before `in`");
    return Poison(expr.span);
  }
  if (IsCollection(item->type) || item->type.kind == Type::Kind::kTableRow ||
      item->type.kind == Type::Kind::kCivil) {
    Mistake(kTypeMismatch, item->span,
            fmt::format("`{}` cannot be a member of a set", state_.Type(item->type)))
        .Help("ask about each member: `any(x in … where x in { … })`");
    return Poison(expr.span);
  }
  ExprPtr result = Unary(ExprKind::kIn, Boolean(), expr.span, nullptr);
  bool sound = true;
  for (const auto& member : set.items) {
    if (auto constant = CheckConstant(*member, item->type)) {
      result->constants.push_back(std::move(*constant));
    } else {
      sound = false;
    }
  }
  result->operands[0] = std::move(item);
  return sound ? std::move(result) : Poison(expr.span);
}

ExprPtr ExpressionChecker::CheckInList(const ast::Expr& expr, const ast::InExpr& in,
                                       const Symbol& symbol) {
  state_.used_list[symbol.index] = true;
  if (!state_.sound_list[symbol.index]) {
    Check(*in.item);
    return Poison(expr.span);
  }
  const typed::List& list = state_.program.lists[symbol.index];
  ExprPtr item = CheckPart(*in.item, expr, &list.element);
  if (!Sound(item)) return Poison(expr.span);
  if (item->type.moving) {
    ReportMoving(*item, "before `in`");
    return Poison(expr.span);
  }
  if (!SameType(item->type, list.element)) {
    auto mistake = Mistake(kTypeMismatch, item->span,
                           fmt::format("`{}` holds `{}`", symbol.name, state_.Type(list.element)));
    mistake.Label(fmt::format("this is `{}`", state_.Type(item->type)));
    mistake.Note(list.span, "it is declared here");
    if (item->type.kind == Type::Kind::kRow && list.element.kind == Type::Kind::kText) {
      const Span end{item->span.file, item->span.end, item->span.end};
      mistake.Help("look for its id", {{end, ".id"}});
    }
    return Poison(expr.span);
  }
  ExprPtr result = Unary(ExprKind::kInList, Boolean(), expr.span, std::move(item));
  result->list = typed::ListId(symbol.index);
  return result;
}

ExprPtr ExpressionChecker::CheckIn(const ast::Expr& expr, const ast::InExpr& in) {
  if (const auto* set = in.collection->As<ast::SetLiteral>()) return CheckInSet(expr, in, *set);
  bool reported = false;
  const Symbol* symbol = FindSymbol(*in.collection, reported);
  if (reported) return Poison(expr.span);
  if (symbol != nullptr && symbol->kind == SymbolKind::kList) {
    return CheckInList(expr, in, *symbol);
  }
  if (symbol != nullptr && symbol->kind == SymbolKind::kTable) {
    state_.used_table[symbol->index] = true;
    Mistake(kNotACollection, in.collection->span,
            fmt::format("`{}` is a table: its rows are no values", symbol->name))
        .Help(fmt::format("name the column: `any(r in {} where r.… == {})`", symbol->name,
                          state_.Text(in.item->span)));
    return Poison(expr.span);
  }
  return CheckHas(expr, *in.collection, *in.item);
}

ExprPtr ExpressionChecker::CheckHas(const ast::Expr& expr, const ast::Expr& set,
                                    const ast::Expr& item) {
  ExprPtr stored = CheckPart(set, expr);
  if (!Sound(stored)) {
    if (Resolves(item)) Check(item);
    return Poison(expr.span);
  }
  if (stored->type.kind != Type::Kind::kSet) {
    auto mistake = Mistake(kNotACollection, set.span,
                           fmt::format("`{}` is no set or list", state_.Text(set.span)));
    mistake.Label(fmt::format("this is `{}`", state_.Type(stored->type)));
    if (stored->type.kind == Type::Kind::kRows) {
      const std::string wanted = state_.Text(item.span);
      const std::string member = NameOfMember(wanted);
      mistake.Help(fmt::format("ask about its members: `any({} in {} where {} == {})`", member,
                               state_.Text(set.span), member, wanted));
    } else if (stored->type.kind == Type::Kind::kText) {
      mistake.Help("for a part of a text write `contains`");
    }
    return Poison(expr.span);
  }
  Type element;
  element.kind = stored->type.element;
  element.enumeration = stored->type.enumeration;
  element.entity = stored->type.entity;
  ExprPtr member;
  if (const auto* text = item.As<ast::TextLiteral>();
      text != nullptr && element.kind == Type::Kind::kRow) {
    member = Make(ExprKind::kLiteral, element, item.span);
    member->constant = typed::RowKey{element.entity, text->value};
  } else {
    member = CheckPart(item, expr, &element);
  }
  if (!Sound(member)) return Poison(expr.span);
  if (!SameType(member->type, element)) {
    ReportType(*member, element, "a member of this set");
    return Poison(expr.span);
  }
  return Binary(ExprKind::kHas, Boolean(), expr.span, std::move(stored), std::move(member));
}

// ---- Texts --------------------------------------------------------------------------------------

ExprPtr ExpressionChecker::TextOperand(const ast::Expr& operand, const ast::Expr& whole) {
  ExprPtr text = CheckPart(operand, whole);
  if (!Sound(text) || text->type.kind == Type::Kind::kText) return text;
  Type wanted;
  wanted.kind = Type::Kind::kText;
  ReportType(*text, wanted, "this");
  return Poison(operand.span);
}

ExprPtr ExpressionChecker::CheckText(const ast::Expr& expr, const ast::TextRelationExpr& relation) {
  ExprPtr text = TextOperand(*relation.text, expr);
  ExprPtr part = TextOperand(*relation.part, expr);
  if (!Sound(text) || !Sound(part)) return Poison(expr.span);
  ExprKind kind = ExprKind::kContains;
  if (relation.op == ast::TextOp::kStartsWith) kind = ExprKind::kStartsWith;
  if (relation.op == ast::TextOp::kEndsWith) kind = ExprKind::kEndsWith;
  return Binary(kind, Boolean(), expr.span, std::move(text), std::move(part));
}

ExprPtr ExpressionChecker::CheckMatches(const ast::Expr& expr, const ast::MatchesExpr& matches) {
  ExprPtr text = TextOperand(*matches.text, expr);
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 pattern(matches.pattern, options);
  if (!pattern.ok()) {
    Mistake(kBadPattern, matches.pattern_span, "this pattern cannot be read")
        .Label(pattern.error())
        .Help("patterns are RE2's: no look-around, no back references; `\\.` is a dot");
    return Poison(expr.span);
  }
  if (!Sound(text)) return Poison(expr.span);
  ExprPtr result = Unary(ExprKind::kMatches, Boolean(), expr.span, std::move(text));
  result->text = matches.pattern;
  return result;
}

// ---- Times --------------------------------------------------------------------------------------

ExprPtr ExpressionChecker::Moment(const ast::Expr& operand, const ast::Expr& whole) {
  ExprPtr moment = CheckPart(operand, whole);
  if (!Sound(moment)) return moment;
  if (moment->type.kind != Type::Kind::kTime && moment->type.kind != Type::Kind::kDate) {
    Mistake(kTypeMismatch, operand.span, "this must be a `time` or a `date`")
        .Label(fmt::format("this is `{}`", state_.Type(moment->type)));
    return Poison(operand.span);
  }
  if (moment->type.is_today()) {
    ReportMoving(*moment, "here");
    return Poison(operand.span);
  }
  return moment;
}

ExprPtr ExpressionChecker::CheckPassed(const ast::Expr& expr, const ast::PassedExpr& passed) {
  ExprPtr moment = Moment(*passed.moment, expr);
  if (!Sound(moment) || !CasesAreFew(expr.span, {moment.get()})) return Poison(expr.span);
  return Unary(ExprKind::kPassed, Boolean(), expr.span, std::move(moment));
}

bool ExpressionChecker::CasesAreFew(Span span, std::initializer_list<const Expr*> sides) {
  TimeChoices choices(lets_);
  uint64_t cases = 1;
  for (const Expr* side : sides) {
    cases = std::min(cases * choices.Cases(*side), TimeChoices::kManyCases - 1);
  }
  if (cases <= kMaxCases) return true;
  if (expansion_ != nullptr) expansion_->has_many_cases = true;
  Mistake(kTooLarge, span, "this comparison falls into too many cases")
      .Label(fmt::format("more than {}", kMaxCases))
      .Help(std::string(kManyCasesHelp));
  return false;
}

bool ExpressionChecker::LengthFits(const Expr& moment, const Expr& length) {
  const bool date = moment.type.kind == Type::Kind::kDate;
  const Type::Kind wanted = date ? Type::Kind::kCivil : Type::Kind::kDuration;
  if (length.type.kind == wanted) {
    if (!length.type.moving || !date) return true;
  }
  const std::string text = state_.Text(moment.span);
  if (length.type.kind != Type::Kind::kCivil && length.type.kind != Type::Kind::kDuration) {
    Mistake(kTypeMismatch, length.span, "this must be a length of time")
        .Label(fmt::format("this is `{}`", state_.Type(length.type)))
        .Help(date ? "for a date write `3 days`, `6 months`" : "for a time write `90d`, `12h`");
    return false;
  }
  auto mistake = Mistake(kWrongLength, length.span,
                         date ? fmt::format("`{}` is a date: it goes with civil lengths", text)
                              : fmt::format("`{}` is a time: it goes with exact durations", text));
  mistake.Label(date ? "this is an exact duration" : "this is a civil length");
  if (length.kind != ExprKind::kLiteral) return false;
  if (date) {
    const int64_t micros = std::get<Duration>(length.constant).micros;
    if (micros % kMicrosPerDay == 0) {
      const std::string days = fmt::format("{} days", micros / kMicrosPerDay);
      mistake.Help(fmt::format("write `{}`", days), {{length.span, days}});
    } else {
      mistake.Help("count whole days: `3 days`");
    }
    return false;
  }
  const CivilDuration civil = std::get<CivilDuration>(length.constant);
  if (civil.unit == CivilUnit::kDays) {
    const std::string days = fmt::format("{}d", civil.count);
    mistake.Help(fmt::format("write `{}` (a day is 24 hours)", days), {{length.span, days}});
  } else {
    mistake.Help(fmt::format("use its day: `date({})`", text),
                 {{moment.span, "date(" + text + ")"}});
  }
  return false;
}

ExprPtr ExpressionChecker::CheckSpan(const ast::Expr& expr, ExprKind kind,
                                     const ast::Expr& moment_expr, const ast::Expr& length_expr) {
  ExprPtr moment = Moment(moment_expr, expr);
  ExprPtr length = CheckPart(length_expr, expr);
  if (!Sound(moment) || !Sound(length) || !LengthFits(*moment, *length) ||
      !CasesAreFew(expr.span, {moment.get(), length.get()})) {
    return Poison(expr.span);
  }
  return Binary(kind, Boolean(), expr.span, std::move(moment), std::move(length));
}

// Whether it is known only by what stands before it, or by the argument of a call. To ask then is
// idle, of values and collections alike, but no mistake.
bool ExpressionChecker::CouldBeUnknown(const ast::Expr& expr) {
  if (silent_) return true;
  silent_ = true;
  const KnownSet known = std::exchange(known_, {});
  const ExprPtr value = Check(expr);
  known_ = known;
  silent_ = false;
  return !Sound(value) || value->type.optional;
}

ExprPtr ExpressionChecker::CheckIsKnown(const ast::Expr& expr, const ast::KnownExpr& known) {
  ExprPtr operand = Check(*known.operand);
  if (!Sound(operand)) return Poison(expr.span);
  if (IsCollection(operand->type) && !operand->type.optional && !CouldBeUnknown(*known.operand)) {
    Mistake(kTypeMismatch, operand->span,
            fmt::format("`{}` is never unknown, but may be empty", state_.Text(operand->span)))
        .Help(
            fmt::format("ask whether it has members: `any(x in {})`", state_.Text(operand->span)));
    return Poison(expr.span);
  }
  if (!operand->type.optional) {
    Mistake(kAlwaysKnown, expr.span,
            fmt::format("`{}` is always known here", state_.Text(operand->span)))
        .Label(known.known ? "this is always true" : "this is always false");
  }
  return Unary(known.known ? ExprKind::kIsKnown : ExprKind::kIsUnknown, Boolean(), expr.span,
               std::move(operand));
}

}  // namespace rescind::check
