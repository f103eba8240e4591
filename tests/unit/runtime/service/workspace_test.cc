#include "runtime/service/workspace.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

// One workspace on disk; each Load reads it anew.
struct WorkspaceFixture {
  TemporaryFolder folder;
  RealFileSystem files;
  WorkspaceSurroundings surroundings;

  void Write(const std::string& name, std::string_view text, uint32_t mode = kPublicMode) {
    REQUIRE(files.WriteAtomically(folder / name, text, mode).ok());
  }
  Result<Workspace> Load(std::string_view text) {
    Write(kWorkspaceFileName, text);
    return LoadWorkspace(folder.path(), surroundings, files);
  }
  // The message of the error, without the folder's name.
  std::string Problem(std::string_view text) {
    const auto loaded = Load(text);
    if (loaded.ok()) return "accepted";
    CHECK(loaded.error().kind == ErrorKind::kInvalidInput);
    CHECK_FALSE(loaded.error().help.empty());
    std::string message = loaded.error().message;
    const std::string prefix = folder.path() + "/";
    for (size_t at = message.find(prefix); at != std::string::npos; at = message.find(prefix)) {
      message.erase(at, prefix.size());
    }
    return message;
  }
};

constexpr std::string_view kExample = R"([workspace]
policies = "rules"
store    = "/var/lib/rescind"
timezone = "Europe/Berlin"
oncall   = "iam-team"
holidays = ["2026-12-25", 2026-12-24]

[limits]
removals_per_hour = 10
per_policy = "2.5%"
confirm_over = 3

[history]
max_age = "90d"
max_size = "2 GB"
coalesce = "15m"

[params]
"access.stale.inactive_after" = "60d"
"access.stale.strict" = true

[channel.iam-team]
kind = "command"
command = ["notify-iam", "--now"]

[source.hr]
entity = "identity"
max_age = "24h"

[target.corp-ldap]
executor = "ldap"
uri = "ldap://127.0.0.1:3890"
start_tls = false
pool = 4
bases = ["ou=a", "ou=b"]
)";

