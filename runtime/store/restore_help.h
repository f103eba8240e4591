// What to do about a store that is damaged: said by everyone who finds damage in the same words.
#pragma once

namespace rescind {

inline constexpr const char* kRestoreHelp =
    "move the store's folder away and put a backup in its place: a copy of that folder, made while "
    "rescind was not running";

}  // namespace rescind
