#include "engine/facts/column.h"

#include <algorithm>

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

Column::Column(Physical physical, uint32_t row_count, Filling filling) : physical_(physical) {
  switch (physical) {
    case Physical::kByte: values_ = RawLargeVector<uint8_t>(); break;
    case Physical::kDay: values_ = RawLargeVector<int32_t>(); break;
    case Physical::kLong: values_ = RawLargeVector<int64_t>(); break;
    case Physical::kCode:
    case Physical::kRow:
    case Physical::kSet: values_ = RawLargeVector<uint32_t>(); break;
  }
  if (physical == Physical::kCode || physical == Physical::kSet) {
    dictionary_ = std::make_shared<TextDictionary>();
  }
  if (physical == Physical::kSet) pool_ = std::make_shared<SetPool>();
  if (filling == Filling::kUnknown) {
    Resize(row_count);
  } else {
    std::visit([&](auto& values) { values.resize(row_count); }, values_);
  }
}

Column Column::Like(const Column& other, Filling filling) {
  Column column(other.physical_, other.row_count(), filling);
  column.dictionary_ = other.dictionary_;
  column.pool_ = other.pool_;
  return column;
}

uint32_t Column::row_count() const {
  return std::visit([](const auto& values) { return static_cast<uint32_t>(values.size()); },
                    values_);
}

void Column::Resize(uint32_t row_count) {
  const auto resize = [&]<typename T>(T unknown) {
    auto& values = std::get<RawLargeVector<T>>(values_);
    const size_t old_count = values.size();
    values.resize(row_count);
    if (row_count > old_count) {
      std::fill(values.begin() + static_cast<ptrdiff_t>(old_count), values.end(), unknown);
    }
  };
  switch (physical_) {
    case Physical::kByte: return resize(kUnknownByte);
    case Physical::kDay: return resize(kUnknownDay);
    case Physical::kLong: return resize(kUnknownLong);
    case Physical::kCode:
    case Physical::kRow: return resize(kUnknownCode);
    case Physical::kSet: return resize(kEmptySet);
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
  return std::visit([](const auto& values) { return uint64_t{values.size()} * sizeof(values[0]); },
                    values_);
}

}  // namespace rescind
