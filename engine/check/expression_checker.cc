// The frame of expression checking: what an expression is, names and literals, and what is
// reported of a value that may be unknown.
#include "engine/check/expression_checker.h"

#include <fmt/format.h>

#include "engine/check/check_codes.h"
#include "engine/check/mentioned_path.h"

namespace rescind::check {

using typed::Constant;
using typed::Expr;
using typed::ExprKind;
using typed::ExprPtr;
using typed::Type;

bool SameType(const Type& left, const Type& right) {
  return left.kind == right.kind && left.enumeration == right.enumeration &&
         left.entity == right.entity && left.table == right.table && left.element == right.element;
}

namespace {

Type::Kind ElementKind(TypeKind element) {
  switch (element) {
    case TypeKind::kText: return Type::Kind::kText;
    case TypeKind::kInt: return Type::Kind::kInt;
    case TypeKind::kEnum: return Type::Kind::kEnum;
    case TypeKind::kReference: return Type::Kind::kRow;
    default: RESCIND_UNREACHABLE("no element of a set");
  }
}

}  // namespace

Type TypeOfField(const FieldType& field) {
  Type type;
  type.optional = field.optional;
  type.enumeration = field.enumeration;
  type.entity = field.entity;
  switch (field.kind) {
    case TypeKind::kText: type.kind = Type::Kind::kText; break;
    case TypeKind::kBool: type.kind = Type::Kind::kBool; break;
    case TypeKind::kInt: type.kind = Type::Kind::kInt; break;
    case TypeKind::kTime: type.kind = Type::Kind::kTime; break;
    case TypeKind::kDate: type.kind = Type::Kind::kDate; break;
    case TypeKind::kDuration: type.kind = Type::Kind::kDuration; break;
    case TypeKind::kEnum: type.kind = Type::Kind::kEnum; break;
    case TypeKind::kReference: type.kind = Type::Kind::kRow; break;
    case TypeKind::kMany: type.kind = Type::Kind::kRows; break;
    case TypeKind::kSet:
      type.kind = Type::Kind::kSet;
      type.element = ElementKind(field.element);
      break;
  }
  return type;
}

ExpressionChecker::ExpressionChecker(CheckState& state, std::string module,
                                     const std::vector<typed::Let>* lets)
    : state_(state), module_(std::move(module)), lets_(lets), flow_(state.program, lets) {}

// ---- Building nodes -----------------------------------------------------------------------------

ExprPtr ExpressionChecker::Make(ExprKind kind, Type type, Span span) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->type = type;
  expr->span = span;
  return expr;
}

ExprPtr ExpressionChecker::Poison(Span span) const { return Make(ExprKind::kLiteral, {}, span); }

ExprPtr ExpressionChecker::Unary(ExprKind kind, Type type, Span span, ExprPtr operand) const {
  ExprPtr expr = Make(kind, type, span);
  expr->operands.push_back(std::move(operand));
  return expr;
}

ExprPtr ExpressionChecker::Binary(ExprKind kind, Type type, Span span, ExprPtr left,
                                  ExprPtr right) const {
  ExprPtr expr = Unary(kind, type, span, std::move(left));
  expr->operands.push_back(std::move(right));
  return expr;
}

ExprPtr ExpressionChecker::Literal(Type::Kind kind, Constant constant, Span span) const {
  Type type;
  type.kind = kind;
  ExprPtr expr = Make(ExprKind::kLiteral, type, span);
  expr->constant = std::move(constant);
  return expr;
}

// Narrowing: what was found known is not optional here.
ExprPtr ExpressionChecker::Narrowed(ExprPtr expr) const {
  if (!expr->type.optional || known_.empty()) return expr;
  if (known_.count(flow_.Key(*expr)) == 0) return expr;
  expr->type.optional = false;
  expr->guarded = false;
  return expr;
}

// ---- Scope --------------------------------------------------------------------------------------

ExpressionChecker::Local* ExpressionChecker::FindLocal(std::string_view name) {
  for (auto local = locals_.rbegin(); local != locals_.rend(); ++local) {
    if (local->name == name) return &*local;
  }
  return nullptr;
}

