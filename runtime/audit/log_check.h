// What must hold of a stored log whenever it is opened, to append or only to read: it is what was
// acknowledged, and it goes on from what was signed before. No private key is needed for that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "runtime/audit/checkpoint.h"
#include "runtime/audit/log_reader.h"
#include "runtime/env/file_system.h"
#include "runtime/store/key_value.h"

namespace rescind {

// Where the last checkpoint is kept outside of the store, for stores that lost their end.
std::string AuditWitnessFile(const std::string& key_file);

// What lies there.
struct AuditWitness {
  bool is_there = false;
  std::string note;                            // as it was read
  std::optional<SignedCheckpoint> checkpoint;  // null when the file is missing or damaged
  std::string damage;                          // what is wrong with one that is there
};
// An error only when the file cannot be read.
Result<AuditWitness> ReadAuditWitness(const std::string& key_file, FileSystem& files);

// kCorrupt when entries that were acknowledged are missing or differ. Those from `leaves_from` on
// are hashed anew (LogReader); of the others tiles are believed.
Status CheckAcknowledged(const KeyValueReader& store, uint64_t leaves_from = UINT64_MAX);

// That the log of the name `origin` continues `earlier`, a note signed before. kCorrupt when it
// does not.
Status CheckContinues(const LogReader& reader, const std::string& origin,
                      const std::string& key_file, const std::string& earlier);
// That this checkpoint is there and undamaged, for who is about to sign. It is from when the key is
// made: without it nobody can tell whether the store goes on from what was signed. kCorrupt when it
// is not.
Status RequireWitness(const std::string& key_file, FileSystem& files);
// The same as CheckContinues for the checkpoint beside the key file; fine where there is none, or
// none that can be understood: that is the same loss, and RequireWitness tells of it.
Status CheckAgainstWitness(const LogReader& reader, const std::string& origin,
                           const std::string& key_file, FileSystem& files);

// That the private key at hand is the log's: the one in its file, or the one that a rotation that
// was cut off left beside it. kDenied when it is another's. Fine where there is none, or none that
// may be read, and where nothing was logged yet: reading needs no key.
Status CheckKeyAtHand(const LogReader& reader, const std::string& key_file, FileSystem& files);
// What to say of another's. `expected`: the log's public key.
Error ForeignKey(const std::string& key_file, const std::string& expected);
// Where a rotation writes the next key, until it is done.
std::string NextAuditKeyFile(const std::string& key_file);

// All of it, for who only reads: a checkpoint beside the key that is not for their eyes is passed
// over. `leaves_from`: as above.
Status CheckReadableLog(const KeyValueReader& store, const std::string& key_file, FileSystem& files,
                        uint64_t leaves_from = UINT64_MAX);

}  // namespace rescind
