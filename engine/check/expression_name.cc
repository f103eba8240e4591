// Names in expressions: variables, lets, params, members of enums, and what they could have meant.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "engine/check/check_codes.h"
#include "engine/check/expression_checker.h"
#include "engine/check/expression_clone.h"

namespace rescind::check {

using typed::Expr;
using typed::ExprKind;
using typed::ExprPtr;
using typed::Type;

namespace {

constexpr uint64_t kMaxLetParts = 1'000'000;
constexpr uint32_t kMaxLetDepth = 1'000;

// `a.b.c` as its parts; empty when it is no plain chain of names.
std::vector<std::string> PlainChain(const ast::Expr& expr) {
  if (const auto* name = expr.As<ast::NameExpr>()) return {name->name.text};
  const auto* field = expr.As<ast::FieldExpr>();
  if (field == nullptr || field->optional) return {};
  std::vector<std::string> parts = PlainChain(*field->base);
  if (!parts.empty()) parts.push_back(field->field.text);
  return parts;
}

}  // namespace

const Symbol* ExpressionChecker::FindSymbol(const ast::Expr& expr, bool& reported) {
  reported = false;
  const std::vector<std::string> parts = PlainChain(expr);
  if (parts.empty() || FindLocal(parts.front()) != nullptr) return nullptr;
  const auto found = state_.symbols.Find(NameSpace::kValues, module_, parts);
  if (found.size() == 1) return found.front();
  if (found.empty()) return nullptr;
  Mistake(kAmbiguousName, expr.span, fmt::format("`{}` could mean several things", parts.back()))
      .Help(SayWhich(found));
  reported = true;
  return nullptr;
}

bool ExpressionChecker::Resolves(const ast::Expr& expr) {
  const auto* name = expr.As<ast::NameExpr>();
  if (name == nullptr) return true;
  if (FindLocal(name->name.text) != nullptr) return true;
  return !state_.symbols.Find(NameSpace::kValues, module_, {name->name.text}).empty();
}

std::string ExpressionChecker::NameOfMember(std::string_view text) {
  const auto is_in_text = [&](std::string_view name) {
    const auto is_letter = [&](size_t at) {
      return at < text.size() &&
             (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_');
    };
    for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
      if (!(at > 0 && is_letter(at - 1)) && !is_letter(at + name.size())) return true;
    }
    return false;
  };
  for (const std::string_view name : {"x", "y", "z", "member"}) {
    if (FindLocal(name) == nullptr && !is_in_text(name)) return std::string(name);
  }
  return "…";
}

ExprPtr ExpressionChecker::EnumLiteral(const Type& type, uint8_t member, Span span) const {
  Type result;
  result.kind = Type::Kind::kEnum;
  result.enumeration = type.enumeration;
  ExprPtr literal = Make(ExprKind::kLiteral, result, span);
  literal->constant = typed::EnumValue{type.enumeration, member};
  return literal;
}

ExprPtr ExpressionChecker::ValueOfLocal(Local& local, Span span) {
  local.used = true;
  switch (local.kind) {
    case Local::Kind::kVariable: {
      ExprPtr value = Make(ExprKind::kVariable, local.type, span);
      value->binder = local.binder;
      value->name = local.name;
      return Narrowed(std::move(value));
    }
    case Local::Kind::kLet: return ValueOfLet(local, span);
    case Local::Kind::kArgument: {
      expansion_->node_count += CountNodes(*local.argument);
      return Narrowed(CloneWithFreshBinders(*local.argument, state_.program));
    }
    case Local::Kind::kRow: {
      ExprPtr value = Make(ExprKind::kLiteral, local.type, span);
      value->constant = local.row;
      return value;
    }
  }
  RESCIND_UNREACHABLE("not a kind of name");
}

// A let is one node, but what it stands for is read at each use: by people, in a policy's canonical
// text, and by whoever explains a row. Lets that name lets twice double each time.
ExprPtr ExpressionChecker::ValueOfLet(const Local& let, Span span) {
  if (let.type.kind == Type::Kind::kError) return Poison(span);
  const Extent& extent = let_extents_[let.let];
  expansion_->let_part_count += extent.parts;
  const bool is_deep = extent.depth > kMaxLetDepth;
  if (is_deep || expansion_->let_part_count > kMaxLetParts) {
    expansion_->let_part_count = 0;  // reported once, not at every use that follows
    Mistake(kTooLarge, span,
            fmt::format("`{}` becomes too large when the lets that it names are put in", let.name))
        .Help(fmt::format("the lets of a policy come to at most {} parts, {} deep; name each let "
                          "once, or make several policies",
                          kMaxLetParts, kMaxLetDepth));
    return Poison(span);
  }
  ExprPtr value = Make(ExprKind::kLet, let.type, span);
  value->let = let.let;
  value->name = let.name;
  return Narrowed(std::move(value));
}

ExpressionChecker::Extent ExpressionChecker::ExtentOf(const Expr& expr) const {
  Extent extent;
  for (const auto& operand : expr.operands) {
    if (operand == nullptr) continue;
    const Extent part = ExtentOf(*operand);
    extent.parts += part.parts;
    extent.depth = std::max(extent.depth, part.depth);
  }
  if (expr.kind == ExprKind::kLet) extent = let_extents_[expr.let];
  return {extent.parts + 1, extent.depth + 1};
}

ExprPtr ExpressionChecker::ValueOfSymbol(const Symbol& symbol, Span span) {
  if (symbol.kind == SymbolKind::kParam) {
    state_.used_param[symbol.index] = true;
    if (!state_.sound_param[symbol.index]) return Poison(span);
    const typed::Param& param = state_.program.params[symbol.index];
    ExprPtr value = Make(ExprKind::kParam, param.type, span);
    value->param = typed::ParamId(symbol.index);
    value->name = param.name;
    value->constant = param.value;
    return value;
  }
  std::string help;
  switch (symbol.kind) {
    case SymbolKind::kList:
      help = fmt::format("ask whether it holds something: `x in {}`", symbol.name);
      break;
    case SymbolKind::kTable:
      help = fmt::format("ask about its rows: `any(r in {} where …)`", symbol.name);
      break;
    default: help = fmt::format("call it: `{}(…)`", symbol.name); break;
  }
  Mistake(kNotAValue, span,
          fmt::format("`{}` is {}, not a value", symbol.name, SymbolKindText(symbol.kind)))
      .Note(symbol.span, "it is declared here")
      .Help(help);
  return Poison(span);
}

ExprPtr ExpressionChecker::UnknownMember(const ast::Name& name, const Type& expected) {
  const EnumDef& definition = state_.schema().enumeration(expected.enumeration);
  Mistake(kUnknownMember, name.span, fmt::format("there is no member `{}` here", name.text))
      .Label(fmt::format("the members are {}", fmt::join(definition.members, ", ")))
      .Suggest(name.text, name.span, definition.members);
  return Poison(name.span);
}

ExprPtr ExpressionChecker::UnknownName(const ast::Name& name) {
  if (state_.names_incomplete || forgives_unknown_names_) return Poison(name.span);
  auto mistake = Mistake(kUnknownName, name.span, fmt::format("there is no `{}` here", name.text));
  std::vector<std::string> candidates;
  for (const Local& local : locals_) candidates.push_back(local.name);
  for (std::string& symbol : state_.symbols.Names(NameSpace::kValues)) {
    candidates.push_back(std::move(symbol));
  }
  mistake.Suggest(name.text, name.span, candidates);
  for (const EntityDef& entity : state_.schema().entities()) {
    for (const FieldDef& field : entity.fields) {
      if (field.type.kind != TypeKind::kEnum) continue;
      if (!state_.schema().enumeration(field.type.enumeration).Find(name.text)) continue;
      mistake.Help(fmt::format("`{}` is a member of `{}.{}`: it needs such a field beside it",
                               name.text, entity.name, field.name));
      return Poison(name.span);
    }
  }
  return Poison(name.span);
}

ExprPtr ExpressionChecker::CheckName(const ast::Expr& expr, const ast::NameExpr& name,
                                     const Type* expected) {
  if (!name.name.ok()) return Poison(expr.span);
  Local* local = FindLocal(name.name.text);
  bool reported = false;
  const Symbol* symbol = local == nullptr ? FindSymbol(expr, reported) : nullptr;
  if (reported) return Poison(expr.span);
  const bool named = local != nullptr || symbol != nullptr;
  if (expected != nullptr && expected->kind == Type::Kind::kEnum) {
    const EnumDef& definition = state_.schema().enumeration(expected->enumeration);
    const std::optional<uint8_t> member = definition.Find(name.name.text);
    if (member && !named) return EnumLiteral(*expected, *member, expr.span);
    if (member && named) {
      const Span other = local != nullptr ? local->span : symbol->span;
      Mistake(kMemberOrName, expr.span,
              fmt::format("`{}` is a member of the enum and a name here", name.name.text))
          .Note(other, "the name was given here")
          .Help("rename it, so that it is clear which is meant");
      return Poison(expr.span);
    }
    if (!named && !state_.names_incomplete) return UnknownMember(name.name, *expected);
  }
  if (local != nullptr) return ValueOfLocal(*local, expr.span);
  if (symbol != nullptr) return ValueOfSymbol(*symbol, expr.span);
  return UnknownName(name.name);
}

}  // namespace rescind::check
