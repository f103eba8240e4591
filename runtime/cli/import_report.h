// What an import has come to, for people and for programs.
#pragma once

#include <iosfwd>
#include <string>

#include "runtime/env/clock.h"
#include "runtime/service/import_desk.h"

namespace rescind {

// The bad lines that are kept, and how many there are beyond them. Lines that were left out are no
// errors: `mark` begins each ("error", "warning").
void PrintBadLines(const ImportSummary& summary, std::string_view mark, std::ostream& to);

// A line a file and one for the import as a whole.
void PrintImport(const ImportSummary& summary, std::ostream& to);

// "rescind.import/1".
std::string ImportAsJson(const ImportSummary& summary);

// One line that is written over and over, at most ten times a second.
class ImportProgressLine {
 public:
  ImportProgressLine(std::ostream& to, const Clock& clock) : to_(to), clock_(clock) {}
  // Clears what it left.
  ~ImportProgressLine();
  ImportProgressLine(const ImportProgressLine&) = delete;
  ImportProgressLine& operator=(const ImportProgressLine&) = delete;

  void Show(const ImportProgress& progress);

 private:
  std::ostream& to_;
  const Clock& clock_;
  std::optional<Duration> shown_at_;
};

// 1234567 -> "1,234,567".
std::string WithThousands(uint64_t count);

}  // namespace rescind
