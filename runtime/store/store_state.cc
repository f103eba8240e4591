#include "runtime/store/store_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/store/byte_codec.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr uint8_t kFoldedFormat = 1;

}  // namespace

StoreState::StoreState(Database& database, std::shared_ptr<const Schema> schema,
                       const SchemaNumbers& numbers, std::string_view secret)
    : database_(database), schema_(std::move(schema)), hasher_(secret) {
  for (size_t i = 0; i < schema_->entities().size(); ++i) {
    tables_.push_back(std::make_unique<StoredTable>(schema_->entities()[i], numbers.entities[i],
                                                    numbers.fields[i]));
  }
}

StoredTable* StoreState::FindTable(uint32_t number) {
  for (const auto& table : tables_) {
    if (table->number() == number) return table.get();
  }
  return nullptr;
}

std::vector<TextList*> StoreState::AllLists() {
  std::vector<TextList*> lists = ledger_.lists();
  for (const auto& table : tables_) {
    lists.insert(lists.end(), table->lists().begin(), table->lists().end());
  }
  return lists;
}

TextList* StoreState::FindList(uint32_t entity, uint32_t list) {
  for (TextList* found : AllLists()) {
    if (found->entity() == entity && found->list() == list) return found;
  }
  return nullptr;
}

Result<std::unique_ptr<StoreState>> StoreState::Load(Database& database,
                                                     std::shared_ptr<const Schema> schema,
                                                     const SchemaNumbers& numbers,
                                                     std::string_view secret,
                                                     const MarkState& head) {
  std::unique_ptr<StoreState> state(new StoreState(database, std::move(schema), numbers, secret));
  RESCIND_TRY(state->LoadFolded());
  RESCIND_TRY(state->RemoveLeftovers(head.facts_seq));
  RESCIND_TRY(state->ledger_.Load(database));
  RESCIND_TRY(state->Replay(head));
  state->Advance(head.facts_seq, head.last_change);
  return state;
}

// format, folded sequence, fold number, history start, rows by table, texts by list.
std::string StoreState::EncodeFolded() {
  ByteWriter writer;
  writer.Put8(kFoldedFormat);
  writer.Put64(folded_seq_);
  writer.Put64(fold_number_);
  writer.Put64(history_start_);
  writer.Put32(static_cast<uint32_t>(tables_.size()));
  for (const auto& table : tables_) {
    writer.Put32(table->number());
    writer.Put32(table->folded_row_count());
  }
  const auto lists = AllLists();
  writer.Put32(static_cast<uint32_t>(lists.size()));
  for (const TextList* list : lists) {
    writer.Put32(list->entity());
    writer.Put32(list->list());
    writer.Put32(list->folded_count());
  }
  Seal(writer.bytes());
  return std::move(writer.bytes());
}

Status StoreState::LoadFolded() {
  RESCIND_ASSIGN(const auto bytes, database_.Get(Family::kState, kFoldedKey));
  if (!bytes) {
    for (const auto& table : tables_) RESCIND_TRY(table->Load(database_, 0));
    return {};
  }
  const auto body = Unseal(*bytes);
  if (!body) return CorruptRecord("the record of the last fold");
  ByteReader reader(*body);
  if (reader.Take8() != kFoldedFormat) return CorruptRecord("the record of the last fold");
  folded_seq_ = reader.Take64();
  fold_number_ = reader.Take64();
  history_start_ = reader.Take64();
  std::vector<std::pair<uint32_t, uint32_t>> counts;
  for (uint32_t left = reader.Take32(); left > 0 && reader.ok(); --left) {
    const uint32_t number = reader.Take32();
    counts.emplace_back(number, reader.Take32());
  }
  for (uint32_t left = reader.Take32(); left > 0 && reader.ok(); --left) {
    const uint32_t entity = reader.Take32();
    const uint32_t number = reader.Take32();
    const uint32_t count = reader.Take32();
    if (TextList* list = FindList(entity, number)) list->SetFolded(count);
  }
  if (!reader.done()) return CorruptRecord("the record of the last fold");
  for (const auto& table : tables_) {
    const auto found = std::find_if(counts.begin(), counts.end(), [&](const auto& count) {
      return count.first == table->number();
    });
    RESCIND_TRY(table->Load(database_, found == counts.end() ? 0 : found->second));
  }
  return {};
}

