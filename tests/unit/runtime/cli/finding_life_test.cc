// When findings end and begin anew, and what of them is done once, from apply to apply.
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {
namespace {

constexpr int64_t kWeekMicros = 7 * kMicrosPerDay + kMicrosPerMinute;

std::string Tagged(const std::string& name, const std::string& tag, const std::string& stages) {
  return "policy " + name + " \"Tagged\" {\n  controls iso_27001 \"A.5.18\"\n  mode enforce\n" +
         "  for a in account\n  when a.tags has \"" + tag + "\"\n  because \"tagged\"\n  " +
         stages + "\n}\n";
}

struct TaggedFixture : CompanyFixture {
  TaggedFixture() { Write("on-ann", ""); }
  // The first time with all the company.
  void TagAnn(const std::string& tags) {
    if (!Has("company.ndjson")) ImportCompany();
    clock.Advance({kMicrosPerMinute});
    ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"tags\":[" + tags + "]}\n");
  }
  void CanAlso(const std::string& capability) {
    std::string toml = Content("rescind.toml");
    toml.replace(toml.find("\"revoke grant\"]"), 15, "\"revoke grant\", \"" + capability + "\"]");
    Write("rescind.toml", toml);
  }
  ExitStatus ApplyAuto() { return Run({"apply", "--auto", "-o", "json"}); }
  nlohmann::json LastMessage() {
    std::istringstream lines(Content("messages"));
    std::string line, last;
    while (std::getline(lines, line)) {
      if (!line.empty()) last = line;
    }
    return nlohmann::json::parse(last);
  }
};

// The finding stayed open until the next apply: a grant that came in between was revoked at once,
// without a notice.
TEST_CASE_FIXTURE(TaggedFixture, "WhatComesAfterAFindingIsDoneGetsANoticeOfItsOwn") {
  Write("policies/access.rescind",
        Tagged("tagged", "z", "then { notify \"team\" }\n  then after 7d { revoke a.grants }"));
  Write("on-ann-vpn", "");
  TagAnn("\"z\"");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  clock.Advance({kWeekMicros});
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann-vpn"));
  CHECK(Json()["summary"]["findings_closed"] == 1);
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["policies"][0]["resolved"] == 1);
  CHECK(LogEntries().back()["details"]["findings_resolved"] == "1");

  clock.Advance({kMicrosPerDay});
  ImportMore(Grant("ann-mail", "ann"));
  Write("on-ann-mail", "");
  MakePlan();
  CHECK(Json()["actions"][0]["status"] == "notice");
  CHECK(Json()["notices"].size() == 1);
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Has("on-ann-mail"));
  clock.Advance({kWeekMicros});
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann-mail"));
}

TEST_CASE_FIXTURE(TaggedFixture, "AFindingIsDoneWithTheRunThatGoesOnWithItsLastAction") {
  Write("policies/access.rescind", Tagged("tagged", "z", "then { revoke a.grants }"));
  Write("on-ann-vpn", "");
  Write("fault-observe", "exit 1\n");
  TagAnn("\"z\"");
  const std::string id = MakePlan();
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  REQUIRE(files.Remove(folder / "fault-observe").ok());
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["policies"][0]["resolved"] == 0);
  REQUIRE_MESSAGE(Run({"apply", "--resume"}) == ExitStatus::kDone, (out.str() + err.str()));
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["policies"][0]["resolved"] == 1);
}

TEST_CASE_FIXTURE(TaggedFixture, "AMessageAfterTheFactIsSentThoughNothingIsLeftToRemove") {
  Write("policies/access.rescind",
        Tagged("tagged", "z", "then { disable a }\n  then after 1h { notify \"team\" }"));
  TagAnn("\"z\"");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("messages"));
  clock.Advance({kMicrosPerHour});
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(LastMessage()["kind"] == "notice");
  const std::string messages = Content("messages");
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Content("messages") == messages);
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["policies"][0]["resolved"] == 1);
}

