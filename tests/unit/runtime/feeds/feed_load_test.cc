#include "runtime/feeds/feed_load.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>

#include "runtime/env/faulty_file_system.h"
#include "runtime/feeds/stream_file.h"
#include "tests/unit/runtime/feeds/feed_fixture.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

std::string ManyRows(int count, int bad_every) {
  std::string text = "id,level\n";
  for (int i = 0; i < count; ++i) {
    text += fmt::format("r{},{}\n", i, bad_every > 0 && i % bad_every == 0 ? "x" : "1");
  }
  return text;
}

TEST_CASE("OneBadLineSpoilsTheLoadAndAllAreCounted") {
  const Loaded loaded = LoadCsv(ManyRows(50'000, 1'000), {}, {});
  CHECK(loaded.bad_count == 50);
  CHECK(loaded.bad.size() == 20);
  CHECK(loaded.records[1].line == 1'002);
  // The first line is bad already, so nothing was given to the import.
  CHECK(loaded.rows.empty());
}

TEST_CASE("WithAndWithoutAThreadTheSameIsLoadedInOrder") {
  const std::string text = ManyRows(40'000, 7);
  LoadOptions alone = SkipBad();
  alone.use_thread = false;
  uint64_t calls = 0, records = 0, bytes = 0;
  alone.progress = [&](const FeedProgress& progress) {
    ++calls;
    CHECK(progress.records >= records);
    records = progress.records;
    bytes = progress.read_bytes;
  };
  const Loaded first = LoadCsv(text, {}, alone);
  const Loaded second = LoadCsv(text, {}, SkipBad());
  CHECK(first.rows == second.rows);
  CHECK(first.bad == second.bad);
  CHECK(first.bad_count == second.bad_count);
  CHECK(calls > 2);
  CHECK(records == 40'000);
  CHECK(bytes == text.size());
}

TEST_CASE("AnImportThatFailsEndsTheLoad") {
  MemoryFile file(ManyRows(100'000, 0));
  FeedOptions options;
  options.entity = "identity";
  CsvReader reader(file, FeedModel(), options);
  REQUIRE(reader.Open().ok());
  MemoryImport import(FeedModel());
  import.fails = true;
  const auto report = LoadFeed(reader, import, {});
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().message == "the disk is full");
}

// Fails after the first piece.
class FailingFile final : public ReadableFile {
 public:
  Result<size_t> Read(std::span<char> bytes) override {
    if (done_) return Error{ErrorKind::kIo, "cannot read", "look"};
    done_ = true;
    const std::string text = "id,level\nann,1\n";
    std::copy(text.begin(), text.end(), bytes.begin());
    return text.size();
  }

 private:
  bool done_ = false;
};

TEST_CASE("AFileThatCannotBeReadOnEndsTheLoad") {
  for (const bool use_thread : {false, true}) {
    FailingFile file;
    FeedOptions options;
    options.entity = "identity";
    CsvReader reader(file, FeedModel(), options);
    REQUIRE(reader.Open().ok());
    MemoryImport import(FeedModel());
    LoadOptions how;
    how.use_thread = use_thread;
    const auto report = LoadFeed(reader, import, how);
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().message == "cannot read");
  }
}

TEST_CASE("InASnapshotARowComesOnce") {
  LoadOptions how = SkipBad();
  how.refuse_repeats = true;
  const Loaded near = LoadCsv("id,level\nann,1\nbob,2\nann,3\nbad,x\n", {}, how);
  REQUIRE(near.bad.size() == 2);
  CHECK(near.bad[0] ==
        "f.csv:4: `id` = \"ann\": the row was given before, in line 2; a snapshot says once what "
        "there is: remove one of the lines");
  CHECK(near.bad[1].starts_with("f.csv:5:5: `level`"));
  CHECK(near.row("identity ann") == "level=1");
  // Across batches the line is forgotten, the row is not.
  const Loaded far = LoadCsv(ManyRows(40'000, 0) + "r3,9\n", {}, how);
  REQUIRE(far.bad.size() == 1);
  CHECK(far.bad[0].starts_with("f.csv:40002: `id` = \"r3\": the row was given before in this"));
  CHECK(far.row("identity r3") == "level=1");
  // The same id of another entity is another row, and without a snapshot the last line counts.
  CHECK(LoadNdjson("{\"entity\":\"identity\",\"id\":\"a\"}\n{\"entity\":\"account\",\"id\":\"a\"}",
                   {}, how)
            .bad.empty());
  CHECK(LoadCsv("id,level\nann,1\nann,3\n").row("identity ann") == "level=3");
}

struct RejectFixture {
  Loaded LoadWithRejects(const std::string& text, bool is_csv) {
    FeedOptions options;
    options.keep_originals = true;
    LoadOptions how = SkipBad();
    how.refuse_repeats = true;
    how.rejects = &rejects;
    return is_csv ? LoadCsv(text, options, how) : LoadNdjson(text, options, how);
  }
  std::string Text() { return files.Read(rejects.path(), 1 << 20).value(); }

  TemporaryFolder folder;
  RealFileSystem files;
  RejectFile rejects{files, folder / "f.csv.rejects"};
};

TEST_CASE_FIXTURE(RejectFixture, "RejectsHoldTheOriginalsAndCanBeImportedOnceMended") {
  const Loaded loaded =
      LoadWithRejects("id,level\r\nann,x\r\nbob,2\r\n\"c\ny\",1\r\ndan,\"1\r\nbob,7\r\n", true);
  CHECK(loaded.bad_count == 4);
  CHECK_FALSE(files.Exists(rejects.path()));
  REQUIRE(rejects.Publish().ok());
  CHECK(files.Stat(rejects.path())->mode == 0600);
  std::string text = Text();
  CHECK(text ==
        "id,level\n"
        "#!rescind line:2:5: `level` = \"x\": it is no whole number; write a whole number such as "
        "42, of at most 18 digits\n"
        "ann,x\n"
        "#!rescind line:4:1: `id` = \"c\\x0Ay\": an id has no control characters; remove them\n"
        "\"c\ny\",1\n"
        "#!rescind line:6:5: the quote that opens here is never closed; close it, or double it and "
        "quote the whole cell\n"
        "dan,\"1\n"
        "#!rescind line:7: `id` = \"bob\": the row was given before, in line 3; a snapshot says "
        "once what there is: remove one of the lines\n"
        "bob,7\n");
  text.replace(text.find("ann,x"), 5, "ann,5");
  text.replace(text.find("\"c\ny\""), 5, "cy");
  text.replace(text.find("dan,\"1"), 6, "dan,1");
  const Loaded again = LoadCsv(text);
  CHECK(again.bad.empty());
  CHECK(again.rows.size() == 4);
}

TEST_CASE_FIXTURE(RejectFixture, "RejectsOfNdjsonHoldTheirLines") {
  LoadWithRejects("{\"entity\":\"identity\",\"id\":\"a\",\"level\":\"7\"}\ngarbage\n", false);
  REQUIRE(rejects.Publish().ok());
  std::string text = Text();
  CHECK(text.find("\ngarbage\n") != std::string::npos);
  CHECK(LoadNdjson(text).bad_count == 2);
  text.replace(text.find("\"level\":\"7\""), 11, "\"level\":7");
  text.replace(text.find("\ngarbage\n"), 9, "\n");
  const Loaded again = LoadNdjson(text);
  CHECK(again.bad.empty());
  CHECK(again.row("identity a") == "level=7");
}

// A line of more than 1 MiB was reported and then lost: the reject file had the reason alone.
TEST_CASE_FIXTURE(RejectFixture, "RejectsHoldLinesOfAnyLengthWhole") {
  for (const size_t excess : {size_t{1}, size_t{5'000'000}}) {
    const std::string text(kMaxRecordBytes + excess, 'x');
    for (const bool is_csv : {true, false}) {
      const std::string line =
          is_csv ? "ann," + text : "{\"entity\":\"identity\",\"id\":\"ann\",\"name\":\"" + text;
      const std::string good =
          is_csv ? "bob,2\n" : "{\"entity\":\"identity\",\"id\":\"bob\",\"level\":2}\n";
      const std::string header = is_csv ? "id,level\n" : "";
      RejectFile own(files, folder / "long.rejects");
      FeedOptions options;
      options.keep_originals = true;
      LoadOptions how = SkipBad();
      how.rejects = &own;
      const auto load = [&](const std::string& feed) {
        return is_csv ? LoadCsv(feed, options, how, 300'000)
                      : LoadNdjson(feed, options, how, 300'000);
      };
      const Loaded loaded = load(header + line + "\n" + good + line);
      CHECK(loaded.bad_count == 2);
      REQUIRE(loaded.bad.size() == 2);
      CHECK(loaded.bad[1].find(is_csv ? ":4: " : ":3: ") != std::string::npos);
      CHECK(loaded.row("identity bob") == "level=2");
      REQUIRE(own.Publish().ok());
      const std::string written = files.Read(own.path(), 32 << 20).value();
      const size_t first = written.find("\n" + line + "\n");
      REQUIRE(first != std::string::npos);
      CHECK(written.find("\n" + line + "\n", first + 1) != std::string::npos);
      CHECK(written.size() < 2 * line.size() + 400);
    }
  }
}

TEST_CASE("AnUnpublishedRejectFileLeavesNothingAndWithdrawTakesItBack") {
  const TemporaryFolder folder;
  RealFileSystem files;
  BadRecord bad;
  bad.line = 3;
  bad.what = "wrong";
  bad.original = "x";
  {
    RejectFile rejects(files, folder / "r");
    REQUIRE(rejects.Add("", bad).ok());
    CHECK_FALSE(files.Exists(folder / "r"));
    CHECK_FALSE(std::filesystem::is_empty(folder.path()));
  }
  CHECK(std::filesystem::is_empty(folder.path()));
  RejectFile rejects(files, folder / "r");
  REQUIRE(rejects.Add("", bad).ok());
  REQUIRE(rejects.Publish().ok());
  CHECK(files.Exists(folder / "r"));
  REQUIRE(rejects.Withdraw().ok());
  CHECK_FALSE(files.Exists(folder / "r"));
  RejectFile empty(files, folder / "e");
  REQUIRE(empty.Publish().ok());
  CHECK_FALSE(files.Exists(folder / "e"));
}

// An import removed `feed.csv.rejects.partial`, whoever had written it.
TEST_CASE("ARejectFileIsWrittenBesideWhatOthersHaveThere") {
  const TemporaryFolder folder;
  RealFileSystem files;
  BadRecord bad;
  bad.original = "x";
  for (const char* other : {"r.partial", "r.new", ".r.new"}) {
    REQUIRE(files.WriteAtomically(folder / other, "kept").ok());
  }
  RejectFile rejects(files, folder / "r");
  REQUIRE(rejects.Add("", bad).ok());
  REQUIRE(rejects.Publish().ok());
  for (const char* other : {"r.partial", "r.new", ".r.new"}) {
    const auto left = files.Read(folder / other, 10);
    CHECK_MESSAGE((left.ok() && *left == "kept"), other);
  }
  CHECK(files.Exists(folder / "r"));
}

TEST_CASE("WhatFailsOfARejectFileIsSaidOfTheNameItWillHave") {
  const TemporaryFolder folder;
  RealFileSystem files;
  BadRecord bad;
  bad.original = "x";
  RejectFile nowhere(files, folder / "none/r");
  CHECK(nowhere.Add("", bad).error().message ==
        "cannot create " + (folder / "none/r") + ": No such file or directory");
  FaultyFileSystem disk(files, 2, ENOSPC);
  RejectFile rejects(disk, folder / "r");
  REQUIRE(rejects.Add("", bad).ok());
  CHECK(rejects.Publish().error().message.find((folder / "r") + ": No space left") !=
        std::string::npos);
}

// The second import with bad lines took the place of what the first had left out.
TEST_CASE("ARejectFileKeepsThoseOfEarlierImports") {
  const TemporaryFolder folder;
  RealFileSystem files;
  BadRecord bad;
  std::filesystem::create_symlink("nowhere", folder / "r.2");
  for (const char* name : {"r", "r.1", "r.3"}) {
    bad.original = name;
    RejectFile rejects(files, folder / "r");
    REQUIRE(rejects.Add("", bad).ok());
    REQUIRE(rejects.Publish().ok());
    CHECK(rejects.path() == folder / name);
  }
  RejectFile withdrawn(files, folder / "r");
  REQUIRE(withdrawn.Add("", bad).ok());
  REQUIRE(withdrawn.Publish().ok());
  CHECK(files.Exists(folder / "r.4"));
  REQUIRE(withdrawn.Withdraw().ok());
  CHECK_FALSE(files.Exists(folder / "r.4"));
  CHECK(std::filesystem::is_symlink(folder / "r.2"));
  for (const std::string name : {"r", "r.1", "r.3"}) {
    CHECK(files.Read(folder / name, 100)->ends_with("\n" + name + "\n"));
  }
}

// It took the place of whatever stood there.
TEST_CASE("ARejectFileReplacesNothingButRegularFiles") {
  const TemporaryFolder folder;
  RealFileSystem files;
  const BadRecord bad;
  std::filesystem::create_symlink("/dev/null", folder / "device");
  RejectFile device(files, folder / "device");
  const Status refused = device.Add("", bad);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message ==
        (folder / "device") + " is no regular file, so bad lines cannot go there");
  std::filesystem::create_directory(folder / "d");
  std::filesystem::create_symlink("d/r", folder / "link");
  RejectFile rejects(files, folder / "link");
  REQUIRE(rejects.Add("", bad).ok());
  REQUIRE(rejects.Publish().ok());
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(std::filesystem::is_regular_file(folder / "d/r"));
  REQUIRE(rejects.Withdraw().ok());
  CHECK_FALSE(files.Exists(folder / "d/r"));
}

TEST_CASE("AStreamIsAFile") {
  std::istringstream stream("id,level\nann,1\n");
  StreamFile file(stream);
  FeedOptions options;
  options.entity = "identity";
  CsvReader reader(file, FeedModel(), options);
  CHECK(Load(reader, "-", {}).row("identity ann") == "level=1");
}

}  // namespace
}  // namespace rescind
