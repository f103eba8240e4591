#include "runtime/service/import_desk.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <sstream>

#include "runtime/service/store_opener.h"
#include "tests/unit/runtime/service/feed_store.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

struct ImportFixture {
  ImportFixture() {
    request.folder = folder.path();
    request.source = "hr";
    WorkspaceSource hr;
    hr.entities = {"identity"};
    hr.place = "rescind.toml:9:1";
    workspace.sources["hr"] = hr;
  }
  void Write(const std::string& name, const std::string& text) {
    REQUIRE(files.WriteAtomically(folder / name, text).ok());
  }
  Result<ImportSummary> Run(std::vector<std::string> names) {
    request.files = std::move(names);
    return ImportFeeds(request, workspace, store, {files, input, clock, progress});
  }
  std::string Read(const std::string& name) { return files.Read(folder / name, 1 << 20).value(); }

  TemporaryFolder folder;
  RealFileSystem files;
  VirtualClock clock{*ParseInstant("2026-04-01T00:00Z")};
  std::istringstream input;
  Workspace workspace;
  FeedStore store;
  ImportRequest request;
  std::function<void(const ImportProgress&)> progress;
};

TEST_CASE_FIXTURE(ImportFixture, "FormatAndEntityFollowFromNamesAndBeginnings") {
  Write("identity.2026.csv", "id,name\nann,Ann\n");
  Write("account.tsv", "id\towner\na\tann\n");
  Write("more.jsonl", "{\"entity\":\"identity\",\"id\":\"bob\"}\n");
  Write("dump", "\n {\"entity\":\"identity\",\"id\":\"cy\"}\n");
  const auto summary = Run({"identity.2026.csv", "account.tsv", "more.jsonl", "dump"});
  REQUIRE(summary.ok());
  CHECK(summary->is_committed);
  REQUIRE(store.finished.size() == 1);
  CHECK(store.finished[0].size() == 4);
  CHECK(store.finished[0].at("account a") == "owner=->ann");
  CHECK(store.begun[0].origin.source == "hr");
  CHECK(store.begun[0].origin.observed_at == clock.Now());
  Write("people.csv", "id,name\nann,Ann\n");
  const auto unnamed = Run({"people.csv"});
  REQUIRE_FALSE(unnamed.ok());
  CHECK(unnamed.error().help.find("--entity NAME, one of identity, account") != std::string::npos);
}

TEST_CASE_FIXTURE(ImportFixture, "StandardInputIsAFileOfEitherFormat") {
  input.str("{\"entity\":\"identity\",\"id\":\"bob\"}\n");
  CHECK(Run({"-"})->is_committed);
  input.clear();
  input.str("id,name\nann,Ann\n");
  request.feed.entity = "identity";
  CHECK(Run({"-"})->is_committed);
  CHECK(store.finished[1].at("identity ann") == "name=Ann");
}

TEST_CASE_FIXTURE(ImportFixture, "OneBadFileAmongSeveralMeansNothingIsTaken") {
  Write("identity.csv", "id,level\nann,1\n");
  Write("account.csv", "id,owner\na,\nb,ann\nc,\n");
  const auto summary = Run({"identity.csv", "account.csv"});
  REQUIRE(summary.ok());
  CHECK_FALSE(summary->is_committed);
  CHECK(summary->bad_count() == 2);
  CHECK(summary->files[1].load.bad[0].line == 2);
  CHECK(store.finished.empty());
  CHECK_FALSE(files.Exists(folder / "account.csv.rejects"));
}

TEST_CASE_FIXTURE(ImportFixture, "SkippedLinesGoToTheRejectFileBesideTheFeed") {
  Write("identity.csv", "id,level\nann,1\nbob,x\n");
  request.skip_bad = true;
  const auto summary = Run({"identity.csv"});
  REQUIRE(summary.ok());
  CHECK(summary->is_committed);
  CHECK(summary->files[0].rejects == folder / "identity.csv.rejects");
  CHECK(Read("identity.csv.rejects").find("bob,x\n") != std::string::npos);
  CHECK(store.finished[0].size() == 1);
  // Mended, it is imported as it is: same format, same entity.
  Write("identity.csv.rejects", "id,level\n#!rescind line:3: …\nbob,2\n");
  CHECK(Run({"identity.csv.rejects"})->is_committed);
  CHECK(store.finished[1].at("identity bob") == "level=2");
}

