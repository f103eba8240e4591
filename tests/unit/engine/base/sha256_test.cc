#include "engine/base/sha256.h"

#include <doctest/doctest.h>

namespace rescind {
namespace {

// FIPS 180-4, the examples for SHA-256.
constexpr std::string_view kOfAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view kOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST_CASE("The digests are those of the standard") {
  CHECK(Sha256Hex("abc") == kOfAbc);
  CHECK(Sha256Hex("") == kOfNothing);
}

TEST_CASE("Bytes in pieces have the digest of the whole") {
  CHECK(Sha256Stream().Hex() == kOfNothing);
  std::string whole;
  for (size_t size : {0, 1, 55, 64, 63, 1000}) {
    Sha256Stream stream;
    for (size_t i = 0; i < size; ++i) whole += static_cast<char>(i * 7);
    for (size_t at = 0; at < whole.size(); at += 37) {
      stream.Add(std::string_view(whole).substr(at, 37));
    }
    CHECK(stream.Hex() == Sha256Hex(whole));
  }
}

}  // namespace
}  // namespace rescind
