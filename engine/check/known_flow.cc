// T(c) and F(c), what is known when c is true and when it is false. Example, for
// `a.owner is unknown or a.owner.status == terminated`: F of the left side is {a.owner}, so the
// right side may read `.status`; T of the whole is the intersection {} of both sides.
#include "engine/check/known_flow.h"

#include <algorithm>
#include <iterator>

#include "engine/check/canonical_text.h"

namespace rescind::check {

using typed::Expr;
using typed::ExprKind;

namespace {

KnownSet Intersection(const KnownSet& left, const KnownSet& right) {
  KnownSet both;
  std::set_intersection(left.begin(), left.end(), right.begin(), right.end(),
                        std::inserter(both, both.end()));
  return both;
}

}  // namespace

std::string KnownFlow::Key(const Expr& expr) const {
  CanonicalText text(program_, lets_);
  text.NumberFreeVariables();
  return text.Of(expr);
}

std::string KnownFlow::KeyOfMember(const Expr& condition, typed::BinderId member) const {
  CanonicalText text(program_, lets_);
  text.NumberFreeVariables();
  text.Name(member, "$member");
  return text.Of(condition);
}

void KnownFlow::AddKnown(const Expr& operand, KnownSet& facts) const {
  facts.insert(Key(operand));
  // `a?.b` is known only where `a` is, whatever names stand for parts of the path.
  const Expr* path = &Resolve(operand);
  while (path->guarded && !path->operands.empty()) {
    path = &Resolve(*path->operands[0]);
    facts.insert(Key(*path));
  }
}

const Expr& KnownFlow::Resolve(const Expr& expr) const {
  const Expr* at = &typed::Strip(expr);
  while (at->kind == ExprKind::kLet && lets_ != nullptr && at->let < lets_->size()) {
    at = &typed::Strip(*(*lets_)[at->let].value);
  }
  return *at;
}

KnownSet KnownFlow::Facts(const Expr& condition, bool answer) const {
  const Expr& expr = Resolve(condition);
  switch (expr.kind) {
    case ExprKind::kIsKnown:
    case ExprKind::kIsUnknown: {
      KnownSet facts;
      if ((expr.kind == ExprKind::kIsKnown) == answer) AddKnown(*expr.operands[0], facts);
      return facts;
    }
    case ExprKind::kNot: return Facts(*expr.operands[0], !answer);
    case ExprKind::kAnd:
    case ExprKind::kOr: {
      const bool all_hold = (expr.kind == ExprKind::kAnd) == answer;
      KnownSet facts = Facts(*expr.operands[0], answer);
      for (size_t i = 1; i < expr.operands.size(); ++i) {
        KnownSet more = Facts(*expr.operands[i], answer);
        if (all_hold) {
          facts.merge(more);
        } else {
          facts = Intersection(facts, more);
        }
      }
      return facts;
    }
    default: return {};
  }
}

}  // namespace rescind::check
