#include "runtime/audit/tile.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "engine/base/assert.h"

namespace rescind {
namespace {

// 1234067 is "x001/x234/067": groups of three digits, all but the last marked.
std::string IndexPath(uint64_t index, uint32_t width) {
  RESCIND_ASSERT(width >= 1 && width <= kTileWidth, "no such width of a tile");
  std::string path = fmt::format("{:03}", index % 1000);
  for (uint64_t rest = index / 1000; rest > 0; rest /= 1000) {
    path = fmt::format("x{:03}/{}", rest % 1000, path);
  }
  return width == kTileWidth ? path : fmt::format("{}.p/{}", path, width);
}

}  // namespace

std::string TilePath(uint32_t level, uint64_t index, uint32_t width) {
  return fmt::format("tile/{}/{}", level, IndexPath(index, width));
}

std::string BundlePath(uint64_t index, uint32_t width) {
  return "tile/entries/" + IndexPath(index, width);
}

std::string EncodeTile(const std::vector<TreeHash>& hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * sizeof(TreeHash));
  for (const TreeHash& hash : hashes) {
    bytes.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  }
  return bytes;
}

std::optional<std::vector<TreeHash>> DecodeTile(std::string_view bytes, uint32_t width) {
  if (bytes.size() != width * sizeof(TreeHash)) return std::nullopt;
  std::vector<TreeHash> hashes(width);
  for (size_t i = 0; i < width; ++i) {
    const std::string_view hash = bytes.substr(i * sizeof(TreeHash), sizeof(TreeHash));
    std::copy(hash.begin(), hash.end(), hashes[i].begin());
  }
  return hashes;
}

void AppendToBundle(std::string& bundle, std::string_view leaf) {
  RESCIND_ASSERT(leaf.size() <= kMaxLeafBytes, "a leaf is too long for a bundle");
  bundle.push_back(static_cast<char>(leaf.size() >> 8));
  bundle.push_back(static_cast<char>(leaf.size() & 0xFF));
  bundle.append(leaf);
}

Result<std::vector<std::string_view>> SplitBundle(std::string_view bundle, uint32_t width) {
  std::vector<std::string_view> leaves;
  leaves.reserve(width);
  size_t at = 0;
  const auto corrupt = [&](std::string_view what) {
    return Error{ErrorKind::kCorrupt, fmt::format("byte {}: {}", at, what), ""};
  };
  while (leaves.size() < width) {
    if (bundle.size() - at < 2) {
      return corrupt(fmt::format("ends after {} of {} entries", leaves.size(), width));
    }
    const size_t length =
        static_cast<uint8_t>(bundle[at]) * size_t{256} + static_cast<uint8_t>(bundle[at + 1]);
    if (bundle.size() - at - 2 < length) {
      return corrupt(fmt::format("ends within entry {} of {}", leaves.size() + 1, width));
    }
    leaves.push_back(bundle.substr(at + 2, length));
    at += 2 + length;
  }
  if (at != bundle.size()) {
    return corrupt(fmt::format("{} bytes follow the last entry", bundle.size() - at));
  }
  return leaves;
}

TreeHash PerfectRoot(const TreeHash* hashes, size_t count) {
  RESCIND_ASSERT(std::has_single_bit(count), "a perfect tree has a power of two of leaves");
  if (count == 1) return hashes[0];
  return NodeHash(PerfectRoot(hashes, count / 2), PerfectRoot(hashes + count / 2, count / 2));
}

void TileEdge::Append(const TreeHash& leaf, const TakeTile& take_full) {
  ++size_;
  TreeHash hash = leaf;
  for (uint32_t level = 0;; ++level) {
    if (levels_.size() == level) levels_.emplace_back();
    std::vector<TreeHash>& tile = levels_[level];
    tile.push_back(hash);
    if (tile.size() < kTileWidth) return;
    take_full(level, (size_ >> (kTileHeight * (level + 1))) - 1, tile);
    hash = PerfectRoot(tile.data(), tile.size());
    tile.clear();
  }
}

void TileEdge::TakePartial(const TakeTile& take) const {
  for (uint32_t level = 0; level < levels_.size(); ++level) {
    if (levels_[level].empty()) continue;
    take(level, size_ >> (kTileHeight * (level + 1)), levels_[level]);
  }
}

void TileEdge::Restore(uint64_t size, std::vector<std::vector<TreeHash>> levels) {
  uint64_t rest = size;
  for (const auto& tile : levels) {
    RESCIND_ASSERT(tile.size() == rest % kTileWidth, "the edge does not fit the tree's size");
    rest /= kTileWidth;
  }
  RESCIND_ASSERT(rest == 0, "the edge lacks a level");
  size_ = size;
  levels_ = std::move(levels);
}

}  // namespace rescind
