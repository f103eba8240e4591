// A file is a list of items (declarations), a body of braces again one (clauses, fields,
// statements). Each item owns the comments above it and the one behind it on its line, and moves
// with them:
//
//   // why                 a comment above     } one item
//   when g.x == 3 // now   and one behind      }
//
// Within an item tokens are put down one after the other: a space or none between two on a line,
// a line break where the author had one.

#include "engine/syntax/formatter.h"

#include <algorithm>
#include <vector>

#include "engine/syntax/keyword.h"
#include "engine/syntax/literal.h"
#include "engine/syntax/token.h"

namespace rescind {
namespace syntax {
namespace {

// Half-open range of indexes into all tokens.
struct Range {
  size_t first = 0;
  size_t last = 0;
};

struct Item {
  std::vector<size_t> above;  // comments, each on lines of its own
  Range tokens;
  std::vector<size_t> behind;  // comments on the item's last line
  const ast::Declaration* declaration = nullptr;
  size_t rank = 0;
};

struct ItemList {
  std::vector<Item> items;
  std::vector<size_t> closing;  // comments behind the last item
};

// The order in which clauses are written: the alternatives of Clause::Node by their place here.
size_t RankOf(const ast::Clause& clause) {
  return std::visit(
      ast::Overloaded{
          [](const ast::ControlsClause&) { return 0; },
          [](const ast::SeverityClause&) { return 1; }, [](const ast::ModeClause&) { return 2; },
          [](const ast::TimezoneClause&) { return 3; }, [](const ast::ForClause&) { return 4; },
          [](const ast::LetClause&) { return 5; }, [](const ast::WhenClause&) { return 6; },
          [](const ast::UnlessClause&) { return 7; }, [](const ast::BecauseClause&) { return 8; },
          [](const ast::ThenClause&) { return 9; }, [](const ast::LimitShareClause&) { return 10; },
          [](const ast::LimitLeaveClause&) { return 10; },
          [](const ast::NeedsClause&) { return 11; }, [](const ast::DoneClause&) { return 12; },
          [](const ast::OnFailureClause&) { return 13; }},
      clause.node);
}

struct Place {
  Span span;
  size_t rank = 0;
};

// The items of a declaration's body, in the order of the text.
std::vector<Place> BodyPlaces(const ast::Declaration& declaration) {
  std::vector<Place> places;
  const auto add_all = [&places](const auto& nodes) {
    for (const auto& node : nodes) places.push_back({node.span, 0});
  };
  const auto add_clauses = [&places](const std::vector<ast::Clause>& clauses) {
    for (const ast::Clause& clause : clauses) places.push_back({clause.span, RankOf(clause)});
  };
  if (const auto* policy = declaration.As<ast::PolicyDecl>()) add_clauses(policy->clauses);
  if (const auto* protect = declaration.As<ast::ProtectDecl>()) add_clauses(protect->clauses);
  if (const auto* entity = declaration.As<ast::EntityDecl>()) add_all(entity->fields);
  if (const auto* test = declaration.As<ast::TestDecl>()) add_all(test->statements);
  if (const auto* fixture = declaration.As<ast::FixtureDecl>()) add_all(fixture->statements);
  return places;
}

bool HasBody(const ast::Declaration& declaration) {
  return !declaration.As<ast::ParamDecl>() && !declaration.As<ast::ListDecl>() &&
         !declaration.As<ast::TableDecl>() && !declaration.As<ast::DefineDecl>();
}

// Words that never are the name of what is called in the parentheses behind them.
bool StandsApart(std::string_view word) {
  static const std::vector<std::string_view> words = {
      "when",   "unless", "timezone", "revoke", "disable", "suspend", "end",  "delete",
      "notify", "on",     "per",      "by",     "than",    "with",    "next", "contains",
      "has",    "in",     "and",      "or",     "not",     "where",   "for",  "at",
      "before", "after",  "between",  "start",  "set",     "let"};
  return Contains(words, word);
}

class Formatter {
 public:
  Formatter(std::string_view text, const ast::File& file)
      : text_(text),
        file_(file),
        tokens_(Tokenize(text, text.starts_with("\xEF\xBB\xBF") ? 3 : 0,
                         static_cast<uint32_t>(text.size()))) {}

  std::string Run();

 private:
  std::string_view Text(size_t index) const { return TextOf(text_, tokens_[index]); }
  size_t IndexOf(uint32_t begin) const;
  bool BreaksBefore(size_t index) const;
  bool BlankBefore(size_t index) const;

  ItemList Split(Range region, const std::vector<Place>& places) const;
  void PutDeclaration(const ast::Declaration& declaration, Range tokens);
  void PutBody(const ast::Declaration& declaration, Range body);
  void PutItem(const Item& item, size_t indent);
  void PutComments(const std::vector<size_t>& comments, size_t indent, bool first);
  void PutTokens(Range range, size_t indent);
  bool SpaceBetween(size_t left, size_t right, int depth) const;
  bool IsPrefix(size_t index) const;
  std::string Canonical(size_t index) const;
  size_t PreviousVisible(size_t index) const;
  size_t FirstOf(const Item& item) const {
    return item.above.empty() ? item.tokens.first : item.above.front();
  }

