// KeyHash: 128 bits that stand for the id of a row, keyed by the store's secret.
//
// SipHash-2-4 with a 128-bit result: nobody who lacks the secret can make two ids collide, so the
// equality of all bits is identity.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rescind {

struct KeyHash {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const KeyHash&) const = default;
};

class KeyHasher {
 public:
  // `secret` of any length is digested to the key.
  explicit KeyHasher(std::string_view secret);
  // The key itself: 16 bytes, as two little-endian words.
  KeyHasher(uint64_t k0, uint64_t k1) : k0_(k0), k1_(k1) {}

  KeyHash Hash(std::string_view text) const;

 private:
  uint64_t k0_ = 0;
  uint64_t k1_ = 0;
};

}  // namespace rescind
