#include "engine/facts/text_dictionary.h"

#include <functional>

#include "engine/base/assert.h"

namespace rescind {

std::string_view TextDictionary::Text(uint32_t code) const {
  RESCIND_ASSERT(code < ends_.size(), "text code out of range");
  const uint64_t begin = code == 0 ? 0 : ends_[code - 1];
  return std::string_view(blob_).substr(begin, ends_[code] - begin);
}

// The slot that holds `text`, or the empty one where it belongs.
size_t TextDictionary::SlotOf(std::string_view text) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = std::hash<std::string_view>{}(text)&mask;
  while (slots_[slot] != 0 && Text(slots_[slot] - 1) != text) slot = (slot + 1) & mask;
  return slot;
}

void TextDictionary::Rebuild(size_t slot_count) const {
  slots_.assign(slot_count, 0);
  for (uint32_t code = 0; code < count(); ++code) slots_[SlotOf(Text(code))] = code + 1;
}

void TextDictionary::EnsureIndex() const {
  const std::lock_guard<std::mutex> lock(index_mutex_);
  if (!slots_.empty()) return;
  size_t slot_count = 16;
  while (slot_count < (ends_.size() + 1) * 2) slot_count *= 2;
  Rebuild(slot_count);
}

std::optional<uint32_t> TextDictionary::Find(std::string_view text) const {
  EnsureIndex();
  const uint32_t found = slots_[SlotOf(text)];
  if (found == 0) return std::nullopt;
  return found - 1;
}

uint32_t TextDictionary::Intern(std::string_view text) {
  EnsureIndex();
  size_t slot = SlotOf(text);
  if (slots_[slot] != 0) return slots_[slot] - 1;
  if ((ends_.size() + 1) * 2 > slots_.size()) {
    Rebuild(slots_.size() * 2);
    slot = SlotOf(text);
  }
  blob_.append(text);
  ends_.push_back(blob_.size());
  slots_[slot] = count();
  return count() - 1;
}

void TextDictionary::Append(std::string_view text) {
  blob_.append(text);
  ends_.push_back(blob_.size());
  slots_.clear();
}

}  // namespace rescind
