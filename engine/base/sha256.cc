#include "engine/base/sha256.h"

#include <openssl/evp.h>

#include "engine/base/assert.h"

namespace rescind {

Sha256Digest Sha256(std::string_view bytes) {
  Sha256Digest digest;
  unsigned int size = 0;
  const int ok =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  RESCIND_ASSERT(ok == 1 && size == digest.size(), "SHA-256 failed");
  return digest;
}

std::string Sha256Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(64);
  for (const uint8_t byte : Sha256(bytes)) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

Sha256Fields& Sha256Fields::Add(std::string_view field) {
  Add(field.size());
  bytes_.append(field);
  return *this;
}

Sha256Fields& Sha256Fields::Add(uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes_.push_back(static_cast<char>((number >> shift) & 0xFF));
  }
  return *this;
}

std::string Sha256Fields::Hex() const { return Sha256Hex(bytes_); }

}  // namespace rescind
