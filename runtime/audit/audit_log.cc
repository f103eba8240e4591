// Leaves that are appended but not committed are held as a second tree state beside the committed
// one: Committed() makes it the committed one, Abandoned() drops it. Example: 3 leaves committed,
// two appended: size() is 3, and the batch holds leaves 3 and 4 and the mark {5, root of 5}.
//
// Never sign what contradicts an earlier checkpoint: the last one is kept twice, in the store and
// in a file beside the key, and the root at its size is computed again before each signature.
#include "runtime/audit/audit_log.h"

#include <fmt/format.h>

#include <cctype>

#include "engine/base/assert.h"
#include "runtime/audit/base64.h"
#include "runtime/audit/checkpoint.h"
#include "runtime/audit/leaf.h"
#include "runtime/audit/log_check.h"
#include "runtime/audit/log_reader.h"
#include "runtime/audit/merkle_tree.h"
#include "runtime/audit/signing_key.h"
#include "runtime/audit/tile.h"

namespace rescind {

namespace {

struct TreeState {
  TileEdge edge;
  TreeFrontier frontier;
  std::string public_key;  // as the store has it; empty for a new log
};

Result<TreeState> LoadTree(const LogReader& reader, uint64_t size) {
  TreeState state;
  RESCIND_ASSIGN(state.edge, reader.Edge(size));
  RESCIND_ASSIGN(state.frontier, TreeFrontier::At(size, reader));
  RESCIND_ASSIGN(auto key, reader.PublicKey());
  state.public_key = key.value_or("");
  return state;
}

bool IsLetter(char c) {
  return static_cast<uint8_t>(c) >= 0x80 || std::isalnum(static_cast<uint8_t>(c)) != 0;
}

// "ann" names her in "uid=ann: not locked", and not in "joanna: not locked".
bool Names(const std::string& text, const std::string& value) {
  if (value.empty()) return text.empty();
  for (size_t at = text.find(value); at != text.npos; at = text.find(value, at + 1)) {
    const size_t end = at + value.size();
    const bool begins = at == 0 || !IsLetter(text[at - 1]) || !IsLetter(value.front());
    const bool ends = end == text.size() || !IsLetter(text[end]) || !IsLetter(value.back());
    if (begins && ends) return true;
  }
  return false;
}

class StoredAuditLog final : public AuditLog {
 public:
  StoredAuditLog(AuditEnvironment environment, AuditOptions options, AuditSigningKey key,
                 TreeState state)
      : environment_(environment),
        options_(std::move(options)),
        reader_(environment.reader),
        key_(std::move(key)),
        public_key_text_(key_.public_key().Text()),
        committed_(std::move(state)) {}

  Status Append(const AuditEvent& event, KeyValueBatch& batch) override {
    Begin();
    if (pending_->edge.size() == 0) RESCIND_TRY(AppendFirstLeaf(event.at, batch));
    return AppendLeaf(event, batch);
  }

  void Committed() override {
    if (!pending_) return;
    committed_ = *std::move(pending_);
    pending_.reset();
  }

  void Abandoned() override {
    pending_.reset();
    next_key_.reset();
  }

  uint64_t size() const override { return committed_.edge.size(); }
  Sha256Digest root() const override { return committed_.frontier.Root(); }
  const std::string& public_key() const override { return public_key_text_; }

  Result<std::string> Checkpoint(KeyValueBatch& batch) override;
  Status RotateKey(const std::string& trigger, KeyValueBatch& batch) override;
  Status FinishRotation() override;
  Result<uint64_t> Erase(const std::string& value, const std::string& trigger,
                         KeyValueBatch& batch) override;

  Status CheckWitness() const {
    if (!options_.accepts_lost_witness) {
      RESCIND_TRY(RequireWitness(options_.key_file, environment_.files));
    }
    return CheckAgainstWitness(reader_, origin(), options_.key_file, environment_.files);
  }

 private:
  const std::string& origin() const { return key_.public_key().name; }
  std::string NextKeyFile() const { return NextAuditKeyFile(options_.key_file); }

  void Begin() {
    if (!pending_) pending_ = committed_;
  }
  Status AppendFirstLeaf(Instant at, KeyValueBatch& batch);
  Status AppendLeaf(const AuditEvent& event, KeyValueBatch& batch);

