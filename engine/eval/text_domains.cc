#include "engine/eval/text_domains.h"

#include "engine/base/letter_case.h"

namespace rescind::eval {

uint32_t& TextDomains::Place(Codes& memo, uint32_t code) {
  if (code >= memo.size()) memo.resize(size_t{code} * 2 + 16, kNotAsked);
  return memo[code];
}

uint32_t TextDomains::ToOwn(const TextDictionary* from, uint32_t code) {
  if (from == nullptr) return code;
  uint32_t& place = Place(to_own_[from], code);
  if (place == kNotAsked) place = own_.Intern(from->Text(code));
  return place;
}

uint32_t TextDomains::Translate(const TextDictionary* from, const TextDictionary& to,
                                uint32_t code) {
  if (from == &to) return code;
  uint32_t& place = Place(translated_[{from, &to}], code);
  if (place == kNotAsked) place = to.Find(Text(from, code)).value_or(kAbsentCode);
  return place;
}

uint32_t TextDomains::Lower(const TextDictionary* from, uint32_t code) {
  uint32_t& place = Place(lower_[from], code);
  if (place == kNotAsked) place = own_.Intern(LowerCase(Text(from, code)));
  return place;
}

const TimeZone* TextDomains::Zone(const TextDictionary* from, uint32_t code) {
  uint32_t& place = Place(zone_of_[from], code);
  if (place == kNotAsked) {
    place = static_cast<uint32_t>(zones_.size());
    zones_.push_back(FindTimeZone(Text(from, code)));
  }
  return zones_[place];
}

}  // namespace rescind::eval
