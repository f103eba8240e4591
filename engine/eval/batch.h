// Batch: the rows that a frame stands on for the moment, with the values computed for them.
//
// A chunk of judged rows, or the members of a collection seen from the rows of an outer batch, or
// (for what depends on no row) the world, which has one row.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/eval/selection.h"
#include "engine/eval/value_vector.h"
#include "engine/ir/program.h"

namespace rescind::eval {

// Members of a collection as seen from the rows of a batch, grouped by them.
//
// Statuses say whether it is a member: kIsKnown yes; kNotMember no, though time may make it one.
// Members that nobody delivered have the row kNoRow and are not readable.
struct MemberList {
  static constexpr uint8_t kNotMember = 0xFF;

  std::vector<uint32_t> outer;  // offset in the outer batch, ascending
  std::vector<uint32_t> rows;   // rows, table rows, codes of a text, enum members
  std::vector<int64_t> longs;   // members of a set of int
  // Each empty while all members are plain: delivered, complete, members for ever.
  std::vector<uint8_t> status;
  std::vector<uint8_t> readable;
  std::vector<int64_t> until;

  uint32_t count() const { return static_cast<uint32_t>(outer.size()); }
  bool plain() const { return status.empty(); }
  void Clear();
  // Gives every member its own status, readable and until.
  void Explain();
  void Add(uint32_t outer_offset, uint32_t row) {
    outer.push_back(outer_offset);
    rows.push_back(row);
    if (!plain()) AddPlainDetails();
  }
  void Add(uint32_t outer_offset, uint32_t row, uint8_t its_status, bool is_readable,
           int64_t until_micros);
  // Plain members, all at once.
  void AddAll(uint32_t outer_offset, std::span<const uint32_t> more) {
    if (more.empty()) return;
    outer.insert(outer.end(), more.size(), outer_offset);
    rows.insert(rows.end(), more.begin(), more.end());
    if (!plain()) {
      for (size_t i = 0; i < more.size(); ++i) AddPlainDetails();
    }
  }
  void AddLong(uint32_t outer_offset, int64_t number, int64_t until_micros) {
    Add(outer_offset, 0, kIsKnown, true, until_micros);
    longs.push_back(number);
  }
  uint8_t status_of(uint32_t i) const { return plain() ? kIsKnown : status[i]; }
  bool is_readable(uint32_t i) const { return plain() || readable[i] != 0; }
  int64_t until_of(uint32_t i) const { return plain() ? kNeverMicros : until[i]; }

 private:
  void AddPlainDetails();
};

struct SemiJoin;

struct Batch {
  explicit Batch(size_t node_count) : vectors(node_count) {}

  ir::FrameId frame;  // none: the world
  uint32_t count = 0;
  uint64_t generation = 0;           // changes with its rows
  std::vector<ValueVector> vectors;  // by node
  std::vector<uint32_t> broadcast;   // by node: how many rows hold a constant already

  // A chunk of rows that follow each other. They are what the frame stands on; or, while a pushdown
  // is filled, what `reference` names, and nothing else of the frame's row may be read.
  bool contiguous = false;
  uint32_t first_row = 0;
  ir::NodeId reference;
  std::vector<uint32_t> iota;

  // Members: where they are looked at from.
  Batch* outer = nullptr;
  const Selection* outer_selection = nullptr;
  uint64_t outer_generation = 0;
  uint64_t outer_selection_id = 0;
  const SemiJoin* semi_join = nullptr;  // which members were left out
  MemberList members;
  std::vector<uint32_t> readable_offsets;
  Selection readable;  // the members whose conditions can be looked at
  bool in_use = false;
};

}  // namespace rescind::eval