bool ExpressionChecker::AddLocal(Local local) {
  if (local.name.empty()) return false;
  if (const Local* taken = FindLocal(local.name)) {
    Mistake(kNameTaken, local.span, fmt::format("`{}` is a name here already", local.name))
        .Note(taken->span, "it was given here")
        .Help("choose another name, so that nobody reads one for the other");
    locals_.push_back(std::move(local));
    return false;
  }
  locals_.push_back(std::move(local));
  return true;
}

bool ExpressionChecker::AddVariable(const ast::Name& name, const Type& type,
                                    typed::BinderId binder) {
  Local local{name.text, name.span, Local::Kind::kVariable, type, binder, 0, nullptr, {}, false};
  return AddLocal(std::move(local));
}

bool ExpressionChecker::AddLet(const ast::Name& name, uint32_t index, const Type& type) {
  Local local{name.text, name.span, Local::Kind::kLet, type, {}, index, nullptr, {}, false};
  let_extents_.resize(index + 1);
  if (Sound((*lets_)[index].value)) let_extents_[index] = ExtentOf(*(*lets_)[index].value);
  return AddLocal(std::move(local));
}

bool ExpressionChecker::AddRow(const ast::Name& name, const typed::RowKey& row) {
  Type type;
  type.kind = Type::Kind::kRow;
  type.entity = row.entity;
  Local local{name.text, name.span, Local::Kind::kRow, type, {}, 0, nullptr, row, false};
  return AddLocal(std::move(local));
}

bool ExpressionChecker::LetIsUsed(uint32_t index) const {
  for (const Local& local : locals_) {
    if (local.kind == Local::Kind::kLet && local.let == index) return local.used;
  }
  return true;
}

const typed::RowKey* ExpressionChecker::FindRow(const std::string& name) const {
  for (const Local& local : locals_) {
    if (local.kind == Local::Kind::kRow && local.name == name) return &local.row;
  }
  return nullptr;
}

// ---- Entries ------------------------------------------------------------------------------------

ExprPtr ExpressionChecker::CheckKnown(const ast::Expr& expr, const ast::Expr& whole,
                                      const Type* expected) {
  ExprPtr value = Check(expr, expected);
  if (!Sound(value) || !value->type.optional) return value;
  ReportUnknown(*value, whole);
  return Poison(expr.span);
}

ExprPtr ExpressionChecker::CheckPart(const ast::Expr& part, const ast::Expr& whole,
                                     const Type* expected) {
  ExprPtr value = Check(part, expected);
  if (!Sound(value) || !value->type.optional) return value;
  ReportUnknown(*value, whole);
  value->type.optional = false;
  part_was_unknown_ = true;
  return value;
}

ExprPtr ExpressionChecker::CheckCondition(const ast::Expr& expr) {
  ExprPtr condition = CheckKnown(expr, expr);
  if (!Sound(condition)) return condition;
  Type boolean;
  boolean.kind = Type::Kind::kBool;
  if (SameType(condition->type, boolean)) return condition;
  ReportType(*condition, boolean, "a condition");
  return Poison(expr.span);
}

std::optional<Constant> ExpressionChecker::CheckConstant(const ast::Expr& expr, const Type& type) {
  if (const auto* text = expr.As<ast::TextLiteral>(); text && type.kind == Type::Kind::kRow) {
    return Constant(typed::RowKey{type.entity, text->value});
  }
  ExprPtr value = Check(expr, &type);
  if (!Sound(value)) return std::nullopt;
  const bool civil_length =
      type.kind == Type::Kind::kDuration && value->type.kind == Type::Kind::kCivil;
  if (!SameType(value->type, type) && !civil_length) {
    ReportType(*value, type, "this value");
    return std::nullopt;
  }
  if (value->kind == ExprKind::kLiteral || value->kind == ExprKind::kParam) return value->constant;
  if (value->kind == ExprKind::kNegate && value->operands[0]->kind == ExprKind::kLiteral) {
    return Constant(-std::get<int64_t>(value->operands[0]->constant));
  }
  Mistake(kNotConstant, expr.span, "this must be a fixed value")
      .Label("it depends on something else")
      .Help(fmt::format("write a literal of type `{}`", state_.Type(type)));
  return std::nullopt;
}

