// Values: `??`, arithmetic, calls. A define is checked once against its parameter types, then
// inlined at each call: its body is checked again, silently, with the arguments in place of the
// parameters, so that types and narrowing follow the caller's facts.
#include <fmt/format.h>

#include "engine/check/check_codes.h"
#include "engine/check/expression_checker.h"
#include "engine/check/expression_clone.h"

namespace rescind::check {

using typed::Expr;
using typed::ExprKind;
using typed::ExprPtr;
using typed::Type;

namespace {

// A chain of defines may call defines; what it comes to is bounded.
constexpr uint32_t kMaxInlineDepth = 32;
constexpr uint32_t kMaxInlinedNodes = 20'000;

constexpr std::string_view kBuiltins[] = {"lower",    "date",       "start_of",
                                          "previous", "changed_at", "removed_at"};

bool IsPlainToday(const Expr& expr) { return typed::Strip(expr).kind == ExprKind::kToday; }

}  // namespace

// ---- `??` ---------------------------------------------------------------------------------------

ExprPtr ExpressionChecker::CheckCoalesce(const ast::Expr& expr, const ast::CoalesceExpr& coalesce,
                                         const Type* expected) {
  ExprPtr left = Check(*coalesce.left, expected);
  ExprPtr right = Check(*coalesce.right, Sound(left) ? &left->type : expected);
  if (!Sound(left) || !Sound(right)) return Poison(expr.span);
  for (const ExprPtr* side : {&left, &right}) {
    if (!(*side)->type.is_today()) continue;
    ReportMoving(**side, "beside `??`");
    return Poison(expr.span);
  }
  using K = Type::Kind;
  if (left->type.kind == K::kRows || left->type.kind == K::kTableRows) {
    Mistake(kTypeMismatch, expr.span, "`??` chooses between values, not between collections")
        .Help("ask about each apart, with `is known` before what may be unknown");
    return Poison(expr.span);
  }
  if (!SameType(left->type, right->type)) {
    auto mistake = Mistake(kTypeMismatch, right->span, "both sides of `??` must have one type");
    mistake.Label(fmt::format("this is `{}`", state_.Type(right->type)));
    mistake.Note(left->span, fmt::format("this is `{}`", state_.Type(left->type)));
    return Poison(expr.span);
  }
  if (!left->type.optional) {
    const Span rest{expr.span.file, left->span.end, expr.span.end};
    Mistake(kDefaultNeverUsed, right->span,
            fmt::format("`{}` is always known here", state_.Text(left->span)))
        .Label("this is never used")
        .Help("leave it out", {{rest, ""}});
  }
  Type type = left->type;
  type.optional = left->type.optional && right->type.optional;
  type.moving = left->type.moving || right->type.moving;
  return Narrowed(Binary(ExprKind::kCoalesce, type, expr.span, std::move(left), std::move(right)));
}

// ---- Arithmetic ---------------------------------------------------------------------------------

namespace {

struct Sum {
  bool legal = false;
  Type::Kind result = Type::Kind::kError;
};

Sum SumOf(ast::ArithmeticOp op, Type::Kind left, Type::Kind right) {
  using K = Type::Kind;
  const bool minus = op == ast::ArithmeticOp::kSubtract;
  if (left == K::kInt && right == K::kInt) return {true, K::kInt};
  if (op == ast::ArithmeticOp::kMultiply) return {};
  if (left == K::kTime && right == K::kDuration) return {true, K::kTime};
  if (left == K::kTime && right == K::kTime && minus) return {true, K::kDuration};
  if (left == K::kDate && right == K::kCivil) return {true, K::kDate};
  return {};
}

std::string_view SumHelp(Type::Kind left, Type::Kind right) {
  using K = Type::Kind;
  if (left == K::kDate && right == K::kDate) {
    return "compare dates with a civil length: `a + 30 days < b`";
  }
  if (left == K::kDuration || left == K::kCivil) return "write the time or date first: `t + 90d`";
  return "there are time ± duration, time - time, date ± civil length, and int";
}

}  // namespace

ExprPtr ExpressionChecker::CheckArithmetic(const ast::Expr& expr,
                                           const ast::ArithmeticExpr& arithmetic) {
  ExprPtr left = CheckPart(*arithmetic.left, expr);
  ExprPtr right = CheckPart(*arithmetic.right, expr);
  if (!Sound(left) || !Sound(right)) return Poison(expr.span);
  using K = Type::Kind;
  const bool dated = left->type.kind == K::kTime || left->type.kind == K::kDate;
  const bool length = right->type.kind == K::kDuration || right->type.kind == K::kCivil;
  if (dated && length && arithmetic.op != ast::ArithmeticOp::kMultiply &&
      !LengthFits(*left, *right)) {
    return Poison(expr.span);
  }
  const Sum sum = SumOf(arithmetic.op, left->type.kind, right->type.kind);
  if (!sum.legal) {
    const std::string_view verb = arithmetic.op == ast::ArithmeticOp::kMultiply ? "multiplied"
                                  : arithmetic.op == ast::ArithmeticOp::kAdd    ? "added"
                                                                                : "subtracted";
    Mistake(kTypeMismatch, arithmetic.op_span,
            fmt::format("`{}` and `{}` cannot be {}", state_.Type(left->type),
                        state_.Type(right->type), verb))
        .Help(std::string(SumHelp(left->type.kind, right->type.kind)));
    return Poison(expr.span);
  }
  if (left->type.is_today() && !IsPlainToday(*left)) {
    ReportMoving(*left, "in more than one sum");
    return Poison(expr.span);
  }
  Type type = typed::Plain(sum.result);
  type.moving = left->type.moving || right->type.moving;
  ExprKind kind = ExprKind::kMultiply;
  if (arithmetic.op == ast::ArithmeticOp::kAdd) kind = ExprKind::kAdd;
  if (arithmetic.op == ast::ArithmeticOp::kSubtract) kind = ExprKind::kSubtract;
  return Binary(kind, type, expr.span, std::move(left), std::move(right));
}

ExprPtr ExpressionChecker::CheckNegate(const ast::Expr& expr, const ast::NegateExpr& negate) {
  ExprPtr operand = CheckPart(*negate.operand, expr);
  if (!Sound(operand)) return Poison(expr.span);
  const Type wanted = typed::Plain(Type::Kind::kInt);
  if (!SameType(operand->type, wanted)) {
    ReportType(*operand, wanted, "what follows `-`");
    return Poison(expr.span);
  }
  return Unary(ExprKind::kNegate, wanted, expr.span, std::move(operand));
}

// ---- Calls --------------------------------------------------------------------------------------

ExprPtr ExpressionChecker::CheckCall(const ast::Expr& expr, const ast::CallExpr& call) {
  if (!call.callee.ok()) return Poison(expr.span);
  std::vector<std::string> parts;
  for (const ast::Name& part : call.callee.parts) parts.push_back(part.text);
  const std::string& name = parts.back();
  if (parts.size() == 1) {
    for (std::string_view builtin : kBuiltins) {
      if (name == builtin) return CheckBuiltin(expr, call, builtin);
    }
  }
  const auto found = state_.symbols.Find(NameSpace::kValues, module_, parts);
  if (found.size() > 1) {
    Mistake(kAmbiguousName, call.callee.span, fmt::format("`{}` could mean several things", name))
        .Help(SayWhich(found));
    return Poison(expr.span);
  }
  if (found.size() == 1 && found.front()->kind == SymbolKind::kDefine) {
    return CheckDefineCall(expr, call, found.front()->index);
  }
  for (const auto& argument : call.arguments) Check(*argument);
  if (found.size() == 1) {
    Mistake(
        kNotAValue, call.callee.span,
        fmt::format("`{}` is {} and cannot be called", name, SymbolKindText(found.front()->kind)))
        .Note(found.front()->span, "it is declared here");
    return Poison(expr.span);
  }
  if (state_.names_incomplete) return Poison(expr.span);
  std::vector<std::string> candidates(std::begin(kBuiltins), std::end(kBuiltins));
  for (const Define& define : state_.defines) candidates.push_back(define.decl->name.text);
  Mistake(kUnknownName, call.callee.span,
          fmt::format("there is no `{}` to call", call.callee.Text()))
      .Suggest(name, call.callee.parts.back().span, candidates);
  return Poison(expr.span);
}

ExprPtr ExpressionChecker::CheckBuiltin(const ast::Expr& expr, const ast::CallExpr& call,
                                        std::string_view name) {
  if (call.arguments.size() != 1) {
    Mistake(kWrongArguments, expr.span, fmt::format("`{}` takes one argument", name))
        .Label(fmt::format("{} are given", call.arguments.size()));
    return Poison(expr.span);
  }
  const ast::Expr& argument = *call.arguments.front();
  if (name == "changed_at") return CheckTracked(expr, ExprKind::kChangedAt, argument, name);
  if (name == "previous") return CheckTracked(expr, ExprKind::kPrevious, argument, name);
  if (name == "removed_at") return CheckTracked(expr, ExprKind::kRemovedAt, argument, name);
  using K = Type::Kind;
  const bool lower = name == "lower";
  const K wanted = lower ? K::kText : name == "date" ? K::kTime : K::kDate;
  const K result = lower ? K::kText : name == "date" ? K::kDate : K::kTime;
  ExprPtr value = CheckPart(argument, expr);
  if (!Sound(value)) return Poison(expr.span);
  if (value->type.kind != wanted) {
    ReportType(*value, typed::Plain(wanted), fmt::format("the argument of `{}`", name));
    return Poison(expr.span);
  }
  if (value->type.moving) {
    ReportMoving(*value, fmt::format("in `{}(…)`", name));
    return Poison(expr.span);
  }
  const ExprKind kind = lower            ? ExprKind::kLower
                        : name == "date" ? ExprKind::kDateOf
                                         : ExprKind::kStartOf;
  return Unary(kind, typed::Plain(result), expr.span, std::move(value));
}

ExprPtr ExpressionChecker::CheckTracked(const ast::Expr& expr, ExprKind kind,
                                        const ast::Expr& argument, std::string_view name) {
  ExprPtr value = Check(argument);
  if (!Sound(value)) return Poison(expr.span);
  // The field itself, under what inlining put around it.
  while (value->kind == ExprKind::kInlined) {
    ExprPtr inner = std::move(value->operands[0]);
    value = std::move(inner);
  }
  const bool reference = kind == ExprKind::kRemovedAt;
  if (value->kind != ExprKind::kField) {
    Mistake(kNotTracked, argument.span, fmt::format("`{}` takes a field", name))
        .Help(reference ? "name a reference: `removed_at(a.owner)`"
                        : fmt::format("name a tracked field: `{}(i.status)`", name));
    return Poison(expr.span);
  }
  const FieldDef& field = state_.schema().field(value->entity, value->field);
  const bool fits = reference ? field.type.kind == TypeKind::kReference : field.tracked;
  if (!fits) {
    auto mistake = Mistake(kNotTracked, argument.span,
                           fmt::format("`{}` is not {}", state_.Text(argument.span),
                                       reference ? "a reference" : "tracked"));
    if (!reference) {
      mistake.Help(fmt::format("declare `{} : … tracked` in `{}`, so that its past is kept",
                               field.name, state_.schema().entity(value->entity).name));
    }
    return Poison(expr.span);
  }
  Type type =
      kind == ExprKind::kPrevious ? TypeOfField(field.type) : typed::Plain(Type::Kind::kTime);
  type.optional = true;
  return Narrowed(Unary(kind, type, expr.span, std::move(value)));
}

// ---- Defines ------------------------------------------------------------------------------------

bool ExpressionChecker::DefineIsSound(uint32_t index, Span call) {
  Define& define = state_.defines[index];
  if (define.state == Define::State::kBeingChecked) {
    Mistake(kRecursiveDefine, call, fmt::format("`{}` would call itself", define.decl->name.text))
        .Note(define.decl->name.span, "it is declared here")
        .Help("defines are put in where they are called, so none may lead back to itself");
    return false;
  }
  CheckDefine(state_, index);
  return state_.defines[index].state == Define::State::kSound;
}

ExprPtr ExpressionChecker::CheckDefineCall(const ast::Expr& expr, const ast::CallExpr& call,
                                           uint32_t index) {
  state_.used_define[index] = true;
  const bool sound = DefineIsSound(index, call.callee.span);
  const Define& define = state_.defines[index];
  const std::string& name = define.decl->name.text;
  const bool counts = !define.decl->parameters_are_hidden;
  if (counts && call.arguments.size() != define.decl->parameters.size()) {
    Mistake(kWrongArguments, expr.span,
            fmt::format("`{}` takes {} argument{}", name, define.decl->parameters.size(),
                        define.decl->parameters.size() == 1 ? "" : "s"))
        .Label(fmt::format("{} {} given", call.arguments.size(),
                           call.arguments.size() == 1 ? "is" : "are"))
        .Note(define.decl->name.span, "it is declared here");
    return Poison(expr.span);
  }
  if (sound && define.result.kind == Type::Kind::kBool && sentence_ == nullptr) {
    sentence_ = negation_ != nullptr ? negation_ : &expr;
  }
  bool fits = true;
  std::vector<ExprPtr> arguments;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const ast::Expr& argument = *call.arguments[i];
    const Type* wanted = i < define.parameters.size() ? &define.parameters[i] : nullptr;
    const bool optional = wanted == nullptr || wanted->optional;
    ExprPtr value = optional ? Check(argument, wanted) : CheckKnown(argument, expr, wanted);
    if (Sound(value) && wanted != nullptr && wanted->kind != Type::Kind::kError &&
        !SameType(value->type, *wanted)) {
      ReportType(*value, *wanted,
                 fmt::format("`{}` of `{}`", define.decl->parameters[i].name.text, name));
      fits = false;
    }
    fits = fits && Sound(value);
    arguments.push_back(std::move(value));
  }
  if (!sound || !fits) return Poison(expr.span);
  return Inline(expr, index, arguments);
}

