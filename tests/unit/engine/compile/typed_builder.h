// TypedBuilder: typed programs for tests, without parser and checker.
//
// A small model like the standard one. Expressions are as the checker would make them; nothing is
// checked. Everything lives as long as the builder.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "engine/check/typed_ast.h"

namespace rescind::compile {

class TypedBuilder {
 public:
  using Expr = typed::Expr;
  using ExprPtr = typed::ExprPtr;
  using Kind = typed::ExprKind;

  TypedBuilder();

  // ---- Declarations ----
  EntityId Entity(const std::string& name) const { return *program.schema.Find(name); }
  FieldId Field(const std::string& entity, const std::string& field) const;
  // A policy with one `notify "iam"` stage that judges rows of `entity` under the name `x`.
  typed::Policy& Policy(const std::string& name, const std::string& entity, ExprPtr when,
                        ExprPtr unless = nullptr);
  // The binder of the judged row that the next Policy gets.
  typed::BinderId judged{0};

  // ---- Expressions ----
  ExprPtr Row(const std::string& entity) const { return Member(judged, "x", entity); }
  ExprPtr Member(typed::BinderId binder, const std::string& name, const std::string& entity) const;
  // `base.a.b`; a many after the first step is a flat map.
  ExprPtr Path(ExprPtr base, std::initializer_list<std::string> fields) const;
  ExprPtr Text(const std::string& value) const;
  ExprPtr Int(int64_t value) const;
  ExprPtr Bool(bool value) const;
  ExprPtr Days(int64_t days) const;  // an exact duration
  ExprPtr Civil(CivilUnit unit, int64_t count) const;
  ExprPtr Time(const std::string& text) const;
  ExprPtr Date(const std::string& text) const;
  ExprPtr Enum(const Expr& like, const std::string& member) const;
  ExprPtr Now() const;
  ExprPtr Today() const;
  // Any other kind: the type is bool, or that of the first operand for values.
  template <typename... Operands>
  ExprPtr Make(Kind kind, Operands... operands) const {
    std::vector<ExprPtr> all;
    (all.push_back(std::move(operands)), ...);
    return MakeOf(kind, std::move(all));
  }
  ExprPtr Compare(typed::CompareOp op, ExprPtr left, ExprPtr right) const;
  ExprPtr Equal(ExprPtr left, ExprPtr right) const {
    return Compare(typed::CompareOp::kEqual, std::move(left), std::move(right));
  }
  // A fold or filter over `collection` whose member is `binder`; condition and value may be null.
  ExprPtr Fold(Kind kind, typed::BinderId binder, ExprPtr collection, ExprPtr condition,
               ExprPtr value = nullptr) const;
  typed::BinderId Binder() { return typed::BinderId(program.binder_count++); }
  ExprPtr LetUse(const typed::Policy& policy, uint32_t let) const;

  typed::Program program;

 private:
  ExprPtr MakeOf(Kind kind, std::vector<ExprPtr> operands) const;
  ExprPtr Step(ExprPtr base, const std::string& field) const;
};

// Deterministic copy, as typed::Clone makes it.
typed::ExprPtr Copy(const typed::Expr& expr);

}  // namespace rescind::compile
