// ParseCsv: the small CSV files that `list … from` and `table … from` name (RFC 4180).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace rescind::check {

struct CsvRow {
  uint32_t line = 1;  // where it begins, one-based
  std::vector<std::string> cells;
};

// All rows, empty lines left out, the header first. A byte order mark is skipped; lines end in LF
// or CRLF. kInvalidInput names the line: an open quote, text behind a closing quote, a NUL byte.
Result<std::vector<CsvRow>> ParseCsv(std::string_view text);

}  // namespace rescind::check