namespace {

CivilDuration CivilOf(const ast::CivilDurationLiteral& literal) {
  switch (literal.unit) {
    case ast::CivilUnit::kDays: return {CivilUnit::kDays, literal.count};
    case ast::CivilUnit::kWeeks: return {CivilUnit::kDays, literal.count * 7};
    case ast::CivilUnit::kMonths: return {CivilUnit::kMonths, literal.count};
    case ast::CivilUnit::kYears: return {CivilUnit::kYears, literal.count};
    case ast::CivilUnit::kBusinessDays: return {CivilUnit::kBusinessDays, literal.count};
  }
  RESCIND_UNREACHABLE("not a civil unit");
}

bool IsRelation(const ast::Expr& expr) {
  return expr.As<ast::CompareExpr>() != nullptr || expr.As<ast::InExpr>() != nullptr ||
         expr.As<ast::HasExpr>() != nullptr || expr.As<ast::TextRelationExpr>() != nullptr ||
         expr.As<ast::MatchesExpr>() != nullptr || expr.As<ast::PassedExpr>() != nullptr ||
         expr.As<ast::AgeExpr>() != nullptr || expr.As<ast::WithinNextExpr>() != nullptr ||
         expr.As<ast::KnownExpr>() != nullptr;
}

// What has conditions of its own, or a variable that is no name outside.
bool HoldsSentences(const ast::Expr& expr) {
  return expr.As<ast::LogicalExpr>() != nullptr || expr.As<ast::NotExpr>() != nullptr ||
         expr.As<ast::QuantifierExpr>() != nullptr || expr.As<ast::AggregateExpr>() != nullptr ||
         expr.As<ast::FilterExpr>() != nullptr;
}

}  // namespace

// ---- The kinds ----------------------------------------------------------------------------------

ExprPtr ExpressionChecker::Check(const ast::Expr& expr, const Type* expected) {
  const ast::Expr* const negation = std::exchange(negation_, nullptr);
  const bool outer_was_unknown = std::exchange(part_was_unknown_, false);
  const ast::Expr* const outer_sentence = sentence_;
  if (IsRelation(expr)) sentence_ = negation != nullptr ? negation : &expr;
  if (HoldsSentences(expr)) sentence_ = nullptr;
  const bool passes_not_on =
      expr.As<ast::NotExpr>() != nullptr || expr.As<ast::CallExpr>() != nullptr;
  if (passes_not_on) negation_ = negation;
  ExprPtr value = CheckNode(expr, expected);
  negation_ = negation;
  sentence_ = outer_sentence;
  const bool part_was_unknown = std::exchange(part_was_unknown_, outer_was_unknown);
  return part_was_unknown ? Poison(expr.span) : std::move(value);
}

