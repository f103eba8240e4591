#include "runtime/service/policy_loader.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "engine/syntax/parser.h"
#include "tests/support/holds.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

// A workspace `w` in a folder that holds other things beside it.
struct PolicyFixture {
  TemporaryFolder folder;
  RealFileSystem files;
  std::string toml;

  PolicyFixture() { Write("w/policies/.keep", ""); }

  void Write(const std::string& name, std::string_view text) {
    const std::string path = folder / name;
    REQUIRE(files.MakeDirectories(path.substr(0, path.rfind('/')), 0755).ok());
    REQUIRE(files.WriteAtomically(path, text, kPublicMode).ok());
  }
  Workspace Read() {
    Write("w/rescind.toml", toml);
    auto workspace = LoadWorkspace(folder / "w", {}, files);
    REQUIRE_MESSAGE(workspace.ok(), workspace.error().message);
    return *std::move(workspace);
  }
  Result<LoadedPolicies> Load() { return LoadPolicies(Read(), files); }
  // The messages of all diagnostics, one a line.
  std::string Problems() {
    const auto loaded = Load();
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
    std::string problems;
    for (const Diagnostic& diagnostic : loaded->diagnostics) {
      problems += fmt::format("{} {}", diagnostic.code.text, diagnostic.message);
      for (const DiagnosticHelp& help : diagnostic.help) problems += " | " + help.text;
      problems += " | " + diagnostic.label + "\n";
    }
    return problems;
  }
};

std::string Policy(std::string_view name, std::string_view condition = "g.ticket is unknown") {
  return fmt::format(
      "policy {0} \"{0}\" {{\n  controls soc2 \"CC6.2\"\n  for g in grant\n  when {1}\n"
      "  then {{ revoke g }}\n}}\n",
      name, condition);
}

TEST_CASE_FIXTURE(PolicyFixture, "EveryFileBelowThePolicyFolderIsReadInTheOrderOfNames") {
  Write("w/policies/z.rescind", Policy("z"));
  Write("w/policies/a/deep/b.rescind", Policy("b"));
  Write("w/policies/a.rescind", Policy("a"));
  Write("w/policies/.hidden.rescind", "not a policy");
  Write("w/policies/README.md", "not a policy");
  Write("w/outside.rescind", "not a policy");
  const auto loaded = Load();
  REQUIRE(loaded.ok());
  REQUIRE(loaded->files.size() == 3);
  CHECK(loaded->files[0].file.name == "policies/a.rescind");
  CHECK(loaded->files[1].file.name == "policies/a/deep/b.rescind");
  CHECK(loaded->files[2].file.name == "policies/z.rescind");
  CHECK(loaded->sources.Get(loaded->files[2].id).text() == Policy("z"));
  REQUIRE(loaded->program != nullptr);
  CHECK(loaded->program->policies.size() == 3);
  CHECK(loaded->notices.empty());
}

TEST_CASE_FIXTURE(PolicyFixture, "AnEmptyFolderIsAProgramWithoutPoliciesAndANotice") {
  const auto loaded = Load();
  REQUIRE(loaded.ok());
  REQUIRE(loaded->program != nullptr);
  CHECK(loaded->program->policies.empty());
  CHECK(loaded->diagnostics.empty());
  REQUIRE(loaded->notices.size() == 1);
  CHECK(Holds(loaded->notices[0], "holds no policy"));
  CHECK(loaded->policies_hash.starts_with("sha256:"));
}

TEST_CASE_FIXTURE(PolicyFixture, "AMissingPolicyFolderIsAnError") {
  toml = "[workspace]\npolicies = \"rules\"\n";
  auto loaded = Load();
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().kind == ErrorKind::kNotFound);
  CHECK(Holds(loaded.error().help, "rescind.toml"));
  Write("w/rules", "a file");
  loaded = Load();
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().kind == ErrorKind::kNotFound);
}

TEST_CASE_FIXTURE(PolicyFixture, "ThePolicyFolderMayLieElsewhere") {
  Write("rules/a.rescind", Policy("a"));
  toml = fmt::format("[workspace]\npolicies = \"{}\"\n", folder / "rules/");
  const auto loaded = Load();
  REQUIRE(loaded.ok());
  REQUIRE(loaded->files.size() == 1);
  CHECK(loaded->files[0].file.name == folder / "rules/a.rescind");
  CHECK(loaded->program != nullptr);
}

