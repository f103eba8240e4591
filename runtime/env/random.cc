#include "runtime/env/random.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <vector>

#include "engine/base/assert.h"

namespace rescind {

uint64_t Random::Next() {
  std::array<uint8_t, 8> bytes;
  Fill(bytes);
  uint64_t number = 0;
  for (const uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

uint64_t Random::Below(uint64_t bound) {
  RESCIND_ASSERT(bound > 0, "there is no number below 0");
  // Numbers at or above the largest multiple of `bound` would favour small remainders: drawn again.
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  const uint64_t usable = kMax - kMax % bound;
  uint64_t number = Next();
  while (number >= usable) number = Next();
  return number % bound;
}

std::string Random::Hex(size_t byte_count) {
  std::vector<uint8_t> bytes(byte_count);
  Fill(bytes);
  std::string text;
  text.reserve(2 * byte_count);
  for (const uint8_t byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

void SystemRandom::Fill(std::span<uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = getrandom(bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    // Without randomness there are no keys and no unique ids: nothing sensible can go on.
    RESCIND_ASSERT(count > 0, "getrandom failed");
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void SeededRandom::Fill(std::span<uint8_t> bytes) {
  size_t filled = 0;
  while (filled < bytes.size()) {
    uint64_t mixed = (state_ += 0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    mixed ^= mixed >> 31;
    for (int shift = 0; shift < 64 && filled < bytes.size(); shift += 8) {
      bytes[filled++] = static_cast<uint8_t>(mixed >> shift);
    }
  }
}

}  // namespace rescind
