// One workspace looked after without pause: steps, when the next is due, what is read again.
#include <doctest/doctest.h>

#include "tests/unit/runtime/cli/serve_fixture.h"

namespace rescind {
namespace {

Duration Seconds(int64_t count) { return {count * kMicrosPerSecond}; }

TEST_CASE_FIXTURE(RunFixture, "StepCarriesOutWhatIsReady") {
  HireAndBegin();
  const StepAnswer answer = MustStep();
  CHECK(answer.report.CountOf(ActionState::kVerified) == 1);
  CHECK_FALSE(Has("on-kim-vpn"));
  CHECK(answer.next_look == Instant::Never());
  MustStep();
  CHECK(Asked("apply", "kim-vpn") == 1);
}

TEST_CASE_FIXTURE(RunFixture, "NextLookIsTheInstantAtWhichAMatchBegins") {
  ImportMore(KimWithAccessUntil(Seconds(1000)));
  Begin();
  const Instant due{clock.Now().micros + Seconds(1000).micros};
  CHECK(MustStep().next_look == due);
  clock.SetWall({due.micros - 1});
  CHECK(MustStep().next_look == due);
  CHECK(Has("on-kim-vpn"));
  clock.SetWall(due);
  MustStep();
  CHECK_FALSE(Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(RunFixture, "WhatIsHeldIsLookedAtAgainInAMinute") {
  WriteWorkspace("", "per_policy = 1000\nremovals_per_hour = 3\n");  // those three were
  HireAndBegin();
  const StepAnswer answer = MustStep();
  CHECK(answer.report.all_held_count() == 1);
  CHECK(answer.next_look == Instant{clock.Now().micros + kMicrosPerMinute});
  clock.Advance({kMicrosPerHour});
  MustStep();
  CHECK_FALSE(Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(RunFixture, "WhatFailsIsTriedWhenItsTimeComesAndLaterEachTime") {
  Write("fault-apply", "exit 3");
  HireAndBegin();
  const Instant begun = clock.Now();
  for (int i = 0; i < 12; ++i) {
    const Instant next = MustStep().next_look;
    REQUIRE(next < Instant{clock.Now().micros + Seconds(301).micros});
    const size_t asked = Asked("apply", "kim-vpn");
    if (next > clock.Now()) {
      clock.SetWall({next.micros - 1});
      MustStep();  // for another reason
      CHECK(Asked("apply", "kim-vpn") == asked);
    }
    clock.SetWall(next);
  }
  // Twelve pauses of at most a second each would be less.
  CHECK(clock.Now() > Instant{begun.micros + Seconds(60).micros});
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  MustStep();
  CHECK_FALSE(Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(RunFixture, "WhatNeedsAPersonIsSaidAndLookedAtInAMinute") {
  HireKim();
  WriteWorkspace("", "per_policy = 1000\nconfirm_over = 0\n");
  Begin();
  const StepAnswer answer = MustStep();
  CHECK(answer.held_because.find("confirm_over") != std::string::npos);
  CHECK(answer.next_look == Instant{clock.Now().micros + kMicrosPerMinute});
  CHECK(Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(RunFixture, "ChangedPoliciesAreInForceOnceTheyAreRead") {
  HireAndBegin();
  CHECK(MustReload().what == Reload::kSame);
  std::string policies(kCompanyPolicies);
  policies.replace(policies.find("90d"), 3, "900d");
  Write("policies/access.rescind", policies);
  CHECK(MustReload().what == Reload::kTaken);
  CHECK(MustReload().what == Reload::kSame);
  MustStep();
  CHECK(Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(RunFixture, "PoliciesThatCannotBeUsedLeaveThoseInForceAndAreComplainedOfOnce") {
  HireAndBegin();
  for (int round = 0; round < 2; ++round) {
    Write("policies/access.rescind", kBadPolicy);
    const ReloadAnswer refused = MustReload();
    CHECK(refused.what == Reload::kRefused);
    REQUIRE(refused.why.has_value());
    CHECK(refused.why->message.find("E0117") != std::string::npos);
    const ReloadAnswer again = MustReload();
    CHECK(again.what == Reload::kRefused);
    CHECK_FALSE(again.why.has_value());
    CHECK(MustReload(true).why.has_value());
    // Put back as they were; and from there the same mistake is news again.
    Write("policies/access.rescind", kCompanyPolicies);
    CHECK(MustReload().what == Reload::kMended);
    CHECK(MustReload().what == Reload::kSame);
  }
  Write("policies/access.rescind", kBadPolicy);
  MustReload();
  MustStep();
  CHECK_FALSE(Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(RunFixture, "SettingsAreReadAgainWhenToldToAlthoughNoFileHasChanged") {
  Begin();
  CHECK(MustReload(true).what == Reload::kTaken);
}

TEST_CASE_FIXTURE(RunFixture, "NewFieldsOpenTheStoreAnew") {
  HireAndBegin();
  const uint64_t seq = run->facts_seq();
  Write("policies/shelf.rescind", "extend grant { shelf: text }\n");
  CHECK(MustReload().what == Reload::kTaken);
  CHECK(run->facts_seq() == seq);
  MustStep();
  CHECK_FALSE(Has("on-kim-vpn"));
  REQUIRE(files.Remove(folder / "policies/shelf.rescind").ok());
  CHECK(MustReload().what == Reload::kTaken);
  MustStep();
}

TEST_CASE_FIXTURE(RunFixture, "NewFieldsThatCannotBeUsedLeaveTheStoreAsItWasHeld") {
  HireAndBegin();
  Write("policies/shelf.rescind", "extend grant { shelf: text }\n");
  WriteWorkspace("[source.hr]\nentity = \"person_of_nobody\"\n", "per_policy = 1000\n");
  CHECK(MustReload().what == Reload::kRefused);
  MustStep();
  CHECK_FALSE(Has("on-kim-vpn"));
}

TEST_CASE_FIXTURE(RunFixture, "AnotherStoreIsForTheNextStart") {
  Begin();
  std::string settings = Content("rescind.toml");
  settings.insert(settings.find("timezone"), "store = \"elsewhere\"\n");
  Write("rescind.toml", settings);
  const ReloadAnswer answer = MustReload();
  CHECK(answer.what == Reload::kRefused);
  REQUIRE(answer.why.has_value());
  CHECK(answer.why->help.find("stop `rescind serve`") != std::string::npos);
  CHECK_FALSE(Has("elsewhere"));
}

TEST_CASE_FIXTURE(RunFixture, "ClosedItLetsTheNextOneIn") {
  Begin();
  CHECK(Run({"status"}) == ExitStatus::kError);
  CHECK(run->Close().ok());
  CHECK(Run({"status"}) == ExitStatus::kDone);
}

}  // namespace
}  // namespace rescind
