#include "runtime/audit/signing_key.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "engine/base/assert.h"
#include "runtime/audit/base64.h"
#include "runtime/audit/checkpoint.h"
#include "runtime/audit/log_check.h"
#include "runtime/audit/merkle_tree.h"

namespace rescind {
namespace {

constexpr std::string_view kPrefix = "PRIVATE+KEY+";
constexpr size_t kSeedBytes = 32;
constexpr uint64_t kMaxFileBytes = 4096;

Error BadKeyFile(const std::string& path, std::string_view why) {
  return {ErrorKind::kInvalidInput, fmt::format("{} is no audit key: {}", path, why),
          "restore the file from your backup of the secrets"};
}

}  // namespace

AuditSigningKey::AuditSigningKey(std::string origin, std::string_view seed)
    : key_(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                        reinterpret_cast<const unsigned char*>(seed.data()),
                                        seed.size()),
           [](void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); }),
      seed_(seed) {
  RESCIND_ASSERT(key_ != nullptr && seed.size() == kSeedBytes, "OpenSSL refuses the seed");
  public_key_.name = std::move(origin);
  size_t size = public_key_.bytes.size();
  const int ok = EVP_PKEY_get_raw_public_key(static_cast<EVP_PKEY*>(key_.get()),
                                             public_key_.bytes.data(), &size);
  RESCIND_ASSERT(ok == 1 && size == public_key_.bytes.size(), "OpenSSL gives no public key");
}

Result<AuditSigningKey> AuditSigningKey::Generate(std::string origin, Random& random) {
  if (!IsKeyName(origin)) {
    return Error{ErrorKind::kInvalidInput, fmt::format("\"{}\" cannot name an audit log", origin),
                 "set origin of [audit] in rescind.toml to a name of printable ASCII without "
                 "blanks or plus signs, such as \"example.org/rescind\""};
  }
  std::array<uint8_t, kSeedBytes> seed;
  random.Fill(seed);
  return AuditSigningKey(std::move(origin),
                         {reinterpret_cast<const char*>(seed.data()), seed.size()});
}

Result<AuditSigningKey> AuditSigningKey::Load(const std::string& path, FileSystem& files) {
  const auto info = files.Stat(path);
  if (!info.ok() && info.error().kind == ErrorKind::kNotFound) {
    return Error{ErrorKind::kNotFound, fmt::format("the audit key {} is missing", path),
                 "restore it from your backup of the secrets, or, for a new workspace, make one "
                 "with `rescind audit key create`"};
  }
  if (!info.ok()) return info.error();
  if ((info->mode & 077) != 0) {
    return Error{ErrorKind::kDenied,
                 fmt::format("others may read the audit key {} (mode {:04o})", path, info->mode),
                 fmt::format("run `chmod 600 {}`; if somebody may have read it, replace it with "
                             "`rescind audit key rotate`",
                             path)};
  }
  RESCIND_ASSIGN(const std::string file, files.Read(path, kMaxFileBytes));
  std::string_view text = file;
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (!text.starts_with(kPrefix)) return BadKeyFile(path, "it does not begin with PRIVATE+KEY+");
  text.remove_prefix(kPrefix.size());
  const size_t first = text.find('+');
  const size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return BadKeyFile(path, "it is cut");
  const auto bytes = DecodeBase64(text.substr(second + 1));
  if (!bytes || bytes->size() != 1 + kSeedBytes || (*bytes)[0] != '\x01') {
    return BadKeyFile(path, "it is damaged");
  }
  const std::string name(text.substr(0, first));
  if (!IsKeyName(name)) return BadKeyFile(path, "its name is damaged");
  AuditSigningKey key(name, std::string_view(*bytes).substr(1));
  if (fmt::format("{:08x}", key.public_key_.Id()) != text.substr(first + 1, second - first - 1)) {
    return BadKeyFile(path, "its hash does not fit");
  }
  return key;
}

Status AuditSigningKey::Save(const std::string& path, FileSystem& files) const {
  const std::string text =
      fmt::format("{}{}+{:08x}+{}\n", kPrefix, public_key_.name, public_key_.Id(),
                  EncodeBase64(fmt::format("\x01{}", seed_)));
  return files.WriteAtomically(path, text, kPrivateMode);
}

std::string AuditSigningKey::Sign(std::string_view message) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  std::string signature(64, '\0');
  size_t size = signature.size();
  const int ok =
      context != nullptr &&
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr,
                         static_cast<EVP_PKEY*>(key_.get())) == 1 &&
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
  RESCIND_ASSERT(ok && size == signature.size(), "Ed25519 failed");
  return signature;
}

std::string AuditSigningKey::SignNote(std::string text) const {
  RESCIND_ASSERT(text.ends_with('\n'), "the text of a note ends with a line break");
  const std::string signature = Sign(text);
  return FormatNote({std::move(text), {{public_key_.name, public_key_.Id(), signature}}});
}

namespace {

// What signed entries is no place for the key of another log.
Status RefuseOthersWitness(const std::string& witness, FileSystem& files) {
  if (!files.Exists(witness)) return {};
  RESCIND_ASSIGN(const std::string note, files.Read(witness, kMaxNoteBytes));
  const auto earlier = ParseSignedCheckpoint(note);
  if (!earlier.ok()) {
    return Error{
        ErrorKind::kInvalidInput,
        fmt::format("{} is damaged: the last checkpoint of a log that another key signed", witness),
        "put that key back from your backup of the secrets; to begin a new log with a new "
        "store, move the checkpoint away"};
  }
  if (earlier->checkpoint.size == 0) return {};
  return Error{ErrorKind::kInvalidInput,
               fmt::format("{} is the last checkpoint of a log that another key signed", witness),
               "put that key back from your backup of the secrets; to begin a new log with a new "
               "store, move the checkpoint away"};
}

}  // namespace

Result<AuditPublicKey> CreateAuditKey(const std::string& path, const std::string& origin,
                                      FileSystem& files, Random& random) {
  if (files.Exists(path)) {
    return Error{ErrorKind::kInvalidInput, fmt::format("the audit key {} exists already", path),
                 "replace it with `rescind audit key rotate`, which keeps the log verifiable"};
  }
  RESCIND_ASSIGN(const AuditSigningKey key, AuditSigningKey::Generate(origin, random));
  const std::string witness = AuditWitnessFile(path);
  RESCIND_TRY(RefuseOthersWitness(witness, files));
  // The key last: whatever is cut off before it can be done again.
  const std::string empty = FormatCheckpoint({origin, 0, EmptyTreeRoot()});
  RESCIND_TRY(files.WriteAtomically(witness, key.SignNote(empty), kPrivateMode));
  RESCIND_TRY(key.Save(path, files));
  return key.public_key();
}

}  // namespace rescind
