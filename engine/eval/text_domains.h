// TextDomains: texts of several dictionaries in one node, for one worker.
//
// A text is a code of some dictionary. Where two dictionaries meet (`i.timezone ?? "UTC"`), codes
// are translated into the worker's own dictionary, each once. Not for several threads at once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/time_zone.h"
#include "engine/facts/text_dictionary.h"

namespace rescind::eval {

class TextDomains {
 public:
  // A code that no text of a dictionary has: what translates into nothing.
  static constexpr uint32_t kAbsentCode = 0xFFFFFFFE;

  // `dictionary` null: the worker's own.
  std::string_view Text(const TextDictionary* dictionary, uint32_t code) const {
    return (dictionary == nullptr ? own_ : *dictionary).Text(code);
  }
  uint32_t Intern(std::string_view text) { return own_.Intern(text); }
  // A code of `from` as one of the worker's own.
  uint32_t ToOwn(const TextDictionary* from, uint32_t code);
  // A code of `from` as one of `to`, which is not the worker's own; or kAbsentCode.
  uint32_t Translate(const TextDictionary* from, const TextDictionary& to, uint32_t code);
  // A dictionary has grown: what translated into nothing may be there now.
  void ForgetTranslations() { translated_.clear(); }
  // The lower case of a text, as a code of the worker's own.
  uint32_t Lower(const TextDictionary* from, uint32_t code);
  // The zone that a text names, or null.
  const TimeZone* Zone(const TextDictionary* from, uint32_t code);

 private:
  using Codes = std::vector<uint32_t>;
  static constexpr uint32_t kNotAsked = 0xFFFFFFFF;

  // The place of a code in a memo, which grows with the worker's own dictionary.
  static uint32_t& Place(Codes& memo, uint32_t code);

  TextDictionary own_;
  std::map<const TextDictionary*, Codes> to_own_;
  std::map<std::pair<const TextDictionary*, const TextDictionary*>, Codes> translated_;
  std::map<const TextDictionary*, Codes> lower_;
  std::map<const TextDictionary*, Codes> zone_of_;  // indexes zones_
  std::vector<const TimeZone*> zones_;
};

}  // namespace rescind::eval
