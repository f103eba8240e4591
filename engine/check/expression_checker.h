// ExpressionChecker: one expression of the syntax tree into a typed one, or diagnostics.
//
// Resolves names, computes types, follows what may be unknown, inlines defines. What it could not
// make sense of is reported once and becomes an expression of type kError, on which everything
// above stays silent. It knows nothing of clauses; who uses it says what is in scope and what is
// known already.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/check/check_state.h"
#include "engine/check/known_flow.h"

namespace rescind::check {

// A poisoned expression is null or of type kError.
inline bool Sound(const typed::ExprPtr& expr) {
  return expr != nullptr && expr->type.kind != typed::Type::Kind::kError;
}
// One type, whether it may be unknown or moves aside.
bool SameType(const typed::Type& left, const typed::Type& right);
// The type of a field as an expression of it has.
typed::Type TypeOfField(const FieldType& type);

inline constexpr std::string_view kManyCasesHelp =
    "each `??` with `now` on a side doubles them, and so does each `latest` or `earliest` of "
    "what moves with time: compare one after the other, joined with `and` or `or`";

class ExpressionChecker {
 public:
  // `lets`: those of the policy, growing while its clauses are checked; null elsewhere.
  ExpressionChecker(CheckState& state, std::string module, const std::vector<typed::Let>* lets);

  // ---- What is in scope. False when the name is taken (reported). ----
  bool AddVariable(const ast::Name& name, const typed::Type& type, typed::BinderId binder);
  bool AddLet(const ast::Name& name, uint32_t index, const typed::Type& type);
  // A row of a test: `ann`.
  bool AddRow(const ast::Name& name, const typed::RowKey& row);
  bool LetIsUsed(uint32_t index) const;
  const typed::RowKey* FindRow(const std::string& name) const;

  // ---- What is known, for the following calls. ----
  void SetKnown(KnownSet known) { known_ = std::move(known); }
  // A condition could not be given a type. What it would have made known, where it holds or fails,
  // is in doubt from now on: nobody is told that it may be unknown.
  void DoubtWhatHolds(const ast::Expr& condition) { Doubt(condition, true); }
  void DoubtWhatFails(const ast::Expr& condition) { Doubt(condition, false); }
  // The same where the condition itself is missing.
  void DoubtAll() { all_is_doubtful_ = true; }
  const KnownFlow& flow() const { return flow_; }

  // ---- Checking. `expected` gives bare enum members their meaning; null: nothing is. ----
  // The result may be optional.
  typed::ExprPtr Check(const ast::Expr& expr, const typed::Type* expected = nullptr);
  // Never optional: E0203 otherwise. `whole`: the expression to show in the help; may be `expr`.
  typed::ExprPtr CheckKnown(const ast::Expr& expr, const ast::Expr& whole,
                            const typed::Type* expected = nullptr);
  // A known bool.
  typed::ExprPtr CheckCondition(const ast::Expr& expr);
  // Names that nobody gave may have been hidden by a mistake: they are no mistake of their own.
  void ForgiveUnknownNames() { forgives_unknown_names_ = true; }
  bool forgives_unknown_names() const { return forgives_unknown_names_; }
  // A literal, or the value of a param, of that type (a text is the id of a row); nullopt:
  // reported.
  std::optional<typed::Constant> CheckConstant(const ast::Expr& expr, const typed::Type& type);
  // A collection that a quantifier can range over: kRows or kTableRows.
  typed::ExprPtr CheckCollection(const ast::Expr& expr);
  // Reports an expression whose type is not the wanted one.
  void ReportType(const typed::Expr& expr, const typed::Type& wanted, std::string_view place);
  void ReportMoving(const typed::Expr& expr, std::string_view place);

 private:
  // How large an expression is with the values of lets in their places.
  struct Extent {
    uint64_t parts = 0;
    uint32_t depth = 0;
  };
  struct Local {
    enum class Kind { kVariable, kLet, kArgument, kRow };
    std::string name;
    Span span;
    Kind kind = Kind::kVariable;
    typed::Type type;
    typed::BinderId binder;                 // kVariable
    uint32_t let = 0;                       // kLet
    const typed::Expr* argument = nullptr;  // kArgument
    typed::RowKey row;                      // kRow
    bool used = false;
  };
  // A step of a chain of `.` and `?.`.
  struct Path {
    typed::ExprPtr expr;
    bool short_circuits = false;  // `?.` stands left in the chain
    bool own_optional = false;    // unknown for another reason than that
  };
  struct Pair {
    typed::ExprPtr left;
    typed::ExprPtr right;
    bool sound() const { return Sound(left) && Sound(right); }
  };
  // Counts what inlining adds, over all nested calls of one root expression.
  struct Expansion {
    uint32_t depth = 0;
    uint32_t node_count = 0;
    bool is_exceeded = false;
    bool has_many_cases = false;  // the last body that was put in, or one inside of it
    uint64_t let_part_count = 0;  // what lets add, over the whole policy
  };

