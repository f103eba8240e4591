#include "runtime/store/fact_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/env/two_threads.h"
#include "runtime/store/byte_codec.h"

namespace rescind {
namespace {

constexpr uint32_t kChunksPerTurn = 16;
constexpr size_t kWorthTwoThreads = 256;  // chunks

void* RawValues(Column& column) {
  switch (column.physical()) {
    case Physical::kByte: return column.mutable_bytes().data();
    case Physical::kDay: return column.mutable_days().data();
    case Physical::kLong: return column.mutable_longs().data();
    case Physical::kCode:
    case Physical::kRow:
    case Physical::kSet: return column.mutable_words().data();
  }
  RESCIND_UNREACHABLE("unknown physical type");
}

}  // namespace

void FactLoader::AddTarget(StoredColumn& column, const StoredTable& table, void* values) {
  column.PreparePending();
  const Target target{&column, table.number(), static_cast<uint8_t*>(values), table.row_count()};
  targets_.push_back(target);
  undoable_[{table.number(), column.number()}] = target;
}

Status FactLoader::FillDictionary(Column& column, FieldColumns& stored, const FieldType& type) {
  if (stored.dictionary) {
    RESCIND_TRY(stored.dictionary->Need(state_.database()));
    const TextDictionary& texts = stored.dictionary->texts();
    for (uint32_t code = 0; code < texts.count(); ++code) {
      column.mutable_dictionary().Append(texts.Text(code));
    }
  }
  if (!stored.sets) return {};
  RESCIND_TRY(stored.sets->Need(state_.database()));
  std::vector<uint32_t> members;
  std::vector<int64_t> integers;
  for (uint32_t i = 0; i < stored.sets->count(); ++i) {
    const std::string_view bytes = stored.sets->Text(i);
    uint32_t set = 0;
    if (type.element == TypeKind::kInt) {
      integers.resize(bytes.size() / 8);
      std::memcpy(integers.data(), bytes.data(), integers.size() * 8);
      set = column.mutable_pool().InternIntegers(integers);
    } else {
      members.resize(bytes.size() / 4);
      std::memcpy(members.data(), bytes.data(), members.size() * 4);
      set = column.mutable_pool().Intern(members);
    }
    // INVARIANT: stored sets are distinct, so the pool numbers them as the store does.
    if (set != i + 1) return CorruptRecord("the sets of a column");
  }
  return {};
}

Status FactLoader::AddField(FactBase& base, EntityId entity, FieldId field, bool history) {
  StoredTable& table = state_.table(entity);
  FieldColumns& stored = table.field(field);
  Column& column = base.AddColumn(entity, field, Filling::kNothing);
  if (stored.dictionary || stored.sets) {
    const FieldType& type = state_.schema().field(entity, field).type;
    // Columns stay where they are when others are added.
    fills_.push_back(
        [this, &column, &stored, &type] { return FillDictionary(column, stored, type); });
  }
  AddTarget(*stored.value, table, RawValues(column));
  if (!history || !stored.previous) return {};
  TrackedColumn& tracked = base.AddTracked(entity, field, Filling::kNothing);
  AddTarget(*stored.previous, table, RawValues(tracked.previous));
  AddTarget(*stored.changed_at, table, tracked.changed_at.data());
  return {};
}

Status FactLoader::FillIds(FactBase& base, EntityId entity) {
  Column& ids = base.AddIds(entity);
  const auto codes = ids.mutable_words();
  return state_.table(entity).texts().ForEach(state_.database(),
                                              [&](uint32_t row, std::string_view id) {
                                                ids.mutable_dictionary().Append(id);
                                                codes[row] = row;
                                              });
}

Status FactLoader::Prepare(FactBase& base, const ColumnSet& wanted) {
  const auto entity_count = static_cast<uint32_t>(state_.schema().entities().size());
  for (uint32_t e = 0; e < entity_count; ++e) {
    StoredTable& table = state_.table(EntityId(e));
    base.Resize(EntityId(e), table.row_count());
    AddTarget(table.column(RowColumn::kPresence), table, base.mutable_presence(EntityId(e)).data());
    if (wanted.ids.count(EntityId(e)) > 0) RESCIND_TRY(FillIds(base, EntityId(e)));
  }
  for (const auto& [entity, field] : wanted.fields) {
    RESCIND_TRY(AddField(base, entity, field, wanted.HasHistory(entity, field)));
  }
  return {};
}

Status FactLoader::ReadTarget(const Target& target, uint32_t chunk,
                              std::vector<uint8_t>& buffer) const {
  const uint32_t width = target.column->width();
  const uint32_t first = chunk << kChunkShift;
  uint8_t* values = target.values + size_t{first} * width;
  const uint32_t count = std::min(kChunkRows, target.row_count - first);
  if (count == kChunkRows) return target.column->ReadChunk(state_.database(), chunk, values);
  buffer.resize(size_t{kChunkRows} * width);
  RESCIND_TRY(target.column->ReadChunk(state_.database(), chunk, buffer.data()));
  std::memcpy(values, buffer.data(), size_t{count} * width);
  return {};
}

Status FactLoader::ReadTargets() {
  struct Turn {
    const Target* target;
    uint32_t first_chunk;
    uint32_t end_chunk;
  };
  std::vector<Turn> turns;
  size_t chunk_count = 0;
  for (const Target& target : targets_) {
    const uint32_t chunks = (target.row_count + kChunkRows - 1) >> kChunkShift;
    chunk_count += chunks;
    for (uint32_t chunk = 0; chunk < chunks; chunk += kChunksPerTurn) {
      turns.push_back({&target, chunk, std::min(chunks, chunk + kChunksPerTurn)});
    }
  }
  const auto read = [&](size_t number) -> Status {
    if (number < fills_.size()) return fills_[number]();
    std::vector<uint8_t> buffer;
    const Turn& turn = turns[number - fills_.size()];
    for (uint32_t chunk = turn.first_chunk; chunk < turn.end_chunk; ++chunk) {
      RESCIND_TRY(ReadTarget(*turn.target, chunk, buffer));
    }
    return {};
  };
  const size_t count = fills_.size() + turns.size();
  if (chunk_count >= kWorthTwoThreads) return DoOnTwoThreads(count, read);
  for (size_t number = 0; number < count; ++number) RESCIND_TRY(read(number));
  return {};
}

void FactLoader::Derive(FactBase& base) {
  base.Derive([&](const FactBase::Tasks& tasks) {
    const Status status = DoOnTwoThreads(tasks.size(), [&](size_t number) -> Status {
      tasks[number]();
      return {};
    });
    RESCIND_ASSERT(status.ok(), "what cannot fail has failed");
  });
}

Status FactLoader::ReadLives(FactBase& base) {
  for (uint32_t e = 0; e < state_.tables().size(); ++e) {
    const uint32_t row_count = state_.table(EntityId(e)).row_count();
    for (uint32_t chunk = 0; chunk << kChunkShift < row_count; ++chunk) {
      RESCIND_TRY(ReadLives(base, EntityId(e), chunk));
    }
  }
  return {};
}

Status FactLoader::ReadLives(FactBase& base, EntityId entity, uint32_t chunk) {
  StoredTable& table = state_.table(entity);
  const uint32_t first = chunk << kChunkShift;
  const uint32_t count = std::min(kChunkRows, table.row_count() - first);
  const auto presence = base.mutable_presence(entity).subspan(first, count);
  // What no exception is made of: live rows in their first life, others in none.
  const auto usual = [&](uint32_t i) -> uint64_t {
    return presence[i] == static_cast<uint8_t>(Presence::kLive) ? 1 : 0;
  };
  RESCIND_ASSIGN(const ChunkNumbers incarnations,
                 table.column(RowColumn::kIncarnation).Numbers(state_.database(), chunk));
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t incarnation = incarnations.At(i);
    if (incarnation == usual(i)) continue;
    base.SetIncarnation(entity, RowId(first + i), static_cast<uint32_t>(incarnation));
  }
  RESCIND_ASSIGN(const ChunkNumbers removed_at,
                 table.column(RowColumn::kRemovedAt).Numbers(state_.database(), chunk));
  const auto never = static_cast<uint64_t>(kUnknownLong);
  if (removed_at.AllEqual(never)) return {};
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t micros = removed_at.At(i);
    if (micros == never) continue;
    base.SetRemovedAt(entity, RowId(first + i), {static_cast<int64_t>(micros)});
  }
  return {};
}

