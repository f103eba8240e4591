// StrongId<Tag>: a dense 32-bit index that cannot be mixed up with another kind of index.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <limits>

namespace rescind {

template <typename Tag>
class StrongId {
 public:
  static constexpr uint32_t kNoneValue = std::numeric_limits<uint32_t>::max();

  constexpr StrongId() = default;
  constexpr explicit StrongId(uint32_t index) : index_(index) {}

  static constexpr StrongId None() { return StrongId(); }
  constexpr bool valid() const { return index_ != kNoneValue; }
  constexpr uint32_t index() const { return index_; }
  constexpr auto operator<=>(const StrongId&) const = default;

 private:
  uint32_t index_ = kNoneValue;
};

}  // namespace rescind

template <typename Tag>
struct std::hash<rescind::StrongId<Tag>> {
  size_t operator()(rescind::StrongId<Tag> id) const noexcept { return id.index(); }
};