// It took the place of what the first import had left out.
TEST_CASE_FIXTURE(ImportFixture, "WhatAnEarlierImportLeftOutIsKept") {
  request.skip_bad = true;
  Write("identity.csv", "id,level\nann,x\n");
  REQUIRE(Run({"identity.csv"})->is_committed);
  const std::string first = Read("identity.csv.rejects");
  Write("identity.csv", "id,level\nbob,y\n");
  const auto summary = Run({"identity.csv", "identity.csv"});
  REQUIRE(summary.ok());
  CHECK(Read("identity.csv.rejects") == first);
  CHECK(summary->files[0].rejects == folder / "identity.csv.rejects.1");
  CHECK(summary->files[1].rejects == folder / "identity.csv.rejects.2");
  REQUIRE(summary->warnings.size() >= 2);
  CHECK(summary->warnings.back() ==
        (folder / "identity.csv.rejects") +
            " is kept, as it holds what an earlier import left out: what this one left out is in " +
            (folder / "identity.csv.rejects.2"));
  // Same format, same entity.
  std::string text = Read("identity.csv.rejects.2");
  text.replace(text.find("bob,y"), 5, "bob,7");
  Write("identity.csv.rejects.2", text);
  request.skip_bad = false;
  const auto mended = Run({"identity.csv.rejects.2"});
  REQUIRE_MESSAGE(mended.ok(), mended.error().message);
  CHECK(mended->is_committed);
  CHECK(store.finished.back().at("identity bob") == "level=7");
}

TEST_CASE_FIXTURE(ImportFixture, "ANumberedRejectFileIsReadInTheFormatThatItHas") {
  const std::string line = "{\"entity\":\"identity\",\"id\":\"bob\",\"level\":7}\n";
  for (const char* name : {"bob.ndjson.rejects.1", "bob.ndjson.rejects.12.rejects.3"}) {
    Write(name, "#!rescind line:1: …\n" + line);
    const auto mended = Run({name});
    REQUIRE_MESSAGE(mended.ok(), mended.error().message);
    CHECK(store.finished.back().at("identity bob") == "level=7");
  }
}

