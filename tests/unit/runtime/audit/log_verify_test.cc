#include "runtime/audit/log_verify.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <functional>

#include "runtime/audit/base64.h"
#include "runtime/audit/log_export.h"
#include "runtime/env/faulty_file_system.h"
#include "tests/unit/runtime/audit/audit_fixture.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

// A log, its exports, and a verifier that knows the public key.
class ExportFixture : public AuditFixture {
 public:
  explicit ExportFixture(int entries) : log(Open()) {
    AppendMany(*log, entries - 1);  // one more makes the log's first leaf
    key = ParsePublicKey(log->public_key()).value();
  }

  std::string Export(const std::string& name) {
    std::string path = folder / name;
    const auto report = ExportLog(LogReader(store), Checkpoint(*log), path, files);
    REQUIRE_MESSAGE(report.ok(), report.error().message);
    CHECK(report->entry_count == log->size());
    return path;
  }

  Result<VerifyReport> Verify(const std::string& path,
                              const std::vector<HeldCheckpoint>& held = {}) {
    return VerifyExport(path, key, held, files);
  }
  // Neither accepted nor taken for something else: a problem, or an error.
  bool IsFound(const std::string& path, const std::vector<HeldCheckpoint>& held = {}) {
    const auto report = Verify(path, held);
    return !report.ok() || !report->ok();
  }
  std::string Read(const std::string& path) { return files.Read(path, 1 << 30).value(); }
  void Write(const std::string& path, const std::string& bytes) {
    REQUIRE(files.WriteAtomically(path, bytes).ok());
  }
  HeldCheckpoint Held(const std::string& path) { return {"held", Read(path + "/checkpoint")}; }
  std::vector<std::string> Files(const std::string& path) {
    return files.ListRecursively(path, "").value();
  }

  std::unique_ptr<AuditLog> log;
  AuditPublicKey key;
};

// The one file whose path ends so.
std::string FileNamed(ExportFixture& fixture, const std::string& path, const std::string& end) {
  for (const std::string& file : fixture.Files(path)) {
    if (file.ends_with(end)) return file;
  }
  FAIL("no file " << end);
  return "";
}

