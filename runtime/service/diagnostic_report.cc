#include "runtime/service/diagnostic_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/diagnostic_pages.h"
#include "runtime/service/shown_json.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

std::string Count(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string_view SeverityWord(DiagnosticSeverity severity) {
  return severity == DiagnosticSeverity::kError ? "error" : "warning";
}

// ---- JSON -------------------------------------------------------------------------------------

// Adds file, line, column, … to `to`.
void AddPlace(const SourceMap& sources, Span span, Json& to) {
  if (!span.valid()) {
    for (const char* key :
         {"file", "line", "column", "end_line", "end_column", "begin_byte", "end_byte"}) {
      to[key] = nullptr;
    }
    return;
  }
  const SourceFile& file = sources.Get(span.file);
  const LineColumn begin = file.Locate(span.begin);
  const LineColumn end = file.Locate(span.end);
  to["file"] = file.name();
  to["line"] = begin.line;
  to["column"] = begin.column;
  to["end_line"] = end.line;
  to["end_column"] = end.column;
  to["begin_byte"] = span.begin;
  to["end_byte"] = span.end;
}

Json DiagnosticJson(const SourceMap& sources, const Diagnostic& diagnostic) {
  Json json = {{"code", diagnostic.code.text},
               {"severity", SeverityWord(diagnostic.severity())},
               {"message", diagnostic.message},
               {"label", diagnostic.label}};
  AddPlace(sources, diagnostic.span, json);
  json["notes"] = Json::array();
  for (const DiagnosticLabel& note : diagnostic.notes) {
    Json entry = {{"text", note.text}};
    AddPlace(sources, note.span, entry);
    json["notes"].push_back(std::move(entry));
  }
  json["help"] = Json::array();
  for (const DiagnosticHelp& help : diagnostic.help) {
    Json entry = {{"text", help.text}, {"fix", Json::array()}};
    for (const TextEdit& edit : help.fix) {
      Json replacement = {{"text", edit.text}};
      AddPlace(sources, edit.span, replacement);
      entry["fix"].push_back(std::move(replacement));
    }
    json["help"].push_back(std::move(entry));
  }
  return json;
}

// ---- SARIF ------------------------------------------------------------------------------------

constexpr const char* kSarifSchema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

// A path as the path of a URI (RFC 3986): what is not allowed there in percent.
std::string UriPath(std::string_view path) {
  std::string uri;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    if (plain) {
      uri += c;
    } else {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return uri;
}

Json ArtifactLocation(const SourceMap& sources, FileId file) {
  const std::string& name = sources.Get(file).name();
  if (name.starts_with('/')) return {{"uri", "file://" + UriPath(name)}};
  return {{"uri", UriPath(name)}, {"uriBaseId", "%SRCROOT%"}};
}

Json Region(const SourceMap& sources, Span span) {
  const SourceFile& file = sources.Get(span.file);
  const LineColumn begin = file.Locate(span.begin);
  const LineColumn end = file.Locate(span.end);
  return {{"startLine", begin.line},  {"startColumn", begin.column},
          {"endLine", end.line},      {"endColumn", end.column},
          {"byteOffset", span.begin}, {"byteLength", span.end - span.begin}};
}

Json Location(const SourceMap& sources, Span span, std::string_view message) {
  Json location = {{"physicalLocation",
                    {{"artifactLocation", ArtifactLocation(sources, span.file)},
                     {"region", Region(sources, span)}}}};
  if (!message.empty()) location["message"] = {{"text", message}};
  return location;
}

// One way out; the edits of each file together, as SARIF wants them.
Json Fix(const SourceMap& sources, const DiagnosticHelp& help) {
  std::map<FileId, Json> replacements;
  for (const TextEdit& edit : help.fix) {
    Json& of_file = replacements.try_emplace(edit.span.file, Json::array()).first->second;
    Json replacement = {{"deletedRegion", Region(sources, edit.span)}};
    if (!edit.text.empty()) replacement["insertedContent"] = {{"text", edit.text}};
    of_file.push_back(std::move(replacement));
  }
  Json fix = {{"description", {{"text", help.text}}}, {"artifactChanges", Json::array()}};
  for (auto& [file, of_file] : replacements) {
    fix["artifactChanges"].push_back(
        {{"artifactLocation", ArtifactLocation(sources, file)}, {"replacements", of_file}});
  }
  return fix;
}

// The message with the ways out below it: viewers of SARIF show little else.
std::string MessageText(const Diagnostic& diagnostic) {
  std::string text = diagnostic.message;
  if (!diagnostic.label.empty()) text += fmt::format("\n{}", diagnostic.label);
  for (const DiagnosticHelp& help : diagnostic.help) text += fmt::format("\nhelp: {}", help.text);
  return text;
}

Json SarifResult(const SourceMap& sources, const Diagnostic& diagnostic, size_t rule_index) {
  Json result = {{"ruleId", diagnostic.code.text},
                 {"ruleIndex", rule_index},
                 {"level", SeverityWord(diagnostic.severity())},
                 {"message", {{"text", MessageText(diagnostic)}}},
                 {"locations", Json::array()}};
  if (diagnostic.span.valid()) {
    result["locations"].push_back(Location(sources, diagnostic.span, diagnostic.label));
  }
  Json related = Json::array();
  for (const DiagnosticLabel& note : diagnostic.notes) {
    if (note.span.valid()) related.push_back(Location(sources, note.span, note.text));
  }
  if (!related.empty()) result["relatedLocations"] = std::move(related);
  Json fixes = Json::array();
  for (const DiagnosticHelp& help : diagnostic.help) {
    if (!help.fix.empty()) fixes.push_back(Fix(sources, help));
  }
  if (!fixes.empty()) result["fixes"] = std::move(fixes);
  return result;
}

// "/srv/acme/rescind.toml:9:1" taken apart; line 0 for what is no place in a file.
struct FilePlace {
  std::string file;
  uint64_t line = 0;
  uint64_t column = 0;
};
FilePlace FilePlaceOf(const std::string& place) {
  const auto take_number = [](std::string& text) -> uint64_t {
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos) return 0;
    uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data() + colon + 1, end, number);
    if (error != std::errc() || stopped != end) return 0;
    text.resize(colon);
    return number;
  };
  FilePlace result{place, 0, 0};
  result.column = take_number(result.file);
  if (result.column > 0) result.line = take_number(result.file);
  return result;
}