void FactLoader::AddLiveTargets() {
  lives_.resize(state_.tables().size());
  for (uint32_t e = 0; e < lives_.size(); ++e) {
    StoredTable& table = state_.table(EntityId(e));
    lives_[e].incarnations.resize(table.row_count());
    lives_[e].removed_at.resize(table.row_count());
    AddTarget(table.column(RowColumn::kIncarnation), table, lives_[e].incarnations.data());
    AddTarget(table.column(RowColumn::kRemovedAt), table, lives_[e].removed_at.data());
  }
}

void FactLoader::SetLives(FactBase& base) {
  for (uint32_t e = 0; e < lives_.size(); ++e) {
    const EntityId entity(e);
    const auto presence = base.mutable_presence(entity);
    for (uint32_t row = 0; row < presence.size(); ++row) {
      const uint32_t incarnation = lives_[e].incarnations[row];
      const bool live = presence[row] == static_cast<uint8_t>(Presence::kLive);
      if (incarnation != (live ? 1u : 0u)) base.SetIncarnation(entity, RowId(row), incarnation);
      const int64_t removed_at = lives_[e].removed_at[row];
      if (removed_at != kUnknownLong) base.SetRemovedAt(entity, RowId(row), {removed_at});
    }
  }
}

std::optional<Closing> ClosingOf(StoreState& state, EntityId entity,
                                 const DeclaredSources& declared,
                                 const SourceLedger::States& sources,
                                 std::optional<Instant> until) {
  const uint32_t number = state.table(entity).number();
  const auto named = declared.find(entity);
  const std::vector<std::string> names =
      named == declared.end() ? std::vector<std::string>() : named->second;
  const auto row_count = RowsBeforeSnapshots(sources, number, names);
  if (!row_count) return std::nullopt;
  // Nothing declared is nothing to wait for; but absent rows are not known to be gone then.
  return Closing{names.empty() ? 0 : *row_count, state.ledger().LackedByAll(number, names, until)};
}

