// Opening: the lock first, then the mark, which knows what was acknowledged, then RocksDB, and
// then what RocksDB came up with is held against the mark.
#include <fmt/format.h>

#include "runtime/store/byte_codec.h"
#include "runtime/store/column_chunk.h"
#include "runtime/store/field_traces.h"
#include "runtime/store/restore_help.h"
#include "runtime/store/rocks_store.h"
#include "runtime/store/store_layout.h"
#include "runtime/store/stored_schema.h"

namespace rescind {
namespace {

constexpr uint8_t kIdentityFormat = 1;
constexpr size_t kIdBytes = 16;
constexpr size_t kSecretBytes = 32;

Error LostData(std::string what) {
  return Error{ErrorKind::kCorrupt, std::move(what), kRestoreHelp};
}

Error NoStore(const std::string& path) {
  return Error{ErrorKind::kNotFound, fmt::format("there is no store at {}", path),
               "import facts first, or correct `store` in rescind.toml"};
}

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const std::string& path,
                                           std::shared_ptr<const Schema> schema,
                                           StoreEnvironment environment, StoreOptions options) {
  RESCIND_ASSIGN(auto store, RocksStore::Open(path, std::move(schema), environment, options));
  return std::unique_ptr<Store>(std::move(store));
}

Result<std::unique_ptr<RocksStore>> RocksStore::Open(const std::string& path,
                                                     std::shared_ptr<const Schema> schema,
                                                     StoreEnvironment environment,
                                                     StoreOptions options) {
  FileSystem& files = environment.files;
  std::unique_ptr<RocksStore> store(new RocksStore(path, std::move(schema), environment, options));
  const bool creates = store->creates();
  if (!creates && !files.Exists(path)) return NoStore(path);
  if (options.read_only) {
    RESCIND_ASSIGN(store->lock_, files.LockShared(path + "/LOCK"));
  } else {
    RESCIND_TRY(store->NeedRoomToOpen());
    // The folder itself may have been made by somebody else, and be open to others.
    RESCIND_TRY(files.MakeDirectories(path, 0700));
    if (creates) RESCIND_TRY(files.MakeDirectories(path + "/db", 0700));
    RESCIND_ASSIGN(store->lock_, files.Lock(path + "/LOCK"));
  }
  RESCIND_TRY(store->OpenDatabase());
  return store;
}

// Opening turns what the log holds into tables.
Status RocksStore::NeedRoomToOpen() const {
  uint64_t bytes = kOpenRoomBytes;
  FileSystem& files = environment_.files;
  if (files.Exists(path_ + "/db")) {
    RESCIND_ASSIGN(const auto logs, files.ListRecursively(path_ + "/db", ".log"));
    for (const std::string& log : logs) {
      const auto info = files.Stat(log);
      if (info.ok()) bytes += info->size_bytes;
    }
  }
  return guard_.NeedRoom(bytes, "nothing was changed");
}

Status RocksStore::OpenDatabase() {
  const std::string mark_path = path_ + "/MARK";
  const std::string database_path = path_ + "/db";
  RESCIND_ASSIGN(const auto mark, HighWaterMark::Read(mark_path));
  const bool existed = environment_.files.Exists(database_path + "/CURRENT");
  if (mark && !existed) {
    return LostData(fmt::format("store {} has a mark but no data", path_));
  }
  if (!mark && !existed && !creates()) return NoStore(path_);
  // Without a mark nothing was acknowledged: whatever is there is an unfinished creation.
  Database::Disk disk{guard_};
  if (StoreFaults* faults = options_.faults) {
    disk.fails_next = [faults] { return faults->FailNextWrite(); };
  }
  const auto access = options_.read_only ? Database::Access::kRead
                      : mark             ? Database::Access::kChange
                                         : Database::Access::kCreate;
  RESCIND_ASSIGN(database_, Database::Open(database_path, access, std::move(disk)));
  RESCIND_ASSIGN(const uint32_t format, ReadFormat());
  RESCIND_TRY(CheckHead(mark, existed));
  RESCIND_TRY(CheckFamilies(format));
  rocksdb::WriteBatch batch;
  if (head_.commit_number > 0) {
    RESCIND_TRY(LoadIdentity());
    if (format < kStoreFormat) RaiseFormat(batch, format);
  } else if (options_.read_only || options_.without_facts) {
    return NoStore(path_);
  } else {
    RESCIND_TRY(CreateIdentity(batch));
  }
  if (!options_.without_facts) {
    RESCIND_TRY(AdmitSchema(batch));
    RESCIND_ASSIGN(state_, StoreState::Load(*database_, schema_, numbers_, secret_, head_));
    unfolded_bytes_ = state_->replayed_bytes();
  }
  if (!options_.read_only) RESCIND_TRY(BecomeOwner(batch, mark));
  extra_reader_ = std::make_unique<ExtraReader>(*database_, head_);
  return {};
}

// `batch`: what opening itself changes. A reader leaves that to the next owner.
Status RocksStore::BecomeOwner(rocksdb::WriteBatch& batch, const std::optional<MarkState>& mark) {
  RESCIND_ASSIGN(mark_, HighWaterMark::Open(path_ + "/MARK"));
  MarkState next = head_;
  if (options_.for_execution) ++next.epoch;
  if (batch.Count() > 0 || options_.for_execution) {
    RESCIND_TRY(WriteDurably(batch, next));
  } else if (!mark || mark->commit_number != head_.commit_number) {
    // An unacknowledged tail is ours now.
    RESCIND_TRY(mark_->Write(head_));
  }
  return environment_.files.SyncDirectory(path_);
}

Result<uint32_t> RocksStore::ReadFormat() const {
  RESCIND_ASSIGN(const auto bytes, database_->Get(Family::kState, kFormatKey));
  if (!bytes) return kStoreFormat;  // it is being made
  ByteReader reader(*bytes);
  const uint32_t number = reader.Take32();
  if (!reader.done() || number == 0) return CorruptRecord("the format of the store");
  if (number <= kStoreFormat) return number;
  return Error{ErrorKind::kUnsupported,
               fmt::format("store {} has format {}, and this program knows formats up to {}", path_,
                           number, kStoreFormat),
               "use the newer version of rescind that wrote it"};
}

void RocksStore::PutFormat(rocksdb::WriteBatch& batch) const {
  ByteWriter format;
  format.Put32(kStoreFormat);
  database_->Put(batch, Family::kState, kFormatKey, format.bytes());
}

void RocksStore::RaiseFormat(rocksdb::WriteBatch& batch, uint32_t format) const {
  PutFormat(batch);
  if (format >= kCountedFormat) return;
  // From now on the state counts its commits too.
  std::string number;
  AppendBigEndian64(number, head_.commit_number);
  database_->Put(batch, Family::kState, kCommitKey, number);
}

Status RocksStore::CheckHead(const std::optional<MarkState>& mark, bool existed) {
  RESCIND_ASSIGN(const auto bytes, database_->Get(Family::kState, kHeadKey));
  if (bytes) {
    const auto body = Unseal(*bytes);
    const auto head = body ? MarkState::Decode(*body) : std::nullopt;
    if (!head) return CorruptRecord("the head of the store");
    head_ = *head;
  }
  if (!mark) {
    if (!existed || head_.commit_number <= 1) return {};
    return LostData(
        fmt::format("the mark of store {} is missing, so nobody can tell whether the "
                    "store is whole",
                    path_));
  }
  if (mark->store_id != head_.store_id && head_.commit_number > 0) {
    return LostData(fmt::format("the mark of store {} belongs to another store", path_));
  }
  if (head_.commit_number < mark->commit_number) {
    return LostData(fmt::format("store {} has lost commits: {} were acknowledged, {} are there",
                                path_, mark->commit_number, head_.commit_number));
  }
  const bool same = head_.commit_number == mark->commit_number;
  if (head_.facts_seq < mark->facts_seq || head_.audit.size < mark->audit.size ||
      head_.epoch < mark->epoch || (same && !(head_.audit == mark->audit))) {
    return LostData(fmt::format("store {} contradicts its mark", path_));
  }
  return {};
}

// A manifest that lost its end can bring one family up older than the others. A log that lost its
// end takes commits away from the families that still need it, but not the later ones in the logs
// after it, and RocksDB opens as if nothing had been lost.
Status RocksStore::CheckFamilies(uint32_t format) const {
  for (const Family family : kFamilies) {
    if (family == Family::kState && format < kCountedFormat) continue;
    RESCIND_ASSIGN(const auto bytes, database_->Get(family, kCommitKey));
    const uint64_t number = bytes && bytes->size() == 8 ? BigEndian64(*bytes) : 0;
    if (number == head_.commit_number) continue;
    return LostData(fmt::format("store {} has lost commits: one part has {} of {}", path_, number,
                                head_.commit_number));
  }
  return {};
}

Status RocksStore::CreateIdentity(rocksdb::WriteBatch& batch) {
  head_.store_id = environment_.random.Hex(kIdBytes);
  secret_.resize(kSecretBytes);
  environment_.random.Fill(std::span(reinterpret_cast<uint8_t*>(secret_.data()), secret_.size()));
  ByteWriter identity;
  identity.Put8(kIdentityFormat);
  identity.PutText(head_.store_id);
  identity.PutText(secret_);
  Seal(identity.bytes());
  database_->Put(batch, Family::kState, kIdentityKey, identity.bytes());
  PutFormat(batch);
  return {};
}

Status RocksStore::LoadIdentity() {
  RESCIND_ASSIGN(const auto bytes, database_->Get(Family::kState, kIdentityKey));
  const auto body = bytes ? Unseal(*bytes) : std::nullopt;
  if (!body) return CorruptRecord("the identity of the store");
  ByteReader reader(*body);
  const uint8_t format = reader.Take8();
  const std::string_view id = reader.TakeText();
  secret_ = reader.TakeText();
  if (format != kIdentityFormat || !reader.done() || id != head_.store_id ||
      secret_.size() != kSecretBytes) {
    return CorruptRecord("the identity of the store");
  }
  return {};
}

Status RocksStore::AdmitSchema(rocksdb::WriteBatch& batch) {
  RESCIND_ASSIGN(const auto bytes, database_->Get(Family::kState, kSchemaKey));
  StoredSchema stored;
  if (bytes) {
    RESCIND_ASSIGN(stored, StoredSchema::Decode(*bytes));
  } else if (head_.commit_number > 0) {
    return CorruptRecord("the schema of the store");
  }
  bool changed = !bytes;
  for (const StoredSchema::Orphan& orphan : stored.FindOrphans(*schema_)) {
    RESCIND_TRY(LetGo(orphan, batch));
    stored.Forget(orphan);
    changed = true;
  }
  numbers_ = stored.Admit(*schema_, changed);
  if (changed) database_->Put(batch, Family::kState, kSchemaKey, stored.Encode());
  return {};
}

// What the schema cannot read goes where it holds nothing: a name that was mistyped once must not
// have to be declared for ever. Facts are never dropped with it.
Status RocksStore::LetGo(const StoredSchema::Orphan& orphan, rocksdb::WriteBatch& batch) const {
  if (!orphan.field) {
    RESCIND_ASSIGN(const bool has_rows, HasRows(*database_, head_.facts_seq, orphan.entity));
    if (!has_rows) return {};
    return Error{ErrorKind::kUnsupported, orphan.what + ": it has rows of it", orphan.help};
  }
  RESCIND_ASSIGN(const FieldTraces traces, FindTraces(*database_, head_.facts_seq, orphan.entity,
                                                      *orphan.field, orphan.kind));
  if (traces.row_count == 0 && !traces.last_seen) {
    return EraseField(*database_, batch, orphan.entity, *orphan.field);
  }
  if (traces.row_count > 0) {
    return Error{
        ErrorKind::kUnsupported,
        fmt::format("{}: {} {} of it, removed rows counted too", orphan.what, traces.row_count,
                    traces.row_count == 1 ? "row has a value" : "rows have values"),
        fmt::format("{}; to be rid of it, make it unknown in every row (import `null` for "
                    "it), and take it out once the history ([history] max_age in "
                    "rescind.toml) holds no value of it either",
                    orphan.help)};
  }
  return Error{
      ErrorKind::kUnsupported,
      fmt::format("{}: no row has a value of it any more, but the history had one until {}",
                  orphan.what, FormatInstant(*traces.last_seen)),
      fmt::format("{}, until the history no longer reaches back to then ([history] max_age "
                  "in rescind.toml says how far it does)",
                  orphan.help)};
}

}  // namespace rescind
