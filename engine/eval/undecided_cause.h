// UndecidedCause: in words, what a row lacks that could not be judged.
//
// The faces ask it of rows that a sweep left undecided or found incomplete; the sweep itself does
// not say why. It knows one rule; not for several threads at once.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/eval/node_evaluator.h"
#include "engine/eval/unknown_zone.h"

namespace rescind::eval {

// Of a live row that is not complete: "account a9 has not been delivered (field account of grant
// g1)". Empty: it is complete. An error when the store cannot be read.
Result<std::string> WhyIncomplete(const EvaluationInput& input, FactRow row);

class UndecidedCause {
 public:
  // Both outlive it; `rule` is one of the input's program.
  UndecidedCause(const EvaluationInput& input, const ir::Rule& rule);

  // Of a live row: what it lacks, or the zone that nobody knows. Never empty.
  Result<std::string> At(RowId row);

 private:
  const ir::Rule& rule_;
  NodeEvaluator evaluator_;
  UnknownZone zone_;
};

}  // namespace rescind::eval
