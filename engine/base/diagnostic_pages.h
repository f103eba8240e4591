// The pages of grammar/diagnostics, built into the program: what each code means, an example, how
// to mend it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace rescind {

// The page of "E0203", as Markdown; nullopt when there is no such code.
std::optional<std::string_view> DiagnosticPage(std::string_view code);
// Every code that has a page, ascending.
std::vector<std::string_view> DiagnosticPageCodes();

// Generated: one entry a page, the last one null.
struct DiagnosticPageEntry {
  const char* code;
  const char* page;
};
extern const DiagnosticPageEntry kDiagnosticPages[];

}  // namespace rescind
