// Store: the durable truth of one workspace: facts as columns, their history, and what the journal
// and the audit log keep beside them.
//
// Feeds hand it FactDeltas, evaluators get FactBases from it. A commit is all or nothing, durable
// when it returns, and never seen in part. It knows nothing of policies, plans or file formats.
// One process owns a store at a time; one thread at a time uses it. FORMAT.md says what is on disk.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/facts/column_set.h"
#include "engine/facts/fact_base.h"
#include "engine/facts/fact_change.h"
#include "engine/facts/fact_delta.h"
#include "runtime/env/clock.h"
#include "runtime/env/file_system.h"
#include "runtime/env/random.h"
#include "runtime/store/key_value.h"
#include "runtime/store/last_words.h"

namespace rescind {

// Where a test makes the disk fail. The default never does.
class StoreFaults {
 public:
  virtual ~StoreFaults() = default;
  virtual bool FailNextWalSync() { return false; }
  virtual bool FailNextMarkSync() { return false; }
  // Of RocksDB's files, for want of space: on any thread, before every write.
  virtual bool FailNextWrite() { return false; }
};

struct StoreOptions {
  bool create_if_missing = true;
  // Nothing on disk is changed, so that a full or write-protected one can be read too, by several
  // processes at once. Whatever would change the store is kUnsupported; none is made.
  bool read_only = false;
  // Facts stay closed: whatever reads or changes them is kUnsupported, and the schema is not looked
  // at. What lies beside them is read and written as ever. The store must be there.
  bool without_facts = false;
  // Increments the epoch: this process is about to execute actions.
  bool for_execution = false;
  // Folding starts when this much of the change log is not in chunks yet.
  uint64_t checkpoint_bytes = 64ull << 20;
  // An import with more changes than this is staged as chunks instead of one batch.
  uint64_t staging_rows = 100'000;
  // How far back `--as-of` reaches.
  Duration history_age{400 * kMicrosPerDay};
  uint64_t history_bytes = 20ull << 30;
  // What moves a `latest` field on within one such step of time leaves no trace in the history; 0:
  // everything does.
  Duration history_step{kMicrosPerHour};
  StoreFaults* faults = nullptr;
};

// What the store borrows; all must outlive it.
struct StoreEnvironment {
  FileSystem& files;
  Clock& clock;
  Random& random;
};

// Which sources rescind.toml declares for an entity.
using DeclaredSources = std::map<EntityId, std::vector<std::string>>;

struct CommitOptions {
  // Record the change as of this instant; never before the last change. Default: now.
  std::optional<Instant> at;
  // Written in the same batch: journal transitions, audit leaves.
  const KeyValueBatch* extra = nullptr;
};

// The most rows of an entity that a source may lose, by one snapshot or by several of a month.
struct ShrinkLimit {
  bool is_percent = true;
  int64_t amount = 100'000;  // millionths of the rows that the source had, or rows

