#include "runtime/audit/base64.h"

#include <openssl/evp.h>

#include "engine/base/assert.h"

namespace rescind {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 24;  // far from what OpenSSL's int can count

const unsigned char* Unsigned(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Unsigned(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

std::string EncodeBase64(std::string_view bytes) {
  RESCIND_ASSERT(bytes.size() <= kMaxBytes, "too long for base64");
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL adds a NUL
  const int size = EVP_EncodeBlock(Unsigned(text), Unsigned(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > kMaxBytes) return std::nullopt;
  if (text.empty()) return "";
  std::string bytes(text.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(Unsigned(bytes), Unsigned(text), static_cast<int>(text.size())) < 0) {
    return std::nullopt;
  }
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(bytes.size() - padding);
  // OpenSSL forgives blanks, misplaced padding and stray bits; a second text for the same bytes
  // would be an edit that a digest of the bytes does not see.
  if (EncodeBase64(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace rescind