TEST_CASE_FIXTURE(PolicyFixture, "MistakesAreDiagnosticsSortedByFileAndThereIsNoProgram") {
  Write("w/policies/b.rescind", "wrong \"B\" { }\n");
  Write("w/policies/a.rescind", Policy("a") + "wrong \"A\" { }\n");
  const auto loaded = Load();
  REQUIRE(loaded.ok());
  CHECK(loaded->program == nullptr);
  CHECK(loaded->policies_hash.empty());
  REQUIRE(loaded->diagnostics.size() == 2);
  CHECK(loaded->diagnostics[0].span.file == loaded->files[0].id);
  CHECK(loaded->diagnostics[1].span.file == loaded->files[1].id);
}

TEST_CASE_FIXTURE(PolicyFixture, "ByteOrderMarksAndCarriageReturnsAreFine") {
  std::string text = Policy("a");
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 2)) {
    text.insert(at, "\r");
  }
  Write("w/policies/a.rescind", "\xEF\xBB\xBF" + text);
  CHECK(Problems().empty());
}

TEST_CASE_FIXTURE(PolicyFixture, "BinaryAndEndlessFilesAreDiagnosticsNotCrashes") {
  Write("w/policies/elf.rescind", std::string_view("\x7f"
                                                   "ELF\0\0\xff\xfe",
                                                   8));
  CHECK(Holds(Problems(), "E0101"));
  Write("w/policies/elf.rescind", std::string(SyntaxLimits::kFileBytes + 100'000, ' '));
  CHECK(Holds(Problems(), "E0103"));
  CHECK(Holds(Problems(), "larger than the 4 MiB that a policy file may have"));
}

TEST_CASE_FIXTURE(PolicyFixture, "AFileThatCannotBeReadIsAnErrorAndNeverASmallerProgram") {
  Write("w/policies/b.rescind", Policy("b"));
  // Its first page is never mapped: opening works, reading gives EIO, also for root.
  const std::string unreadable = folder / "w/policies/a.rescind";
  REQUIRE(symlink("/proc/self/mem", unreadable.c_str()) == 0);
  const auto loaded = LoadPolicyFiles(
      {{"a.rescind", unreadable}, {"b.rescind", folder / "w/policies/b.rescind"}}, files);
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().kind == ErrorKind::kIo);
  CHECK(Holds(loaded.error().message, "a.rescind"));
}

TEST_CASE_FIXTURE(PolicyFixture, "OneFileUnderTwoNamesIsReadOnce") {
  Write("w/policies/a.rescind", Policy("a"));
  REQUIRE(symlink("a.rescind", (folder / "w/policies/b.rescind").c_str()) == 0);
  const auto loaded = Load();
  REQUIRE(loaded.ok());
  CHECK(loaded->files.size() == 1);
  CHECK(loaded->program != nullptr);
}

// A link out of the workspace was followed without a word: whoever owns its target decided what is
// taken away, and what is protected.
TEST_CASE_FIXTURE(PolicyFixture, "APolicyFileThatIsALinkOutOfTheWorkspaceIsRefused") {
  Write("w/policies/a.rescind", Policy("a"));
  Write("elsewhere/b.rescind", Policy("b"));
  const std::string link = folder / "w/policies/b.rescind";
  REQUIRE(symlink("../../elsewhere/b.rescind", link.c_str()) == 0);
  const auto refused = Load();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::kDenied);
  CHECK(Holds(refused.error().message, "policies/b.rescind is a symbolic link to "));
  CHECK(Holds(refused.error().message, "elsewhere/b.rescind, which lies outside of the workspace"));
  // Another place of the workspace is fine.
  REQUIRE(files.Remove(link).ok());
  Write("w/shared/b.rescind", Policy("b"));
  REQUIRE(symlink("../shared/b.rescind", link.c_str()) == 0);
  const auto loaded = Load();
  REQUIRE(loaded.ok());
  CHECK(loaded->files.size() == 2);
}

