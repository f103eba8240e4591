// RandomChoice: the dice of the generators: one seed, one world.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace rescind {

class RandomChoice {
 public:
  explicit RandomChoice(uint64_t seed) : engine_(seed) {}

  // From 0 to count - 1.
  uint32_t Below(uint32_t count) { return static_cast<uint32_t>(engine_() % count); }
  bool OneIn(uint32_t count) { return Below(count) == 0; }
  bool Percent(uint32_t percent) { return Below(100) < percent; }
  int64_t Between(int64_t first, int64_t last) {
    // Unsigned, because the distance may not fit into the type of its ends.
    const auto begin = static_cast<uint64_t>(first);
    return static_cast<int64_t>(begin + engine_() % (static_cast<uint64_t>(last) - begin + 1));
  }
  template <typename T>
  const T& Of(const std::vector<T>& items) {
    return items[Below(static_cast<uint32_t>(items.size()))];
  }
  template <typename T>
  T OneOf(std::initializer_list<T> items) {
    return *(items.begin() + Below(static_cast<uint32_t>(items.size())));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace rescind
