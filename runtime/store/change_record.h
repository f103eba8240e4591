// ChangeRecord: what one commit changed, as the change log keeps it: enough to do it again over
// older chunks and to undo it on the way back into the past.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/store/source_ledger.h"
#include "runtime/store/stored_column.h"

namespace rescind {

// Cells of one column in the order in which they changed.
struct CellGroup {
  uint32_t entity = 0;  // entity and column as on disk
  uint32_t column = 0;
  uint32_t width = 0;
  bool has_olds = false;
  CellLog cells;
};

struct AddedRows {
  uint32_t entity = 0;
  uint32_t first_row = 0;
  uint32_t count = 0;
  std::vector<std::string> ids;  // none when `folded`
};

struct AddedTexts {
  uint32_t entity = 0;
  uint32_t list = 0;
  std::vector<std::string> texts;
};

struct SourceChange {
  uint32_t entity = 0;
  std::string source;
  std::optional<SourceState> before;
  SourceState after;
};

struct ChangeRecord {
  uint64_t facts_seq = 0;
  Instant at;
  // Chunks hold it: nothing to do again. A staged import's old values follow in segments.
  bool folded = false;
  std::vector<AddedRows> rows;
  std::vector<AddedTexts> texts;
  std::vector<SourceChange> sources;
  std::vector<CellGroup> groups;

  std::string Encode() const;
  // `texts`, ids and the cells are left out unless `whole`.
  static Result<ChangeRecord> Decode(std::string_view bytes, bool whole);
  // Whether it is a folded one, unless it is corrupt.
  static bool IsFolded(std::string_view bytes);
  // Becomes a folded one: leaves out ids, texts, and cells without old values.
  void ForgetReplay();
};

}  // namespace rescind
