// CheckWorkspace: what in rescind.toml cannot work, found without asking any server.
//
// LoadWorkspace has read the file and refused what is malformed. Here follows what only shows when
// it is used: kinds of executors and their settings, files that hold secrets or certificates,
// programs, entities of feeds. It opens no connection, starts no program, and never repeats a
// secret.
#pragma once

#include <string>
#include <vector>

#include "engine/facts/schema.h"
#include "runtime/env/file_system.h"
#include "runtime/service/workspace.h"

namespace rescind {

// `schema`: of the policies; null when they hold errors, and entities of feeds and of what targets
// can do are not checked.
// In the order of the tables: channels, sources, targets, each by name.
std::vector<WorkspaceProblem> CheckWorkspace(const Workspace& workspace, const Schema* schema,
                                             FileSystem& files);

}  // namespace rescind
