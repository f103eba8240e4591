// LoadFeed: everything a reader delivers, into an import of the store.
//
// One thread reads and converts, the caller's thread hands batches to the import, so that neither
// waits for the other. It begins no import and finishes none: several files can share one.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/feeds/feed_reader.h"
#include "runtime/feeds/reject_file.h"
#include "runtime/store/store.h"

namespace rescind {

struct FeedProgress {
  uint64_t records = 0;  // good and bad ones
  uint64_t read_bytes = 0;
};

struct LoadOptions {
  // A row that comes twice in one import is a mistake: a snapshot says once what there is.
  bool refuse_repeats = false;
  // Bad records are left out and go to `rejects`; otherwise the first one spoils the load: nothing
  // more is given to the import, and the rest is only read for its mistakes.
  bool skip_bad = false;
  RejectFile* rejects = nullptr;
  uint32_t reported_count = 20;  // bad records that are kept in the report
  bool use_thread = true;
  std::function<void(const FeedProgress&)> progress = {};  // after every batch
};

struct LoadReport {
  uint64_t rows = 0;  // given to the import
  uint64_t bad_count = 0;
  std::vector<BadRecord> bad;   // the first ones, without their originals
  std::set<EntityId> entities;  // that occurred
  uint64_t read_bytes = 0;
};

// `reader` is open. An error means that the file could not be read on, that the import refused a
// batch, or that the reject file could not be written; the import is then of no use. Bad records
// are no error: the caller decides from `bad_count`.
Result<LoadReport> LoadFeed(FeedReader& reader, Import& import, const LoadOptions& options);

}  // namespace rescind
