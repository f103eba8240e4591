// FeedReader: a file of facts, read batch by batch.
//
// CSV (csv_reader.h) and NDJSON (ndjson_reader.h) implement it; the load (feed_load.h) hands the
// batches to the store. A bad record never ends a feed: it is reported in its batch and reading
// goes on. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/facts/fact_delta.h"
#include "runtime/feeds/bad_record.h"
#include "runtime/feeds/input_buffer.h"
#include "runtime/feeds/value_reader.h"

namespace rescind {

// How a file is to be read. What only CSV has is marked.
struct FeedOptions {
  std::string name;                        // of the file, for messages
  std::string entity;                      // what the rows are; NDJSON: of lines that do not say
  std::map<std::string, std::string> map;  // CSV: column -> field, `@effective_at`, `@deleted`
  std::map<std::string, std::string> set;  // CSV: field -> value, for what the file lacks
  std::vector<std::string> ignore;         // CSV: columns that mean nothing to us
  char delimiter = ',';                    // CSV
  MomentFormats moments;
  // No change took effect later: it would count at once. What lies behind it is a bad record.
  Instant latest_effective = Instant::Never();
  // Keep the text of bad records, for a reject file.
  bool keep_originals = false;
};

// What stands for "when it took effect" and "the row is gone" where fields are named.
inline constexpr std::string_view kEffectiveField = "@effective_at";
inline constexpr std::string_view kDeletedField = "@deleted";

// Begins a line that readers pass over: the reasons in a reject file.
inline constexpr std::string_view kCommentMark = "#!rescind ";

inline constexpr uint32_t kBatchRows = 16'384;
inline constexpr size_t kBatchBytes = 4 << 20;
// More originals than this end a batch early, so that a file of rubbish stays bounded too.
inline constexpr uint32_t kBatchBadRecords = 1'024;

struct FeedBatch {
  FactDelta delta{FactOrigin{}};
  std::vector<uint64_t> lines;  // where each row of the delta stands
  std::vector<BadRecord> bad;   // in order
  size_t bad_bytes = 0;         // of their originals
  uint64_t read_bytes = 0;      // of the file, so far
  // With keep_originals: the text of the delta's rows, one behind the other.
  std::string originals;
  std::vector<size_t> original_ends;

  std::string_view Original(size_t row) const {
    const size_t begin = row == 0 ? 0 : original_ends[row - 1];
    return std::string_view(originals).substr(begin, original_ends[row] - begin);
  }
  void Clear() {
    delta.Clear();
    lines.clear();
    bad.clear();
    bad_bytes = 0;
    originals.clear();
    original_ends.clear();
  }
  bool full() const {
    return lines.size() >= kBatchRows || delta.memory_bytes() >= kBatchBytes ||
           bad.size() >= kBatchBadRecords || bad_bytes >= kBatchBytes;
  }
  // INVARIANT: the parts of a record that is too long stand one behind the other.
  void Reject(BadRecord record) {
    bad_bytes += record.original.size();
    bad.push_back(std::move(record));
  }
};

// What follows in a record that is too long.
inline BadRecord MorePart(uint64_t line, const LinePart& part) {
  BadRecord more;
  more.line = line;
  more.original = part.text;
  more.goes_on = part.goes_on;
  more.continues = true;
  return more;
}

class FeedReader {
 public:
  virtual ~FeedReader() = default;
  // Reads the beginning: what kind of file it is and, for CSV, its header. Mistakes there are of
  // the file as a whole. Before anything else, once.
  virtual Status Open() = 0;
  // Fills the batch, which is empty. False at the end, when it may still hold records. An error
  // means that the file cannot be read on.
  virtual Result<bool> Read(FeedBatch& batch) = 0;
  // What a reject file of this feed begins with: the header of a CSV file.
  virtual std::string_view preamble() const = 0;
  // Remarks on the file as a whole, such as a required field without a column.
  virtual const std::vector<std::string>& notices() const = 0;
  // Once all is read: which required fields rows left out. That is a change of a row that is known,
  // and a hole in a new one; a reader cannot tell which.
  virtual std::vector<std::string> gaps() const { return {}; }
};

}  // namespace rescind
