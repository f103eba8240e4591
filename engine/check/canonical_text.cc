// A fully parenthesised prefix form. Example, for `g.last_used ?? g.granted_at older than 90d`
// with the judged row named "row":
//
//   (older (coalesce row.last_used row.granted_at) 90d)
#include "engine/check/canonical_text.h"

#include <fmt/format.h>

#include "engine/base/assert.h"
#include "engine/check/expression_kind.h"

namespace rescind::check {

using typed::Expr;
using typed::ExprKind;

namespace {

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
      continue;
    }
    quoted += c;
  }
  return quoted + "\"";
}

std::string CivilText(CivilDuration length) {
  switch (length.unit) {
    case CivilUnit::kDays: return fmt::format("{} days", length.count);
    case CivilUnit::kMonths: return fmt::format("{} months", length.count);
    case CivilUnit::kYears: return fmt::format("{} years", length.count);
    case CivilUnit::kBusinessDays: return fmt::format("{} business days", length.count);
  }
  RESCIND_UNREACHABLE("not a civil unit");
}

}  // namespace

std::string CanonicalText::Of(const typed::Constant& constant) const {
  return std::visit(
      [&]<typename T>(const T& value) -> std::string {
        if constexpr (std::is_same_v<T, bool>) return value ? "true" : "false";
        if constexpr (std::is_same_v<T, int64_t>) return fmt::format("{}", value);
        if constexpr (std::is_same_v<T, std::string>) return Quoted(value);
        if constexpr (std::is_same_v<T, Instant>) return FormatInstant(value);
        if constexpr (std::is_same_v<T, Day>) return FormatDay(value);
        if constexpr (std::is_same_v<T, Duration>) return FormatDuration(value);
        if constexpr (std::is_same_v<T, CivilDuration>) return CivilText(value);
        if constexpr (std::is_same_v<T, typed::EnumValue>) {
          return "'" + program_.schema.enumeration(value.enumeration).members[value.member];
        }
        if constexpr (std::is_same_v<T, typed::RowKey>) {
          return program_.schema.entity(value.entity).name + Quoted(value.id);
        }
      },
      constant);
}

std::string CanonicalText::Of(const Expr& expr) {
  text_.clear();
  depth_ = 0;
  Put(expr);
  return std::move(text_);
}

void CanonicalText::PutVariable(const Expr& expr) {
  const auto named = names_.find(expr.binder);
  if (named != names_.end()) {
    text_ += named->second;
  } else if (number_free_) {
    text_ += fmt::format("${}", expr.binder.index());
  } else {
    text_ += "$" + expr.name;
  }
}

void CanonicalText::PutLeaf(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kLiteral:
    case ExprKind::kParam: {
      text_ += Of(expr.constant);
      const auto* length = std::get_if<CivilDuration>(&expr.constant);
      counts_business_days_ |= length != nullptr && length->unit == CivilUnit::kBusinessDays;
      return;
    }
    case ExprKind::kVariable: PutVariable(expr); return;
    case ExprKind::kLet:
      if (lets_ != nullptr && expr.let < lets_->size()) return Put(*(*lets_)[expr.let].value);
      text_ += "$" + expr.name;
      return;
    case ExprKind::kNow: text_ += "now"; return;
    case ExprKind::kToday: text_ += "today"; return;
    case ExprKind::kTable: {
      const typed::Table& table = program_.tables[expr.table.index()];
      text_ += fmt::format("table {} {}", table.name, table.content_hash);
      return;
    }
    default: RESCIND_UNREACHABLE("not a leaf");
  }
}

void CanonicalText::PutPath(const Expr& expr) {
  const Schema& schema = program_.schema;
  Put(*expr.operands[0]);
  switch (expr.kind) {
    case ExprKind::kId: text_ += ".id"; return;
    case ExprKind::kColumn: {
      const Expr& row = typed::Strip(*expr.operands[0]);
      text_ += "." + program_.tables[row.type.table.index()].columns[expr.column].name;
      return;
    }
    case ExprKind::kFlatMap: text_ += "*"; break;
    case ExprKind::kRowsOfSet: text_ += "[]"; return;
    default: break;
  }
  const FieldDef& field = schema.field(expr.entity, expr.field);
  text_ += "." + field.name;
  if (field.type.kind != TypeKind::kMany) return;
  text_ += "(via " + schema.field(field.type.entity, field.type.via).name + ")";
}

void CanonicalText::PutCall(std::string_view name, const Expr& expr) {
  text_ += "(";
  text_ += name;
  for (const auto& operand : expr.operands) {
    text_ += " ";
    Put(*operand);
  }
  if (expr.kind == ExprKind::kIn) {
    for (const auto& item : expr.constants) text_ += " " + Of(item);
  } else if (expr.kind == ExprKind::kInList) {
    for (const auto& item : program_.lists[expr.list.index()].items) text_ += " " + Of(item);
  } else if (expr.kind == ExprKind::kMatches) {
    text_ += " " + Quoted(expr.text);
  }
  text_ += ")";
}

void CanonicalText::PutCollection(const Expr& expr) {
  text_ += "(";
  text_ += ExprKindName(expr.kind);
  text_ += " ";
  Put(*expr.operands[0]);
  const auto before = names_.find(expr.binder) != names_.end();
  RESCIND_ASSERT(!before, "a binder is bound once");
  names_[expr.binder] = fmt::format("#{}", depth_++);
  for (size_t i = 1; i < expr.operands.size(); ++i) {
    if (expr.operands[i] == nullptr) continue;
    text_ += i == 1 ? " where " : " of ";
    Put(*expr.operands[i]);
  }
  --depth_;
  names_.erase(expr.binder);
  text_ += ")";
}

void CanonicalText::Put(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kLiteral:
    case ExprKind::kParam:
    case ExprKind::kVariable:
    case ExprKind::kLet:
    case ExprKind::kNow:
    case ExprKind::kToday:
    case ExprKind::kTable: return PutLeaf(expr);
    case ExprKind::kId:
    case ExprKind::kField:
    case ExprKind::kColumn:
    case ExprKind::kMany:
    case ExprKind::kFlatMap:
    case ExprKind::kRowsOfSet: return PutPath(expr);
    case ExprKind::kInlined: return Put(*expr.operands[0]);
    case ExprKind::kCompare: return PutCall(CompareOpText(expr.compare), expr);
    case ExprKind::kInList: return PutCall(ExprKindName(ExprKind::kIn), expr);
    default: break;
  }
  if (IsCollectionKind(expr.kind)) return PutCollection(expr);
  PutCall(ExprKindName(expr.kind), expr);
}

}  // namespace rescind::check
