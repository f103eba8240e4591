// `why` and `why-not`: rows that no policy looks at, that lack something, are gone or given up.
#include "tests/unit/runtime/cli/leaver_fixture.h"

namespace rescind {
namespace {

constexpr std::string_view kOwnerless = R"(
policy ownerless "Accounts without an owner are disabled" {
  controls cis_8 "5.3"
  mode enforce
  for a in account
  when a.owner is unknown
  then { disable a }
}
)";

constexpr std::string_view kToxic = R"(
policy toxic "Nobody both creates and pays" {
  controls cis_8 "5.3"
  mode enforce
  for g in grant
  when g.entitlement.id == "create"
   and any(h in g.account.grants where h.entitlement.id == "pay")
  then { revoke g }
}
)";

// Each of the two commands sent the user to the other.
TEST_CASE_FIXTURE(CompanyFixture, "ARowThatNoPolicyLooksAtIsSaidToBeNone") {
  ImportCompany();
  for (const char* command : {"why", "why-not"}) {
    REQUIRE_MESSAGE(Run({command, "account:bob"}) == ExitStatus::kDone, err.str());
    CAPTURE(out.str());
    CHECK(Prints("no policy judges this row or acts on it\n"));
    CHECK_FALSE(Prints("`rescind why"));
  }
  Write("policies/more.rescind", kOwnerless);
  REQUIRE(Run({"why-not", "account:bob", "--policy", "stale_grant"}) == ExitStatus::kDone);
  CHECK(Prints("access.stale_grant neither judges this row nor acts on it\n"));
}

