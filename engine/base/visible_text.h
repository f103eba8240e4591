// Visible: text as a person may see it, with nothing in it that a screen hides or obeys.
//
// Control characters move a terminal's cursor; marks of direction show text in another order than
// it is read ("Trojan source"); characters without a shape make two texts look the same that are
// not. Whatever prints text that others wrote for people goes through here; JSON says the same with
// its own escapes. Bytes that are hashed or signed stay as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rescind {

struct CodePoint {
  uint32_t code = 0xFFFD;
  size_t bytes = 1;
};
// The character that `utf8` holds at `at`, which lies in it. What is no UTF-8 is one byte that
// shows as the replacement character.
CodePoint CodePointAt(std::string_view utf8, size_t at);

// A character that nobody sees, or takes for a blank that it is not: controls but tab and the ends
// of lines, marks of direction, what Unicode calls default ignorable (joiners, selectors, tags, …),
// letters without a shape, and blanks other than the one that the space bar gives.
bool IsHiddenMark(uint32_t code_point);

// Those of them that show as a blank between words, as the no-break space does.
bool IsOddBlank(uint32_t code_point);

struct HiddenMark {
  size_t begin = 0;  // in bytes
  size_t end = 0;
  uint32_t code_point = 0;
};
// The first such character at or behind `from`; begin and end are npos when there is none.
HiddenMark FindHiddenMark(std::string_view utf8, size_t from = 0);

// "right-to-left override": what Unicode calls it, or the group that it belongs to. `code_point` is
// one of them.
std::string_view HiddenMarkName(uint32_t code_point);

// How Visible shows one of them: `\x1B`, `\u202E`, `\u{E0041}`.
std::string VisibleMark(uint32_t code_point);

// Hidden marks, tabs and ends of lines become `\x1B`, `\u009B`, `\u202E`, and bytes that are no
// UTF-8 `\xE2`; all else stays, and so do odd blanks: names of people hold them, and they are seen.
std::string Visible(std::string_view utf8);

// The same for a JSON document, which means what it meant: hidden marks but odd blanks become
// `\u202E`, and `\uDB40\uDC41` beyond U+FFFF. JSON has none of them outside of its strings, and its
// writer has escaped those below U+0020.
std::string VisibleJson(std::string json);

}  // namespace rescind
