#include "engine/base/visible_text.h"

#include <fmt/format.h>

#include "engine/base/assert.h"

namespace rescind {
namespace {

// The mark that text begins with at `at`, 0 for anything else. They take two bytes or three.
uint32_t HiddenMarkAt(std::string_view utf8, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < utf8.size() ? static_cast<unsigned char>(utf8[at + i]) : 0U;
  };
  const auto continues = [&](size_t i) { return (byte(i) & 0xC0U) == 0x80; };
  uint32_t code = 0;
  if (byte(0) == 0xD8 && continues(1)) code = (byte(0) & 0x1FU) << 6 | (byte(1) & 0x3FU);
  if (byte(0) == 0xE2 && continues(1) && continues(2)) {
    code = (byte(0) & 0x0FU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
  }
  return IsHiddenMark(code) ? code : 0;
}

size_t BytesOf(uint32_t mark) { return mark < 0x800 ? 2 : 3; }

}  // namespace

bool IsHiddenMark(uint32_t code_point) {
  return code_point == 0x061C || code_point == 0x200E || code_point == 0x200F ||
         (code_point >= 0x2028 && code_point <= 0x202E) ||
         (code_point >= 0x2066 && code_point <= 0x2069);
}

HiddenMark FindHiddenMark(std::string_view utf8, size_t from) {
  for (size_t at = utf8.find_first_of("\xD8\xE2", from); at != std::string_view::npos;
       at = utf8.find_first_of("\xD8\xE2", at + 1)) {
    const uint32_t code = HiddenMarkAt(utf8, at);
    if (code != 0) return {at, at + BytesOf(code), code};
  }
  return {std::string_view::npos, std::string_view::npos, 0};
}

std::string_view HiddenMarkName(uint32_t code_point) {
  switch (code_point) {
    case 0x061C: return "Arabic letter mark";
    case 0x200E: return "left-to-right mark";
    case 0x200F: return "right-to-left mark";
    case 0x2028: return "line separator";
    case 0x2029: return "paragraph separator";
    case 0x202A: return "left-to-right embedding";
    case 0x202B: return "right-to-left embedding";
    case 0x202C: return "pop directional formatting";
    case 0x202D: return "left-to-right override";
    case 0x202E: return "right-to-left override";
    case 0x2066: return "left-to-right isolate";
    case 0x2067: return "right-to-left isolate";
    case 0x2068: return "first strong isolate";
    case 0x2069: return "pop directional isolate";
    default: RESCIND_UNREACHABLE("no hidden mark");
  }
}

std::string Visible(std::string_view utf8) {
  std::string safe;
  safe.reserve(utf8.size());
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    // C1 controls are two bytes in UTF-8: C2 80 … C2 9F.
    const unsigned char next = i + 1 < utf8.size() ? static_cast<unsigned char>(utf8[i + 1]) : 0xFF;
    if (byte < 0x20 || byte == 0x7F) {
      safe += fmt::format("\\x{:02X}", byte);
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {
      safe += fmt::format("\\u{:04X}", next);
      ++i;
    } else if (const uint32_t mark = byte < 0x80 ? 0 : HiddenMarkAt(utf8, i); mark != 0) {
      safe += fmt::format("\\u{:04X}", mark);
      i += BytesOf(mark) - 1;
    } else {
      safe += utf8[i];
    }
  }
  return safe;
}

}  // namespace rescind
