#include "runtime/store/key_hash.h"

#include <doctest/doctest.h>

#include <string>

namespace rescind {

// The vectors of the reference implementation: key 00 01 … 0f, text 00 01 … (n - 1).
TEST_CASE("KeyHash is SipHash-2-4 with 128 bits") {
  const KeyHasher hasher(0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL);
  CHECK(hasher.Hash("") == KeyHash{0xe6a825ba047f81a3ULL, 0x930255c71472f66dULL});
  CHECK(hasher.Hash(std::string(1, '\0')) == KeyHash{0x44af996bd8c187daULL, 0x45fc229b11597634ULL});
}

TEST_CASE("Another secret gives another hash") {
  CHECK_FALSE(KeyHasher("a").Hash("ann") == KeyHasher("b").Hash("ann"));
}

}  // namespace rescind
