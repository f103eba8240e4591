#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime/audit/log_export.h"
#include "runtime/audit/log_proof.h"
#include "runtime/cli/command_list.h"
#include "tests/unit/runtime/audit/audit_fixture.h"

namespace rescind {
namespace {

// An exported log of twelve entries, and the program.
class AuditCommands : public AuditFixture {
 public:
  AuditCommands() {
    log = Open();
    AppendMany(*log, 11);
    Export("out");
  }
  std::string Export(const std::string& name) {
    std::string path = folder / name;
    REQUIRE(ExportLog(LogReader(store), Checkpoint(*log), path, files).ok());
    return path;
  }
  ExitStatus Run(const std::vector<std::string>& arguments) {
    out.str("");
    err.str("");
    return CommandLineRun(arguments);
  }
  ExitStatus Verify(const std::string& path, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"audit", "verify", path, "--key", log->public_key()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }
  bool Says(const std::string& text) const { return out.str().find(text) != std::string::npos; }

  std::ostringstream out, err;
  std::istringstream in;
  SystemProcessRunner processes;
  std::unique_ptr<AuditLog> log;

 private:
  ExitStatus CommandLineRun(const std::vector<std::string>& arguments) {
    Invocation invocation{.out = out,
                          .err = err,
                          .in = in,
                          .files = files,
                          .clock = clock,
                          .random = random,
                          .processes = processes,
                          .surroundings = {}};
    invocation.working_folder = folder.path();
    CommandLine fresh;  // CLI11 keeps what was parsed
    DeclareAll(fresh);
    return fresh.Run(arguments, invocation);
  }
};

TEST_CASE_FIXTURE(AuditCommands, "AWholeLogIsOkAndItsEndUnproven") {
  CHECK(Verify(folder / "out") == ExitStatus::kDone);
  CHECK(Says("entries     12 signed, 12 read"));
  CHECK(Says("end         unproven"));
  CHECK(Says("OK: no entry was edited"));
  CHECK(err.str().empty());
}

TEST_CASE_FIXTURE(AuditCommands, "AnEditIsAFailedCheckThatNamesTheEntry") {
  const std::string file = folder / "out/tile/entries/000.p/12";
  std::string bytes = files.Read(file, 1 << 20).value();
  bytes[bytes.find("ldap/ann")] = 'L';
  REQUIRE(files.WriteAtomically(file, bytes).ok());
  CHECK(Verify(folder / "out") == ExitStatus::kCheckFailed);
  CHECK(Says("problem     tile/entries/000.p/12: entry 1 does not have the hash"));
  CHECK(Says("FAILED: this is not the log that was signed"));
  CHECK(Verify(folder / "out", {"-o", "json"}) == ExitStatus::kCheckFailed);
  const auto json = nlohmann::json::parse(out.str());
  CHECK(json["format"] == "rescind.audit-verify/1");
  CHECK(json["ok"] == false);
  CHECK(json["problem_count"] == 2);
}

TEST_CASE_FIXTURE(AuditCommands, "ACutIsFoundAgainstAKeptCheckpoint") {
  AppendMany(*log, 3);
  const std::string later = Export("later");
  CHECK(Verify(folder / "out", {"--checkpoint", later + "/checkpoint"}) ==
        ExitStatus::kCheckFailed);
  CHECK(Says("its end was cut off"));
  CHECK(Verify(later, {"--checkpoint", folder / "out/checkpoint"}) == ExitStatus::kDone);
  CHECK(Says("entries up to 12 are covered by your checkpoint"));
  CHECK(Verify(later, {"--checkpoint", later + "/checkpoint"}) == ExitStatus::kDone);
  CHECK(Says("proven: your checkpoint covers every entry"));
}

TEST_CASE_FIXTURE(AuditCommands, "TheKeyMayLieInAFile") {
  const std::string file = folder / "acme.pub";
  REQUIRE(files.WriteAtomically(file, log->public_key() + "\n").ok());
  CHECK(Run({"audit", "verify", folder / "out", "--key", file}) == ExitStatus::kDone);
  REQUIRE(files.WriteAtomically(file, "garbage").ok());
  CHECK(Run({"audit", "verify", folder / "out", "--key", file}) == ExitStatus::kError);
  CHECK(err.str().find(file) != std::string::npos);
  // The private key is refused, and never repeated.
  CHECK(Run({"audit", "verify", folder / "out", "--key", key_file()}) == ExitStatus::kError);
  CHECK(err.str().find("must never leave") != std::string::npos);
}

TEST_CASE_FIXTURE(AuditCommands, "OneEntryIsVerifiedByItsProof") {
  const std::string file = folder / "5.tlog-proof";
  const std::string proof = FormatProof(ProveEntry(LogReader(store), 5, Checkpoint(*log)).value());
  REQUIRE(files.WriteAtomically(file, proof).ok());
  CHECK(Verify(file) == ExitStatus::kDone);
  CHECK(Says("OK: entry 5 of 12 in the log rescind/acme"));
  std::string moved = proof;
  moved.replace(moved.find("index 5"), 7, "index 6");
  REQUIRE(files.WriteAtomically(file, moved).ok());
  CHECK(Verify(file) == ExitStatus::kCheckFailed);
  CHECK(err.str().find("is not number 6") != std::string::npos);
  REQUIRE(files.WriteAtomically(file, "garbage").ok());
  CHECK(Verify(file) == ExitStatus::kError);
}

TEST_CASE_FIXTURE(AuditCommands, "WhatIsMissingIsSaid") {
  CHECK(Verify(folder / "none") == ExitStatus::kError);
  CHECK(Run({"audit", "verify", folder / "out", "--key", "no-such-file"}) == ExitStatus::kError);
  CHECK(err.str().find("rescind audit key") != std::string::npos);
  // `--key "$(rescind audit key)"` where that fails.
  CHECK(Run({"audit", "verify", folder / "out", "--key", ""}) == ExitStatus::kError);
  CHECK(err.str().find("error: --key is empty\n") == 0);
  CHECK(Run({"audit", "verify", folder / "out"}) == ExitStatus::kUsage);
  CHECK(Verify(folder / "out", {"--checkpoint", "nope"}) == ExitStatus::kError);
  // A file that never was a checkpoint is no word against the log.
  REQUIRE(files.WriteAtomically(folder / "empty", "").ok());
  CHECK(Verify(folder / "out", {"--checkpoint", folder / "empty"}) == ExitStatus::kError);
  CHECK(err.str().find("/empty is no signed checkpoint") != std::string::npos);
  CHECK(Verify(folder / "out", {"--checkpoint", "/dev/null"}) == ExitStatus::kError);
  CHECK(err.str().find("/dev/null: it is a device, no regular file") != std::string::npos);
}

TEST_CASE_FIXTURE(AuditCommands, "InitMakesAKeyThatKeyPrintsAndCreateRefusesToReplace") {
  const std::string workspace = folder / "w";
  REQUIRE(Run({"init", workspace}) == ExitStatus::kDone);
  CHECK(files.Stat(workspace + "/secrets/audit-key")->mode == 0600);
  REQUIRE(Run({"--workspace", workspace, "audit", "key"}) == ExitStatus::kDone);
  const auto key = ParsePublicKey(out.str());
  REQUIRE(key.ok());
  CHECK(key->name == "rescind/w");
  CHECK(Run({"--workspace", workspace, "audit", "key", "create"}) == ExitStatus::kError);
  CHECK(err.str().find("exists already") != std::string::npos);
  REQUIRE(files.Remove(workspace + "/secrets/audit-key").ok());
  CHECK(Run({"--workspace", workspace, "audit", "key"}) == ExitStatus::kError);
  CHECK(Run({"--workspace", workspace, "audit", "key", "create"}) == ExitStatus::kDone);
  CHECK(ParsePublicKey(out.str()).ok());
}

}  // namespace
}  // namespace rescind
