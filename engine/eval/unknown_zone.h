// UnknownZone: the name that keeps a row from being decided since it names no time zone.
//
// The faces ask it of rows that a sweep left undecided; the sweep itself does not say why. It knows
// one rule; not for several threads at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/eval/node_evaluator.h"

namespace rescind::eval {

class UnknownZone {
 public:
  // Both outlive it; `rule` is one of the input's program.
  UnknownZone(const EvaluationInput& input, const ir::Rule& rule);

  // The name that a condition of the rule takes for its zone at the row and that the tz database
  // lacks; nullopt when every zone is there, or hangs on what is itself undecided.
  std::optional<std::string> NameAt(RowId row);

 private:
  const ir::Rule& rule_;
  NodeEvaluator evaluator_;
  std::vector<ir::NodeId> zones_;  // each once
};

}  // namespace rescind::eval