Json SarifResult(const WorkspaceProblem& problem, size_t rule_index) {
  std::string text = problem.message;
  if (!problem.place.empty()) text = fmt::format("{}: {}", problem.place, problem.message);
  if (!problem.help.empty()) text += fmt::format("\nhelp: {}", problem.help);
  Json result = {{"ruleId", problem.code.text},
                 {"ruleIndex", rule_index},
                 {"level", SeverityWord(problem.code.severity())},
                 {"message", {{"text", text}}},
                 {"locations", Json::array()}};
  const FilePlace place = FilePlaceOf(problem.place);
  if (place.line == 0 || !place.file.starts_with('/')) return result;
  result["locations"].push_back(
      {{"physicalLocation",
        {{"artifactLocation", {{"uri", "file://" + UriPath(place.file)}}},
         {"region", {{"startLine", place.line}, {"startColumn", place.column}}}}}});
  return result;
}

Json Rule(std::string_view code) {
  const DiagnosticCode typed{code};
  Json rule = {{"id", code}, {"defaultConfiguration", {{"level", SeverityWord(typed.severity())}}}};
  if (const auto page = DiagnosticPage(code)) {
    rule["shortDescription"] = {{"text", DiagnosticTitle(code)}};
    rule["help"] = {{"text", *page}, {"markdown", *page}};
  }
  return rule;
}

}  // namespace

DiagnosticCounts CountDiagnostics(const std::vector<Diagnostic>& diagnostics) {
  DiagnosticCounts counts;
  for (const Diagnostic& diagnostic : diagnostics) {
    const bool error = diagnostic.severity() == DiagnosticSeverity::kError;
    ++(error ? counts.errors : counts.warnings);
  }
  return counts;
}

