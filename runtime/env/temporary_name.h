// TemporaryBeside: where a file is written before it gets its name.
#pragma once

#include <string>

namespace rescind {

// "data/.plan.json.3f9c….new" for "data/plan.json": hidden, in the same folder, and a name that
// nobody else has.
std::string TemporaryBeside(const std::string& path);

}  // namespace rescind
