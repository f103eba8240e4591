// EditTowards: the edits that make one FactBase say what another one says.
#pragma once

#include "engine/facts/column_set.h"
#include "engine/facts/fact_editor.h"

namespace rescind {

// `edited` is the editor's. `wanted` has its rows in the same order, and maybe more. Finish() is
// the caller's.
void EditTowards(FactEditor& editor, const FactBase& edited, const FactBase& wanted,
                 const ColumnSet& columns);

}  // namespace rescind
