// TextDictionary: the distinct texts of one column, each with a dense code.
//
// A text column in memory is codes into its dictionary, so that comparing texts is comparing
// integers. Codes are given in order of first use and never change. It knows nothing of rows.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rescind {

class TextDictionary {
 public:
  TextDictionary() = default;
  TextDictionary(const TextDictionary&) = delete;
  TextDictionary& operator=(const TextDictionary&) = delete;

  uint32_t count() const { return static_cast<uint32_t>(ends_.size()); }
  // Valid until the next Intern or Append.
  std::string_view Text(uint32_t code) const;
  // The code of a text, or nothing. The first call builds an index; safe for several threads as
  // long as nobody interns.
  std::optional<uint32_t> Find(std::string_view text) const;
  // The code of a text, which is added if new.
  uint32_t Intern(std::string_view text);
  // Adds a text that the caller knows to be new (a dictionary being loaded): no look-up.
  void Append(std::string_view text);
  uint64_t bytes() const { return blob_.size() + ends_.size() * 8 + slots_.size() * 4; }

 private:
  void EnsureIndex() const;
  size_t SlotOf(std::string_view text) const;
  void Rebuild(size_t slot_count) const;

  std::string blob_;
  std::vector<uint64_t> ends_;           // end of each text in blob_
  mutable std::vector<uint32_t> slots_;  // open addressing; code + 1, 0 is empty
  mutable std::mutex index_mutex_;
};

}  // namespace rescind