TEST_CASE_FIXTURE(WorkspaceFixture, "EveryTableOfTheInterfaceIsRead") {
  const auto loaded = Load(kExample);
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
  const Workspace& workspace = *loaded;
  CHECK(workspace.policy_folder == folder / "rules");
  CHECK(workspace.store_folder == "/var/lib/rescind");
  CHECK(workspace.timezone == "Europe/Berlin");
  CHECK(workspace.oncall == "iam-team");
  CHECK(workspace.holidays.days() == std::vector{*ParseDay("2026-12-24"), *ParseDay("2026-12-25")});
  CHECK(workspace.limits.removals_per_hour == 10);
  CHECK(workspace.limits.per_policy == Share{true, 25'000});
  CHECK(workspace.limits.confirm_over == 3);
  CHECK(workspace.history.max_age == Duration{90 * kMicrosPerDay});
  CHECK(workspace.history.max_bytes == 2ull << 30);
  CHECK(workspace.history.coalesce == Duration{15 * kMicrosPerMinute});
  const auto& param = workspace.params.at("access.stale.inactive_after");
  CHECK(std::get<std::string>(param.value) == "60d");
  CHECK(param.place == (folder / "rescind.toml:19:1"));
  CHECK(std::get<bool>(workspace.params.at("access.stale.strict").value));
  const auto& channel = workspace.channels.at("iam-team");
  CHECK(std::get<std::vector<std::string>>(channel.settings.at("command")).size() == 2);
  CHECK(workspace.sources.at("hr").entities == std::vector<std::string>{"identity"});
  CHECK(workspace.sources.at("hr").max_age == Duration{24 * kMicrosPerHour});
  const auto& target = workspace.targets.at("corp-ldap");
  CHECK(target.executor == "ldap");
  CHECK(target.settings.size() == 4);
  CHECK(std::get<int64_t>(target.settings.at("pool")) == 4);
  CHECK(std::get<bool>(target.settings.at("start_tls")) == false);
  CHECK(workspace.warnings.empty());
}

TEST_CASE_FIXTURE(WorkspaceFixture, "AnEmptyFileMeansTheSafeDefaults") {
  const auto loaded = Load("");
  REQUIRE(loaded.ok());
  CHECK(loaded->limits.removals_per_hour == 200);
  CHECK(loaded->limits.per_policy.Text() == "5%");
  CHECK(loaded->limits.confirm_over == 25);
  CHECK(loaded->history.max_age == Duration{400 * kMicrosPerDay});
  CHECK(loaded->history.max_bytes == 20ull << 30);
  CHECK(loaded->history.coalesce == Duration{kMicrosPerHour});
  CHECK(loaded->timezone == "UTC");
  CHECK(loaded->store_folder == folder / "data");
}

TEST_CASE_FIXTURE(WorkspaceFixture, "HistoryIsKeptInAgesSizesAndSteps") {
  for (const char* none : {"\"0\"", "0"}) {
    const auto loaded = Load(fmt::format("[history]\ncoalesce = {}\n", none));
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
    CHECK(loaded->history.coalesce == Duration{});
  }
  CHECK(Load("[history]\nmax_size = \"500MB\"\n")->history.max_bytes == 500ull << 20);
  CHECK(Problem("[history]\ncoalesce = \"25h\"\n") ==
        "rescind.toml:2:1: `coalesce` in [history] must be at most 1d");
  CHECK(Problem("[history]\ncoalesce = 3\n").find("must be a text") != std::string::npos);
  CHECK(Problem("[history]\nmax_age = \"0\"\n").find("must be a duration") != std::string::npos);
  for (const char* size : {"20", "0GB", "-1GB", "1.5GB", "GB", "2000000TB"}) {
    CHECK(
        Problem(fmt::format("[history]\nmax_size = \"{}\"\n", size)) ==
        fmt::format("rescind.toml:2:1: `max_size` in [history] must be a size such as \"500MB\" or "
                    "\"20GB\", not \"{}\"",
                    size));
  }
  CHECK(Problem("[history]\nmax_sise = \"1GB\"\n").find("did you mean `max_size`?") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(WorkspaceFixture, "WhatInitWritesLoadsWithoutWarning") {
  const auto loaded = Load(InitialWorkspaceFile("Asia/Tokyo"));
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
  CHECK(loaded->timezone == "Asia/Tokyo");
  CHECK(loaded->warnings.empty());
}

TEST_CASE_FIXTURE(WorkspaceFixture, "UnknownKeysAreErrorsWithPlaceAndSuggestion") {
  CHECK(Problem("[workspace]\n  polices = \"p\"\n") ==
        "rescind.toml:2:3: `polices` in [workspace] is unknown; did you mean `policies`?");
  CHECK(Problem("[limit]\n")
            .starts_with("rescind.toml:1:2: `limit` in the file is unknown; did "
                         "you mean `limits`?"));
  CHECK(Problem("[channel.x]\nkind = \"command\"\ncommand = [\"a\"]\nurl = \"x\"\n")
            .starts_with("rescind.toml:4:1: `url` in [channel.x] is unknown"));
  CHECK(Problem("[source.hr]\nentity = \"identity\"\nmaxage = \"1h\"\n") ==
        "rescind.toml:3:1: `maxage` in [source.hr] is unknown; did you mean `max_age`?");
}

TEST_CASE_FIXTURE(WorkspaceFixture, "WrongValuesSayWhatIsWanted") {
  CHECK(Problem("[limits]\nremovals_per_hour = \"many\"\n") ==
        "rescind.toml:2:1: `removals_per_hour` in [limits] must be an integer, not a text");
  CHECK(Problem("[limits]\nremovals_per_hour = -1\n").find("must be from 0 to") !=
        std::string::npos);
  for (const char* wrong : {"\"5\"", "\"0%\"", "\"101%\"", "\"%\"", "\".5%\"", "5.0", "-5",
                            "\"1e2%\"", "\"99999%\"", "\"\""}) {
    CAPTURE(wrong);
    CHECK(Problem(std::string("[limits]\nper_policy = ") + wrong + "\n").find("percentage") !=
          std::string::npos);
  }
  CHECK(Problem("[workspace]\ntimezone = \"Europe/Berlyn\"\n")
            .find("tz database does not know; did you mean \"Europe/Berlin\"?") !=
        std::string::npos);
  CHECK(Problem("[workspace]\ntimezone = \"Mars/Olympus_Mons\"\n")
            .find("tz database does not know; write one like") != std::string::npos);
  for (const char* wrong :
       {"\"2026-12-25\"", "[\"25.12.2026\"]", "[5]", "[2026-12-25T09:00:00Z]"}) {
    CAPTURE(wrong);
    CHECK(Problem(std::string("[workspace]\nholidays = ") + wrong + "\n")
              .find("must be a list of dates") != std::string::npos);
  }
  CHECK(Problem("[workspace]\nstore = 5\n").find("must be a text in quotes, not an integer") !=
        std::string::npos);
  CHECK(Problem("[workspace]\nstore = \"\"\n").find("must not be empty") != std::string::npos);
  CHECK(Problem("[source.hr]\nentity = \"identity\"\nmax_age = \"0h\"\n").find("duration") !=
        std::string::npos);
  CHECK(Problem("[channel.x]\nkind = \"comand\"\n").find("did you mean \"command\"?") !=
        std::string::npos);
  CHECK(Problem("[target.x]\nuri = \"y\"\n") ==
        "rescind.toml:1:1: `executor` in [target.x] is missing");
  CHECK(Problem("[target.x]\nexecutor = \"ldap\"\nwhen = 2026-01-01\n").find("date") !=
        std::string::npos);
  CHECK(Problem("target = 5\n").find("must be a table, not an integer") != std::string::npos);
  CHECK(Problem("[params]\naccess.stale.x = 1\n").find("in quotes with its module") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(WorkspaceFixture, "SeveralMistakesAreReportedAtOnce") {
  const std::string problem = Problem("[workspace]\nstor = \"x\"\n[limits]\nconfirm_over = true\n");
  CHECK(problem.find("rescind.toml:2:1") != std::string::npos);
  CHECK(problem.find("rescind.toml:4:1") != std::string::npos);
}

TEST_CASE_FIXTURE(WorkspaceFixture, "BrokenFilesAreRefusedWithAPlace") {
  CHECK(Problem("[workspace\n").starts_with("rescind.toml:1:"));
  CHECK(Problem("[workspace]\nstore = \"a\"\nstore = \"b\"\n").starts_with("rescind.toml:3:"));
  CHECK(Problem(std::string_view("\x7f"
                                 "ELF\0\0",
                                 6)) == "rescind.toml: this is a binary file, not TOML");
  CHECK(Load(std::string_view("a\0b", 3)).error().help.starts_with("save it as UTF-8 text: "));
  CHECK(Problem("x = \"\xff\xfe\"\n").starts_with("rescind.toml:1:"));
  CHECK(Problem(std::string(2 << 20, '#')).find("longer than") != std::string::npos);
  CHECK(Problem("\xEF\xBB\xBF[workspace]\r\nstore = \"x\"\r\n") == "accepted");
}

// The library's own words were shown: "Error while parsing table header: expected ']', saw '\\n'".
TEST_CASE_FIXTURE(WorkspaceFixture, "WhatIsNoTomlIsSaidInPlainWords") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"[work\nx = 1\n", "the header of a table lacks its `]`: the line ends"},
      {"[a]\n[b]\n[a]\n", "`a` stands here a second time"},
      {"x = 1\nx = 2\n", "`x` stands here a second time"},
      {"x = = 3\n", "a value cannot be read from here on"},
      {"x y = 3\n", "a setting lacks its `=`: `y` stands there"},
      {"x = [1, 2\n", "the file ends in the middle of a list"},
      {"x = \"open\n", "a text cannot be read from here on"},
      {"x = yes\n", "a value cannot be read from here on"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const std::string problem = Problem(row.text);
    CHECK(problem.substr(problem.find(": ") + 2) == row.message);
  }
}

TEST_CASE_FIXTURE(WorkspaceFixture, "ASecretInTheFileIsRefused") {
  const std::string problem =
      Problem("[target.pg]\nexecutor = \"postgres\"\npassword = \"hunter2\"\n");
  CHECK(problem.find("give `password_file`") != std::string::npos);
  CHECK(problem.find("hunter2") == std::string::npos);
}

TEST_CASE_FIXTURE(WorkspaceFixture, "ASecretThatOthersMayReadIsWarnedOf") {
  const std::string_view text =
      "[target.pg]\nexecutor = \"postgres\"\npassword_file = \"pg-password\"\n";
  Write("pg-password", "x", 0640);
  auto loaded = Load(text);
  REQUIRE(loaded.ok());
  REQUIRE(loaded->warnings.size() == 1);
  CHECK(loaded->warnings[0].Sentence().find("chmod 600 " + (folder / "pg-password")) !=
        std::string::npos);
  Write("pg-password", "x", 0600);
  CHECK(Load(text)->warnings.empty());
}

// Every command failed where HOME was a folder of somebody else.
TEST_CASE_FIXTURE(WorkspaceFixture, "AUserFileOfSomebodyElseIsPassedOverWithAWarning") {
  const std::string home = folder / "home";
  REQUIRE(mkdir(home.c_str(), 0000) == 0);
  REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
  surroundings.user_file = home + "/rescind.toml";
  Write(kWorkspaceFileName, "[workspace]\n");
  const bool is_root = geteuid() == 0;
  if (is_root) REQUIRE(seteuid(65534) == 0);
  const auto passed_over = LoadWorkspace(folder.path(), surroundings, files);
  std::swap(surroundings.user_file, surroundings.system_file);
  const auto refused = LoadWorkspace(folder.path(), surroundings, files);
  if (is_root) REQUIRE(seteuid(0) == 0);
  REQUIRE(chmod(home.c_str(), 0700) == 0);
  REQUIRE_MESSAGE(passed_over.ok(), passed_over.error().message);
  REQUIRE(passed_over->warnings.size() == 1);
  CHECK(passed_over->warnings[0].Sentence().find("cannot read " + home +
                                                 "/rescind.toml: Permission denied; "
                                                 "going on without it") == 0);
  // What the machine's owner has set is not passed over.
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::kDenied);
}

TEST_CASE_FIXTURE(WorkspaceFixture, "NearerFilesAndTheEnvironmentWin") {
  surroundings.user_file = folder / "user.toml";
  surroundings.system_file = folder / "system.toml";
  Write("system.toml",
        "[workspace]\noncall = \"system\"\n[limits]\nconfirm_over = 1\n"
        "removals_per_hour = 1\n[channel.a]\nkind = \"webhook\"\nurl = \"s\"\n"
        "[channel.b]\nkind = \"webhook\"\nurl = \"s\"\n");
  Write("user.toml",
        "[limits]\nconfirm_over = 2\nremovals_per_hour = 2\n"
        "[channel.a]\nkind = \"command\"\ncommand = [\"u\"]\n");
  auto loaded = Load("[workspace]\noncall = \"a\"\n[limits]\nconfirm_over = 3\n");
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
  CHECK(loaded->oncall == "a");
  CHECK(loaded->limits.confirm_over == 3);
  CHECK(loaded->limits.removals_per_hour == 2);
  CHECK(loaded->channels.at("a").kind == ChannelKind::kCommand);
  CHECK(loaded->channels.at("a").settings.size() == 1);
  CHECK(loaded->channels.at("b").kind == ChannelKind::kWebhook);
  surroundings.environment = {{"RESCIND_LIMITS_CONFIRM_OVER", "4"},
                              {"RESCIND_LIMITS_PER_POLICY", "7%"},
                              {"RESCIND_STORE", "elsewhere"},
                              {"RESCIND_SEED", "1"}};
  loaded = Load("[workspace]\noncall = \"a\"\n[limits]\nconfirm_over = 3\n");
  REQUIRE(loaded.ok());
  CHECK(loaded->limits.confirm_over == 4);
  CHECK(loaded->limits.per_policy.Text() == "7%");
  CHECK(loaded->store_folder == folder / "elsewhere");
  CHECK(loaded->warnings.empty());
}

TEST_CASE_FIXTURE(WorkspaceFixture, "ABadVariableNamesItself") {
  surroundings.environment = {{"RESCIND_TIMEZONE", "Mars/Base"}};
  CHECK(Problem("").starts_with("RESCIND_TIMEZONE: this environment variable is \"Mars/Base\", "));
  CHECK(Load("").error().help == "set RESCIND_TIMEZONE to another value, or unset it");
  surroundings.environment = {{"RESCIND_LIMITS_CONFIRM_OVER", "lots"}};
  CHECK(Problem("").starts_with("RESCIND_LIMITS_CONFIRM_OVER: "));
  surroundings.environment = {{"RESCIND_STOR", "x"}};
  const auto loaded = Load("");
  REQUIRE(loaded.ok());
  REQUIRE(loaded->warnings.size() == 1);
  CHECK(loaded->warnings[0].Sentence().find("did you mean RESCIND_STORE?") != std::string::npos);
}

TEST_CASE_FIXTURE(WorkspaceFixture, "TheWorkspaceIsFoundFromBelow") {
  Write(kWorkspaceFileName, "");
  REQUIRE(files.MakeDirectories(folder / "policies/deep", 0755).ok());
  CHECK(*FindWorkspaceFolder(folder / "policies/deep", files) == folder.path());
  CHECK(*FindWorkspaceFolder(folder / "policies/../policies/", files) == folder.path());
  const TemporaryFolder elsewhere;
  const auto missing = FindWorkspaceFolder(elsewhere.path(), files);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().kind == ErrorKind::kNotFound);
  CHECK(missing.error().help.find("rescind init") != std::string::npos);
}

TEST_CASE("AShareIsRoundedUpAndAtLeastOne") {
  const Share five{true, 50'000};
  CHECK(five.Of(0) == 1);
  CHECK(five.Of(1) == 1);
  CHECK(five.Of(20) == 1);
  CHECK(five.Of(21) == 2);
  CHECK(five.Of(10'000'000'000'000) == 500'000'000'000);
  CHECK(Share{false, 7}.Of(3) == 7);
  CHECK(Share{true, 1'000'000}.Of(123) == 123);
  CHECK(Share{true, 5'000}.Text() == "0.5%");
  CHECK(Share{false, 200}.Text() == "200");
}

}  // namespace
}  // namespace rescind
