// RecordWriter and RecordReader: how this folder's records become bytes (FORMAT.md).
//
// Numbers are little-endian, a text stands behind its length as four bytes, an optional instant is
// Instant::Never() when absent. A record begins with a version byte; nothing may follow its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace rescind {

class RecordWriter {
 public:
  explicit RecordWriter(uint8_t version) { Byte(version); }

  void Byte(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void Bool(bool value) { Byte(value ? 1 : 0); }
  void Number32(uint32_t value) { Little(value, 4); }
  void Number64(int64_t value) { Little(static_cast<uint64_t>(value), 8); }
  void Time(Instant instant) { Number64(instant.micros); }
  void Time(const std::optional<Instant>& instant) { Time(instant.value_or(Instant::Never())); }
  void Text(std::string_view text) {
    Number32(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
  }
  template <typename T, typename Write>
  void List(const std::vector<T>& items, Write write) {
    Number32(static_cast<uint32_t>(items.size()));
    for (const T& item : items) write(item);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  void Little(uint64_t value, int byte_count) {
    for (int i = 0; i < byte_count; ++i) Byte(static_cast<uint8_t>(value >> (8 * i)));
  }
  std::string bytes_;
};

// Goes on with neutral values after the first failure; the caller asks Check() at the end.
class RecordReader {
 public:
  // `thing` names the record in errors.
  RecordReader(std::string_view bytes, uint8_t known_version, std::string_view thing)
      : rest_(bytes), thing_(thing) {
    const uint8_t version = Byte();
    newer_ = ok_ && version > known_version;
    if (newer_ || version == 0) Fail();
  }

  void Fail() {
    ok_ = false;
    rest_ = {};
  }
  uint8_t Byte() { return static_cast<uint8_t>(Little(1)); }
  bool Bool() {
    const uint8_t byte = Byte();
    if (byte > 1) Fail();
    return byte == 1;
  }
  uint32_t Number32() { return static_cast<uint32_t>(Little(4)); }
  int64_t Number64() { return static_cast<int64_t>(Little(8)); }
  Instant Time() { return {Number64()}; }
  std::optional<Instant> OptionalTime() {
    const Instant instant = Time();
    return instant == Instant::Never() ? std::nullopt : std::optional(instant);
  }
  std::string Text() {
    const uint32_t length = Number32();
    if (length > rest_.size()) {
      Fail();
      return "";
    }
    std::string text(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return text;
  }
  // A list whose elements take at least `least_bytes` each, so that a torn length reserves nothing.
  template <typename T, typename Read>
  std::vector<T> List(size_t least_bytes, Read read) {
    std::vector<T> items;
    const uint32_t count = Number32();
    if (count > rest_.size() / least_bytes) {
      Fail();
      return items;
    }
    items.reserve(count);
    for (uint32_t i = 0; i < count && ok_; ++i) items.push_back(read());
    return items;
  }

  Status Check() const {
    if (newer_) {
      return Error{ErrorKind::kUnsupported,
                   std::string(thing_) + " was written by a newer version of rescind",
                   "use the version that wrote the store, or a later one"};
    }
    if (!ok_ || !rest_.empty()) {
      return Error{ErrorKind::kCorrupt,
                   std::string(thing_) + " is not readable: its bytes are damaged",
                   "restore the store from a backup"};
    }
    return {};
  }

 private:
  uint64_t Little(size_t byte_count) {
    if (rest_.size() < byte_count) {
      Fail();
      return 0;
    }
    uint64_t value = 0;
    for (size_t i = byte_count; i > 0; --i) value = value << 8 | static_cast<uint8_t>(rest_[i - 1]);
    rest_.remove_prefix(byte_count);
    return value;
  }

  std::string_view rest_;
  std::string_view thing_;
  bool ok_ = true;
  bool newer_ = false;
};

}  // namespace rescind
