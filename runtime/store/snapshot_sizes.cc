// Kept is only what can be the largest of a window that ends later. Example: 100, 95, 98 rows on
// three days leave 100 and 98; when 100 is too old, 98 is the largest. Of one day the largest
// stands for all, so that an hourly feed keeps 30 sizes and not 720.
#include "runtime/store/snapshot_sizes.h"

#include <algorithm>

#include "runtime/store/byte_codec.h"

namespace rescind {
namespace {

constexpr uint8_t kSizesFormat = 1;

bool IsInWindow(const SnapshotSizes::Size& size, Instant now) {
  return size.at.micros >= now.micros - kShrinkWindowDays * kMicrosPerDay;
}

}  // namespace

std::optional<SnapshotSizes::Size> SnapshotSizes::Largest(Instant now) const {
  const auto found = std::find_if(sizes_.begin(), sizes_.end(),
                                  [&](const Size& size) { return IsInWindow(size, now); });
  return found == sizes_.end() ? std::nullopt : std::optional(*found);
}

void SnapshotSizes::Add(Size size) {
  std::erase_if(sizes_, [&](const Size& known) {
    return !IsInWindow(known, size.at) || known.row_count <= size.row_count;
  });
  const bool same_day =
      !sizes_.empty() && sizes_.back().at.micros / kMicrosPerDay == size.at.micros / kMicrosPerDay;
  if (!same_day) sizes_.push_back(size);
}

void SnapshotSizes::Lower() {
  for (Size& size : sizes_) size.row_count -= std::min<uint64_t>(size.row_count, 1);
}

std::string SnapshotSizes::Encode() const {
  ByteWriter writer;
  writer.Put8(kSizesFormat);
  writer.Put32(static_cast<uint32_t>(sizes_.size()));
  for (const Size& size : sizes_) {
    writer.PutMicros(size.at.micros);
    writer.Put64(size.row_count);
  }
  Seal(writer.bytes());
  return std::move(writer.bytes());
}

std::optional<SnapshotSizes> SnapshotSizes::Decode(std::string_view bytes) {
  const auto body = Unseal(bytes);
  if (!body) return std::nullopt;
  ByteReader reader(*body);
  if (reader.Take8() != kSizesFormat) return std::nullopt;
  SnapshotSizes decoded;
  for (uint32_t left = reader.Take32(); left > 0 && reader.ok(); --left) {
    Size size;
    size.at = {reader.TakeMicros()};
    size.row_count = reader.Take64();
    decoded.sizes_.push_back(size);
  }
  return reader.done() ? std::optional(std::move(decoded)) : std::nullopt;
}

}  // namespace rescind
