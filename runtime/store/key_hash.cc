#include "runtime/store/key_hash.h"

#include <bit>
#include <cstring>
#include <string>

#include "engine/base/sha256.h"

namespace rescind {
namespace {

uint64_t Word(const char* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, 8);
  return word;
}

struct SipState {
  uint64_t v0, v1, v2, v3;

  void Round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void Absorb(uint64_t word) {
    v3 ^= word;
    Round();
    Round();
    v0 ^= word;
  }
  uint64_t Squeeze() {
    for (int i = 0; i < 4; ++i) Round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

KeyHasher::KeyHasher(std::string_view secret) {
  const Sha256Digest digest = Sha256(std::string("rescind key hash/1\n").append(secret));
  std::memcpy(&k0_, digest.data(), 8);
  std::memcpy(&k1_, digest.data() + 8, 8);
}

KeyHash KeyHasher::Hash(std::string_view text) const {
  SipState state{k0_ ^ 0x736f6d6570736575ULL, k1_ ^ 0x646f72616e646f6dULL ^ 0xEE,
                 k0_ ^ 0x6c7967656e657261ULL, k1_ ^ 0x7465646279746573ULL};
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) state.Absorb(Word(at));
  uint64_t last = uint64_t{text.size()} << 56;
  for (size_t i = 0; i < left; ++i) last |= uint64_t{static_cast<uint8_t>(at[i])} << (8 * i);
  state.Absorb(last);
  KeyHash hash;
  state.v2 ^= 0xEE;
  hash.low = state.Squeeze();
  state.v1 ^= 0xDD;
  hash.high = state.Squeeze();
  return hash;
}

}  // namespace rescind