void FactLoader::SetClosed(FactBase& base, const DeclaredSources& declared,
                           const SourceLedger::States& sources, std::optional<Instant> until) {
  for (uint32_t e = 0; e < state_.tables().size(); ++e) {
    auto closing = ClosingOf(state_, EntityId(e), declared, sources, until);
    if (closing) base.Close(EntityId(e), closing->row_count, std::move(closing->lacked));
  }
}

Result<FactBase> FactLoader::Load(const ColumnSet& columns, const DeclaredSources& declared) {
  FactBase base(state_.shared_schema());
  RESCIND_TRY(Prepare(base, columns.Closure(state_.schema())));
  RESCIND_TRY(ReadTargets());
  RESCIND_TRY(ReadLives(base));
  SetClosed(base, declared, state_.ledger().states(), std::nullopt);
  base.SetVersion(state_.facts_seq(), state_.last_change());
  base.SetTexts(std::make_shared<StoreTexts>(owner_, nullptr));
  Derive(base);
  return base;
}

void FactLoader::Undo(const ChangeRecord& record, PastTexts& past, SourceLedger::States& sources) {
  for (auto group = record.groups.rbegin(); group != record.groups.rend(); ++group) {
    if (!group->has_olds) continue;
    const auto target = undoable_.find({group->entity, group->column});
    const uint32_t which = (group->column - kFirstFieldColumn) % 4;
    const bool is_code = group->column >= kFirstFieldColumn && group->width == 4 &&
                         (which == static_cast<uint32_t>(FieldColumn::kValue) ||
                          which == static_cast<uint32_t>(FieldColumn::kOrigin));
    for (size_t i = group->cells.rows.size(); i-- > 0;) {
      const uint32_t row = group->cells.rows[i];
      const uint64_t old = group->cells.olds[i];
      if (target != undoable_.end() && row < target->second.row_count) {
        WriteNumber(target->second.values, group->width, row, old);
      }
      if (is_code) {
        past.codes[{group->entity, group->column, row}] = static_cast<uint32_t>(old);
      }
    }
  }
  for (const AddedRows& added : record.rows) {
    for (size_t e = 0; e < past.row_counts.size(); ++e) {
      if (state_.tables()[e]->number() == added.entity) past.row_counts[e] = added.first_row;
    }
  }
  for (const SourceChange& change : record.sources) {
    if (change.before) {
      sources[{change.entity, change.source}] = *change.before;
    } else {
      sources.erase({change.entity, change.source});
    }
  }
}

