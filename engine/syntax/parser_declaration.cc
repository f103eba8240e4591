// Declarations, and statements of tests, of TreeBuilder. Also its access to tokens and names.

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/syntax/literal.h"
#include "engine/syntax/parser_tree.h"
#include "engine/syntax/syntax_codes.h"

namespace rescind::syntax {

// ---- Tokens and names -----------------------------------------------------------------------

void TreeBuilder::Report(Diagnostic diagnostic) {
  failed_ = true;
  if (budget_ == 0) return;
  --budget_;
  sink_.Report(std::move(diagnostic));
}

const Token& TreeBuilder::TokenOf(antlr4::Token* token) const {
  const size_t index = range_.first + token->getTokenIndex();
  RESCIND_ASSERT(index < tokens_->size(), "a tree of other tokens");
  return (*tokens_)[index];
}

Span TreeBuilder::SpanOf(antlr4::Token* token) const {
  const Token& ours = TokenOf(token);
  return {file_, ours.begin, ours.end};
}

Span TreeBuilder::SpanOf(antlr4::ParserRuleContext* context) const {
  return {file_, TokenOf(context->getStart()).begin, TokenOf(context->getStop()).end};
}

std::string_view TreeBuilder::TextAt(Span span) const {
  return text_.substr(span.begin, span.end - span.begin);
}

ast::Name TreeBuilder::NameOf(antlr4::ParserRuleContext* context) const {
  const Span span = SpanOf(context);
  return {std::string(TextAt(span)), span};
}

ast::QualifiedName TreeBuilder::Qualified(P::QualifiedNameContext* context) {
  ast::QualifiedName result;
  for (auto* part : context->name()) result.parts.push_back(NameOf(part));
  result.span = SpanOf(context);
  return result;
}

std::string TreeBuilder::TextOfLiteral(antlr4::tree::TerminalNode* node) const {
  const Span span = SpanOf(node);
  if (TokenOf(node->getSymbol()).kind != TokenKind::kText) return "";
  return DecodeText(text_.substr(span.begin + 1, span.end - span.begin - 2)).value;
}

int TreeBuilder::OneOf(antlr4::ParserRuleContext* context, std::string_view what,
                       const std::vector<std::string>& words) {
  const Span span = SpanOf(context);
  const auto found = std::find(words.begin(), words.end(), TextAt(span));
  if (found != words.end()) return static_cast<int>(found - words.begin());
  Diagnostic diagnostic{kUnknownWord, span, "", fmt::format("`{}` is no {}", TextAt(span), what),
                        {},           {}};
  if (const auto meant = DidYouMean(TextAt(span), words)) {
    diagnostic.help.push_back({fmt::format("did you mean `{}`?", *meant), {{span, *meant}}});
  }
  diagnostic.label = fmt::format("one of `{}`", fmt::join(words, "`, `"));
  Report(std::move(diagnostic));
  return -1;
}

// ---- Declarations ---------------------------------------------------------------------------

ast::Declaration TreeBuilder::Declaration(P::DeclarationContext* context) {
  ast::Declaration result;
  if (auto* block = context->blockDeclaration()) {
    result = Block(block);
  } else if (auto* param = context->paramDeclaration()) {
    result.node = ast::ParamDecl{NameOf(param->name()), Type(param->type()),
                                 Expression(param->expression(), 0)};
  } else if (auto* list = context->listDeclaration()) {
    result = List(list);
  } else if (auto* table = context->tableDeclaration()) {
    result.node = ast::TableDecl{NameOf(table->name()), Parameters(table->parameters()),
                                 TextOfLiteral(table->TEXT()), SpanOf(table->TEXT())};
  } else if (auto* define = context->defineDeclaration()) {
    result.node = ast::DefineDecl{NameOf(define->name()), Parameters(define->parameters()),
                                  Expression(define->expression(), 0)};
  }
  result.span = SpanOf(context);
  result.keyword_span = SpanOf(context->getStart());
  return result;
}

ast::Declaration TreeBuilder::Block(P::BlockDeclarationContext* context) {
  ast::Declaration result;
  if (auto* policy = context->policyHeader()) {
    result = PolicyHeader(policy);
    for (auto* clause : context->clause())
      std::get<ast::PolicyDecl>(result.node).clauses.push_back(Clause(clause));
  } else if (auto* protect = context->protectHeader()) {
    result = ProtectHeader(protect);
    for (auto* clause : context->clause())
      std::get<ast::ProtectDecl>(result.node).clauses.push_back(Clause(clause));
  } else if (auto* entity = context->entityHeader()) {
    result = EntityHeader(entity);
    for (auto* field : context->field())
      std::get<ast::EntityDecl>(result.node).fields.push_back(Field(field));
  } else if (auto* test = context->testHeader()) {
    result = TestHeader(test);
    for (auto* statement : context->statement())
      std::get<ast::TestDecl>(result.node).statements.push_back(Statement(statement));
  } else if (auto* fixture = context->fixtureHeader()) {
    result = FixtureHeader(fixture);
    for (auto* statement : context->statement())
      std::get<ast::FixtureDecl>(result.node).statements.push_back(Statement(statement));
  }
  return result;
}

ast::Declaration TreeBuilder::Header(P::BlockHeaderContext* context) {
  ast::Declaration result;
  if (auto* policy = context->policyHeader()) result = PolicyHeader(policy);
  if (auto* protect = context->protectHeader()) result = ProtectHeader(protect);
  if (auto* entity = context->entityHeader()) result = EntityHeader(entity);
  if (auto* test = context->testHeader()) result = TestHeader(test);
  if (auto* fixture = context->fixtureHeader()) result = FixtureHeader(fixture);
  result.keyword_span = SpanOf(context->getStart());
  return result;
}

ast::Declaration TreeBuilder::PolicyHeader(P::PolicyHeaderContext* context) {
  ast::PolicyDecl node;
  node.name = NameOf(context->name());
  node.title = TextOfLiteral(context->TEXT());
  node.title_span = SpanOf(context->TEXT());
  if (auto* old = context->qualifiedName()) node.renamed_from = Qualified(old);
  ast::Declaration result;
  result.node = std::move(node);
  return result;
}

ast::Declaration TreeBuilder::ProtectHeader(P::ProtectHeaderContext* context) {
  ast::Declaration result;
  result.node = ast::ProtectDecl{
      NameOf(context->name()), TextOfLiteral(context->TEXT()), SpanOf(context->TEXT()), {}};
  return result;
}

ast::Declaration TreeBuilder::EntityHeader(P::EntityHeaderContext* context) {
  ast::EntityDecl node;
  if (auto* name = context->name()) {
    node.name = {{NameOf(name)}, SpanOf(name)};
  } else {
    node.extends = true;
    node.name = Qualified(context->qualifiedName());
  }
  ast::Declaration result;
  result.node = std::move(node);
  return result;
}

ast::Declaration TreeBuilder::TestHeader(P::TestHeaderContext* context) {
  ast::TestDecl node;
  node.title = TextOfLiteral(context->TEXT());
  node.title_span = SpanOf(context->TEXT());
  for (auto* policy : context->qualifiedName()) node.policies.push_back(Qualified(policy));
  ast::Declaration result;
  result.node = std::move(node);
  return result;
}

ast::Declaration TreeBuilder::FixtureHeader(P::FixtureHeaderContext* context) {
  ast::Declaration result;
  result.node = ast::FixtureDecl{NameOf(context->name()), {}};
  return result;
}

ast::Declaration TreeBuilder::List(P::ListDeclarationContext* context) {
  ast::ListDecl node;
  node.name = NameOf(context->name());
  node.element = Type(context->type());
  if (auto* set = context->setLiteral()) {
    for (auto* item : set->expression()) node.items.push_back(Expression(item, 1));
    node.source_span = SpanOf(set);
  } else {
    node.file = TextOfLiteral(context->TEXT());
    node.source_span = SpanOf(context->TEXT());
  }
  ast::Declaration result;
  result.node = std::move(node);
  return result;
}

std::vector<ast::Parameter> TreeBuilder::Parameters(P::ParametersContext* context) {
  std::vector<ast::Parameter> result;
  for (auto* parameter : context->parameter())
    result.push_back({NameOf(parameter->name()), Type(parameter->type())});
  return result;
}

ast::TypeRef TreeBuilder::Type(P::TypeContext* context) {
  ast::TypeRef result;
  result.span = SpanOf(context);
  result.optional = context->QUESTION() != nullptr;
  if (context->ENUM()) {
    result.kind = ast::TypeRef::Kind::kEnum;
    result.ordered = context->ORDERED() != nullptr;
    for (auto* member : context->name()) result.members.push_back(NameOf(member));
  } else if (context->SET()) {
    result.kind = ast::TypeRef::Kind::kSet;
    result.element = std::make_unique<ast::TypeRef>(Type(context->type()));
  } else {
    result.kind = ast::TypeRef::Kind::kNamed;
    result.name = Qualified(context->qualifiedName());
  }
  return result;
}

ast::Field TreeBuilder::Field(P::FieldContext* context) {
  ast::Field result;
  result.span = SpanOf(context);
  result.name = NameOf(context->fieldName(0));
  if (context->MANY()) {
    result.many = {Qualified(context->qualifiedName()), NameOf(context->fieldName(1))};
    return result;
  }
  result.type = Type(context->type());
  if (auto* tracked = context->TRACKED()) {
    result.tracked = true;
    result.tracked_span = SpanOf(tracked);
  }
  if (auto* latest = context->LATEST()) {
    result.latest = true;
    result.latest_span = SpanOf(latest);
  }
  return result;
}

// ---- Statements -----------------------------------------------------------------------------

ast::Statement TreeBuilder::Statement(P::StatementContext* context) {
  ast::Statement result;
  result.span = SpanOf(context);
  if (auto* use = dynamic_cast<P::UseStatementContext*>(context)) {
    result.node = ast::UseStatement{Qualified(use->qualifiedName())};
  } else if (auto* given = dynamic_cast<P::GivenStatementContext*>(context)) {
    result.node = ast::GivenStatement{Row(given->row())};
  } else if (auto* start = dynamic_cast<P::StartStatementContext*>(context)) {
    result.node = ast::StartStatement{Sum(start->sum(), 0)};
  } else if (auto* end = dynamic_cast<P::EndStatementContext*>(context)) {
    result.node = ast::EndStatement{Sum(end->sum(), 0)};
  } else if (auto* at = dynamic_cast<P::AtStatementContext*>(context)) {
    result.node = At(at);
  } else if (auto* held = dynamic_cast<P::ExpectHeldContext*>(context)) {
    ast::ExpectHeld node;
    node.negated = held->NO() != nullptr;
    if (held->expectTime()) node.time = Time(held->expectTime());
    if (held->name()) node.reason = NameOf(held->name());
    result.node = std::move(node);
  } else if (auto* action = dynamic_cast<P::ExpectActionContext*>(context)) {
    ast::ExpectAction node;
    node.negated = action->NO() != nullptr;
    node.action = Action(action->action());
    if (action->expectTime()) node.time = Time(action->expectTime());
    result.node = std::move(node);
  }
  return result;
}

ast::ExpectTime TreeBuilder::Time(P::ExpectTimeContext* context) {
  ast::ExpectTime result;
  result.kind = context->AT()       ? ast::ExpectTime::Kind::kAt
                : context->BEFORE() ? ast::ExpectTime::Kind::kBefore
                : context->AFTER()  ? ast::ExpectTime::Kind::kAfter
                                    : ast::ExpectTime::Kind::kBetween;
  result.first = Sum(context->sum(0), 0);
  if (context->BETWEEN()) result.second = Sum(context->sum(1), 0);
  return result;
}

// The value of a field in a test: there, `unknown` is a value.
ast::ExprPtr TreeBuilder::Value(P::ExpressionContext* context) {
  ast::ExprPtr value = Expression(context, 0);
  const auto* name = value->As<ast::NameExpr>();
  if (name != nullptr && name->name.text == "unknown") value->node = ast::UnknownLiteral{};
  return value;
}

ast::RowLiteral TreeBuilder::Row(P::RowContext* context) {
  ast::RowLiteral row;
  row.span = SpanOf(context);
  row.entity = Qualified(context->qualifiedName());
  if (auto* text = context->TEXT()) {
    row.id = TextOfLiteral(text);
    row.id_span = SpanOf(text);
    if (context->name()) row.variable = NameOf(context->name());
  } else {
    row.variable = NameOf(context->name());
    row.id = row.variable->text;
    row.id_span = row.variable->span;
  }
  for (auto* field : context->fieldValue()) {
    row.fields.push_back({SpanOf(field), NameOf(field->fieldName()), Value(field->expression())});
  }
  return row;
}

ast::AtStatement TreeBuilder::At(P::AtStatementContext* context) {
  ast::AtStatement result;
  result.at = Sum(context->sum(), 0);
  auto* change = context->change();
  result.change_span = SpanOf(change);
  if (change->SET()) {
    result.change = ast::SetChange{Postfix(change->postfix(), 0), Value(change->expression())};
  } else if (change->REMOVE()) {
    result.change = ast::RemoveChange{NameOf(change->name())};
  } else if (change->ADD()) {
    result.change = ast::AddChange{Row(change->row())};
  } else if (change->STALE()) {
    result.change = ast::StaleChange{TextOfLiteral(change->TEXT()), SpanOf(change->TEXT())};
  } else {
    result.change =
        ast::ApproveChange{Qualified(change->qualifiedName()), change->APPROVE() != nullptr};
  }
  return result;
}

}  // namespace rescind::syntax
