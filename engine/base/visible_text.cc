#include "engine/base/visible_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/base/assert.h"

namespace rescind {
namespace {

struct MarkRange {
  uint32_t first;
  uint32_t last;
  std::string_view name;
  bool is_blank = false;
};

// In order. Tab, line feed and carriage return are none.
constexpr MarkRange kMarks[] = {
    {0x00, 0x08, "control character"},
    {0x0B, 0x0C, "control character"},
    {0x0E, 0x1F, "control character"},
    {0x7F, 0x9F, "control character"},
    {0xA0, 0xA0, "no-break space", true},
    {0xAD, 0xAD, "soft hyphen"},
    {0x034F, 0x034F, "combining grapheme joiner"},
    {0x061C, 0x061C, "Arabic letter mark"},
    {0x115F, 0x115F, "Hangul choseong filler"},
    {0x1160, 0x1160, "Hangul jungseong filler"},
    {0x1680, 0x1680, "Ogham space mark", true},
    {0x17B4, 0x17B5, "Khmer inherent vowel"},
    {0x180B, 0x180D, "Mongolian variation selector"},
    {0x180E, 0x180E, "Mongolian vowel separator"},
    {0x180F, 0x180F, "Mongolian variation selector"},
    {0x2000, 0x200A, "space of another width", true},
    {0x200B, 0x200B, "zero width space"},
    {0x200C, 0x200C, "zero width non-joiner"},
    {0x200D, 0x200D, "zero width joiner"},
    {0x200E, 0x200E, "left-to-right mark"},
    {0x200F, 0x200F, "right-to-left mark"},
    {0x2028, 0x2028, "line separator"},
    {0x2029, 0x2029, "paragraph separator"},
    {0x202A, 0x202A, "left-to-right embedding"},
    {0x202B, 0x202B, "right-to-left embedding"},
    {0x202C, 0x202C, "pop directional formatting"},
    {0x202D, 0x202D, "left-to-right override"},
    {0x202E, 0x202E, "right-to-left override"},
    {0x202F, 0x202F, "narrow no-break space", true},
    {0x205F, 0x205F, "medium mathematical space", true},
    {0x2060, 0x2060, "word joiner"},
    {0x2061, 0x2064, "invisible operator"},
    {0x2065, 0x2065, "ignorable, not assigned"},
    {0x2066, 0x2066, "left-to-right isolate"},
    {0x2067, 0x2067, "right-to-left isolate"},
    {0x2068, 0x2068, "first strong isolate"},
    {0x2069, 0x2069, "pop directional isolate"},
    {0x206A, 0x206F, "deprecated formatting character"},
    {0x2800, 0x2800, "Braille pattern blank"},
    {0x3000, 0x3000, "ideographic space", true},
    {0x3164, 0x3164, "Hangul filler"},
    {0xFE00, 0xFE0F, "variation selector"},
    {0xFEFF, 0xFEFF, "zero width no-break space"},
    {0xFFA0, 0xFFA0, "halfwidth Hangul filler"},
    {0xFFF0, 0xFFF8, "ignorable, not assigned"},
    {0xFFF9, 0xFFFB, "interlinear annotation mark"},
    {0x1BCA0, 0x1BCA3, "shorthand formatting mark"},
    {0x1D173, 0x1D17A, "musical formatting mark"},
    {0xE0000, 0xE0FFF, "tag or variation selector"},
};

// Null for a character that is seen.
const MarkRange* RangeOf(uint32_t code_point) {
  const auto* found =
      std::lower_bound(std::begin(kMarks), std::end(kMarks), code_point,
                       [](const MarkRange& range, uint32_t value) { return range.last < value; });
  return found != std::end(kMarks) && found->first <= code_point ? found : nullptr;
}

}  // namespace

CodePoint CodePointAt(std::string_view utf8, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(utf8[at + i]); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xC2 || lead >= 0xF5) return {};
  const size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (at + bytes > utf8.size()) return {};
  uint32_t code = lead & (0xFFU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3FU);
  }
  return {code, bytes};
}

bool IsHiddenMark(uint32_t code_point) { return RangeOf(code_point) != nullptr; }

bool IsOddBlank(uint32_t code_point) {
  const MarkRange* const range = RangeOf(code_point);
  return range != nullptr && range->is_blank;
}

HiddenMark FindHiddenMark(std::string_view utf8, size_t from) {
  for (size_t at = from; at < utf8.size();) {
    const CodePoint next = CodePointAt(utf8, at);
    const bool is_plain = next.code >= 0x20 && next.code < 0x7F;
    if (!is_plain && IsHiddenMark(next.code)) return {at, at + next.bytes, next.code};
    at += next.bytes;
  }
  return {std::string_view::npos, std::string_view::npos, 0};
}

std::string_view HiddenMarkName(uint32_t code_point) {
  const MarkRange* const range = RangeOf(code_point);
  RESCIND_ASSERT(range != nullptr, "no hidden mark");
  return range->name;
}

std::string VisibleMark(uint32_t code_point) {
  if (code_point < 0x80) return fmt::format("\\x{:02X}", code_point);
  return code_point < 0x10000 ? fmt::format("\\u{:04X}", code_point)
                              : fmt::format("\\u{{{:X}}}", code_point);
}

std::string Visible(std::string_view utf8) {
  std::string safe;
  safe.reserve(utf8.size());
  for (size_t at = 0; at < utf8.size();) {
    const CodePoint next = CodePointAt(utf8, at);
    const MarkRange* const range = RangeOf(next.code);
    if (next.bytes == 1 && next.code >= 0x80) {  // a terminal may take 0x9B for an escape
      safe += fmt::format("\\x{:02X}", static_cast<unsigned char>(utf8[at]));
    } else if (next.code < 0x20 || (range != nullptr && !range->is_blank)) {
      safe += VisibleMark(next.code);
    } else {
      safe += utf8.substr(at, next.bytes);
    }
    at += next.bytes;
  }
  return safe;
}

std::string VisibleJson(std::string json) {
  const auto is_plain = [](char c) { return static_cast<unsigned char>(c) < 0x7F; };
  if (std::all_of(json.begin(), json.end(), is_plain)) return json;
  std::string safe;
  safe.reserve(json.size());
  const std::string_view text = json;
  for (size_t at = 0; at < text.size();) {
    const CodePoint next = CodePointAt(text, at);
    if (next.code < 0x7F || !IsHiddenMark(next.code) || IsOddBlank(next.code)) {
      safe += text.substr(at, next.bytes);
    } else if (next.code < 0x10000) {
      safe += fmt::format("\\u{:04X}", next.code);
    } else {
      const uint32_t rest = next.code - 0x10000;
      safe += fmt::format("\\u{:04X}\\u{:04X}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    }
    at += next.bytes;
  }
  return safe;
}

}  // namespace rescind
