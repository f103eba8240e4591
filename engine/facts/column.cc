#include "engine/facts/column.h"

namespace rescind {

Physical PhysicalOf(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
    case TypeKind::kEnum: return Physical::kByte;
    case TypeKind::kText: return Physical::kCode;
    case TypeKind::kDate: return Physical::kDay;
    case TypeKind::kInt:
    case TypeKind::kTime:
    case TypeKind::kDuration: return Physical::kLong;
    case TypeKind::kReference: return Physical::kRow;
    case TypeKind::kSet: return Physical::kSet;
    case TypeKind::kMany: break;
  }
  RESCIND_UNREACHABLE("a `many` field has no column");
}

Column::Column(Physical physical, uint32_t row_count) : physical_(physical) {
  switch (physical) {
    case Physical::kByte: values_ = LargeVector<uint8_t>(); break;
    case Physical::kDay: values_ = LargeVector<int32_t>(); break;
    case Physical::kLong: values_ = LargeVector<int64_t>(); break;
    case Physical::kCode:
    case Physical::kRow:
    case Physical::kSet: values_ = LargeVector<uint32_t>(); break;
  }
  if (physical == Physical::kCode || physical == Physical::kSet) {
    dictionary_ = std::make_shared<TextDictionary>();
  }
  if (physical == Physical::kSet) pool_ = std::make_shared<SetPool>();
  Resize(row_count);
}

Column Column::Like(const Column& other) {
  Column column(other.physical_, other.row_count());
  column.dictionary_ = other.dictionary_;
  column.pool_ = other.pool_;
  return column;
}

uint32_t Column::row_count() const {
  return std::visit([](const auto& values) { return static_cast<uint32_t>(values.size()); },
                    values_);
}

void Column::Resize(uint32_t row_count) {
  switch (physical_) {
    case Physical::kByte:
      std::get<LargeVector<uint8_t>>(values_).resize(row_count, kUnknownByte);
      break;
    case Physical::kDay:
      std::get<LargeVector<int32_t>>(values_).resize(row_count, kUnknownDay);
      break;
    case Physical::kLong:
      std::get<LargeVector<int64_t>>(values_).resize(row_count, kUnknownLong);
      break;
    case Physical::kCode:
    case Physical::kRow:
      std::get<LargeVector<uint32_t>>(values_).resize(row_count, kUnknownCode);
      break;
    case Physical::kSet:
      std::get<LargeVector<uint32_t>>(values_).resize(row_count, kEmptySet);
      break;
  }
}

bool Column::IsUnknown(RowId row) const {
  const uint32_t i = row.index();
  switch (physical_) {
    case Physical::kByte: return bytes()[i] == kUnknownByte;
    case Physical::kCode: return codes()[i] == kUnknownCode;
    case Physical::kDay: return days()[i] == kUnknownDay;
    case Physical::kLong: return longs()[i] == kUnknownLong;
    case Physical::kRow: return rows()[i] == kNoRow;
    case Physical::kSet: return false;
  }
  RESCIND_UNREACHABLE("unknown physical type");
}

uint64_t Column::memory_bytes() const {
  return std::visit(
      [](const auto& values) { return uint64_t{values.size()} * sizeof(values[0]); }, values_);
}

}  // namespace rescind
