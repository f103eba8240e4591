// Any bytes as a feed, in both formats: read to the end, every record is a row or a complaint, and
// where reads of the file end changes nothing.
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/assert.h"
#include "runtime/feeds/csv_reader.h"
#include "runtime/feeds/feed_load.h"
#include "runtime/feeds/ndjson_reader.h"
#include "tests/unit/runtime/feeds/memory_import.h"

namespace rescind {
namespace {

// What came of it, as one text.
std::string Outcome(const std::string& text, bool is_csv, size_t piece_bytes) {
  MemoryFile file(text, piece_bytes);
  FeedOptions options;
  options.name = "fuzz";
  options.entity = "identity";
  options.keep_originals = true;
  std::unique_ptr<FeedReader> reader;
  if (is_csv) {
    reader = std::make_unique<CsvReader>(file, FeedModel(), options);
  } else {
    reader = std::make_unique<NdjsonReader>(file, FeedModel(), options);
  }
  if (const Status opened = reader->Open(); !opened.ok()) return opened.error().message;
  MemoryImport import(FeedModel());
  LoadOptions how;
  how.skip_bad = true;
  how.use_thread = false;
  how.refuse_repeats = text.size() % 2 == 0;
  const auto report = LoadFeed(*reader, import, how);
  RESCIND_ASSERT(report.ok(), "a file in memory can always be read");
  RESCIND_ASSERT(report->rows == import.given, "rows miscounted");
  std::string outcome = fmt::format("{} bad\n", report->bad_count);
  for (const BadRecord& bad : report->bad) outcome += bad.Text("fuzz") + "\n";
  for (const auto& [name, row] : import.rows) outcome += name + ": " + row + "\n";
  return outcome;
}

void RunOne(const std::string& text) {
  for (const bool is_csv : {false, true}) {
    // The beginning alone says what is no feed at all, and a short read shows less of it.
    if (!CheckBeginning(text, "fuzz").ok()) continue;
    const std::string whole = Outcome(text, is_csv, SIZE_MAX);
    const std::string in_pieces = Outcome(text, is_csv, 7);
    if (whole != in_pieces) fmt::print(stderr, "at once:\n{}\nin pieces:\n{}\n", whole, in_pieces);
    RESCIND_ASSERT(whole == in_pieces, "the size of a read changed the outcome");
  }
}

}  // namespace
}  // namespace rescind

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  rescind::RunOne(std::string(reinterpret_cast<const char*>(bytes), byte_count));
  return 0;
}
