// DoOnTwoThreads: numbered tasks that do not hang on one another, done by two threads.
#pragma once

#include <cstddef>
#include <functional>

#include "engine/base/result.h"

namespace rescind {

// Calls `task` with every number below `count`, each once, in ascending order of their beginning;
// the calling thread is one of the two, and the only one when there is a single task. Returns when
// all have ended. After a failure no further task begins; of several failures, that of the lowest
// number is returned. Tasks do not throw.
Status DoOnTwoThreads(size_t count, const std::function<Status(size_t number)>& task);

}  // namespace rescind
