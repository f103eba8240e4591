// FactEditor: changes a FactBase row by row, keeps what is derived from it (indexes, completeness)
// as Derive() would make it, and says what has changed.
//
// What it costs follows what it changes, whatever the population. Its owner is the only one who
// looks at the FactBase meanwhile. It knows neither ids nor sources: whoever commits deltas does.
//
//   FactEditor editor(facts);
//   editor.SetPresence(account, row, Presence::kRemoved, at);
//   changes = editor.Finish();    // the account's life, the completeness of it and of its grants
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/base/instant.h"
#include "engine/facts/fact_base.h"
#include "engine/facts/fact_change.h"

namespace rescind {

class FactEditor {
 public:
  // Indexes the required references, which completeness follows. The FactBase outlives it.
  explicit FactEditor(FactBase& facts);

  // ---- Changes. Columns that are not loaded are not there to be changed: asserted. ----
  // New rows of the entity, absent and with nothing known.
  void AddRows(EntityId entity, std::span<const std::string> ids);
  // What knows of their ids and texts.
  void SetTexts(std::shared_ptr<const RowTexts> texts) { facts_.SetTexts(std::move(texts)); }
  void SetVersion(uint64_t facts_seq, Instant last_change) {
    facts_.SetVersion(facts_seq, last_change);
  }
  // `removed_at`: of a row that is removed, where known.
  void SetPresence(EntityId entity, RowId row, Presence presence,
                   std::optional<Instant> removed_at = {});
  // As FactBase::Close: absent rows below `closed_row_count` are removed.
  void Close(EntityId entity, uint32_t closed_row_count, std::vector<LackedRows> lacked);
  void SetIncarnation(EntityId entity, RowId row, uint32_t incarnation);
  // A value as its column holds it: a byte, a code, a day, a long, a row, a set; or its sentinel.
  void SetValue(EntityId entity, FieldId field, RowId row, int64_t value);
  // Of a tracked field; likewise, and the instant in microseconds or kUnknownLong.
  void SetPrevious(EntityId entity, FieldId field, RowId row, int64_t value);
  void SetChangedAt(EntityId entity, FieldId field, RowId row, int64_t micros);
  // Codes and sets for SetValue and SetPrevious.
  uint32_t Intern(EntityId entity, FieldId field, std::string_view text);
  uint32_t InternSet(EntityId entity, FieldId field, std::span<const uint32_t> members);
  uint32_t InternSet(EntityId entity, FieldId field, std::span<const int64_t> members);

  // Brings what is derived up to date. What has changed since the last time, each once, in order of
  // entity, kind, field and row; what was changed there and back may be among it.
  std::vector<RowChange> Finish();

 private:
  using RowKey = std::pair<EntityId, RowId>;

  Table& at(EntityId entity) { return facts_.at(entity); }
  void Note(FactChange::Kind kind, EntityId entity, FieldId field, RowId row,
            uint32_t named_before = kNoRow);
  void NotePast(EntityId entity, FieldId field, RowId row);
  void Unindex(EntityId entity, RowId row);
  void Reindex(EntityId entity, RowId row);
  void Refer(EntityId entity, FieldId field, RowId row, uint32_t before, uint32_t after);

  bool DeservesComplete(EntityId entity, RowId row) const;
  void SetComplete(EntityId entity, RowId row, bool complete);
  std::vector<RowKey> Requiring(EntityId entity, RowId row) const;
  // Takes the mark from rows that do not deserve it, and from what requires them.
  void Strike(std::vector<RowKey> suspects);
  void DeriveCompleteness();

  FactBase& facts_;
  // By entity: its required references; and who requires rows of it, by which reference.
  std::vector<std::vector<FieldId>> required_;
  std::vector<std::vector<std::pair<EntityId, FieldId>>> requiring_;
  std::map<std::tuple<EntityId, FactChange::Kind, FieldId, RowId>, uint32_t> noted_;
  std::set<RowKey> suspects_;               // whose completeness may differ
  std::map<RowKey, uint8_t> was_complete_;  // of rows whose mark was touched
};

}  // namespace rescind
