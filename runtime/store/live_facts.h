// LiveFacts: a FactBase that every commit of the store carries along, cell by cell.
//
// What a commit writes to the change log is edited into the columns in memory; what has changed
// for conclusions comes out. It commits nothing and reads the store only to begin. A staged import
// leaves it behind: then facts() stay as they were before, and are to be loaded anew.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "engine/facts/fact_editor.h"
#include "runtime/store/change_record.h"
#include "runtime/store/store.h"
#include "runtime/store/store_state.h"

namespace rescind {

class LiveFacts final : public FollowedFacts {
 public:
  // `followers`: the store's, in which it stands while it lives. `columns`: as LoadFacts got them.
  LiveFacts(FactBase facts, const std::unique_ptr<StoreState>& state, const ColumnSet& columns,
            DeclaredSources declared, std::vector<LiveFacts*>& followers);
  ~LiveFacts() override;
  LiveFacts(const LiveFacts&) = delete;
  LiveFacts& operator=(const LiveFacts&) = delete;

  FactBase& facts() override { return facts_; }
  std::vector<RowChange> TakeChanges() override { return std::exchange(changes_, {}); }
  bool stale() const override { return stale_; }

  // What a commit has written, once it is durable and the state has it.
  void Follow(const ChangeRecord& record);
  // A commit wrote what its record does not tell.
  void LoseTrack() { stale_ = true; }

 private:
  enum class Cell : uint8_t { kPresence, kIncarnation, kRemovedAt, kValue, kPrevious, kChangedAt };
  struct Target {
    EntityId entity;
    FieldId field;  // of the last three
    Cell cell;
  };
  struct ListTarget {
    EntityId entity;
    FieldId field;
    bool is_set;
  };
  // Of a row whose presence, incarnation or instant of removal a commit has written.
  struct Life {
    std::optional<Presence> presence;
    std::optional<uint32_t> incarnation;
    std::optional<int64_t> removed_at;
  };
  using OnDisk = std::pair<uint32_t, uint32_t>;  // entity; column or list

  StoreState& state() const { return *state_; }
  void AddTargets(EntityId entity);
  void AddFieldTargets(EntityId entity, FieldId field, bool history);
  void AddTexts(const AddedTexts& added, bool sets);
  void Take(const Target& target, RowId row, uint64_t number);
  void SettleLives();
  void SettleClosings();

  FactBase facts_;
  FactEditor editor_;
  const std::unique_ptr<StoreState>& state_;
  const DeclaredSources declared_;
  std::vector<LiveFacts*>& followers_;
  std::map<uint32_t, EntityId> entities_;  // by what they are called on disk
  std::map<OnDisk, Target> targets_;
  std::map<OnDisk, ListTarget> lists_;
  std::map<std::pair<EntityId, RowId>, Life> lives_;  // of the commit in hand
  std::vector<RowChange> changes_;
  bool stale_ = false;
};

}  // namespace rescind
