// What was let go of a stage of which something is done already, whatever the policy says later.
#include "tests/unit/runtime/cli/leaver_fixture.h"

namespace rescind {
namespace {

// ann was disabled, eve's system was away, and the edit was confirmed: eve's account was "held (its
// time comes at …)" for a day, in which its retry time ran out; then ann's was given back.
TEST_CASE_FIXTURE(LeaverFixture, "AnEditThatPutsANoticeBeforeABegunStageDoesNotStopIt") {
  ImportLeaver("1h");
  AnswerForEve("transient");
  const std::string id = MakePlan();
  REQUIRE(Run({"apply", "p.json", "--confirm", id, "--wait", "0s"}) == ExitStatus::kAppliedInPart);
  REQUIRE(!Has("on-ann"));
  WriteLeaver("  then { notify \"team\" }\n  then after 1d { disable i.accounts }\n", "1h");
  clock.Advance({10 * kMicrosPerMinute});
  const std::string edited = MakePlan();
  REQUIRE(Run({"apply", "p.json", "--confirm", edited, "--wait", "0s"}) ==
          ExitStatus::kAppliedInPart);
  REQUIRE(Has("on-eve"));
  clock.Advance({10 * kMicrosPerMinute});
  CHECK(Run({"plan"}) == ExitStatus::kDone);
  CHECK(Prints("1 ready"));
  CAPTURE(out.str());
  REQUIRE(files.Remove(folder / "fault-apply").ok());
  SUBCASE("of what an earlier run has left") {
    CHECK_MESSAGE(Run({"apply", "--resume"}) == ExitStatus::kDone, (out.str() + err.str()));
  }
  SUBCASE("of what is planned") {
    CHECK_MESSAGE(Run({"apply", "--auto"}) == ExitStatus::kDone, (out.str() + err.str()));
  }
  CHECK(!Has("on-eve"));
  CHECK(!Has("on-ann"));
}

}  // namespace
}  // namespace rescind
