// Diagnostics as text for a terminal: the source line, what is underlined, notes and help.
//
//   error[E0203]: `g.last_used` may be unknown
//     --> policies/stale.rescind:11:12
//      |
//   11 |   when  g.last_used older than 90d
//      |         ^^^^^^^^^^^ this is `time?`
//      |
//      = help: say what unknown means: `(g.last_used ?? g.granted_at) older than 90d`
//
// Columns are counted in cells of the terminal: tabs are expanded, wide characters take two
// cells, combining ones none. Knows nothing of what any code means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/source.h"

namespace rescind {

struct DiagnosticStyle {
  bool color = false;
};

std::string RenderDiagnostic(const SourceMap& sources, const Diagnostic& diagnostic,
                             DiagnosticStyle style = {});
// One after the other, a blank line between two.
std::string RenderDiagnostics(const SourceMap& sources, const std::vector<Diagnostic>& diagnostics,
                              DiagnosticStyle style = {});

// How many cells of a terminal the text takes; a tab goes to the next multiple of kTabCells.
inline constexpr size_t kTabCells = 4;
size_t TextCells(std::string_view utf8);

}  // namespace rescind
