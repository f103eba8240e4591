// Worked example. In
//
//   policy a "A" {            1
//     when any(x in y         2   `(` is open and a clause begins the next line:
//     then { revoke x }       3   E0113 at the `(`, and a `)` is put behind `y`
//   }
//   polcy b "B" { … }         5   a `}` ended policy a: a new piece, begun by no known word
//
// the pieces are lines 1 to 4 (broken from the `(` on) and line 5.

#include "engine/syntax/outline.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/syntax/keyword.h"
#include "engine/syntax/parser.h"
#include "engine/syntax/syntax_codes.h"

namespace rescind::syntax {
namespace {

bool IsOpener(std::string_view word) { return word == "{" || word == "("; }
bool IsCloser(std::string_view word) { return word == "}" || word == ")"; }
std::string_view CloserOf(std::string_view opener) { return opener == "{" ? "}" : ")"; }

// Looks at tokens by position, with their text.
class OutlineWords {
 public:
  OutlineWords(std::string_view text, const std::vector<Token>& tokens)
      : text_(text), tokens_(tokens) {}

  std::string_view At(size_t index) const {
    return index < tokens_.size() ? TextOf(text_, tokens_[index]) : std::string_view();
  }
  TokenKind Kind(size_t index) const {
    return index < tokens_.size() ? tokens_[index].kind : TokenKind::kEnd;
  }
  bool IsWord(size_t index) const { return Kind(index) == TokenKind::kWord; }
  bool IsText(size_t index) const {
    return Kind(index) == TokenKind::kText || Kind(index) == TokenKind::kOpenText;
  }
  // Whether an expression, a name or a block may end with this token.
  bool EndsOperand(size_t index) const {
    if (Kind(index) == TokenKind::kWord) return !Contains(InfixWords(), At(index));
    if (Kind(index) != TokenKind::kMark) return Kind(index) != TokenKind::kForeignOperator;
    return IsCloser(At(index)) || At(index) == "?";
  }
  // `policy NAME "title"`, `define NAME (`, …: so much of a declaration that it is nothing else.
  bool IsSignature(size_t index) const;

 private:
  std::string_view text_;
  const std::vector<Token>& tokens_;
};

bool OutlineWords::IsSignature(size_t index) const {
  const std::string_view word = At(index);
  if (word == "test") return IsText(index + 1);
  if (!IsWord(index + 1)) return false;
  const std::string_view behind = At(index + 2);
  if (word == "policy" || word == "protect") return IsText(index + 2) || behind == "{";
  if (word == "entity" || word == "extend" || word == "fixture") return behind == "{";
  if (word == "param") return behind == ":";
  if (word == "list") return behind == "of";
  return (word == "table" || word == "define") && behind == "(";
}

class OutlineMaker {
 public:
  OutlineMaker(FileId file, std::string_view text, const std::vector<Token>& visible,
               PieceKind kind, size_t& budget, DiagnosticSink& sink)
      : file_(file),
        text_(text),
        in_(visible),
        words_(text, in_),
        kind_(kind),
        budget_(budget),
        sink_(sink) {}

  Outline Run();

 private:
  void StartPieceBefore(size_t index);
  void EndPiece();
  void CheckNesting(size_t index);
  void CloseForNextLine(size_t index);
  void Open(size_t index);
  void Close(size_t index);
  void CloseUnclosed(size_t keep_count, const Token& noticed, std::string_view why);
  void AddCloser(const Token& opener);
  void Emit(const Token& token) { out_.tokens.push_back(token); }
  bool BeginsDeclaration(size_t index) const;
  bool PieceEndsWithBrace() const;
  bool IsSwallowed(uint32_t at) const;
  void Report(Diagnostic diagnostic);

