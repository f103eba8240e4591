// TakeChar: one step of a reader that walks over a text.
#pragma once

#include <string_view>

namespace rescind {

// Whether `text` begins with `expected`; if so, takes it away.
inline bool TakeChar(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace rescind
