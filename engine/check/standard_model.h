// The standard model (policies/model/iam.rescind): the entities that every program has.
//
// Its text is part of the binary. It is parsed and checked like any other file.
#pragma once

#include <string_view>

namespace rescind {

// The name that diagnostics show for it.
inline constexpr std::string_view kStandardModelName = "policies/model/iam.rescind";

std::string_view StandardModelText();

}  // namespace rescind