// It was passed over without a word: a protect could vanish with the volume that it lay on.
TEST_CASE_FIXTURE(PolicyFixture, "WhatLooksLikeAPolicyAndIsNoneIsAnError") {
  Write("w/policies/a.rescind", Policy("a"));
  Write("w/policies/README.md", "about them");
  Write("elsewhere/b.rescind", Policy("b"));
  const std::string path = folder / "w/policies/b.rescind";
  const auto refusal = [&](const std::string& odd) {
    std::string message;
    const auto refused = Load();
    if (!refused.ok()) message = refused.error().message + "\n" + refused.error().help;
    const auto named = FindPolicyFiles({"w/policies"}, folder.path(), files);
    CHECK_FALSE(named.ok());
    REQUIRE(files.Remove(odd).ok());
    return message;
  };
  REQUIRE(symlink("/volume/not/mounted/b.rescind", path.c_str()) == 0);
  const std::string dangling = refusal(path);
  CHECK(Holds(dangling, "policies/b.rescind is a symbolic link that leads nowhere\n"));
  CHECK(Holds(dangling, "\nput the policy files themselves there, or remove it"));
  REQUIRE(symlink("/dev/null", path.c_str()) == 0);
  CHECK(Holds(refusal(path), "b.rescind is a symbolic link to what is no regular file\n"));
  REQUIRE(mkfifo(path.c_str(), 0644) == 0);
  CHECK(Holds(refusal(path), "policies/b.rescind is no regular file\n"));
  const std::string shared = folder / "w/policies/shared";
  for (const char* target : {"../../elsewhere", "..", "."}) {
    REQUIRE(symlink(target, shared.c_str()) == 0);
    CHECK(Holds(refusal(shared), "policies/shared is a symbolic link to a folder, behind which"));
  }
  CHECK(Load().ok());
}

TEST_CASE_FIXTURE(PolicyFixture, "OddEntriesThatNameNoPolicyAreIgnored") {
  Write("w/real/a.rescind", Policy("a"));
  Write("w/real/README.md", "about them");
  // The policy folder itself may be a link.
  toml = "[workspace]\npolicies = \"linked\"\n";
  REQUIRE(symlink("real", (folder / "w/linked").c_str()) == 0);
  REQUIRE(symlink("README.md", (folder / "w/real/ABOUT.md").c_str()) == 0);
  REQUIRE(symlink("nowhere", (folder / "w/real/old.csv").c_str()) == 0);
  REQUIRE(symlink("nowhere", (folder / "w/real/.hidden.rescind").c_str()) == 0);
  REQUIRE(mkfifo((folder / "w/real/pipe").c_str(), 0644) == 0);
  const auto loaded = Load();
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
  CHECK(loaded->files.size() == 1);
  REQUIRE(symlink("nowhere", (folder / "w/real/b.rescind").c_str()) == 0);
  const auto refused = Load();
  REQUIRE_FALSE(refused.ok());
  CHECK(Holds(refused.error().message, "linked/b.rescind is a symbolic link that leads nowhere"));
}

