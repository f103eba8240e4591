// AuditLog: the transparency log of one store, open for appending.
//
// Leaves go into the batch of the change they tell of, so that neither exists without the other.
// Checkpoints are signed on demand; one that contradicts an earlier one is never signed. It does
// not commit: its caller does, then says so. Reading is in log_reader.h, the exported folder in
// log_export.h, the offline verifier in log_verify.h. FORMAT.md says what is stored.
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/base/sha256.h"
#include "runtime/audit/audit_event.h"
#include "runtime/env/clock.h"
#include "runtime/env/file_system.h"
#include "runtime/env/random.h"
#include "runtime/store/key_value.h"

namespace rescind {

// What the log borrows; all must outlive it.
struct AuditEnvironment {
  const KeyValueReader& reader;
  FileSystem& files;
  Clock& clock;
  Random& random;
};

struct AuditOptions {
  std::string store_id;
  // Ed25519 private key, mode 0600, made by CreateAuditKey (signing_key.h). It names the log's
  // origin. The last checkpoint signed is kept beside it, out of reach of a restored store.
  std::string key_file;
  // Goes on with the log as the store has it where that checkpoint is missing or damaged, for a
  // person who has said so. One that says something is never passed over.
  bool accepts_lost_witness = false;
};

class AuditLog {
 public:
  // Checks the store's log against its high-water mark and the key against the log. kCorrupt
  // when leaves are missing or differ, or no checkpoint, or a damaged one, lies beside the key,
  // kNotFound without the key file, kDenied when it is somebody else's key or open to others.
  static Result<std::unique_ptr<AuditLog>> Open(AuditEnvironment environment, AuditOptions options);
  virtual ~AuditLog() = default;

  // Adds one leaf to `batch`, the first leaf of a new log before it. Any number of leaves may go
  // into one batch. Until Committed or Abandoned is called, all leaves go into that batch.
  virtual Status Append(const AuditEvent& event, KeyValueBatch& batch) = 0;
  virtual void Committed() = 0;  // the batch is durable
  virtual void Abandoned() = 0;  // the batch was not written: its leaves never were

  // Committed leaves only.
  virtual uint64_t size() const = 0;
  virtual Sha256Digest root() const = 0;

  // A signed checkpoint of the committed log (a signed note). It is kept beside the key and added
  // to `batch`; publish it once that is committed. kCorrupt when the log is behind a checkpoint
  // signed earlier or contradicts one: neither is ever signed.
  virtual Result<std::string> Checkpoint(KeyValueBatch& batch) = 0;

  // Replaces the key: the new one is written beside the old, the rotation becomes a leaf signed
  // by the old key. After the commit call FinishRotation; Open finishes one that was cut off.
  virtual Status RotateKey(const std::string& trigger, KeyValueBatch& batch) = 0;
  virtual Status FinishRotation() = 0;
  // The public key as others' tools take it: "origin+hash+base64".
  virtual const std::string& public_key() const = 0;

  // Deletes from the side store every personal value that is `value`, or in which it stands as a
  // word (systems and people name others in sentences), and adds a leaf that says how many, not
  // which. Returns how many.
  virtual Result<uint64_t> Erase(const std::string& value, const std::string& trigger,
                                 KeyValueBatch& batch) = 0;
};

}  // namespace rescind