// What a shell hands over with `<(…)`: a pipe with `text`, and its name.
class Piped {
 public:
  explicit Piped(const std::string& text) {
    REQUIRE(pipe2(ends_, O_CLOEXEC) == 0);
    REQUIRE(write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    close(ends_[1]);
  }
  Piped(const Piped&) = delete;
  Piped& operator=(const Piped&) = delete;
  ~Piped() { close(ends_[0]); }
  std::string number() const { return std::to_string(ends_[0]); }
  std::string path() const { return "/dev/fd/" + number(); }

 private:
  int ends_[2] = {};
};

// It wanted to write to /dev/fd/63.rejects, and of standard input to /dev/stdin.rejects.
TEST_CASE_FIXTURE(ImportFixture, "LinesOfWhatHasNoFileAreLeftOutIntoTheCurrentFolder") {
  request.skip_bad = true;
  const Piped ndjson("{\"entity\":\"identity\",\"id\":\"bob\",\"level\":\"nope\"}\n");
  const auto summary = Run({ndjson.path()});
  REQUIRE_MESSAGE(summary.ok(), summary.error().message);
  CHECK(summary->files[0].rejects == folder / ("fd" + ndjson.number() + ".ndjson.rejects"));
  CHECK(Read("fd" + ndjson.number() + ".ndjson.rejects").find("nope") != std::string::npos);
  const Piped csv("id,level\nbob,nope\n");
  request.feed.entity = "identity";
  CHECK(Run({csv.path()})->files[0].rejects ==
        folder / ("identity.fd" + csv.number() + ".csv.rejects"));
}

// The second reading of the pipe found nothing, and that was imported.
TEST_CASE_FIXTURE(ImportFixture, "ASnapshotThatCanBeReadOnceIsNotTakenInPart") {
  const Piped piped("id,level\nann,1\nbob,x\n");
  request.snapshot = request.skip_bad = true;
  request.feed.entity = "identity";
  const auto summary = Run({piped.path()});
  REQUIRE_FALSE(summary.ok());
  CHECK(summary.error().message.find(piped.path() + " cannot be read again") != std::string::npos);
  CHECK(store.finished.empty());
}

// Those of NDJSON were called "stdin.rejects", and taken for CSV when they came back.
TEST_CASE_FIXTURE(ImportFixture, "SkippedLinesComeBackInTheFormatThatTheyHad") {
  request.skip_bad = true;
  const auto comes_back = [&](const std::string& typed, const std::string& rejects) {
    CAPTURE(typed);
    const auto summary = Run({typed});
    REQUIRE(summary.ok());
    REQUIRE(summary->files[0].rejects == folder / rejects);
    std::string text = Read(rejects);
    REQUIRE(text.find("nope") != std::string::npos);
    const std::string bad = text.ends_with("}\n") ? "\"nope\"" : "nope";
    text.replace(text.rfind(bad), bad.size(), "7");
    Write(rejects, text);
    const ImportRequest before = std::exchange(request, ImportRequest());
    request.folder = before.folder;
    request.source = before.source;
    const auto mended = Run({rejects});
    REQUIRE_MESSAGE(mended.ok(), mended.error().message);
    CHECK(mended->is_committed);
    CHECK(store.finished.back().at("identity bob") == "level=7");
    request = before;
  };
  const std::string ndjson = "{\"entity\":\"identity\",\"id\":\"bob\",\"level\":\"nope\"}\n";
  input.str(ndjson);
  comes_back("-", "stdin.ndjson.rejects");
  Write("dump", ndjson);
  comes_back("dump", "dump.ndjson.rejects");
  Write("identity", "id,level\nbob,nope\n");
  comes_back("identity", "identity.csv.rejects");
  input.clear();
  input.str("id\tlevel\nbob\tnope\n");
  request.feed.entity = "identity";
  request.feed.delimiter = '\t';
  comes_back("-", "identity.stdin.tsv.rejects");
}

// It said that a CSV file does not name its entity.
TEST_CASE_FIXTURE(ImportFixture, "NothingOnStandardInputIsSaid") {
  const auto summary = Run({"-"});
  REQUIRE_FALSE(summary.ok());
  CHECK(summary.error().message == "standard input is empty");
  CHECK(summary.error().help ==
        "export it again; a source that has no rows gives one empty line; nothing was taken");
}

TEST_CASE_FIXTURE(ImportFixture, "ARefusedImportLeavesNoRejectFile") {
  Write("identity.csv", "id,level\nann,1\nbob,x\n");
  request.skip_bad = true;
  store.refuses = true;
  const auto summary = Run({"identity.csv"});
  REQUIRE_FALSE(summary.ok());
  CHECK(summary.error().help == "give --allow-shrink");
  CHECK_FALSE(files.Exists(folder / "identity.csv.rejects"));
  CHECK_FALSE(files.Exists(folder / "identity.csv.rejects.partial"));
}

// A row whose line is bad is still there at the source: to withdraw it would take access away.
TEST_CASE_FIXTURE(ImportFixture, "ASnapshotWithSkippedLinesWithdrawsNothing") {
  Write("identity.csv", "id,level\nann,1\nbob,x\nann,2\n");
  request.snapshot = request.skip_bad = true;
  const auto summary = Run({"identity.csv"});
  REQUIRE(summary.ok());
  CHECK(summary->is_committed);
  CHECK_FALSE(summary->was_snapshot);
  REQUIRE(store.begun.size() == 2);
  CHECK(store.begun[0].snapshot);
  CHECK_FALSE(store.begun[1].snapshot);
  CHECK(store.finished.size() == 1);
  CHECK(summary->warnings.back().find("this was no snapshot") != std::string::npos);
  Write("identity.csv", "id,level\nann,1\n");
  CHECK(Run({"identity.csv"})->was_snapshot);
  input.str("id,level\nann,x\n");
  request.feed.entity = "identity";
  const auto piped = Run({"-"});
  REQUIRE_FALSE(piped.ok());
  CHECK(piped.error().message.find("nothing was taken") != std::string::npos);
}

TEST_CASE_FIXTURE(ImportFixture, "ASnapshotNamesItsEntitiesEvenWhenItIsEmpty") {
  Write("identity.csv", "id,name\n");
  request.snapshot = true;
  const auto summary = Run({"identity.csv"});
  REQUIRE(summary.ok());
  CHECK(store.begun[0].snapshot_entities == std::vector<EntityId>{EntityId(0)});
  CHECK(summary->warnings[0].find("does not give `status`") != std::string::npos);
  Write("empty.ndjson", "\n");
  CHECK_FALSE(Run({"empty.ndjson"}).ok());
  request.feed.entity = "account";
  CHECK(Run({"empty.ndjson"}).ok());
  CHECK(store.begun.back().snapshot_entities == std::vector<EntityId>{EntityId(1)});
  request.source.clear();
  CHECK(Run({"empty.ndjson"}).error().help.find("--source NAME") != std::string::npos);
}

TEST_CASE_FIXTURE(ImportFixture, "InstantsAndSourcesAreChecked") {
  Write("a.ndjson", "{\"entity\":\"identity\",\"id\":\"bob\"}\n");
  request.at = *ParseInstant("2026-03-01T00:00Z");
  REQUIRE(Run({"a.ndjson"}).ok());
  CHECK(store.begun.back().origin.observed_at == *request.at);
  CHECK(store.begun.back().at == request.at);
  request.at = *ParseInstant("2026-04-01T00:01Z");
  CHECK(Run({"a.ndjson"}).error().message.find("--at") == 0);
  request.at.reset();
  request.observed_at = *ParseInstant("2026-04-01T00:04Z");
  CHECK(Run({"a.ndjson"}).ok());
  request.observed_at = *ParseInstant("2026-04-01T00:06Z");
  CHECK(Run({"a.ndjson"}).error().message.find("--observed-at") == 0);
  request.observed_at.reset();
  request.source = "rescind";
  CHECK_FALSE(Run({"a.ndjson"}).ok());
  request.source = "h\nr";
  CHECK_FALSE(Run({"a.ndjson"}).ok());
  request.source.clear();
  REQUIRE(Run({"a.ndjson"}).ok());
  CHECK(store.begun.back().origin.source == "import");
  CHECK_FALSE(Run({}).ok());
  CHECK_FALSE(Run({"-", "-"}).ok());
  CHECK(Run({"none.csv"}).error().message.find("none.csv") != std::string::npos);
}

// A termination with a date in 2030 made a removal now.
TEST_CASE_FIXTURE(ImportFixture, "AChangeThatTakesEffectLaterIsABadLine") {
  const auto complaint = [&](const std::string& effective) {
    Write("a.ndjson",
          "{\"entity\":\"identity\",\"id\":\"bob\"}\n"
          "{\"entity\":\"identity\",\"id\":\"ann\",\"effective_at\":\"" +
              effective + "\"}\n");
    const auto summary = Run({"a.ndjson"});
    REQUIRE(summary.ok());
    CHECK(summary->is_committed == summary->files[0].load.bad.empty());
    return summary->is_committed ? "" : summary->files[0].load.bad[0].Text("a.ndjson");
  };
  CHECK(complaint("2030-06-30") ==
        "a.ndjson:2:33: `effective_at` = \"2030-06-30\": it lies in the future, and what a feed "
        "says counts at once; deliver the line when it takes effect, or leave it out until then");
  // Clocks differ a little.
  CHECK(complaint("2026-04-01T00:05Z") == "");
  CHECK(complaint("2026-04-01T00:05:00.000001Z") != "");
  CHECK(complaint("2026-04-01") == "");
  // Of what is recorded as of then, the future begins then.
  request.at = *ParseInstant("2026-03-01T00:00Z");
  CHECK(complaint("2026-03-01T00:00Z") == "");
  CHECK(complaint("2026-03-02T00:00Z") != "");
  request.at.reset();
  Write("identity.csv", "id,since\nann,2026-04-02\n");
  request.feed.map["since"] = "@effective_at";
  CHECK(Run({"identity.csv"})->files[0].load.bad[0].Text("identity.csv") ==
        "identity.csv:2:5: `@effective_at` = \"2026-04-02\": it lies in the future, and what a "
        "feed says counts at once; deliver the line when it takes effect, or leave it out until "
        "then");
}

// CSV said so, NDJSON was silent, and the row matched no policy.
TEST_CASE_FIXTURE(ImportFixture, "ANewRowOfNdjsonThatLacksARequiredFieldIsNoticed") {
  Write("a.ndjson",
        "{\"entity\":\"identity\",\"id\":\"ann\",\"status\":\"active\"}\n"
        "{\"entity\":\"identity\",\"id\":\"bob\",\"name\":\"Bob\"}\n"
        "{\"entity\":\"identity\",\"id\":\"cy\"}\n"
        "{\"entity\":\"identity\",\"id\":\"dan\",\"deleted\":true}\n");
  auto summary = Run({"a.ndjson"});
  REQUIRE(summary.ok());
  REQUIRE(summary->warnings.size() == 1);
  CHECK(summary->warnings[0] ==
        "a.ndjson: 2 rows of identity left out `status`, which every identity needs: what is new "
        "among them stays incomplete and matches no policy until a feed gives it");
  Write("a.ndjson", "{\"entity\":\"identity\",\"id\":\"ann\",\"status\":\"active\"}\n");
  CHECK(Run({"a.ndjson"})->warnings.empty());
  // Where nothing is new, leaving a field out is how a feed says that it stays.
  store.adds_rows = false;
  Write("a.ndjson", "{\"entity\":\"identity\",\"id\":\"ann\",\"level\":7}\n");
  CHECK(Run({"a.ndjson"})->warnings.empty());
}

TEST_CASE_FIXTURE(ImportFixture, "WhoDeliversWhatIsComparedWithTheWorkspace") {
  Write("a.ndjson", "{\"entity\":\"account\",\"id\":\"a\",\"owner\":\"x\"}\n");
  CHECK(Run({"a.ndjson"})
            ->warnings[0]
            .find("rescind.toml:9:1: [source.hr] is not declared to deliver `account`") == 0);
  request.source = "hrr";
  CHECK(Run({"a.ndjson"})->warnings[0].find("did you mean \"hr\"?") != std::string::npos);
  request.source = "directory";
  CHECK(Run({"a.ndjson"})->warnings[0].find("add [source.directory]") != std::string::npos);
}

// Whether nobody is logged in any more, or the feed does not list who is, no line can say.
TEST_CASE_FIXTURE(ImportFixture, "ASnapshotSaysWhichEntitiesOfItsSourceItHasNoLineOf") {
  workspace.sources["hr"].entities = {"identity", "account"};
  request.snapshot = true;
  Write("a.ndjson", "{\"entity\":\"identity\",\"id\":\"ann\",\"status\":\"active\"}\n");
  const auto summary = Run({"a.ndjson"});
  REQUIRE(summary.ok());
  REQUIRE(summary->warnings.size() == 1);
  CHECK(summary->warnings[0].find("no line of `account`, which \"hr\" delivers too") !=
        std::string::npos);
  CHECK(summary->warnings[0].find("import NONE.ndjson --entity account --source hr --snapshot") !=
        std::string::npos);
  request.snapshot = false;
  CHECK(Run({"a.ndjson"})->warnings.empty());
  // Who names an entity has said what the snapshot is about.
  request.snapshot = true;
  request.feed.entity = "identity";
  CHECK(Run({"a.ndjson"})->warnings.empty());
}

TEST_CASE_FIXTURE(ImportFixture, "OptionsOfCsvAreRefusedForNdjsonAndProgressIsTold") {
  Write("a.ndjson", "{\"entity\":\"identity\",\"id\":\"bob\"}\n");
  uint64_t total = 0;
  progress = [&](const ImportProgress& now) { total = now.total_bytes.value_or(0); };
  REQUIRE(Run({"a.ndjson"}).ok());
  CHECK(total == Read("a.ndjson").size());
  request.feed.map = {{"x", "name"}};
  CHECK(Run({"a.ndjson"}).error().message.find("--map") != std::string::npos);
}

TEST_CASE("SourcesOfTheWorkspaceAreResolvedOrRefusedTogether") {
  Workspace workspace;
  workspace.sources["hr"].entities = {"identity", "account"};
  workspace.sources["ldap"].entities = {"account"};
  const auto declared = ResolveSources(workspace, FeedModel());
  REQUIRE(declared.ok());
  CHECK(declared->at(EntityId(1)) == std::vector<std::string>{"hr", "ldap"});
  workspace.sources["ldap"].entities = {"acount", "zebra"};
  workspace.sources["ldap"].place = "rescind.toml:4:1";
  const auto wrong = ResolveSources(workspace, FeedModel());
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().message.find("rescind.toml:4:1: [source.ldap] delivers `acount`, which no "
                                   "policy file declares; did you mean `account`?") == 0);
  CHECK(wrong.error().message.find("`zebra`") != std::string::npos);
}

}  // namespace
}  // namespace rescind
