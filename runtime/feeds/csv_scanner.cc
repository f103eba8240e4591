// One pass over the bytes in the buffer; a record that goes on beyond them is scanned again from
// its start once more has been read, which happens once per buffer, not once per record.
//
//   a,"b ""c"", d",e⏎   →   a | b "c", d | e
#include "runtime/feeds/csv_scanner.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/feeds/feed_reader.h"

namespace rescind {
namespace {

constexpr size_t kNone = std::string_view::npos;

size_t Find(std::string_view text, char wanted, size_t from) {
  if (from >= text.size()) return kNone;
  const void* found = std::memchr(text.data() + from, wanted, text.size() - from);
  return found == nullptr ? kNone
                          : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

std::string Unquote(std::string_view inside) {
  std::string text;
  text.reserve(inside.size());
  for (size_t i = 0; i < inside.size(); ++i) {
    text += inside[i];
    if (inside[i] == '"') ++i;  // its double
  }
  return text;
}

}  // namespace

CsvScanner::CsvScanner(InputBuffer& buffer, char delimiter)
    : buffer_(buffer), delimiter_(delimiter) {
  for (const char c : {delimiter, '\n', '\r', '"'}) {
    stops_plain_[static_cast<unsigned char>(c)] = true;
  }
}

Result<bool> CsvScanner::Next() {
  buffer_.Consume(std::exchange(consume_next_, 0));
  if (std::exchange(goes_on_, false)) RESCIND_TRY(buffer_.SkipLine());
  trouble_ = {};
  RESCIND_ASSIGN(const bool any, SkipEmptyLines());
  if (!any) return false;
  line_ = next_line_;
  for (;;) {
    Scan scan = ScanRecord(buffer_.rest());
    const bool is_record = scan == Scan::kRecord;
    const size_t size = is_record ? record_.size() : buffer_.rest().size();
    if (scan != Scan::kTrouble && size > kMaxRecordBytes) scan = TooLong(buffer_.rest());
    if (scan == Scan::kTrouble) {
      RESCIND_TRY(TakeTroubledLine());
      return true;
    }
    if (is_record) break;
    RESCIND_TRY(buffer_.More());
  }
  CountLines();
  CheckBytes();
  return true;
}

// Comments of a reject file are passed over too.
Result<bool> CsvScanner::SkipEmptyLines() {
  for (;;) {
    const std::string_view rest = buffer_.rest();
    const bool is_undecided = rest.empty() || rest == "\r" ||
                              (rest.size() < kCommentMark.size() && kCommentMark.starts_with(rest));
    if (is_undecided && !buffer_.at_end()) {
      RESCIND_TRY(buffer_.More());
    } else if (rest.empty() || rest == "\r") {
      return false;
    } else if (rest[0] == '\n' || rest.starts_with("\r\n") || rest.starts_with(kCommentMark)) {
      ++next_line_;
      RESCIND_TRY(buffer_.SkipLine());
    } else {
      return true;
    }
  }
}

CsvScanner::Scan CsvScanner::ScanRecord(std::string_view rest) {
  cells_.clear();
  cell_offsets_.clear();
  unescaped_cells_.clear();
  unescaped_.clear();
  any_quoted_ = false;
  for (size_t at = 0;;) {
    cell_offsets_.push_back(at);
    const bool is_quoted = at < rest.size() && rest[at] == '"';
    const Scan scan = is_quoted ? ScanQuoted(rest, at) : ScanPlain(rest, at);
    if (scan != Scan::kRecord) return scan;
    if (at == rest.size()) {
      FinishRecord(rest, at, at);
      return Scan::kRecord;
    }
    if (rest[at] != delimiter_) {
      const size_t next = std::min(rest.size(), at + (rest[at] == '\r' ? 2 : 1));
      FinishRecord(rest, at, next);
      return Scan::kRecord;
    }
    ++at;
  }
}

CsvScanner::Scan CsvScanner::ScanPlain(std::string_view rest, size_t& at) {
  const size_t begin = at;
  while (at < rest.size() && !stops_plain_[static_cast<unsigned char>(rest[at])]) ++at;
  const bool is_last_byte_return = at + 1 == rest.size() && rest[at] == '\r';
  if ((at == rest.size() || is_last_byte_return) && !buffer_.at_end()) return Scan::kNeedsMore;
  cells_.push_back(rest.substr(begin, at - begin));
  if (at == rest.size() || is_last_byte_return) return Scan::kRecord;
  if (rest[at] == '"') {
    return Trouble(rest, at,
                   {"a quote stands inside a cell that does not begin with one",
                    "quote the whole cell and double the quotes in it: \"5\"\" disk\""});
  }
  if (rest[at] == '\r' && rest[at + 1] != '\n') {
    return Trouble(rest, at, {"a carriage return stands alone", "end lines with LF or CRLF"});
  }
  return Scan::kRecord;
}

CsvScanner::Scan CsvScanner::ScanQuoted(std::string_view rest, size_t& at) {
  const size_t inside = at + 1;
  bool any_doubled = false;
  any_quoted_ = true;
  size_t quote = Find(rest, '"', inside);
  while (quote != kNone && quote + 1 < rest.size() && rest[quote + 1] == '"') {
    any_doubled = true;
    quote = Find(rest, '"', quote + 2);
  }
  if (quote == kNone) return buffer_.at_end() ? OpenQuote(rest, at) : Scan::kNeedsMore;
  at = quote + 1;
  const bool is_last_byte_return = at + 1 == rest.size() && rest[at] == '\r';
  if ((at == rest.size() || is_last_byte_return) && !buffer_.at_end()) return Scan::kNeedsMore;
  const std::string_view text = rest.substr(inside, quote - inside);
  cells_.push_back(text);
  if (any_doubled) {
    const std::string plain = Unquote(text);
    unescaped_cells_.push_back({cells_.size() - 1, unescaped_.size(), plain.size()});
    unescaped_ += plain;
  }
  if (at == rest.size() || rest[at] == delimiter_ || rest[at] == '\n' || is_last_byte_return ||
      rest.substr(at).starts_with("\r\n")) {
    return Scan::kRecord;
  }
  if (Find(text, '\n', 0) != kNone) return SwallowedQuote(rest, inside - 1, at);
  return Trouble(rest, at,
                 {"a cell goes on after its closing quote",
                  "double the quotes inside a quoted cell: \"5\"\" disk\""});
}

CsvScanner::Scan CsvScanner::OpenQuote(std::string_view rest, size_t offset) {
  return Trouble(rest, offset,
                 {"the quote that opens here is never closed",
                  "close it, or double it and quote the whole cell"});
}

// A quote that was never meant to open a cell takes the lines after it, up to the first that has a
// quote of its own. What is to be mended is where it opened, not where that came to light.
CsvScanner::Scan CsvScanner::SwallowedQuote(std::string_view rest, size_t open, size_t closed) {
  return Trouble(rest, open,
                 {fmt::format("the quote that opens here is closed in line {} only, where its cell "
                              "goes on",
                              PlaceOf(rest, closed).line),
                  "close it, or double it and quote the whole cell"});
}

// A record that ends nowhere near: a line without end, or a quote that swallows the lines after it.
CsvScanner::Scan CsvScanner::TooLong(std::string_view rest) {
  const size_t line_end = Find(rest, '\n', 0);
  if (line_end <= kMaxRecordBytes) {
    const auto after = std::ranges::upper_bound(cell_offsets_, line_end);
    return OpenQuote(rest, *std::prev(after));
  }
  trouble_ = {fmt::format("the line is longer than {} bytes", kMaxRecordBytes),
              "check that line breaks are LF or CRLF, and that this is a CSV file"};
  trouble_place_ = {line_, 0};
  return Scan::kTrouble;
}

CsvScanner::Scan CsvScanner::Trouble(std::string_view rest, size_t offset, ValueProblem trouble) {
  trouble_ = std::move(trouble);
  trouble_place_ = PlaceOf(rest, offset);
  return Scan::kTrouble;
}

void CsvScanner::FinishRecord(std::string_view rest, size_t end, size_t next) {
  record_ = rest.substr(0, end);
  consume_next_ = next;
  for (const Unescaped& cell : unescaped_cells_) {
    cells_[cell.cell] = std::string_view(unescaped_).substr(cell.begin, cell.size);
  }
}

void CsvScanner::CountLines() {
  ++next_line_;
  if (any_quoted_) next_line_ += static_cast<uint64_t>(std::ranges::count(record_, '\n'));
}

// What is wrong is in trouble_; the record becomes the first of its lines, or the beginning of one
// that is too long.
Status CsvScanner::TakeTroubledLine() {
  cells_.clear();
  size_t end = Find(buffer_.rest(), '\n', 0);
  while (end == kNone && !buffer_.at_end() && buffer_.rest().size() <= kMaxRecordBytes) {
    RESCIND_TRY(buffer_.More());
    end = Find(buffer_.rest(), '\n', 0);
  }
  const size_t size = std::min(end, buffer_.rest().size());
  if (size > kMaxRecordBytes) {
    TooLong(buffer_.rest());
    goes_on_ = end == kNone;
  }
  record_ = buffer_.rest().substr(0, size);
  consume_next_ = end == kNone ? size : end + 1;
  ++next_line_;
  if (record_.ends_with('\r')) record_.remove_suffix(1);
  return {};
}

Status CsvScanner::NextPart() {
  buffer_.Consume(std::exchange(consume_next_, 0));
  RESCIND_ASSIGN(const LinePart part, ReadLinePart(buffer_));
  record_ = part.text;
  consume_next_ = part.consumed_bytes;
  goes_on_ = part.goes_on;
  return {};
}

void CsvScanner::CheckBytes() {
  if (Find(record_, '\0', 0) != kNone) {
    Trouble(record_, record_.find('\0'), {"a NUL byte stands here", "export the file as text"});
  } else if (!simdjson::validate_utf8(record_.data(), record_.size())) {
    Trouble(record_, FindInvalidUtf8(record_),
            {"the bytes from here on are not UTF-8",
             "convert the file: iconv -f WINDOWS-1252 -t UTF-8 FILE"});
  }
  if (in_trouble()) cells_.clear();
}

CsvScanner::Place CsvScanner::PlaceOf(std::string_view text, size_t offset) const {
  text = text.substr(0, offset);
  const auto breaks = static_cast<uint64_t>(std::ranges::count(text, '\n'));
  const size_t start = text.rfind('\n');
  return {line_ + breaks, CountCodePoints(text.substr(start == kNone ? 0 : start + 1)) + 1};
}

}  // namespace rescind
