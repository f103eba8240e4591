// ResolvePolicy: from what a person types to the full name of a policy.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/ir/program.h"

namespace rescind {

// A full name, or the last word of one when no other policy ends so. kNotFound with did-you-mean,
// kInvalidInput with the candidates. Protects are no policies.
Result<std::string> ResolvePolicy(const ir::Program& program, std::string_view text);

// Whether `text` is its full name, or the last word of it.
bool IsPolicyCalled(std::string_view full_name, std::string_view text);

}  // namespace rescind