  void NewLine() {
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    out_ += '\n';
  }
  void Blank() {
    if (!out_.empty() && !out_.ends_with("\n\n") && !out_.ends_with("{\n")) out_ += '\n';
  }
  void Indent(size_t indent) { out_.append(indent, ' '); }

  std::string_view text_;
  const ast::File& file_;
  std::vector<Token> tokens_;
  std::string out_;
};

// ---- Where things are -----------------------------------------------------------------------

size_t Formatter::IndexOf(uint32_t begin) const {
  return static_cast<size_t>(
      std::lower_bound(tokens_.begin(), tokens_.end(), begin,
                       [](const Token& token, uint32_t at) { return token.begin < at; }) -
      tokens_.begin());
}

// Whether the author began a line before this token.
bool Formatter::BreaksBefore(size_t index) const {
  return index > 0 && tokens_[index - 1].kind == TokenKind::kSpace &&
         Text(index - 1).find('\n') != std::string_view::npos;
}

bool Formatter::BlankBefore(size_t index) const {
  if (!BreaksBefore(index)) return false;
  const std::string_view space = Text(index - 1);
  return std::count(space.begin(), space.end(), '\n') > 1;
}

size_t Formatter::PreviousVisible(size_t index) const {
  while (index > 0 && !tokens_[index - 1].visible()) --index;
  return index == 0 ? tokens_.size() : index - 1;
}

// Deals the comments between the places out to the items.
ItemList Formatter::Split(Range region, const std::vector<Place>& places) const {
  ItemList list;
  std::vector<size_t> waiting;
  bool same_line = true;  // as the item before
  size_t next = 0;
  for (size_t index = region.first; index < region.last;) {
    if (next < places.size() && tokens_[index].begin == places[next].span.begin) {
      Item item;
      item.above = std::move(waiting);
      waiting.clear();
      item.tokens = {index, IndexOf(places[next].span.end)};
      item.rank = places[next].rank;
      index = item.tokens.last;
      list.items.push_back(std::move(item));
      same_line = true;
      ++next;
      continue;
    }
    same_line = same_line && !BreaksBefore(index);
    if (tokens_[index].kind == TokenKind::kComment) {
      const bool behind = same_line && !BreaksBefore(index) && !list.items.empty();
      (behind ? list.items.back().behind : waiting).push_back(index);
    }
    ++index;
  }
  list.closing = std::move(waiting);
  return list;
}

// ---- Items ----------------------------------------------------------------------------------

std::string Formatter::Run() {
  std::vector<Place> places;
  if (file_.module) {
    const size_t name = IndexOf(file_.module->span.begin);
    const uint32_t begin = tokens_[PreviousVisible(name)].begin;
    places.push_back({{file_.file, begin, file_.module->span.end}, 0});
  }
  for (const ast::Declaration& declaration : file_.declarations)
    places.push_back({declaration.span, 0});
  ItemList list = Split({0, tokens_.size() - 1}, places);
  const size_t offset = file_.module ? 1 : 0;
  for (size_t i = 0; i < list.items.size(); ++i) {
    Item& item = list.items[i];
    if (i >= offset) item.declaration = &file_.declarations[i - offset];
    const bool tall = item.declaration == nullptr || HasBody(*item.declaration);
    const bool tall_before = i > 0 && (list.items[i - 1].declaration == nullptr ||
                                       HasBody(*list.items[i - 1].declaration));
    if (i > 0 && (tall || tall_before || BlankBefore(FirstOf(item)))) Blank();
    PutItem(item, 0);
  }
  if (!list.closing.empty() && (BlankBefore(list.closing[0]) || !list.items.empty())) Blank();
  PutComments(list.closing, 0, true);
  return std::move(out_);
}

void Formatter::PutItem(const Item& item, size_t indent) {
  PutComments(item.above, indent, true);
  if (!item.above.empty() && BlankBefore(item.tokens.first)) Blank();
  if (item.declaration != nullptr && HasBody(*item.declaration)) {
    PutDeclaration(*item.declaration, item.tokens);
  } else {
    Indent(indent);
    PutTokens(item.tokens, indent);
  }
  for (const size_t comment : item.behind) out_ += "  " + Canonical(comment);
  NewLine();
}

// Each on a line of its own, blank lines between them as the author had them.
void Formatter::PutComments(const std::vector<size_t>& comments, size_t indent, bool first) {
  for (const size_t comment : comments) {
    if (!first && BlankBefore(comment)) Blank();
    first = false;
    Indent(indent);
    out_ += Canonical(comment);
    NewLine();
  }
}

void Formatter::PutDeclaration(const ast::Declaration& declaration, Range tokens) {
  size_t open = tokens.first;
  while (Text(open) != "{") ++open;
  PutTokens({tokens.first, open}, 0);
  out_ += out_.ends_with('\n') ? "{" : " {";
  const Range body{open + 1, tokens.last - 1};
  const bool empty = std::all_of(tokens_.begin() + static_cast<ptrdiff_t>(body.first),
                                 tokens_.begin() + static_cast<ptrdiff_t>(body.last),
                                 [](const Token& t) { return t.kind == TokenKind::kSpace; });
  if (!empty) {
    PutBody(declaration, body);
  }
  out_ += '}';
}

void Formatter::PutBody(const ast::Declaration& declaration, Range body) {
  constexpr size_t kIndent = 2;
  ItemList list = Split(body, BodyPlaces(declaration));
  std::stable_sort(list.items.begin(), list.items.end(),
                   [](const Item& a, const Item& b) { return a.rank < b.rank; });
  NewLine();
  for (const Item& item : list.items) {
    if (BlankBefore(FirstOf(item))) Blank();
    PutItem(item, kIndent);
  }
  if (!list.closing.empty() && BlankBefore(list.closing[0])) Blank();
  PutComments(list.closing, kIndent, true);
}

// ---- Tokens of one item ---------------------------------------------------------------------

// A token as it is always written.
std::string Formatter::Canonical(size_t index) const {
  const std::string_view word = Text(index);
  const TokenKind kind = tokens_[index].kind;
  std::string out;
  if (kind == TokenKind::kReason || kind == TokenKind::kRegex) {
    constexpr size_t keyword = std::string_view("because").size();  // and of `matches`
    const size_t value =
        kind == TokenKind::kReason ? FindReasonQuote(word) : FindRegex(word).begin - 1;
    const std::string_view gap = word.substr(keyword, value - keyword);
    if (gap.find('/') == std::string_view::npos)
      return std::string(word.substr(0, keyword)) + ' ' + std::string(word.substr(value));
  }
  // Comments, and gaps that hold one: line ends without carriage return and spaces.
  for (const char c : word) {
    if (c == '\n') {
      while (!out.empty() && (out.back() == ' ' || out.back() == '\t' || out.back() == '\r'))
        out.pop_back();
    }
    out += c;
  }
  if (kind == TokenKind::kComment) {
    while (out.back() == ' ' || out.back() == '\t' || out.back() == '\r') out.pop_back();
  }
  return out;
}

// A minus that has no left operand.
bool Formatter::IsPrefix(size_t index) const {
  if (Text(index) != "-") return false;
  const size_t before = PreviousVisible(index);
  if (before >= tokens_.size()) return true;
  if (tokens_[before].kind == TokenKind::kWord)
    return Contains(InfixWords(), Text(before)) || StandsApart(Text(before));
  if (tokens_[before].kind != TokenKind::kMark) return false;
  return Text(before) != ")" && Text(before) != "}";
}

// Between two neighbours on one line. `depth` counts the brackets open around them.
bool Formatter::SpaceBetween(size_t left, size_t right, int depth) const {
  const std::string_view l = Text(left);
  const std::string_view r = Text(right);
  const bool left_mark = tokens_[left].kind == TokenKind::kMark;
  const bool right_mark = tokens_[right].kind == TokenKind::kMark;
  if (tokens_[left].kind == TokenKind::kComment || tokens_[right].kind == TokenKind::kComment)
    return true;
  if (left_mark && (l == "(" || l == "." || l == "?." || IsPrefix(left))) return false;
  if (!right_mark) return true;
  if (r == ")" || r == "," || r == "." || r == "?." || r == "?" || r == "%") return false;
  if (r == "}") return l != "{";
  if (r == ":") return depth == 0;
  if (r == "(") {
    if (left_mark) return l != ")";
    return tokens_[left].kind != TokenKind::kWord || StandsApart(l);
  }
  return true;
}

void Formatter::PutTokens(Range range, size_t indent) {
  std::vector<std::string_view> open;
  size_t previous = range.last;
  bool must_break = false;  // behind a `//` comment
  for (size_t index = range.first; index < range.last; ++index) {
    if (tokens_[index].kind == TokenKind::kSpace) continue;
    const std::string_view word = Text(index);
    const bool mark = tokens_[index].kind == TokenKind::kMark;
    const bool closes = mark && (word == "}" || word == ")");
    if (closes && !open.empty()) open.pop_back();
    if (previous != range.last) {
      const bool wanted = BreaksBefore(index) && !(mark && (word == "," || word == "{"));
      if (must_break || wanted) {
        NewLine();
        const size_t deeper =
            open.empty() ? (closes ? 0 : 4) : 2 * open.size() + (open.back() == "(" ? 2 : 0);
        Indent(indent + deeper);
      } else if (SpaceBetween(previous, index, static_cast<int>(open.size()))) {
        out_ += ' ';
      }
    }
    out_ += Canonical(index);
    must_break = word.starts_with("//");
    if (mark && (word == "{" || word == "(")) open.push_back(word);
    previous = index;
  }
  if (must_break) NewLine();
}

}  // namespace
}  // namespace syntax

std::string FormatPolicyText(std::string_view text, const ast::File& file) {
  return syntax::Formatter(text, file).Run();
}

}  // namespace rescind
