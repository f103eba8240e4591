// SnapshotSizes: how many rows a source had after its recent snapshots, so that a feed which decays
// little by little is seen as well as one that breaks at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"

namespace rescind {

// A snapshot is compared with the largest one of this time before it.
inline constexpr int64_t kShrinkWindowDays = 30;

class SnapshotSizes {
 public:
  struct Size {
    Instant at;
    uint64_t row_count = 0;
    bool operator==(const Size&) const = default;
  };

  // The largest in the window that ends at `now`, the newest of several.
  std::optional<Size> Largest(Instant now) const;
  // A snapshot came that left so many rows. Instants do not run backwards.
  void Add(Size size);
  // One of its rows was deleted by name, by us or by a feed: that is no decay.
  void Lower();
  // Somebody has accepted that rows went: what was before counts no longer.
  void Forget() { sizes_.clear(); }

  std::string Encode() const;  // sealed
  static std::optional<SnapshotSizes> Decode(std::string_view bytes);
  bool operator==(const SnapshotSizes&) const = default;

 private:
  // Ascending in time and descending in size; at most one a day.
  std::vector<Size> sizes_;
};

}  // namespace rescind
