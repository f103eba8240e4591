// FactLoader: a FactBase from the tables of the store, as of now or as of an earlier instant.
//
// Chunks lie on disk as the columns have them in memory: loading is reading and copying, by two
// threads when there is enough to do. The past is the present with later changes undone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "engine/facts/fact_base.h"
#include "runtime/store/store.h"
#include "runtime/store/store_state.h"
#include "runtime/store/store_texts.h"

namespace rescind {

// That every declared source of an entity has delivered all it has: see FactBase::Close.
struct Closing {
  uint32_t row_count = 0;
  std::vector<LackedRows> lacked;
};
// As the sources stand in `sources`; nothing while one is to come. `until`: as of then.
std::optional<Closing> ClosingOf(StoreState& state, EntityId entity,
                                 const DeclaredSources& declared,
                                 const SourceLedger::States& sources, std::optional<Instant> until);

class FactLoader {
 public:
  // `state` is its owner's pointer: the texts of the FactBase follow it.
  explicit FactLoader(const std::unique_ptr<StoreState>& state) : owner_(state), state_(*state) {}

  Result<FactBase> Load(const ColumnSet& columns, const DeclaredSources& declared);
  // `sources` gets what the sources had delivered then. kNotFound when the log does not reach back.
  Result<FactBase> LoadAsOf(Instant instant, const ColumnSet& columns,
                            const DeclaredSources& declared, SourceLedger::States& sources);

 private:
  // A column to be copied whole to where it belongs.
  struct Target {
    StoredColumn* column = nullptr;
    uint32_t entity = 0;  // on disk
    uint8_t* values = nullptr;
    uint32_t row_count = 0;
  };
  struct Lives {
    std::vector<uint32_t> incarnations;
    std::vector<int64_t> removed_at;
  };

  Status Prepare(FactBase& base, const ColumnSet& wanted);
  Status AddField(FactBase& base, EntityId entity, FieldId field, bool history);
  Status FillDictionary(Column& column, FieldColumns& stored, const FieldType& type);
  Status FillIds(FactBase& base, EntityId entity);
  void AddTarget(StoredColumn& column, const StoredTable& table, void* values);
  Status ReadTargets();
  Status ReadTarget(const Target& target, uint32_t chunk, std::vector<uint8_t>& buffer) const;
  // What follows from what was read.
  static void Derive(FactBase& base);
  // Lives as of now: nearly all rows have one like the others, so chunk by chunk.
  Status ReadLives(FactBase& base);
  Status ReadLives(FactBase& base, EntityId entity, uint32_t chunk);
  // Lives as of then: whole columns, for changes to be undone in, and what they came to.
  void AddLiveTargets();
  void SetLives(FactBase& base);
  // `until`: as of then; nothing: as of now.
  void SetClosed(FactBase& base, const DeclaredSources& declared,
                 const SourceLedger::States& sources, std::optional<Instant> until);

  struct Undone {
    uint64_t facts_seq = 0;
    Instant last_change;
  };
  // kNotFound when the log does not reach back.
  Result<Undone> UndoUntil(Instant instant, PastTexts& past, SourceLedger::States& sources);
  void Undo(const ChangeRecord& record, PastTexts& past, SourceLedger::States& sources);

  const std::unique_ptr<StoreState>& owner_;
  StoreState& state_;
  std::vector<Target> targets_;
  // Dictionaries and sets; the longest takes as long as many chunks, so they come first.
  std::vector<std::function<Status()>> fills_;
  std::vector<Lives> lives_;  // by EntityId; as of then only
  std::map<std::pair<uint32_t, uint32_t>, Target> undoable_;
};

}  // namespace rescind
