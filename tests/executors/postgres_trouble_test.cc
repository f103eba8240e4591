// Servers that are away, slow, distrusted, forbidding or lost in the middle: said plainly, never
// taken for success, and nothing that was or may have been done is called undone.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>

#include "tests/executors/cutting_proxy.h"
#include "tests/executors/directory_fixture.h"
#include "tests/executors/server_fixture.h"
#include "tests/executors/trouble_check.h"

namespace rescind {
namespace {

const Action kAnyRole = ServerFixture::OnAccount(Verb::kDisable, "anybody");

TEST_CASE("AServerThatIsAwayIsSaidToBeAway") {
  TestServers servers({"postgres"});
  const ServerFixture server(servers);
  auto settings = server.Settings();
  ServerFixture keeper;
  settings["password_file"] =
      keeper.SecretFile("password", ReadFile(servers["postgres_password_file"]));
  servers.Stop();
  CheckTrouble(*ServerFixture::Make(settings), kAnyRole, ErrorKind::kUnavailable,
               "does not answer");
}

TEST_CASE("AServerThatHangsIsGivenUpInTime") {
  const TestServers servers({"postgres"});
  ServerFixture server(servers);
  auto settings = server.Settings();
  settings["timeout"] = std::string("500ms");
  const HangingServer hanging(servers, "postgres");
  const auto began = std::chrono::steady_clock::now();
  CheckTrouble(*ServerFixture::Make(settings), kAnyRole, ErrorKind::kUnavailable,
               "no answer within the time limit");
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
}

TEST_CASE("AWrongPasswordIsSaidPlainlyWithoutShowingIt") {
  CheckWrongPassword<ServerFixture>("password_file", kAnyRole, "refuses the log-in of admin");
  CheckWrongPassword<ServerFixture>("password_file", kAnyRole, "28P01");
}

size_t RefusalsIn(const std::string& log) {
  size_t count = 0;
  constexpr std::string_view kRefusal = "password authentication failed for user \"admin\"";
  for (size_t at = log.find(kRefusal); at != log.npos; at = log.find(kRefusal, at + 1)) ++count;
  return count;
}

// The server counted two attempts for each of ours: with TLS, and without.
TEST_CASE("AWrongPasswordIsShownToTheServerOnce") {
  const TestServers servers({"postgres"});
  ServerFixture server(servers);
  auto settings = server.Settings();
  settings["password_file"] = server.SecretFile("wrong", "not-the-password");
  const std::string log = servers["folder"] + "/postgres.log";
  const size_t before = RefusalsIn(ReadFile(log));
  CHECK(!ServerFixture::Make(settings)->Observe(kAnyRole).ok());
  CHECK(RefusalsIn(ReadFile(log)) == before + 1);
}

TEST_CASE("AHostThatNobodyKnowsIsSaidToBeUnknown") {
  ServerFixture server;
  auto settings = server.Settings();
  settings["host"] = std::string("nowhere.invalid");
  settings["tls"] = std::string("verify");
  const auto executor = ServerFixture::Make(settings);
  CheckTrouble(*executor, kAnyRole, ErrorKind::kUnavailable, "nowhere.invalid");
  CHECK(Holds(executor->Observe(kAnyRole).error().help, "mend `host` in rescind.toml"));
}

TEST_CASE("APasswordFileThatIsMissingOrOpenToAllIsRefusedBeforeConnecting") {
  CheckUnusablePasswordFiles<ServerFixture>("password_file", kAnyRole);
}

TEST_CASE("ADatabaseThatDoesNotExistIsSaidToBeMissing") {
  ServerFixture server;
  auto settings = server.Settings();
  settings["database"] = std::string("nowhere dbname=postgres");
  CheckTrouble(*ServerFixture::Make(settings), kAnyRole, ErrorKind::kDenied,
               "cannot enter the database");
}

TEST_CASE("TlsWorksWithTheRightAuthorityAndNoOther") {
  ServerFixture server;
  const std::string name = "tls" + Unique();
  server.AddRole(name);
  const Action action = ServerFixture::OnAccount(Verb::kDisable, name);
  const TestServers& servers = server.servers();
  auto settings = server.Settings();
  settings["tls"] = std::string("verify");
  settings["ca_file"] = servers["ca_file"];
  CHECK(MustObserve(*ServerFixture::Make(settings), action).exists);
  // The certificate is for 127.0.0.1 only.
  auto other_name = settings;
  other_name["host"] = std::string("localhost");
  CheckTrouble(*ServerFixture::Make(other_name), action, ErrorKind::kDenied,
               "no TLS connection with");
  settings["ca_file"] = servers["other_ca_file"];
  CheckTrouble(*ServerFixture::Make(settings), action, ErrorKind::kDenied,
               "no TLS connection with");
  settings.erase("ca_file");
  CheckTrouble(*ServerFixture::Make(settings), action, ErrorKind::kDenied,
               "no TLS connection with");
  settings["ca_file"] = std::string("/nowhere/ca.pem");
  CheckTrouble(*ServerFixture::Make(settings), action, ErrorKind::kDenied,
               "cannot read /nowhere/ca.pem: No such file or directory");
}

TEST_CASE("AUnixSocketWorks") {
  ServerFixture server;
  const std::string name = "socket" + Unique();
  server.AddRole(name);
  auto settings = server.Settings();
  settings["host"] = server.servers()["postgres_socket_folder"];
  CHECK(MustObserve(*ServerFixture::Make(settings), ServerFixture::OnAccount(Verb::kDisable, name))
            .exists);
}

TEST_CASE("AUserWithoutTheRightIsToldSoAndMayTryAgain") {
  ServerFixture server;
  const std::string number = Unique();
  const std::string clerk = "clerk" + number;
  const std::string ann = "ann" + number;
  server.AddRole(clerk);
  server.AddRole(ann);
  const auto session = server.OpenSession(ann);
  auto settings = server.Settings();
  settings["user"] = clerk;
  settings["password_file"] = server.SecretFile("clerk", "secret-" + clerk);
  const auto executor = ServerFixture::Make(settings);
  const Action disable = ServerFixture::OnAccount(Verb::kDisable, ann);
  const ApplyResult applied = ObserveAndApply(*executor, disable);
  CHECK(applied.outcome == ApplyOutcome::kTransient);
  CHECK_MESSAGE(Holds(applied.detail, "42501"), applied.detail);
  CHECK(ObserveAndApply(*executor, ServerFixture::OnAccount(Verb::kEnd, ann)).outcome ==
        ApplyOutcome::kTransient);
  CHECK(session->IsAlive());
  const auto password = executor->Observe(ServerFixture::OnPassword(ann));
  REQUIRE(!password.ok());
  CHECK(password.error().kind == ErrorKind::kDenied);
  // It cannot see when a session began, so it could end another one.
  const auto named = executor->Observe(ServerFixture::OnSession(ann, server.BackendOf(*session)));
  REQUIRE(!named.ok());
  CHECK(named.error().kind == ErrorKind::kDenied);
  CHECK(server.CanLogIn(ann));
}

struct CutAt {
  const char* word;
  Cut cut;
  bool has_effect;
};

TEST_CASE("AConnectionLostInTheMiddleIsUnknownWhateverHappened") {
  ServerFixture server;
  const auto port = static_cast<uint16_t>(std::stoi(server.servers()["postgres_port"]));
  const CutAt cuts[] = {{"ALTER ROLE", Cut::kBefore, false}, {"ALTER ROLE", Cut::kAfter, false},
                        {"COMMIT", Cut::kBefore, false},     {"COMMIT", Cut::kAfter, true},
                        {"COMMIT", Cut::kSilence, true},     {"ALTER ROLE", Cut::kSilence, false}};
  for (const CutAt& at : cuts) {
    CAPTURE(at.word);
    CAPTURE(static_cast<int>(at.cut));
    const std::string name = "ann" + Unique();
    server.AddRole(name);
    const Action action = ServerFixture::OnAccount(Verb::kDisable, name);
    const TargetState before = MustObserve(*server.Make(), action);
    const CuttingProxy proxy(port, at.word, at.cut);
    auto settings = server.Settings();
    settings["port"] = static_cast<int64_t>(proxy.port());
    settings["tls"] = std::string("off");
    if (at.cut == Cut::kSilence) settings["timeout"] = std::string("400ms");
    const ApplyResult applied = ServerFixture::Make(settings)->Apply(action, before.digest, 1);
    CHECK(proxy.has_cut());
    CHECK_MESSAGE(applied.outcome == ApplyOutcome::kUnknown, applied.detail);
    // Observing tells what really happened, and a second attempt has one effect in all.
    const auto executor = server.Make();
    const TargetState after = MustObserve(*executor, action);
    CHECK(after.in_wanted_state == at.has_effect);
    CHECK(executor->Apply(action, before.digest, 1).outcome ==
          (at.has_effect ? ApplyOutcome::kAlready : ApplyOutcome::kApplied));
    CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
    CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
  }
}

TEST_CASE("AStatementThatTheServerStopsIsUnknownAndHasNoEffect") {
  ServerFixture server;
  const std::string number = Unique();
  const std::string ann = "ann" + number;
  server.AddRole(ann);
  server.Sql("CREATE TABLE slow" + number + " (x int); GRANT SELECT ON slow" + number + " TO " +
             ann + "; CREATE FUNCTION nap" + number +
             "() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(5); END$$; "
             "CREATE EVENT TRIGGER nap" +
             number + " ON ddl_command_end WHEN TAG IN ('REVOKE') EXECUTE FUNCTION nap" + number +
             "()");
  auto settings = server.Settings();
  settings["statement_timeout"] = std::string("200ms");
  const auto executor = ServerFixture::Make(settings);
  const Action action = ServerFixture::OnGrant(ann, "table:public.slow" + number + ":SELECT");
  const ApplyResult applied = ObserveAndApply(*executor, action);
  server.Sql("DROP EVENT TRIGGER nap" + number);
  CHECK_MESSAGE(applied.outcome == ApplyOutcome::kUnknown, applied.detail);
  CHECK(Holds(applied.detail, "57014"));
  CHECK(!MustObserve(*executor, action).in_wanted_state);
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
}

TEST_CASE("ATargetThatSomebodyElseHoldsIsWorthARetry") {
  ServerFixture server;
  const std::string ann = "ann" + Unique();
  server.AddRole(ann);
  server.AddRole(ann + "boss", "LOGIN SUPERUSER");
  const auto boss = server.OpenSession(ann + "boss");
  boss->Run("BEGIN; ALTER ROLE " + ann + " CONNECTION LIMIT 5");
  auto settings = server.Settings();
  settings["statement_timeout"] = std::string("300ms");
  const auto executor = ServerFixture::Make(settings);
  const Action action = ServerFixture::OnAccount(Verb::kDisable, ann);
  const ApplyResult applied = ObserveAndApply(*executor, action);
  const bool may_try_again =
      applied.outcome == ApplyOutcome::kTransient || applied.outcome == ApplyOutcome::kUnknown;
  CHECK_MESSAGE(may_try_again, applied.detail);
  CHECK(server.CanLogIn(ann));
  boss->Run("COMMIT");
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
}

TEST_CASE("AProbeThatReachesNobodyProvesNothing") {
  ServerFixture server;
  const std::string ann = "ann" + Unique();
  server.AddRole(ann, "NOLOGIN");
  const std::string open = server.SecretFile("probes/" + ann, "x");
  REQUIRE(chmod(open.c_str(), 0644) == 0);
  const VerifyResult verified =
      server.Make()->Verify(ServerFixture::OnAccount(Verb::kDisable, ann));
  CHECK(verified.outcome == VerifyOutcome::kCannotTell);
}

}  // namespace
}  // namespace rescind