ExprPtr ExpressionChecker::CheckNode(const ast::Expr& expr, const Type* expected) {
  const Span span = expr.span;
  const auto moving = [&](ExprKind kind, Type::Kind type) {
    ExprPtr value = Make(kind, {}, span);
    value->type.kind = type;
    value->type.moving = true;
    return value;
  };
  const auto misplaced = [&](std::string message, std::string help) {
    Mistake(kMisplacedLiteral, span, std::move(message)).Help(std::move(help));
    return Poison(span);
  };
  using K = Type::Kind;
  return std::visit(
      ast::Overloaded{
          [&](const ast::TextLiteral& e) { return Literal(K::kText, e.value, span); },
          [&](const ast::IntLiteral& e) { return Literal(K::kInt, e.value, span); },
          [&](const ast::BoolLiteral& e) { return Literal(K::kBool, e.value, span); },
          [&](const ast::DateLiteral& e) { return Literal(K::kDate, e.value, span); },
          [&](const ast::TimeLiteral& e) { return Literal(K::kTime, e.value, span); },
          [&](const ast::DurationLiteral& e) { return Literal(K::kDuration, e.value, span); },
          [&](const ast::CivilDurationLiteral& e) { return Literal(K::kCivil, CivilOf(e), span); },
          [&](const ast::SetLiteral&) {
            return misplaced("a set in braces has no place here",
                             "braces follow `in`: `x in { a, b }`");
          },
          [&](const ast::UnknownLiteral&) {
            return misplaced("`unknown` is no value to compute with",
                             "write `x is unknown` to ask whether a fact is missing");
          },
          [&](const ast::NameExpr& e) { return CheckName(expr, e, expected); },
          [&](const ast::FieldExpr&) { return CheckPath(expr).expr; },
          [&](const ast::CallExpr& e) { return CheckCall(expr, e); },
          [&](const ast::NowExpr&) { return moving(ExprKind::kNow, K::kTime); },
          [&](const ast::TodayExpr&) { return moving(ExprKind::kToday, K::kDate); },
          [&](const ast::LogicalExpr& e) { return CheckLogical(expr, e); },
          [&](const ast::NotExpr& e) { return CheckNot(expr, e); },
          [&](const ast::CompareExpr& e) { return CheckCompare(expr, e); },
          [&](const ast::InExpr& e) { return CheckIn(expr, e); },
          [&](const ast::HasExpr& e) { return CheckHas(expr, *e.set, *e.item); },
          [&](const ast::TextRelationExpr& e) { return CheckText(expr, e); },
          [&](const ast::MatchesExpr& e) { return CheckMatches(expr, e); },
          [&](const ast::PassedExpr& e) { return CheckPassed(expr, e); },
          [&](const ast::AgeExpr& e) {
            return CheckSpan(expr, e.op == ast::AgeOp::kOlder ? ExprKind::kOlder : ExprKind::kNewer,
                             *e.moment, *e.length);
          },
          [&](const ast::WithinNextExpr& e) {
            return CheckSpan(expr, ExprKind::kWithinNext, *e.moment, *e.length);
          },
          [&](const ast::KnownExpr& e) { return CheckIsKnown(expr, e); },
          [&](const ast::CoalesceExpr& e) { return CheckCoalesce(expr, e, expected); },
          [&](const ast::ArithmeticExpr& e) { return CheckArithmetic(expr, e); },
          [&](const ast::NegateExpr& e) { return CheckNegate(expr, e); },
          [&](const ast::QuantifierExpr& e) { return CheckQuantifier(expr, e); },
          [&](const ast::AggregateExpr& e) { return CheckAggregate(expr, e); },
          [&](const ast::FilterExpr& e) { return CheckFilter(expr, e); },
          [&](const ast::ErrorExpr&) { return Poison(span); },
      },
      expr.node);
}

// ---- Reports ------------------------------------------------------------------------------------

void ExpressionChecker::ReportType(const Expr& expr, const Type& wanted, std::string_view place) {
  auto mistake =
      Mistake(kTypeMismatch, expr.span, fmt::format("{} must be `{}`", place, state_.Type(wanted)));
  mistake.Label(fmt::format("this is `{}`", state_.Type(expr.type)));
  if (wanted.kind == Type::Kind::kBool && expr.type.kind == Type::Kind::kRow) {
    mistake.Help("compare one of its fields, or ask `is known`");
  } else if (wanted.kind == Type::Kind::kBool && expr.type.kind == Type::Kind::kRows) {
    mistake.Help(fmt::format("ask about its members: `any(x in {})`", state_.Text(expr.span)));
  } else if (wanted.kind == Type::Kind::kEnum && expr.type.kind == Type::Kind::kText &&
             expr.kind == ExprKind::kLiteral) {
    const std::string& text = std::get<std::string>(expr.constant);
    if (state_.schema().enumeration(wanted.enumeration).Find(text)) {
      mistake.Help(fmt::format("write the member without quotes: `{}`", text), {{expr.span, text}});
    }
  } else if (wanted.kind == Type::Kind::kDate && expr.type.kind == Type::Kind::kTime) {
    mistake.Help("`date(…)` is the day of a time in the policy's time zone");
  } else if (wanted.kind == Type::Kind::kTime && expr.type.kind == Type::Kind::kDate) {
    mistake.Help("`start_of(…)` is the instant at which a day begins");
  }
}

void ExpressionChecker::ReportMoving(const Expr& expr, std::string_view place) {
  const bool date = expr.type.kind == Type::Kind::kDate;
  Mistake(kMisplacedNow, expr.span,
          fmt::format("`{}` cannot stand {}", date ? "today" : "now", place))
      .Label("this moves with time")
      .Help(date ? "`today` stands alone, or plus or minus a fixed civil length, on one side of a "
                   "comparison: `today > x`"
                 : "`now` stands beside `+`, `-` and `??`, in `latest` and `earliest`, and in "
                   "comparisons: `now - x > 90d`");
}

