#include "engine/eval/value.h"

#include "engine/base/assert.h"

namespace rescind::eval {

std::string_view EvaluationErrorText(EvaluationError error) {
  switch (error) {
    case EvaluationError::kNone: return "no error";
    case EvaluationError::kOverflow: return "a number grew too large";
    case EvaluationError::kTimeOutOfRange: return "a time left the years 0001 to 9999";
    case EvaluationError::kDateOutOfRange: return "a date left the years 0001 to 9999";
  }
  RESCIND_UNREACHABLE("an error beyond the enumeration");
}

}  // namespace rescind::eval
