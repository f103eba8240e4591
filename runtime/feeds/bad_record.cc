#include "runtime/feeds/bad_record.h"

#include <fmt/format.h>

#include "engine/base/visible_text.h"

namespace rescind {
namespace {

// How many bytes a well-formed sequence at the front of `text` has; 0: it is not well-formed.
size_t SequenceBytes(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  size_t bytes = 0;
  if (lead >= 0xC2 && lead <= 0xDF) bytes = 2;
  if (lead >= 0xE0 && lead <= 0xEF) bytes = 3;
  if (lead >= 0xF0 && lead <= 0xF4) bytes = 4;
  if (bytes == 0 || text.size() < bytes) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  if (lead == 0xE0 && at(1) < 0xA0) return 0;
  if (lead == 0xED && at(1) > 0x9F) return 0;
  if (lead == 0xF0 && at(1) < 0x90) return 0;
  if (lead == 0xF4 && at(1) > 0x8F) return 0;
  return bytes;
}

constexpr size_t kLongestShownBytes = 80;

}  // namespace

size_t FindInvalidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t bytes = SequenceBytes(text.substr(at));
    if (bytes == 0) return at;
    at += bytes;
  }
  return std::string_view::npos;
}

uint64_t CountCodePoints(std::string_view text) {
  uint64_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

std::string ShowValue(std::string_view text) {
  std::string shown = "\"";
  for (size_t at = 0; at < text.size();) {
    if (at >= kLongestShownBytes) {
      shown += "…";
      break;
    }
    const size_t bytes = SequenceBytes(text.substr(at));
    const auto byte = static_cast<unsigned char>(text[at]);
    if (bytes == 0) {
      shown += fmt::format("\\x{:02X}", byte);
      ++at;
    } else {
      shown += Visible(text.substr(at, bytes));
      at += bytes;
    }
  }
  return shown + "\"";
}

std::string BadRecord::Text(std::string_view file) const {
  std::string text(file);
  if (line > 0) text += fmt::format(":{}", line);
  if (line > 0 && column > 0) text += fmt::format(":{}", column);
  text += ": ";
  if (!field.empty()) text += fmt::format("`{}`", field);
  if (!value.empty()) text += fmt::format("{}{}", field.empty() ? "" : " = ", value);
  if (!field.empty() || !value.empty()) text += ": ";
  text += what;
  if (!help.empty()) text += fmt::format("; {}", help);
  return text;
}

}  // namespace rescind
