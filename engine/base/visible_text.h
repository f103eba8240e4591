// Visible: text as a person may see it, with nothing in it that a screen hides or obeys.
//
// Control characters move a terminal's cursor; marks of direction show text in another order than
// it is read ("Trojan source"). Whatever prints text that others wrote for people goes through
// here. Data for machines keeps its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rescind {

// A character without a shape that changes the order of what stands around it, or its lines:
// U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069.
bool IsHiddenMark(uint32_t code_point);

struct HiddenMark {
  size_t begin = 0;  // in bytes
  size_t end = 0;
  uint32_t code_point = 0;
};
// The first such character at or behind `from`; begin and end are npos when there is none.
HiddenMark FindHiddenMark(std::string_view utf8, size_t from = 0);

// "right-to-left override": what Unicode calls it. `code_point` is one of them.
std::string_view HiddenMarkName(uint32_t code_point);

// Control characters become `\x1B` and `\u009B`, marks of direction `\u202E`; all else stays.
std::string Visible(std::string_view utf8);

}  // namespace rescind
