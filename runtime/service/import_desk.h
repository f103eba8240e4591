// What `rescind import` does: files of facts into an open store, all of them or none.
//
// It decides how each file is read, who says so and since when, and what happens to bad lines; it
// prints nothing. The command line parses and shows.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/env/clock.h"
#include "runtime/env/file_system.h"
#include "runtime/feeds/feed_load.h"
#include "runtime/feeds/feed_reader.h"
#include "runtime/service/workspace.h"
#include "runtime/store/store.h"

namespace rescind {

enum class FeedFormat : uint8_t {
  kByName,  // .csv .tsv .ndjson .jsonl .json; else by the first byte: `{` begins NDJSON
  kCsv,
  kNdjson,
};

// Who says it when nobody is named.
inline constexpr std::string_view kUnnamedSource = "import";
// `-` among the files.
inline constexpr std::string_view kStandardInput = "-";

struct ImportRequest {
  std::vector<std::string> files;  // paths, or "-" for standard input
  std::string folder = ".";        // where relative paths start
  FeedFormat format = FeedFormat::kByName;
  // How to read each of them; `name`, `keep_originals` and `latest_effective` are set here. Without
  // `entity`, a CSV file called like an entity (identity.csv) holds rows of it.
  FeedOptions feed;
  std::string source;                  // empty: kUnnamedSource
  std::optional<Instant> observed_at;  // default: `at`, else now
  std::optional<Instant> at;
  bool snapshot = false;
  bool skip_bad = false;
  bool allow_shrink = false;
};

struct ImportProgress {
  std::string_view file;
  uint64_t records = 0;
  uint64_t read_bytes = 0;
  std::optional<uint64_t> total_bytes;  // nothing for standard input
};

// What the desk borrows.
struct ImportEnvironment {
  FileSystem& files;
  std::istream& input;
  Clock& clock;
  std::function<void(const ImportProgress&)> progress = {};
};

struct ImportedFile {
  std::string name;
  LoadReport load;
  std::string rejects;  // the reject file that was written; empty: none
};

struct ImportSummary {
  // False: there were bad lines, and nothing was taken.
  bool is_committed = false;
  CommitReport commit;
  FactOrigin origin;
  bool was_snapshot = false;  // it was asked for, and no line was left out
  std::vector<ImportedFile> files;
  std::vector<std::string> warnings;  // one sentence each

  uint64_t bad_count() const;
  uint64_t read_bytes() const;
};

// kInvalidInput for a request or a file that cannot be used as a whole; what the store refuses
// (a shrunken snapshot, an instant before the last change) as it says. An error leaves the store
// as it was.
//
// A snapshot with lines left out is no longer all that the source has: it is then taken as a plain
// import, which withdraws nothing, and a warning says so. For that the files are read again, which
// standard input cannot be: there it is an error.
Result<ImportSummary> ImportFeeds(const ImportRequest& request, const Workspace& workspace,
                                  Store& store, const ImportEnvironment& environment);

// Warnings on who delivers what: a source that rescind.toml does not declare, or not for one of
// these entities.
std::vector<std::string> CheckSource(const Workspace& workspace, const std::string& source,
                                     const std::vector<std::string>& entities);

}  // namespace rescind
