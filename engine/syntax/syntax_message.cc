#include "engine/syntax/syntax_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "engine/syntax/keyword.h"
#include "engine/syntax/syntax_codes.h"

namespace rescind::syntax {
namespace {

using WordSet = std::set<std::string, std::less<>>;

bool IsWordText(std::string_view text) {
  return !text.empty() && (text[0] == '_' || (text[0] >= 'a' && text[0] <= 'z') ||
                           (text[0] >= 'A' && text[0] <= 'Z'));
}

void Erase(WordSet& set, std::initializer_list<std::string_view> words) {
  for (const auto word : words) {
    if (const auto found = set.find(word); found != set.end()) set.erase(found);
  }
}

// Takes out what one plain word can stand for; returns those words.
std::vector<std::string> TakeGroups(WordSet& set) {
  std::vector<std::string> groups;
  const auto has = [&set](std::string_view word) { return set.find(word) != set.end(); };
  const bool expression = has("(") && has("<text>") && has("now");
  const bool any_name = has("<name>");
  const bool any_field = any_name && has("passed") && has("is");
  if (has("+")) Erase(set, {"??", "+", "-", "*", ".", "?.", "("});
  if (has("==")) {
    Erase(set, {"or", "and", "==", "!=", "<", "<=", ">", ">=", "=", "in", "has", "starts", "ends",
                "contains", "<regex>", "older", "newer", "within", "is"});
  }
  if (expression) {
    groups.push_back("an expression");
    Erase(set, {"(", "{", "-", "not", "<text>", "<number>", "<duration>", "<moment>", "true",
                "false", "now", "today", "any", "all", "no", "count", "latest", "earliest", "sum"});
  }
  if (any_name) {
    std::erase_if(set, [any_field](const std::string& word) {
      return IsWordText(word) &&
             !Contains(any_field ? ReservedFieldWords() : ReservedWords(), word);
    });
    Erase(set, {"<name>"});
    if (!expression) groups.push_back("a name");
  }
  if (has("when") && has("for")) {
    for (const auto word : ClauseWords()) Erase(set, {word});
    Erase(set, {"<reason>"});
    groups.push_back("a clause");
  }
  if (has("given") && has("expect")) {
    for (const auto word : StatementWords()) Erase(set, {word});
    groups.push_back("a statement");
  }
  if (has("revoke") && has("disable")) {
    for (const auto word : ActionWords()) Erase(set, {word});
    groups.push_back("an action");
  }
  if (has("policy") && has("entity")) {
    for (const auto word : DeclarationWords()) Erase(set, {word});
    groups.push_back("a declaration");
  }
  if (has("days") && has("business")) {
    Erase(set, {"day", "days", "week", "weeks", "month", "months", "year", "years", "business"});
  }
  return groups;
}

// What could also have gone on is not worth saying beside what had to come.
void DropContinuations(WordSet& set) {
  set.erase("<end>");
  WordSet rest = set;
  Erase(rest, {".", "?", "tracked", "latest"});
  if (!rest.empty()) set = std::move(rest);
}

std::string Plain(const std::string& word) {
  static const std::vector<std::pair<std::string_view, std::string_view>> kinds = {
      {"<name>", "a name"},           {"<text>", "text in quotes"},
      {"<number>", "a number"},       {"<duration>", "a duration like `30d`"},
      {"<moment>", "a date or time"}, {"<reason>", "text in quotes"},
      {"<regex>", "`matches /…/`"}};
  for (const auto& [kind, plain] : kinds) {
    if (word == kind) return std::string(plain);
  }
  return fmt::format("`{}`", word);
}

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::string RoleNoun(PieceRole role) {
  switch (role) {
    case PieceRole::kDeclaration:
    case PieceRole::kHeader: return "declaration";
    case PieceRole::kClause: return "clause";
    case PieceRole::kField: return "field";
    case PieceRole::kStatement: return "statement";
    case PieceRole::kAction: return "action";
  }
  return "piece";
}

// What people write who come from other languages.
std::optional<std::string> Synonym(std::string_view word) {
  static const std::vector<std::pair<std::string_view, std::string_view>> synonyms = {
      {"if", "when"},         {"where", "when"},  {"except", "unless"}, {"do", "then"},
      {"action", "then"},     {"rule", "policy"}, {"const", "param"},   {"var", "let"},
      {"function", "define"}, {"def", "define"},  {"fn", "define"},     {"import", "module"},
      {"reason", "because"},  {"kill", "end"},    {"remove", "revoke"}, {"lock", "disable"},
      {"assert", "expect"},   {"foreach", "for"}, {"type", "entity"}};
  for (const auto& [from, to] : synonyms) {
    if (word == from) return std::string(to);
  }
  return std::nullopt;
}

std::vector<std::string> Strings(const std::vector<std::string_view>& words) {
  return {words.begin(), words.end()};
}

class Explainer {
 public:
  explicit Explainer(const Misfit& misfit)
      : misfit_(misfit),
        tokens_(*misfit.tokens),
        ended_(misfit.token >= misfit.piece.last),
        found_(tokens_[std::min(misfit.token, tokens_.size() - 1)]) {}

