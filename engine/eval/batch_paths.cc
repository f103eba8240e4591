// Paths: columns read for the rows of a batch.
//
// The fields of a chunk's own rows are not copied: their values are the column. Everything else is
// a gather, row by row. A value that is missing where the schema says that there is one makes its
// row undecided: nobody delivered it.
#include "engine/base/assert.h"
#include "engine/eval/batch_evaluator.h"

namespace rescind::eval {

using ir::Op;

namespace {

// Reads `column` where `base` stands. `missing`: the status of a row that has the sentinel.
template <typename T>
[[gnu::always_inline]] inline void Load(const T* column, T sentinel, uint8_t missing,
                                        const ValueVector& base, const Selection& selection,
                                        uint32_t count, ValueVector& out) {
  const uint32_t* rows = base.values<uint32_t>();
  T* values = out.Write<T>(count);
  uint8_t any_missing = 0;
  if (base.status() == nullptr) {
    ForEach(selection, [&](uint32_t i) {
      const T value = column[rows[i]];
      values[i] = value;
      any_missing |= static_cast<uint8_t>(value == sentinel);
    });
    if (any_missing == 0) return;
    uint8_t* status = out.OverwriteStatus(count);
    ForEach(selection, [&](uint32_t i) { status[i] = values[i] == sentinel ? missing : kIsKnown; });
    return;
  }
  uint8_t* status = out.OverwriteStatus(count);
  const uint8_t* base_status = base.status();
  ForEach(selection, [&](uint32_t i) {
    if (base_status[i] != kIsKnown) {
      status[i] = base_status[i];
      values[i] = sentinel;
      return;
    }
    values[i] = column[rows[i]];
    status[i] = values[i] == sentinel ? missing : kIsKnown;
  });
}

// The chunk's own rows.
template <typename T>
[[gnu::always_inline]] inline void Point(const T* values, T sentinel, uint8_t missing,
                                         const Selection& selection, uint32_t count,
                                         ValueVector& out) {
  out.Borrow(values);
  uint8_t any_missing = 0;
  ForEach(selection,
          [&](uint32_t i) { any_missing |= static_cast<uint8_t>(values[i] == sentinel); });
  if (any_missing == 0) return;
  uint8_t* status = out.OverwriteStatus(count);
  ForEach(selection, [&](uint32_t i) { status[i] = values[i] == sentinel ? missing : kIsKnown; });
}

}  // namespace

RESCIND_KERNEL void BatchEvaluator::ComputePath(ir::NodeId id, Batch& batch,
                                                const Selection& selection, ValueVector& out) {
  const ir::Node& node = program_.node(id);
  const NodePlan& plan = plan_.at(id);
  const ValueVector& base = Fetch(node.operands[0], batch, selection);
  out.BorrowUntil(base);
  const uint8_t missing = plan.required ? kIsUndecided : kIsUnknown;
  const bool own_rows = IsOwnRow(node.operands[0], batch);
  const auto load = [&](const auto* column, auto sentinel) {
    if (own_rows) {
      Point(column + batch.first_row, sentinel, missing, selection, batch.count, out);
    } else {
      Load(column, sentinel, missing, base, selection, batch.count, out);
    }
  };
  if (node.op == Op::kChangedAt) return load(plan.tracked->changed_at.data(), kUnknownLong);
  switch (plan.column->physical()) {
    case Physical::kByte: return load(plan.column->bytes().data(), kUnknownByte);
    case Physical::kCode: return load(plan.column->codes().data(), kUnknownCode);
    case Physical::kDay: return load(plan.column->days().data(), kUnknownDay);
    case Physical::kLong: return load(plan.column->longs().data(), kUnknownLong);
    case Physical::kRow: return ComputeReference(id, batch, selection, out);
    case Physical::kSet: break;
  }
  const uint32_t* sets = plan.column->sets().data();
  const uint32_t* rows = base.values<uint32_t>();
  const uint64_t source = uint64_t{*plan.set_source} << 32;
  out.BorrowStatus(base);
  int64_t* values = out.Write<int64_t>(batch.count);
  ForEach(selection, [&](uint32_t i) {
    const bool known = base.status(i) == kIsKnown;
    values[i] = static_cast<int64_t>(source | (known ? sets[rows[i]] : kEmptySet));
  });
}

// A reference names a live row, a removed one or one that nobody delivered.
RESCIND_KERNEL void BatchEvaluator::ComputeReference(ir::NodeId id, Batch& batch,
                                                     const Selection& selection, ValueVector& out) {
  const ir::Node& node = program_.node(id);
  const NodePlan& plan = plan_.at(id);
  const ValueVector& base = Fetch(node.operands[0], batch, selection);
  const uint32_t* column = plan.column->rows().data();
  const uint32_t* rows = base.values<uint32_t>();
  const bool own_rows = IsOwnRow(node.operands[0], batch);
  if (plan.complete && base.status() == nullptr) {
    // INVARIANT: a complete row's required references name complete rows (FactBase::Derive).
    if (own_rows) {
      out.Borrow(column + batch.first_row);
      return;
    }
    uint32_t* values = out.Write<uint32_t>(batch.count);
    ForEach(selection, [&](uint32_t i) { values[i] = column[rows[i]]; });
    return;
  }
  const uint8_t* presence = plan.target->presence().data();
  const uint8_t missing = plan.required ? kIsUndecided : kIsUnknown;
  if (plan.target->live_count() == plan.target->row_count()) {
    if (own_rows) {
      Point(column + batch.first_row, kNoRow, missing, selection, batch.count, out);
    } else {
      Load(column, kNoRow, missing, base, selection, batch.count, out);
    }
    return;
  }
  // By presence: absent, live, removed.
  const uint8_t status_of[] = {kIsUndecided, kIsKnown, missing};
  uint32_t* values = out.Write<uint32_t>(batch.count);
  uint8_t* status = out.OverwriteStatus(batch.count);
  uint8_t any = kIsKnown;
  ForEach(selection, [&](uint32_t i) {
    if (base.status(i) != kIsKnown) {
      status[i] = base.status(i);
      values[i] = kNoRow;
    } else {
      values[i] = column[rows[i]];
      status[i] = values[i] == kNoRow ? missing : status_of[presence[values[i]]];
    }
    any |= status[i];
  });
  if (any == kIsKnown) out.ForgetStatus();
}

void BatchEvaluator::ComputeRemovedAt(ir::NodeId id, Batch& batch, const Selection& selection,
                                      ValueVector& out) {
  const ir::Node& node = program_.node(id);
  const NodePlan& plan = plan_.at(id);
  const ValueVector& base = Fetch(node.operands[0], batch, selection);
  out.BorrowUntil(base);
  const uint32_t* column = plan.column->rows().data();
  const uint32_t* rows = base.values<uint32_t>();
  int64_t* values = out.Write<int64_t>(batch.count);
  uint8_t* status = out.OverwriteStatus(batch.count);
  ForEach(selection, [&](uint32_t i) {
    values[i] = 0;
    status[i] = base.status(i);
    if (status[i] != kIsKnown) return;
    status[i] = kIsUnknown;
    const uint32_t named = column[rows[i]];
    if (named == kNoRow) return;
    if (plan.target->presence(RowId(named)) == Presence::kAbsent) {
      status[i] = kIsUndecided;
    } else if (const auto at = plan.target->removed_at(RowId(named))) {
      status[i] = kIsKnown;
      values[i] = at->micros;
    }
  });
}

// Cells of a table that policies declare. Tables are small: no columns are built for them.
void BatchEvaluator::ComputeCells(ir::NodeId id, Batch& batch, const Selection& selection,
                                  ValueVector& out) {
  const ir::Node& node = program_.node(id);
  const ir::TableId table_id = program_.node(node.operands[0]).type.table;
  const ir::Table& table = program_.tables[table_id.index()];
  const ValueVector& base = Fetch(node.operands[0], batch, selection);
  out.BorrowUntil(base);
  const uint32_t* rows = base.values<uint32_t>();
  uint8_t* status = out.OverwriteStatus(batch.count);
  const auto read = [&](auto* values, auto value_of) {
    ForEach(selection, [&](uint32_t i) {
      values[i] = {};
      status[i] = base.status(i);
      if (status[i] != kIsKnown) return;
      const auto& cell = table.rows[rows[i]][node.column];
      status[i] = cell ? kIsKnown : kIsUnknown;
      if (cell) values[i] = value_of(i, *cell);
    });
  };
  switch (node.type.kind) {
    case ir::Type::Kind::kText:
      return read(out.Write<uint32_t>(batch.count), [&](uint32_t, const ir::Constant& cell) {
        return texts_.Intern(std::get<std::string>(cell));
      });
    case ir::Type::Kind::kRow:
      return read(out.Write<uint32_t>(batch.count), [&](uint32_t i, const ir::Constant&) {
        const auto row = plan_.CellRow(table_id, rows[i], node.column);
        if (!row) status[i] = kIsUnknown;
        return row.value_or(kNoRow);
      });
    case ir::Type::Kind::kBool:
    case ir::Type::Kind::kEnum:
      return read(out.Write<uint8_t>(batch.count), [](uint32_t, const ir::Constant& cell) {
        return static_cast<uint8_t>(NumberOf(cell));
      });
    case ir::Type::Kind::kDate:
      return read(out.Write<int32_t>(batch.count), [](uint32_t, const ir::Constant& cell) {
        return static_cast<int32_t>(NumberOf(cell));
      });
    default:
      return read(out.Write<int64_t>(batch.count),
                  [](uint32_t, const ir::Constant& cell) { return NumberOf(cell); });
  }
}

}  // namespace rescind::eval
