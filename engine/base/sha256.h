// SHA-256 by OpenSSL (FIPS 180-4).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace rescind {

using Sha256Digest = std::array<uint8_t, 32>;

Sha256Digest Sha256(std::string_view bytes);
std::string Sha256Hex(std::string_view bytes);  // 64 lowercase hex digits

// Hashes bytes that come in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  void Add(std::string_view bytes);
  // 64 lowercase hex digits. After it nothing is added.
  std::string Hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Hashes a list of texts so that no two different lists give the same input: each is preceded
// by its length.
class Sha256Fields {
 public:
  Sha256Fields& Add(std::string_view field);
  Sha256Fields& Add(uint64_t number);
  std::string Hex() const;

 private:
  std::string bytes_;
};

}  // namespace rescind