  Diagnostic Run();

 private:
  std::string_view Text(size_t index) const { return TextOf(misfit_.text, tokens_[index]); }
  Span SpanAt(size_t index) const {
    return {misfit_.file, tokens_[index].begin, tokens_[index].end};
  }
  bool Expects(std::string_view word) const {
    return std::find(misfit_.expected.begin(), misfit_.expected.end(), word) !=
           misfit_.expected.end();
  }
  bool has_previous() const { return misfit_.token > misfit_.piece.first; }
  size_t OperandBefore(size_t index) const;
  Diagnostic MisplacedNot() const;
  std::string Where() const;
  std::string Found() const;

  const std::vector<std::string_view>* LeadingWords() const;
  std::optional<Diagnostic> UnknownKeyword() const;
  std::optional<Diagnostic> UnknownExpectation() const;
  Diagnostic NoKeyword(const std::string& noun, const std::string& expected,
                       const std::vector<std::string_view>& known) const;
  std::optional<Diagnostic> ReservedName() const;
  std::optional<Diagnostic> KnownHabit() const;
  Diagnostic TooShort() const;
  Diagnostic General() const;
  void AddFixes(Diagnostic& diagnostic) const;

  const Misfit& misfit_;
  const std::vector<Token>& tokens_;
  bool ended_;
  const Token& found_;
};

// "in the `when` clause".
std::string Explainer::Where() const {
  const std::string_view first = Text(misfit_.piece.first);
  if (misfit_.role == PieceRole::kField) return "in this field";
  const std::string_view word =
      tokens_[misfit_.piece.first].kind == TokenKind::kReason ? std::string_view("because") : first;
  if (!IsWordText(word)) return "here";
  return fmt::format("in this `{}` {}", word, RoleNoun(misfit_.role));
}

std::string Explainer::Found() const {
  const std::string_view text = TextOf(misfit_.text, found_);
  switch (found_.kind) {
    case TokenKind::kEnd: return "the end of the file";
    case TokenKind::kText:
    case TokenKind::kOpenText: return "text";
    case TokenKind::kReason: return "`because`";
    case TokenKind::kRegex:
    case TokenKind::kOpenRegex: return "`matches`";
    default: break;
  }
  if (text.empty()) return "the end of the brackets";
  return fmt::format("`{}`", text.substr(0, 40));
}

// The words that may begin the next piece of the same kind.
const std::vector<std::string_view>* Explainer::LeadingWords() const {
  switch (misfit_.role) {
    case PieceRole::kClause: return &ClauseWords();
    case PieceRole::kStatement: return &StatementWords();
    case PieceRole::kAction: return &ActionWords();
    default: return nullptr;
  }
}

// A word where a clause, statement or action begins, or where the next one would.
std::optional<Diagnostic> Explainer::UnknownKeyword() const {
  const auto* leading = LeadingWords();
  if (leading == nullptr || ended_ || found_.kind != TokenKind::kWord) return std::nullopt;
  const bool at_start = misfit_.token == misfit_.piece.first;
  if (!at_start && !(Expects("<end>") && found_.first_on_line)) return std::nullopt;
  const std::string noun = RoleNoun(misfit_.role);
  return NoKeyword(noun, (noun[0] == 'a' ? "an " : "a ") + noun, *leading);
}

// `expect revok g`: what may follow is clear, though the grammar looks two words ahead there.
std::optional<Diagnostic> Explainer::UnknownExpectation() const {
  const size_t first = misfit_.piece.first;
  if (misfit_.role != PieceRole::kStatement || Text(first) != "expect" || ended_) {
    return std::nullopt;
  }
  const bool is_negated = misfit_.token == first + 2 && Text(first + 1) == "no";
  if (misfit_.token != first + 1 && !is_negated) return std::nullopt;
  std::vector<std::string_view> known = ActionWords();
  known.emplace_back("held");
  const bool is_known = Contains(known, TextOf(misfit_.text, found_));
  if (found_.kind != TokenKind::kWord || is_known) return std::nullopt;
  return NoKeyword("expectation", "an action or `held`", known);
}

Diagnostic Explainer::NoKeyword(const std::string& noun, const std::string& expected,
                                const std::vector<std::string_view>& known) const {
  const std::string_view word = TextOf(misfit_.text, found_);
  Diagnostic diagnostic{kUnknownKeyword,
                        SpanAt(misfit_.token),
                        fmt::format("begins no {}", noun),
                        fmt::format("expected {}, found `{}`", expected, word),
                        {},
                        {}};
  auto meant = Synonym(word);
  if (!meant || !Contains(known, *meant)) meant = DidYouMean(word, Strings(known));
  if (meant) {
    diagnostic.help.push_back(
        {fmt::format("did you mean `{}`?", *meant), {{diagnostic.span, *meant}}});
  } else {
    const char* const article = noun[0] == 'a' || noun[0] == 'e' ? "an" : "a";
    diagnostic.help.push_back(
        {fmt::format("{} {} begins with `{}`", article, noun, fmt::join(known, "`, `")), {}});
  }
  return diagnostic;
}

std::optional<Diagnostic> Explainer::ReservedName() const {
  if (ended_ || found_.kind != TokenKind::kWord || !Expects("<name>") || Expects("("))
    return std::nullopt;
  const std::string_view word = TextOf(misfit_.text, found_);
  const bool field = Expects("passed");
  if (!Contains(field ? ReservedFieldWords() : ReservedWords(), word)) return std::nullopt;
  return Diagnostic{kReservedName,
                    SpanAt(misfit_.token),
                    "a word of the language",
                    fmt::format("`{}` cannot be a name {}", word, field ? "of a field" : "here"),
                    {},
                    {{fmt::format("choose another name, for instance `{}_`", word),
                      {{SpanAt(misfit_.token), std::string(word) + "_"}}}}};
}

// Where the operand of a relation begins that ends before `index`: `i.a?.b`, `f(x)`, `a ?? b`.
size_t Explainer::OperandBefore(size_t index) const {
  static const std::vector<std::string_view> kJoints = {".", "?.", "??", "+", "-", "*"};
  size_t begin = index;
  for (bool joined = true; joined && begin > misfit_.piece.first;) {
    --begin;
    int depth = 0;
    for (;; --begin) {
      const std::string_view word = Text(begin);
      if (word == ")" || word == "}") ++depth;
      if (word == "(" || word == "{") --depth;
      if (depth <= 0 || begin == misfit_.piece.first) break;
    }
    const bool is_call = Text(begin) == "(" && begin > misfit_.piece.first &&
                         tokens_[begin - 1].kind == TokenKind::kWord &&
                         !Contains(InfixWords(), Text(begin - 1));
    if (is_call) --begin;
    joined = begin > misfit_.piece.first + 1 && Contains(kJoints, Text(begin - 1));
    if (joined) --begin;
    // A sign, not a difference.
    const std::string_view before = joined ? Text(begin - 1) : std::string_view();
    if (Contains(InfixWords(), before) || Contains(ClauseWords(), before) || before == "(") break;
  }
  return begin;
}

// `i.status not in { … }`.
Diagnostic Explainer::MisplacedNot() const {
  const size_t operand = OperandBefore(misfit_.token);
  const Span span = SpanAt(misfit_.token);
  const Span left = Cover(SpanAt(operand), SpanAt(misfit_.token - 1));
  const std::string_view text = misfit_.text.substr(left.begin, left.end - left.begin);
  const uint32_t next = tokens_[misfit_.token + 1].begin;
  return {kUnexpected,
          span,
          "cannot stand here",
          "`not` stands before the whole relation",
          {},
          {{fmt::format("write `not {} {} …`", text, Text(misfit_.token + 1)),
            {{{misfit_.file, left.begin, left.begin}, "not "},
             {{misfit_.file, span.begin, next}, ""}}}}};
}

// Ways of writing that other languages teach.
std::optional<Diagnostic> Explainer::KnownHabit() const {
  if (!has_previous()) return std::nullopt;
  const std::string_view word = TextOf(misfit_.text, found_);
  const std::string_view before = Text(misfit_.token - 1);
  const Span span = SpanAt(misfit_.token);
  if (before == "is" && Expects("known")) {
    Diagnostic diagnostic{kUnexpected,
                          span,
                          "expected `known` or `unknown`",
                          fmt::format("`is` asks only whether a value is known {}", Where()),
                          {},
                          {}};
    const bool unknown =
        word == "null" || word == "nil" || word == "none" || word == "missing" || word == "empty";
    if (unknown) diagnostic.help.push_back({"write `is unknown`", {{span, "unknown"}}});
    if (word == "not" && misfit_.token + 1 < misfit_.piece.last) {
      const std::string_view next = Text(misfit_.token + 1);
      const bool known = next == "unknown" || next == "null" || next == "empty";
      diagnostic.help.push_back(
          {fmt::format("write `is {}`", known ? "known" : "unknown"),
           {{Cover(span, SpanAt(misfit_.token + 1)), known ? "known" : "unknown"}}});
    }
    if (diagnostic.help.empty())
      diagnostic.help.push_back({"to compare write `==`", {{SpanAt(misfit_.token - 1), "=="}}});
    return diagnostic;
  }
  if (word == "not" && misfit_.token + 1 < misfit_.piece.last && Expects("in")) {
    return MisplacedNot();
  }
  if (misfit_.role == PieceRole::kField && before == "set") {
    return Diagnostic{kUnexpected,
                      span,
                      "expected `of`",
                      "`set` needs the type of its members",
                      {},
                      {{fmt::format("write `set of {}`", word),
                        {{{misfit_.file, span.begin, span.begin}, "of "}}}}};
  }
  if (misfit_.role == PieceRole::kField && before == "many") {
    return Diagnostic{
        kUnexpected,
        span,
        "by which field?",
        "`many` needs the field that refers back",
        {},
        {{fmt::format("write `many {} via FIELD`, where FIELD is a reference in `{}`", word, word),
          {}}}};
  }
  if (word == "matches" && Expects("<regex>")) {
    return Diagnostic{kUnexpected,
                      span,
                      "no pattern behind it",
                      "`matches` needs a regular expression between slashes",
                      {},
                      {{"write `matches /^svc-[0-9]+$/`", {}}}};
  }
  return std::nullopt;
}

// Fixes that put in, or put right, the one word that was meant.
void Explainer::AddFixes(Diagnostic& diagnostic) const {
  std::vector<std::string> candidates;
  for (const std::string& word : misfit_.expected) {
    if (IsWordText(word)) candidates.push_back(word);
  }
  if (!ended_ && found_.kind == TokenKind::kWord) {
    const std::string_view word = TextOf(misfit_.text, found_);
    const auto meant = word.size() < 3 ? std::nullopt : DidYouMean(word, candidates);
    if (meant && *meant != word) {
      diagnostic.help.push_back(
          {fmt::format("did you mean `{}`?", *meant), {{SpanAt(misfit_.token), *meant}}});
      return;
    }
  }
  WordSet rest(misfit_.expected.begin(), misfit_.expected.end());
  if (!TakeGroups(rest).empty() || !has_previous()) return;
  DropContinuations(rest);
  if (rest.size() != 1 || (*rest.begin())[0] == '<') return;
  const std::string& only = *rest.begin();
  const uint32_t at = tokens_[misfit_.token - 1].end;
  const std::string inserted = IsWordText(only) || only == "{" ? " " + only : only;
  diagnostic.help.push_back(
      {fmt::format("put `{}` here", only), {{{misfit_.file, at, at}, inserted}}});
}

Diagnostic Explainer::TooShort() const {
  const size_t previous = misfit_.token - 1;
  const std::string expected = PlainExpected(misfit_.expected);
  Diagnostic diagnostic{kUnexpected, SpanAt(previous), "", "", {}, {}};
  diagnostic.message = fmt::format("something is missing {}", Where());
  if (!expected.empty()) {
    diagnostic.label = fmt::format("expected {} behind this", expected);
  }
  AddFixes(diagnostic);
  const std::string_view first = Text(misfit_.piece.first);
  if (Expects("<text>") && misfit_.role == PieceRole::kHeader && first == "policy") {
    diagnostic.help.push_back(
        {"give it a title: `policy stale_grant \"Unused grants go\" { … }`", {}});
  }
  return diagnostic;
}

Diagnostic Explainer::General() const {
  const std::string expected = PlainExpected(misfit_.expected);
  Diagnostic diagnostic{kUnexpected, SpanAt(misfit_.token), "", "", {}, {}};
  if (expected.empty()) {
    diagnostic.label = "does not fit here";
    diagnostic.message = fmt::format("did not expect {} {}", Found(), Where());
  } else {
    diagnostic.label = fmt::format("expected {}", expected);
    diagnostic.message = fmt::format("expected {}, found {} {}", expected, Found(), Where());
  }
  AddFixes(diagnostic);
  // Where its braces do not pair, a reason ends at the first quote within them.
  if (Text(misfit_.piece.first) == "because" && has_previous() && diagnostic.help.empty() &&
      tokens_[misfit_.token - 1].kind == TokenKind::kText) {
    diagnostic.help.push_back(
        {"the reason ends at the quote before it: between its braces every `{`, `(` and `\"` needs "
         "its partner, as in `\"{lower(\"A\")}\"`",
         {}});
  }
  return diagnostic;
}

Diagnostic Explainer::Run() {
  if (auto diagnostic = UnknownKeyword()) return *std::move(diagnostic);
  if (auto diagnostic = UnknownExpectation()) return *std::move(diagnostic);
  if (auto diagnostic = ReservedName()) return *std::move(diagnostic);
  if (!ended_) {
    if (auto diagnostic = KnownHabit()) return *std::move(diagnostic);
  }
  // What follows on another line belongs to something else: point at what is not finished.
  const bool elsewhere =
      ended_ || (found_.first_on_line && !Expects("<end>")) || TextOf(misfit_.text, found_).empty();
  if (elsewhere && has_previous()) return TooShort();
  return General();
}

}  // namespace

std::string PlainExpected(const std::vector<std::string>& expected) {
  WordSet set(expected.begin(), expected.end());
  const bool had_operators = set.count("+") > 0 || set.count(".") > 0;
  std::vector<std::string> parts = TakeGroups(set);
  DropContinuations(set);
  constexpr size_t kMostNamed = 5;
  for (const std::string& word : set) {
    const std::string plain = Plain(word);
    if (std::find(parts.begin(), parts.end(), plain) == parts.end()) parts.push_back(plain);
  }
  if (parts.size() > kMostNamed) parts.resize(kMostNamed);
  if (parts.empty() && had_operators) return "an operator, or the end of the expression";
  return Join(parts);
}

Diagnostic ExplainMisfit(const Misfit& misfit) { return Explainer(misfit).Run(); }

Diagnostic ExplainUnknownDeclaration(FileId file, std::string_view text,
                                     const std::vector<Token>& tokens,
                                     const DeclarationRange& piece) {
  const Token& first = tokens[piece.range.first];
  const std::string_view word = TextOf(text, first);
  const Span span{file, first.begin, first.end};
  Diagnostic diagnostic{kUnknownKeyword,
                        span,
                        "begins no declaration",
                        fmt::format("expected a declaration, found `{}`", word.substr(0, 40)),
                        {},
                        {}};
  if (first.kind == TokenKind::kText || first.kind == TokenKind::kReason)
    diagnostic.message = "expected a declaration, found text";
  const bool clause = first.kind == TokenKind::kReason || Contains(ClauseWords(), word);
  if (clause && piece.close_before != std::numeric_limits<uint32_t>::max()) {
    diagnostic.message = "a clause stands outside of a policy";
    diagnostic.label = "belongs into a policy";
    diagnostic.notes.push_back(
        {{file, piece.close_before, piece.close_before + 1}, "the policy was closed here"});
    return diagnostic;
  }
  auto meant = Synonym(word);
  if (!meant || !Contains(DeclarationWords(), *meant))
    meant = DidYouMean(word, Strings(DeclarationWords()));
  if (first.kind == TokenKind::kWord && meant) {
    diagnostic.help.push_back({fmt::format("did you mean `{}`?", *meant), {{span, *meant}}});
  } else {
    diagnostic.help.push_back(
        {fmt::format("a declaration begins with `{}`", fmt::join(DeclarationWords(), "`, `")), {}});
  }
  return diagnostic;
}

}  // namespace rescind::syntax
