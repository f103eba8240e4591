// Deliveries come in any order: whether what one says of a row has been overtaken already.
//
// Example: a source is read at 9:00 and at 10:00, and the second delivery comes first. What the
// first one deletes, the second may list: then it stays. What the second deleted, or lacks as a
// complete snapshot, does not come back with the first.
#include "runtime/store/fact_writer.h"

namespace rescind {

Result<FactWriter::Said> FactWriter::SaidBy(uint32_t origin_code) {
  if (origin_code == kUnknownCode) return Said{};
  const auto [known, is_new] = said_by_origin_.try_emplace(origin_code);
  if (is_new) {
    RESCIND_ASSIGN(const auto origin, state_.ledger().Origin(state_.database(), origin_code));
    if (origin) {
      known->second = {origin->observed_at.micros, origin->source == origin_.source,
                       origin->source == kRescindSource};
    }
  }
  return known->second;
}

// By this source itself, which alone knows what it no longer has. A line without values leaves
// no trace of when it was seen but the claim.
Result<bool> FactWriter::WasListedSince(EntityId entity, uint32_t row) {
  StoredTable& table = state_.table(entity);
  const EntityWork& work = works_[entity.index()];
  if (!work.source_before || work.source_before->observed_at <= origin_.observed_at) return false;
  RESCIND_ASSIGN(const uint64_t claims,
                 table.column(RowColumn::kClaims).Read(state_.database(), row));
  if (((claims >> work.source->slot) & 1) == 0) return false;
  // What its last complete snapshot lacked it does not claim, unless it came later.
  const auto& snapshot = work.source_before->snapshot_observed_at;
  if (snapshot && origin_.observed_at < *snapshot) return true;
  for (uint32_t f = 0; f < table.definition().fields.size(); ++f) {
    StoredColumn* origin = table.field(FieldId(f)).origin.get();
    if (origin == nullptr) continue;
    RESCIND_ASSIGN(const uint64_t code, origin->Read(state_.database(), row));
    RESCIND_ASSIGN(const Said said, SaidBy(static_cast<uint32_t>(code)));
    if (said.by_this_source && origin_.observed_at.micros < said.observed_micros) return true;
  }
  return false;
}

// By anybody's `deleted`, which counts whoever asserts the row, or by a snapshot of this source.
Result<bool> FactWriter::WasDroppedSince(EntityId entity, uint32_t row) {
  StoredTable& table = state_.table(entity);
  const EntityWork& work = works_[entity.index()];
  RESCIND_ASSIGN(const uint64_t deletion,
                 table.column(RowColumn::kDeletionSeen).Read(state_.database(), row));
  if (origin_.observed_at.micros < static_cast<int64_t>(deletion)) return true;
  if (!work.source_before || !work.source_before->snapshot_observed_at ||
      *work.source_before->snapshot_observed_at <= origin_.observed_at) {
    return false;
  }
  RESCIND_ASSIGN(const uint64_t claims,
                 table.column(RowColumn::kClaims).Read(state_.database(), row));
  return ((claims >> work.source->slot) & 1) == 0;
}

Result<bool> FactWriter::IsLate(const DeltaRow& given, uint32_t row) {
  if (own_) return false;
  const SourceLedger& ledger = state_.ledger();
  const uint32_t number = state_.table(given.entity).number();
  if (ledger.AnyVerified(number) &&
      origin_.observed_at.micros < ledger.VerifiedAt(number, row, kWholeRow)) {
    return true;
  }
  return given.deleted ? WasListedSince(given.entity, row) : WasDroppedSince(given.entity, row);
}

// A use that we have seen ourselves stands until a source tells of a later one: a source that knows
// nothing of it goes on saying so, however often it is read.
Result<bool> FactWriter::IsBeforeSeenUse(EntityId entity, const DeltaValue& value, uint32_t row) {
  StoredTable& table = state_.table(entity);
  if (own_ || !table.definition().field(value.field).latest) return false;
  FieldColumns& field = table.field(value.field);
  RESCIND_TRY(field.origin->Need(state_.database(), row));
  RESCIND_ASSIGN(const Said said, SaidBy(static_cast<uint32_t>(field.origin->Get(row))));
  if (!said.by_us) return false;
  RESCIND_TRY(field.value->Need(state_.database(), row));
  const uint64_t known = field.value->Get(row);
  if (known == field.value->default_number()) return false;
  return value.kind == DeltaKind::kUnknown || value.number < static_cast<int64_t>(known);
}

Status FactWriter::NoteDeletion(EntityId entity, uint32_t row) {
  StoredColumn& seen = state_.table(entity).column(RowColumn::kDeletionSeen);
  RESCIND_TRY(seen.Need(state_.database(), row));
  const int64_t observed = origin_.observed_at.micros;
  if (static_cast<int64_t>(seen.Get(row)) < observed) {
    SetCell(entity, seen, row, static_cast<uint64_t>(observed));
  }
  return {};
}

}  // namespace rescind
