// ShownJson: a JSON document as commands print it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace rescind {

// Indented, with an end of line. Bytes that are no UTF-8 (a file that is reported for just that)
// become U+FFFD, and what a screen would hide or obey is escaped.
std::string ShownJson(const nlohmann::ordered_json& json);

}  // namespace rescind
