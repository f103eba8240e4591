// Presence: whether a row is there.
#pragma once

#include <cstdint>

namespace rescind {

// Stored in presence chunks. Never renumber.
enum class Presence : uint8_t {
  kAbsent = 0,  // a reference named it; its row never came
  kLive = 1,
  kRemoved = 2,  // or absent although every source of a closed entity has listed all it has
};

}  // namespace rescind