  // As CheckKnown, for a part of `whole`: what may be unknown is reported and goes on as if it were
  // known, so that the other mistakes of `whole` show, too. Check poisons `whole` in the end.
  typed::ExprPtr CheckPart(const ast::Expr& part, const ast::Expr& whole,
                           const typed::Type* expected = nullptr);
  typed::ExprPtr CheckNode(const ast::Expr& expr, const typed::Type* expected);

  check::Mistake Mistake(DiagnosticCode code, Span span, std::string message) {
    return check::Mistake(silent_ ? nullptr : &state_.sink, code, span, std::move(message));
  }
  typed::ExprPtr Make(typed::ExprKind kind, typed::Type type, Span span) const;
  typed::ExprPtr Poison(Span span) const;
  typed::ExprPtr Narrowed(typed::ExprPtr expr) const;
  typed::ExprPtr Unary(typed::ExprKind kind, typed::Type type, Span span,
                       typed::ExprPtr operand) const;
  typed::ExprPtr Binary(typed::ExprKind kind, typed::Type type, Span span, typed::ExprPtr left,
                        typed::ExprPtr right) const;
  typed::ExprPtr Literal(typed::Type::Kind kind, typed::Constant constant, Span span) const;

  // Names.
  Local* FindLocal(std::string_view name);
  bool AddLocal(Local local);
  typed::ExprPtr CheckName(const ast::Expr& expr, const ast::NameExpr& name,
                           const typed::Type* expected);
  typed::ExprPtr ValueOfLocal(Local& local, Span span);
  typed::ExprPtr ValueOfLet(const Local& let, Span span);
  Extent ExtentOf(const typed::Expr& expr) const;
  typed::ExprPtr ValueOfSymbol(const Symbol& symbol, Span span);
  typed::ExprPtr EnumLiteral(const typed::Type& type, uint8_t member, Span span) const;
  typed::ExprPtr UnknownMember(const ast::Name& name, const typed::Type& expected);
  typed::ExprPtr UnknownName(const ast::Name& name);
  bool Resolves(const ast::Expr& expr);
  // A name for the member that a help asks about: none that is taken here or stands in `text`.
  std::string NameOfMember(std::string_view text);
  // The value symbol that a name or a chain of names means; null without a report when it is
  // something else. `reported`: it was ambiguous.
  const Symbol* FindSymbol(const ast::Expr& expr, bool& reported);

  // Paths.
  Path CheckPath(const ast::Expr& expr);
  Path Step(Path base, const ast::Expr& expr, const ast::FieldExpr& field);
  bool IsCollectionField(const typed::Type& base, std::string_view field) const;
  Path RowStep(Path base, const ast::Expr& expr, const ast::Name& field, bool guarded);
  Path ColumnStep(Path base, const ast::Expr& expr, const ast::Name& field, bool guarded);
  Path ManyStep(Path base, const ast::Expr& expr, const ast::Name& field, bool guarded);
  Path NoField(const Path& base, const ast::Expr& expr, const ast::Name& field);
  Path BadPath(Span span) const { return {Poison(span), false, false}; }