Result<FactLoader::Undone> FactLoader::UndoUntil(Instant instant, PastTexts& past,
                                                 SourceLedger::States& sources) {
  if (state_.last_change() <= instant) return Undone{state_.facts_seq(), state_.last_change()};
  std::optional<Undone> reached;
  Instant earliest = state_.last_change();
  std::optional<Error> failure;
  // Later segments of a commit come first, as they must.
  RESCIND_TRY(state_.database().ScanBack(Family::kChanges, ChangeKey(state_.history_start() + 1, 0),
                                         ChangeKey(state_.facts_seq() + 1, 0),
                                         [&](std::string_view key, std::string_view value) {
                                           const auto record = ChangeRecord::Decode(value, true);
                                           if (!record.ok()) {
                                             failure = record.error();
                                             return false;
                                           }
                                           if (record->at <= instant) {
                                             reached = {BigEndian64(key), record->at};
                                             return false;
                                           }
                                           earliest = record->at;
                                           Undo(*record, past, sources);
                                           return true;
                                         }));
  if (failure) return *failure;
  if (reached) return *reached;
  // Before the first commit of all there was nothing, and that is known.
  if (state_.history_start() == 0) return Undone{};
  return Error{
      ErrorKind::kNotFound,
      fmt::format("the history of the facts does not reach back to {}", FormatInstant(instant)),
      fmt::format("ask for an instant from {} on; how much history is kept is a "
                  "setting of the workspace",
                  FormatInstant(earliest))};
}

Result<FactBase> FactLoader::LoadAsOf(Instant instant, const ColumnSet& columns,
                                      const DeclaredSources& declared,
                                      SourceLedger::States& sources) {
  FactBase base(state_.shared_schema());
  RESCIND_TRY(Prepare(base, columns.Closure(state_.schema())));
  AddLiveTargets();
  RESCIND_TRY(ReadTargets());
  auto past = std::make_shared<PastTexts>();
  past->at = instant;
  for (const auto& table : state_.tables()) past->row_counts.push_back(table->row_count());
  sources = state_.ledger().states();
  RESCIND_ASSIGN(const Undone undone, UndoUntil(instant, *past, sources));
  for (uint32_t e = 0; e < lives_.size(); ++e) {
    base.Resize(EntityId(e), past->row_counts[e]);
  }
  SetLives(base);
  SetClosed(base, declared, sources, instant);
  base.SetVersion(undone.facts_seq, undone.last_change);
  base.SetTexts(std::make_shared<StoreTexts>(owner_, past));
  Derive(base);
  return base;
}

}  // namespace rescind
