// IsBlank: whether a person who was asked for words gave none.
#pragma once

#include <string_view>

namespace rescind {

// Nothing, or nothing but spaces, tabs and line ends.
inline bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace rescind