  // Logic and relations.
  typed::ExprPtr CheckLogical(const ast::Expr& expr, const ast::LogicalExpr& logical);
  typed::ExprPtr CheckNot(const ast::Expr& expr, const ast::NotExpr& negation);
  typed::ExprPtr CheckCompare(const ast::Expr& expr, const ast::CompareExpr& compare);
  Pair CheckPair(const ast::Expr& left, const ast::Expr& right, const ast::Expr& whole);
  bool CheckComparable(const Pair& pair, const ast::CompareExpr& compare);
  void ReportPair(const typed::Expr& left, const typed::Expr& right);
  typed::ExprPtr CheckIn(const ast::Expr& expr, const ast::InExpr& in);
  typed::ExprPtr CheckInSet(const ast::Expr& expr, const ast::InExpr& in,
                            const ast::SetLiteral& set);
  typed::ExprPtr CheckInList(const ast::Expr& expr, const ast::InExpr& in, const Symbol& symbol);
  typed::ExprPtr CheckHas(const ast::Expr& expr, const ast::Expr& set, const ast::Expr& item);
  typed::ExprPtr CheckText(const ast::Expr& expr, const ast::TextRelationExpr& relation);
  typed::ExprPtr CheckMatches(const ast::Expr& expr, const ast::MatchesExpr& matches);
  typed::ExprPtr CheckPassed(const ast::Expr& expr, const ast::PassedExpr& passed);
  typed::ExprPtr CheckSpan(const ast::Expr& expr, typed::ExprKind kind, const ast::Expr& moment,
                           const ast::Expr& length);
  bool CouldBeUnknown(const ast::Expr& expr);
  typed::ExprPtr CheckIsKnown(const ast::Expr& expr, const ast::KnownExpr& known);
  typed::ExprPtr TextOperand(const ast::Expr& operand, const ast::Expr& whole);
  // A time or a date that is no `today`.
  typed::ExprPtr Moment(const ast::Expr& operand, const ast::Expr& whole);
  // Whether a comparison of these falls into few enough cases (time_choices.h).
  bool CasesAreFew(Span span, std::initializer_list<const typed::Expr*> sides);
  // Whether the length goes with the moment: durations with times, civil ones with dates.
  bool LengthFits(const typed::Expr& moment, const typed::Expr& length);

  // Values.
  typed::ExprPtr CheckCoalesce(const ast::Expr& expr, const ast::CoalesceExpr& coalesce,
                               const typed::Type* expected);
  typed::ExprPtr CheckArithmetic(const ast::Expr& expr, const ast::ArithmeticExpr& arithmetic);
  typed::ExprPtr CheckNegate(const ast::Expr& expr, const ast::NegateExpr& negate);
  typed::ExprPtr CheckCall(const ast::Expr& expr, const ast::CallExpr& call);
  typed::ExprPtr CheckBuiltin(const ast::Expr& expr, const ast::CallExpr& call,
                              std::string_view name);
  typed::ExprPtr CheckTracked(const ast::Expr& expr, typed::ExprKind kind,
                              const ast::Expr& argument, std::string_view name);
  typed::ExprPtr CheckDefineCall(const ast::Expr& expr, const ast::CallExpr& call, uint32_t define);
  typed::ExprPtr Inline(const ast::Expr& expr, uint32_t define,
                        const std::vector<typed::ExprPtr>& arguments);
  bool DefineIsSound(uint32_t define, Span call);

  // Collections.
  typed::ExprPtr CheckQuantifier(const ast::Expr& expr, const ast::QuantifierExpr& quantifier);
  typed::ExprPtr CheckAggregate(const ast::Expr& expr, const ast::AggregateExpr& aggregate);
  typed::ExprPtr CheckFilter(const ast::Expr& expr, const ast::FilterExpr& filter);
  // Fills operands[0] and [1] and the binder, and leaves the variable in scope: Unbind takes it
  // away. False when poisoned.
  bool Bind(const ast::Binding& binding, typed::Expr& into);
  void Unbind();

  // Unknown flow.
  void ReportUnknown(const typed::Expr& expr, const ast::Expr& whole);
  void Doubt(const ast::Expr& condition, bool holds);
  void DoubtPath(const ast::Expr& path, KnownSet& doubtful);
  bool IsInDoubt(const typed::Expr& expr) const;
  std::optional<std::string> SuggestedDefault(const typed::Expr& expr) const;

  CheckState& state_;
  std::string module_;
  const std::vector<typed::Let>* lets_;
  KnownFlow flow_;
  KnownSet known_;
  KnownSet doubtful_;             // what a condition that has no type may have made known
  bool all_is_doubtful_ = false;  // a syntax error in it may have hidden what
  std::vector<Local> locals_;
  std::vector<Extent> let_extents_;  // by let
  bool silent_ = false;
  bool part_was_unknown_ = false;  // of the expression being checked
  // Where `x is known and …` may be put before what is being checked: the innermost relation, or
  // call that is a condition, with the `not` before it. Null: nowhere.
  const ast::Expr* sentence_ = nullptr;
  bool forgives_unknown_names_ = false;
  // The `not` right behind which the expression being checked stands, the outermost of several.
  const ast::Expr* negation_ = nullptr;
  Expansion own_expansion_;
  Expansion* expansion_ = &own_expansion_;
};

// Checks a define once against its parameter types; for those that nobody calls.
void CheckDefine(CheckState& state, uint32_t define);
// The type that a parameter or column is declared with; kError: reported.
typed::Type ResolveType(CheckState& state, const ast::TypeRef& type);

}  // namespace rescind::check
