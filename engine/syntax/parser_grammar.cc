#include "engine/syntax/parser_grammar.h"

#include <algorithm>

namespace rescind::syntax {

using antlr4::misc::IntervalSet;
using grammar::RescindParser;

// Stops at the first token that does not fit. While explaining it also collects, for the token
// under the cursor, everything that any optional part before it would have accepted.
class GrammarRunner::FirstFailure : public antlr4::DefaultErrorStrategy {
 public:
  bool explain = false;
  size_t token = 0;
  IntervalSet expected;

  void reset(antlr4::Parser* recognizer) override {
    antlr4::DefaultErrorStrategy::reset(recognizer);
    token = 0;
    expected = IntervalSet();
  }
  void reportError(antlr4::Parser*, const antlr4::RecognitionException&) override {}

  void recover(antlr4::Parser* recognizer, std::exception_ptr cause) override {
    size_t index = recognizer->getCurrentToken()->getTokenIndex();
    try {
      std::rethrow_exception(cause);
    } catch (const antlr4::RecognitionException& error) {
      if (error.getOffendingToken() != nullptr) index = error.getOffendingToken()->getTokenIndex();
    }
    Fail(recognizer, index);
  }
  antlr4::Token* recoverInline(antlr4::Parser* recognizer) override {
    Fail(recognizer, recognizer->getCurrentToken()->getTokenIndex());
  }

  void sync(antlr4::Parser* recognizer) override {
    if (!explain) return;
    const auto& atn = recognizer->getATN();
    const IntervalSet& next = atn.nextTokens(atn.states[recognizer->getState()]);
    const antlr4::Token* current = recognizer->getCurrentToken();
    Collect(current->getTokenIndex(), next);
    if (next.contains(current->getType()) || next.contains(antlr4::Token::EPSILON)) return;
    Fail(recognizer, current->getTokenIndex());
  }

 private:
  void Collect(size_t index, const IntervalSet& more) {
    if (index != token) expected = IntervalSet();
    token = index;
    expected.addAll(more);
  }
  [[noreturn]] void Fail(antlr4::Parser* recognizer, size_t index) {
    if (index == recognizer->getCurrentToken()->getTokenIndex()) {
      Collect(index, recognizer->getExpectedTokens());
    } else {
      Collect(index, IntervalSet());  // two tokens of look-ahead: nothing simple to say
    }
    throw antlr4::ParseCancellationException();
  }
};

GrammarRunner::GrammarRunner() : strategy_(std::make_shared<FirstFailure>()) {}
GrammarRunner::~GrammarRunner() = default;

void GrammarRunner::Load(const std::vector<Token>& tokens, TokenRange range, bool explain) {
  std::vector<std::unique_ptr<antlr4::Token>> list;
  list.reserve(range.last - range.first + 1);
  for (size_t index = range.first; index <= range.last; ++index) {
    const bool end = index == range.last;
    auto token = std::make_unique<antlr4::CommonToken>(
        end ? antlr4::Token::EOF : static_cast<size_t>(tokens[index].type));
    token->setStartIndex(tokens[index].begin);
    token->setStopIndex((end ? tokens[index].begin : tokens[index].end) - size_t{1});
    list.push_back(std::move(token));
  }
  auto source = std::make_unique<antlr4::ListTokenSource>(std::move(list));
  auto stream = std::make_unique<antlr4::CommonTokenStream>(source.get());
  strategy_->explain = explain;
  if (parser_ == nullptr) {
    parser_ = std::make_unique<RescindParser>(stream.get());
    parser_->removeErrorListeners();
    parser_->setErrorHandler(strategy_);
  } else {
    parser_->setTokenStream(stream.get());
  }
  parser_->getInterpreter<antlr4::atn::ParserATNSimulator>()->setPredictionMode(
      explain ? antlr4::atn::PredictionMode::LL : antlr4::atn::PredictionMode::SLL);
  stream_ = std::move(stream);
  source_ = std::move(source);
}

GrammarFailure GrammarRunner::TakeFailure(TokenRange range) const {
  GrammarFailure failure;
  failure.token = std::min(range.first + strategy_->token, range.last);
  const auto& vocabulary = parser_->getVocabulary();
  for (const ssize_t type : strategy_->expected.toList()) {
    if (type < 0) {
      if (static_cast<size_t>(type) == antlr4::Token::EOF) failure.expected.push_back("<end>");
      continue;
    }
    std::string literal = vocabulary.getLiteralName(static_cast<size_t>(type));
    if (literal.size() > 2) {
      failure.expected.push_back(literal.substr(1, literal.size() - 2));
      continue;
    }
    switch (type) {
      case RescindParser::NAME: failure.expected.push_back("<name>"); break;
      case RescindParser::TEXT: failure.expected.push_back("<text>"); break;
      case RescindParser::NUMBER: failure.expected.push_back("<number>"); break;
      case RescindParser::DURATION: failure.expected.push_back("<duration>"); break;
      case RescindParser::MOMENT: failure.expected.push_back("<moment>"); break;
      case RescindParser::BECAUSE_TEXT: failure.expected.push_back("<reason>"); break;
      case RescindParser::MATCHES_REGEX: failure.expected.push_back("<regex>"); break;
      default: break;
    }
  }
  std::sort(failure.expected.begin(), failure.expected.end());
  return failure;
}

}  // namespace rescind::syntax
