// RuleChecker: the clauses that policies and protects share, and those that only policies have.
//
// One object checks one declaration. Clauses come in any order; they are checked in the order in
// which their meaning builds up: for, timezone, let, when, unless, then the rest under what `when`
// and `unless` establish.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/check/check_state.h"
#include "engine/check/expression_checker.h"

namespace rescind::check {

class RuleChecker {
 public:
  RuleChecker(CheckState& state, std::string module)
      : state_(state), module_(std::move(module)), expressions_(state, module_, &lets_) {}

  void CheckPolicy(const Declared<ast::PolicyDecl>& declared, typed::Policy& policy);
  void CheckProtect(const Declared<ast::ProtectDecl>& declared, typed::Protect& protect);

 private:
  struct Judged {
    EntityId entity;
    typed::BinderId binder;
    std::string variable;
  };

  // The clauses of one kind, in the order written.
  template <typename T>
  std::vector<std::pair<const ast::Clause*, const T*>> Find() const {
    std::vector<std::pair<const ast::Clause*, const T*>> found;
    for (const ast::Clause& clause : *clauses_) {
      if (const T* node = std::get_if<T>(&clause.node)) found.emplace_back(&clause, node);
    }
    return found;
  }
  // The one clause of its kind; more are reported.
  template <typename T>
  const T* One(std::string_view word) {
    const auto found = Find<T>();
    for (size_t i = 1; i < found.size(); ++i) {
      ReportRepeated(*found[i].first, *found[0].first, word);
    }
    return found.empty() ? nullptr : found[0].second;
  }

  void ReportRepeated(const ast::Clause& clause, const ast::Clause& first, std::string_view word);
  void ReportMissing(const ast::Declaration& declaration, Span name, std::string_view word,
                     std::string_view help);

  template <typename Declaration, typename Rule>
  bool CheckHead(const Declared<Declaration>& declared, Rule& rule);
  template <typename Rule>
  void HandOver(Rule& rule);
  bool CheckFor(const ast::Declaration& declaration, Span name, Judged& judged);
  typed::ExprPtr CheckTimezone();
  bool ZonesExist(const typed::Expr& zone);
  void ReportUnknownZone(const typed::Expr& constant);
  void CheckLets();
  // when, unless; false when `when` is missing or broken.
  bool CheckConditions(const ast::Declaration& declaration, Span name);
  void WarnOfConstant(const typed::ExprPtr& condition, Span span);
  void ReportUnusedLets();

  void CheckBecause(typed::Policy& policy);
  void CheckControls(typed::Policy& policy);
  void CheckPlainClauses(typed::Policy& policy);
  void CheckStages(const ast::Declaration& declaration, typed::Policy& policy);
  void CheckStage(const ast::ThenClause& clause, const ast::Clause& place, typed::Policy& policy);
  void CheckOrder(const ast::ThenClause& clause, const ast::Clause& place,
                  const typed::Stage& stage, const typed::Policy& policy);
  void CheckAction(const ast::Action& action, typed::Stage& stage);
  bool VerbFits(const ast::Action& action, const typed::Expr& target);
  std::optional<typed::Recipient> CheckRecipient(const ast::Expr& expr);
  void AddChoice(const ast::Expr& expr, bool is_last, typed::Recipient& recipient, bool& sound);
  void CheckLimits(typed::Policy& policy);
  void CheckShareLimit(const ast::Clause& clause, const ast::LimitShareClause& limit,
                       typed::Policy& policy);
  void CheckLeaveLimit(const ast::Clause& clause, const ast::LimitLeaveClause& limit,
                       typed::Policy& policy);
  typed::ExprPtr CheckGroup(const ast::Expr& expr);
  void CheckNeeds(typed::Policy& policy);
  void CheckDone(typed::Policy& policy);
  void CheckOnFailure(typed::Policy& policy);
  void CheckRename(const ast::PolicyDecl& decl, typed::Policy& policy);
  void RefuseInProtect();

  // Says where a number comes from that is no literal.
  void NoteParam(Mistake& mistake, const ast::Expr& number);
  std::optional<Duration> CheckLength(const ast::Length& length);
  std::optional<int64_t> CheckAmount(const ast::Amount& amount);

  CheckState& state_;
  std::string module_;
  std::vector<typed::Let> lets_;
  ExpressionChecker expressions_;
  const std::vector<ast::Clause>* clauses_ = nullptr;
  typed::ExprPtr when_, unless_;
  Span when_span_, unless_span_;
  std::optional<size_t> last_timed_stage_;  // of those checked
  bool stages_ascend_ = true;
};

}  // namespace rescind::check
