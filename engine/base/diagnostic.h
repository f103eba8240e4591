// Diagnostic: one mistake in a user's policy, as data.
//
// Produced by every stage from the lexer to the lowering, rendered by diagnostic_text.h (and by
// the command line as JSON or SARIF). Knows nothing of how it is printed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/source.h"

namespace rescind {

enum class DiagnosticSeverity { kError, kWarning };

// A stable code, "E0203" or "W0101". Never renumber, never reuse. Each has a page
// grammar/diagnostics/<code>.md that `rescind explain` prints.
struct DiagnosticCode {
  std::string_view text;

  constexpr DiagnosticSeverity severity() const {
    return text[0] == 'W' ? DiagnosticSeverity::kWarning : DiagnosticSeverity::kError;
  }
  constexpr bool operator==(const DiagnosticCode&) const = default;
};

// Replace the bytes of `span` by `text`. An empty span inserts.
struct TextEdit {
  Span span;
  std::string text;
  auto operator<=>(const TextEdit&) const = default;
};

// One way out: a sentence, and the edits that carry it out where a machine can.
struct DiagnosticHelp {
  std::string text;
  std::vector<TextEdit> fix;
};

struct DiagnosticLabel {
  Span span;
  std::string text;
};

struct Diagnostic {
  DiagnosticCode code;
  Span span;          // what is underlined
  std::string label;  // said under the underline; may be empty
  std::string message;
  std::vector<DiagnosticLabel> notes;  // secondary places
  std::vector<DiagnosticHelp> help;

  DiagnosticSeverity severity() const { return code.severity(); }
};

// Collects, then hands out sorted by file, place and code, without duplicates.
class DiagnosticSink {
 public:
  void Report(Diagnostic diagnostic) { items_.push_back(std::move(diagnostic)); }
  bool has_errors() const;
  std::vector<Diagnostic> TakeSorted();
  const std::vector<Diagnostic>& items() const { return items_; }

 private:
  std::vector<Diagnostic> items_;
};

// The candidate nearest to `name` when it is near enough to be meant; nullopt otherwise.
// Ties go to the first candidate.
std::optional<std::string> DidYouMean(std::string_view name,
                                      const std::vector<std::string>& candidates);

}  // namespace rescind
