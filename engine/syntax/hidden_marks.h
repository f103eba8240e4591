// Hidden marks: characters that nobody sees, reported where a text is to be what it looks like.
//
// Policies, and what rescind.toml gives them. Which characters these are is engine/base's
// (visible_text.h); it knows neither tokens nor TOML, only how each kind of text writes an escape.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/diagnostic.h"

namespace rescind::syntax {

// How a mark is mended: by an escape, where there is one, or taken out.
enum class MarkMend { kTextEscape, kRegexEscape, kTomlEscape, kRemove };

// E0128 for the marks in [begin, end) of the file's text: one for all of them, at the first, with
// fixes that mend them all. Whether there is one.
bool ReportHiddenMarks(FileId file, std::string_view text, uint32_t begin, uint32_t end,
                       MarkMend mend, DiagnosticSink& sink);

}  // namespace rescind::syntax
