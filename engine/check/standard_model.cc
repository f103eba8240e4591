#include "engine/check/standard_model.h"

namespace rescind {

// Generated from policies/model/iam.rescind by grammar/embed_text.cmake.
extern const char kStandardModelData[];

std::string_view StandardModelText() { return kStandardModelData; }

}  // namespace rescind
