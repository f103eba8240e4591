#include "runtime/audit/signed_note.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "engine/base/sha256.h"
#include "runtime/audit/base64.h"

namespace rescind {
namespace {

constexpr char kEd25519 = '\x01';                    // the algorithm's number in signed notes
constexpr std::string_view kDash = "\xE2\x80\x94 ";  // an em dash and a blank
constexpr size_t kSignatureBytes = 64;
constexpr size_t kMaxSignatures = 100;
constexpr size_t kMaxNameBytes = 200;

std::string_view KeyBytes(const AuditPublicKey& key) {
  return {reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()};
}

Error NoNote(std::string_view why) {
  return {ErrorKind::kInvalidInput, fmt::format("not a signed note: {}", why),
          "give a checkpoint as `rescind audit export` writes it"};
}

Error NoKey(std::string_view why) {
  return {ErrorKind::kInvalidInput, fmt::format("not a public key: {}", why),
          "give what `rescind audit key` prints: NAME+HASH+BASE64"};
}

std::string_view Trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

Result<NoteSignature> ParseSignatureLine(std::string_view line) {
  if (!line.starts_with(kDash)) return NoNote("a signature line does not begin with a dash");
  line.remove_prefix(kDash.size());
  const size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return NoNote("a signature line has no signature");
  NoteSignature signature;
  signature.name = line.substr(0, blank);
  if (!IsKeyName(signature.name)) return NoNote("a signature has no valid key name");
  const auto bytes = DecodeBase64(line.substr(blank + 1));
  if (!bytes || bytes->size() < 5) return NoNote("a signature is no base64");
  for (int i = 0; i < 4; ++i) {
    signature.key_id = signature.key_id << 8 | static_cast<uint8_t>((*bytes)[i]);
  }
  signature.signature = bytes->substr(4);
  return signature;
}

}  // namespace

uint32_t AuditPublicKey::Id() const {
  const Sha256Digest digest = Sha256(fmt::format("{}\n{}{}", name, kEd25519, KeyBytes(*this)));
  return static_cast<uint32_t>(digest[0]) << 24 | static_cast<uint32_t>(digest[1]) << 16 |
         static_cast<uint32_t>(digest[2]) << 8 | digest[3];
}

std::string AuditPublicKey::Text() const {
  return fmt::format("{}+{:08x}+{}", name, Id(),
                     EncodeBase64(fmt::format("{}{}", kEd25519, KeyBytes(*this))));
}

bool AuditPublicKey::Verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != kSignatureBytes) return false;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size()),
      &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (key == nullptr || context == nullptr) return false;
  if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(message.data()),
                          message.size()) == 1;
}

Result<AuditPublicKey> ParsePublicKey(std::string_view text) {
  text = Trim(text);
  const size_t first = text.find('+');
  const size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return NoKey("it has no three parts");
  if (text.starts_with("PRIVATE+KEY+")) {
    return NoKey("this is the private key, which must never leave the machine that signs");
  }
  AuditPublicKey key;
  key.name = text.substr(0, first);
  if (!IsKeyName(key.name)) return NoKey("its name is empty, too long or has blanks");
  const auto bytes = DecodeBase64(text.substr(second + 1));
  if (!bytes || bytes->size() != 1 + key.bytes.size()) return NoKey("its last part is damaged");
  if ((*bytes)[0] != kEd25519) return NoKey("it is not for Ed25519");
  std::copy(bytes->begin() + 1, bytes->end(), key.bytes.begin());
  if (fmt::format("{:08x}", key.Id()) != text.substr(first + 1, second - first - 1)) {
    return NoKey("its hash does not fit its name and key");
  }
  return key;
}

bool IsKeyName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < '\x7F' && c != '+'; });
}

bool SignedNote::IsSignedBy(const AuditPublicKey& key) const {
  return std::any_of(signatures.begin(), signatures.end(), [&](const NoteSignature& signature) {
    return signature.name == key.name && signature.key_id == key.Id() &&
           key.Verify(text, signature.signature);
  });
}

std::string FormatNote(const SignedNote& note) {
  std::string bytes = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) {
    std::string payload;
    for (int shift = 24; shift >= 0; shift -= 8) {
      payload.push_back(static_cast<char>(signature.key_id >> shift & 0xFF));
    }
    payload += signature.signature;
    bytes += fmt::format("{}{} {}\n", kDash, signature.name, EncodeBase64(payload));
  }
  return bytes;
}

Result<SignedNote> ParseNote(std::string_view bytes) {
  if (bytes.empty()) return NoNote("it is empty");
  if (bytes.size() > kMaxNoteBytes) return NoNote("it is too long");
  bool has_crlf = false;
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (static_cast<unsigned char>(bytes[at]) >= ' ' || bytes[at] == '\n') continue;
    if (!bytes.substr(at).starts_with("\r\n")) return NoNote("it has control characters");
    has_crlf = true;
  }
  if (has_crlf) return NoNote("its line ends were changed to CRLF");
  // The text may have blank lines of its own: the last one separates.
  const size_t separator = bytes.rfind("\n\n");
  if (separator == std::string_view::npos) return NoNote("no blank line before the signatures");
  if (!bytes.ends_with('\n')) return NoNote("its last line is cut");
  SignedNote note;
  note.text = bytes.substr(0, separator + 1);
  std::string_view rest = bytes.substr(separator + 2);
  if (rest.empty()) return NoNote("it has no signature");
  while (!rest.empty()) {
    const size_t line_end = rest.find('\n');
    RESCIND_ASSIGN(NoteSignature signature, ParseSignatureLine(rest.substr(0, line_end)));
    note.signatures.push_back(std::move(signature));
    if (note.signatures.size() > kMaxSignatures) return NoNote("it has too many signatures");
    rest.remove_prefix(line_end + 1);
  }
  return note;
}

}  // namespace rescind
