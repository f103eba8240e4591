// NaiveMeaning: what a typed expression says about a row, by the words of the language.
//
// The third opinion of the differential test: it walks the typed tree as the checker left it and
// knows neither the compiler nor the rule program. Whole collections are searched where the engine
// has an index; every answer is for one instant, and there are no deadlines.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/civil.h"
#include "engine/check/typed_ast.h"
#include "engine/eval/value.h"
#include "engine/facts/fact_base.h"
#include "tests/differential/naive_answer.h"

namespace rescind {

class NaiveMeaning {
 public:
  // `facts` with all columns. Everything outlives it.
  NaiveMeaning(const typed::Program& program, const FactBase& facts, const Holidays& holidays,
               Instant now);

  // What is judged next: a policy's or a protect's row.
  template <typename Rule>
  void StandOn(const Rule& rule, RowId row) {
    lets_ = &rule.lets;
    timezone_ = rule.timezone.get();
    members_.clear();
    error_beyond_choice_ = false;
    NaiveAnswer judged;
    judged.content = eval::FactRow{rule.entity, row};
    members_[rule.binder] = judged;
  }
  // `when` holds and `unless` does not. Of a complete row.
  template <typename Rule>
  NaiveAnswer Matches(const Rule& rule) {
    NaiveAnswer when = Of(*rule.when);
    return rule.unless ? And({when, Not(Of(*rule.unless))}) : And({when});
  }
  // Since StandOn: a choice around `now` (`a ?? b`) whose left side is undecided had an error on
  // the right. A comparison by cases looks at both, and may report the error
  // (engine/compile/README.md).
  bool may_be_error() const { return error_beyond_choice_; }
  NaiveAnswer Of(const typed::Expr& expr);
  // Of an action: rows that are certainly members, and complete; ascending.
  std::vector<eval::FactRow> Targets(const typed::Expr& rows);

 private:
  using Expr = typed::Expr;
  using Answer = NaiveAnswer;
  struct Member {
    std::optional<Answer> row;  // none: an id that nobody has delivered
    bool readable = true;       // a complete row
    Answer membership;
  };

  static Answer And(const std::vector<Answer>& answers);
  static Answer Or(std::vector<Answer> answers);
  static Answer Not(Answer answer);

  const Expr& Resolve(const Expr& expr) const;
  Answer Path(const Expr& expr);
  Answer Constant(const Expr& expr) const;
  Answer ConstantOf(const typed::Constant& constant) const;
  Answer Stored(EntityId entity, FieldId field, const Column& column, RowId row,
                bool required) const;
  Answer Reference(EntityId entity, uint32_t row, bool required) const;
  Answer History(const Expr& expr);
  Answer Relation(const Expr& expr);
  Answer TextRelation(const Expr& expr, const std::string& text, const std::string& part) const;
  Answer IsIn(const Answer& item, const std::vector<typed::Constant>& constants) const;
  std::vector<Answer> SetMembers(const eval::StoredSet& set) const;
  std::string IdOf(const eval::FactRow& row) const;
  Answer Compare(const Expr& expr);
  Answer Arithmetic(const Expr& expr);

  // Times. `Exact`: sums around `now`, which never overflow.
  bool NamesNow(const Expr& expr) const;
  bool MovesWithTime(const Expr& expr) const;
  Answer Exact(const Expr& expr);
  Answer TimeRelation(const Expr& expr);
  // Dates.
  Answer ExactDay(const Expr& expr);
  Answer Today();
  Answer DateRelation(const Expr& expr);
  CivilDuration CivilOf(const Expr& expr) const;
  Answer AddLength(const Answer& date, CivilDuration length, bool endless) const;
  Answer Zoned(const Expr& expr);
  Answer Zone();

  // Collections.
  std::vector<Member> Members(const Expr& expr);
  std::vector<Member> FlatMembers(const Expr& expr);
  Member RowMember(EntityId entity, RowId row, const Answer& membership) const;
  std::vector<uint32_t> Naming(EntityId entity, FieldId field, RowId row) const;
  Answer Counts(const Expr& fold, const Member& member, bool turned);
  Answer Fold(const Expr& expr, bool exact);
  Answer FoldValues(const Expr& expr, bool exact);

  const typed::Program& program_;
  const FactBase& facts_;
  const Holidays& holidays_;
  const Instant now_;
  const std::vector<typed::Let>* lets_ = nullptr;
  const Expr* timezone_ = nullptr;
  std::map<typed::BinderId, Answer> members_;
  bool error_beyond_choice_ = false;
};

}  // namespace rescind