// Two policies with one playbook ran it again at every apply, in turns.
TEST_CASE_FIXTURE(TaggedFixture, "APlaybookOfTwoPoliciesRunsOnceForEachFinding") {
  CanAlso("run fix");
  const std::string stage = "then { run \"fix\" on a }";
  Write("policies/access.rescind", Tagged("first", "r", stage) + Tagged("second", "s", stage));
  TagAnn("\"r\"");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 1);
  TagAnn("\"r\",\"s\"");
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["verified"] == 1);
  for (int i = 0; i < 3; ++i) {
    clock.Advance({kMicrosPerHour});
    REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
    CHECK(Json()["actions"].empty());
  }
}

// What was given up for a finding that had ended kept `--auto` from all later ones, and nobody was
// told of those.
TEST_CASE_FIXTURE(TaggedFixture, "ANewFindingBeginsAnewWhatAnEarlierOneGaveUp") {
  Write("policies/access.rescind", Tagged("tagged", "z", "then { disable a }"));
  Write("fault-apply", "reply '\"outcome\":\"permanent\",\"detail\":\"refused\"'; exit 0\n");
  TagAnn("\"z\"");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  CHECK(Asked("apply", "ann") == 1);
  REQUIRE(ApplyAuto() == ExitStatus::kAppliedInPart);  // while it lasts, it is a person's
  CHECK(Asked("apply", "ann") == 1);

  TagAnn("");
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["summary"]["withdrawn"] == 1);
  REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
  CHECK(Json()["unfinished"].empty());

  const std::string before = Content("messages");
  TagAnn("\"z\"");
  REQUIRE(ApplyAuto() == ExitStatus::kAppliedInPart);
  CHECK(Json()["summary"]["escalated"] == 1);
  CHECK(Asked("apply", "ann") == 2);
  CHECK(Content("messages") != before);
  CHECK(LastMessage()["kind"] == "escalated");
  TagAnn("");
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  TagAnn("\"z\"");
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann"));
}

struct GivenUpFixture : TaggedFixture {
  // Disabling ann is refused and left to a person; a grant of hers is not there yet.
  void GiveUpOnAnn() {
    Write("policies/access.rescind", Tagged("tagged", "z", "then { disable a  revoke a.grants }"));
    Write("fault-apply", "reply '\"outcome\":\"permanent\",\"detail\":\"refused\"'; exit 0\n");
    TagAnn("\"z\"");
    ImportMore("{\"entity\":\"grant\",\"id\":\"ann-vpn\",\"deleted\":true}\n");
    REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
    REQUIRE(files.Remove(folder / "fault-apply").ok());
    REQUIRE(Unfinished().size() == 1);
    REQUIRE(Unfinished()[0]["state"] == "escalated");
  }
  void DisableAnnByHand() {
    REQUIRE(files.Remove(folder / "on-ann").ok());
    ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"status\":\"disabled\"}\n");
  }
  nlohmann::json Unfinished() {
    REQUIRE(Run({"status", "-o", "json"}) == ExitStatus::kDone);
    return Json()["unfinished"];
  }
  nlohmann::json LastWithdrawal() {
    nlohmann::json last;
    for (const nlohmann::json& entry : LogEntries()) {
      if (entry["kind"] == "transition" && entry["to"] == "withdrawn") last = entry;
    }
    return last;
  }
};

// A finding that the run itself resolved made no transition: what had been given up for it stood in
// `rescind status` for ever.
TEST_CASE_FIXTURE(GivenUpFixture, "WhatWasGivenUpNeedsNoPersonOnceSomebodyHasDoneIt") {
  GiveUpOnAnn();
  DisableAnnByHand();
  ImportMore(Grant("ann-mail", "ann"));
  Write("on-ann-mail", "");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann-mail"));
  CHECK(LogEntries().back()["details"]["findings_resolved"] == "1");
  CHECK(Unfinished().empty());
  CHECK(LastWithdrawal()["outcome"] == "the facts have it as the policies want it");
}

TEST_CASE_FIXTURE(GivenUpFixture, "WhatWasGivenUpIsAPersonsWhileItsFindingAsksForIt") {
  GiveUpOnAnn();
  ImportMore(Grant("ann-mail", "ann"));
  Write("on-ann-mail", "");
  REQUIRE(ApplyAuto() == ExitStatus::kAppliedInPart);
  CHECK(!Has("on-ann-mail"));
  CHECK(Unfinished().size() == 1);
  CHECK(Asked("apply", "ann") == 1);
}