// A value of the same type that is never missing, for the help: a required field of the same row.
std::optional<std::string> ExpressionChecker::SuggestedDefault(const Expr& expr) const {
  switch (expr.type.kind) {
    case Type::Kind::kBool: return "false";
    case Type::Kind::kTime: break;
    default: return std::nullopt;
  }
  if (expr.kind != ExprKind::kField || expr.guarded) return std::nullopt;
  for (const FieldDef& field : state_.schema().entity(expr.entity).fields) {
    if (field.type.optional || field.type.kind != TypeKind::kTime) continue;
    return state_.Text(expr.operands[0]->span) + "." + field.name;
  }
  return std::nullopt;
}

// ---- What a broken condition may have made known ------------------------------------------------

// `a.owner is known and a.owner.statsu == active and a.owner.manager.job == "x"`: the fields behind
// a path that is in doubt are tried as if it were known.
void ExpressionChecker::DoubtPath(const ast::Expr& path, KnownSet& doubtful) {
  if (const auto* field = path.As<ast::FieldExpr>()) DoubtPath(*field->base, doubtful);
  const ExprPtr value = Check(path);
  if (!Sound(value) || !value->type.optional) return;
  const std::string key = flow_.Key(*value);
  doubtful.insert(key);
  known_.insert(key);
}

// A condition that holds may have made known whatever it mentions; of one that does not hold, what
// it asks about.
void ExpressionChecker::Doubt(const ast::Expr& condition, bool holds) {
  const MentionedPaths mentioned = FindMentionedPaths(condition);
  all_is_doubtful_ = all_is_doubtful_ || mentioned.unreadable;
  const bool was_silent = std::exchange(silent_, true);
  const KnownSet known = known_;
  const Expansion expansion = *expansion_;
  for (const MentionedPath& path : mentioned.paths) {
    if (holds || path.asked) DoubtPath(*path.path, doubtful_);
  }
  *expansion_ = expansion;
  known_ = known;
  silent_ = was_silent;
}

bool ExpressionChecker::IsInDoubt(const Expr& expr) const {
  if (all_is_doubtful_) return true;
  return !doubtful_.empty() && doubtful_.count(flow_.Key(expr)) > 0;
}

void ExpressionChecker::ReportUnknown(const Expr& expr, const ast::Expr& whole) {
  if (IsInDoubt(expr)) return;
  const std::string text = state_.Text(expr.span);
  auto mistake = Mistake(kMayBeUnknown, expr.span, fmt::format("`{}` may be unknown", text));
  mistake.Label(fmt::format("this is `{}`", state_.Type(expr.type)));
  const bool alone = sentence_ == nullptr && whole.span == expr.span;
  const bool is_condition = alone && expr.type.kind == Type::Kind::kBool;
  const ast::Expr* sentence = sentence_;
  if (is_condition) sentence = negation_ != nullptr ? negation_ : &whole;
  const Span around = sentence != nullptr ? sentence->span : whole.span;
  const bool inside = around.file == expr.span.file && around.begin <= expr.span.begin &&
                      expr.span.end <= around.end;
  if (!inside) return;
  if (expr.type.kind == Type::Kind::kRows || expr.type.kind == Type::Kind::kTableRows) {
    mistake.Help(fmt::format("require it before: `{} is known and …`", text));
    return;
  }
  const std::optional<std::string> value = SuggestedDefault(expr);
  const std::string coalesced = alone ? fmt::format("{} ?? {}", text, value.value_or("…"))
                                      : fmt::format("({} ?? {})", text, value.value_or("…"));
  std::vector<TextEdit> fix;
  if (value) fix.push_back({expr.span, coalesced});
  mistake.Help(fmt::format("say what unknown means: `{}{}{}`",
                           state_.Text({around.file, around.begin, expr.span.begin}), coalesced,
                           state_.Text({around.file, expr.span.end, around.end})),
               std::move(fix));
  if (sentence == nullptr) return;
  const std::string required = fmt::format("{} is known and {}", text, state_.Text(around));
  std::vector<TextEdit> edit = {{around, required}};
  mistake.Help(fmt::format("or require it: `{}`", required), std::move(edit));
}

}  // namespace rescind::check
