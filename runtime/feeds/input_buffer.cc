#include "runtime/feeds/input_buffer.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "engine/base/assert.h"

namespace rescind {
namespace {

// Twice a record, so that a full record always fits behind a part of the one before.
constexpr size_t kCapacityBytes = 2 * kMaxRecordBytes;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Signature {
  std::string_view bytes;
  const char* what;
  const char* help;
};
using namespace std::string_view_literals;
constexpr std::array kSignatures = {
    Signature{"\x1F\x8B"sv, "is compressed with gzip",
              "unpack it first: gunzip -c {} | rescind import -"},
    Signature{"\x28\xB5\x2F\xFD"sv, "is compressed with zstd",
              "unpack it first: zstd -dc {} | rescind import -"},
    Signature{"PK\x03\x04"sv, "is a ZIP archive or an office workbook",
              "export it as CSV in UTF-8"},
    Signature{"\xD0\xCF\x11\xE0"sv, "is an office document", "export it as CSV in UTF-8"},
    Signature{"\xFF\xFE"sv, "is UTF-16 text",
              "save it as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8 {}"},
    Signature{"\xFE\xFF"sv, "is UTF-16 text",
              "save it as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8 {}"},
    Signature{"SQLite format 3\0"sv, "is an SQLite database", "export the table as CSV"},
};

}  // namespace

InputBuffer::InputBuffer(ReadableFile& file)
    : file_(file), bytes_(std::make_unique<char[]>(kCapacityBytes + kPaddingBytes)) {}

Status InputBuffer::More() {
  if (at_end_ || end_ - begin_ > kMaxRecordBytes) return {};
  if (begin_ > 0) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  RESCIND_ASSIGN(const size_t count,
                 file_.Read(std::span(bytes_.get() + end_, kCapacityBytes - end_)));
  RESCIND_ASSERT(count <= kCapacityBytes - end_, "a file read more than there is room for");
  end_ += count;
  at_end_ = count == 0;
  return {};
}

void InputBuffer::Consume(size_t byte_count) {
  RESCIND_ASSERT(byte_count <= end_ - begin_, "more consumed than read");
  begin_ += byte_count;
  consumed_bytes_ += byte_count;
}

Result<LinePart> ReadLinePart(InputBuffer& buffer) {
  if (buffer.rest().empty() && !buffer.at_end()) RESCIND_TRY(buffer.More());
  const std::string_view rest = buffer.rest();
  const size_t end = rest.find('\n');
  if (end != std::string_view::npos) return LinePart{rest.substr(0, end), end + 1, false};
  return LinePart{rest, rest.size(), !buffer.at_end()};
}

Status InputBuffer::SkipLine() {
  for (bool goes_on = true; goes_on;) {
    RESCIND_ASSIGN(const LinePart part, ReadLinePart(*this));
    Consume(part.consumed_bytes);
    goes_on = part.goes_on;
  }
  return {};
}

Status CheckBeginning(std::string_view first_bytes, const std::string& name) {
  for (const Signature& signature : kSignatures) {
    if (!first_bytes.starts_with(signature.bytes)) continue;
    return Error{ErrorKind::kInvalidInput, fmt::format("{} {}", name, signature.what),
                 fmt::format(fmt::runtime(signature.help), name)};
  }
  const size_t nul = first_bytes.substr(0, 4096).find('\0');
  if (nul == std::string_view::npos) return {};
  return Error{ErrorKind::kInvalidInput,
               fmt::format("{} is a binary file: byte {} is NUL", name, nul + 1),
               "a feed is NDJSON or CSV, as UTF-8 text"};
}

Status SkipByteOrderMark(InputBuffer& buffer) {
  while (buffer.rest().size() < kByteOrderMark.size() && !buffer.at_end()) {
    RESCIND_TRY(buffer.More());
  }
  if (buffer.rest().starts_with(kByteOrderMark)) buffer.Consume(kByteOrderMark.size());
  return {};
}

}  // namespace rescind
