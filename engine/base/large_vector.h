// LargeVector: a std::vector for columns, on huge pages where it is large.
//
// Reading a column of 10 M rows at random places costs more in address translation than in the
// read itself when its pages are small; and pages that are touched for the first time cost a fault
// each. Linux: transparent huge pages, asked for by madvise(2); elsewhere, and where the system
// refuses, ordinary pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace rescind {

// Memory for `bytes`, aligned to 64 bytes at least; never null, throws std::bad_alloc. What it
// holds is unspecified.
void* AllocateLarge(size_t bytes);
void FreeLarge(void* memory, size_t bytes) noexcept;

template <typename T>
struct LargeAllocator {
  using value_type = T;
  LargeAllocator() = default;
  template <typename U>
  LargeAllocator(const LargeAllocator<U>&) {}  // NOLINT: allocators convert

  T* allocate(size_t count) {
    if (count > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(AllocateLarge(count * sizeof(T)));
  }
  void deallocate(T* memory, size_t count) noexcept { FreeLarge(memory, count * sizeof(T)); }
  bool operator==(const LargeAllocator&) const = default;
};

// Leaves what resize() adds as it is: for memory that several threads fill.
template <typename T>
struct RawLargeAllocator : LargeAllocator<T> {
  RawLargeAllocator() = default;
  template <typename U>
  RawLargeAllocator(const RawLargeAllocator<U>&) {}  // NOLINT: allocators convert
  template <typename U>
  struct rebind {
    using other = RawLargeAllocator<U>;
  };
  template <typename U, typename... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    if constexpr (sizeof...(Arguments) > 0) ::new (at) U(std::forward<Arguments>(arguments)...);
  }
};

template <typename T>
using LargeVector = std::vector<T, LargeAllocator<T>>;
template <typename T>
using RawLargeVector = std::vector<T, RawLargeAllocator<T>>;

}  // namespace rescind
