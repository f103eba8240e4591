// Protection: which rows the `protect` rules keep every action but `notify` away from.
//
// Matches of protect rules go in, as the sweep found them; the planner asks about targets. An
// undecided, failing or incomplete row of a protect counts as protected, and so does a row that
// was only mentioned: nobody knows yet what it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/eval/sweep.h"
#include "runtime/plan/action.h"
#include "runtime/plan/coverage.h"

namespace rescind {

struct Veto {
  std::string by;      // full name of the protect, or id of the exemption
  std::string detail;  // a sentence for people
  // Of a protect: whether it covers the row is not known, so it is held to.
  bool undecided = false;
};

class Protection {
 public:
  // `sweep` has judged every protect rule. Both arguments outlive it.
  Protection(const eval::EvaluationInput& input, const eval::SweepResult& sweep);

  // Why `verb` must not touch the row; nothing when it may. `delete` asks also for what belongs
  // to the row.
  std::optional<Veto> Vetoes(Verb verb, EntityId entity, RowId row);

 private:
  Veto VetoOf(uint32_t label, std::string_view decided, std::string_view unsure) const;

  const eval::EvaluationInput& input_;
  Coverage coverage_;
};

}  // namespace rescind
