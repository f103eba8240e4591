#include "engine/base/diagnostic_pages.h"

namespace rescind {

std::optional<std::string_view> DiagnosticPage(std::string_view code) {
  for (const DiagnosticPageEntry* entry = kDiagnosticPages; entry->code != nullptr; ++entry) {
    if (code == entry->code) return entry->page;
  }
  return std::nullopt;
}

std::vector<std::string_view> DiagnosticPageCodes() {
  std::vector<std::string_view> codes;
  for (const DiagnosticPageEntry* entry = kDiagnosticPages; entry->code != nullptr; ++entry)
    codes.push_back(entry->code);
  return codes;
}

}  // namespace rescind
