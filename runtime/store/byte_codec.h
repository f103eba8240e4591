// ByteWriter and ByteReader: numbers and texts as bytes, and the checksum that seals them.
//
// Values are little-endian; what is part of a key is big-endian, so that keys sort by number. A
// reader never runs past the end: it notes the failure and gives zeros. It knows no format.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace rescind {

class ByteWriter {
 public:
  void Put8(uint8_t number) { bytes_.push_back(static_cast<char>(number)); }
  void Put32(uint32_t number) { PutNumber(number); }
  void Put64(uint64_t number) { PutNumber(number); }
  void PutMicros(int64_t micros) { PutNumber(static_cast<uint64_t>(micros)); }
  void PutText(std::string_view text) {
    Put32(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
  }
  void PutRaw(const void* data, size_t byte_count) {
    bytes_.append(static_cast<const char*>(data), byte_count);
  }
  std::string& bytes() { return bytes_; }

 private:
  template <typename T>
  void PutNumber(T number) {
    char raw[sizeof(T)];
    std::memcpy(raw, &number, sizeof(T));
    bytes_.append(raw, sizeof(T));
  }
  std::string bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  uint8_t Take8() { return TakeNumber<uint8_t>(); }
  uint32_t Take32() { return TakeNumber<uint32_t>(); }
  uint64_t Take64() { return TakeNumber<uint64_t>(); }
  int64_t TakeMicros() { return static_cast<int64_t>(Take64()); }
  std::string_view TakeText() { return TakeRaw(Take32()); }
  std::string_view TakeRaw(uint64_t byte_count) {
    if (byte_count > bytes_.size()) {
      failed_ = true;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, byte_count);
    bytes_.remove_prefix(byte_count);
    return taken;
  }
  // Everything was there so far.
  bool ok() const { return !failed_; }
  // Everything was there, and nothing is left.
  bool done() const { return ok() && bytes_.empty(); }
  size_t left_bytes() const { return bytes_.size(); }

 private:
  template <typename T>
  T TakeNumber() {
    T number{};
    const std::string_view raw = TakeRaw(sizeof(T));
    if (raw.size() == sizeof(T)) std::memcpy(&number, raw.data(), sizeof(T));
    return number;
  }
  std::string_view bytes_;
  bool failed_ = false;
};

// A checksum, not a signature: any change inside one aligned 8-byte word is found for certain,
// others but for one in 2^64.
uint64_t Checksum64(std::string_view bytes);
// Appends the checksum of what is there.
void Seal(std::string& bytes);
// What was sealed; nullopt when the checksum is missing or wrong.
std::optional<std::string_view> Unseal(std::string_view bytes);

void AppendBigEndian32(std::string& key, uint32_t number);
void AppendBigEndian64(std::string& key, uint64_t number);
uint32_t BigEndian32(std::string_view bytes);  // of the first four
uint64_t BigEndian64(std::string_view bytes);  // of the first eight

}  // namespace rescind
