#include "engine/check/csv_text.h"

#include <fmt/format.h>

namespace rescind::check {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
  }

  Result<std::vector<CsvRow>> Read() {
    if (const size_t nul = text_.find('\0'); nul != std::string_view::npos) {
      return Bad("this is no text: it holds a NUL byte");
    }
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      CsvRow row{line_, {}};
      RESCIND_TRY(ReadRow(row));
      if (row.cells.size() > 1 || !row.cells.front().empty()) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  Error Bad(std::string_view what) const {
    return {
        ErrorKind::kInvalidInput, fmt::format("line {}: {}", line_, what),
        "write it as RFC 4180 says: commas between cells, cells with commas or quotes in \"…\""};
  }

  Status ReadRow(CsvRow& row) {
    while (true) {
      std::string cell;
      RESCIND_TRY(ReadCell(cell));
      row.cells.push_back(std::move(cell));
      if (at_ >= text_.size()) return {};
      const char c = text_[at_++];
      if (c == ',') continue;
      if (c == '\r') ++at_;
      ++line_;
      return {};
    }
  }

  bool AtEndOfCell() const {
    if (at_ >= text_.size()) return true;
    const char c = text_[at_];
    return c == ',' || c == '\n' || (c == '\r' && text_.substr(at_, 2) == "\r\n");
  }

  Status ReadCell(std::string& cell) {
    if (at_ >= text_.size() || text_[at_] != '"') {
      while (!AtEndOfCell()) cell += text_[at_++];
      return {};
    }
    ++at_;
    while (true) {
      if (at_ >= text_.size()) return Bad("a quote is not closed");
      const char c = text_[at_++];
      if (c == '"') {
        if (text_.substr(at_, 1) != "\"") break;
        ++at_;
      }
      if (c == '\n') ++line_;
      cell += c;
    }
    if (!AtEndOfCell()) return Bad("something stands behind a closing quote");
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_ = 1;
};

}  // namespace

Result<std::vector<CsvRow>> ParseCsv(std::string_view text) { return Reader(text).Read(); }

}  // namespace rescind::check
