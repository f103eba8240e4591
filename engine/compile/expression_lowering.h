// ExpressionLowering: the expressions of one rule, from the typed tree into the graph.
//
// Knows one policy or protect: the row it judges, its lets, its time zone. Whatever in a condition
// hangs on `now` or `today` becomes kReached and kDayReached here, as time_lowering.cc says;
// quantifiers become folds over frames, as collection_lowering.cc says. Optimising is for passes.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/check/time_choices.h"
#include "engine/check/typed_ast.h"
#include "engine/compile/graph.h"
#include "engine/ir/program.h"

namespace rescind::compile {

ir::Type LowerType(const typed::Type& type);
ir::Type LowerFieldType(const FieldType& type);
// Anything but a civil length, which is no value.
ir::Constant LowerConstant(const typed::Constant& constant);

// Whether the operation itself, its operands aside, asks the policy's time zone for a day.
bool NeedsZone(const typed::Expr& expr);

// What expressions of one rule may refer to. All of it outlives the lowering.
struct RuleScope {
  EntityId entity;
  typed::BinderId binder;
  const std::vector<typed::Let>& lets;
  const typed::Expr* timezone;  // null: the workspace's
};

class ExpressionLowering {
 public:
  ExpressionLowering(Graph& graph, const typed::Program& program, const RuleScope& scope);

  // Any expression but a collection or a civil length.
  ir::NodeId Value(const typed::Expr& expr);
  // kRows, kTableRows, or a stored set read as a collection.
  ir::CollectionId Rows(const typed::Expr& expr);
  // A condition with its clauses: the index in clauses() of the whole.
  uint32_t Clause(const typed::Expr& expr);

  const std::vector<ir::Clause>& clauses() const { return clauses_; }
  // The node that the names of lets and defines stand for.
  const typed::Expr& Resolve(const typed::Expr& expr) const;

 private:
  using Expr = typed::Expr;
  using Children = std::vector<uint32_t>;

  // factor * now + sum of operands + offset + sum of what is not lowered yet.
  struct Term {
    const Expr* expr = nullptr;
    int sign = 1;
  };
  struct Sum {
    int32_t factor = 0;
    int64_t offset_micros = 0;
    std::vector<std::pair<ir::NodeId, int8_t>> operands;
    std::vector<Term> rest;  // a stack: what was found last is lowered first

    Sum& Push(const Expr& expr, int sign) {
      rest.push_back({&expr, sign});
      return *this;
    }
  };
  // A collection with the conditions of the filters around it taken off: `any` over a filter is
  // `any` over what it filters with both conditions.
  struct Source {
    ir::CollectionId collection;
    ir::FrameId frame;
    std::vector<typed::BinderId> binders;  // of the filters and of the fold: all one member
    std::vector<const Expr*> conditions;   // of the filters, innermost first
  };
  // Binds binders to a frame for as long as it lives.
  class Binding {
   public:
    Binding(ExpressionLowering& lowering, const Source& source);
    ~Binding();
    Binding(const Binding&) = delete;
    Binding& operator=(const Binding&) = delete;

   private:
    ExpressionLowering& lowering_;
    std::vector<std::pair<typed::BinderId, ir::FrameId>> before_;
  };

  // expression_lowering.cc. `children`, where given, gets the clauses of the operands.
  ir::NodeId Condition(const Expr& expr, Children* children);
  ir::NodeId Logic(const Expr& expr, Children* children);
  ir::NodeId Part(const Expr& expr, Children* children);
  ir::NodeId Relation(const Expr& expr);
  ir::NodeId Plain(const Expr& expr);
  ir::NodeId Path(const Expr& expr);
  ir::NodeId History(ir::Op op, const Expr& expr);
  ir::NodeId Arithmetic(const Expr& expr);
  ir::NodeId Let(uint32_t index);
  ir::NodeId InSet(const Expr& value, const std::vector<typed::Constant>& items);
  ir::NodeId Has(const Expr& set, const Expr& member);
  ir::NodeId Equal(const Expr& left, const Expr& right);
  ir::NodeId Make(ir::Op op, ir::Type type, std::vector<ir::NodeId> operands);
  ir::NodeId Compared(ir::Compare compare, ir::NodeId left, ir::NodeId right);
  ir::NodeId Ordered(ir::Compare compare, const Expr& less, const Expr& more);
  ir::NodeId IsKnown(ir::NodeId node);
  ir::NodeId Same(ir::NodeId left, ir::NodeId right);
  ir::NodeId Zone();

  // collection_lowering.cc.
  ir::NodeId Fold(const Expr& expr, Children* children);
  ir::CollectionId Filter(const Expr& expr);
  Source SourceOf(const Expr& expr, const Sum* also = nullptr);
  ir::NodeId FilterCondition(const Source& source, Children* children);
  ir::NodeId MakeFold(ir::Op op, ir::Type type, const Source& source,
                      std::vector<ir::NodeId> operands);
  // The deepest frame in scope that the expression depends on; rather too deep than not enough.
  ir::FrameId FrameOf(const Expr& expr) const;
  ir::FrameId FrameOf(const Expr& expr, std::vector<typed::BinderId>& inner) const;
  ir::FrameId FrameOf(const Sum& sum) const;

  // time_lowering.cc.
  ir::NodeId CompareTimes(const Expr& expr);
  ir::NodeId CompareToday(const Expr& expr);
  ir::NodeId Passed(const Expr& expr);
  ir::NodeId Older(const Expr& expr);
  ir::NodeId WithinNext(const Expr& expr);
  ir::NodeId AtLeastZero(Sum sum);
  bool TakeTerm(Sum& sum, const Expr& expr, int sign);
  ir::NodeId ByKnown(const Sum& sum, const Expr& coalesce, int sign);
  ir::NodeId MemberCounts(const Source& source, const Expr& extreme);
  ir::NodeId CountMembers(const Expr& extreme);
  ir::NodeId ByMember(const Sum& sum, const Expr& extreme, int sign);
  ir::NodeId Reached(const Sum& sum);
  ir::NodeId Known(const Expr& expr);
  ir::NodeId KnownExactly(const Expr& expr);
  ir::NodeId DayReached(const Expr& date, int64_t offset_days, CivilDuration length);
  ir::NodeId DayReachedAfter(const Expr& date, CivilDuration length, int64_t offset_days);
  ir::NodeId MakeDayReached(ir::NodeId date, int64_t offset_days, CivilDuration length);
  ir::NodeId EndlessSum(ir::NodeId date, CivilDuration length);
  const CivilDuration& CivilOf(const Expr& expr) const;

  Graph& graph_;
  const typed::Program& program_;
  const RuleScope& scope_;
  std::unordered_map<typed::BinderId, ir::FrameId> frames_;  // of the binders in scope
  std::vector<ir::NodeId> let_nodes_;                        // by let; none: not lowered yet
  check::TimeChoices time_;
  std::vector<ir::Clause> clauses_;
};

}  // namespace rescind::compile