std::string DiagnosticSummary(const std::vector<Diagnostic>& diagnostics, size_t file_count) {
  const DiagnosticCounts counts = CountDiagnostics(diagnostics);
  return fmt::format("{}, {} in {}", Count(counts.errors, "error"),
                     Count(counts.warnings, "warning"), Count(file_count, "file"));
}

std::string FormatWorkspaceProblem(const WorkspaceProblem& problem) {
  return fmt::format("error[{}]: {}: {}\n{}", problem.code.text, problem.place, problem.message,
                     problem.help.empty() ? "" : fmt::format("  = help: {}\n", problem.help));
}

std::string DiagnosticsAsJson(const SourceMap& sources, const std::vector<Diagnostic>& diagnostics,
                              size_t file_count, const std::vector<WorkspaceProblem>& problems,
                              const std::vector<WorkspaceProblem>& warnings,
                              const std::map<std::string, std::string>& meanings) {
  const DiagnosticCounts counts = CountDiagnostics(diagnostics);
  Json json = {{"format", "rescind.diagnostics/1"},
               {"summary",
                {{"errors", counts.errors + problems.size()},
                 {"warnings", counts.warnings + warnings.size()},
                 {"files", file_count}}},
               {"diagnostics", Json::array()}};
  for (const Diagnostic& diagnostic : diagnostics) {
    json["diagnostics"].push_back(DiagnosticJson(sources, diagnostic));
  }
  for (const WorkspaceProblem& problem : problems) {
    json["workspace"].push_back({{"code", problem.code.text},
                                 {"place", problem.place},
                                 {"message", problem.message},
                                 {"help", problem.help}});
  }
  for (const WorkspaceProblem& warning : warnings) {
    json["workspace_warnings"].push_back(warning.Sentence());
  }
  if (!meanings.empty()) json["meanings"] = meanings;
  return ShownJson(json);
}

std::string DiagnosticsAsSarif(const SourceMap& sources, const std::vector<Diagnostic>& diagnostics,
                               std::string_view tool_version,
                               const std::vector<WorkspaceProblem>& problems,
                               const std::vector<WorkspaceProblem>& warnings) {
  std::map<std::string_view, size_t> rule_indexes;
  for (const Diagnostic& diagnostic : diagnostics) rule_indexes.emplace(diagnostic.code.text, 0);
  for (const auto* list : {&problems, &warnings}) {
    for (const WorkspaceProblem& problem : *list) rule_indexes.emplace(problem.code.text, 0);
  }
  Json rules = Json::array();
  for (auto& [code, index] : rule_indexes) {
    index = rules.size();
    rules.push_back(Rule(code));
  }
  Json results = Json::array();
  for (const Diagnostic& diagnostic : diagnostics) {
    results.push_back(SarifResult(sources, diagnostic, rule_indexes.at(diagnostic.code.text)));
  }
  for (const auto* list : {&problems, &warnings}) {
    for (const WorkspaceProblem& problem : *list) {
      results.push_back(SarifResult(problem, rule_indexes.at(problem.code.text)));
    }
  }
  Json driver = {{"name", "rescind"}, {"version", tool_version}, {"rules", std::move(rules)}};
  Json run = {{"tool", {{"driver", std::move(driver)}}},
              {"columnKind", "unicodeCodePoints"},
              {"results", std::move(results)}};
  Json runs = Json::array();
  runs.push_back(std::move(run));
  return ShownJson({{"$schema", kSarifSchema}, {"version", "2.1.0"}, {"runs", std::move(runs)}});
}

std::string_view DiagnosticTitle(std::string_view code) {
  const auto page = DiagnosticPage(code);
  if (!page) return {};
  std::string_view line = page->substr(0, page->find('\n'));
  const size_t colon = line.find(": ");
  return colon == std::string_view::npos ? line : line.substr(colon + 2);
}

}  // namespace rescind
