// ColumnsOf: what of the facts must be in memory for a rule program.
#pragma once

#include "engine/facts/column_set.h"
#include "engine/ir/program.h"

namespace rescind::compile {

// Everything that conditions, targets, recipients, approvers and groups read; of what is only shown
// (reasons, evidence, clauses) all but texts and ids, which are fetched for the few rows shown; and
// what any plan asks of its targets, where the schema has it: their `status`, the `owner` and the
// `purpose` of accounts.
ColumnSet ColumnsOf(const ir::Program& program);

}  // namespace rescind::compile