Status StoreState::RemoveLeftovers(uint64_t facts_seq) {
  RESCIND_ASSIGN(const auto marker, database_.Get(Family::kState, kStagingKey));
  if (!marker) return {};
  if (marker->size() != 8) return CorruptRecord("the marker of an unfinished fold");
  const uint64_t fold_number = BigEndian64(*marker);
  // The marker goes with the batch that makes a fold visible.
  if (fold_number <= fold_number_) return CorruptRecord("the marker of an unfinished fold");
  if (database_.read_only()) return {};  // nothing refers to them
  rocksdb::WriteBatch batch;
  database_.DeleteRange(batch, Family::kColumns, FoldPrefix(fold_number),
                        FoldPrefix(fold_number + 1));
  database_.DeleteRange(batch, Family::kChanges, ChangeKey(facts_seq + 1, 0),
                        ChangeKey(~uint64_t{0}, ~uint32_t{0}));
  for (const TextList* list : AllLists()) list->RemoveLeftovers(database_, batch);
  for (const auto& table : tables_) {
    // A partial last block or chunk may be longer than it should; its readers know.
    const uint32_t rows = table->folded_row_count();
    database_.DeleteRange(batch, Family::kKeys,
                          KeyBlockKey(table->number(), rows / kBlockTexts + 1),
                          KeyBlockKey(table->number() + 1, 0));
    database_.DeleteRange(batch, Family::kKeys,
                          HashChunkKey(table->number(), rows / kChunkRows + 1),
                          HashChunkKey(table->number() + 1, 0));
  }
  database_.Delete(batch, Family::kState, kStagingKey);
  return database_.Write(batch, Database::Durability::kLogged);
}

Status StoreState::Replay(const MarkState& head) {
  uint64_t expected = folded_seq_ + 1;
  std::optional<Error> failure;
  RESCIND_TRY(database_.Scan(
      Family::kChanges, ChangeKey(folded_seq_ + 1, 0), ChangeKey(head.facts_seq + 1, 0),
      [&](std::string_view, std::string_view value) {
        auto record = ChangeRecord::Decode(value, true);
        if (!record.ok()) {
          failure = record.error();
        } else if (record->facts_seq != expected) {
          failure = CorruptRecord(fmt::format("change {} is missing: the change log", expected));
        } else if (const Status status = ReplayRecord(std::move(*record)); !status.ok()) {
          failure = status.error();
        }
        ++expected;
        replayed_bytes_ += value.size();
        return !failure;
      }));
  if (failure) return *failure;
  // INVARIANT: the log has every commit between the last fold and the head.
  if (expected != head.facts_seq + 1) {
    return CorruptRecord(fmt::format("change {} is missing: the change log", expected));
  }
  return {};
}

Status StoreState::ReplayRecord(ChangeRecord record) {
  const auto corrupt = [&] { return CorruptRecord(fmt::format("change {}", record.facts_seq)); };
  if (record.folded) return corrupt();
  for (const AddedRows& added : record.rows) {
    StoredTable* table = FindTable(added.entity);
    if (table == nullptr || table->row_count() != added.first_row ||
        added.ids.size() != added.count) {
      return corrupt();
    }
    for (const std::string& id : added.ids) table->AddPendingRow(id);
  }
  for (const AddedTexts& added : record.texts) {
    TextList* list = FindList(added.entity, added.list);
    if (list == nullptr) return corrupt();
    for (const std::string& text : added.texts) list->AddPending(text);
  }
  for (const CellGroup& group : record.groups) {
    StoredTable* table = FindTable(group.entity);
    StoredColumn* column = table == nullptr ? nullptr : table->Find(group.column);
    // A field that is tracked no longer.
    if (table != nullptr && column == nullptr) continue;
    if (column == nullptr || column->width() != group.width) return corrupt();
    for (size_t i = 0; i < group.cells.rows.size(); ++i) {
      if (group.cells.rows[i] >= table->row_count()) return corrupt();
      column->AddPending(group.cells.rows[i], group.cells.news[i]);
    }
  }
  return {};
}

Result<std::optional<RowId>> StoreState::Find(EntityId entity, std::string_view id) {
  RESCIND_ASSIGN(const uint32_t row, table(entity).Find(database_, hasher_, id));
  if (row == kNoRow) return std::optional<RowId>();
  return std::optional(RowId(row));
}

Status StoreState::Fold(FoldSink& sink, uint64_t history_start) {
  for (const auto& table : tables_) RESCIND_TRY(table->Fold(sink, hasher_));
  for (TextList* list : ledger_.lists()) RESCIND_TRY(list->Fold(sink));
  RESCIND_TRY(sink.Finish());
  for (const auto& table : tables_) table->FoldDirectories(sink);
  fold_number_ = sink.fold_number();
  folded_seq_ = sink.facts_seq();
  if (history_start > history_start_) {
    database_.DeleteRange(sink.final_batch(), Family::kChanges, ChangeKey(1, 0),
                          ChangeKey(history_start + 1, 0));
    history_start_ = history_start;
  }
  database_.Put(sink.final_batch(), Family::kState, kFoldedKey, EncodeFolded());
  return {};
}

uint64_t StoreState::resident_bytes() const {
  uint64_t bytes = 0;
  for (const auto& table : tables_) bytes += table->resident_bytes();
  return bytes;
}

void StoreState::Evict() {
  for (const auto& table : tables_) table->Evict();
}

}  // namespace rescind
