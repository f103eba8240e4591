#include "engine/check/test_expectation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "engine/check/action_verb.h"

namespace rescind::check {

using typed::RowKey;
using typed::Verb;

std::optional<typed::PolicyId> FindPolicy(CheckState& state, const std::string& module,
                                          const ast::QualifiedName& name) {
  if (!name.ok()) return std::nullopt;
  std::vector<std::string> parts;
  for (const ast::Name& part : name.parts) parts.push_back(part.text);
  const auto found = state.symbols.Find(NameSpace::kPolicies, module, parts);
  if (found.size() == 1 && found.front()->kind == SymbolKind::kPolicy) {
    return typed::PolicyId(found.front()->index);
  }
  if (found.size() == 1) {
    state.Mistake(kUnknownPolicy, name.span, fmt::format("`{}` is a protect", name.Text()))
        .Help("protects are always active in tests; name the policy");
  } else if (found.size() > 1) {
    state
        .Mistake(kAmbiguousName, name.span,
                 fmt::format("`{}` could be several policies", name.Text()))
        .Help(SayWhich(found));
  } else if (!state.names_incomplete) {
    state.Mistake(kUnknownPolicy, name.span, fmt::format("there is no policy `{}`", name.Text()))
        .Suggest(name.parts.back().text, name.parts.back().span,
                 state.symbols.Names(NameSpace::kPolicies));
  }
  return std::nullopt;
}

const RowKey* FindTestRow(CheckState& state, const ExpressionChecker& expressions,
                          const ast::Name& name) {
  if (!name.ok()) return nullptr;
  const RowKey* row = expressions.FindRow(name.text);
  if (row == nullptr && !expressions.forgives_unknown_names()) {
    state.Mistake(kUnknownName, name.span, fmt::format("there is no row `{}` here", name.text))
        .Help("rows are named by `given E name { … }` or `given E \"id\" as name { … }`");
  }
  return row;
}

std::optional<typed::ExpectedAction> CheckExpectedAction(CheckState& state,
                                                         ExpressionChecker& expressions,
                                                         const ast::ExpectAction& expect) {
  typed::ExpectedAction result;
  result.negated = expect.negated;
  result.verb = VerbOf(expect.action.verb);
  result.playbook = expect.action.playbook;
  const ast::Expr& target = *expect.action.target;
  if (target.is_error()) return std::nullopt;
  if (const auto* text = target.As<ast::TextLiteral>()) {
    if (result.verb == Verb::kNotify) {
      result.channel = text->value;
      return result;
    }
    state.Mistake(kBadExpectation, target.span, "name the row, not a text")
        .Help("give the row a name: `given grant \"ldap/ann/vpn\" as g { … }`");
    return std::nullopt;
  }
  const auto* name = target.As<ast::NameExpr>();
  if (name == nullptr) {
    state.Mistake(kBadExpectation, target.span, "an expectation names one row of the test")
        .Help("write one line for each row that you expect");
    return std::nullopt;
  }
  const RowKey* row = FindTestRow(state, expressions, name->name);
  if (row == nullptr) return std::nullopt;
  if (!VerbActsOn(state.schema(), result.verb, row->entity)) {
    state
        .Mistake(kBadExpectation, target.span,
                 fmt::format("`{}` does not act on `{}`", VerbText(result.verb),
                             state.schema().entity(row->entity).name))
        .Help("the policy language's reference lists which action goes with which entity");
    return std::nullopt;
  }
  const bool on_accounts = result.verb == Verb::kDisable || result.verb == Verb::kSuspend;
  result.expands_identity = on_accounts && row->entity == ModelEntities(state.schema()).identity;
  result.target = *row;
  return result;
}

typed::ExpectedHold CheckExpectedHold(CheckState& state, const ast::ExpectHeld& expect) {
  static constexpr std::pair<std::string_view, typed::HeldReason> kReasons[] = {
      {"limit", typed::HeldReason::kLimit},   {"approval", typed::HeldReason::kApproval},
      {"needs", typed::HeldReason::kNeeds},   {"protected", typed::HeldReason::kProtected},
      {"exempt", typed::HeldReason::kExempt}, {"mode", typed::HeldReason::kMode}};
  typed::ExpectedHold hold;
  hold.negated = expect.negated;
  if (!expect.reason || !expect.reason->ok()) return hold;
  std::vector<std::string> names;
  for (const auto& [name, reason] : kReasons) {
    if (name == expect.reason->text) {
      hold.reason = reason;
      return hold;
    }
    names.emplace_back(name);
  }
  state
      .Mistake(kBadExpectation, expect.reason->span,
               fmt::format("nothing is held because of `{}`", expect.reason->text))
      .Label(fmt::format("the reasons are {}", fmt::join(names, ", ")))
      .Suggest(expect.reason->text, expect.reason->span, names);
  return hold;
}

}  // namespace rescind::check
