// Where the journal keeps its records in the store (FORMAT.md).
#pragma once

#include <string>
#include <string_view>

#include "engine/base/sha256.h"

namespace rescind {

inline constexpr std::string_view kOpenPrefix = "journal/open/";      // + key: not terminal
inline constexpr std::string_view kDonePrefix = "journal/done/";      // + key: terminal
inline constexpr std::string_view kWantedPrefix = "journal/wanted/";  // + wanted key
inline constexpr std::string_view kGroupPrefix = "journal/group/";    // + group, "/", key
inline constexpr std::string_view kRollbackPrefix =
    "journal/rollback/";  // + group: left to a person
// + group: what becomes of the stage when it fails, as was said when it began (stage_outcomes.h).
inline constexpr std::string_view kStagePrefix = "journal/stage/";
// + finding, "/", key: an action that is over, and that the finding asked for.
inline constexpr std::string_view kOfFindingPrefix = "journal/of-finding/";
// + key: an action that was given up and that nobody has planned again or withdrawn since.
inline constexpr std::string_view kEscalatedPrefix = "journal/escalated/";
// + system: since when it fails, in decimal microseconds.
inline constexpr std::string_view kFailingPrefix = "journal/failing/";
// There: kOfFindingPrefix has held every such action since the first.
inline constexpr std::string_view kHasFindings = "journal/has-findings";
// There: the same of kEscalatedPrefix.
inline constexpr std::string_view kHasEscalated = "journal/has-escalated";

inline std::string JournalKey(std::string_view prefix, std::string_view name) {
  return std::string(prefix) + std::string(name);
}
// Names of groups are arbitrary texts: keys hold their hash.
inline std::string GroupName(std::string_view group) { return Sha256Hex(group); }

}  // namespace rescind