ExprPtr ExpressionChecker::Inline(const ast::Expr& expr, uint32_t index,
                                  const std::vector<ExprPtr>& arguments) {
  const Define& define = state_.defines[index];
  expansion_->node_count += 1;
  if (expansion_->depth >= kMaxInlineDepth || expansion_->node_count > kMaxInlinedNodes) {
    expansion_->is_exceeded = true;
    return Poison(expr.span);  // reported by the outermost call
  }
  ExpressionChecker body(state_, define.module, lets_);
  body.silent_ = true;
  body.known_ = known_;
  body.expansion_ = expansion_;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const ast::Name& name = define.decl->parameters[i].name;
    body.locals_.push_back({name.text,
                            name.span,
                            Local::Kind::kArgument,
                            arguments[i]->type,
                            {},
                            0,
                            arguments[i].get(),
                            {},
                            false});
  }
  ++expansion_->depth;
  expansion_->has_many_cases = false;
  ExprPtr value = body.Check(*define.decl->body, &define.result);
  --expansion_->depth;
  if (!Sound(value)) {
    if (expansion_->is_exceeded) {
      Mistake(
          kTooLarge, expr.span,
          fmt::format("`{}` becomes too large when its defines are put in", define.decl->name.text))
          .Help(fmt::format("at most {} nested defines and {} parts; give a part a name with `let`",
                            kMaxInlineDepth, kMaxInlinedNodes));
    } else if (expansion_->has_many_cases) {
      Mistake(kTooLarge, expr.span,
              fmt::format("with these arguments `{}` falls into too many cases",
                          define.decl->name.text))
          .Note(define.decl->body->span, "it compares them here")
          .Help(std::string(kManyCasesHelp));
    } else {
      Mistake(
          kMisplacedNow, expr.span,
          fmt::format("`{}` cannot be called with `now` or `today` there", define.decl->name.text))
          .Note(define.decl->body->span, "it uses its argument where time may not stand");
    }
    return Poison(expr.span);
  }
  Type type = value->type;
  type.optional = define.result.optional && value->type.optional;
  ExprPtr inlined = Unary(ExprKind::kInlined, type, expr.span, std::move(value));
  inlined->text = define.full_name;
  inlined->definition = define.decl->body->span;
  return Narrowed(std::move(inlined));
}

void CheckDefine(CheckState& state, uint32_t index) {
  {
    Define& define = state.defines[index];
    if (define.state != Define::State::kUnchecked) return;
    define.state = Define::State::kBeingChecked;
  }
  const Define copy = state.defines[index];
  ExpressionChecker checker(state, copy.module, nullptr);
  std::vector<Type> parameters;
  bool sound = true;
  for (const ast::Parameter& parameter : copy.decl->parameters) {
    const Type type = ResolveType(state, parameter.type);
    parameters.push_back(type);
    sound = sound && type.kind != Type::Kind::kError && parameter.name.ok();
    checker.AddVariable(parameter.name, type, state.NewBinder());
  }
  state.defines[index].parameters = parameters;
  const ExprPtr body = checker.Check(*copy.decl->body);
  Define& define = state.defines[index];
  sound = sound && Sound(body);
  if (sound) define.result = body->type;
  define.state = sound ? Define::State::kSound : Define::State::kBroken;
}

}  // namespace rescind::check
