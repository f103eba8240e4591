// RandomExpression: expressions and conditions of the policy language, as text that the checker
// accepts: by type, by what may be unknown where, and by where `now` may stand.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/instant.h"
#include "engine/facts/schema.h"
#include "tests/differential/random_choice.h"
#include "tests/differential/random_source.h"

namespace rescind {

class RandomExpression {
 public:
  using Type = typed::Type;
  using Kind = typed::Type::Kind;

  RandomExpression(RandomChoice& choice, const Schema& schema, const SourceNames& names,
                   Instant now)
      : choice_(choice), schema_(schema), names_(names), now_(now) {}

  // ---- What is in scope: rows, and values such as lets and parameters of a define ----
  void AddVariable(const std::string& name, const Type& type);
  // `expression` under another name; a let of a condition tells what it establishes.
  void AddValue(const std::string& name, const SourceExpression& expression,
                const SourceCondition* condition = nullptr);
  void SetKnown(KnownKeys known) { known_ = std::move(known); }
  const KnownKeys& known() const { return known_; }
  // How large what follows may still grow.
  void SetBudget(int parts) { budget_ = parts; }
  void AllowNow(bool allow) { may_name_now_ = allow; }

  SourceCondition Condition(int depth);
  // Never unknown. A row only when some row of that entity is in reach: nothing otherwise. So too
  // an enum's member, unless the type is `expected` there: then it may stand bare.
  std::optional<SourceExpression> Value(const Type& type, int depth, bool expected = false);
  // May be unknown.
  std::optional<SourceExpression> Maybe(const Type& type, int depth);
  // A collection of rows of an entity or of a table.
  std::optional<SourceExpression> Rows(int depth);
  // Some type that values in reach have.
  Type AnyType();
  SourceText Literal(const Type& type);
  static std::string TypeText(const Schema& schema, const Type& type);

 private:
  struct Named {
    SourceExpression value;
    std::optional<SourceCondition> condition;
  };
  // A step of a chain of `.` and `?.`.
  struct Path : SourceExpression {
    bool short_circuits = false;  // `?.` stands left in the chain
    bool own_optional = false;    // unknown for another reason than that
  };

  // Paths (random_expression.cc).
  std::optional<Path> RowPath();
  Path Step(Path base, const std::string& field, Type type);
  std::optional<Path> FieldPath(const Type& type);
  std::optional<Path> TrackedPath(const Type& type, bool reference);
  std::optional<Path> ColumnPath(const Type& type);
  SourceExpression Narrowed(SourceExpression expression) const;
  std::optional<SourceExpression> Call(const Type& type, bool optional, int depth,
                                       SourceCondition* condition = nullptr);
  std::optional<SourceExpression> NamedValue(const Type& type, bool optional);

  // Values.
  SourceExpression Plain(SourceText text, const Type& type) const;
  std::optional<SourceExpression> Coalesce(const Type& type, int depth);
  std::optional<SourceExpression> Operation(const Type& type, int depth);
  std::optional<SourceExpression> Sum(const Type& type, int depth);
  std::optional<SourceExpression> Fold(const std::string& word, const Type& type, int depth);
  SourceText Length(bool civil);

  // Conditions (random_condition.cc).
  SourceCondition Logic(int depth);
  SourceCondition Not(int depth);
  SourceCondition KnownTest(int depth);
  // `x is known and …` and `x is unknown or …`, with the rest about x.
  SourceCondition Guarded(int depth);
  SourceCondition GuardedRows(int depth);
  SourceCondition Relation(int depth);
  SourceCondition RelationOn(const SourceExpression& left, int depth);
  SourceCondition TextRelation(const SourceExpression& left, int depth);
  SourceCondition Membership(const SourceExpression& left);
  std::optional<SourceCondition> SetRelation(int depth);
  SourceCondition Moment(const SourceExpression& left, int depth);
  SourceCondition TodayRelation(int depth);
  SourceCondition Quantifier(int depth);
  SourceCondition BoolValue(int depth);
  SourceCondition Comparison(const SourceExpression& left, int depth);
  std::string FilterText(const SourceExpression& rows, int depth);

  std::string NewVariable() { return "v" + std::to_string(++variable_count_); }
  // A name for a member of `rows`, in scope while it lives.
  class MemberScope {
   public:
    MemberScope(RandomExpression& owner, const std::string& name, Type rows) : owner_(owner) {
      rows.kind = rows.kind == Kind::kTableRows ? Kind::kTableRow : Kind::kRow;
      owner.AddVariable(name, rows);
    }
    ~MemberScope() { owner_.scope_.pop_back(); }
    MemberScope(const MemberScope&) = delete;
    MemberScope& operator=(const MemberScope&) = delete;

   private:
    RandomExpression& owner_;
  };

  RandomChoice& choice_;
  const Schema& schema_;
  const SourceNames& names_;
  Instant now_;
  std::vector<Named> scope_;
  KnownKeys known_;
  bool may_name_now_ = true;
  int budget_ = 40;
  uint32_t variable_count_ = 0;
};

}  // namespace rescind
