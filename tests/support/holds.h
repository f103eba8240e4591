// Holds: what most tests of messages ask.
#pragma once

#include <string_view>

namespace rescind {

// Whether `part` occurs anywhere in `text`.
inline bool Holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace rescind
