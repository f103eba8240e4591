// Rows are applied in the order given, in batches of 64: first every id of the batch is hashed and
// its slot in the key table prefetched, then the hash that the slot points to, and only then are
// the rows applied. A row that is named twice is changed twice.
#include "runtime/store/fact_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/store/byte_codec.h"

namespace rescind {
namespace {

constexpr size_t kBatchRows = 64;

constexpr auto kAbsent = static_cast<uint64_t>(Presence::kAbsent);
constexpr auto kLive = static_cast<uint64_t>(Presence::kLive);
constexpr auto kRemoved = static_cast<uint64_t>(Presence::kRemoved);

bool IsReferenceSet(const FieldType& type) {
  return type.kind == TypeKind::kSet && type.element == TypeKind::kReference;
}

}  // namespace

FactWriter::FactWriter(StoreState& state, FactOrigin origin, Instant at, bool staged)
    : state_(state),
      origin_(std::move(origin)),
      at_(at),
      staged_(staged),
      own_(origin_.source == kRescindSource),
      works_(state.schema().entities().size()) {
  for (size_t i = 0; i < works_.size(); ++i) {
    works_[i].base_rows = state_.tables()[i]->row_count();
  }
  report_.at = at;
}

uint32_t FactWriter::FieldNumber(EntityId entity, FieldId field) {
  return (state_.table(entity).field(field).value->number() - kFirstFieldColumn) / 4;
}

Status FactWriter::Begin(EntityId entity) {
  EntityWork& work = works_[entity.index()];
  if (work.given) return {};
  if (!origin_code_) {
    RESCIND_ASSIGN(origin_code_, state_.ledger().InternOrigin(state_.database(), origin_));
  }
  if (!own_) {
    const uint32_t number = state_.table(entity).number();
    if (const SourceState* known = state_.ledger().Find(number, origin_.source)) {
      work.source_before = *known;
    }
    RESCIND_ASSIGN(work.source, state_.ledger().FindOrAdd(number, origin_.source));
  }
  work.given = true;
  return {};
}

Status FactWriter::HashBatch(const FactDelta& delta, size_t first, size_t end) {
  probes_.clear();
  first_probes_.clear();
  const auto add = [&](EntityId entity, DeltaText text) -> Status {
    RESCIND_TRY(state_.table(entity).NeedKeys(state_.database(), state_.hasher()));
    const std::string_view id = delta.text(text);
    const KeyHash hash = state_.hasher().Hash(id);
    state_.table(entity).keys().Prefetch(hash);
    probes_.push_back({entity, hash, id});
    return {};
  };
  for (size_t i = first; i < end; ++i) {
    const DeltaRow& row = delta.rows()[i];
    first_probes_.push_back(probes_.size());
    RESCIND_TRY(add(row.entity, row.key));
    if (row.deleted) continue;
    for (const DeltaValue& value : delta.values(row)) {
      if (value.kind == DeltaKind::kReference) {
        const FieldType& type = state_.schema().field(row.entity, value.field).type;
        RESCIND_TRY(add(type.entity, value.text));
      } else if (value.kind == DeltaKind::kSet) {
        const FieldType& type = state_.schema().field(row.entity, value.field).type;
        if (!IsReferenceSet(type)) continue;
        for (const DeltaMember& member : delta.members(value)) {
          RESCIND_TRY(add(type.entity, member.text));
        }
      }
    }
  }
  for (const Probe& probe : probes_) state_.table(probe.entity).keys().PrefetchRow(probe.hash);
  return {};
}

uint32_t FactWriter::Resolve(const Probe& probe) {
  StoredTable& table = state_.table(probe.entity);
  const uint32_t row = table.keys().Find(probe.hash);
  if (row != kNoRow) return row;
  return table.AddRow(probe.id, probe.hash);
}

Status FactWriter::Apply(const FactDelta& delta) {
  for (size_t first = 0; first < delta.rows().size(); first += kBatchRows) {
    const size_t end = std::min(delta.rows().size(), first + kBatchRows);
    RESCIND_TRY(HashBatch(delta, first, end));
    for (size_t i = first; i < end; ++i) {
      RESCIND_TRY(ApplyRow(delta, delta.rows()[i], first_probes_[i - first]));
    }
  }
  return {};
}

void FactWriter::SetCell(EntityId entity, StoredColumn& column, uint32_t row, uint64_t number) {
  if (!staged_ || (column.keeps_history() && row < works_[entity.index()].base_rows)) {
    CellLog& log = column.log();
    log.rows.push_back(row);
    log.olds.push_back(column.Get(row));
    log.news.push_back(number);
    ++logged_cells_;
  }
  column.Set(row, number);
}

void FactWriter::SetOrigin(EntityId entity, StoredColumn& origin, uint32_t row, bool changed) {
  if (origin.Get(row) == *origin_code_) return;
  // A large snapshot restates millions of values: who said so before is kept where it was
  // something else, and forgotten where it was the same.
  if (staged_ && !changed) {
    origin.Set(row, *origin_code_);
  } else {
    SetCell(entity, origin, row, *origin_code_);
  }
}

void FactWriter::Claim(EntityId entity, uint32_t row) {
  if (own_) return;
  StoredColumn& claims = state_.table(entity).column(RowColumn::kClaims);
  SourceState& source = *works_[entity.index()].source;
  const uint64_t before = claims.Get(row);
  const uint64_t after = before | (uint64_t{1} << source.slot);
  if (before == after) return;
  ++source.claimed_rows;
  SetCell(entity, claims, row, after);
}

void FactWriter::DropClaims(EntityId entity, uint32_t row, uint64_t dropped) {
  StoredTable& table = state_.table(entity);
  StoredColumn& claims = table.column(RowColumn::kClaims);
  const uint64_t before = claims.Get(row);
  if ((before & dropped) == 0) return;
  for (const std::string& name : state_.ledger().NamesOf(table.number(), before & dropped)) {
    --state_.ledger().Find(table.number(), name)->claimed_rows;
  }
  SetCell(entity, claims, row, before & ~dropped);
}

Status FactWriter::RemoveRow(EntityId entity, uint32_t row, int64_t effective_micros) {
  StoredTable& table = state_.table(entity);
  const uint64_t claims = table.column(RowColumn::kClaims).Get(row);
  for (std::string& name : state_.ledger().NamesOf(table.number(), claims)) {
    state_.ledger().snapshot_sizes(table.number(), name).Lower();
    resized_.emplace(table.number(), std::move(name));
  }
  DropClaims(entity, row, ~uint64_t{0});
  if (table.column(RowColumn::kPresence).Get(row) == kRemoved) {
    ++report_.rows_unchanged;
    return {};
  }
  // An id that is said to be gone before its row ever came is gone all the same.
  ++report_.rows_removed;
  SetCell(entity, table.column(RowColumn::kPresence), row, kRemoved);
  const int64_t since = effective_micros != kUnknownLong ? effective_micros : at_.micros;
  SetCell(entity, table.column(RowColumn::kRemovedAt), row, static_cast<uint64_t>(since));
  return {};
}

Status FactWriter::ApplyRow(const FactDelta& delta, const DeltaRow& given, size_t probe) {
  RESCIND_TRY(Begin(given.entity));
  StoredTable& table = state_.table(given.entity);
  SourceLedger& ledger = state_.ledger();
  const uint32_t row = Resolve(probes_[probe++]);
  for (const auto which :
       {RowColumn::kPresence, RowColumn::kIncarnation, RowColumn::kRemovedAt, RowColumn::kClaims}) {
    RESCIND_TRY(table.column(which).Need(state_.database(), row));
  }
  EntityWork& work = works_[given.entity.index()];
  if (work.given_rows.size() <= row / 64) {
    work.given_rows.resize(std::max<size_t>(row / 64 + 1, work.given_rows.size() * 3 / 2));
  }
  work.given_rows[row / 64] |= uint64_t{1} << (row % 64);
  ++report_.rows_given;

  RESCIND_ASSIGN(const bool is_late, IsLate(given, row));
  if (is_late) {
    ++report_.rows_ignored;
    return {};
  }
  if (given.deleted) {
    RESCIND_TRY(own_ ? SetVerified(given.entity, row, kWholeRow) : NoteDeletion(given.entity, row));
    return RemoveRow(given.entity, row, given.effective_micros);
  }
  if (own_ && given.restored) return RestoreRow(given.entity, row);
  const bool any_verified = ledger.AnyVerified(table.number());
  const bool was_live = table.column(RowColumn::kPresence).Get(row) == kLive;
  // What we verified says what the row is like; that it exists is for its sources to say.
  const bool added = !was_live && !own_;
  row_is_new_ = added && row >= work.base_rows;
  if (added) RESCIND_TRY(BeginLife(given.entity, row));
  Claim(given.entity, row);
  bool changed = false;
  bool ignored = false;
  dated_fields_.clear();
  for (const DeltaValue& value : delta.values(given)) {
    const uint32_t number = any_verified ? FieldNumber(given.entity, value.field) : 0;
    const bool before_ours =
        !own_ && any_verified &&
        origin_.observed_at.micros < ledger.VerifiedAt(table.number(), row, number);
    RESCIND_ASSIGN(const bool outdated, IsOutdated(given.entity, value.field, row));
    RESCIND_ASSIGN(const bool before_use, IsBeforeSeenUse(given.entity, value, row));
    if (before_ours || outdated || before_use) {
      ignored = true;
      // Its references are passed over, not mentioned.
      const FieldType& type = table.definition().field(value.field).type;
      if (value.kind == DeltaKind::kReference) ++probe;
      if (value.kind == DeltaKind::kSet && IsReferenceSet(type)) probe += value.members.count;
      continue;
    }
    RESCIND_TRY(ApplyValue(delta, given, row, value, probe, changed));
    dated_fields_.push_back(value.field);
  }
  RESCIND_TRY(NoteEffective(given, row, added, changed));
  if (ignored) ++report_.rows_ignored;
  if (added) {
    ++report_.rows_added;
  } else if (changed && was_live) {
    ++report_.rows_changed;
  } else {
    ++report_.rows_unchanged;
  }
  return {};
}

// A removal that was undone: the same access is there again, so it keeps its incarnation and what
// is known of it. Who listed it lists it again with its next delivery.
Status FactWriter::RestoreRow(EntityId entity, uint32_t row) {
  StoredTable& table = state_.table(entity);
  StoredColumn& presence = table.column(RowColumn::kPresence);
  const bool had_life = table.column(RowColumn::kIncarnation).Get(row) > 0;
  if (presence.Get(row) != kRemoved || !had_life) {
    ++report_.rows_unchanged;
    return {};
  }
  ++report_.rows_added;
  SetCell(entity, presence, row, kLive);
  StoredColumn& removed_at = table.column(RowColumn::kRemovedAt);
  SetCell(entity, removed_at, row, removed_at.default_number());
  return SetVerified(entity, row, kWholeRow);
}

// Whether a source that looked later has set the field already: deliveries come in any order.
Result<bool> FactWriter::IsOutdated(EntityId entity, FieldId field_id, uint32_t row) {
  if (own_) return false;
  FieldColumns& field = state_.table(entity).field(field_id);
  RESCIND_TRY(field.origin->Need(state_.database(), row));
  const auto code = static_cast<uint32_t>(field.origin->Get(row));
  if (origin_code_ && code == *origin_code_) return false;
  RESCIND_ASSIGN(const Said said, SaidBy(code));
  return origin_.observed_at.micros < said.observed_micros;
}

Status FactWriter::ApplyValue(const FactDelta& delta, const DeltaRow& given, uint32_t row,
                              const DeltaValue& value, size_t& probe, bool& changed) {
  FieldColumns& field = state_.table(given.entity).field(value.field);
  const Database& database = state_.database();
  RESCIND_ASSIGN(const uint64_t number, Encode(delta, given.entity, value, probe));
  RESCIND_TRY(field.value->Need(database, row));
  RESCIND_TRY(field.origin->Need(database, row));
  const uint64_t old = field.value->Get(row);
  if (old != number) {
    changed = true;
    if (field.previous) RESCIND_TRY(NoteChange(given, row, field, number));
    SetCell(given.entity, *field.value, row, number);
  }
  SetOrigin(given.entity, *field.origin, row, old != number);
  if (own_) {
    RESCIND_TRY(SetVerified(given.entity, row, FieldNumber(given.entity, value.field)));
  }
  return {};
}

Status FactWriter::SetVerified(EntityId entity, uint32_t row, uint32_t field) {
  const uint32_t number = state_.table(entity).number();
  const int64_t known = state_.ledger().VerifiedAt(number, row, field);
  state_.ledger().SetVerified(number, row, field, std::max(known, origin_.observed_at.micros));
  verified_.push_back({number, row, field});
  return {};
}

Result<uint64_t> FactWriter::Encode(const FactDelta& delta, EntityId entity,
                                    const DeltaValue& value, size_t& probe) {
  FieldColumns& field = state_.table(entity).field(value.field);
  switch (value.kind) {
    case DeltaKind::kUnknown: return field.value->default_number();
    case DeltaKind::kNumber: {
      // As it reads back from a column of that width.
      const uint32_t bits = field.value->width() * 8;
      const auto raw = static_cast<uint64_t>(value.number);
      return bits == 64 ? raw : raw & ((uint64_t{1} << bits) - 1);
    }
    case DeltaKind::kText:
      RESCIND_TRY(field.dictionary->Need(state_.database()));
      return uint64_t{field.dictionary->Intern(delta.text(value.text))};
    case DeltaKind::kReference: return uint64_t{Resolve(probes_[probe++])};
    case DeltaKind::kSet: return EncodeSet(delta, entity, value, probe);
  }
  RESCIND_UNREACHABLE("unknown kind of value");
}

Result<uint64_t> FactWriter::EncodeSet(const FactDelta& delta, EntityId entity,
                                       const DeltaValue& value, size_t& probe) {
  FieldColumns& field = state_.table(entity).field(value.field);
  const FieldType& type = state_.table(entity).definition().field(value.field).type;
  RESCIND_TRY(field.sets->Need(state_.database()));
  const auto intern = [&](auto& members) -> uint64_t {
    if (members.empty()) return kEmptySet;
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    return field.sets->Intern(std::string_view(reinterpret_cast<const char*>(members.data()),
                                               members.size() * sizeof(members[0]))) +
           1;
  };
  if (type.element == TypeKind::kInt) {
    integers_.clear();
    for (const DeltaMember& member : delta.members(value)) integers_.push_back(member.number);
    return intern(integers_);
  }
  if (type.element == TypeKind::kText) RESCIND_TRY(field.dictionary->Need(state_.database()));
  members_.clear();
  for (const DeltaMember& member : delta.members(value)) {
    if (type.element == TypeKind::kText) {
      members_.push_back(field.dictionary->Intern(delta.text(member.text)));
    } else if (type.element == TypeKind::kReference) {
      members_.push_back(Resolve(probes_[probe++]));
    } else {
      members_.push_back(static_cast<uint32_t>(member.number));
    }
  }
  return intern(members_);
}

bool FactWriter::WasGiven(EntityId entity, uint32_t row) const {
  const auto& bits = works_[entity.index()].given_rows;
  return row / 64 < bits.size() && ((bits[row / 64] >> (row % 64)) & 1) != 0;
}

Result<std::vector<uint32_t>> FactWriter::Unlisted(EntityId entity) {
  StoredTable& table = state_.table(entity);
  StoredColumn& claims = table.column(RowColumn::kClaims);
  const uint64_t bit = uint64_t{1} << works_[entity.index()].source->slot;
  std::vector<uint32_t> rows;
  std::vector<uint64_t> chunk(kChunkRows);
  claims.PreparePending();
  const uint32_t row_count = works_[entity.index()].base_rows;
  for (uint32_t first = 0; first < row_count; first += kChunkRows) {
    RESCIND_TRY(claims.ReadChunk(state_.database(), first >> kChunkShift,
                                 reinterpret_cast<uint8_t*>(chunk.data())));
    const uint32_t count = std::min(kChunkRows, row_count - first);
    for (uint32_t i = 0; i < count; ++i) {
      if ((chunk[i] & bit) == 0 || WasGiven(entity, first + i)) continue;
      RESCIND_ASSIGN(const bool listed, WasListedSince(entity, first + i));
      if (!listed) rows.push_back(first + i);
    }
  }
  return rows;
}

Status FactWriter::CheckShrink(EntityId entity, uint64_t lost_count, const ShrinkLimit& most) {
  const std::string& name = state_.table(entity).definition().name;
  const EntityWork& work = works_[entity.index()];
  const char* help = "make sure that the file is complete; if so, repeat with --allow-shrink";
  const uint64_t before = work.source_before ? work.source_before->claimed_rows : 0;
  if (!most.Allows(lost_count, before)) {
    return Error{
        ErrorKind::kInvalidInput,
        fmt::format("this snapshot of source '{}' lacks {} of the {} {} rows that it had: more "
                    "than {}, so nothing was taken",
                    origin_.source, lost_count, before, name, most.Text()),
        help};
  }
  const auto largest =
      state_.ledger().snapshot_sizes(state_.table(entity).number(), origin_.source).Largest(at_);
  const uint64_t left = work.source->claimed_rows - lost_count;
  if (!largest || largest->row_count <= left ||
      most.Allows(largest->row_count - left, largest->row_count)) {
    return {};
  }
  return Error{
      ErrorKind::kInvalidInput,
      fmt::format("with this snapshot source '{}' has {} {} rows left of {} at {}, deleted ones "
                  "apart: more than {} were lost little by little within {} days, so nothing was "
                  "taken",
                  origin_.source, left, name, largest->row_count, FormatInstant(largest->at),
                  most.Text(), kShrinkWindowDays),
      help};
}

Status FactWriter::Withdraw(const std::vector<EntityId>& entities, const ShrinkLimit* most,
                            const DeclaredSources& declared) {
  for (const EntityId entity : entities) RESCIND_TRY(Begin(entity));
  for (uint32_t e = 0; e < works_.size(); ++e) {
    EntityWork& work = works_[e];
    if (!work.given) continue;
    const EntityId entity(e);
    StoredTable& table = state_.table(entity);
    work.snapshot = true;
    const auto latest = work.source_before ? work.source_before->snapshot_observed_at
                                           : decltype(work.source_before->snapshot_observed_at){};
    if (latest && origin_.observed_at < *latest) {
      return Error{
          ErrorKind::kInvalidInput,
          fmt::format("this snapshot of source '{}' shows the {} rows as of {}, but one of {} is "
                      "here already: what it lacks may have come since, so nothing was taken",
                      origin_.source, table.definition().name, FormatInstant(origin_.observed_at),
                      FormatInstant(*latest)),
          "import it without --snapshot: what is older than what is known is passed over"};
    }
    RESCIND_ASSIGN(const std::vector<uint32_t> rows, Unlisted(entity));
    SnapshotSizes& sizes = state_.ledger().snapshot_sizes(table.number(), origin_.source);
    if (most != nullptr) {
      RESCIND_TRY(CheckShrink(entity, rows.size(), *most));
      RESCIND_TRY(CheckFirstSnapshot(entity, *most, declared));
    } else {
      sizes.Forget();
    }
    RESCIND_TRY(WithdrawRows(entity, rows));
    sizes.Add({at_, work.source->claimed_rows});
    resized_.emplace(table.number(), origin_.source);
  }
  return {};
}

Status FactWriter::WithdrawRows(EntityId entity, const std::vector<uint32_t>& rows) {
  StoredTable& table = state_.table(entity);
  const uint64_t bit = uint64_t{1} << works_[entity.index()].source->slot;
  for (const uint32_t row : rows) {
    for (const auto which : {RowColumn::kPresence, RowColumn::kRemovedAt, RowColumn::kClaims}) {
      RESCIND_TRY(table.column(which).Need(state_.database(), row));
    }
    DropClaims(entity, row, bit);
    if (table.column(RowColumn::kClaims).Get(row) != 0 ||
        table.column(RowColumn::kPresence).Get(row) != kLive) {
      continue;
    }
    ++report_.rows_removed;
    SetCell(entity, table.column(RowColumn::kPresence), row, kRemoved);
    SetCell(entity, table.column(RowColumn::kRemovedAt), row, static_cast<uint64_t>(at_.micros));
  }
  return {};
}

ChangeRecord FactWriter::TakeSegment() {
  ChangeRecord record;
  record.at = at_;
  record.folded = staged_;
  for (const auto& table : state_.tables()) {
    for (StoredColumn* column : table->columns()) {
      if (column->log().rows.empty()) continue;
      CellGroup& group = record.groups.emplace_back();
      group.entity = table->number();
      group.column = column->number();
      group.width = column->width();
      group.has_olds = column->keeps_history();
      std::swap(group.cells, column->log());
    }
  }
  logged_cells_ = 0;
  return record;
}

}  // namespace rescind
