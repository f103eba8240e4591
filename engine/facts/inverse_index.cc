#include "engine/facts/inverse_index.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/facts/column.h"
#include "engine/facts/presence.h"

namespace rescind {

InverseIndex InverseIndex::Build(uint32_t target_row_count, std::span<const uint32_t> references,
                                 std::span<const uint8_t> presence) {
  RESCIND_ASSERT(references.size() == presence.size(), "one reference a row");
  constexpr auto kLiveByte = static_cast<uint8_t>(Presence::kLive);
  InverseIndex index;
  index.offsets_.assign(size_t{target_row_count} + 1, 0);
  for (size_t row = 0; row < references.size(); ++row) {
    if (references[row] == kNoRow || presence[row] != kLiveByte) continue;
    RESCIND_ASSERT(references[row] < target_row_count, "a reference names no row");
    ++index.offsets_[references[row] + 1];
  }
  for (size_t i = 1; i < index.offsets_.size(); ++i) index.offsets_[i] += index.offsets_[i - 1];
  index.rows_.resize(index.offsets_.back());
  LargeVector<uint32_t> next(index.offsets_.begin(), index.offsets_.end() - 1);
  for (size_t row = 0; row < references.size(); ++row) {
    if (references[row] == kNoRow || presence[row] != kLiveByte) continue;
    index.rows_[next[references[row]]++] = static_cast<uint32_t>(row);
  }
  return index;
}

namespace {

// Of an ascending list.
bool Erase(std::vector<uint32_t>& rows, uint32_t row) {
  const auto at = std::lower_bound(rows.begin(), rows.end(), row);
  if (at == rows.end() || *at != row) return false;
  rows.erase(at);
  return true;
}

void Insert(std::vector<uint32_t>& rows, uint32_t row) {
  const auto at = std::lower_bound(rows.begin(), rows.end(), row);
  RESCIND_ASSERT(at == rows.end() || *at != row, "an edit of an index made twice");
  rows.insert(at, row);
}

}  // namespace

std::span<const uint32_t> InverseIndex::Patched(RowId target, std::vector<uint32_t>& merged) const {
  const std::span<const uint32_t> built = Built(target);
  const auto found = patches_.find(target.index());
  if (found == patches_.end()) return built;
  const Patch& patch = found->second;
  merged.clear();
  auto added = patch.added.begin();
  auto removed = patch.removed.begin();
  for (const uint32_t row : built) {
    for (; added != patch.added.end() && *added < row; ++added) merged.push_back(*added);
    if (removed != patch.removed.end() && *removed == row) {
      ++removed;
    } else {
      merged.push_back(row);
    }
  }
  merged.insert(merged.end(), added, patch.added.end());
  return merged;
}

size_t InverseIndex::Count(RowId target) const {
  const size_t built = Built(target).size();
  const auto found = patches_.find(target.index());
  if (found == patches_.end()) return built;
  return built + found->second.added.size() - found->second.removed.size();
}

void InverseIndex::Add(RowId target, uint32_t row) {
  ++edit_count_;
  Patch& patch = patches_[target.index()];
  if (!Erase(patch.removed, row)) {
    const std::span<const uint32_t> built = Built(target);
    RESCIND_ASSERT(!std::binary_search(built.begin(), built.end(), row), "it refers to it already");
    Insert(patch.added, row);
  }
  if (patch.added.empty() && patch.removed.empty()) patches_.erase(target.index());
}

void InverseIndex::Remove(RowId target, uint32_t row) {
  ++edit_count_;
  Patch& patch = patches_[target.index()];
  if (!Erase(patch.added, row)) {
    const std::span<const uint32_t> built = Built(target);
    RESCIND_ASSERT(std::binary_search(built.begin(), built.end(), row), "it does not refer to it");
    Insert(patch.removed, row);
  }
  if (patch.added.empty() && patch.removed.empty()) patches_.erase(target.index());
}

uint64_t InverseIndex::memory_bytes() const {
  uint64_t bytes = (offsets_.size() + rows_.size()) * sizeof(uint32_t);
  for (const auto& [target, patch] : patches_) {
    bytes += sizeof(Patch) + (patch.added.capacity() + patch.removed.capacity()) * sizeof(uint32_t);
  }
  return bytes;
}

}  // namespace rescind
