// The checksum keeps four lanes so that the processor multiplies in parallel:
//   lane = (lane ^ word) * odd, then rotated; at the end the lanes are folded into one number.
// Every step is a bijection of the lane, so one changed word always changes the result.
#include "runtime/store/byte_codec.h"

#include <bit>

namespace rescind {
namespace {

constexpr uint64_t kOdd1 = 0x9E3779B185EBCA87ULL;
constexpr uint64_t kOdd2 = 0xC2B2AE3D27D4EB4FULL;

uint64_t Word(const char* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, 8);
  return word;
}

uint64_t Step(uint64_t lane, uint64_t word) { return std::rotl((lane ^ word) * kOdd1, 31); }

}  // namespace

uint64_t Checksum64(std::string_view bytes) {
  uint64_t lanes[4] = {kOdd1, kOdd2, kOdd1 ^ kOdd2, ~kOdd1};
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 32; left -= 32, at += 32) {
    for (int i = 0; i < 4; ++i) lanes[i] = Step(lanes[i], Word(at + 8 * i));
  }
  for (; left >= 8; left -= 8, at += 8) lanes[0] = Step(lanes[0], Word(at));
  uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, at, left);
  uint64_t sum = Step(bytes.size() * kOdd2, tail);
  for (const uint64_t lane : lanes) sum = Step(sum, lane) * kOdd2;
  return sum ^ (sum >> 29);
}

void Seal(std::string& bytes) {
  const uint64_t sum = Checksum64(bytes);
  char raw[8];
  std::memcpy(raw, &sum, 8);
  bytes.append(raw, 8);
}

std::optional<std::string_view> Unseal(std::string_view bytes) {
  if (bytes.size() < 8) return std::nullopt;
  const std::string_view body = bytes.substr(0, bytes.size() - 8);
  if (Word(bytes.data() + body.size()) != Checksum64(body)) return std::nullopt;
  return body;
}

void AppendBigEndian32(std::string& key, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
}

void AppendBigEndian64(std::string& key, uint64_t number) {
  AppendBigEndian32(key, static_cast<uint32_t>(number >> 32));
  AppendBigEndian32(key, static_cast<uint32_t>(number));
}

uint32_t BigEndian32(std::string_view bytes) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) number = (number << 8) | static_cast<uint8_t>(bytes[i]);
  return number;
}

uint64_t BigEndian64(std::string_view bytes) {
  return (uint64_t{BigEndian32(bytes)} << 32) | BigEndian32(bytes.substr(4));
}

}  // namespace rescind
