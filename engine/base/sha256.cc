#include "engine/base/sha256.h"

#include <openssl/evp.h>

#include "engine/base/assert.h"

namespace rescind {

namespace {

// Looked up once: OpenSSL searches its providers at every look-up.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  RESCIND_ASSERT(algorithm, "OpenSSL has no SHA-256");
  return algorithm;
}

std::string HexOf(const Sha256Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const uint8_t byte : digest) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

}  // namespace

Sha256Digest Sha256(std::string_view bytes) {
  Sha256Digest digest;
  unsigned int size = 0;
  const int ok = EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, Algorithm(), nullptr);
  RESCIND_ASSERT(ok == 1 && size == digest.size(), "SHA-256 failed");
  return digest;
}

std::string Sha256Hex(std::string_view bytes) { return HexOf(Sha256(bytes)); }

struct Sha256Stream::Context {
  EVP_MD_CTX* state = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(state); }
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) {
  const int ok = EVP_DigestInit_ex(context_->state, Algorithm(), nullptr);
  RESCIND_ASSERT(ok == 1, "SHA-256 failed");
}

Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Add(std::string_view bytes) {
  const int ok = EVP_DigestUpdate(context_->state, bytes.data(), bytes.size());
  RESCIND_ASSERT(ok == 1, "SHA-256 failed");
}

std::string Sha256Stream::Hex() {
  Sha256Digest digest;
  unsigned int size = 0;
  const int ok = EVP_DigestFinal_ex(context_->state, digest.data(), &size);
  RESCIND_ASSERT(ok == 1 && size == digest.size(), "SHA-256 failed");
  return HexOf(digest);
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
