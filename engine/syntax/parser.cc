// The way of one file: bytes, tokens (reported where bad), outline (brackets repaired, one piece a
// declaration), and for each piece the grammar. A piece that does not fit as a whole is read
// again part by part, header, clauses, actions, so that each part reports its own first mistake
// and the others are kept.
//
//   policy a "A" { for g in grant  wen g.x == 1  then { revoke g } }
//                                  ^^^ E0117; the clauses `for` and `then` are in the tree

#include "engine/syntax/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/syntax/lexical_check.h"
#include "engine/syntax/parser_tree.h"
#include "engine/syntax/syntax_codes.h"
#include "engine/syntax/syntax_message.h"

namespace rescind {
namespace syntax {
namespace {

using P = grammar::RescindParser;

class FileParser {
 public:
  FileParser(FileId file, std::string_view text, DiagnosticSink& sink)
      : file_(file), text_(text), sink_(sink), builder_(file, text, budget_, sink) {
    builder_.KeepQuietAbout(refused_names_);
  }

  ParseResult Run();

 private:
  void ParsePiece(const DeclarationRange& piece);
  void ParseModule(const DeclarationRange& piece);
  void ParseDeclaration(const DeclarationRange& piece);
  // False when there is no body to look into.
  bool ParseParts(const DeclarationRange& piece, ast::Declaration& declaration);
  void ParseHeader(const DeclarationRange& piece, TokenRange header, ast::Declaration& declaration);
  void ParseClauses(const DeclarationRange& piece, TokenRange body,
                    std::vector<ast::Clause>& clauses);
  void ParseClause(const DeclarationRange& piece, TokenRange part,
                   std::vector<ast::Clause>& clauses);
  bool ParseThen(const DeclarationRange& piece, TokenRange part, ast::Clause& clause);
  void ParseFields(const DeclarationRange& piece, TokenRange body, std::vector<ast::Field>& fields);
  void ParseStatements(const DeclarationRange& piece, TokenRange body,
                       std::vector<ast::Statement>& statements);
  ast::Declaration Poison(const DeclarationRange& piece) const;
  std::optional<ast::Clause> PoisonClause(TokenRange part) const;
  void AttachDocs();
  std::string DocBefore(uint32_t begin) const;

  template <typename Context>
  Context* RunEntry(Context* (P::*entry)(), TokenRange range, GrammarFailure& failure) {
    builder_.Use(outline_.tokens, range);
    return runner_.Run(entry, outline_.tokens, range, failure);
  }
  void ReportMisfit(const DeclarationRange& piece, TokenRange part, PieceRole role,
                    GrammarFailure failure);
  void Report(Diagnostic diagnostic);
  std::string_view Text(size_t index) const { return TextOf(text_, outline_.tokens[index]); }
  Span SpanOf(TokenRange range) const {
    return {file_, outline_.tokens[range.first].begin, outline_.tokens[range.last - 1].end};
  }
  ast::Name NameAt(size_t index, size_t last) const;

