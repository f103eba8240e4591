// Tiles: how a log's hashes and entries are cut into files (C2SP tlog-tiles).
//
// A tile holds up to 256 hashes of one level; levels are eight apart in the tree, so entry i of a
// tile of level l+1 is the root of tile i of level l. An entry bundle holds up to 256 leaves, each
// behind its length. Pure: paths and bytes, no files.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/audit/merkle_tree.h"

namespace rescind {

inline constexpr uint32_t kTileWidth = 256;
inline constexpr uint32_t kTileHeight = 8;
inline constexpr size_t kMaxLeafBytes = 65'535;
inline constexpr size_t kMaxBundleBytes = kTileWidth * (2 + kMaxLeafBytes);

// "tile/0/x001/067", "tile/1/000.p/5" for a partial one of `width` entries.
std::string TilePath(uint32_t level, uint64_t index, uint32_t width);
// "tile/entries/x001/067", "tile/entries/000.p/5".
std::string BundlePath(uint64_t index, uint32_t width);

std::string EncodeTile(const std::vector<TreeHash>& hashes);
// nullopt unless it is `width` whole hashes.
std::optional<std::vector<TreeHash>> DecodeTile(std::string_view bytes, uint32_t width);

void AppendToBundle(std::string& bundle, std::string_view leaf);
// The leaves of a bundle. kCorrupt with the byte where it ends early or goes on too long.
Result<std::vector<std::string_view>> SplitBundle(std::string_view bundle, uint32_t width);

// The root over 1, 2, 4, … 256 hashes of neighbouring nodes.
TreeHash PerfectRoot(const TreeHash* hashes, size_t count);

// The unfinished right-most tile of every level of a growing tree.
class TileEdge {
 public:
  using TakeTile =
      std::function<void(uint32_t level, uint64_t index, const std::vector<TreeHash>& hashes)>;

  // `take_full` gets each tile that this leaf completes, lowest level first.
  void Append(const TreeHash& leaf, const TakeTile& take_full);
  uint64_t size() const { return size_; }
  // The tiles that are neither empty nor full.
  void TakePartial(const TakeTile& take) const;
  // Sets the edge of a tree of `size` leaves, for which level l must hold (size >> 8l) % 256
  // hashes.
  void Restore(uint64_t size, std::vector<std::vector<TreeHash>> levels);

 private:
  uint64_t size_ = 0;
  std::vector<std::vector<TreeHash>> levels_;
};

}  // namespace rescind
