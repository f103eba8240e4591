// A RowExplanation for a person, and as `rescind.why/1`.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/source.h"
#include "engine/ir/program.h"
#include "runtime/service/row_explanation.h"

namespace rescind {

// kWhy shows the rules that match and what follows; kWhyNot those that do not, the conditions that
// are missing, and what keeps a match from being acted on.
enum class Asked : uint8_t { kWhy, kWhyNot };

std::string FormatExplanation(const RowExplanation& explanation, Asked asked,
                              const ir::Program& program, const SourceMap& sources);
// Everything, whichever was asked. With a line break at its end.
std::string EncodeExplanation(const RowExplanation& explanation, Asked asked,
                              const ir::Program& program, const SourceMap& sources);

}  // namespace rescind