  FileId file_;
  std::string_view text_;
  DiagnosticSink& sink_;
  size_t budget_ = kMaxErrorsPerFile + 1;  // the last one is spent on saying that there are more
  std::vector<Token> all_;
  Outline outline_;
  std::vector<std::string_view> refused_names_;  // reserved words, in the declaration being read
  GrammarRunner runner_;
  TreeBuilder builder_;
  ast::File result_;
};

void FileParser::Report(Diagnostic diagnostic) {
  if (budget_ == 0) return;
  --budget_;
  sink_.Report(std::move(diagnostic));
}

ParseResult FileParser::Run() {
  const size_t reported_before = sink_.items().size();
  result_.file = file_;
  if (!CheckReadable(file_, text_, sink_)) {
    result_.incomplete = true;
    return {std::move(result_), false};
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const uint32_t begin = text_.starts_with(kByteOrderMark) ? uint32_t{3} : 0;
  all_ = Tokenize(text_, begin, static_cast<uint32_t>(text_.size()));
  budget_ -= CheckTokens(file_, text_, all_, budget_, sink_);
  outline_ = MakeOutline(file_, text_, all_, budget_, sink_);
  if (outline_.declarations.size() > SyntaxLimits::kDeclarations) {
    const TokenRange first_over = outline_.declarations[SyntaxLimits::kDeclarations].range;
    Report({kTooManyDeclarations,
            SpanOf({first_over.first, first_over.first + 1}),
            "one too many",
            fmt::format("a program may have {} declarations", SyntaxLimits::kDeclarations),
            {},
            {{"move constants to CSV files, or split the workspace", {}}}});
    outline_.declarations.resize(SyntaxLimits::kDeclarations);
    result_.incomplete = true;
  }
  for (const DeclarationRange& piece : outline_.declarations) {
    if (!piece.range.empty()) ParsePiece(piece);
  }
  AttachDocs();
  const bool ok = sink_.items().size() == reported_before;
  if (budget_ == 0) {
    sink_.Report({kTooManyErrors,
                  {file_, 0, 0},
                  "",
                  fmt::format("more than {} syntax errors in this file", kMaxErrorsPerFile),
                  {},
                  {{"the first ones are shown; is this a policy file?", {}}}});
  }
  if (!ok && outline_.declarations.empty()) result_.incomplete = true;
  return {std::move(result_), ok};
}

// ---- Reports --------------------------------------------------------------------------------

// Silent where an earlier report already covers it.
void FileParser::ReportMisfit(const DeclarationRange& piece, TokenRange part, PieceRole role,
                              GrammarFailure failure) {
  const uint32_t begin = outline_.tokens[part.first].begin;
  const uint32_t at = outline_.tokens[failure.token].begin;
  if (piece.IsBroken(at)) return;
  const auto bad = std::lower_bound(outline_.bad.begin(), outline_.bad.end(), begin);
  if (bad != outline_.bad.end() && *bad <= at) return;
  // A name that was refused goes on being used: one mistake, one error.
  const auto is_refused = [&](size_t token) {
    return std::find(refused_names_.begin(), refused_names_.end(), Text(token)) !=
           refused_names_.end();
  };
  if (is_refused(failure.token) || (failure.token > part.first && is_refused(failure.token - 1))) {
    return;
  }
  const size_t token = failure.token;
  Diagnostic diagnostic = ExplainMisfit(
      {file_, text_, &outline_.tokens, part, role, token, std::move(failure.expected)});
  if (diagnostic.code == kReservedName) refused_names_.push_back(Text(token));
  Report(std::move(diagnostic));
}

// ---- Declarations ---------------------------------------------------------------------------

void FileParser::ParsePiece(const DeclarationRange& piece) {
  refused_names_.clear();
  if (!piece.known) {
    result_.incomplete = true;
    const uint32_t begin = outline_.tokens[piece.range.first].begin;
    const uint32_t end = outline_.tokens[piece.range.last].begin;
    const auto bad = std::lower_bound(outline_.bad.begin(), outline_.bad.end(), begin);
    // Of brackets that do not pair nothing was said here.
    const bool reported = piece.too_deep || (bad != outline_.bad.end() && *bad < end);
    if (!reported) Report(ExplainUnknownDeclaration(file_, text_, outline_.tokens, piece));
    return;
  }
  if (piece.too_deep) {
    result_.declarations.push_back(Poison(piece));
    return;
  }
  if (Text(piece.range.first) == "module") return ParseModule(piece);
  ParseDeclaration(piece);
}

void FileParser::ParseModule(const DeclarationRange& piece) {
  GrammarFailure failure;
  auto* entry = RunEntry(&P::moduleEntry, piece.range, failure);
  if (entry == nullptr) {
    result_.incomplete = true;
    return ReportMisfit(piece, piece.range, PieceRole::kDeclaration, std::move(failure));
  }
  if (result_.module || !result_.declarations.empty()) {
    Diagnostic diagnostic{kMisplacedModule,
                          SpanOf(piece.range),
                          "",
                          result_.module ? "a file has one module" : "`module` comes first",
                          {},
                          {}};
    if (result_.module) {
      diagnostic.label = "a second one";
      diagnostic.notes.push_back({result_.module->span, "the first one"});
      diagnostic.help.push_back(
          {"remove it, or move what follows to a file of its own", {{SpanOf(piece.range), ""}}});
    } else {
      diagnostic.label = "stands behind a declaration";
      diagnostic.notes.push_back({result_.declarations[0].keyword_span, "the first declaration"});
      diagnostic.help.push_back({"move it to the top of the file", {}});
    }
    return Report(std::move(diagnostic));
  }
  result_.module = builder_.Qualified(entry->moduleHeader()->qualifiedName());
}

void FileParser::ParseDeclaration(const DeclarationRange& piece) {
  GrammarFailure failure;
  if (auto* entry = RunEntry(&P::declarationEntry, piece.range, failure)) {
    builder_.TakeFailed();
    ast::Declaration declaration = builder_.Declaration(entry->declaration());
    declaration.incomplete = builder_.TakeFailed() || !piece.broken.empty();
    result_.declarations.push_back(std::move(declaration));
    return;
  }
  ast::Declaration declaration = Poison(piece);
  if (!ParseParts(piece, declaration)) {
    ReportMisfit(piece, piece.range, PieceRole::kDeclaration, std::move(failure));
  }
  result_.declarations.push_back(std::move(declaration));
}

// What the first words of a declaration that cannot be read tell: its kind and its name.
ast::Declaration FileParser::Poison(const DeclarationRange& piece) const {
  const TokenRange range = piece.range;
  const std::string_view word = Text(range.first);
  const ast::Name name = NameAt(range.first + 1, range.last);
  ast::Declaration result;
  result.span = SpanOf(range);
  result.keyword_span = SpanOf({range.first, range.first + 1});
  result.incomplete = true;
  if (word == "entity" || word == "extend") {
    result.node = ast::EntityDecl{word == "extend", {{name}, name.span}, {}, true};
  } else if (word == "param") {
    result.node = ast::ParamDecl{name, {}, ast::MakeExpr(name.span, ast::ErrorExpr{})};
  } else if (word == "list") {
    result.node = ast::ListDecl{name, {}, {}, std::nullopt, name.span};
  } else if (word == "table") {
    result.node = ast::TableDecl{name, {}, "", name.span};
  } else if (word == "define") {
    result.node = ast::DefineDecl{name, {}, ast::MakeExpr(name.span, ast::ErrorExpr{}), true};
  } else if (word == "policy") {
    result.node = ast::PolicyDecl{name, "", name.span, std::nullopt, {}};
  } else if (word == "protect") {
    result.node = ast::ProtectDecl{name, "", name.span, {}};
  } else if (word == "test") {
    result.node = ast::TestDecl{"", name.span, {}, {}};
  } else {
    result.node = ast::FixtureDecl{name, {}};
  }
  return result;
}

// The name at `index`, or one without text.
ast::Name FileParser::NameAt(size_t index, size_t last) const {
  const size_t at = std::min(index, last - 1);
  const Span span{file_, outline_.tokens[at].begin, outline_.tokens[at].end};
  if (index >= last || outline_.tokens[index].kind != TokenKind::kWord) return {"", span};
  return {std::string(Text(index)), span};
}

bool FileParser::ParseParts(const DeclarationRange& piece, ast::Declaration& declaration) {
  const std::string_view word = Text(piece.range.first);
  if (word == "param" || word == "list" || word == "table" || word == "define") return false;
  const size_t open = FindBody(text_, outline_.tokens, piece.range);
  if (open == piece.range.last) return false;
  ParseHeader(piece, {piece.range.first, open}, declaration);
  const TokenRange body{open + 1, piece.range.last - 1};
  if (body.empty()) return true;
  if (auto* policy = std::get_if<ast::PolicyDecl>(&declaration.node)) {
    ParseClauses(piece, body, policy->clauses);
  } else if (auto* protect = std::get_if<ast::ProtectDecl>(&declaration.node)) {
    ParseClauses(piece, body, protect->clauses);
  } else if (auto* entity = std::get_if<ast::EntityDecl>(&declaration.node)) {
    ParseFields(piece, body, entity->fields);
  } else if (auto* test = std::get_if<ast::TestDecl>(&declaration.node)) {
    ParseStatements(piece, body, test->statements);
  } else if (auto* fixture = std::get_if<ast::FixtureDecl>(&declaration.node)) {
    ParseStatements(piece, body, fixture->statements);
  }
  return true;
}

void FileParser::ParseHeader(const DeclarationRange& piece, TokenRange header,
                             ast::Declaration& declaration) {
  GrammarFailure failure;
  auto* entry = RunEntry(&P::headerEntry, header, failure);
  if (entry == nullptr) return ReportMisfit(piece, header, PieceRole::kHeader, std::move(failure));
  ast::Declaration read = builder_.Header(entry->blockHeader());
  declaration.node = std::move(read.node);
}

// ---- Bodies ---------------------------------------------------------------------------------

void FileParser::ParseClauses(const DeclarationRange& piece, TokenRange body,
                              std::vector<ast::Clause>& clauses) {
  for (const TokenRange part : SplitBody(text_, outline_.tokens, body, BodyKind::kClauses))
    ParseClause(piece, part, clauses);
}

void FileParser::ParseClause(const DeclarationRange& piece, TokenRange part,
                             std::vector<ast::Clause>& clauses) {
  GrammarFailure failure;
  if (auto* entry = RunEntry(&P::clauseEntry, part, failure)) {
    clauses.push_back(builder_.Clause(entry->clause()));
    return;
  }
  // A misspelt word at the start of a line begins a clause of its own: keep the one before it.
  const bool line_begins = failure.token < part.last && failure.token > part.first &&
                           outline_.tokens[failure.token].first_on_line;
  if (line_begins) {
    GrammarFailure unused;
    if (auto* entry = RunEntry(&P::clauseEntry, {part.first, failure.token}, unused)) {
      clauses.push_back(builder_.Clause(entry->clause()));
      return ReportMisfit(piece, part, PieceRole::kClause, std::move(failure));
    }
  }
  std::optional<ast::Clause> clause = PoisonClause(part);
  if (Text(part.first) != "then" || !ParseThen(piece, part, *clause))
    ReportMisfit(piece, part, PieceRole::kClause, std::move(failure));
  if (clause) clauses.push_back(*std::move(clause));
}

// A clause of which only its first words are known, where they tell enough.
std::optional<ast::Clause> FileParser::PoisonClause(TokenRange part) const {
  const std::string_view word = Text(part.first);
  ast::Clause clause;
  clause.span = SpanOf(part);
  clause.keyword_span = SpanOf({part.first, part.first + 1});
  const auto error = [&] { return ast::MakeExpr(clause.span, ast::ErrorExpr{}); };
  const ast::Name name = NameAt(part.first + 1, part.last);
  if (word == "for") {
    clause.node = ast::ForClause{name, {}};
  } else if (word == "let") {
    clause.node = ast::LetClause{name, error()};
  } else if (word == "when") {
    clause.node = ast::WhenClause{error()};
  } else if (word == "unless") {
    clause.node = ast::UnlessClause{error()};
  } else if (word == "timezone") {
    clause.node = ast::TimezoneClause{error()};
  } else if (word == "then") {
    ast::ThenClause then;
    then.head_is_hidden = then.body_is_hidden = true;
    clause.node = std::move(then);
  } else {
    return std::nullopt;
  }
  return clause;
}

bool FileParser::ParseThen(const DeclarationRange& piece, TokenRange part, ast::Clause& clause) {
  const size_t open = FindBody(text_, outline_.tokens, part);
  if (open == part.last || Text(part.last - 1) != "}") return false;
  const TokenRange head{part.first, open};
  GrammarFailure failure;
  if (auto* entry = RunEntry(&P::thenEntry, head, failure)) {
    clause.node = builder_.ThenHead(entry->thenHead());
  } else {
    ReportMisfit(piece, head, PieceRole::kClause, std::move(failure));
  }
  auto& then = std::get<ast::ThenClause>(clause.node);
  then.body_is_hidden = false;
  const TokenRange body{open + 1, part.last - 1};
  for (const TokenRange action : SplitBody(text_, outline_.tokens, body, BodyKind::kActions)) {
    if (auto* entry = RunEntry(&P::actionEntry, action, failure)) {
      then.actions.push_back(builder_.Action(entry->action()));
    } else {
      then.body_is_hidden = true;
      ReportMisfit(piece, action, PieceRole::kAction, std::move(failure));
    }
  }
  then.body_span = SpanOf({open, part.last});
  return true;
}

void FileParser::ParseFields(const DeclarationRange& piece, TokenRange body,
                             std::vector<ast::Field>& fields) {
  for (const TokenRange part : SplitBody(text_, outline_.tokens, body, BodyKind::kFields)) {
    GrammarFailure failure;
    if (auto* entry = RunEntry(&P::fieldEntry, part, failure)) {
      fields.push_back(builder_.Field(entry->field()));
      continue;
    }
    ReportMisfit(piece, part, PieceRole::kField, std::move(failure));
    ast::Field field;
    field.span = SpanOf(part);
    field.name = NameAt(part.first, part.last);
    fields.push_back(std::move(field));
  }
}

void FileParser::ParseStatements(const DeclarationRange& piece, TokenRange body,
                                 std::vector<ast::Statement>& statements) {
  for (const TokenRange part : SplitBody(text_, outline_.tokens, body, BodyKind::kStatements)) {
    GrammarFailure failure;
    if (auto* entry = RunEntry(&P::statementEntry, part, failure)) {
      statements.push_back(builder_.Statement(entry->statement()));
    } else {
      ReportMisfit(piece, part, PieceRole::kStatement, std::move(failure));
    }
  }
}

// ---- Documentation --------------------------------------------------------------------------

void FileParser::AttachDocs() {
  for (ast::Declaration& declaration : result_.declarations) {
    declaration.doc = DocBefore(declaration.span.begin);
    if (auto* entity = std::get_if<ast::EntityDecl>(&declaration.node)) {
      for (ast::Field& field : entity->fields) field.doc = DocBefore(field.span.begin);
    }
  }
}

// The `///` lines right before a byte, without their slashes.
std::string FileParser::DocBefore(uint32_t begin) const {
  auto token = std::lower_bound(all_.begin(), all_.end(), begin,
                                [](const Token& t, uint32_t at) { return t.begin < at; });
  std::vector<std::string_view> lines;
  while (token != all_.begin()) {
    --token;
    if (token->kind == TokenKind::kSpace) continue;
    const std::string_view text = TextOf(text_, *token);
    if (!text.starts_with("///") || text.starts_with("////")) break;
    lines.push_back(text.substr(text.starts_with("/// ") ? 4 : 3));
  }
  std::string doc;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (!doc.empty()) doc += '\n';
    doc += *line;
  }
  return doc;
}

}  // namespace
}  // namespace syntax

ParseResult Parse(const SourceMap& sources, FileId file, DiagnosticSink& sink) {
  return syntax::FileParser(file, sources.Get(file).text(), sink).Run();
}

}  // namespace rescind
