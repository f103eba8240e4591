// Clauses and actions of TreeBuilder.

#include <fmt/format.h>

#include <algorithm>

#include "engine/syntax/lexical_check.h"
#include "engine/syntax/literal.h"
#include "engine/syntax/parser_tree.h"
#include "engine/syntax/syntax_codes.h"

namespace rescind::syntax {

using ast::MakeExpr;

ast::Clause TreeBuilder::Clause(P::ClauseContext* context) {
  ast::Clause result;
  result.span = SpanOf(context);
  result.keyword_span = SpanOf(context->getStart());
  if (auto* failure = dynamic_cast<P::OnFailureClauseContext*>(context))
    result.keyword_span = Cover(result.keyword_span, SpanOf(failure->FAILURE()));
  if (dynamic_cast<P::BecauseClauseContext*>(context) != nullptr) {
    const auto length = static_cast<uint32_t>(std::string_view("because").size());
    result.keyword_span.end = result.keyword_span.begin + length;
  }
  result.node = ClauseNode(context);
  return result;
}

ast::Clause::Node TreeBuilder::ClauseNode(P::ClauseContext* context) {
  if (auto* c = dynamic_cast<P::ForClauseContext*>(context))
    return ast::ForClause{NameOf(c->name()), Qualified(c->qualifiedName())};
  if (auto* c = dynamic_cast<P::LetClauseContext*>(context))
    return ast::LetClause{NameOf(c->name()), Expression(c->expression(), 0)};
  if (auto* c = dynamic_cast<P::WhenClauseContext*>(context))
    return ast::WhenClause{Expression(c->expression(), 0)};
  if (auto* c = dynamic_cast<P::UnlessClauseContext*>(context))
    return ast::UnlessClause{Expression(c->expression(), 0)};
  if (auto* c = dynamic_cast<P::BecauseClauseContext*>(context)) return Because(c);
  if (auto* c = dynamic_cast<P::ControlsClauseContext*>(context)) return Controls(c);
  if (auto* c = dynamic_cast<P::SeverityClauseContext*>(context)) return Severity(c);
  if (auto* c = dynamic_cast<P::ModeClauseContext*>(context)) return Mode(c);
  if (auto* c = dynamic_cast<P::TimezoneClauseContext*>(context))
    return ast::TimezoneClause{Expression(c->expression(), 0)};
  if (auto* c = dynamic_cast<P::LimitLeaveClauseContext*>(context))
    return ast::LimitLeaveClause{AmountOf(c->amount()), Coalesce(c->coalesce(), 0)};
  if (auto* c = dynamic_cast<P::LimitShareClauseContext*>(context)) return LimitShare(c);
  if (auto* c = dynamic_cast<P::NeedsClauseContext*>(context))
    return ast::NeedsClause{TextOfLiteral(c->TEXT()), SpanOf(c->TEXT()), LengthOf(c->length())};
  if (auto* c = dynamic_cast<P::DoneClauseContext*>(context))
    return ast::DoneClause{LengthOf(c->length()), Coalesce(c->recipient()->coalesce(), 0)};
  if (auto* c = dynamic_cast<P::OnFailureClauseContext*>(context)) return OnFailure(c);
  auto* then = dynamic_cast<P::ThenClauseContext*>(context);
  ast::ThenClause node = ThenHead(then->thenHead());
  for (auto* action : then->action()) node.actions.push_back(Action(action));
  node.body_span = Cover(SpanOf(then->LBRACE()), SpanOf(then->RBRACE()));
  return node;
}

ast::ThenClause TreeBuilder::ThenHead(P::ThenHeadContext* context) {
  ast::ThenClause node;
  if (context->length()) node.after = LengthOf(context->length());
  if (context->approval()) node.approval = ApprovalOf(context->approval());
  return node;
}

ast::Approval TreeBuilder::ApprovalOf(P::ApprovalContext* context) {
  ast::Approval node;
  node.span = SpanOf(context);
  node.approver = Coalesce(context->recipient()->coalesce(), 0);
  node.within = LengthOf(context->length());
  const int word =
      OneOf(context->name(), "outcome of a missing approval", {"hold", "proceed", "withdraw"});
  if (word >= 0) node.otherwise = static_cast<ast::ApprovalElse>(word);
  return node;
}

ast::Action TreeBuilder::Action(P::ActionContext* context) {
  ast::Action action;
  action.span = SpanOf(context);
  action.verb_span = SpanOf(context->getStart());
  switch (context->getStart()->getType()) {
    case P::DISABLE: action.verb = ast::ActionVerb::kDisable; break;
    case P::SUSPEND: action.verb = ast::ActionVerb::kSuspend; break;
    case P::END: action.verb = ast::ActionVerb::kEnd; break;
    case P::REVOKE: action.verb = ast::ActionVerb::kRevoke; break;
    case P::DELETE: action.verb = ast::ActionVerb::kDelete; break;
    case P::NOTIFY: action.verb = ast::ActionVerb::kNotify; break;
    default:
      action.verb = ast::ActionVerb::kRun;
      action.playbook = TextOfLiteral(context->TEXT());
      action.playbook_span = SpanOf(context->TEXT());
      break;
  }
  action.target = Coalesce(context->coalesce(), 0);
  return action;
}

// ---- Reasons --------------------------------------------------------------------------------

ast::BecauseClause TreeBuilder::Because(P::BecauseClauseContext* context) {
  ast::BecauseClause node;
  auto* terminal = context->BECAUSE_TEXT() ? context->BECAUSE_TEXT() : context->TEXT();
  const Token& token = TokenOf(terminal->getSymbol());
  node.text_span = SpanOf(terminal);
  if (token.kind == TokenKind::kReason) {
    node.text_span.begin += FindReasonQuote(TextAt(node.text_span));
  }
  if (token.bad || (token.kind != TokenKind::kReason && token.kind != TokenKind::kText))
    return node;
  const uint32_t body = node.text_span.begin + 1;
  std::vector<ReasonPart> parts;
  uint32_t bad_brace = 0;
  if (!SplitReason(text_.substr(body, node.text_span.end - 1 - body), parts, bad_brace)) {
    const Span brace{file_, body + bad_brace, body + bad_brace + 1};
    const bool opens = TextAt(brace) == "{";
    Report({kBadReasonBrace,
            brace,
            opens ? "never closed" : "never opened",
            fmt::format("a single `{}` in a reason", TextAt(brace)),
            {},
            {{fmt::format("for the brace itself write `\\{}`", TextAt(brace)),
              {{{file_, brace.begin, brace.begin}, "\\"}}},
             {"a value stands between two: `{g.last_used}`", {}}}});
    return node;
  }
  for (const ReasonPart& part : parts) {
    ast::BecauseClause::Part made;
    made.span = {file_, body + part.begin, body + part.end};
    if (part.is_hole) {
      made.expr = Hole(made.span.begin, made.span.end);
      --made.span.begin;
      ++made.span.end;
    } else {
      made.text = DecodeText(TextAt(made.span)).value;
    }
    node.parts.push_back(std::move(made));
  }
  return node;
}

bool TreeBuilder::IsRefusedName(std::string_view word) const {
  return refused_names_ != nullptr &&
         std::find(refused_names_->begin(), refused_names_->end(), word) != refused_names_->end();
}

// An expression between braces: tokens of its own, a tree of its own.
ast::ExprPtr TreeBuilder::Hole(uint32_t begin, uint32_t end) {
  const Span span{file_, begin, end};
  std::vector<Token> all = Tokenize(text_, begin, end);
  const size_t bad_count = CheckTokens(file_, text_, all, budget_, sink_);
  budget_ -= bad_count;
  failed_ = failed_ || bad_count > 0;
  const Outline outline = MakeOutline(file_, text_, all, budget_, sink_, PieceKind::kExpression);
  const DeclarationRange piece =
      outline.declarations.empty() ? DeclarationRange() : outline.declarations.front();
  if (piece.range.empty() && outline.bad.empty()) {
    Report({kBadReasonBrace,
            {file_, begin - 1, end + 1},
            "nothing to print",
            "empty braces in a reason",
            {},
            {{"name a value: `{g.last_used}`", {}}, {"for braces themselves write `\\{\\}`", {}}}});
    return MakeExpr(span, ast::ErrorExpr{});
  }
  GrammarFailure failure;
  auto* entry = piece.too_deep
                    ? nullptr
                    : hole_runner_.Run(&P::expressionEntry, outline.tokens, piece.range, failure);
  if (entry == nullptr) {
    const Token& found = outline.tokens[std::min(failure.token, piece.range.last)];
    const size_t before = std::max(failure.token, piece.range.first + 1) - 1;
    const bool told =
        IsRefusedName(TextOf(text_, found)) || IsRefusedName(TextOf(text_, outline.tokens[before]));
    if (!piece.too_deep && !told && outline.bad.empty() && !piece.IsBroken(found.begin)) {
      const bool ended = failure.token >= piece.range.last;
      const Token& last = outline.tokens[piece.range.last - 1];
      const Span whole{file_, outline.tokens[piece.range.first].begin, last.end};
      Report({kUnexpected,
              ended ? whole : Span{file_, found.begin, found.end},
              ended ? "not finished" : "does not fit here",
              "this is not an expression",
              {},
              {{"between braces stands one expression: `{g.last_used}`", {}}}});
    }
    failed_ = true;
    return MakeExpr(span, ast::ErrorExpr{});
  }
  const auto* outer_tokens = std::exchange(tokens_, &outline.tokens);
  const TokenRange outer_range = std::exchange(range_, piece.range);
  ast::ExprPtr expr = Expression(entry->expression(), 0);
  tokens_ = outer_tokens;
  range_ = outer_range;
  return expr;
}

// ---- Words and numbers ----------------------------------------------------------------------

ast::ControlsClause TreeBuilder::Controls(P::ControlsClauseContext* context) {
  ast::ControlsClause node;
  for (auto* framework : context->framework()) {
    ast::ControlsClause::Framework made{NameOf(framework->name()), {}};
    for (auto* text : framework->TEXT())
      made.references.push_back({TextOfLiteral(text), SpanOf(text)});
    node.frameworks.push_back(std::move(made));
  }
  return node;
}

ast::SeverityClause TreeBuilder::Severity(P::SeverityClauseContext* context) {
  ast::SeverityClause node{std::nullopt, SpanOf(context->name())};
  const int word = OneOf(context->name(), "severity", {"low", "medium", "high", "critical"});
  if (word >= 0) node.severity = static_cast<ast::Severity>(word);
  return node;
}

ast::ModeClause TreeBuilder::Mode(P::ModeClauseContext* context) {
  ast::ModeClause node{std::nullopt, SpanOf(context->name())};
  const int word = OneOf(context->name(), "mode", {"observe", "enforce"});
  if (word >= 0) node.mode = static_cast<ast::Mode>(word);
  return node;
}

ast::LimitShareClause TreeBuilder::LimitShare(P::LimitShareClauseContext* context) {
  ast::LimitShareClause node;
  node.amount = AmountOf(context->amount());
  node.percent = context->PERCENT() != nullptr;
  node.entity = Qualified(context->qualifiedName());
  for (auto* part : context->perPart()) {
    const bool repeated = part->coalesce() ? node.group != nullptr : node.window.has_value();
    if (repeated) {
      Report(
          {kRepeatedPart,
           SpanOf(part),
           "a second one",
           fmt::format("this limit has two {}", part->coalesce() ? "groups" : "windows"),
           {},
           {{"one limit has at most one group and one window: `per g.account.system per day`", {}},
            {"for two limits write two `limit` clauses", {}}}});
    } else if (part->coalesce()) {
      node.group = Coalesce(part->coalesce(), 0);
    } else {
      node.window = part->HOUR()  ? ast::LimitWindow::kHour
                    : part->DAY() ? ast::LimitWindow::kDay
                                  : ast::LimitWindow::kRun;
    }
  }
  return node;
}

ast::OnFailureClause TreeBuilder::OnFailure(P::OnFailureClauseContext* context) {
  ast::OnFailureClause node;
  node.retry_for = LengthOf(context->length());
  for (auto* outcome : context->outcome()) {
    using Kind = ast::OnFailureClause::Outcome::Kind;
    ast::OnFailureClause::Outcome made;
    made.span = SpanOf(outcome);
    made.kind = outcome->ROLLBACK() ? Kind::kRollback
                : outcome->KEEP()   ? Kind::kKeep
                                    : Kind::kNotify;
    if (outcome->recipient()) made.recipient = Coalesce(outcome->recipient()->coalesce(), 0);
    node.outcomes.push_back(std::move(made));
  }
  return node;
}

// `a.b.c` as a chain of fields, as it would be read in an expression.
ast::ExprPtr TreeBuilder::PathOf(P::QualifiedNameContext* context) {
  const ast::QualifiedName name = Qualified(context);
  ast::ExprPtr result = MakeExpr(name.parts[0].span, ast::NameExpr{name.parts[0]});
  if (DeeperThanAllowed(static_cast<int>(std::min<size_t>(name.parts.size(), 1'000'000))))
    return TooDeep(name.span);
  for (size_t i = 1; i < name.parts.size(); ++i) {
    const Span span = Cover(name.span, name.parts[i].span);
    result = MakeExpr({file_, span.begin, name.parts[i].span.end},
                      ast::FieldExpr{std::move(result), name.parts[i], false});
  }
  return result;
}

ast::Length TreeBuilder::LengthOf(P::LengthContext* context) {
  if (context->DURATION()) return {Literal(context->DURATION())};
  if (context->civilUnit())
    return {Civil(context->NUMBER(), context->civilUnit(), SpanOf(context))};
  return {PathOf(context->qualifiedName())};
}

ast::Amount TreeBuilder::AmountOf(P::AmountContext* context) {
  if (context->NUMBER()) return {Literal(context->NUMBER())};
  return {PathOf(context->qualifiedName())};
}

}  // namespace rescind::syntax
