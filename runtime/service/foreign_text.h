// OneLineOf: what a server or a program said, as one line that is safe to show anywhere.
//
// Where such text comes in (system_runners.h, notice_sender.h), once, so that terminal, JSON,
// messages and audit log all show the same. Ids and values of facts are no such text: they are
// kept as they are, and a terminal escapes them (Printable).
#pragma once

#include <string>
#include <string_view>

namespace rescind {

// Every run of blanks, line breaks and characters that control a terminal or the direction of
// text becomes one blank, none at the ends; a byte that is not UTF-8 becomes U+FFFD.
std::string OneLineOf(std::string_view foreign);

}  // namespace rescind
