// Base64 as RFC 4648 §4 has it: padded, strict, one text for one value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rescind {

std::string EncodeBase64(std::string_view bytes);
// nullopt for anything that EncodeBase64 would not have written.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace rescind
