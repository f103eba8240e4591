// Text in, rows and complaints out: a whole load in one call.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/feeds/csv_reader.h"
#include "runtime/feeds/feed_load.h"
#include "runtime/feeds/ndjson_reader.h"
#include "tests/unit/runtime/feeds/memory_import.h"

namespace rescind {

struct Loaded {
  PlainRows rows;
  std::vector<std::string> bad;  // as printed
  std::vector<BadRecord> records;
  uint64_t bad_count = 0;
  std::vector<std::string> notices;
  std::optional<Error> error;  // of the file as a whole

  std::string row(const std::string& name) const {
    const auto found = rows.find(name);
    return found == rows.end() ? "(none)" : found->second;
  }
};

inline Loaded Load(FeedReader& reader, const std::string& name, const LoadOptions& how) {
  Loaded loaded;
  if (Status opened = reader.Open(); !opened.ok()) {
    loaded.error = opened.error();
    return loaded;
  }
  MemoryImport import(FeedModel());
  auto report = LoadFeed(reader, import, how);
  loaded.notices = reader.notices();
  if (!report.ok()) {
    loaded.error = report.error();
    return loaded;
  }
  loaded.rows = import.rows;
  loaded.bad_count = report->bad_count;
  loaded.records = report->bad;
  for (const BadRecord& bad : report->bad) loaded.bad.push_back(bad.Text(name));
  return loaded;
}

inline LoadOptions SkipBad() {
  LoadOptions how;
  how.skip_bad = true;
  return how;
}

inline Loaded LoadCsv(const std::string& text, FeedOptions options = {},
                      const LoadOptions& how = SkipBad(), size_t piece_bytes = SIZE_MAX) {
  options.name = "f.csv";
  if (options.entity.empty()) options.entity = "identity";
  MemoryFile file(text, piece_bytes);
  CsvReader reader(file, FeedModel(), std::move(options));
  return Load(reader, "f.csv", how);
}

inline Loaded LoadNdjson(const std::string& text, FeedOptions options = {},
                         const LoadOptions& how = SkipBad(), size_t piece_bytes = SIZE_MAX) {
  options.name = "f.ndjson";
  MemoryFile file(text, piece_bytes);
  NdjsonReader reader(file, FeedModel(), std::move(options));
  return Load(reader, "f.ndjson", how);
}

}  // namespace rescind
