// From the generated parser's tree to ours: reads contexts, makes ast nodes, reports what the
// grammar is too wide to refuse (E0115, E0119, E0120, E0123 … E0126).
//
// Internal to the parser*.cc files, the only ones that see ANTLR.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/syntax/ast.h"
#include "engine/syntax/parser_grammar.h"

namespace rescind::syntax {

class TreeBuilder {
 public:
  using P = grammar::RescindParser;

  // `budget` is the number of errors that may still be reported; it is counted down.
  TreeBuilder(FileId file, std::string_view text, size_t& budget, DiagnosticSink& sink)
      : file_(file), text_(text), budget_(budget), sink_(sink) {}

  // The tokens that the contexts given from here on were made from.
  void Use(const std::vector<Token>& tokens, TokenRange range) {
    tokens_ = &tokens;
    range_ = range;
  }
  // Reserved words that were refused as names: what is wrong where they are used is not told again.
  // Outlives this.
  void KeepQuietAbout(const std::vector<std::string_view>& refused_names) {
    refused_names_ = &refused_names;
  }
  // Whether the trees built since the last call held a mistake.
  bool TakeFailed() { return std::exchange(failed_, false); }

  ast::Declaration Declaration(P::DeclarationContext* context);
  ast::Declaration Header(P::BlockHeaderContext* context);
  ast::Clause Clause(P::ClauseContext* context);
  ast::ThenClause ThenHead(P::ThenHeadContext* context);
  ast::Action Action(P::ActionContext* context);
  ast::Field Field(P::FieldContext* context);
  ast::Statement Statement(P::StatementContext* context);
  ast::QualifiedName Qualified(P::QualifiedNameContext* context);
  ast::ExprPtr Expression(P::ExpressionContext* context, int depth);

  void Report(Diagnostic diagnostic);

 private:
  // Tokens and names.
  const Token& TokenOf(antlr4::Token* token) const;
  Span SpanOf(antlr4::Token* token) const;
  Span SpanOf(antlr4::tree::TerminalNode* node) const { return SpanOf(node->getSymbol()); }
  Span SpanOf(antlr4::ParserRuleContext* context) const;
  std::string_view TextAt(Span span) const;
  ast::Name NameOf(antlr4::ParserRuleContext* context) const;
  std::string TextOfLiteral(antlr4::tree::TerminalNode* node) const;
  // The index of the word in `words`, or -1 after a report.
  int OneOf(antlr4::ParserRuleContext* context, std::string_view what,
            const std::vector<std::string>& words);

  // Declarations.
  ast::Declaration PolicyHeader(P::PolicyHeaderContext* context);
  ast::Declaration ProtectHeader(P::ProtectHeaderContext* context);
  ast::Declaration EntityHeader(P::EntityHeaderContext* context);
  ast::Declaration TestHeader(P::TestHeaderContext* context);
  ast::Declaration FixtureHeader(P::FixtureHeaderContext* context);
  ast::Declaration Block(P::BlockDeclarationContext* context);
  ast::Declaration List(P::ListDeclarationContext* context);
  std::vector<ast::Parameter> Parameters(P::ParametersContext* context);
  ast::TypeRef Type(P::TypeContext* context);

  // Clauses.
  ast::Clause::Node ClauseNode(P::ClauseContext* context);
  ast::BecauseClause Because(P::BecauseClauseContext* context);
  ast::ExprPtr Hole(uint32_t begin, uint32_t end);
  bool IsRefusedName(std::string_view word) const;
  ast::ControlsClause Controls(P::ControlsClauseContext* context);
  ast::SeverityClause Severity(P::SeverityClauseContext* context);
  ast::ModeClause Mode(P::ModeClauseContext* context);
  ast::LimitShareClause LimitShare(P::LimitShareClauseContext* context);
  ast::OnFailureClause OnFailure(P::OnFailureClauseContext* context);
  ast::Approval ApprovalOf(P::ApprovalContext* context);
  ast::Length LengthOf(P::LengthContext* context);
  ast::Amount AmountOf(P::AmountContext* context);
  ast::ExprPtr PathOf(P::QualifiedNameContext* context);

  // Statements.
  ast::RowLiteral Row(P::RowContext* context);
  ast::AtStatement At(P::AtStatementContext* context);
  ast::ExpectTime Time(P::ExpectTimeContext* context);
  ast::ExprPtr Value(P::ExpressionContext* context);

  // Expressions. `depth` counts the levels above.
  ast::ExprPtr Conjunction(P::ConjunctionContext* context, int depth);
  ast::ExprPtr Negation(P::NegationContext* context, int depth);
  ast::ExprPtr Relation(P::RelationContext* context, int depth);
  ast::ExprPtr RelationOf(ast::ExprPtr left, P::RelationTailContext* tail, Span span, int depth);
  ast::ExprPtr CompareOf(ast::ExprPtr left, P::RelationTailContext* tail, Span span, int depth);
  void ReportChain(P::RelationContext* context);
  ast::ExprPtr Coalesce(P::CoalesceContext* context, int depth);
  ast::ExprPtr Sum(P::SumContext* context, int depth);
  ast::ExprPtr Product(P::ProductContext* context, int depth);
  ast::ExprPtr Unary(P::UnaryContext* context, int depth);
  ast::ExprPtr Postfix(P::PostfixContext* context, int depth);
  ast::ExprPtr CallOf(ast::ExprPtr callee, P::ArgumentsContext* context, Span span, int depth);
  ast::ExprPtr Primary(P::PrimaryContext* context, int depth);
  ast::ExprPtr Literal(antlr4::tree::TerminalNode* node);
  ast::ExprPtr Civil(antlr4::tree::TerminalNode* number, P::CivilUnitContext* unit, Span span);
  ast::ExprPtr Member(P::MemberContext* context, int depth);
  ast::ExprPtr Quantifier(P::PrimaryContext* context, int depth);
  ast::ExprPtr Aggregate(P::PrimaryContext* context, int depth);
  ast::ExprPtr Set(P::SetLiteralContext* context, int depth);
  // True when the context is `name in collection` and nothing more.
  bool SplitMembership(P::ExpressionContext* context, P::NameContext*& name,
                       P::CoalesceContext*& collection) const;
  ast::ExprPtr TooDeep(Span span);
  // What is joined from the left nests as deep as it has operators. `operators`: "`+` or `-`".
  ast::ExprPtr TooDeep(Span span, int depth, int levels, std::string_view operators);
  bool DeeperThanAllowed(int depth) const { return depth > ast::kMaxNesting; }

  FileId file_;
  std::string_view text_;
  size_t& budget_;
  DiagnosticSink& sink_;
  const std::vector<std::string_view>* refused_names_ = nullptr;  // null: none
  const std::vector<Token>* tokens_ = nullptr;
  TokenRange range_;
  bool failed_ = false;
  GrammarRunner hole_runner_;  // trees in `because` texts live beside the clause's own
};

}  // namespace rescind::syntax
