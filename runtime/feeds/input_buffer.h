// InputBuffer: a file as a moving window of bytes, so that a feed of any size is read in bounded
// memory.
//
// Record readers look at rest(), ask for More() when a record goes on beyond it, and Consume()
// what they have read. It knows nothing of records but how long one may be. Bytes beyond rest()
// may be read (not used) up to kPaddingBytes: the JSON parser does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "runtime/env/file_system.h"

namespace rescind {

// A longer record is a mistake, not data.
inline constexpr size_t kMaxRecordBytes = 1 << 20;
inline constexpr size_t kPaddingBytes = 64;

class InputBuffer {
 public:
  // `file` must outlive it.
  explicit InputBuffer(ReadableFile& file);

  // What has been read and not consumed.
  std::string_view rest() const { return {bytes_.get() + begin_, end_ - begin_}; }
  // How many bytes may be read from rest().data(): rest and padding.
  size_t readable_bytes() const { return end_ - begin_ + kPaddingBytes; }
  // The file has no more bytes than those in rest().
  bool at_end() const { return at_end_; }
  // Makes rest() longer, or sets at_end(). rest() may move. Not more than kMaxRecordBytes may be
  // in rest() before, else nothing is read.
  Status More();
  void Consume(size_t byte_count);
  // Consumes the rest of the line, bytes of any number, up to and with its line break.
  Status SkipLine();
  // Of the file, consumed so far.
  uint64_t consumed_bytes() const { return consumed_bytes_; }
  uint64_t read_bytes() const { return consumed_bytes_ + (end_ - begin_); }

 private:
  ReadableFile& file_;
  std::unique_ptr<char[]> bytes_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t consumed_bytes_ = 0;
  bool at_end_ = false;
};

// A part of a line that is too long to be held, without its line break. Whoever has looked at it
// consumes `consumed_bytes`, and asks for the next part where the line goes on.
struct LinePart {
  std::string_view text;
  size_t consumed_bytes = 0;
  bool goes_on = false;
};
Result<LinePart> ReadLinePart(InputBuffer& buffer);

// What a file is that is neither NDJSON nor CSV in UTF-8, with the remedy, from its first bytes:
// UTF-16, gzip, a workbook, a database. An ok Status when nothing speaks against it.
Status CheckBeginning(std::string_view first_bytes, const std::string& name);

// Takes a UTF-8 byte order mark from the front.
Status SkipByteOrderMark(InputBuffer& buffer);

}  // namespace rescind