// `why` ended with "what follows" and nothing below it; then one sentence named three causes.
TEST_CASE_FIXTURE(CompanyFixture, "AMatchThatLeadsToNothingSaysWhy") {
  Write("policies/more.rescind",
        "policy external \"Contractors are disabled\" {\n  controls cis_8 \"5.3\"\n  mode enforce\n"
        "  for i in identity\n  when i.kind == contractor\n  then { disable i }\n}\n");
  ImportCompany();
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"con\",\"kind\":\"contractor\",\"status\":\"active\"}\n");
  const std::string nothing = "  what follows\n    nothing now: ";
  REQUIRE(Run({"why", "identity:con"}) == ExitStatus::kDone);
  CHECK(Prints(nothing + "its actions have no target here\n"));
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"con\",\"status\":\"disabled\"}\n");
  const std::string as_wanted = "its targets are in the wanted state already";
  for (const char* row : {"identity:con", "account:ann"}) {
    REQUIRE(Run({"why", row}) == ExitStatus::kDone);
    CHECK(Prints(nothing + as_wanted + "\n"));
  }
  REQUIRE(Run({"why", "identity:con", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["rules"][0]["follows"]["nothing_because"] == as_wanted);
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"status\":\"active\"}\n");
  REQUIRE(Run({"why", "identity:con"}) == ExitStatus::kDone);
  CHECK_FALSE(Prints("nothing now"));
  CHECK(Prints("disable account ann"));
  REQUIRE(Run({"why", "identity:con", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["rules"][0]["follows"]["nothing_because"] == "");
}

// What a protect kept from a match was shown of its target only; of the judged row `why` said that
// all was done.
TEST_CASE_FIXTURE(CompanyFixture, "AMatchSaysWhichOfItsTargetsAreKept") {
  Write("policies/more.rescind",
        "policy external \"Contractors are disabled\" {\n  controls cis_8 \"5.3\"\n  mode enforce\n"
        "  for i in identity\n  when i.kind == contractor\n  then { disable i }\n}\n"
        "protect ann \"Ann stays\" {\n  for a in account\n  when a.username == \"ann\"\n}\n");
  ImportCompany();
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"con\",\"kind\":\"contractor\",\"status\":\"active\"}\n"
      "{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"con\"}\n");
  REQUIRE(Run({"why", "identity:con"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  CHECK(Prints("    = account ann: protected by "));
  CHECK_FALSE(Prints("nothing now"));
  REQUIRE(Run({"why", "account:ann", "--policy", "more.external"}) == ExitStatus::kDone);
  CHECK(Prints("    = protected by "));
}

// `why` marked a disable with the plan's mark of a removal.
TEST_CASE_FIXTURE(CompanyFixture, "WhyHasTheMarksOfThePlan") {
  Write("policies/more.rescind", kOwnerless);
  ImportCompany();
  REQUIRE(Run({"why", "account:ann"}) == ExitStatus::kDone);
  CHECK(Prints("    ~ disable account ann at"));
  REQUIRE(Run({"why", "grant:ann-vpn"}) == ExitStatus::kDone);
  CHECK(Prints("    - revoke grant ann-vpn at"));
}

// The verdict was "insufficient data", and nothing said which; the plan named neither field nor id.
TEST_CASE_FIXTURE(CompanyFixture, "WhatARowLacksIsNamed") {
  ImportCompany();
  ImportMore(Grant("zoe-vpn", "zoe"));
  const std::string cause = "account zoe has not been delivered (field account of grant zoe-vpn)";
  REQUIRE(Run({"why-not", "grant:zoe-vpn"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  CHECK(Prints("  " + cause + "\n"));
  REQUIRE(Run({"why-not", "grant:zoe-vpn", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["rules"][0]["insufficient_because"] == cause);
  REQUIRE(Run({"why-not", "grant:ann-vpn", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["rules"][0]["insufficient_because"] == "");
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Prints("= grant zoe-vpn: insufficient data\n      " + cause + "\n"));
}

// It said that the row was removed, and then that its data were insufficient.
TEST_CASE_FIXTURE(CompanyFixture, "OfARemovedRowNothingMoreIsSaid") {
  ImportCompany();
  ImportMore("{\"entity\":\"grant\",\"id\":\"ann-vpn\",\"deleted\":true}\n");
  for (const char* command : {"why", "why-not"}) {
    REQUIRE_MESSAGE(Run({command, "grant:ann-vpn"}) == ExitStatus::kDone, err.str());
    CAPTURE(out.str());
    CHECK(out.str().ends_with("this row is removed: no policy acts on it\n"));
  }
  REQUIRE(Run({"why-not", "grant:ann-vpn", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["removed"] == true);
  CHECK(Json()["rules"].empty());
}

// The evidence said "a.owner = unknown (from directory)", while the directory had said ann.
TEST_CASE_FIXTURE(CompanyFixture, "AReferenceToARemovedRowSaysWhomItNamed") {
  Write("policies/access.rescind", kOwnerless);
  ImportCompany();
  ImportMore(
      "{\"entity\":\"identity\",\"id\":\"al\",\"kind\":\"employee\",\"status\":\"active\"}\n"
      "{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"al\"}\n");
  ImportMore("{\"entity\":\"identity\",\"id\":\"al\",\"deleted\":true}\n");
  REQUIRE(Run({"facts", "show", "identity", "al", "-o", "json"}) == ExitStatus::kDone);
  const std::string shown = "al, removed at " + Json()["removed_at"].get<std::string>();
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Prints("a.owner = " + shown + "  (from directory)"));
  REQUIRE(Run({"why", "account:ann"}) == ExitStatus::kDone);
  CHECK(Prints("a.owner = " + shown + "  (directory, observed"));
  REQUIRE(Run({"facts", "show", "account", "ann"}) == ExitStatus::kDone);
  CHECK(Prints(shown));
  REQUIRE(Run({"facts", "show", "account", "ann", "-o", "json"}) == ExitStatus::kDone);
  CHECK(out.str().find("\"remark\": \"removed at ") != std::string::npos);
}

// `removed_at` of it was unknown, so that the policy never matched, and `facts show` said "unseen".
TEST_CASE_FIXTURE(CompanyFixture, "AnOwnerWhomNoSourceListsCountsAsRemovedSinceTheFirstSnapshot") {
  WriteWorkspace("[source.hr]\nentity = \"identity\"\n");
  Write("policies/access.rescind",
        "policy gone \"Owners who left a month ago\" {\n  controls cis_8 \"5.3\"\n  mode enforce\n"
        "  for a in account\n"
        "  when removed_at(a.owner) is known and removed_at(a.owner) older than 30d\n"
        "  then { disable a }\n}\n");
  ImportCompany();
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"al\"}\n");
  REQUIRE(Run({"facts", "show", "identity", "al"}) == ExitStatus::kDone);
  CHECK(Prints("identity al  unseen: a reference names it, no feed has listed it\n"));
  Write("hr.csv", "id,kind,status\nbo,employee,active\n");
  for (int day = 0; day < 3; ++day) {
    REQUIRE_MESSAGE(Run({"import", "hr.csv", "--entity", "identity", "--source", "hr", "--snapshot",
                         "--allow-shrink"}) == ExitStatus::kDone,
                    err.str());
    clock.Advance({kMicrosPerDay});
  }
  const std::string since = "counts as removed since 2026-06-01T08:00:00Z";
  REQUIRE(Run({"facts", "show", "identity", "al"}) == ExitStatus::kDone);
  CHECK(Prints("identity al  " + since + ": no declared source lists it\n"));
  REQUIRE(Run({"facts", "show", "identity", "al", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["presence"] == "removed");
  CHECK(Json()["removed_at"] == "2026-06-01T08:00:00Z");
  REQUIRE(Run({"facts", "show", "account", "ann"}) == ExitStatus::kDone);
  CHECK(Prints("al, " + since));
  REQUIRE(Run({"why-not", "account:ann"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  CHECK(Prints("2026-07-01T08:00:00Z"));
  CHECK(Prints("a.owner = al, " + since));
  REQUIRE(Run({"plan", "--now", "2026-07-01T07:59:59Z", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["actions"].empty());
  REQUIRE(Run({"plan", "--now", "2026-07-01T08:00Z", "-o", "json"}) == ExitStatus::kDone);
  REQUIRE(Json()["actions"].size() == 1);
  CHECK(Json()["actions"][0]["target"] == "ann");
}

// The evidence of a pair of grants was the one of the two that goes, and no word of the other.
TEST_CASE_FIXTURE(CompanyFixture, "EvidenceNamesTheMembersThatDecide") {
  Write("policies/access.rescind", kToxic);
  ImportCompany();
  std::string facts;
  for (const char* id : {"create", "pay"}) {
    facts += std::string("{\"entity\":\"entitlement\",\"id\":\"") + id +
             "\",\"system\":\"corp\",\"name\":\"" + id + "\"}\n";
    std::string grant = Grant(std::string("ann-") + id, "ann");
    grant.replace(grant.find("\"vpn\""), 5, std::string("\"") + id + "\"");
    facts += grant;
  }
  ImportMore(facts);
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  CAPTURE(out.str());
  CHECK(Prints("grant ann-pay: entitlement.id = pay"));
  CHECK_FALSE(Prints("grant ann-vpn: entitlement"));
  REQUIRE(Run({"why", "grant:ann-create"}) == ExitStatus::kDone);
  CHECK(Prints("    grant ann-pay: entitlement.id = pay"));
}

// `why` said "ready" of what the plan said to be given up.
TEST_CASE_FIXTURE(LeaverFixture, "WhyAndWhyNotSayThatAnActionWasGivenUp") {
  ImportLeaver("1m");
  AnswerForEve("permanent");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  REQUIRE(Run({"plan"}) == ExitStatus::kDone);
  const size_t begin = out.str().find("X escalated since ");
  REQUIRE(begin != std::string::npos);
  const std::string given_up = out.str().substr(begin, out.str().find('\n', begin) - begin);
  CHECK(given_up.ends_with(": no right"));
  for (const char* command : {"why", "why-not"}) {
    REQUIRE(Run({command, "account:eve"}) == ExitStatus::kDone);
    CAPTURE(out.str());
    CHECK(Prints(": ready\n      " + given_up + "\n        mend what its system said"));
  }
  REQUIRE(Run({"why", "account:eve", "-o", "json"}) == ExitStatus::kDone);
  const nlohmann::json action = Json()["rules"][0]["follows"]["actions"][0];
  CHECK(action["escalated"]["error"] == "no right");
  CHECK(given_up.find(action["escalated"]["since"].get<std::string>()) != std::string::npos);
  CHECK(action["escalated"]["remedy"].get<std::string>().starts_with("mend what"));
  REQUIRE(Run({"why", "account:ann", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["rules"][0]["follows"]["actions"][0]["escalated"].is_null());
}

// It said that all is ready, or carried out, of what plan and status leave to a person.
TEST_CASE_FIXTURE(LeaverFixture, "WhatARolledBackStageLeavesToAPersonIsSaidByWhyAndWhyNot") {
  ImportLeaver("1h");
  AnswerForEve("permanent");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  REQUIRE(Has("on-ann"));
  const std::string left =
      "      X left to a person: its stage was rolled back, and what failed in it waits for a "
      "person\n"
      "        `apply --auto` leaves it;";
  for (const char* command : {"why", "why-not"}) {
    CAPTURE(command);
    CHECK(Run({command, "account:ann"}) == ExitStatus::kDone);
    CHECK(Prints(left));
    CHECK(Run({command, "account:ann", "-o", "json"}) == ExitStatus::kDone);
    const nlohmann::json actions = Json()["rules"][0]["follows"]["actions"];
    REQUIRE(actions.size() == 1);
    CHECK(actions[0]["left"]["because"] ==
          "its stage was rolled back, and what failed in it waits for a person");
    CHECK(!actions[0]["left"]["remedy"].get<std::string>().empty());
  }
  CHECK(Run({"why", "account:eve", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["rules"][0]["follows"]["actions"][0]["left"].is_null());
}

}  // namespace
}  // namespace rescind
