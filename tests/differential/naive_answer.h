// What NaiveMeaning answers, and how such answers are made and read.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "engine/eval/value.h"

namespace rescind {

__extension__ using Wide = __int128;

struct NaiveAnswer {
  eval::ValueStatus status = eval::ValueStatus::kKnown;
  // kKnown. A Wide is an int, a time, a duration or a date (in their units), or an enum's member.
  std::variant<bool, Wide, std::string, eval::FactRow, eval::TableRow, eval::StoredSet> content;

  bool known() const { return status == eval::ValueStatus::kKnown; }
  bool operator==(const NaiveAnswer&) const = default;
};

inline NaiveAnswer Known(decltype(NaiveAnswer::content) content) {
  return {eval::ValueStatus::kKnown, std::move(content)};
}
inline NaiveAnswer Truth(bool value) { return Known(value); }
inline NaiveAnswer Number(Wide value) { return Known(value); }
inline NaiveAnswer Trouble(eval::ValueStatus status) { return {status, {}}; }
// Of a known one that holds a number.
inline Wide NumberOf(const NaiveAnswer& answer) { return std::get<Wide>(answer.content); }

inline const NaiveAnswer kUndecided = Trouble(eval::ValueStatus::kUndecided);

}  // namespace rescind
