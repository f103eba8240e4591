#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "tests/unit/runtime/cli/program_fixture.h"

namespace rescind {
namespace {

struct CheckedWorkspace : ProgramFixture {
  CheckedWorkspace() {
    Write("rescind.toml", "");
    Write("policies/good.rescind", kGoodPolicy);
  }
};

TEST_CASE_FIXTURE(ProgramFixture, "TheFirstPolicyCompilesWithoutAWarningAndIsFormatted") {
  REQUIRE(Run({"init", folder.path()}) == ExitStatus::kDone);
  CHECK(Run({"check", "--deny-warnings"}) == ExitStatus::kDone);
  CHECK(out.str() == "0 errors, 0 warnings in 1 file\n");
  CHECK(Run({"fmt", "--check"}) == ExitStatus::kDone);
  CHECK(out.str().empty());
}

TEST_CASE_FIXTURE(ProgramFixture, "InitLeavesPoliciesThatAreThereAlone") {
  Write("policies/mine.rescind", kGoodPolicy);
  REQUIRE(Run({"init", folder.path()}) == ExitStatus::kDone);
  CHECK_FALSE(files.Exists(folder / "policies/starter.rescind"));
  CHECK(Content("policies/mine.rescind") == kGoodPolicy);
}

TEST_CASE_FIXTURE(CheckedWorkspace, "GoodPoliciesPass") {
  CHECK(Run({"check"}) == ExitStatus::kDone);
  CHECK(out.str().ends_with("in 1 file\n"));
  CHECK(Prints("0 errors, "));
  CHECK(err.str().empty());
}

TEST_CASE_FIXTURE(CheckedWorkspace, "AnErrorIsDataAndFailsTheCheck") {
  Write("policies/bad.rescind", kBadPolicy);
  CHECK(Run({"check"}) == ExitStatus::kCheckFailed);
  CHECK(out.str().starts_with("error[E0117]: "));
  CHECK(Prints("--> policies/bad.rescind:4:3\n"));
  CHECK(Prints("\n\n1 error, 0 warnings in 2 files\n"));
  CHECK(err.str().empty());
  CHECK(out.str().find("\x1b[") == std::string::npos);
  on_a_terminal = true;
  CHECK(Run({"check"}) == ExitStatus::kCheckFailed);
  CHECK(out.str().find("\x1b[") != std::string::npos);
}

TEST_CASE_FIXTURE(CheckedWorkspace, "EveryFileIsReportedInOneGo") {
  Write("policies/a.rescind", kBadPolicy);
  Write("policies/z/b.rescind", std::string(kBadPolicy) + "polcy q \"Q\" { }\n");
  CHECK(Run({"check"}) == ExitStatus::kCheckFailed);
  CHECK(Prints("3 errors, 0 warnings in 3 files\n"));
  CHECK(out.str().find("policies/a.rescind:4:3") < out.str().find("policies/z/b.rescind:4:3"));
}

TEST_CASE_FIXTURE(CheckedWorkspace, "JsonCarriesPlacesAndFixes") {
  Write("policies/bad.rescind", kBadPolicy);
  CHECK(Run({"check", "--format", "json"}) == ExitStatus::kCheckFailed);
  const auto json = nlohmann::json::parse(out.str());
  CHECK(json["format"] == "rescind.diagnostics/1");
  CHECK(json["summary"]["errors"] == 1);
  CHECK(json["summary"]["files"] == 2);
  REQUIRE(json["diagnostics"].size() == 1);
  CHECK(json["diagnostics"][0]["file"] == "policies/bad.rescind");
  CHECK(json["diagnostics"][0]["help"][0]["fix"][0]["text"] == "when");
}

// The audit log names policies with it, and nothing said which text it is of.
TEST_CASE_FIXTURE(CompanyFixture, "JsonSaysByWhichHashTheAuditLogKnowsAPolicy") {
  ImportCompany();
  GiveAccess();
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  std::string logged;
  for (const nlohmann::json& entry : LogEntries()) {
    if (entry.contains("policies") && entry["policies"][0].contains("source_hash")) {
      logged = entry["policies"][0]["source_hash"];
    }
  }
  const auto meaning = [&] {
    REQUIRE(Run({"check", "--format", "json"}) == ExitStatus::kDone);
    return nlohmann::json::parse(out.str())["meanings"]["access.stale_grant"].get<std::string>();
  };
  CHECK(meaning() == logged);
  std::string edited(kCompanyPolicies);
  Write("policies/access.rescind", edited.replace(edited.find("90d"), 3, "91d"));
  CHECK(meaning() != logged);
}

TEST_CASE_FIXTURE(CheckedWorkspace, "SarifIsPrintedEvenWhenAllIsWell") {
  CHECK(Run({"check", "--format", "sarif"}) == ExitStatus::kDone);
  const auto json = nlohmann::json::parse(out.str());
  CHECK(json["version"] == "2.1.0");
  CHECK(json["runs"][0]["results"].is_array());
  CHECK(Run({"check", "--format", "xml"}) == ExitStatus::kUsage);
}

TEST_CASE_FIXTURE(CheckedWorkspace, "PathsInTheWorkspaceChooseWhatIsShownOfTheWholeProgram") {
  Write("policies/bad.rescind", kBadPolicy);
  // A broken program is never well because another file of it was asked for.
  CHECK(Run({"check", "policies/good.rescind"}) == ExitStatus::kCheckFailed);
  CHECK(Prints("0 errors, "));
  CHECK(Prints(" in 1 file\n"));
  CHECK(Complains("other policy files hold 1 error"));
  CHECK(Run({"check", "policies/bad.rescind"}) == ExitStatus::kCheckFailed);
  CHECK(Prints("1 error, "));
  CHECK_FALSE(Complains("other policy files"));
  CHECK(Run({"check", "policies"}) == ExitStatus::kCheckFailed);
  CHECK(Prints(" in 2 files\n"));
}

// Set and empty, it was taken for the name of a workspace by `check FILE` alone, which then looked
// for one from where it was typed.
TEST_CASE_FIXTURE(ProgramFixture, "AnEmptyVariableForTheWorkspaceCountsAsNotSet") {
  Write("w/rescind.toml", "[workspace]\noncall = \"nobody\"\n");
  Write("w/policies/good.rescind", kGoodPolicy);
  for (const bool is_set : {false, true}) {
    CAPTURE(is_set);
    if (is_set) surroundings.environment["RESCIND_WORKSPACE"] = "";
    CHECK(Run({"check", "w/policies/good.rescind"}) == ExitStatus::kDone);
    CHECK(Prints("1 warning about the workspace\n"));
    CHECK(Run({"check"}) == ExitStatus::kError);
    CHECK(Complains("rescind init"));
  }
  surroundings.environment["RESCIND_WORKSPACE"] = folder / "w";
  CHECK(Run({"check"}) == ExitStatus::kDone);
  CHECK(Run({"--help"}) == ExitStatus::kDone);
  CHECK(Prints("RESCIND_WORKSPACE"));
}

TEST_CASE_FIXTURE(ProgramFixture, "FilesOutsideOfAWorkspaceAreAProgramOfTheirOwn") {
  Write("drafts/good.rescind", kGoodPolicy);
  CHECK(Run({"check", "drafts/good.rescind"}) == ExitStatus::kDone);
  CHECK(Run({"check", "drafts", "drafts/good.rescind"}) == ExitStatus::kDone);
  CHECK(Prints(" in 1 file\n"));
  CHECK(Run({"check"}) == ExitStatus::kError);
  CHECK(Complains("rescind init"));
}

TEST_CASE_FIXTURE(CheckedWorkspace, "WarningsFailOnlyWhereTheyAreDenied") {
  std::string text(kGoodPolicy);
  text.erase(text.find("  controls"), text.find("  for") - text.find("  controls"));
  Write("policies/good.rescind", text);
  CHECK(Run({"check"}) == ExitStatus::kDone);
  CHECK(Prints("warning[W0201]"));
  CHECK(Prints("0 errors, 1 warning in 1 file\n"));
  CHECK(Run({"check", "--deny-warnings"}) == ExitStatus::kCheckFailed);
}

// It warned of the on-call channel and then counted "0 warnings".
TEST_CASE_FIXTURE(CheckedWorkspace, "WarningsAboutTheWorkspaceAreCountedToo") {
  Write("rescind.toml", "[workspace]\noncall = \"nobody\"\n");
  CHECK(Run({"check"}) == ExitStatus::kDone);
  CHECK(Complains("the on-call channel \"nobody\" is not declared"));
  CHECK(Prints("1 warning about the workspace\n"));
  CHECK(Run({"check", "--deny-warnings"}) == ExitStatus::kCheckFailed);
  CHECK(Run({"check", "policies/good.rescind", "--deny-warnings"}) == ExitStatus::kCheckFailed);
  CHECK(Run({"check", "--format", "json"}) == ExitStatus::kDone);
  const auto json = nlohmann::json::parse(out.str());
  REQUIRE(json["workspace_warnings"].size() == 1);
  CHECK(json["summary"]["warnings"] >= 1);
}

// Code hosts and editors were told of mistakes in rescind.toml and not of warnings.
TEST_CASE_FIXTURE(CheckedWorkspace, "WarningsAboutTheWorkspaceAreResultsOfSarif") {
  Write("rescind.toml", "[workspace]\noncall = \"nobody\"\n");
  CHECK(Run({"check", "--format", "sarif"}) == ExitStatus::kDone);
  const auto run = nlohmann::json::parse(out.str())["runs"][0];
  REQUIRE(run["results"].size() == 1);
  const auto warning = run["results"][0];
  CHECK(warning["level"] == "warning");
  CHECK(warning["ruleId"] == "W0602");
  const auto rule = run["tool"]["driver"]["rules"][warning["ruleIndex"].get<size_t>()];
  CHECK(rule["id"] == "W0602");
  CHECK(rule["defaultConfiguration"]["level"] == "warning");
  const std::string text = warning["message"]["text"];
  CHECK(
      text.ends_with(":2:1: the on-call channel \"nobody\" is not declared\n"
                     "help: add [channel.nobody] to rescind.toml"));
  const auto place = warning["locations"][0]["physicalLocation"];
  CHECK(place["artifactLocation"]["uri"].get<std::string>().ends_with("/rescind.toml"));
  CHECK(place["region"]["startLine"] == 2);
  CHECK(Run({"explain", "W0602"}) == ExitStatus::kDone);
  // A variable of the environment is no file: it has no location, but names itself.
  Write("rescind.toml", "");
  surroundings.environment["RESCIND_ONCALL"] = "nobody";
  CHECK(Run({"check", "--format", "sarif"}) == ExitStatus::kDone);
  const auto result = nlohmann::json::parse(out.str())["runs"][0]["results"][0];
  CHECK(result["message"]["text"].get<std::string>().starts_with("RESCIND_ONCALL: the on-call"));
  CHECK(result["locations"].empty());
}

TEST_CASE_FIXTURE(ProgramFixture, "AFileBelongsToItsWorkspaceWhereverOneStands") {
  Write("w/rescind.toml", "[params]\n\"a.grace\" = \"60d\"\n");
  Write("w/policies/a.rescind", "param grace : duration = 90d\n");
  std::string text(kGoodPolicy);
  text.replace(text.find("90d"), 3, "a.grace");
  Write("w/policies/b.rescind", text);
  CHECK(Run({"check", "w/policies/b.rescind"}) == ExitStatus::kDone);
  CHECK(Run({"check", folder / "w/policies/b.rescind"}) == ExitStatus::kDone);
  CHECK(out.str() == "0 errors, 0 warnings in 1 file\n");
  // Alone it would lack the param.
  Write("b.rescind", text);
  CHECK(Run({"check", "b.rescind"}) == ExitStatus::kCheckFailed);
}

TEST_CASE_FIXTURE(CheckedWorkspace, "FilesBesideTheWorkspacesPoliciesAreAProgramOfTheirOwn") {
  Write("policies/bad.rescind", kBadPolicy);
  Write("drafts/good.rescind", kGoodPolicy);
  CHECK(Run({"check", "drafts"}) == ExitStatus::kDone);
  CHECK(Prints(" in 1 file\n"));
}

TEST_CASE_FIXTURE(ProgramFixture, "WhatIsNoPolicyFileIsRefused") {
  Write("a.csv", "x\n");
  CHECK(Run({"check", "a.csv"}) == ExitStatus::kError);
  CHECK(Complains("a.csv is no policy file (*.rescind)"));
  CHECK(Run({"check", "none.rescind", "nor.rescind"}) == ExitStatus::kError);
  CHECK(Complains("none.rescind"));
  CHECK(Complains("nor.rescind"));
  REQUIRE(files.MakeDirectories(folder / "empty", 0755).ok());
  CHECK(Run({"check", "empty"}) == ExitStatus::kDone);
  CHECK(Prints("0 errors, 0 warnings in 0 files\n"));
  CHECK(Complains("note: no policy file"));
}

TEST_CASE_FIXTURE(ProgramFixture, "AnEmptyPolicyFolderIsWellButNoticed") {
  Write("rescind.toml", "");
  CHECK(Run({"check"}) == ExitStatus::kError);
  CHECK(Complains("there is no policy folder"));
  REQUIRE(files.MakeDirectories(folder / "policies", 0755).ok());
  CHECK(Run({"check"}) == ExitStatus::kDone);
  CHECK(Prints("0 errors, 0 warnings in 0 files\n"));
  CHECK(Complains("holds no policy"));
}

// `check` said that all was well, and the first `plan` or `apply` failed on rescind.toml.
struct CheckedTargets : CheckedWorkspace {
  // What `check` says of rescind.toml with `text`; each problem with its remedy.
  std::string Problems(const std::string& text) {
    Write("rescind.toml", text);
    const ExitStatus status = Run({"check"});
    CHECK(status == (Prints("in rescind.toml\n") ? ExitStatus::kCheckFailed : ExitStatus::kDone));
    return out.str();
  }
  bool Says(const std::string& text, const std::string& problem) {
    return Problems(text).find(problem) != std::string::npos;
  }
};

constexpr const char* kDirectory =
    "[target.corp]\nexecutor = \"ldap\"\nuri = \"ldap://127.0.0.1:1\"\n"
    "bind_dn = \"cn=admin,dc=example,dc=org\"\nbind_password_file = \"secret\"\n";

TEST_CASE_FIXTURE(CheckedTargets, "ATargetThatCannotWorkFailsTheCheckWithItsPlaceAndRemedy") {
  CHECK(Says("[target.crm]\nexecutor = \"postgre\"\n",
             "rescind.toml:2:1: [target.crm]: `executor` is \"postgre\", which is no kind of "
             "executor; did you mean \"postgres\"?\n  = help: the kinds are: exec, ldap, "
             "postgres\n"));
  CHECK(Prints("1 error in rescind.toml\n"));
  const std::string missing = Problems("[target.corp]\nexecutor = \"ldap\"\nurl = \"x\"\n");
  CHECK(missing.find("[target.corp]: `uri` is missing; `bind_dn` is missing") != missing.npos);
  CHECK(missing.find("did you mean `uri`?") != missing.npos);
  CHECK(missing.find("  = help: its settings are: ") != missing.npos);
}

TEST_CASE_FIXTURE(CheckedTargets, "ASecretThatCannotBeReadIsFoundWithoutAskingTheServer") {
  CHECK(Says(kDirectory,
             "rescind.toml:5:1: [target.corp]: `bind_password_file`: cannot read the "
             "secret file "));
  CHECK(Prints("  = help: put the password into that file"));
  Write("secret", "hush");
  CHECK(Says(kDirectory, "everybody may read or change the secret file"));  // mode 0644
  CHECK(!Prints("hush"));
  chmod((folder / "secret").c_str(), 0600);
  // Nobody listens there, and nobody is asked.
  CHECK(!Says(kDirectory, "in rescind.toml"));
  CHECK(Says(std::string(kDirectory) + "ca_file = \"nowhere.pem\"\n",
             ":6:1: [target.corp]: `ca_file`: "));
  CHECK(Prints("nowhere.pem is not there"));
}

// An authority of nobody's; its key is lost.
constexpr const char* kCertificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBhTCCASugAwIBAgIUClNeg/A0tjxAAwzrWAtphVzrUKQwCgYIKoZIzj0EAwIw\n"
    "FzEVMBMGA1UEAwwMRXhhbXBsZSBSb290MCAXDTI2MTIwMTAzMTA1MFoYDzIxMjYx\n"
    "MTA3MDMxMDUwWjAXMRUwEwYDVQQDDAxFeGFtcGxlIFJvb3QwWTATBgcqhkjOPQIB\n"
    "BggqhkjOPQMBBwNCAATblr7qyTxovLjhTBYckAtH7d3bZLGFIKFRvwqx9YEebHW/\n"
    "X8wBC29uDP/NszXItCjFVAeEioh14jKK0aGGl11Ko1MwUTAdBgNVHQ4EFgQU/j0/\n"
    "MdZ2vihvGToGtezMMf3g3pkwHwYDVR0jBBgwFoAU/j0/MdZ2vihvGToGtezMMf3g\n"
    "3pkwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAN94r9Fo+eN4TF\n"
    "vcRTU7ybbh2KaCmHwOs4n9lAqU2GcAIhAIHnUAHsoyrmnVWBiDFAsVQwcrOZtrJP\n"
    "JpiYWkgy9Y4i\n"
    "-----END CERTIFICATE-----\n";

// `check` was content, and every connection failed: "no TLS connection could be verified".
TEST_CASE_FIXTURE(CheckedTargets, "AnAuthorityFileThatHoldsNoCertificateIsFound") {
  Write("secret", "hush");
  chmod((folder / "secret").c_str(), 0600);
  const std::string target = std::string(kDirectory) + "ca_file = \"ca.pem\"\n";
  for (const char* wrong :
       {"", "no certificate\n",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PUBLIC KEY-----\n"}) {
    CAPTURE(wrong);
    Write("ca.pem", wrong);
    CHECK(Says(target, ":6:1: [target.corp]: `ca_file`: "));
    CHECK(Prints("ca.pem holds no certificate\n"));
    CHECK(Prints("  = help: name a PEM file with the certificates of the authorities"));
  }
  // Text before it is how authorities hand it out.
  Write("ca.pem", "Example Root\n" + std::string(kCertificate));
  CHECK(!Says(target, "in rescind.toml"));
}

// Of two certificates the first was looked at, and every connection failed.
TEST_CASE_FIXTURE(CheckedTargets, "ADamagedCertificateIsFoundBehindWholeOnes") {
  Write("secret", "hush");
  chmod((folder / "secret").c_str(), 0600);
  const std::string target = std::string(kDirectory) + "ca_file = \"ca.pem\"\n";
  const std::string whole = kCertificate;
  const std::string rest = whole.substr(whole.find('\n'));
  for (const std::string& damaged : {
           std::string("-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"),
           std::string("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"),
           "----BEGIN CERTIFICATE-----" + rest,  // a dash is missing
           "-----BEGIN CERTIFICATE" + rest, whole.substr(0, whole.size() - 2) + "\n",  // and here
           whole.substr(0, whole.size() / 2),                                          // cut
       }) {
    CAPTURE(damaged);
    Write("ca.pem", damaged);
    CHECK(Says(target, "ca.pem cannot be used: its 1st certificate, in line 1, is damaged\n"));
    Write("ca.pem", "Example Root\n" + whole + damaged);
    CHECK(Says(target, ":6:1: [target.corp]: `ca_file`: "));
    CHECK(Prints("ca.pem cannot be used: its 2nd certificate, in line 13, is damaged\n"));
    CHECK(Prints("  = help: put it there again as it was handed out, or take it out"));
    Write("ca.pem", damaged + "\n" + whole);
    CHECK(Says(target, "its 1st certificate, in line 1, is damaged\n"));
  }
  Write("ca.pem", whole + "-----BEGIN X509 CRL-----\n!!!\n-----END X509 CRL-----\n");
  CHECK(Says(target, "ca.pem cannot be used: what line 12 begins is damaged\n"));
  Write("ca.pem", whole + whole);
  CHECK(!Says(target, "in rescind.toml"));
}

// It was counted among the errors in rescind.toml.
TEST_CASE_FIXTURE(CheckedTargets, "AWrongVariableIsCountedToTheEnvironment") {
  surroundings.environment["RESCIND_TIMEZONE"] = "Mars/Base";
  Write("rescind.toml", "");
  CHECK(Run({"check"}) == ExitStatus::kCheckFailed);
  CHECK(Prints(": RESCIND_TIMEZONE: this environment variable is \"Mars/Base\", "));
  CHECK(Prints("  = help: set RESCIND_TIMEZONE to another value, or unset it\n"));
  CHECK(Prints("\n1 error in the environment\n"));
  CHECK(!Prints("in rescind.toml"));
}

TEST_CASE_FIXTURE(CheckedTargets, "AProgramThatIsNotThereIsFound") {
  const std::string target =
      "[target.x]\nexecutor = \"exec\"\ncommand = [\"./tool\"]\ncan = [\"revoke grant\"]\n";
  CHECK(Says(target, "[target.x]: `command`: there is no program "));
  Write("tool", "#!/bin/sh\n");
  CHECK(Says(target, "/tool cannot be executed\n  = help: run: chmod +x "));
  chmod((folder / "tool").c_str(), 0700);
  CHECK(!Says(target, "in rescind.toml"));
  CHECK(Says("[channel.team]\nkind = \"command\"\ncommand = [\"./tell\"]\n",
             ":3:1: [channel.team]: `command`: there is no program "));
}

TEST_CASE_FIXTURE(CheckedTargets, "ASourceOfAnUnknownEntityIsFound") {
  CHECK(Says("[source.hr]\nentity = \"identiti\"\n",
             ":2:1: [source.hr]: `entity` names identiti, which no policy file declares\n"
             "  = help: did you mean identity?\n"));
}

// `can` took whatever stood behind a verb, and nothing ever asked for it.
TEST_CASE_FIXTURE(CheckedTargets, "WhatATargetCanDoIsAVerbAndWhatItActsOn") {
  Write("tool", "#!/bin/sh\n");
  chmod((folder / "tool").c_str(), 0700);
  const auto target = [](const std::string& can, const std::string& more = "") {
    return "[target.x]\nexecutor = \"exec\"\ncommand = [\"./tool\"]\ncan = [" + can + "]\n" + more;
  };
  CHECK(Says(target("\"disable unicorn\""),
             "rescind.toml:4:1: [target.x]: `can`: \"disable unicorn\" names unicorn, which no "
             "policy file declares\n  = help: declared are "));
  CHECK(Prints("1 error in rescind.toml\n"));
  CHECK(Says(target("\"revoke grant\", \"disable acount\"", "reversible = [\"disable acount\"]\n"),
             "  = help: did you mean \"disable account\"?\n"));
  CHECK(Prints("1 error in rescind.toml\n"));
  CHECK(
      Says(target("\"disabel account\""),
           "rescind.toml:4:1: [target.x]: `can`: \"disabel account\" does not begin with a verb"));
  CHECK(Prints("did you mean \"disable\"?"));
  CHECK(Prints("1 error in rescind.toml\n"));
  CHECK(Says(target("\"disable grant\""),
             "no policy can ask for \"disable grant\": disable acts on accounts and identities\n"));
  CHECK(!Says(target("\"disable account\", \"end session\", \"run quarantine\", \"delete grant\""),
              "in rescind.toml"));
}

constexpr std::string_view kPolicyWithParams = R"(param length : duration = 90d
param word : text = "x"
policy p "P" {
  controls c "1"
  for a in account
  when a.username == word and (a.created_at ?? now) older than length
  then { disable a }
}
)";

struct CheckedParams : CheckedWorkspace {
  CheckedParams() { Write("policies/p.rescind", kPolicyWithParams); }
  // Whether `check` fails for `params` and says so.
  bool Says(const std::string& params, const std::string& problem) {
    Write("rescind.toml", params);
    return Run({"check"}) == ExitStatus::kCheckFailed && Prints(problem);
  }
  bool Passes(const std::string& params) {
    Write("rescind.toml", params);
    return Run({"check"}) == ExitStatus::kDone;
  }
};

// They had the place of the declaration, or none.
TEST_CASE_FIXTURE(CheckedParams, "AMistakeInParamsIsShownWhereItIsWritten") {
  CHECK(Says("# é\r\n[params]\r\n\"p.length\" = \"sixty days\"  # é\r\n",
             "error[E0306]: `sixty days` in rescind.toml is no `duration`\n"
             " --> rescind.toml:3:14\n"));
  CHECK(Prints("3 | \"p.length\" = \"sixty days\""));
  CHECK(Prints(" ^^^^^^^^^^^^ `p.length` is a `duration`\n"));
  CHECK(Prints("`p.length` is declared here"));
  CHECK(Says("\xEF\xBB\xBF[params]\n\"p.length\" = 60\n", " --> rescind.toml:2:14\n"));
  CHECK(Says("[params]\n  \"p.lenght\" = \"60d\"\n", " --> rescind.toml:2:3\n"));
  CHECK(Prints("did you mean `p.length`?"));
  CHECK(Run({"check", "--format", "json"}) == ExitStatus::kCheckFailed);
  const auto found = nlohmann::json::parse(out.str())["diagnostics"][0];
  CHECK(found["code"] == "E0306");
  CHECK(found.dump().find("\"rescind.toml\"") != std::string::npos);
  // Whichever files are asked for.
  CHECK(Run({"check", "policies/good.rescind"}) == ExitStatus::kCheckFailed);
  CHECK(Prints(" --> rescind.toml:2:3\n"));
  CHECK(Passes("[params]\n\"p.length\" = \"60d\"\n\"p.word\" = \"b\"\n"));
}

// A param is a part of the policy: a text that is not what it looks like protects nobody.
TEST_CASE_FIXTURE(CheckedParams, "HiddenCharactersInParamsAreRefusedLikeThoseOfPolicies") {
  CHECK(Says("[params]\n\"p.word\" = \"vip\u200B\"\n",
             "error[E0128]: a hidden character stands here: U+200B, zero width space\n"
             " --> rescind.toml:2:16\n"));
  CHECK(Prints("if it is meant, write it so that it shows: `\\u200B`"));
  CHECK(Says("[params]\n\"p.word\" = 'vip\u202E'\n", "  = help: remove it"));
  CHECK(Says("[params]\n\"p.word\" = \"\U000E0041\"\n", "`\\U000E0041`"));
  CHECK(Says("[params]\n\"p.wo\u200Brd\" = \"a\"\n", " --> rescind.toml:2:6\n"));
  CHECK(Prints("1 error, "));
  // A duration that cannot be read for it is one mistake.
  CHECK(Says("[params]\n\"p.length\" = \"60d\u2066\"\n", "error[E0128]"));
  CHECK(!Prints("E0306"));
  CHECK(Run({"plan"}) == ExitStatus::kError);
  CHECK(Complains("U+2066"));
  CHECK(Passes("[params]\n\"p.word\" = \"vip\\u200B\"\n"));
}

TEST_CASE_FIXTURE(CheckedTargets, "MachinesSeeTheProblemsAndNamedPoliciesAreCheckedAlone") {
  Write("rescind.toml", kDirectory);
  CHECK(Run({"check", "--format", "json"}) == ExitStatus::kCheckFailed);
  const auto json = nlohmann::json::parse(out.str());
  REQUIRE(json["workspace"].size() == 1);
  CHECK(json["workspace"][0]["place"].get<std::string>().ends_with("rescind.toml:5:1"));
  CHECK(json["workspace"][0]["help"] != "");
  CHECK(json["workspace"][0]["code"] == "E0602");
  CHECK(json["summary"]["errors"] == 1);
  CHECK(Run({"check", "--format", "sarif"}) == ExitStatus::kCheckFailed);
  const auto sarif = nlohmann::json::parse(out.str());
  const auto result = sarif["runs"][0]["results"].back();
  CHECK(result["ruleId"] == "E0602");
  CHECK(sarif["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"].get<size_t>()]["id"] ==
        "E0602");
  const auto place = result["locations"][0]["physicalLocation"];
  CHECK(place["artifactLocation"]["uri"].get<std::string>().ends_with("/rescind.toml"));
  CHECK(place["region"]["startLine"] == 5);
  CHECK(Run({"check", "policies/good.rescind"}) == ExitStatus::kDone);
}

// Some of them ended with status 1 and plain text, whatever the format; no summary counted any.
TEST_CASE_FIXTURE(CheckedTargets, "EveryMistakeOfTheWorkspaceFileFailsTheCheckInEveryFormat") {
  const std::pair<std::string, std::string> mistakes[] = {
      {"[workspace]\nstor = \"x\"\n", "did you mean `store`?"},
      {"[workspace]\nstore = 5\n", "must be a text in quotes"},
      {"[workspace]\ntimezone = \"Europe/Berlim\"\n", "did you mean \"Europe/Berlin\"?"},
      {"[target.crm]\nuri = \"x\"\n", "`executor` in [target.crm] is missing"},
      {"[target.crm]\nexecutor = \"postgre\"\n", "no kind of executor"},
      {"[workspace\n", ""}};
  for (const auto& mistake : mistakes) {
    const auto& text = mistake.first;
    CAPTURE(text);
    CHECK(Says(text, mistake.second));
    CHECK(Prints("error[E060"));
    CHECK(Prints("1 error in rescind.toml\n"));
    CHECK(Run({"check", "--format", "json"}) == ExitStatus::kCheckFailed);
    const auto json = nlohmann::json::parse(out.str());
    CHECK(json["summary"]["errors"] == 1);
    CHECK(json["workspace"][0]["code"].get<std::string>().starts_with("E060"));
    CHECK(Run({"check", "--format", "sarif"}) == ExitStatus::kCheckFailed);
    const auto results = nlohmann::json::parse(out.str())["runs"][0]["results"];
    REQUIRE(results.size() == 1);
    CHECK(results[0]["locations"].size() == 1);
    CHECK(Run({"status"}) == ExitStatus::kError);
  }
}

TEST_CASE_FIXTURE(CheckedTargets, "MistakesOfTheWorkspaceFileAndOfPoliciesShowTogether") {
  Write("policies/bad.rescind", kBadPolicy);
  CHECK(Says("[workspace]\nstor = \"x\"\n[target.crm]\nexecutor = \"postgre\"\n", "error[E0117]"));
  CHECK(Prints("did you mean `store`?"));
  CHECK(Prints("no kind of executor"));
  CHECK(Prints("2 errors in rescind.toml\n"));
  CHECK(Run({"check", "policies/good.rescind"}) == ExitStatus::kCheckFailed);
  CHECK(Prints("did you mean `store`?"));
}

}  // namespace
}  // namespace rescind