// The facts say that it is done, its system that access goes on: that is the person's to settle.
TEST_CASE_FIXTURE(GivenUpFixture, "AccessThatGoesOnStaysWithAPersonThoughTheFactsHaveItDone") {
  Write("policies/access.rescind", Tagged("tagged", "z", "then { disable a }"));
  Write("fault-verify", "reply '\"outcome\":\"still_effective\",\"via\":\"a session\"'; exit 0\n");
  REQUIRE(files.Remove(folder / "on-ann").ok());
  TagAnn("\"z\"");
  REQUIRE(ApplyConfirmed() == ExitStatus::kAppliedInPart);
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"status\":\"disabled\"}\n");
  for (int i = 0; i < 2; ++i) {
    REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kAppliedInPart, (out.str() + err.str()));
    CHECK(Unfinished().size() == 1);
  }
  TagAnn("");
  ImportMore("{\"entity\":\"account\",\"id\":\"ann\",\"status\":\"active\"}\n");
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Unfinished().empty());
}

// People read that access stays and that nothing will happen, of an account that was disabled.
TEST_CASE_FIXTURE(TaggedFixture, "WhoeverIsToldOfAnEndHearsWhatWasDoneBefore") {
  CanAlso("delete account");
  Write("policies/access.rescind",
        Tagged("tagged", "z",
               "then { notify \"team\" }\n  then after 7d { disable a }\n"
               "  then after 30d { delete a }"));
  TagAnn("\"z\"");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  clock.Advance({kWeekMicros});
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-ann"));
  TagAnn("");
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  const nlohmann::json last = LastMessage();
  CHECK(last["kind"] == "withdrawn");
  CHECK(last["subject"] == "account ann: nothing more is to be removed (access.tagged)");
  const std::string text = last["text"];
  CAPTURE(text);
  CHECK(text.find("This was done before, and is not undone by it: disable account ann on corp at "
                  "2026-06-08T") != std::string::npos);
  CHECK(text.find("Nothing of it will happen") == std::string::npos);
}

struct PersonFixture : TaggedFixture {
  PersonFixture() {
    Write("policies/access.rescind",
          "policy leaver \"Leavers\" {\n  controls iso_27001 \"A.5.18\"\n  mode enforce\n"
          "  for i in identity\n  when i.status == terminated\n  because \"left\"\n"
          "  then { run \"fix\" on i  revoke i.accounts.grants }\n}\n");
    ImportCompany();
    ImportMore(
        "{\"entity\":\"identity\",\"id\":\"old\",\"kind\":\"employee\",\"status\":"
        "\"terminated\"}\n{\"entity\":\"account\",\"id\":\"ann\",\"owner\":\"old\"}\n");
    Write("on-ann-vpn", "");
    Write("on-old", "");
  }
};

// A playbook on a person was held for ever, because nobody can say which system people live in.
TEST_CASE_FIXTURE(PersonFixture, "APlaybookOnAPersonRunsWhereItsTargetIs") {
  CanAlso("run fix");
  REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, (out.str() + err.str()));
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(!Has("on-old"));
  CHECK(!Has("on-ann-vpn"));
  REQUIRE_MESSAGE(ApplyAuto() == ExitStatus::kDone, (out.str() + err.str()));
  CHECK(Json()["actions"].empty());
}

TEST_CASE_FIXTURE(PersonFixture, "APlaybookThatNoTargetOrSeveralCanRunSaysSo") {
  REQUIRE(ApplyConfirmed() == ExitStatus::kHeld);
  CHECK(Json()["held_because"].dump().find("no target of rescind.toml can run \\\"fix\\\", and "
                                           "identity rows live in no system") != std::string::npos);
  CanAlso("run fix");
  Write("rescind.toml", Content("rescind.toml") +
                            "[target.other]\nexecutor = \"exec\"\ncommand = [\"./program\"]\n"
                            "can = [\"run fix\"]\n");
  REQUIRE(ApplyConfirmed() == ExitStatus::kHeld);
  CHECK(Json()["held_because"].dump().find("several targets of rescind.toml can run \\\"fix\\\" "
                                           "(corp, other)") != std::string::npos);
  CHECK(Has("on-old"));
}

}  // namespace
}  // namespace rescind