// `cannot list .git/private: Permission denied`, with policies in the workspace's own folder.
TEST_CASE_FIXTURE(PolicyFixture, "HiddenFoldersAreNotEntered") {
  Write("w/a.rescind", Policy("a"));
  Write("w/.git/private/b.rescind", Policy("b"));
  REQUIRE(symlink("nowhere", (folder / "w/.git/c.rescind").c_str()) == 0);
  toml = "[workspace]\npolicies = \".\"\n";
  Write("w/rescind.toml", toml);
  REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
  REQUIRE(chmod((folder / "w/.git/private").c_str(), 0000) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    constexpr uid_t kNobody = 65534;  // root may read everything
    if (geteuid() == 0 && setuid(kNobody) != 0) std::_Exit(3);
    const auto found = FindPolicyFiles({"w"}, folder.path(), files);
    std::_Exit(found.ok() && found->size() == 1 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(chmod((folder / "w/.git/private").c_str(), 0755) == 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  const auto loaded = Load();
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
  CHECK(loaded->files.size() == 1);
}

// ---- Lists from files -------------------------------------------------------------------------

constexpr std::string_view kList =
    "list names of text from \"{}\"\n"
    "protect vips \"VIPs\" {{ for a in account  when a.username in names }}\n";

TEST_CASE_FIXTURE(PolicyFixture, "AListIsReadRelativeToItsPolicyFile") {
  Write("w/policies/deep/lists/a.csv",
        "\xEF\xBB\xBF"
        "id\nann\n");
  Write("w/policies/deep/a.rescind", fmt::format(kList, "lists/a.csv"));
  CHECK(Problems().empty());
  Write("w/policies/deep/a.rescind", fmt::format(kList, "../deep/lists/a.csv"));
  CHECK(Problems().empty());
  Write("w/policies/deep/a.rescind", fmt::format(kList, "lists/none.csv"));
  CHECK(Holds(Problems(), "none.csv"));
}

TEST_CASE_FIXTURE(PolicyFixture, "APolicyFolderElsewhereHasItsListsBesideIt") {
  Write("rules/lists/a.csv", "id\nann\n");
  Write("rules/a.rescind", fmt::format(kList, "lists/a.csv"));
  Write("secret.csv", "id\nhunter2\n");
  toml = fmt::format("[workspace]\npolicies = \"{}\"\n", folder / "rules");
  CHECK(Problems().empty());
  Write("rules/a.rescind", fmt::format(kList, "../secret.csv"));
  CHECK_FALSE(Problems().empty());
}

TEST_CASE_FIXTURE(PolicyFixture, "FilesWithoutAWorkspaceMayReadListsBelowTheFolderTheyShare") {
  Write("p/lists/a.csv", "id\nann\n");
  Write("p/q/a.rescind", fmt::format(kList, "../lists/a.csv"));
  Write("p/b.rescind", Policy("b"));
  const auto program_of = [&](const std::vector<std::string>& paths, const std::string& from) {
    const auto found = FindPolicyFiles(paths, from, files);
    REQUIRE(found.ok());
    const auto loaded = LoadPolicyFiles(*found, files);
    REQUIRE(loaded.ok());
    return loaded->program != nullptr;
  };
  CHECK(program_of({"p"}, folder.path()));
  CHECK(program_of({folder / "p"}, folder.path()));
  CHECK(program_of({"../p"}, folder / "w"));
  // Alone it shares nothing with what lies above it.
  CHECK_FALSE(program_of({"p/q"}, folder.path()));
}

TEST_CASE_FIXTURE(PolicyFixture, "AListMayLieElsewhereInTheWorkspaceButNotOutsideOfIt") {
  Write("w/lists/a.csv", "id\nann\n");
  Write("secret.csv", "id\nhunter2\n");
  Write("w-beside/a.csv", "id\nhunter2\n");
  Write("w/policies/a.rescind", fmt::format(kList, "../lists/a.csv"));
  CHECK(Problems().empty());
  REQUIRE(symlink("../../secret.csv", (folder / "w/policies/link.csv").c_str()) == 0);
  REQUIRE(symlink("../..", (folder / "w/lists/up").c_str()) == 0);
  for (const std::string& outside :
       {std::string("../../secret.csv"), std::string("../../w-beside/a.csv"), folder / "secret.csv",
        std::string("/etc/passwd"), std::string("link.csv"),
        std::string("../lists/up/secret.csv")}) {
    CAPTURE(outside);
    Write("w/policies/a.rescind", fmt::format(kList, outside));
    const std::string problems = Problems();
    CHECK_FALSE(problems.empty());
    CHECK_FALSE(Holds(problems, "hunter2"));
  }
}

TEST_CASE_FIXTURE(PolicyFixture, "AListThatIsNoTextFileIsRefused") {
  Write("w/policies/a.rescind", fmt::format(kList, "a.csv"));
  Write("w/policies/a.csv", std::string_view("id\na\0b\n", 7));
  CHECK(Holds(Problems(), "a.csv:2 is not UTF-8 text"));
  Write("w/policies/a.csv", "id\nok\n\xff\n");
  CHECK(Holds(Problems(), "a.csv:3 is not UTF-8 text"));
  REQUIRE(files.Remove(folder / "w/policies/a.csv").ok());
  REQUIRE(mkfifo((folder / "w/policies/a.csv").c_str(), 0600) == 0);
  CHECK(Holds(Problems(), "is not a regular file"));
  REQUIRE(files.Remove(folder / "w/policies/a.csv").ok());
  REQUIRE(files.MakeDirectories(folder / "w/policies/a.csv", 0755).ok());
  CHECK(Holds(Problems(), "is not a regular file"));
}

// ---- What rescind.toml says -------------------------------------------------------------------

TEST_CASE_FIXTURE(PolicyFixture, "ParamsAreSetWhateverTomlTypeTheyHave") {
  Write("w/policies/p.rescind",
        "param length : duration = 90d\nparam most : int = 1\nparam strict : bool = false\n"
        "param label : text = \"a\"\n");
  toml =
      "[params]\n\"p.length\" = \"60d\"\n\"p.most\" = 7\n\"p.strict\" = true\n"
      "\"p.label\" = \"60d\"\n";
  const auto loaded = Load();
  REQUIRE(loaded.ok());
  REQUIRE_MESSAGE(loaded->program != nullptr, Problems());
  size_t overridden = 0;
  for (const typed::Param& param : loaded->program->params) overridden += param.overridden;
  CHECK(overridden == 4);
  toml = "[params]\n\"p.length\" = \"sixty days\"\n";
  CHECK(Holds(Problems(), "p.length"));
  toml = "[params]\n\"p.lenght\" = \"60d\"\n";
  CHECK(Holds(Problems(), "p.lenght"));
  toml = "[params]\n\"p.length\" = [\"60d\"]\n";
  const auto list = Load();
  REQUIRE_FALSE(list.ok());
  CHECK(Holds(list.error().message, "rescind.toml:2:"));
  CHECK(Holds(list.error().message, "`p.length`"));
}

TEST_CASE_FIXTURE(PolicyFixture, "TheTimeZoneChannelsAndSourcesOfTheWorkspaceCount") {
  toml =
      "[workspace]\ntimezone = \"Europe/Berlin\"\n[source.hr]\nentity = \"identity\"\n"
      "[channel.iam-team]\nkind = \"command\"\ncommand = [\"true\"]\n";
  const auto policy = [](std::string_view channel, std::string_view source) {
    return fmt::format(
        "policy a \"A\" {{\n  controls soc2 \"CC6.2\"\n  for g in grant\n"
        "  when g.ticket is unknown\n  then {{ notify \"{}\" }}\n  then after 7d {{ revoke g }}\n"
        "  needs \"{}\" within 24h\n}}\n",
        channel, source);
  };
  Write("w/policies/a.rescind", policy("iam-team", "hr"));
  CHECK(Problems().empty());
  const auto loaded = Load();
  REQUIRE(loaded.ok());
  CHECK(loaded->program->default_timezone == "Europe/Berlin");
  Write("w/policies/a.rescind", policy("iam-teem", "hr"));
  CHECK(Holds(Problems(), "iam-teem"));
  Write("w/policies/a.rescind", policy("iam-team", "rh"));
  CHECK(Holds(Problems(), "rh"));
}

// ---- The hash ---------------------------------------------------------------------------------

TEST_CASE_FIXTURE(PolicyFixture, "TheHashChangesWithTheMeaningAndWithNothingElse") {
  const auto hash = [&] {
    const auto loaded = Load();
    REQUIRE(loaded.ok());
    REQUIRE_MESSAGE(loaded->program != nullptr, Problems());
    return loaded->policies_hash;
  };
  const std::string a = "module m\n" + Policy("a", "g.granted_at older than grace");
  const std::string b = "module m\nparam grace : duration = 90d\n" + Policy("b");
  Write("w/policies/1.rescind", a);
  Write("w/policies/2.rescind", b);
  const std::string before = hash();
  // Layout, comments, file names, order.
  Write("w/policies/1.rescind", b + "\n\n// a comment\n");
  Write("w/policies/2.rescind", a);
  CHECK(hash() == before);
  // A param, set in rescind.toml.
  toml = "[params]\n\"m.grace\" = \"91d\"\n";
  CHECK(hash() != before);
  toml = "[params]\n\"m.grace\" = \"90d\"\n";
  CHECK(hash() == before);
  // The time zone, a condition, a new field of an entity, a protect.
  toml = "[workspace]\ntimezone = \"Europe/Berlin\"\n";
  CHECK(hash() != before);
  toml.clear();
  Write("w/policies/2.rescind", "module m\n" + Policy("a", "g.granted_at newer than grace"));
  CHECK(hash() != before);
  Write("w/policies/2.rescind", a + "extend grant { approver : text? }\n");
  CHECK(hash() != before);
  Write("w/policies/2.rescind",
        a + "protect p \"P\" { for a in account  when a.tags has \"x\" }\n");
  CHECK(hash() != before);
  Write("w/policies/2.rescind", a);
  CHECK(hash() == before);
}

// ---- Names ------------------------------------------------------------------------------------

TEST_CASE("TheFolderOfAllFilesIsWhatTheirNamesShare") {
  const auto folder_of = [](const std::vector<std::string>& names) {
    std::vector<PolicyFile> found;
    for (const std::string& name : names) found.push_back({name, ""});
    return FolderOfAll(found);
  };
  CHECK(folder_of({}) == "");
  CHECK(folder_of({"a.rescind"}) == "");
  CHECK(folder_of({"p/a.rescind"}) == "p/");
  CHECK(folder_of({"p/q/a.rescind", "p/qq/b.rescind"}) == "p/");
  CHECK(folder_of({"p/q/a.rescind", "x/b.rescind"}) == "");
  CHECK(folder_of({"/p/q/a.rescind", "/x/b.rescind"}) == "/");
}

TEST_CASE("AFolderHoldsWhatIsBelowItNotWhatBeginsLikeIt") {
  CHECK(IsInFolder("/a/b", "/a"));
  CHECK(IsInFolder("/a", "/a"));
  CHECK_FALSE(IsInFolder("/ab", "/a"));
  CHECK_FALSE(IsInFolder("/b", "/a"));
  CHECK(IsInFolder("/b", "/"));
}

}  // namespace
}  // namespace rescind
