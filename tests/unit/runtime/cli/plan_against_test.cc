// `plan --against` other policies: a folder, or a revision of git.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

struct RevisionFixture : CompanyFixture {
  void Git(std::vector<std::string> arguments) {
    ProcessRequest request;
    request.argv = {"git", "-C", folder.path(), "-c", "user.name=a", "-c", "user.email=a@b"};
    request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
    request.environment = {{"HOME", folder.path()}, {"LC_ALL", "C"}};
    const auto ran = processes.Run(request);
    REQUIRE(ran.ok());
    REQUIRE_MESSAGE(ran->exit_status == 0, ran->errors);
  }
  // The policies as they are, as a commit.
  void Commit(const std::string& tag) {
    if (!Has(".git")) Git({"init", "-q"});
    Git({"add", "policies", "rescind.toml"});
    Git({"commit", "-q", "-m", tag});
    Git({"tag", tag});
  }
  static std::string With(std::string_view from, std::string_view to) {
    std::string text(kCompanyPolicies);
    text.replace(text.find(from), from.size(), to);
    return text;
  }
  // The plan of the workspace's policies against others, on ann's, bob's and eve's unused VPN.
  void Compare(const std::string& against, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"plan", "--against", against, "-o", "json"};
    words.insert(words.end(), more.begin(), more.end());
    REQUIRE_MESSAGE(Run(words) == ExitStatus::kDone, err.str());
  }
};

TEST_CASE_FIXTURE(RevisionFixture, "ARevisionShowsWhatBeginsAndCeasesToBeRemoved") {
  ImportCompany();
  Commit("first");
  // Now bob is spared, and accounts go.
  Write("policies/access.rescind",
        With("when seen older than 90d",
             "when seen older than 90d and g.account.username != \"bob\""));
  Write("policies/closed.rescind", kClosedPolicy);
  Compare("first", {"--out", "p.json"});
  const nlohmann::json plan = Json();
  CHECK(plan["applicable"] == false);
  CHECK(plan["delta"]["other_policies"] == true);
  CHECK(std::string(plan["delta"]["against"]).starts_with("the policies of first (git "));
  CHECK(plan["delta"]["new"] == 3);  // ann's, bob's and eve's accounts
  CHECK(plan["delta"]["standing"] == 2);
  REQUIRE(plan["delta"]["resolved"].size() == 1);
  CHECK(plan["delta"]["resolved"][0]["target"] == "bob-vpn");
  const std::string id = plan["plan_id"];
  CHECK(Run({"apply", "p.json", "--confirm", id}) == ExitStatus::kError);
  CHECK(Complains("this plan is only for reading: it is compared with the policies of first"));

  for (const char* format : {"table", "html"}) {
    REQUIRE(Run({"plan", "--against", "first", "-o", format}) == ExitStatus::kDone);
    CHECK(Prints("3 new, 2 standing, 1 resolved"));
    CHECK(Prints("resolved: only those would remove it"));
    CHECK(Prints("bob-vpn"));
  }
  REQUIRE(Run({"plan", "--against", "first", "-o", "csv"}) == ExitStatus::kDone);
  CHECK(Prints("no longer planned,revoke,grant,bob-vpn,corp,"));

  // The other way round, with filters: a policy that only the other policies have may be named.
  Commit("second");
  Git({"checkout", "-q", "first"});
  Compare("second", {"--policy", "closed"});
  CHECK(Json()["actions"].empty());
  CHECK(Json()["delta"]["resolved"].size() == 3);
  Compare("HEAD", {"--now", "+300d"});
  CHECK(Json()["delta"]["standing"] == 3);
  CHECK(std::string(Json()["not_applicable_because"]).find("; it is compared") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(RevisionFixture, "ARevisionHasItsOwnParamsAndLists") {
  ImportCompany();
  Write("policies/access.rescind",
        "param allowed : duration = 90d\nlist spared of text from \"spared.csv\"\n" +
            With("when seen older than 90d",
                 "when seen older than allowed and not g.account.username in spared"));
  Write("policies/spared.csv", "id\nann\n");
  Commit("first");
  WriteWorkspace("[params]\n\"access.allowed\" = \"300d\"\n");
  Write("policies/spared.csv", "id\nbob\n");
  Compare("first");
  CHECK(Json()["actions"].empty());
  CHECK(Json()["delta"]["resolved"].size() == 2);  // bob's and eve's
  CHECK(Json()["delta"]["resolved"][0]["target"] == "bob-vpn");
}

TEST_CASE_FIXTURE(RevisionFixture, "AFolderOfOtherPoliciesWillDo") {
  ImportCompany();
  Write("drafts/access.rescind", With("older than 90d", "older than 900d"));
  Compare("drafts");
  CHECK(Json()["delta"]["against"] == "the policies in drafts");
  CHECK(Json()["delta"]["new"] == 3);
  CHECK(Json()["applicable"] == false);
  // dan's is protected here, and would not be there.
  Write("drafts/access.rescind", With("a.tags has \"break-glass\"", "a.tags has \"nobody\""));
  Compare("drafts");
  CHECK(Json()["delta"]["standing"] == 3);
  REQUIRE(Json()["delta"]["left_alone"].size() == 1);
  CHECK(Json()["delta"]["left_alone"][0]["reason"] == "protected");
}

TEST_CASE_FIXTURE(RevisionFixture, "WhatCannotBeComparedIsSaidPlainly") {
  ImportCompany();
  CHECK(Run({"plan", "--against", "nothing"}) == ExitStatus::kError);
  CHECK(Complains("nothing is neither a plan file, nor a folder with policies, nor a revision"));
  Write("drafts/bad.rescind", kBadPolicy);
  CHECK(Run({"plan", "--against", "drafts"}) == ExitStatus::kError);
  CHECK(Complains("--against: the policies in drafts: the policies hold 1 error"));
  CHECK(Complains("drafts/bad.rescind:4:3"));
  Write("drafts/bad.rescind", "entity badge { color : text }\n" + std::string(kCompanyPolicies));
  CHECK(Run({"plan", "--against", "drafts"}) == ExitStatus::kError);
  CHECK(Complains("entity badge is not the same as in the workspace's policies"));
  // The other way round there is nothing amiss: here are more entities than there.
  Commit("first");
  Write("policies/badge.rescind", "entity badge { color : text }\n");
  Compare("first");
  CHECK(Json()["delta"]["standing"] == 3);
}

}  // namespace
}  // namespace rescind
