#include "engine/base/large_vector.h"

#include <sys/mman.h>

namespace rescind {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kCacheLine = 64;

// Below it, rounding up to whole pages would waste more than they save.
constexpr size_t kFewPages = 2 * kHugePage;

size_t AlignmentOf(size_t bytes) { return bytes < kFewPages ? kCacheLine : kHugePage; }

}  // namespace

void* AllocateLarge(size_t bytes) {
  void* const memory = ::operator new (bytes, std::align_val_t{AlignmentOf(bytes)});
  // A refusal costs speed, nothing else. The last page, shared with others, stays as it is.
  if (bytes >= kFewPages) ::madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return memory;
}

void FreeLarge(void* memory, size_t bytes) noexcept {
  ::operator delete (memory, std::align_val_t{AlignmentOf(bytes)});
}

}  // namespace rescind
