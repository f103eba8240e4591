// InverseIndex: for each referenced row the live rows that name it by one reference field.
//
// Built at once by counting sort; edited row by row afterwards. An edit costs as much as the few
// edits of the same row before it, not as its list, which may hold millions. It knows nothing of
// entities.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/large_vector.h"
#include "engine/facts/schema.h"

namespace rescind {

class InverseIndex {
 public:
  // Over the live rows of `references`; `presence`: one Presence a row.
  static InverseIndex Build(uint32_t target_row_count, std::span<const uint32_t> references,
                            std::span<const uint8_t> presence);

  // The rows that refer to `target`, ascending; live, not necessarily complete. `merged`: memory
  // for a list that was edited; what is returned may lie there.
  std::span<const uint32_t> Rows(RowId target, std::vector<uint32_t>& merged) const {
    return patches_.empty() ? Built(target) : Patched(target, merged);
  }
  // Of an index that nobody has edited.
  std::span<const uint32_t> Rows(RowId target) const {
    RESCIND_ASSERT(patches_.empty(), "an edited index needs memory to list rows in");
    return Built(target);
  }
  size_t Count(RowId target) const;

  // `row` begins or ceases to refer to `target`. It did not, or did, before: asserted.
  void Add(RowId target, uint32_t row);
  void Remove(RowId target, uint32_t row);
  // Since it was built. Many make Rows() slow: build it again.
  uint64_t edit_count() const { return edit_count_; }
  uint64_t memory_bytes() const;

 private:
  // Both ascending; `removed` are of the built list, `added` are not.
  struct Patch {
    std::vector<uint32_t> added;
    std::vector<uint32_t> removed;
  };

  std::span<const uint32_t> Built(RowId target) const {
    // Rows that came later were referred to by none.
    if (size_t{target.index()} + 1 >= offsets_.size()) return {};
    return std::span(rows_).subspan(offsets_[target.index()],
                                    offsets_[target.index() + 1] - offsets_[target.index()]);
  }
  std::span<const uint32_t> Patched(RowId target, std::vector<uint32_t>& merged) const;

  LargeVector<uint32_t> offsets_;  // one more than rows when it was built
  LargeVector<uint32_t> rows_;
  std::unordered_map<uint32_t, Patch> patches_;  // none is empty
  uint64_t edit_count_ = 0;
};

}  // namespace rescind
