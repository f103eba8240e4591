// UnsentNotice: a message that no channel took, and that the next apply tries to send again.
//
// Kept in the store (FORMAT.md) from the attempt that failed until it is sent or, of what announces
// something, nothing asks for it any more, so that what waits for it can be explained. What takes
// back an announcement is kept from before the first attempt: whoever was told is forgotten then.
// So is that an action needs a person: no later run would say it of itself.
// NoticeRound writes it, status reads it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/store/key_value.h"

namespace rescind {

inline constexpr std::string_view kUnsentNoticePrefix = "service/unsent/";

struct UnsentNotice {
  // "notice", "late", "came_back", "clock_leap", "escalated", "withdrawn"
  std::string kind;
  std::string policy;   // this one and the next three are empty when it is about no row
  std::string finding;  // also empty for "came_back" and "escalated"
  std::string entity;
  std::string target;
  uint32_t stage = 0;
  std::string recipient;  // a channel's name or "identity:ID"
  std::string problem;
  std::string remedy;
  Instant since;        // of the first attempt
  Instant tried_at;     // of the last one
  std::string subject;  // this and what follows: the message, as it was to be sent
  std::string text;
  std::vector<std::pair<std::string, std::string>> about;  // ascending by name
  bool operator==(const UnsentNotice&) const = default;

  // It tells what has happened and will not be said by another judgement: it stays until it is
  // sent.
  bool is_news() const { return kind != "notice" && kind != "late" && kind != "clock_leap"; }
};

// Beside the key under which the same message is written down once it is sent.
std::string UnsentNoticeKey(std::string_view sent_key);

std::string EncodeUnsentNotice(const UnsentNotice& notice);
Result<UnsentNotice> DecodeUnsentNotice(std::string_view bytes);

// With their keys, in the order of these. kCorrupt and kUnsupported name the record.
Result<std::vector<std::pair<std::string, UnsentNotice>>> ListUnsentNotices(
    const KeyValueReader& reader);

}  // namespace rescind
