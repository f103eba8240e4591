#include <unistd.h>

#include "tests/unit/runtime/cli/program_fixture.h"

namespace rescind {
namespace {

constexpr std::string_view kMessy =
    "policy idle \"Idle\"{\r\n"
    "then{revoke g}\r\n"
    "  when (g.last_used??g.granted_at) older than 90d // long\r\n"
    "for g in grant }";
TEST_CASE_FIXTURE(ProgramFixture, "OnlyWhatChangesIsWritten") {
  Write("p/messy.rescind", kMessy);
  REQUIRE(Run({"fmt", "p"}) == ExitStatus::kDone);
  CHECK(out.str() == "p/messy.rescind\n");
  CHECK(Complains("1 of 1 file formatted"));
  const std::string tidy = Content("p/messy.rescind");
  CHECK(tidy.find('\r') == std::string::npos);
  CHECK(tidy.find("for g in grant") < tidy.find("when"));
  CHECK(tidy.find("// long") != std::string::npos);
  CHECK(Run({"fmt", "p"}) == ExitStatus::kDone);
  CHECK(out.str().empty());
  CHECK(Content("p/messy.rescind") == tidy);
}

TEST_CASE_FIXTURE(ProgramFixture, "CheckListsAndChangesNothing") {
  Write("p/good.rescind", kGoodPolicy);
  Write("p/messy.rescind", kMessy);
  CHECK(Run({"fmt", "--check", "p"}) == ExitStatus::kCheckFailed);
  CHECK(out.str() == "p/messy.rescind\n");
  CHECK(Content("p/messy.rescind") == kMessy);
  CHECK(Run({"fmt", "--check", "p/good.rescind"}) == ExitStatus::kDone);
  CHECK(out.str().empty());
}

TEST_CASE_FIXTURE(ProgramFixture, "AFileWithASyntaxErrorIsShownAndLeftAloneTheOthersAreNot") {
  Write("p/bad.rescind", kBadPolicy);
  Write("p/messy.rescind", kMessy);
  CHECK(Run({"fmt", "p"}) == ExitStatus::kCheckFailed);
  CHECK(out.str() == "p/messy.rescind\n");
  CHECK(Complains("error[E0117]"));
  CHECK(Complains("p/bad.rescind:4:3"));
  CHECK(Complains("1 file left alone for syntax errors"));
  CHECK(Content("p/bad.rescind") == kBadPolicy);
}

TEST_CASE_FIXTURE(ProgramFixture, "StandardInputGoesToStandardOutput") {
  in.str(std::string(kMessy));
  REQUIRE(Run({"fmt", "-"}) == ExitStatus::kDone);
  const std::string printed = out.str();
  Write("p/messy.rescind", kMessy);
  REQUIRE(Run({"fmt", "p"}) == ExitStatus::kDone);
  CHECK(printed == Content("p/messy.rescind"));
  in.clear();
  in.str(std::string(kBadPolicy));
  CHECK(Run({"fmt", "-"}) == ExitStatus::kCheckFailed);
  CHECK(out.str().empty());
  CHECK(Complains("<stdin>:4:3"));
  in.clear();
  in.str(std::string(kMessy));
  CHECK(Run({"fmt", "--check", "-"}) == ExitStatus::kCheckFailed);
  CHECK(out.str() == "<stdin>\n");
  in.clear();
  in.str(std::string(kGoodPolicy));
  CHECK(Run({"fmt", "--check", "-"}) == ExitStatus::kDone);
  CHECK(Run({"fmt", "-", "p"}) == ExitStatus::kUsage);
}

TEST_CASE_FIXTURE(ProgramFixture, "ModesAndSymbolicLinksStay") {
  Write("real.rescind", kMessy);
  REQUIRE(files.WriteAtomically(folder / "real.rescind", kMessy, 0640).ok());
  REQUIRE(symlink("real.rescind", (folder / "link.rescind").c_str()) == 0);
  REQUIRE(Run({"fmt", "link.rescind"}) == ExitStatus::kDone);
  char target[64] = {};
  REQUIRE(readlink((folder / "link.rescind").c_str(), target, sizeof(target) - 1) > 0);
  CHECK(std::string_view(target) == "real.rescind");
  CHECK(Content("real.rescind") != kMessy);
  CHECK(files.Stat(folder / "real.rescind")->mode == 0640);
}

TEST_CASE_FIXTURE(ProgramFixture, "WithoutPathsTheWorkspacesPoliciesAreMeant") {
  Write("rescind.toml", "");
  Write("policies/deep/messy.rescind", kMessy);
  Write("elsewhere.rescind", kMessy);
  REQUIRE(Run({"fmt"}) == ExitStatus::kDone);
  CHECK(out.str() == "policies/deep/messy.rescind\n");
  CHECK(Content("elsewhere.rescind") == kMessy);
}

}  // namespace
}  // namespace rescind
