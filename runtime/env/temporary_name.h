// TemporaryBeside: where a file is written before it gets its name.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace rescind {

// "data/.plan.json.3f9c….new" for "data/plan.json": hidden, in the same folder, and a name that
// nobody else has.
std::string TemporaryBeside(const std::string& path);
// `error` with `path` wherever it names `temporary`: nobody has ever seen that.
Error AboutName(Error error, const std::string& temporary, const std::string& path);

}  // namespace rescind
