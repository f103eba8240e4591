#include "runtime/store/store_texts.h"

#include <cstring>
#include <mutex>

#include "runtime/store/byte_codec.h"

namespace rescind {
namespace {

// A stored number as people read it; sets as in CSV: a;b.
class ValueText {
 public:
  ValueText(StoreState& state, EntityId entity, FieldId field)
      : state_(state),
        columns_(state.table(entity).field(field)),
        type_(state.schema().field(entity, field).type) {}

  Result<std::string> Format(uint64_t number) {
    if (type_.kind == TypeKind::kSet) return FormatSet(number);
    return FormatOne(type_.kind, number);
  }

 private:
  Result<std::string> FormatOne(TypeKind kind, uint64_t number) {
    const auto micros = static_cast<int64_t>(number);
    switch (kind) {
      case TypeKind::kBool: return std::string(number != 0 ? "true" : "false");
      case TypeKind::kInt: return std::to_string(micros);
      case TypeKind::kTime: return FormatInstant({micros});
      case TypeKind::kDuration: return FormatDuration({micros});
      case TypeKind::kDate: return FormatDay({static_cast<int32_t>(number)});
      case TypeKind::kEnum: {
        const auto& members = state_.schema().enumeration(type_.enumeration).members;
        if (number >= members.size()) return CorruptRecord("the value of an enum");
        return members[number];
      }
      case TypeKind::kText: {
        return columns_.dictionary->Show(state_.database(), static_cast<uint32_t>(number));
      }
      case TypeKind::kReference: {
        StoredTable& target = state_.table(type_.entity);
        if (number >= target.row_count()) return CorruptRecord("a reference");
        return target.texts().Text(state_.database(), static_cast<uint32_t>(number));
      }
      case TypeKind::kSet:
      case TypeKind::kMany: break;
    }
    RESCIND_UNREACHABLE("no single value");
  }

  Result<std::string> FormatSet(uint64_t set) {
    std::string text;
    if (set == kEmptySet) return text;
    RESCIND_ASSIGN(const std::string bytes,
                   columns_.sets->Show(state_.database(), static_cast<uint32_t>(set - 1)));
    const uint32_t width = type_.element == TypeKind::kInt ? 8 : 4;
    const auto* raw = reinterpret_cast<const uint8_t*>(bytes.data());
    for (uint32_t i = 0; i < bytes.size() / width; ++i) {
      RESCIND_ASSIGN(const std::string member, FormatOne(type_.element, ReadNumber(raw, width, i)));
      if (i > 0) text += ';';
      text += member;
    }
    return text;
  }

  StoreState& state_;
  FieldColumns& columns_;
  const FieldType& type_;
};

}  // namespace

Result<std::string> StoreTexts::Id(EntityId entity, RowId row) const {
  return state_->table(entity).texts().Text(state_->database(), row.index());
}

Result<uint32_t> StoreTexts::Code(EntityId entity, StoredColumn& column, uint32_t row) const {
  if (past_) {
    const auto found = past_->codes.find({state_->table(entity).number(), column.number(), row});
    if (found != past_->codes.end()) return found->second;
  }
  const std::lock_guard lock(column_locks_[(entity.index() * 16 + column.number()) % kLocks]);
  RESCIND_ASSIGN(const uint64_t code, column.Read(state_->database(), row));
  return static_cast<uint32_t>(code);
}

Result<std::optional<std::string>> StoreTexts::Text(EntityId entity, FieldId field,
                                                    RowId row) const {
  FieldColumns& columns = state_->table(entity).field(field);
  RESCIND_ASSERT(columns.dictionary && !columns.sets, "not a text field");
  RESCIND_ASSIGN(const uint32_t code, Code(entity, *columns.value, row.index()));
  if (code == kUnknownCode) return std::optional<std::string>();
  RESCIND_ASSIGN(std::string text, columns.dictionary->Show(state_->database(), code));
  return std::optional(std::move(text));
}

Result<std::optional<FieldOrigin>> StoreTexts::Origin(EntityId entity, FieldId field,
                                                      RowId row) const {
  FieldColumns& columns = state_->table(entity).field(field);
  if (!columns.origin) return std::optional<FieldOrigin>();
  RESCIND_ASSIGN(const uint32_t code, Code(entity, *columns.origin, row.index()));
  RESCIND_ASSIGN(auto origin, state_->ledger().Origin(state_->database(), code));
  // A large import keeps no past of origins that it merely confirmed.
  if (past_ && origin && origin->observed_at > past_->at) origin.reset();
  return origin;
}

Result<std::optional<RowId>> StoreTexts::Find(EntityId entity, std::string_view id) const {
  const std::lock_guard lock(keys_mutex_);
  RESCIND_ASSIGN(auto row, state_->Find(entity, id));
  if (past_ && row && row->index() >= past_->row_counts[entity.index()]) row.reset();
  return row;
}

Result<RowFacts> ShowRow(StoreState& state, EntityId entity, uint32_t row) {
  StoredTable& table = state.table(entity);
  const Database& database = state.database();
  const auto read = [&](StoredColumn& column) -> Result<uint64_t> {
    RESCIND_TRY(column.Need(database, row));
    return column.Get(row);
  };
  RowFacts facts;
  facts.row = RowId(row);
  RESCIND_ASSIGN(facts.id, table.texts().Text(database, row));
  RESCIND_ASSIGN(const uint64_t presence, read(table.column(RowColumn::kPresence)));
  facts.presence = static_cast<Presence>(presence);
  RESCIND_ASSIGN(const uint64_t incarnation, read(table.column(RowColumn::kIncarnation)));
  facts.incarnation = static_cast<uint32_t>(incarnation);
  RESCIND_ASSIGN(const uint64_t removed_at, read(table.column(RowColumn::kRemovedAt)));
  if (removed_at != static_cast<uint64_t>(kUnknownLong)) {
    facts.removed_at = Instant{static_cast<int64_t>(removed_at)};
  }
  RESCIND_ASSIGN(const uint64_t claims, read(table.column(RowColumn::kClaims)));
  facts.sources = state.ledger().NamesOf(table.number(), claims);
  const auto& fields = table.definition().fields;
  for (uint32_t f = 0; f < fields.size(); ++f) {
    FieldColumns& columns = table.field(FieldId(f));
    if (!columns.value) continue;
    RowFacts::Field& shown = facts.fields.emplace_back();
    shown.name = fields[f].name;
    ValueText text(state, entity, FieldId(f));
    RESCIND_ASSIGN(const uint64_t number, read(*columns.value));
    const uint64_t unknown = columns.value->default_number();
    shown.known = columns.sets != nullptr || number != unknown;
    shown.value = "unknown";
    if (shown.known) {
      RESCIND_ASSIGN(shown.value, text.Format(number));
    }
    RESCIND_ASSIGN(const uint64_t origin, read(*columns.origin));
    RESCIND_ASSIGN(shown.origin, state.ledger().Origin(database, static_cast<uint32_t>(origin)));
    if (!columns.previous) continue;
    RESCIND_ASSIGN(const uint64_t changed_at, read(*columns.changed_at));
    if (changed_at == static_cast<uint64_t>(kUnknownLong)) continue;
    shown.changed_at = Instant{static_cast<int64_t>(changed_at)};
    RESCIND_ASSIGN(const uint64_t previous, read(*columns.previous));
    RESCIND_ASSIGN(shown.previous, text.Format(previous));
  }
  return facts;
}

}  // namespace rescind
