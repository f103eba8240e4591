// Diagnostics for machines: Rescind's own JSON, and SARIF 2.1.0 for code hosts and editors.
//
// The third rendering is text (engine/base/diagnostic_text.h). Both here carry everything that a
// Diagnostic holds, fixes included. Lines and columns are one-based, columns count Unicode code
// points, bytes are zero-based offsets into the file; ends are exclusive.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/source.h"
#include "runtime/service/workspace_check.h"

namespace rescind {

struct DiagnosticCounts {
  size_t errors = 0;
  size_t warnings = 0;
};
DiagnosticCounts CountDiagnostics(const std::vector<Diagnostic>& diagnostics);

// "2 errors, 1 warning in 5 files".
std::string DiagnosticSummary(const std::vector<Diagnostic>& diagnostics, size_t file_count);

// "error[E0601]: PLACE: MESSAGE", and the remedy below it.
std::string FormatWorkspaceProblem(const WorkspaceProblem& problem);

// "rescind.diagnostics/1", indented, with a newline at its end. A place that a diagnostic lacks is
// null. What is wrong with rescind.toml itself is in the optional member `workspace`, warnings
// about it and its surroundings in `workspace_warnings`; both are counted in `summary`. `meanings`,
// by policy: what the audit log calls `source_hash`; an optional member.
std::string DiagnosticsAsJson(const SourceMap& sources, const std::vector<Diagnostic>& diagnostics,
                              size_t file_count, const std::vector<WorkspaceProblem>& problems = {},
                              const std::vector<WorkspaceProblem>& warnings = {},
                              const std::map<std::string, std::string>& meanings = {});

// One run of the tool `rescind`, with a rule for each code that occurs. Names of files are URIs
// relative to %SRCROOT%, absolute ones file: URIs. A problem of rescind.toml, and a warning about
// it, is a result with its own code, its place in the message too, since a variable of the
// environment is no file.
std::string DiagnosticsAsSarif(const SourceMap& sources, const std::vector<Diagnostic>& diagnostics,
                               std::string_view tool_version,
                               const std::vector<WorkspaceProblem>& problems = {},
                               const std::vector<WorkspaceProblem>& warnings = {});

// What a code means in a few words: the title of its page; empty when it has no page.
std::string_view DiagnosticTitle(std::string_view code);

}  // namespace rescind
