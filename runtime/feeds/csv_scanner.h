// CsvScanner: records and cells of a CSV file (RFC 4180), whatever they mean.
//
// Cells may be quoted and then hold delimiters, line breaks and doubled quotes. Records end in LF
// or CRLF, the last one may end with the file. Views are valid until the next record is read. A
// record in trouble has no cells; scanning goes on with the line after its first one, so that a
// stray quote costs one line and not the rest of the file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/feeds/bad_record.h"
#include "runtime/feeds/input_buffer.h"

namespace rescind {

class CsvScanner {
 public:
  // `buffer` must outlive it and be at the first record.
  CsvScanner(InputBuffer& buffer, char delimiter);

  // Reads the next record that is not an empty line. False at the end of the file.
  Result<bool> Next();

  std::span<const std::string_view> cells() const { return cells_; }
  bool in_trouble() const { return !trouble_.what.empty(); }
  const ValueProblem& trouble() const { return trouble_; }
  // The record as it stands, without its last line break. Of a line that is too long it is a part,
  // and goes_on() while others follow: NextPart() reads them, Next() passes over them.
  std::string_view record() const { return record_; }
  bool goes_on() const { return goes_on_; }
  Status NextPart();
  uint64_t line() const { return line_; }  // of the record's first byte
  // Where the record is in trouble, or a cell begins: line and column for people.
  struct Place {
    uint64_t line;
    uint64_t column;
  };
  Place trouble_place() const { return trouble_place_; }
  Place CellPlace(size_t cell) const { return PlaceOf(record_, cell_offsets_[cell]); }

 private:
  enum class Scan { kRecord, kNeedsMore, kTrouble };
  // A quoted cell with doubled quotes: where it lies in unescaped_ once that has its final place.
  struct Unescaped {
    size_t cell;
    size_t begin;
    size_t size;
  };

  Scan ScanRecord(std::string_view rest);
  Scan ScanQuoted(std::string_view rest, size_t& at);
  Scan ScanPlain(std::string_view rest, size_t& at);
  Scan OpenQuote(std::string_view rest, size_t offset);
  Scan SwallowedQuote(std::string_view rest, size_t open, size_t closed);
  Scan TooLong(std::string_view rest);
  Scan Trouble(std::string_view rest, size_t offset, ValueProblem trouble);
  void FinishRecord(std::string_view rest, size_t end, size_t next);
  Result<bool> SkipEmptyLines();
  Status TakeTroubledLine();
  void CountLines();
  void CheckBytes();
  Place PlaceOf(std::string_view text, size_t offset) const;

  InputBuffer& buffer_;
  char delimiter_;
  bool stops_plain_[256] = {};  // what may end an unquoted cell
  std::vector<std::string_view> cells_;
  std::vector<size_t> cell_offsets_;
  std::vector<Unescaped> unescaped_cells_;
  std::string unescaped_;
  std::string_view record_;
  ValueProblem trouble_;
  Place trouble_place_{};
  size_t consume_next_ = 0;  // bytes of the current record, consumed when the next is asked for
  uint64_t line_ = 1;
  uint64_t next_line_ = 1;
  bool any_quoted_ = false;
  bool goes_on_ = false;
};

}  // namespace rescind
