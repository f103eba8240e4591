// SortUnique: a list as a set is written, ascending and each once.
#pragma once

#include <algorithm>
#include <vector>

namespace rescind {

template <typename Item>
void SortUnique(std::vector<Item>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

}  // namespace rescind
