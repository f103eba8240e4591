#include "runtime/service/notice_reach.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <variant>

#include "runtime/service/notice_sender.h"

namespace rescind {
namespace {

// Empty: it is reached, or what it is shows only when it is judged.
std::string WhyUnreachable(const Workspace& workspace, const typed::Expr& choice,
                           const SourceMap& sources) {
  const typed::Expr& expr = typed::Strip(choice);
  if (expr.type.kind != typed::Type::Kind::kText) {  // a person
    return WhyUnreachable(workspace, fmt::format("identity:{}", sources.Text(choice.span)));
  }
  const bool is_fixed =
      expr.kind == typed::ExprKind::kLiteral || expr.kind == typed::ExprKind::kParam;
  const auto* name = is_fixed ? std::get_if<std::string>(&expr.constant) : nullptr;
  return name == nullptr ? "" : WhyUnreachable(workspace, *name);
}

// Of the first `notify` that gets stuck.
std::optional<Diagnostic> FindStuck(const Workspace& workspace, const typed::Policy& policy,
                                    const SourceMap& sources) {
  for (const typed::Stage& stage : policy.stages) {
    for (const typed::Action& action : stage.actions) {
      if (action.verb != typed::Verb::kNotify) continue;
      for (const typed::ExprPtr& choice : action.recipient.choices) {
        const std::string why = WhyUnreachable(workspace, *choice, sources);
        if (why.empty()) continue;
        Diagnostic diagnostic;
        diagnostic.code = kUnreachableNotice;
        diagnostic.span = choice->span;
        diagnostic.message =
            fmt::format("{} cannot tell anybody, and what it announces waits for ever: {}",
                        policy.full_name, why);
        diagnostic.help.push_back({kOncallRemedy, {}});
        return diagnostic;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<Diagnostic> FindUnreachable(const Workspace& workspace, const typed::Program& program,
                                        const SourceMap& sources) {
  std::vector<Diagnostic> warnings;
  for (const typed::Policy& policy : program.policies) {
    if (policy.mode != typed::Mode::kEnforce) continue;
    if (auto stuck = FindStuck(workspace, policy, sources)) warnings.push_back(*std::move(stuck));
  }
  return warnings;
}

}  // namespace rescind
