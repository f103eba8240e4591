// SemiJoin: for a fold over what refers to a row, the few members that can make a difference.
//
//   any(g in i.accounts.grants where g.entitlement.name == "vendor-pay")
//
// Seen from the identities, 10 M grants are looked up in no order of theirs. Seen from the grants,
// one pass in order finds the thousands that the condition holds for, and their references lead up
// to the identities that the fold is about. A member whose condition is false for ever changes no
// fold, whoever looks at it, so leaving it out is exact.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/large_vector.h"
#include "engine/facts/fact_base.h"
#include "engine/ir/program.h"

namespace rescind::eval {

struct SemiJoin {
  struct Step {
    const Column* reference = nullptr;  // of a member, or of what the step before led to
    const Table* target = nullptr;
  };
  struct Pair {
    uint32_t outer;
    uint32_t member;
  };

  ir::NodeId fold;
  ir::NodeId condition;
  ir::FrameId members;  // the frame of the condition
  EntityId member;
  EntityId outer;
  std::vector<Step> steps;  // from the member to the judged row
  uint64_t most_pairs = 0;  // more, and the usual way is the faster one

  // By row of `outer`, once Index() has run.
  LargeVector<uint32_t> offsets;  // one more than rows; empty while it is not used
  LargeVector<uint32_t> rows;

  bool used() const { return !offsets.empty(); }
  // The judged row that a live member belongs to; nullopt when it belongs to none.
  std::optional<uint32_t> OuterOf(uint32_t row) const;
  // Whether all rows on the way from the member to the judged row are complete.
  bool CompletePath(uint32_t row) const;
  // From what each thread has found.
  void Index(const std::vector<std::vector<Pair>>& found, uint32_t outer_row_count);
};

// The folds of rules that can be turned round: over rows that refer to the judged row, directly or
// through others that do, with a condition that depends on the member alone. Only those that are
// asked about every judged row, as far as can be told: of `a and b` only the first such fold.
std::vector<SemiJoin> ChooseSemiJoins(const ir::Program& program, const FactBase& facts,
                                      const std::vector<ir::NodeId>& roots);

}  // namespace rescind::eval
