// No output that a person names replaces what the workspace works with.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

// A workspace that names a file of every kind.
struct CompanyWithFiles : CompanyWithAccess {
  CompanyWithFiles() {
    for (const char* file : kFiles) {
      if (!Has(file)) Write(file, "kept");
    }
    chmod((folder / "secrets/ldap").c_str(), 0600);
    chmod((folder / "secrets/mail").c_str(), 0600);
    chmod((folder / "secrets/probes/ann").c_str(), 0600);
    WriteWorkspace(
        "[target.directory]\nexecutor = \"ldap\"\nuri = \"ldap://127.0.0.1:1\"\n"
        "bind_dn = \"cn=a\"\nbind_password_file = \"secrets/ldap\"\nca_file = \"tls/ca.pem\"\n"
        "probe_password_folder = \"secrets/probes\"\n"
        "[target.door]\nexecutor = \"exec\"\ncommand = [\"sh\", \"tools/door.sh\", "
        "\"--config=tools/door.conf\"]\ncan = [\"revoke grant\"]\n"
        "[channel.hook]\nkind = \"webhook\"\nurl = \"https://127.0.0.1:1/x\"\n"
        "secret_file = \"secrets/mail\"\n");
    for (const char* file : kFiles) before[file] = Content(file);
    policies = Content("policies/access.rescind");
  }
  // Neither plan, nor table, nor proof may go there.
  void CheckRefused(const std::string& path) {
    CAPTURE(path);
    CHECK(Run({"plan", "--out", path}) == ExitStatus::kError);
    CHECK(Complains("error: " + path + " belongs to the workspace itself\n"));
    CHECK(Complains("help: give the output a file of its own\n"));
    CHECK(Run({"plan", "--csv", path}) == ExitStatus::kError);
    CHECK(Complains(path + " belongs to the workspace itself\n"));
    CHECK(Run({"audit", "export", path}) == ExitStatus::kError);
  }
  void CheckUnchanged() {
    for (const char* file : kFiles) CHECK_MESSAGE(Content(file) == before[file], file);
    CHECK(Content("policies/access.rescind") == policies);
  }

  static constexpr const char* kFiles[] = {"secrets/ldap", "secrets/mail",  "secrets/probes/ann",
                                           "tls/ca.pem",   "tools/door.sh", "tools/door.conf",
                                           "program",      "channel"};
  std::map<std::string, std::string> before;
  std::string policies;
};

// `plan --out` wrote a plan over a policy, a password and the program that removes access.
TEST_CASE_FIXTURE(CompanyWithFiles, "WhatRescindTomlNamesIsNoPlaceForOutput") {
  for (const char* file : kFiles) CheckRefused(file);
  CheckRefused("policies/access.rescind");
  CheckRefused("policies/new.rescind");
  CheckRefused("policies/lists/new.csv");
  CheckRefused("secrets/probes/new");
  CheckUnchanged();
  CHECK(!Has("policies/new.rescind"));
  CHECK(Run({"plan", "--out", "plan.json", "--csv", "tools/plan.csv"}) == ExitStatus::kDone);
}

// `plan --csv` wrote over the list of those whom a policy spares.
TEST_CASE_FIXTURE(CompanyWithFiles, "FilesOfListsAndTablesAreNoPlaceForOutputWhereverTheyLie") {
  Write("lists/spared.csv", "id\nvpn\n");
  Write("lists/pairs.csv", "left,right\na,b\n");
  Write("lists/free.csv", "kept");
  Write("policies/deep/lists.rescind",
        "list spared of entitlement from \"../../lists/spared.csv\"\n"
        "table pairs(left: text, right: text) from \"../../lists/pairs.csv\"\n");
  CheckRefused("lists/spared.csv");
  CheckRefused("lists/pairs.csv");
  CheckRefused("policies/../lists/spared.csv");
  CHECK(Content("lists/spared.csv") == "id\nvpn\n");
  CHECK(Run({"plan", "--csv", "lists/free.csv"}) == ExitStatus::kDone);
  CHECK(Run({"plan", "--csv", "lists/new.csv"}) == ExitStatus::kDone);
}

TEST_CASE_FIXTURE(CompanyWithFiles, "AnOwnFileIsKnownUnderEveryName") {
  CheckRefused("./tools/../secrets/ldap");
  CheckRefused(folder / "tls//ca.pem");
  std::filesystem::create_symlink("secrets/ldap", folder / "linked");
  CheckRefused("linked");
  std::filesystem::create_symlink("policies/later.rescind", folder / "dangling");
  CheckRefused("dangling");
  std::filesystem::create_directory_symlink("tools", folder / "bin");
  CheckRefused("bin/door.sh");
  std::filesystem::create_hard_link(folder / "tools/door.sh", folder / "hard");
  CheckRefused("hard");
  CheckUnchanged();
  CHECK(!Has("policies/later.rescind"));
}

TEST_CASE_FIXTURE(CompanyWithFiles, "APlanThatIsShownAgainReplacesNoOwnFileEither") {
  MakePlan("p.json");
  CHECK(Run({"show", "p.json", "--csv", "secrets/ldap"}) == ExitStatus::kError);
  CHECK(Complains("secrets/ldap belongs to the workspace itself"));
  CHECK(Run({"diff", "p.json", "p.json", "-o", "json", "--csv", "policies/access.rescind"}) ==
        ExitStatus::kError);
  CHECK(Complains("policies/access.rescind belongs to the workspace itself"));
  CheckUnchanged();
  // Neither command needs a workspace, or one without mistakes.
  Write("rescind.toml", "[workspace\n");
  CHECK(Run({"show", "p.json", "--csv", "p.csv"}) == ExitStatus::kDone);
  REQUIRE(files.Remove(folder / "rescind.toml").ok());
  CHECK(Run({"show", "p.json", "--csv", "p.csv"}) == ExitStatus::kDone);
}

TEST_CASE_FIXTURE(CompanyWithFiles, "BadLinesOfAFeedGoIntoNoOwnFile") {
  Write("more.ndjson", "{\"entity\":\"account\",\"id\":\"x\",\"stauts\":\"active\"}\n");
  std::filesystem::create_symlink("secrets/ldap", folder / "more.ndjson.rejects");
  CHECK(Run({"import", "more.ndjson", "--skip-bad"}) == ExitStatus::kError);
  CHECK(Complains("more.ndjson.rejects belongs to the workspace itself"));
  CheckUnchanged();
}

// Policies beside everything else do not make the whole workspace theirs.
TEST_CASE_FIXTURE(CompanyFixture, "APolicyFolderThatIsTheWorkspaceKeepsItsPolicies") {
  ImportCompany();
  Write("access.rescind", kCompanyPolicies);
  std::string workspace = Content("rescind.toml");
  workspace.insert(workspace.find("timezone"), "policies = \".\"\n");
  REQUIRE(files.RemoveRecursively(folder / "policies").ok());
  Write("rescind.toml", workspace);
  CHECK(Run({"plan", "--out", "access.rescind"}) == ExitStatus::kError);
  CHECK(Complains("access.rescind belongs to the workspace itself"));
  CHECK_MESSAGE(Run({"plan", "--out", "p.json"}) == ExitStatus::kDone, err.str());
}

}  // namespace
}  // namespace rescind
