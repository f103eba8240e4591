#include "runtime/audit/log_check.h"

#include <fmt/format.h>

#include "runtime/audit/checkpoint.h"
#include "runtime/audit/merkle_tree.h"
#include "runtime/audit/signed_note.h"
#include "runtime/audit/signing_key.h"
#include "runtime/store/restore_help.h"

namespace rescind {

std::string AuditWitnessFile(const std::string& key_file) { return key_file + ".checkpoint"; }

Result<AuditWitness> ReadAuditWitness(const std::string& key_file, FileSystem& files) {
  const std::string file = AuditWitnessFile(key_file);
  AuditWitness witness;
  witness.is_there = files.Exists(file);
  if (!witness.is_there) return witness;
  RESCIND_ASSIGN(const FileInfo info, files.Stat(file));
  if (info.size_bytes > kMaxNoteBytes) {
    witness.damage = "it is too long";
    return witness;
  }
  RESCIND_ASSIGN(witness.note, files.Read(file, kMaxNoteBytes));
  auto parsed = ParseSignedCheckpoint(witness.note);
  if (parsed.ok()) {
    witness.checkpoint = *std::move(parsed);
  } else {
    witness.damage = parsed.error().message;
  }
  return witness;
}

Status CheckAcknowledged(const KeyValueReader& store, uint64_t leaves_from) {
  const LogReader reader(store, leaves_from);
  RESCIND_ASSIGN(const uint64_t size, reader.Size());
  const AuditMark mark = store.audit_mark();
  if (mark.size > size) {
    return Error{ErrorKind::kCorrupt,
                 fmt::format("the audit log has {} entries, {} were acknowledged", size, mark.size),
                 "the store lost data: restore it from a backup"};
  }
  if (mark.size == 0) return {};
  RESCIND_ASSIGN(const TreeHash root, RootAt(mark.size, reader));
  if (root != mark.root) {
    return Error{ErrorKind::kCorrupt, "the audit log differs from what was acknowledged",
                 "the store was altered: restore it from a backup"};
  }
  return {};
}

Status CheckContinues(const LogReader& reader, const std::string& origin,
                      const std::string& key_file, const std::string& earlier) {
  RESCIND_ASSIGN(const SignedCheckpoint before, ParseSignedCheckpoint(earlier));
  RESCIND_ASSIGN(const uint64_t size, reader.Size());
  const Checkpoint& checkpoint = before.checkpoint;
  if (checkpoint.origin != origin) {
    return Error{ErrorKind::kCorrupt,
                 fmt::format("the last checkpoint is of the log {}, this log is {}",
                             checkpoint.origin, origin),
                 fmt::format("put the key and {} of this log back", AuditWitnessFile(key_file))};
  }
  if (checkpoint.size > size) {
    return Error{ErrorKind::kCorrupt,
                 fmt::format("the audit log has {} entries, but a checkpoint over {} was signed "
                             "before: entries are lost",
                             size, checkpoint.size),
                 fmt::format("was the store restored from an old backup, or deleted? Restore a "
                             "newer one. To begin a new log with a new store, move {} and {} away "
                             "and run `rescind audit key create`",
                             key_file, AuditWitnessFile(key_file))};
  }
  RESCIND_ASSIGN(const TreeHash root, RootAt(checkpoint.size, reader));
  if (root != checkpoint.root) {
    return Error{ErrorKind::kCorrupt,
                 fmt::format("the first {} entries of the audit log differ from those of an "
                             "earlier signed checkpoint",
                             checkpoint.size),
                 "the store was altered or replaced: restore it from a backup, and keep this one "
                 "for the investigation"};
  }
  return {};
}

Status RequireWitness(const std::string& key_file, FileSystem& files) {
  RESCIND_ASSIGN(const AuditWitness witness, ReadAuditWitness(key_file, files));
  if (witness.checkpoint) return {};
  return Error{
      ErrorKind::kCorrupt,
      fmt::format("{} is {}, the last checkpoint signed of the audit log: without it an older copy "
                  "of the store, or a new one, could go on under the same key and sign another "
                  "history",
                  AuditWitnessFile(key_file),
                  witness.is_there ? fmt::format("damaged ({})", witness.damage) : "missing"),
      "put it back, from a backup or as a copy of the file `checkpoint` of the newest export that "
      "anybody holds. If it is lost for good, or an earlier version made this workspace and "
      "nothing was ever applied, `rescind audit key accept` takes the log as the store has it now"};
}

Status CheckAgainstWitness(const LogReader& reader, const std::string& origin,
                           const std::string& key_file, FileSystem& files) {
  RESCIND_ASSIGN(const AuditWitness witness, ReadAuditWitness(key_file, files));
  if (!witness.checkpoint) return {};
  Status status = CheckContinues(reader, origin, key_file, witness.note);
  if (!status.ok()) return std::move(status).error().In(AuditWitnessFile(key_file));
  return {};
}

std::string NextAuditKeyFile(const std::string& key_file) { return key_file + ".next"; }

Error ForeignKey(const std::string& key_file, const std::string& expected) {
  return {ErrorKind::kDenied, fmt::format("{} is not the key of this store's audit log", key_file),
          fmt::format("the log expects the private key of {}", expected)};
}

Status CheckKeyAtHand(const LogReader& reader, const std::string& key_file, FileSystem& files) {
  RESCIND_ASSIGN(const auto expected, reader.PublicKey());
  if (!expected) return {};
  const auto key = AuditSigningKey::Load(key_file, files);
  if (!key.ok() || key->public_key().Text() == *expected) return {};
  const auto next = AuditSigningKey::Load(NextAuditKeyFile(key_file), files);
  if (next.ok() && next->public_key().Text() == *expected) return {};
  return ForeignKey(key_file, *expected);
}

Status CheckReadableLog(const KeyValueReader& store, const std::string& key_file, FileSystem& files,
                        uint64_t leaves_from) {
  RESCIND_TRY(CheckAcknowledged(store, leaves_from));
  const LogReader reader(store, leaves_from);
  RESCIND_ASSIGN(const uint64_t size, reader.Size());
  if (size == 0) return {};
  RESCIND_ASSIGN(const auto text, reader.PublicKey());
  if (!text) {
    return Error{ErrorKind::kCorrupt,
                 fmt::format("the store has an audit log of {} entries, but not the public key "
                             "that checks them",
                             size),
                 kRestoreHelp};
  }
  auto key = ParsePublicKey(*text);
  if (!key.ok()) return std::move(key).error().In("the public key of the audit log in the store");
  Status witnessed = CheckAgainstWitness(reader, key->name, key_file, files);
  if (!witnessed.ok() && witnessed.error().kind != ErrorKind::kDenied) return witnessed;
  RESCIND_ASSIGN(const auto last, reader.LastCheckpoint());
  return last ? CheckContinues(reader, key->name, key_file, *last) : Status();
}

}  // namespace rescind