  bool Allows(uint64_t withdrawn_count, uint64_t before_count) const;
  std::string Text() const;  // "10%", "200 rows"
};

struct ImportOptions {
  FactOrigin origin;
  std::optional<Instant> at;
  // This is all the source has: rows of these entities that it asserted before and does not list
  // now lose its claim. Entities that occur in the import are covered without being named.
  bool snapshot = false;
  std::vector<EntityId> snapshot_entities;
  // Accept a snapshot that withdraws more than `max_shrink`, or that is the first and lacks more
  // of the ids that facts name.
  bool allow_shrink = false;
  ShrinkLimit max_shrink;
  DeclaredSources declared;  // of the workspace
};

struct CommitReport {
  uint64_t facts_seq = 0;
  Instant at;
  uint64_t rows_given = 0;
  uint64_t rows_added = 0;    // became live, returned ones included
  uint64_t rows_changed = 0;  // live before, and a value differs now
  uint64_t rows_unchanged = 0;
  uint64_t rows_removed = 0;  // deleted, or withdrawn by the last source that claimed them
  uint64_t rows_ignored = 0;  // in whole or in part: what is known was observed later
};

// A load in pieces that becomes visible all at once. Destroying it without Finish() undoes it.
class Import {
 public:
  virtual ~Import() = default;
  // The delta's origin is the import's; its own is not read. An error ends the import.
  virtual Status Add(const FactDelta& delta) = 0;
  virtual Result<CommitReport> Finish() = 0;
  // The line of that row in this import's earlier input is the caller's business; this says
  // whether the row was given before in this import.
  virtual bool WasGiven(EntityId entity, std::string_view id) const = 0;
};

// What a source has delivered for an entity.
struct SourceStatus {
  std::string source;
  EntityId entity;
  uint64_t claimed_rows = 0;
  Instant observed_at;                          // the newest
  Instant committed_at;                         // the last commit from it
  std::optional<Instant> snapshot_observed_at;  // the last complete snapshot
};

// Facts as of an instant, and what the sources had delivered by then.
struct LoadedFacts {
  FactBase facts;
  std::vector<SourceStatus> sources;
};

// Everything known about one row, for `facts show`.
struct RowFacts {
  struct Field {
    std::string name;
    std::string value;  // as text; "unknown"
    bool known = false;
    std::optional<FieldOrigin> origin;
    std::optional<std::string> previous;  // tracked fields
    std::optional<Instant> changed_at;
  };
  RowId row;
  std::string id;
  Presence presence = Presence::kAbsent;
  uint32_t incarnation = 0;
  std::optional<Instant> removed_at;
  std::vector<std::string> sources;  // that assert it
  std::vector<Field> fields;
};

// Facts in memory that follow what is committed. Not longer than the store.
class FollowedFacts {
 public:
  virtual ~FollowedFacts() = default;
  // As of the last commit, unless stale.
  virtual FactBase& facts() = 0;
  // What commits have changed since the last call. A row may be named by several of them.
  virtual std::vector<RowChange> TakeChanges() = 0;
  // An import was too large to be followed: facts() are those of before. Follow anew.
  virtual bool stale() const = 0;
};

class Store {
 public:
  // kBusy with the owner's pid when another process holds it, kCorrupt when what is on disk is
  // less than what was acknowledged or fails its checksum, kUnsupported for a newer format or a
  // schema that would have to reinterpret stored values, kIo before anything has changed when the
  // disk is full.
  static Result<std::unique_ptr<Store>> Open(const std::string& path,
                                             std::shared_ptr<const Schema> schema,
                                             StoreEnvironment environment, StoreOptions options);
  virtual ~Store() = default;
  // Folds the change log into chunks, if the disk has room, and lets go of the store. The
  // destructor only lets go.
  virtual Status Close() = 0;

  virtual const Schema& schema() const = 0;
  virtual const std::string& id() const = 0;      // 32 hex digits, given at creation
  virtual const std::string& secret() const = 0;  // 32 bytes
  virtual uint64_t epoch() const = 0;
  virtual uint64_t facts_seq() const = 0;
  virtual Instant last_change() const = 0;

  // What the end of the process by a failing disk means from now on. A store that never ends it has
  // no use for that.
  virtual void SetLastWords(const LastWords&) {}

  // One durable commit. Errors, a full disk among them, leave everything as it was; a disk that
  // fails in the middle of it ends the process.
  virtual Result<CommitReport> Commit(const FactDelta& delta, const CommitOptions& options) = 0;
  // Journal and audit data alone.
  virtual Status CommitExtra(const KeyValueBatch& extra) = 0;
  virtual Result<std::unique_ptr<Import>> BeginImport(ImportOptions options) = 0;

  // The FactBase and its texts borrow the store: it must outlive them.
  virtual Result<FactBase> LoadFacts(const ColumnSet& columns, const DeclaredSources& declared) = 0;
  // The same, and from then on what every commit makes of them.
  virtual Result<std::unique_ptr<FollowedFacts>> FollowFacts(const ColumnSet& columns,
                                                             const DeclaredSources& declared) = 0;
  // The facts as recorded at an earlier instant. kNotFound when history does not reach back.
  virtual Result<LoadedFacts> LoadFactsAsOf(Instant instant, const ColumnSet& columns,
                                            const DeclaredSources& declared) = 0;
  virtual Result<std::optional<RowId>> Find(EntityId entity, std::string_view id) = 0;
  virtual Result<std::optional<RowFacts>> Show(EntityId entity, std::string_view id) = 0;
  virtual std::vector<SourceStatus> Sources() const = 0;

  // What CommitOptions::extra and CommitExtra wrote.
  virtual const KeyValueReader& key_values() const = 0;
  // Folds the change log now.
  virtual Status Checkpoint() = 0;
  // A copy that can be opened, in a folder that must not exist.
  virtual Status Backup(const std::string& directory) = 0;
};

}  // namespace rescind