  AuditEnvironment environment_;
  AuditOptions options_;
  LogReader reader_;
  AuditSigningKey key_;
  std::string public_key_text_;
  TreeState committed_;
  std::optional<TreeState> pending_;
  std::optional<AuditSigningKey> next_key_;  // rotation appended, not finished
};

Status StoredAuditLog::AppendFirstLeaf(Instant at, KeyValueBatch& batch) {
  AuditEvent created;
  created.kind = AuditKind::kLogCreated;
  created.at = at;
  created.details["public_key"] = {public_key_text_, false};
  batch.Put(kPublicKeyName, public_key_text_);
  pending_->public_key = public_key_text_;
  return AppendLeaf(created, batch);
}

Status StoredAuditLog::AppendLeaf(const AuditEvent& event, KeyValueBatch& batch) {
  const EncodedLeaf encoded = EncodeLeaf(event, options_.store_id, environment_.random);
  const uint64_t index = pending_->edge.size();
  const TreeHash hash = LeafHash(encoded.leaf);
  batch.Put(NumberKey(kLeafPrefix, index), encoded.leaf);
  if (!encoded.beside.empty()) batch.Put(NumberKey(kBesidePrefix, index), encoded.beside);
  RESCIND_ASSERT(encoded.personal.size() <= UINT16_MAX, "too many personal values in one entry");
  for (size_t n = 0; n < encoded.personal.size(); ++n) {
    batch.Put(PersonalKey(index, static_cast<uint16_t>(n)), EncodePersonal(encoded.personal[n]));
  }
  pending_->edge.Append(hash, [&](uint32_t level, uint64_t tile, const auto& hashes) {
    batch.Put(TileKey(level, tile), EncodeTile(hashes));
  });
  pending_->frontier.Append(hash);
  batch.SetAuditMark({pending_->edge.size(), pending_->frontier.Root()});
  return {};
}

Result<std::string> StoredAuditLog::Checkpoint(KeyValueBatch& batch) {
  RESCIND_ASSERT(!next_key_, "finish the rotation before the next checkpoint");
  RESCIND_TRY(CheckWitness());
  RESCIND_ASSIGN(const auto last, reader_.LastCheckpoint());
  if (last) RESCIND_TRY(CheckContinues(reader_, origin(), options_.key_file, *last));
  const std::string note = key_.SignNote(FormatCheckpoint({origin(), size(), root()}));
  // Outside the store first: had the store the only copy, restoring it would forget it.
  RESCIND_TRY(
      environment_.files.WriteAtomically(AuditWitnessFile(options_.key_file), note, kPrivateMode));
  batch.Put(NumberKey(kCheckpointPrefix, size()), note);
  return note;
}

Status StoredAuditLog::RotateKey(const std::string& trigger, KeyValueBatch& batch) {
  RESCIND_ASSERT(!next_key_, "one rotation at a time");
  RESCIND_ASSIGN(AuditSigningKey next,
                 AuditSigningKey::Generate(key_.public_key().name, environment_.random));
  RESCIND_TRY(next.Save(NextKeyFile(), environment_.files));
  Begin();
  const Instant now = environment_.clock.Now();
  if (pending_->edge.size() == 0) RESCIND_TRY(AppendFirstLeaf(now, batch));
  const std::string to = next.public_key().Text();
  const std::string statement = RotationStatement(public_key_text_, to, pending_->edge.size());
  AuditEvent rotated;
  rotated.kind = AuditKind::kKeyRotated;
  rotated.at = now;
  rotated.trigger = trigger;
  rotated.details["from"] = {public_key_text_, false};
  rotated.details["to"] = {to, false};
  rotated.details["signature"] = {EncodeBase64(key_.Sign(statement)), false};
  RESCIND_TRY(AppendLeaf(rotated, batch));
  batch.Put(kPublicKeyName, to);
  pending_->public_key = to;
  next_key_ = std::move(next);
  return {};
}

Status StoredAuditLog::FinishRotation() {
  RESCIND_ASSERT(next_key_ && !pending_, "commit the rotation first");
  RESCIND_TRY(environment_.files.Rename(NextKeyFile(), options_.key_file));
  key_ = *std::move(next_key_);
  next_key_.reset();
  public_key_text_ = key_.public_key().Text();
  const size_t slash = options_.key_file.rfind('/');
  return environment_.files.SyncDirectory(
      slash == std::string::npos ? "." : options_.key_file.substr(0, slash));
}

Result<uint64_t> StoredAuditLog::Erase(const std::string& value, const std::string& trigger,
                                       KeyValueBatch& batch) {
  std::vector<std::string> keys;
  RESCIND_TRY(environment_.reader.Scan(kPersonalPrefix, "",
                                       [&](std::string_view key, std::string_view bytes) {
                                         const auto personal = DecodePersonal(bytes);
                                         if (personal && Names(personal->value, value)) {
                                           keys.emplace_back(key);
                                         }
                                         return true;
                                       }));
  if (keys.empty()) return uint64_t{0};
  for (const std::string& key : keys) batch.Delete(key);
  AuditEvent erased;
  erased.kind = AuditKind::kErased;
  erased.at = environment_.clock.Now();
  erased.trigger = trigger;
  erased.details["count"] = {fmt::format("{}", keys.size()), false};
  RESCIND_TRY(Append(erased, batch));
  return keys.size();
}

// The key that the log goes on with: the file's, or the one that a cut-off rotation left beside
// it.
Result<AuditSigningKey> LoadKey(const AuditOptions& options, const std::string& expected,
                                FileSystem& files) {
  RESCIND_ASSIGN(AuditSigningKey key, AuditSigningKey::Load(options.key_file, files));
  if (expected.empty() || key.public_key().Text() == expected) return key;
  const std::string next_file = NextAuditKeyFile(options.key_file);
  if (files.Exists(next_file)) {
    RESCIND_ASSIGN(AuditSigningKey next, AuditSigningKey::Load(next_file, files));
    if (next.public_key().Text() == expected) {
      RESCIND_TRY(files.Rename(next_file, options.key_file));
      return next;
    }
  }
  return ForeignKey(options.key_file, expected);
}

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::Open(AuditEnvironment environment,
                                                 AuditOptions options) {
  const LogReader reader(environment.reader);
  RESCIND_ASSIGN(const uint64_t size, reader.Size());
  RESCIND_ASSIGN(TreeState state, LoadTree(reader, size));
  RESCIND_TRY(CheckAcknowledged(environment.reader));
  RESCIND_ASSIGN(AuditSigningKey key, LoadKey(options, state.public_key, environment.files));
  auto log = std::make_unique<StoredAuditLog>(environment, std::move(options), std::move(key),
                                              std::move(state));
  RESCIND_TRY(log->CheckWitness());
  return std::unique_ptr<AuditLog>(std::move(log));
}

}  // namespace rescind
