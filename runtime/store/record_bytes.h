// RecordWriter and RecordReader: how small records of the key-value side become bytes.
//
// Planner and journal keep theirs so (their FORMAT.md). Numbers are little-endian, a text stands
// behind its length as four bytes, an optional instant is Instant::Never() when absent. A record
// begins with a version byte; nothing may follow its end. Built on ByteWriter and ByteReader,
// which know neither versions nor what a bool may be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/store/byte_codec.h"
#include "runtime/store/restore_help.h"

namespace rescind {

class RecordWriter {
 public:
  explicit RecordWriter(uint8_t version) { Byte(version); }

  void Byte(uint8_t value) { bytes_.Put8(value); }
  void Bool(bool value) { Byte(value ? 1 : 0); }
  void Number32(uint32_t value) { bytes_.Put32(value); }
  void Number64(int64_t value) { bytes_.PutMicros(value); }
  void Time(Instant instant) { Number64(instant.micros); }
  void Time(const std::optional<Instant>& instant) { Time(instant.value_or(Instant::Never())); }
  void Text(std::string_view text) { bytes_.PutText(text); }
  template <typename T, typename Write>
  void List(const std::vector<T>& items, Write write) {
    Number32(static_cast<uint32_t>(items.size()));
    for (const T& item : items) write(item);
  }
  std::string Take() { return std::move(bytes_.bytes()); }

 private:
  ByteWriter bytes_;
};

// Goes on with neutral values after the first failure; the caller asks Check() at the end.
class RecordReader {
 public:
  // `thing` names the record in errors; it outlives the reader.
  RecordReader(std::string_view bytes, uint8_t known_version, std::string_view thing)
      : rest_(bytes), thing_(thing) {
    version_ = Byte();
    newer_ = version_ > known_version;
    if (newer_ || version_ == 0) Fail();
  }

  // Of this record; at most the one that is known.
  uint8_t version() const { return version_; }

  void Fail() {
    ok_ = false;
    rest_ = ByteReader({});
  }
  uint8_t Byte() { return rest_.Take8(); }
  bool Bool() {
    const uint8_t byte = Byte();
    if (byte > 1) Fail();
    return byte == 1;
  }
  // A value of an enum that counts from 1 to `last`.
  template <typename Enum>
  Enum Choice(Enum last) {
    const uint8_t byte = Byte();
    if (byte >= 1 && byte <= static_cast<uint8_t>(last)) return static_cast<Enum>(byte);
    Fail();
    return last;
  }
  uint32_t Number32() { return rest_.Take32(); }
  int64_t Number64() { return rest_.TakeMicros(); }
  Instant Time() { return {Number64()}; }
  std::optional<Instant> OptionalTime() {
    const Instant instant = Time();
    return instant == Instant::Never() ? std::nullopt : std::optional(instant);
  }
  std::string Text() { return std::string(rest_.TakeText()); }
  // A list whose elements take at least `least_bytes` each, so that a torn length reserves nothing.
  template <typename T, typename Read>
  std::vector<T> List(size_t least_bytes, Read read) {
    std::vector<T> items;
    const uint32_t count = Number32();
    if (count > rest_.left_bytes() / least_bytes) {
      Fail();
      return items;
    }
    items.reserve(count);
    for (uint32_t i = 0; i < count && ok(); ++i) items.push_back(read());
    return items;
  }

  Status Check() const {
    if (newer_) {
      return Error{ErrorKind::kUnsupported,
                   std::string(thing_) + " was written by a newer version of rescind",
                   "use the version that wrote the store, or a later one"};
    }
    if (!ok_ || !rest_.done()) {
      return Error{ErrorKind::kCorrupt,
                   std::string(thing_) + " is not readable: its bytes are damaged", kRestoreHelp};
    }
    return {};
  }

 private:
  bool ok() const { return ok_ && rest_.ok(); }

  ByteReader rest_;
  std::string_view thing_;
  bool ok_ = true;
  uint8_t version_ = 0;
  bool newer_ = false;
};

}  // namespace rescind