bool HasProblem(const VerifyReport& report, const std::string& place, const std::string& what) {
  for (const LogProblem& problem : report.problems) {
    if (problem.place.find(place) != std::string::npos &&
        problem.what.find(what) != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST_CASE("ExportsOfEverySizeVerify") {
  for (const int entries : {2, 3, 255, 256, 257, 511, 512, 600}) {
    ExportFixture fixture(entries);
    const auto report = fixture.Verify(fixture.Export("out"));
    REQUIRE(report.ok());
    CHECK_MESSAGE(report->ok(), entries << ": " << report->problems.size());
    CHECK(report->size == static_cast<uint64_t>(entries));
    CHECK(report->entries_read == report->size);
    CHECK(report->signed_by == fixture.log->public_key());
    CHECK_FALSE(report->end_is_proven);
  }
}

TEST_CASE("ALogWithoutEntriesVerifies") {
  ExportFixture fixture(1);
  const auto report = fixture.Verify(fixture.Export("out")).value();
  CHECK(report.ok());
  CHECK(report.size == 0);
}

TEST_CASE("EveryEditOfASingleByteIsFound") {
  ExportFixture fixture(6);
  AuditEvent large = Step("ldap/ann/vpn");
  large.evidence = {{"g.note", {std::string(66'000, 'x')}, "hr"}};
  fixture.Append(*fixture.log, large);
  const std::string out = fixture.Export("out");
  REQUIRE(fixture.Verify(out)->ok());
  CHECK(fixture.Verify(out)->beside_count == 1);
  uint64_t edits = 0;
  for (const std::string& file : fixture.Files(out)) {
    const std::string good = fixture.Read(file);
    const size_t step = good.size() > 10'000 ? 997 : 1;
    for (size_t at = 0; at < good.size(); at += step) {
      std::string edited = good;
      edited[at] = static_cast<char>(edited[at] ^ (1 << (at % 8)));
      fixture.Write(file, edited);
      REQUIRE_MESSAGE(fixture.IsFound(out), file << " byte " << at);
      ++edits;
    }
    fixture.Write(file, good);
  }
  CHECK(edits > 2000);
  CHECK(fixture.Verify(out)->ok());
}

TEST_CASE("EveryFileThatIsRemovedCutLengthenedOrEmptiedIsFound") {
  ExportFixture fixture(600);
  const std::string out = fixture.Export("out");
  for (const std::string& file : fixture.Files(out)) {
    const std::string good = fixture.Read(file);
    REQUIRE(fixture.files.Remove(file).ok());
    CHECK_MESSAGE(fixture.IsFound(out), file << " removed");
    for (const std::string& bad : {std::string(), good.substr(0, good.size() / 2),
                                   good.substr(0, good.size() - 1), good + "x", good + good}) {
      fixture.Write(file, bad);
      CHECK_MESSAGE(fixture.IsFound(out), file << " of " << bad.size() << " bytes");
    }
    fixture.Write(file, good);
  }
  CHECK(fixture.Verify(out)->ok());
}

TEST_CASE("EveryTwoFilesThatChangePlacesAreFound") {
  ExportFixture fixture(600);
  const std::string out = fixture.Export("out");
  const auto names = fixture.Files(out);
  for (size_t a = 0; a < names.size(); ++a) {
    for (size_t b = a + 1; b < names.size(); ++b) {
      const std::string first = fixture.Read(names[a]);
      const std::string second = fixture.Read(names[b]);
      fixture.Write(names[a], second);
      fixture.Write(names[b], first);
      CHECK_MESSAGE(fixture.IsFound(out), names[a] << " and " << names[b]);
      fixture.Write(names[a], first);
      fixture.Write(names[b], second);
    }
  }
  CHECK(fixture.Verify(out)->ok());
}

// Changes the leaves of a bundle with `change`, and the tile so that it fits.
void Tamper(ExportFixture& fixture, const std::string& out, uint32_t width,
            const std::function<void(std::vector<std::string>&)>& change) {
  const std::string bundle_file = out + "/" + BundlePath(0, width);
  const std::string bundle = fixture.Read(bundle_file);
  const auto split = SplitBundle(bundle, width).value();
  std::vector<std::string> leaves(split.begin(), split.end());
  change(leaves);
  std::string changed;
  std::vector<TreeHash> hashes;
  for (const std::string& leaf : leaves) {
    AppendToBundle(changed, leaf);
    hashes.push_back(LeafHash(leaf));
  }
  fixture.Write(bundle_file, changed);
  fixture.Write(out + "/" + TilePath(0, 0, width), EncodeTile(hashes));
}

TEST_CASE("EveryReorderRemovalSwapAndInsertionIsFoundThoughTheTilesWereMadeToFit") {
  const uint32_t width = 9;
  for (size_t a = 0; a < width; ++a) {
    for (size_t b = 0; b < width; ++b) {
      ExportFixture fixture(width);
      const std::string out = fixture.Export("out");
      Tamper(fixture, out, width, [&](std::vector<std::string>& leaves) {
        if (a < b) std::swap(leaves[a], leaves[b]);                       // reordered
        if (a == b) leaves.erase(leaves.begin() + static_cast<long>(a));  // removed
        if (a > b) leaves.insert(leaves.begin() + static_cast<long>(a), leaves[b]);
      });
      CHECK_MESSAGE(fixture.IsFound(out), a << " " << b);
    }
  }
}

TEST_CASE("AnEditedEntryIsNamed") {
  ExportFixture fixture(300);
  const std::string out = fixture.Export("out");
  const std::string file = FileNamed(fixture, out, "tile/entries/001.p/44");
  std::string bytes = fixture.Read(file);
  bytes[bytes.size() - 3] ^= 1;  // in the last leaf
  fixture.Write(file, bytes);
  const auto report = fixture.Verify(out);
  REQUIRE(report.ok());
  CHECK(HasProblem(*report, "tile/entries/001.p/44", "entry 299 does not have the hash"));
  CHECK(HasProblem(*report, "checkpoint", "its root is not that of the 300 entries"));
}

TEST_CASE("ARebuiltLogWithoutThePrivateKeyIsFound") {
  ExportFixture fixture(5);
  ExportFixture forger(5);  // the same entries, another key of the same name
  REQUIRE(forger.files.Remove(forger.key_file()).ok());
  forger.store = MemoryStore();
  SeededRandom other(99);
  REQUIRE(CreateAuditKey(forger.key_file(), "rescind/acme", forger.files, other).ok());
  forger.log = forger.Open();
  forger.AppendMany(*forger.log, 4);
  const std::string out = forger.Export("out");
  REQUIRE(forger.IsFound(out));  // under the key of before
  const auto report = VerifyExport(out, fixture.key, {}, fixture.files);
  REQUIRE(report.ok());
  CHECK(HasProblem(*report, "checkpoint", "neither by the given"));
}

TEST_CASE("ACutIsFoundAgainstAHeldCheckpointAndElseTheEndIsUnproven") {
  ExportFixture fixture(300);
  const std::string early = fixture.Export("early");
  fixture.AppendMany(*fixture.log, 100);
  const std::string late = fixture.Export("late");

  const auto unheld = fixture.Verify(early).value();
  CHECK(unheld.ok());
  CHECK_FALSE(unheld.end_is_proven);
  const auto cut = fixture.Verify(early, {fixture.Held(late)}).value();
  CHECK(HasProblem(cut, "held", "its end was cut off"));
  const auto grown = fixture.Verify(late, {fixture.Held(early)}).value();
  CHECK(grown.ok());
  CHECK(grown.proven_size == 300);
  CHECK_FALSE(grown.end_is_proven);
  const auto whole = fixture.Verify(late, {fixture.Held(early), fixture.Held(late)}).value();
  CHECK(whole.ok());
  CHECK(whole.end_is_proven);
}

TEST_CASE("ARewrittenHistoryIsFoundThoughTheOwnerSignedIt") {
  ExportFixture fixture(300);
  const MemoryStore backup = fixture.store;
  fixture.AppendMany(*fixture.log, 10);
  const std::string first = fixture.Export("first");
  // The owner of key and disk takes the witness away, restores, and tells another story.
  fixture.store = backup;
  REQUIRE(fixture.files.Remove(fixture.key_file() + ".checkpoint").ok());
  fixture.accepts_lost_witness = true;
  fixture.log = fixture.Open();
  fixture.AppendMany(*fixture.log, 20);
  const std::string second = fixture.Export("second");
  CHECK(fixture.Verify(second)->ok());
  const auto report = fixture.Verify(second, {fixture.Held(first)}).value();
  CHECK(HasProblem(report, "held", "history was rewritten"));
}

TEST_CASE("HeldCheckpointsOfOthersAndDamagedOnesAreNoProof") {
  ExportFixture fixture(5);
  const std::string out = fixture.Export("out");
  HeldCheckpoint edited = fixture.Held(out);
  edited.bytes.replace(edited.bytes.find("\n5\n"), 3, "\n4\n");
  const auto report_of_edited = fixture.Verify(out, {edited});
  CHECK(HasProblem(*report_of_edited, "held", "does not hold: it was edited"));
  CHECK(report_of_edited->foreign_count == 0);
  CHECK(HasProblem(*fixture.Verify(out, {{"held", ""}}), "held", "it is empty"));
  CHECK(
      HasProblem(*fixture.Verify(out, {{"held", std::string(1 << 20, '\0')}}), "held", "too long"));
  SeededRandom random(5);
  const auto other = AuditSigningKey::Generate("other/log", random).value();
  const std::string note = other.SignNote(FormatCheckpoint({"other/log", 5, EmptyTreeRoot()}));
  CHECK(HasProblem(*fixture.Verify(out, {{"held", note}}), "held", "is of the log other/log"));
}

TEST_CASE("TheFirstKeyVerifiesAcrossRotations") {
  ExportFixture fixture(4);
  const std::string before = fixture.Export("before");
  for (int i = 0; i < 3; ++i) {
    KeyValueBatch batch;
    REQUIRE(fixture.log->RotateKey("uid 1000", batch).ok());
    fixture.store.Apply(batch);
    fixture.log->Committed();
    REQUIRE(fixture.log->FinishRotation().ok());
    fixture.AppendMany(*fixture.log, 2);
  }
  const std::string after = fixture.Export("after");
  const auto report = fixture.Verify(after, {fixture.Held(before)}).value();
  CHECK(report.ok());
  CHECK(report.rotated_to.size() == 3);
  CHECK(report.signed_by == fixture.log->public_key());
  const AuditPublicKey newest = ParsePublicKey(fixture.log->public_key()).value();
  CHECK(VerifyExport(after, newest, {}, fixture.files)->ok());
  // The newest key knows nothing of what was signed before its time.
  const auto early = VerifyExport(before, newest, {}, fixture.files).value();
  CHECK(HasProblem(early, "checkpoint",
                   fmt::format("is signed by rescind/acme+{:08x}: neither", fixture.key.Id())));
  CHECK(early.foreign_count == early.problem_count);
  const auto held = VerifyExport(after, newest, {fixture.Held(before)}, fixture.files).value();
  CHECK(HasProblem(held, "held", fmt::format("+{:08x}: neither", fixture.key.Id())));
  CHECK(held.foreign_count == 1);
  CHECK(held.problem_count == 1);
}

TEST_CASE("AKeyThatWasHandedOverSignsNothingMore") {
  ExportFixture fixture(4);
  const AuditSigningKey old_key = AuditSigningKey::Load(fixture.key_file(), fixture.files).value();
  KeyValueBatch batch;
  REQUIRE(fixture.log->RotateKey("uid 1000", batch).ok());
  fixture.store.Apply(batch);
  fixture.log->Committed();
  REQUIRE(fixture.log->FinishRotation().ok());
  const std::string out = fixture.Export("out");
  REQUIRE(fixture.Verify(out)->ok());
  const auto checkpoint = ParseSignedCheckpoint(fixture.Read(out + "/checkpoint")).value();
  fixture.Write(out + "/checkpoint", old_key.SignNote(checkpoint.note.text));
  CHECK(HasProblem(*fixture.Verify(out), "checkpoint", "does not hold: it was edited"));
}

TEST_CASE("ARotationThatTheOldKeyDidNotSignIsFound") {
  ExportFixture fixture(4);
  SeededRandom random(77);
  const auto thief = AuditSigningKey::Generate("rescind/acme", random).value();
  AuditEvent event;
  event.kind = AuditKind::kKeyRotated;
  event.details["from"] = {fixture.log->public_key()};
  event.details["to"] = {thief.public_key().Text()};
  event.details["signature"] = {EncodeBase64(thief.Sign("anything"))};
  fixture.Append(*fixture.log, event);
  const std::string out = fixture.Export("out");
  const auto checkpoint = ParseSignedCheckpoint(fixture.Read(out + "/checkpoint")).value();
  fixture.Write(out + "/checkpoint", thief.SignNote(checkpoint.note.text));
  const auto report = fixture.Verify(out).value();
  CHECK(HasProblem(report, "entry 4", "without the old key's signature"));
  CHECK(HasProblem(report, "checkpoint", "neither by the given"));
}

TEST_CASE("StrangersAmongTheTilesAreFoundAndBesideTheLogIgnored") {
  ExportFixture fixture(5);
  const std::string out = fixture.Export("out");
  fixture.Write(out + "/notes.txt", "looked at on Monday");
  CHECK(fixture.Verify(out)->ok());
  fixture.Write(out + "/tile/entries/000.p/4", "x");
  CHECK(HasProblem(*fixture.Verify(out), "tile/entries/000.p/4", "does not belong"));
}

// Everybody on the machine could read accounts and reasons.
TEST_CASE("AnExportIsForItsOwnerAlone") {
  ExportFixture fixture(300);
  const std::string out = fixture.Export("out");
  for (const std::string& file : fixture.Files(out)) {
    CAPTURE(file);
    CHECK(fixture.files.Stat(file)->mode == 0600);
    CHECK(fixture.files.Stat(file.substr(0, file.rfind('/')))->mode == 0700);
  }
  CHECK(fixture.files.Stat(out + "/tile")->mode == 0700);
}

TEST_CASE("FoldersThatAreNoLogAreSaidPlainly") {
  ExportFixture fixture(5);
  const std::string out = fixture.Export("out");
  const auto fails = [&](const std::string& path) { return fixture.Verify(path).error(); };
  CHECK(fails(fixture.folder / "none").kind == ErrorKind::kNotFound);
  CHECK(fails(out + "/checkpoint").message.find("is not a folder") != std::string::npos);
  CHECK(fails(out + "/tile").message.find("no exported audit log") != std::string::npos);
  for (const std::string& bad : {std::string(),
                                 std::string("\x7F"
                                             "ELF\0\1",
                                             6),
                                 std::string(10 << 20, 'x'),
                                 std::string("\xEF\xBB\xBF"
                                             "rescind/acme\n5\n")}) {
    fixture.Write(out + "/checkpoint", bad);
    CHECK(fails(out).kind == ErrorKind::kInvalidInput);
  }
}

TEST_CASE("AnExportOfANewerVersionIsRefusedWithTheRemedy") {
  ExportFixture fixture(5);
  const std::string out = fixture.Export("out");
  fixture.Write(out + "/export.json", "{\"format\":\"rescind.audit-export/2\",\"extra\":1}\n");
  const Error error = fixture.Verify(out).error();
  CHECK(error.kind == ErrorKind::kUnsupported);
  CHECK(error.help.find("newer rescind") != std::string::npos);
}

// A file that lost its last byte, or went through a mail program, was "written by another version".
TEST_CASE("ADamagedManifestIsNoOtherVersion") {
  ExportFixture fixture(5);
  const std::string out = fixture.Export("out");
  const std::string file = out + "/export.json";
  const std::string good = fixture.Read(file);
  fixture.Write(file, good.substr(0, good.size() - 1) + "\r\n");
  CHECK(
      HasProblem(fixture.Verify(out).value(), "export.json", "its line ends were changed to CRLF"));
  for (size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    fixture.Write(file, good.substr(0, size));
    CHECK(HasProblem(fixture.Verify(out).value(), "export.json", "is cut short"));
  }
  fixture.Write(file, good + "x");
  CHECK(HasProblem(fixture.Verify(out).value(), "export.json", "was changed"));
}

TEST_CASE("HostileFilesNeitherHangNorFillMemory") {
  ExportFixture fixture(5);
  const std::string out = fixture.Export("out");
  const std::string tile = FileNamed(fixture, out, "tile/0/000.p/5");
  REQUIRE(fixture.files.Remove(tile).ok());
  SUBCASE("a pipe that nobody writes to") {
    REQUIRE(mkfifo(tile.c_str(), 0644) == 0);
    CHECK(HasProblem(*fixture.Verify(out), "tile/0/000.p/5", "is not a file"));
  }
  SUBCASE("a file without end") {
    std::filesystem::create_symlink("/dev/zero", tile);
    CHECK(HasProblem(*fixture.Verify(out), "tile/0/000.p/5", "is a symbolic link"));
  }
  SUBCASE("a folder") {
    std::filesystem::create_directory(tile);
    CHECK(HasProblem(*fixture.Verify(out), "tile/0/000.p/5", "is not a file"));
  }
  SUBCASE("a very long one") {
    std::ignore = fixture.files.WriteAtomically(tile, "x");
    std::filesystem::resize_file(tile, uint64_t{1} << 40);  // sparse
    CHECK(HasProblem(*fixture.Verify(out), "tile/0/000.p/5", "is far too long"));
  }
  SUBCASE("a checkpoint that claims the largest size there is") {
    std::string note = fixture.Read(out + "/checkpoint");
    note.replace(note.find("\n5\n"), 3, "\n18446744073709551615\n");
    fixture.Write(out + "/checkpoint", note);
    CHECK(HasProblem(*fixture.Verify(out), "tile/entries/000", "cannot be checked"));
  }
}

// The same folder was another log to a reader on whose machine the link led elsewhere.
TEST_CASE("NoSymbolicLinkIsFollowedInsideOfTheFolder") {
  ExportFixture fixture(5);
  const std::string out = fixture.Export("out");
  const auto replace = [&](const std::string& path) {
    const std::string elsewhere = fixture.folder / "elsewhere";
    std::filesystem::rename(path, elsewhere);
    std::filesystem::create_symlink(elsewhere, path);
  };
  SUBCASE("a file") {
    replace(FileNamed(fixture, out, "tile/entries/000.p/5"));
    const auto report = fixture.Verify(out).value();
    CHECK(report.problem_count == 1);
    CHECK(HasProblem(report, "tile/entries/000.p/5", "is a symbolic link, behind which"));
    CHECK(HasProblem(report, "tile/entries/000.p/5", "put a copy of the file there"));
    CHECK(report.entries_read == 0);
  }
  SUBCASE("a folder") {
    replace(out + "/tile");
    const auto report = fixture.Verify(out).value();
    CHECK(HasProblem(report, "tile", "is a symbolic link"));
    CHECK(report.entries_read == 0);
  }
  SUBCASE("what nothing asks for") {
    std::filesystem::create_symlink("/etc/passwd", out + "/tile/0/.hidden");
    CHECK(HasProblem(*fixture.Verify(out), "tile/0/.hidden", "is a symbolic link"));
  }
  SUBCASE("the checkpoint") {
    replace(out + "/checkpoint");
    const Error error = fixture.Verify(out).error();
    CHECK(error.kind == ErrorKind::kInvalidInput);
    CHECK(error.message.find("/out/checkpoint is a symbolic link") != std::string::npos);
    CHECK(error.help.find("put a copy") != std::string::npos);
  }
  SUBCASE("but the folder's own name may be one") {
    replace(out);
    CHECK(fixture.Verify(out)->ok());
  }
}

TEST_CASE("RandomDamageToALargeLogIsFound") {
  ExportFixture fixture(2000);
  const std::string out = fixture.Export("out");
  SeededRandom random(TestSeed());
  const auto names = fixture.Files(out);
  for (int round = 0; round < 60; ++round) {
    const std::string& file = names[random.Below(names.size())];
    const std::string good = fixture.Read(file);
    std::string edited = good;
    for (uint64_t n = 1 + random.Below(3); n > 0; --n) {
      edited[random.Below(edited.size())] ^= static_cast<char>(1 + random.Below(255));
    }
    if (edited == good) continue;
    fixture.Write(file, edited);
    CHECK_MESSAGE(fixture.IsFound(out), file);
    fixture.Write(file, good);
  }
}

TEST_CASE("AnExportThatFailsHalfWayLeavesNoFolder") {
  for (uint64_t fail_at = 1; fail_at < 40; ++fail_at) {
    ExportFixture fixture(300);
    const std::string note = fixture.Checkpoint(*fixture.log);
    FaultyFileSystem faulty(fixture.files, fail_at, ENOSPC, true);
    const std::string out = fixture.folder / "out";
    const auto report = ExportLog(LogReader(fixture.store), note, out, faulty);
    if (report.ok()) break;
    CHECK((!fixture.files.Exists(out) || fixture.Verify(out)->ok()));
    REQUIRE(fixture.files.RemoveRecursively(out).ok());
    // What the failed one left behind is in nobody's way.
    CHECK(ExportLog(LogReader(fixture.store), note, out, fixture.files).ok());
    CHECK(fixture.Verify(out)->ok());
  }
}

// What is named like an unfinished export was deleted, whatever it held.
TEST_CASE("AnExportDeletesNothingThatIsNoExport") {
  ExportFixture fixture(5);
  const std::string note = fixture.Checkpoint(*fixture.log);
  const std::string out = fixture.folder / "out";
  const std::string unfinished = out + ".unfinished";
  const auto refuse = [&] {
    const auto report = ExportLog(LogReader(fixture.store), note, out, fixture.files);
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().kind == ErrorKind::kInvalidInput);
    CHECK(report.error().message.ends_with("/out.unfinished is there and is no unfinished export"));
    CHECK(report.error().help == "move it away, or name another folder");
    CHECK_FALSE(fixture.files.Exists(out));
  };
  SUBCASE("a folder of somebody") {
    REQUIRE(fixture.files.MakeDirectories(unfinished, 0700).ok());
    fixture.Write(unfinished + "/notes.txt", "mine");
    refuse();
    CHECK(fixture.Read(unfinished + "/notes.txt") == "mine");
  }
  SUBCASE("with a manifest of something else") {
    REQUIRE(fixture.files.MakeDirectories(unfinished, 0700).ok());
    fixture.Write(unfinished + "/export.json", "{}\n");
    refuse();
    CHECK(fixture.Read(unfinished + "/export.json") == "{}\n");
  }
  SUBCASE("a file") {
    fixture.Write(unfinished, "mine");
    refuse();
    CHECK(fixture.Read(unfinished) == "mine");
  }
  SUBCASE("a link, even to an export") {
    std::filesystem::rename(fixture.Export("other"), fixture.folder / "real");
    std::filesystem::create_directory_symlink(fixture.folder / "real", unfinished);
    refuse();
    CHECK(fixture.Verify(fixture.folder / "real")->ok());
  }
}

// The log was written, could not get its name, and stayed as "out.unfinished".
TEST_CASE("ALinkThatLeadsNowhereIsNoPlaceForAnExport") {
  ExportFixture fixture(5);
  const std::string note = fixture.Checkpoint(*fixture.log);
  const std::string out = fixture.folder / "out";
  std::filesystem::create_symlink(fixture.folder / "nowhere", out);
  const auto report = ExportLog(LogReader(fixture.store), note, out, fixture.files);
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().kind == ErrorKind::kInvalidInput);
  CHECK(report.error().message.ends_with("/out is a symbolic link that leads nowhere"));
  CHECK(report.error().help == "remove it, or name another folder");
  CHECK_FALSE(fixture.files.Exists(out + ".unfinished"));
  CHECK_FALSE(fixture.files.Exists(fixture.folder / "nowhere"));
}

// The folder was looked for inside itself.
TEST_CASE("TheNameOfAnExportMayEndInASlash") {
  ExportFixture fixture(5);
  const std::string note = fixture.Checkpoint(*fixture.log);
  const std::string out = fixture.folder / "out";
  REQUIRE(ExportLog(LogReader(fixture.store), note, out + "/", fixture.files).ok());
  CHECK(fixture.Verify(out)->ok());
}

TEST_CASE("AnAlteredStoreIsNotExported") {
  ExportFixture fixture(300);
  const std::string note = fixture.Checkpoint(*fixture.log);
  const std::string out = fixture.folder / "out";
  const LogReader reader(fixture.store);
  SUBCASE("a leaf edited") {
    fixture.store.values[NumberKey(kLeafPrefix, 7)][9] ^= 1;
    CHECK(ExportLog(reader, note, out, fixture.files).error().kind == ErrorKind::kCorrupt);
  }
  SUBCASE("a leaf gone") {
    fixture.store.values.erase(NumberKey(kLeafPrefix, 7));
    CHECK(ExportLog(reader, note, out, fixture.files).error().kind == ErrorKind::kCorrupt);
  }
  SUBCASE("the folder exists") {
    CHECK(ExportLog(reader, note, fixture.folder.path(), fixture.files).error().kind ==
          ErrorKind::kInvalidInput);
  }
  CHECK_FALSE(fixture.files.Exists(out));
}

}  // namespace
}  // namespace rescind
