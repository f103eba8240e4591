// Lower case by Unicode's simple mapping: one character to one character, no locale.
//
// For the language's `lower(t)`: compiler and evaluators must agree on every text. Knows nothing
// of languages: "I" becomes "i" in Turkey too.
#pragma once

#include <string>
#include <string_view>

namespace rescind {

// UTF-8 in, UTF-8 out; bytes that are no UTF-8 stay as they are.
std::string LowerCase(std::string_view text);

}  // namespace rescind
