// Expressions of TreeBuilder. One function for each rule of the grammar, in its order.

#include <fmt/format.h>

#include <charconv>

#include "engine/base/instant.h"
#include "engine/syntax/literal.h"
#include "engine/syntax/parser_tree.h"
#include "engine/syntax/syntax_codes.h"

namespace rescind::syntax {

using ast::ExprPtr;
using ast::MakeExpr;

ExprPtr TreeBuilder::TooDeep(Span span) {
  Report({kTooDeep,
          span,
          "",
          "this expression nests too deeply",
          {},
          {{fmt::format("at most {} levels are allowed; name a part with `let` or `define`",
                        ast::kMaxNesting),
            {}}}});
  return MakeExpr(span, ast::ErrorExpr{});
}

ExprPtr TreeBuilder::TooDeep(Span span, int depth, int levels, std::string_view operators) {
  if (levels <= depth) return TooDeep(span);
  Report({kTooDeep,
          span,
          "",
          fmt::format("this chain has too many operators: {}", levels),
          {},
          {{fmt::format("each {} is a level, and at most {} levels are allowed; name a part with "
                        "`let` or `define`",
                        operators, ast::kMaxNesting),
            {}}}});
  return MakeExpr(span, ast::ErrorExpr{});
}

ExprPtr TreeBuilder::Expression(P::ExpressionContext* context, int depth) {
  const auto parts = context->conjunction();
  if (parts.size() == 1) return Conjunction(parts[0], depth);
  if (DeeperThanAllowed(depth)) return TooDeep(SpanOf(context));
  ast::LogicalExpr node{ast::LogicalOp::kOr, {}};
  for (auto* part : parts) node.operands.push_back(Conjunction(part, depth + 1));
  return MakeExpr(SpanOf(context), std::move(node));
}

ExprPtr TreeBuilder::Conjunction(P::ConjunctionContext* context, int depth) {
  const auto parts = context->negation();
  if (parts.size() == 1) return Negation(parts[0], depth);
  if (DeeperThanAllowed(depth)) return TooDeep(SpanOf(context));
  ast::LogicalExpr node{ast::LogicalOp::kAnd, {}};
  for (auto* part : parts) node.operands.push_back(Negation(part, depth + 1));
  return MakeExpr(SpanOf(context), std::move(node));
}

ExprPtr TreeBuilder::Negation(P::NegationContext* context, int depth) {
  if (context->NOT() == nullptr) return Relation(context->relation(), depth);
  if (DeeperThanAllowed(depth)) return TooDeep(SpanOf(context));
  return MakeExpr(SpanOf(context), ast::NotExpr{Negation(context->negation(), depth + 1)});
}

ExprPtr TreeBuilder::Relation(P::RelationContext* context, int depth) {
  const auto tails = context->relationTail();
  if (tails.empty()) return Coalesce(context->coalesce(), depth);
  if (DeeperThanAllowed(depth)) return TooDeep(SpanOf(context));
  if (tails.size() > 1) {
    ReportChain(context);
    return MakeExpr(SpanOf(context), ast::ErrorExpr{});
  }
  return RelationOf(Coalesce(context->coalesce(), depth + 1), tails[0], SpanOf(context), depth + 1);
}

void TreeBuilder::ReportChain(P::RelationContext* context) {
  const auto tails = context->relationTail();
  const Span second = SpanOf(tails[1]);
  Diagnostic diagnostic{kChainedRelation,
                        SpanOf(tails[1]->getStart()),
                        "a second relation",
                        "relations cannot be chained",
                        {},
                        {}};
  diagnostic.notes.push_back({SpanOf(tails[0]->getStart()), "the first one"});
  if (auto* middle = tails[0]->coalesce()) {
    const std::string inserted = fmt::format("and {} ", TextAt(SpanOf(middle)));
    diagnostic.help.push_back(
        {fmt::format("write `{} {}and {} {}`", TextAt(SpanOf(context->coalesce())),
                     fmt::format("{} ", TextAt(SpanOf(tails[0]))), TextAt(SpanOf(middle)),
                     TextAt(second)),
         {{{file_, second.begin, second.begin}, inserted}}});
  } else {
    diagnostic.help.push_back({"join two relations with `and` or `or`", {}});
  }
  Report(std::move(diagnostic));
}

ExprPtr TreeBuilder::CompareOf(ExprPtr left, P::RelationTailContext* tail, Span span, int depth) {
  const Span op_span = SpanOf(tail->getStart());
  ast::CompareOp op = ast::CompareOp::kEqual;
  if (tail->NOT_EQUAL()) op = ast::CompareOp::kNotEqual;
  if (tail->LESS()) op = ast::CompareOp::kLess;
  if (tail->LESS_EQUAL()) op = ast::CompareOp::kLessEqual;
  if (tail->GREATER()) op = ast::CompareOp::kGreater;
  if (tail->GREATER_EQUAL()) op = ast::CompareOp::kGreaterEqual;
  if (tail->ASSIGN()) {
    Report({kSingleEquals,
            op_span,
            "gives a value to a name",
            "`=` does not compare",
            {},
            {{"write `==`", {{op_span, "=="}}}}});
  }
  return MakeExpr(
      span, ast::CompareExpr{op, op_span, std::move(left), Coalesce(tail->coalesce(), depth)});
}

ExprPtr TreeBuilder::RelationOf(ExprPtr left, P::RelationTailContext* tail, Span span, int depth) {
  if (tail->IS()) return MakeExpr(span, ast::KnownExpr{std::move(left), tail->KNOWN() != nullptr});
  if (tail->PASSED()) return MakeExpr(span, ast::PassedExpr{std::move(left)});
  if (auto* regex = tail->MATCHES_REGEX()) {
    const Span token = SpanOf(regex);
    if (TokenOf(regex->getSymbol()).bad) return MakeExpr(span, ast::ErrorExpr{});
    if (TokenOf(regex->getSymbol()).kind == TokenKind::kOpenRegex)
      return MakeExpr(span, ast::ErrorExpr{});
    const RegexPlace place = FindRegex(TextAt(token));
    const Span pattern{file_, token.begin + place.begin, token.begin + place.end};
    return MakeExpr(span, ast::MatchesExpr{std::move(left), DecodeRegex(TextAt(pattern)), pattern});
  }
  const Span op_span = SpanOf(tail->getStart());
  if (tail->IN())
    return MakeExpr(span, ast::InExpr{std::move(left), Coalesce(tail->coalesce(), depth)});
  if (tail->HAS())
    return MakeExpr(span, ast::HasExpr{std::move(left), Coalesce(tail->coalesce(), depth)});
  if (tail->OLDER() || tail->NEWER()) {
    const auto op = tail->OLDER() ? ast::AgeOp::kOlder : ast::AgeOp::kNewer;
    return MakeExpr(span, ast::AgeExpr{op, std::move(left), Coalesce(tail->coalesce(), depth)});
  }
  if (tail->WITHIN())
    return MakeExpr(span, ast::WithinNextExpr{std::move(left), Coalesce(tail->coalesce(), depth)});
  if (tail->STARTS() || tail->ENDS() || tail->CONTAINS()) {
    const auto op = tail->STARTS() ? ast::TextOp::kStartsWith
                    : tail->ENDS() ? ast::TextOp::kEndsWith
                                   : ast::TextOp::kContains;
    const Span words = tail->WITH() ? Cover(op_span, SpanOf(tail->WITH())) : op_span;
    return MakeExpr(
        span, ast::TextRelationExpr{op, words, std::move(left), Coalesce(tail->coalesce(), depth)});
  }
  return CompareOf(std::move(left), tail, span, depth);
}

ExprPtr TreeBuilder::Coalesce(P::CoalesceContext* context, int depth) {
  const auto parts = context->sum();
  const int levels = static_cast<int>(std::min<size_t>(parts.size() - 1, 1'000'000));
  if (levels > 0 && DeeperThanAllowed(depth + levels)) {
    return TooDeep(SpanOf(context), depth, levels, "`??`");
  }
  ExprPtr result = Sum(parts.back(), depth + levels);
  const uint32_t end = SpanOf(parts.back()).end;
  for (size_t i = parts.size() - 1; i-- > 0;) {
    ExprPtr left = Sum(parts[i], depth + static_cast<int>(i) + 1);
    result = MakeExpr({file_, SpanOf(parts[i]).begin, end},
                      ast::CoalesceExpr{std::move(left), std::move(result)});
  }
  return result;
}

ExprPtr TreeBuilder::Sum(P::SumContext* context, int depth) {
  const auto parts = context->product();
  const int levels = static_cast<int>(std::min<size_t>(parts.size() - 1, 1'000'000));
  if (levels > 0 && DeeperThanAllowed(depth + levels)) {
    return TooDeep(SpanOf(context), depth, levels, "`+` or `-`");
  }
  ExprPtr result = Product(parts[0], depth + levels);
  for (size_t i = 1; i < parts.size(); ++i) {
    const Span op_span =
        SpanOf(dynamic_cast<antlr4::tree::TerminalNode*>(context->children[2 * i - 1]));
    const auto op = TextAt(op_span) == "+" ? ast::ArithmeticOp::kAdd : ast::ArithmeticOp::kSubtract;
    ExprPtr right = Product(parts[i], depth + levels);
    const Span span{file_, SpanOf(context).begin, SpanOf(parts[i]).end};
    result = MakeExpr(span, ast::ArithmeticExpr{op, op_span, std::move(result), std::move(right)});
  }
  return result;
}

ExprPtr TreeBuilder::Product(P::ProductContext* context, int depth) {
  const auto parts = context->unary();
  const int levels = static_cast<int>(std::min<size_t>(parts.size() - 1, 1'000'000));
  if (levels > 0 && DeeperThanAllowed(depth + levels)) {
    return TooDeep(SpanOf(context), depth, levels, "`*`");
  }
  ExprPtr result = Unary(parts[0], depth + levels);
  for (size_t i = 1; i < parts.size(); ++i) {
    const Span op_span =
        SpanOf(dynamic_cast<antlr4::tree::TerminalNode*>(context->children[2 * i - 1]));
    ExprPtr right = Unary(parts[i], depth + levels);
    const Span span{file_, SpanOf(context).begin, SpanOf(parts[i]).end};
    result = MakeExpr(span, ast::ArithmeticExpr{ast::ArithmeticOp::kMultiply, op_span,
                                                std::move(result), std::move(right)});
  }
  return result;
}

ExprPtr TreeBuilder::Unary(P::UnaryContext* context, int depth) {
  if (context->MINUS() == nullptr) return Postfix(context->postfix(), depth);
  if (DeeperThanAllowed(depth)) return TooDeep(SpanOf(context));
  return MakeExpr(SpanOf(context), ast::NegateExpr{Unary(context->unary(), depth + 1)});
}

ExprPtr TreeBuilder::Postfix(P::PostfixContext* context, int depth) {
  const size_t tail_count = context->children.size() - 1;
  // A tail of `.name` is two children, a call is one: at most this many levels.
  const int levels = static_cast<int>(
      std::min<size_t>(context->fieldName().size() + context->arguments().size(), 1'000'000));
  if (levels > 0 && DeeperThanAllowed(depth + levels)) return TooDeep(SpanOf(context));
  ExprPtr result = Primary(context->primary(), depth + levels);
  const uint32_t begin = SpanOf(context).begin;
  for (size_t i = 1; i <= tail_count; ++i) {
    if (auto* arguments = dynamic_cast<P::ArgumentsContext*>(context->children[i])) {
      const Span span{file_, begin, SpanOf(arguments).end};
      result = CallOf(std::move(result), arguments, span, depth + levels);
      continue;
    }
    auto* mark = dynamic_cast<antlr4::tree::TerminalNode*>(context->children[i]);
    auto* name = dynamic_cast<P::FieldNameContext*>(context->children[++i]);
    const bool optional = mark->getSymbol()->getType() == P::QUESTION_DOT;
    result = MakeExpr({file_, begin, SpanOf(name).end},
                      ast::FieldExpr{std::move(result), NameOf(name), optional});
  }
  return result;
}

namespace {

// `a.b.c` as a qualified name; false when the expression is anything else.
bool ReadQualified(const ast::Expr& expr, ast::QualifiedName& out) {
  if (const auto* name = expr.As<ast::NameExpr>()) {
    out.parts.push_back(name->name);
    return true;
  }
  const auto* field = expr.As<ast::FieldExpr>();
  if (field == nullptr || field->optional || !ReadQualified(*field->base, out)) return false;
  out.parts.push_back(field->field);
  return true;
}

}  // namespace

ExprPtr TreeBuilder::CallOf(ExprPtr callee, P::ArgumentsContext* context, Span span, int depth) {
  ast::CallExpr call;
  call.callee.span = callee->span;
  for (auto* argument : context->expression())
    call.arguments.push_back(Expression(argument, depth));
  if (callee->is_error()) return callee;
  if (!ReadQualified(*callee, call.callee)) {
    Report({kBadCall,
            callee->span,
            "not the name of a function",
            "only a function can be called",
            {},
            {{"functions are `define`s and built-in ones such as `changed_at(…)`", {}}}});
    return MakeExpr(span, ast::ErrorExpr{});
  }
  return MakeExpr(span, std::move(call));
}

ExprPtr TreeBuilder::Primary(P::PrimaryContext* context, int depth) {
  if (DeeperThanAllowed(depth)) return TooDeep(SpanOf(context));
  const Span span = SpanOf(context);
  if (context->LATEST() || context->EARLIEST() || context->SUM()) return Aggregate(context, depth);
  if (context->ANY() || context->ALL() || context->NO() || context->COUNT())
    return Quantifier(context, depth);
  if (auto* member = context->member()) return Member(member, depth);
  if (auto* set = context->setLiteral()) return Set(set, depth);
  if (auto* name = context->name()) return MakeExpr(span, ast::NameExpr{NameOf(name)});
  if (auto* unit = context->civilUnit()) return Civil(context->NUMBER(), unit, span);
  if (context->TRUE() || context->FALSE())
    return MakeExpr(span, ast::BoolLiteral{context->TRUE() != nullptr});
  if (context->NOW()) return MakeExpr(span, ast::NowExpr{});
  if (context->TODAY()) return MakeExpr(span, ast::TodayExpr{});
  return Literal(dynamic_cast<antlr4::tree::TerminalNode*>(context->children[0]));
}

ExprPtr TreeBuilder::Literal(antlr4::tree::TerminalNode* node) {
  const Token& token = TokenOf(node->getSymbol());
  const Span span = SpanOf(node);
  const std::string_view word = TextAt(span);
  if (token.bad) return MakeExpr(span, ast::ErrorExpr{});
  switch (token.kind) {
    case TokenKind::kText: return MakeExpr(span, ast::TextLiteral{TextOfLiteral(node)});
    case TokenKind::kNumber: {
      int64_t value = 0;
      std::from_chars(word.data(), word.data() + word.size(), value);
      return MakeExpr(span, ast::IntLiteral{value});
    }
    case TokenKind::kDuration:
      if (const auto duration = ParseDuration(word))
        return MakeExpr(span, ast::DurationLiteral{*duration});
      break;
    case TokenKind::kMoment: return MakeExpr(span, ReadMoment(word).node);
    default: break;
  }
  return MakeExpr(span, ast::ErrorExpr{});
}

ExprPtr TreeBuilder::Civil(antlr4::tree::TerminalNode* number, P::CivilUnitContext* unit,
                           Span span) {
  const ExprPtr count = Literal(number);
  const auto* literal = count->As<ast::IntLiteral>();
  if (literal == nullptr) return MakeExpr(span, ast::ErrorExpr{});
  constexpr int64_t kMaxCount = 1'000'000;
  if (literal->value > kMaxCount) {
    Report({kNumberTooLarge,
            span,
            "too long",
            "this duration does not fit",
            {},
            {{fmt::format("a civil duration has at most {} units", kMaxCount), {}}}});
    return MakeExpr(span, ast::ErrorExpr{});
  }
  ast::CivilUnit kind = ast::CivilUnit::kDays;
  if (unit->WEEK() || unit->WEEKS()) kind = ast::CivilUnit::kWeeks;
  if (unit->MONTH() || unit->MONTHS()) kind = ast::CivilUnit::kMonths;
  if (unit->YEAR() || unit->YEARS()) kind = ast::CivilUnit::kYears;
  if (unit->BUSINESS()) kind = ast::CivilUnit::kBusinessDays;
  return MakeExpr(span, ast::CivilDurationLiteral{literal->value, kind});
}

bool TreeBuilder::SplitMembership(P::ExpressionContext* context, P::NameContext*& name,
                                  P::CoalesceContext*& collection) const {
  if (context->conjunction().size() != 1) return false;
  const auto negations = context->conjunction(0)->negation();
  if (negations.size() != 1 || negations[0]->NOT() != nullptr) return false;
  auto* relation = negations[0]->relation();
  const auto tails = relation->relationTail();
  if (tails.size() != 1 || tails[0]->IN() == nullptr) return false;
  auto* left = relation->coalesce();
  if (left->sum().size() != 1 || left->sum(0)->product().size() != 1) return false;
  const auto units = left->sum(0)->product(0)->unary();
  if (units.size() != 1 || units[0]->MINUS() != nullptr) return false;
  auto* postfix = units[0]->postfix();
  if (postfix->children.size() != 1 || postfix->primary()->name() == nullptr) return false;
  name = postfix->primary()->name();
  collection = tails[0]->coalesce();
  return true;
}

ExprPtr TreeBuilder::Member(P::MemberContext* context, int depth) {
  const Span span = SpanOf(context);
  if (context->WHERE() == nullptr) return Expression(context->expression(0), depth);
  P::NameContext* name = nullptr;
  P::CoalesceContext* collection = nullptr;
  if (!SplitMembership(context->expression(0), name, collection)) {
    const Span found = SpanOf(context->expression(0));
    Report({kBadCollection,
            found,
            "not of the form `x in collection`",
            "`where` needs a collection before it",
            {},
            {{fmt::format("name its members: `(x in {} where …)`", TextAt(found)),
              {{{file_, found.begin, found.begin}, "x in "}}}}});
    return MakeExpr(span, ast::ErrorExpr{});
  }
  ast::FilterExpr node{{NameOf(name), Coalesce(collection, depth + 1),
                        Expression(context->expression(1), depth + 1)}};
  return MakeExpr(span, std::move(node));
}

ExprPtr TreeBuilder::Quantifier(P::PrimaryContext* context, int depth) {
  const Span span = SpanOf(context);
  const std::string_view word = TextAt(SpanOf(context->getStart()));
  auto* member = context->member();
  P::NameContext* name = nullptr;
  P::CoalesceContext* collection = nullptr;
  if (!SplitMembership(member->expression(0), name, collection)) {
    const Span found = SpanOf(member->expression(0));
    Report({kBadCollection,
            found,
            "not of the form `x in collection`",
            fmt::format("`{}` needs a name for the members", word),
            {},
            {{fmt::format("write `{}(x in {})`", word, TextAt(found)),
              {{{file_, found.begin, found.begin}, "x in "}}}}});
    return MakeExpr(span, ast::ErrorExpr{});
  }
  if (context->ALL() && member->WHERE() == nullptr) {
    Report({kBadCollection,
            span,
            "says nothing about the members",
            "`all` needs a condition",
            {},
            {{fmt::format("write `all({} where …)`", TextAt(SpanOf(member->expression(0)))), {}}}});
    return MakeExpr(span, ast::ErrorExpr{});
  }
  ast::QuantifierExpr node;
  if (context->ALL()) node.op = ast::QuantifierOp::kAll;
  if (context->NO()) node.op = ast::QuantifierOp::kNo;
  if (context->COUNT()) node.op = ast::QuantifierOp::kCount;
  node.binding.variable = NameOf(name);
  node.binding.collection = Coalesce(collection, depth + 1);
  if (member->WHERE()) node.binding.condition = Expression(member->expression(1), depth + 1);
  return MakeExpr(span, std::move(node));
}

ExprPtr TreeBuilder::Aggregate(P::PrimaryContext* context, int depth) {
  ast::AggregateExpr node;
  if (context->EARLIEST()) node.op = ast::AggregateOp::kEarliest;
  if (context->SUM()) node.op = ast::AggregateOp::kSum;
  node.value = Expression(context->expression(0), depth + 1);
  node.binding.variable = NameOf(context->name());
  node.binding.collection = Coalesce(context->coalesce(), depth + 1);
  if (context->WHERE()) node.binding.condition = Expression(context->expression(1), depth + 1);
  return MakeExpr(SpanOf(context), std::move(node));
}

ExprPtr TreeBuilder::Set(P::SetLiteralContext* context, int depth) {
  ast::SetLiteral node;
  for (auto* item : context->expression()) node.items.push_back(Expression(item, depth + 1));
  return MakeExpr(SpanOf(context), std::move(node));
}

}  // namespace rescind::syntax
