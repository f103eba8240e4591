// Selection: which rows of a batch are looked at, as ascending offsets.
//
// `and` and `or` pass what is still open on to their next operand. A selection knows the one that
// it was taken from, so that values computed for that one count for it too.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/assert.h"

// Before a function whose loops are kernels: compiled twice, for any x86-64 and for those that have
// AVX2, and chosen when the program starts. Comparing numbers of 64 bits needs it to be vectorised.
// Not under sanitizers, which cannot run what the loader asks to choose.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && \
    !defined(RESCIND_SANITIZED)
#define RESCIND_KERNEL [[gnu::target_clones("default", "arch=x86-64-v3")]]
#else
#define RESCIND_KERNEL
#endif

namespace rescind::eval {

struct Selection {
  const uint32_t* offsets = nullptr;  // null: all rows from 0 to count
  uint32_t count = 0;
  uint64_t id = 0;                    // of this selection and no other, for ever
  const Selection* parent = nullptr;  // a superset of the same batch's rows; outlives this

  bool all() const { return offsets == nullptr; }
};

// One loop for the dense case, which compilers vectorise, and one for the sparse. The body is made
// part of both loops: called, it would read everything it captured again for each row.
template <typename Body>
[[gnu::always_inline, gnu::flatten]] inline void ForEach(const Selection& selection, Body body) {
  const uint32_t count = selection.count;
  if (selection.all()) {
    for (uint32_t i = 0; i < count; ++i) body(i);
    return;
  }
  const uint32_t* offsets = selection.offsets;
  for (uint32_t k = 0; k < count; ++k) body(offsets[k]);
}

// Selections in the order in which they are opened; their memory is used again.
class SelectionStack {
 public:
  uint64_t NextId() { return ++last_id_; }

  // Closes what was pushed since, at its end.
  class Scope {
   public:
    explicit Scope(SelectionStack& stack) : stack_(stack), depth_(stack.depth_) {}
    ~Scope() { stack_.depth_ = depth_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    SelectionStack& stack_;
    size_t depth_;
  };

  // The rows of `parent` for which `keep` holds; `parent` itself when it is all of them.
  template <typename Keep>
  [[gnu::flatten]] const Selection& Filter(const Selection& parent, Keep keep) {
    Entry& entry = Push(parent.count);
    uint32_t* const offsets = entry.offsets.data();
    uint32_t count = 0;
    ForEach(parent, [&count, offsets, keep](uint32_t i) {
      offsets[count] = i;
      count += keep(i) ? 1 : 0;
    });
    if (count == parent.count) {
      --depth_;
      return parent;
    }
    entry.selection = {offsets, count, NextId(), &parent};
    return entry.selection;
  }
  // The rows of `parent` from the begin-th on, at most `count` of them.
  const Selection& Slice(const Selection& parent, uint32_t begin, uint32_t count) {
    if (begin == 0 && count >= parent.count) return parent;
    RESCIND_ASSERT(begin < parent.count, "a slice beyond its selection");
    if (count > parent.count - begin) count = parent.count - begin;
    Entry& entry = Push(count);
    for (uint32_t k = 0; k < count; ++k) {
      entry.offsets[k] = parent.all() ? begin + k : parent.offsets[begin + k];
    }
    entry.selection = {entry.offsets.data(), count, NextId(), &parent};
    return entry.selection;
  }

 private:
  struct Entry {
    std::vector<uint32_t> offsets;
    Selection selection;
  };

  Entry& Push(uint32_t capacity) {
    if (depth_ == entries_.size()) entries_.push_back(std::make_unique<Entry>());
    Entry& entry = *entries_[depth_++];
    // One more than needed: the filter writes before it knows whether it keeps.
    if (entry.offsets.size() < size_t{capacity} + 1) entry.offsets.resize(size_t{capacity} + 1);
    return entry;
  }

  std::vector<std::unique_ptr<Entry>> entries_;
  size_t depth_ = 0;
  uint64_t last_id_ = 0;
};

}  // namespace rescind::eval
