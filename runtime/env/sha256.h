// Moved to engine/base/sha256.h.
#pragma once

#include "engine/base/sha256.h"
