// Pushdown: what depends on a row only through one of its references is judged once for each row
// of the referenced table, before the sweep, instead of once for each row that refers to it.
//
//   g.account.owner is known and g.account.owner.status == terminated
//   10 M grants of 1.2 M accounts: two joins and a comparison an account, one look-up a grant
//
// Nodes are taken down whole: the largest that depend on one reference alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/base/large_vector.h"
#include "engine/eval/value_vector.h"
#include "engine/facts/fact_base.h"
#include "engine/ir/program.h"

namespace rescind::eval {

// A node and the reference through which alone it depends on the row that its frame stands on.
struct PushedNode {
  ir::NodeId node;
  ir::NodeId reference;
};

// Of the nodes that `roots` need: those to push down, where at least `fan_in` rows refer to one on
// average. `can_push` refuses nodes whose values mean nothing elsewhere.
std::vector<PushedNode> ChoosePushdowns(const ir::Program& program, const FactBase& facts,
                                        const std::vector<ir::NodeId>& roots, uint32_t fan_in,
                                        const std::function<bool(ir::NodeId)>& can_push);

// The values of a pushed node by row of the referenced table. Rows that the reference never names
// (not live; or incomplete, where it is required) hold nothing that may be read.
struct PushedColumn {
  // Of a condition, the value of a row that has a status or an instant as well: most have none, and
  // one look-up tells.
  static constexpr uint8_t kHasMore = 0x80;

  PushedNode pushed;
  Width width = Width::kByte;
  bool is_condition = false;
  RawLargeVector<std::byte> values;
  LargeVector<uint8_t> status;    // all known at first
  RawLargeVector<int64_t> until;  // empty for what never moves, and without deadlines
  // Whether there is anything in them; set by the threads that fill the column.
  std::atomic<bool> any_status = false;
  std::atomic<bool> any_until = false;
};

// Columns of one reference: they are filled together.
struct Pushdown {
  ir::FrameId frame;  // of the nodes
  ir::NodeId reference;
  EntityId entity;  // that it names
  std::vector<PushedColumn*> columns;
};

}  // namespace rescind::eval
