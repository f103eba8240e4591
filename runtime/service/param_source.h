// ParamSource: the text of `[params]` beside the policies, so that mistakes in it have a place.
//
// The checker knows values, not TOML. Here the file that gives them becomes a source file like
// those of policies, and what nobody sees in it is refused as it is there.
#pragma once

#include "engine/base/diagnostic.h"
#include "engine/base/source.h"
#include "engine/check/check.h"
#include "runtime/env/file_system.h"
#include "runtime/service/workspace.h"

namespace rescind {

// Adds the files that give the workspace's params to `sources` and the places of names and values
// to `options`. A param with a hidden character in it is reported as E0128 and taken out of
// `options`: what else would be said of it would look wrong. A file that cannot be read again
// gives no places.
void AddParamSources(const Workspace& workspace, FileSystem& files, SourceMap& sources,
                     CheckOptions& options, DiagnosticSink& sink);

}  // namespace rescind
