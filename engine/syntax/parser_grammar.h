// Runs the generated parser on a range of tokens: a tree, or the first place where none fits.
//
// Internal to the parser*.cc files, the only ones that see ANTLR. Its exceptions end here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/syntax/outline.h"
#include "engine/syntax/token.h"

#include "RescindParser.h"

namespace rescind::syntax {

// Where a range of tokens stops making sense.
struct GrammarFailure {
  size_t token = 0;  // index of the first token that fits nowhere; range.last for "too short"
  // What would have fitted, sorted: words and marks as written; `<name>`, `<text>`, `<number>`,
  // `<duration>`, `<moment>`, `<reason>`, `<regex>` for kinds, `<end>` for nothing more.
  std::vector<std::string> expected;
};

class GrammarRunner {
 public:
  GrammarRunner();
  ~GrammarRunner();

  // Runs one entry rule, `&RescindParser::clauseEntry`. The tree lives until the next Run. Null
  // and `failure` set when the range does not fit.
  template <typename Context>
  Context* Run(Context* (grammar::RescindParser::*entry)(), const std::vector<Token>& tokens,
               TokenRange range, GrammarFailure& failure) {
    // Fast first: without full context and without keeping book of what could have followed.
    // Only what does not fit is read again, slowly, to say why.
    for (const bool explain : {false, true}) {
      Load(tokens, range, explain);
      try {
        return (parser_.get()->*entry)();
      } catch (const antlr4::ParseCancellationException&) {
        if (explain) failure = TakeFailure(range);
      }
    }
    return nullptr;
  }

 private:
  class FirstFailure;

  void Load(const std::vector<Token>& tokens, TokenRange range, bool explain);
  GrammarFailure TakeFailure(TokenRange range) const;

  std::unique_ptr<antlr4::ListTokenSource> source_;
  std::unique_ptr<antlr4::CommonTokenStream> stream_;
  std::shared_ptr<FirstFailure> strategy_;
  std::unique_ptr<grammar::RescindParser> parser_;
};

}  // namespace rescind::syntax
