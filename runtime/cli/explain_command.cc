// `rescind explain CODE`: what a code of a diagnostic means, and how to mend what it reports.
#include <fmt/ostream.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/base/diagnostic.h"
#include "engine/base/diagnostic_pages.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/service/diagnostic_report.h"

namespace rescind {
namespace {

struct ExplainOptions {
  std::string code;
  bool list = false;
  std::string format = "table";
};

constexpr const char* kListOfCodes = "`rescind explain --list` shows every code";

// "e0203", "E0203:" and "error[E0203]" are what people paste.
std::string CodeIn(const std::string& typed) {
  std::string code = typed;
  if (const size_t bracket = code.find('['); bracket != std::string::npos) {
    code.erase(0, bracket + 1);
  }
  while (!code.empty() && (code.back() == ':' || code.back() == ']')) code.pop_back();
  for (char& c : code) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return code;
}

bool IsWarning(std::string_view code) {
  return DiagnosticCode{code}.severity() == DiagnosticSeverity::kWarning;
}

ExitStatus PrintList(const ExplainOptions& options, Invocation& invocation) {
  const auto codes = DiagnosticPageCodes();
  if (options.format == "json") {
    nlohmann::ordered_json json = {{"format", "rescind.codes/1"},
                                   {"codes", nlohmann::ordered_json::array()}};
    for (const std::string_view code : codes) {
      json["codes"].push_back({{"code", code},
                               {"severity", IsWarning(code) ? "warning" : "error"},
                               {"title", DiagnosticTitle(code)}});
    }
    invocation.out << json.dump(2) << "\n";
    return ExitStatus::kDone;
  }
  for (const std::string_view code : codes) {
    fmt::print(invocation.out, "{}  {}\n", code, DiagnosticTitle(code));
  }
  return ExitStatus::kDone;
}

// Markdown as it is; on a terminal with colour, headings in bold.
void PrintPage(std::string_view page, Invocation& invocation) {
  bool in_example = false;
  while (!page.empty()) {
    const size_t end = std::min(page.find('\n'), page.size());
    const std::string_view text = page.substr(0, end);
    page.remove_prefix(std::min(end + 1, page.size()));
    if (text.starts_with("```")) in_example = !in_example;
    if (invocation.out_has_color() && !in_example && text.starts_with('#')) {
      fmt::print(invocation.out, "\x1b[1m{}\x1b[0m\n", text);
    } else {
      fmt::print(invocation.out, "{}\n", text);
    }
  }
}

Error Unclear(const std::string& message, const std::string& help) {
  return {ErrorKind::kInvalidInput, message, help};
}

Result<ExitStatus> RunExplain(const ExplainOptions& options, Invocation& invocation) {
  if (options.list && !options.code.empty()) {
    return FailUsage(Unclear("give a code or --list, not both", ""), invocation);
  }
  if (options.list) return PrintList(options, invocation);
  if (options.code.empty()) {
    return FailUsage(Unclear("no code is given", kListOfCodes), invocation);
  }
  const std::string code = CodeIn(options.code);
  if (const auto page = DiagnosticPage(code)) {
    PrintPage(*page, invocation);
    return ExitStatus::kDone;
  }
  std::vector<std::string> known;
  for (const std::string_view candidate : DiagnosticPageCodes()) known.emplace_back(candidate);
  const auto meant = DidYouMean(code, known);
  return FailUsage(Unclear(fmt::format("there is no code `{}`", options.code),
                           meant ? fmt::format("did you mean `{}`? {}", *meant, kListOfCodes)
                                 : std::string(kListOfCodes)),
                   invocation);
}

}  // namespace

void DeclareExplain(CommandLine& line) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App& explain = line.Add(
      "explain", "Say what the code of an error means and how to mend it",
      [options](Invocation& invocation) { return RunExplain(*options, invocation); },
      CommandPlace::kHere);
  explain.add_option("code", options->code, "Such as E0203");
  explain.add_flag("--list", options->list, "Every code with its title");
  explain.add_option("-o,--output", options->format, "Of --list: table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace rescind
