// AuditSigningKey: the Ed25519 private key that signs checkpoints, in a file of mode 0600.
//
// The file lies outside the store, so that a copy of the store cannot sign. Its one line is
// "PRIVATE+KEY+name+hash+base64", as signed-note tools have it; the name is the log's origin.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "runtime/audit/signed_note.h"
#include "runtime/env/file_system.h"
#include "runtime/env/random.h"

namespace rescind {

class AuditSigningKey {
 public:
  // A new key for a log of that name.
  static Result<AuditSigningKey> Generate(std::string origin, Random& random);
  // kNotFound, kDenied when others may read the file, kInvalidInput when it is no such key.
  static Result<AuditSigningKey> Load(const std::string& path, FileSystem& files);
  Status Save(const std::string& path, FileSystem& files) const;

  const AuditPublicKey& public_key() const { return public_key_; }
  std::string Sign(std::string_view message) const;  // 64 bytes
  // The note of `text`, which ends with a line break, signed by this key.
  std::string SignNote(std::string text) const;

 private:
  AuditSigningKey(std::string origin, std::string_view seed);

  std::shared_ptr<void> key_;  // EVP_PKEY; OpenSSL stays in the .cc
  std::string seed_;
  AuditPublicKey public_key_;
};

// For `rescind init`: makes the key file, which must not exist, and beside it a checkpoint of the
// empty log (AuditWitnessFile of log_check.h), so that a missing one is always something to
// explain. kInvalidInput when one of a log that is not empty lies there. Returns the public key.
Result<AuditPublicKey> CreateAuditKey(const std::string& path, const std::string& origin,
                                      FileSystem& files, Random& random);

}  // namespace rescind