  FileId file_;
  std::string_view text_;
  const std::vector<Token>& in_;
  OutlineWords words_;
  PieceKind kind_;
  size_t& budget_;
  DiagnosticSink& sink_;
  Outline out_;
  std::vector<Token> open_;
  DeclarationRange piece_;
  size_t piece_begin_in_ = 0;  // index in in_ of the piece's first token
  bool in_piece_ = false;
  size_t prefix_run_count_ = 0;
  std::vector<uint32_t> swallowing_;  // begins of unclosed texts, patterns, comments
  uint32_t last_close_ = std::numeric_limits<uint32_t>::max();
};

void OutlineMaker::Report(Diagnostic diagnostic) {
  if (budget_ == 0) return;
  --budget_;
  sink_.Report(std::move(diagnostic));
}

// Whether an unclosed text, pattern or comment before `at` may have swallowed a bracket.
bool OutlineMaker::IsSwallowed(uint32_t at) const {
  const uint32_t begin = in_[piece_begin_in_].begin;
  const auto first = std::lower_bound(swallowing_.begin(), swallowing_.end(), begin);
  return first != swallowing_.end() && *first <= at;
}

bool OutlineMaker::BeginsDeclaration(size_t index) const {
  if (kind_ == PieceKind::kExpression) return false;
  if (!words_.IsWord(index) || !Contains(DeclarationWords(), words_.At(index))) return false;
  if (in_piece_ && index == piece_begin_in_ + 1) return false;
  if (in_piece_ && !words_.EndsOperand(index - 1)) return false;
  const bool line_start = in_[index].first_on_line;
  if (!open_.empty()) {
    const std::string_view before = words_.At(index - 1);
    return line_start && words_.IsSignature(index) && before != "given" && before != "add";
  }
  if (!words_.IsWord(index + 1) && !words_.IsText(index + 1)) return !in_piece_;
  return !in_piece_ || line_start || words_.IsSignature(index);
}

bool OutlineMaker::PieceEndsWithBrace() const {
  if (kind_ == PieceKind::kExpression) return false;
  const std::string_view word = words_.At(piece_begin_in_);
  // The type of a list may be an enum, whose brace ends nothing.
  return word != "define" && word != "param" && word != "list";
}

void OutlineMaker::StartPieceBefore(size_t index) {
  EndPiece();
  piece_ = DeclarationRange();
  piece_.range.first = out_.tokens.size();
  piece_.known = kind_ == PieceKind::kExpression ||
                 (words_.IsWord(index) && Contains(DeclarationWords(), words_.At(index)));
  piece_.close_before = last_close_;
  last_close_ = std::numeric_limits<uint32_t>::max();
  piece_begin_in_ = index;
  in_piece_ = true;
}

void OutlineMaker::EndPiece() {
  if (!in_piece_) return;
  piece_.range.last = out_.tokens.size();
  out_.declarations.push_back(piece_);
  in_piece_ = false;
}

void OutlineMaker::AddCloser(const Token& opener) {
  Token closer = opener;
  // The generated lexer numbers `{ } ( )` in this order; the parser relies on it as well.
  closer.type = static_cast<uint16_t>(opener.type + 1);
  closer.begin = closer.end = out_.tokens.back().end;
  closer.first_on_line = false;
  Emit(closer);
}

// Closes what is open down to `keep_count`, and says so about the innermost.
void OutlineMaker::CloseUnclosed(size_t keep_count, const Token& noticed, std::string_view why) {
  const Token opener = open_.back();
  if (!IsSwallowed(noticed.begin) && !piece_.IsBroken(opener.begin) && piece_.known &&
      !piece_.too_deep) {
    const std::string_view mark = TextOf(text_, opener);
    Diagnostic diagnostic{kOpenBracket,
                          {file_, opener.begin, opener.end},
                          "opened here",
                          fmt::format("this `{}` is never closed", mark),
                          {},
                          {}};
    if (noticed.kind != TokenKind::kEnd) {
      diagnostic.notes.push_back({{file_, noticed.begin, noticed.end}, std::string(why)});
    }
    const uint32_t at = out_.tokens.back().end;
    diagnostic.help.push_back({fmt::format("close it with `{}`", CloserOf(mark)),
                               {{{file_, at, at}, std::string(CloserOf(mark))}}});
    Report(std::move(diagnostic));
  }
  piece_.broken.push_back({opener.begin, noticed.end + 1});
  while (open_.size() > keep_count) {
    AddCloser(open_.back());
    open_.pop_back();
  }
}

// An unclosed `(` ends at the latest where a clause begins on a line of its own.
void OutlineMaker::CloseForNextLine(size_t index) {
  const std::string_view word = words_.At(index);
  if (open_.empty() || TextOf(text_, open_.back()) != "(" || !in_[index].first_on_line ||
      !words_.IsWord(index) || word == "for" || !words_.EndsOperand(index - 1)) {
    return;
  }
  if (!Contains(ClauseWords(), word) && !Contains(StatementWords(), word)) return;
  size_t keep_count = open_.size();
  while (keep_count > 0 && TextOf(text_, open_[keep_count - 1]) == "(") --keep_count;
  CloseUnclosed(keep_count, in_[index], "the next clause begins here");
}

// Prefix operators and `set of` nest without a bracket.
void OutlineMaker::CheckNesting(size_t index) {
  const std::string_view word = words_.At(index);
  const bool prefix = word == "not" || word == "-" || word == "!" || word == "set" || word == "of";
  prefix_run_count_ = prefix ? prefix_run_count_ + 1 : 0;
  constexpr auto kDeepest = static_cast<size_t>(SyntaxLimits::kNesting);
  if (piece_.too_deep || (open_.size() <= kDeepest && prefix_run_count_ <= kDeepest)) return;
  piece_.too_deep = true;
  Report(
      {kTooDeep,
       {file_, in_[index].begin, in_[index].end},
       fmt::format("level {}", kDeepest + 1),
       "this nests too deeply",
       {},
       {{fmt::format("at most {} levels are allowed; name a part with `let` or `define`", kDeepest),
         {}}}});
}

void OutlineMaker::Open(size_t index) {
  open_.push_back(in_[index]);
  Emit(in_[index]);
}

void OutlineMaker::Close(size_t index) {
  const Token& token = in_[index];
  const std::string_view word = TextOf(text_, token);
  size_t match = open_.size();
  while (match > 0 && CloserOf(TextOf(text_, open_[match - 1])) != word) --match;
  if (match == 0) {
    // In a piece that is no declaration it is part of the same trouble.
    if (piece_.known && !IsSwallowed(token.begin) && !piece_.too_deep &&
        !piece_.IsBroken(token.begin)) {
      const Span span{file_, token.begin, token.end};
      Report({kStrayBracket,
              span,
              "",
              fmt::format("this `{}` closes nothing", word),
              {},
              {{"remove it, or open it before", {{span, ""}}}}});
    }
    const size_t line_end = std::min(text_.find('\n', token.begin), text_.size());
    piece_.broken.push_back({token.begin, static_cast<uint32_t>(line_end)});
    return;
  }
  if (match < open_.size()) {
    CloseUnclosed(match, token, fmt::format("this `{}` closes what was opened before it", word));
  }
  open_.pop_back();
  Emit(token);
  if (open_.empty() && word == "}" && PieceEndsWithBrace()) {
    EndPiece();
    last_close_ = token.begin;
  }
}

Outline OutlineMaker::Run() {
  for (const Token& token : in_) {
    if (token.bad) out_.bad.push_back(token.begin);
    if (token.kind == TokenKind::kOpenText || token.kind == TokenKind::kOpenRegex ||
        token.kind == TokenKind::kOpenComment) {
      swallowing_.push_back(token.begin);
    }
  }
  for (size_t index = 0; in_[index].kind != TokenKind::kEnd; ++index) {
    const Token& token = in_[index];
    if (token.kind == TokenKind::kStray || token.kind == TokenKind::kOpenComment) continue;
    const std::string_view word = words_.At(index);
    if (BeginsDeclaration(index)) {
      if (!open_.empty()) CloseUnclosed(0, token, "the next declaration begins here");
      StartPieceBefore(index);
    } else if (!in_piece_) {
      // A `}` too many right behind a declaration is its own mistake, not a piece.
      if (IsCloser(word) && kind_ == PieceKind::kDeclarations) {
        piece_.known = true;
        piece_begin_in_ = index;
        piece_.broken.clear();
        Close(index);
        continue;
      }
      StartPieceBefore(index);
    } else {
      CloseForNextLine(index);
    }
    if (token.kind == TokenKind::kMark && IsOpener(word)) {
      Open(index);
    } else if (token.kind == TokenKind::kMark && IsCloser(word)) {
      Close(index);
    } else {
      Emit(token);
    }
    if (in_piece_) CheckNesting(index);
  }
  if (!open_.empty()) CloseUnclosed(0, in_.back(), "");
  EndPiece();
  Emit(in_.back());
  return std::move(out_);
}

// A closer that the outline put in has no text.
bool ClosesBracket(const OutlineWords& words, const std::vector<Token>& tokens, size_t index) {
  return IsCloser(words.At(index)) || tokens[index].begin == tokens[index].end;
}

// `at T set g.x = …`, not the `at T` of an expectation.
bool BeginsChange(const OutlineWords& words, size_t index) {
  static const std::vector<std::string_view> kChanges = {"set",   "remove",  "add",
                                                         "stale", "approve", "refuse"};
  for (++index;; ++index) {
    const std::string_view word = words.At(index);
    if (Contains(kChanges, word)) return true;
    const TokenKind kind = words.Kind(index);
    const bool in_sum = kind == TokenKind::kMoment || kind == TokenKind::kDuration ||
                        kind == TokenKind::kNumber || word == "+" || word == "-";
    if (!in_sum) return false;
  }
}

// Whether a statement begins at `index`. On a line of its own, its word says so. Behind another
// statement the word may as well be a name, as in `expect end start`: something must have ended
// before it, and what follows must go on as the statement would.
bool BeginsStatement(const OutlineWords& words, const std::vector<Token>& tokens, size_t index) {
  if (tokens[index].first_on_line) return true;
  static const std::vector<std::string_view> kWantName = {
      "use",  "given",   "add",     "as",     "remove", "approve", "refuse",  "expect",
      "no",   "revoke",  "disable", "delete", "end",    "notify",  "suspend", "on",
      "held", "because", "before",  "after",  "at",     "start"};
  const std::string_view word = words.At(index);
  if (!words.EndsOperand(index - 1) || Contains(kWantName, words.At(index - 1))) return false;
  if (word == "at") return BeginsChange(words, index);
  if (word == "start" || word == "end") return words.Kind(index + 1) == TokenKind::kMoment;
  return words.IsWord(index + 1);
}

// Whether an item of a body begins at `index`, given that one is being read.
bool BeginsItem(const OutlineWords& words, const std::vector<Token>& tokens, size_t index,
                BodyKind kind) {
  const std::string_view word = words.At(index);
  if (kind == BodyKind::kFields) {
    return words.IsWord(index) && words.At(index + 1) == ":" && words.At(index - 1) != ":";
  }
  if (words.Kind(index) == TokenKind::kReason) return true;
  if (!words.IsWord(index)) return false;
  const auto& begins = kind == BodyKind::kClauses      ? ClauseWords()
                       : kind == BodyKind::kStatements ? StatementWords()
                                                       : ActionWords();
  if (!Contains(begins, word)) return false;
  if (kind == BodyKind::kStatements) return BeginsStatement(words, tokens, index);
  const std::string_view before = words.At(index - 1);
  // `retry for`, `else notify`, `then keep, notify`, `keep then`: parts of one clause.
  if (word == "for" && before == "retry") return false;
  if (word == "then" && words.At(index + 1) != "{" && words.At(index + 1) != "after" &&
      words.At(index + 1) != "once") {
    return tokens[index].first_on_line;
  }
  return tokens[index].first_on_line || words.EndsOperand(index - 1);
}

}  // namespace

Outline MakeOutline(FileId file, std::string_view text, const std::vector<Token>& all,
                    size_t& budget, DiagnosticSink& sink, PieceKind kind) {
  std::vector<Token> visible;
  for (const Token& token : all) {
    if (token.visible()) visible.push_back(token);
  }
  return OutlineMaker(file, text, visible, kind, budget, sink).Run();
}

std::vector<TokenRange> SplitBody(std::string_view text, const std::vector<Token>& tokens,
                                  TokenRange body, BodyKind kind) {
  const OutlineWords words(text, tokens);
  std::vector<TokenRange> pieces;
  int depth = 0;
  for (size_t index = body.first; index < body.last; ++index) {
    const bool begins = depth == 0 && BeginsItem(words, tokens, index, kind);
    if (pieces.empty() || begins) {
      if (!pieces.empty()) pieces.back().last = index;
      pieces.push_back({index, body.last});
    }
    if (tokens[index].kind != TokenKind::kMark) continue;
    if (IsOpener(words.At(index))) ++depth;
    if (ClosesBracket(words, tokens, index)) --depth;
  }
  return pieces;
}

size_t FindBody(std::string_view text, const std::vector<Token>& tokens, TokenRange range) {
  const OutlineWords words(text, tokens);
  int depth = 0;
  for (size_t index = range.first; index < range.last; ++index) {
    if (depth == 0 && words.At(index) == "{") return index;
    if (IsOpener(words.At(index))) ++depth;
    if (ClosesBracket(words, tokens, index)) --depth;
  }
  return range.last;
}

}  // namespace rescind::syntax
