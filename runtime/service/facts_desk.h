// What `rescind facts check` finds out: whether the facts are whole enough to judge by; and what
// `rescind facts show` has to say of a row beside its facts.
//
// Policies never act on rows with holes; this says which rows those are, which feed should have
// filled them, and which feeds have stopped coming. It prints nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/service/workspace.h"
#include "runtime/store/store.h"

namespace rescind {

struct EntityCount {
  std::string entity;
  uint64_t live = 0;
  uint64_t incomplete = 0;  // of the live ones
  uint64_t unseen = 0;      // a reference names them; no feed has listed them
  uint64_t removed = 0;
};

// An id that a reference names and no row has.
struct UnseenRow {
  std::string entity;
  std::string id;
  std::string named_by;  // "account ldap/ann, owner"; empty: only sets name it
};

struct IncompleteRow {
  std::string entity;
  std::string id;
  std::string why;
};

struct SourceCheck {
  std::string source;
  std::string entity;
  bool is_declared = false;
  uint64_t claimed_rows = 0;
  std::optional<Instant> observed_at;           // nothing: it never delivered
  std::optional<Instant> snapshot_observed_at;  // nothing: never a complete snapshot
  std::optional<Duration> max_age;
  bool is_stale = false;  // older than max_age
  // Something to mend: declared, and never delivered, never complete, or stale.
  bool is_lacking() const {
    return is_declared && (!observed_at || !snapshot_observed_at || is_stale);
  }
};

struct FactsReport {
  uint64_t facts_seq = 0;
  Instant last_change;
  std::vector<EntityCount> entities;  // those with rows
  std::vector<SourceCheck> sources;
  std::vector<UnseenRow> unseen;          // the first ones; EntityCount has the number
  std::vector<IncompleteRow> incomplete;  // likewise

  bool ok() const;
};

// `listed_count`: how many unseen and incomplete rows of an entity are listed.
Result<FactsReport> CheckFacts(Store& store, const Workspace& workspace,
                               const DeclaredSources& declared, Instant now, uint32_t listed_count);

// By field: what became of the row that a reference names: "removed at 2026-04-01T09:00:00Z".
using FieldRemarks = std::map<std::string, std::string>;

// Rows to be shown. A row that no feed has listed is looked up among all of them, which are loaded
// at the first such row and kept. Store and `declared` must outlive it.
class RowDesk {
 public:
  RowDesk(Store& store, const DeclaredSources& declared) : store_(store), declared_(declared) {}

  // One row, nullopt when nothing ever named it. One that no feed has listed is kRemoved, without a
  // life, where it counts as removed: its `removed_at` says since when, if that is known.
  Result<std::optional<RowFacts>> Show(EntityId entity, const std::string& id);
  Result<FieldRemarks> RemarkReferences(EntityId entity, const RowFacts& row);

 private:
  Store& store_;
  const DeclaredSources& declared_;
  std::optional<FactBase> lives_;
};

}  // namespace rescind
