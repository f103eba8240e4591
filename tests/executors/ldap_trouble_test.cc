// Servers that are away, slow, distrusted or forbidding: said plainly, and the action stays
// retryable.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/executors/directory_fixture.h"
#include "tests/executors/trouble_check.h"

namespace rescind {
namespace {

const Action kAnyAccount = DirectoryFixture::OnAccount(Verb::kDisable, "anybody");

TEST_CASE("ADirectoryThatIsAwayIsSaidToBeAway") {
  TestServers servers({"ldap"});
  const DirectoryFixture directory("example", servers);
  const auto settings = directory.Settings();
  std::string password = ReadFile(servers["ldap_password_file"]);
  DirectoryFixture keeper;
  auto away = settings;
  away["bind_password_file"] = keeper.SecretFile("password", password);
  auto away_tls = away;
  away_tls["uri"] = servers["ldap_tls_uri"];
  servers.Stop();
  CheckTrouble(*DirectoryFixture::Make(away), kAnyAccount, ErrorKind::kUnavailable,
               "does not answer");
  CheckTrouble(*DirectoryFixture::Make(away_tls), kAnyAccount, ErrorKind::kUnavailable,
               "does not answer");
}

// "Can't contact LDAP server", as of one that is switched off.
TEST_CASE("AHostThatNobodyKnowsIsSaidToBeUnknown") {
  DirectoryFixture directory;
  auto settings = directory.Settings();
  settings["ca_file"] = directory.servers()["ca_file"];
  for (const char* tls : {"auto", "starttls"}) {
    CAPTURE(tls);
    settings["tls"] = std::string(tls);
    settings["uri"] = std::string("ldap://nowhere.invalid:389");
    const auto executor = DirectoryFixture::Make(settings);
    CheckTrouble(*executor, kAnyAccount, ErrorKind::kUnavailable,
                 "the host of the directory ldap://nowhere.invalid:389 is not known: "
                 "nowhere.invalid: ");
    CHECK(Holds(executor->Observe(kAnyAccount).error().help, "mend `uri` in rescind.toml"));
  }
}

TEST_CASE("ADirectoryThatHangsIsGivenUpInTime") {
  const TestServers servers({"ldap"});
  DirectoryFixture directory("example", servers);
  directory.AddPerson("ann");
  auto settings = directory.Settings();
  settings["timeout"] = std::string("500ms");
  settings["ca_file"] = servers["ca_file"];
  const HangingServer hanging(servers, "ldap");
  for (const std::string& uri : {servers["ldap_uri"], servers["ldap_tls_uri"]}) {
    for (const char* tls : {"auto", "starttls"}) {
      if (uri.starts_with("ldaps") && std::string(tls) == "starttls") continue;
      CAPTURE(uri);
      CAPTURE(tls);
      settings["uri"] = uri;
      settings["tls"] = std::string(tls);
      const auto executor = DirectoryFixture::Make(settings);
      const auto began = std::chrono::steady_clock::now();
      const auto state = executor->Observe(DirectoryFixture::OnAccount(Verb::kDisable, "ann"));
      CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
      REQUIRE(!state.ok());
      CHECK(state.error().kind == ErrorKind::kUnavailable);
      CHECK(Holds(state.error().message, "no answer within the time limit"));
    }
  }
}

TEST_CASE("AWrongPasswordIsSaidPlainlyWithoutShowingIt") {
  CheckWrongPassword<DirectoryFixture>(
      "bind_password_file", kAnyAccount,
      "refuses the log-in of cn=admin,dc=example,dc=org: Invalid credentials (49)");
}

TEST_CASE("APasswordFileThatIsMissingOrOpenToAllIsRefusedBeforeConnecting") {
  CheckUnusablePasswordFiles<DirectoryFixture>("bind_password_file", kAnyAccount);
}

TEST_CASE("TlsWorksWithTheRightAuthorityAndNoOther") {
  DirectoryFixture directory;
  const std::string name = "tls" + Unique();
  directory.AddPerson(name);
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, name);
  const TestServers& servers = directory.servers();
  for (const char* name_of_uri : {"ldap_tls_uri", "ldap_uri"}) {
    CAPTURE(name_of_uri);
    auto settings = directory.Settings();
    settings["uri"] = servers[name_of_uri];
    if (std::string(name_of_uri) == "ldap_uri") settings["tls"] = std::string("starttls");
    settings["ca_file"] = servers["ca_file"];
    CHECK(MustObserve(*DirectoryFixture::Make(settings), action).exists);

    settings["ca_file"] = servers["other_ca_file"];
    CheckTrouble(*DirectoryFixture::Make(settings), action, ErrorKind::kDenied,
                 "no TLS connection with");
    settings.erase("ca_file");
    CheckTrouble(*DirectoryFixture::Make(settings), action, ErrorKind::kDenied,
                 "no TLS connection with");
    settings["ca_file"] = std::string("/nowhere/ca.pem");
    CheckTrouble(*DirectoryFixture::Make(settings), action, ErrorKind::kDenied,
                 "cannot read /nowhere/ca.pem: No such file or directory");
    // The certificate is for 127.0.0.1 only.
    settings["ca_file"] = servers["ca_file"];
    std::string other_host = servers[name_of_uri];
    other_host.replace(other_host.find("127.0.0.1"), 9, "localhost");
    settings["uri"] = other_host;
    CheckTrouble(*DirectoryFixture::Make(settings), action, ErrorKind::kDenied,
                 "no TLS connection with");
  }
}

TEST_CASE("AMissingRightIsSaidAndNothingIsClaimed") {
  DirectoryFixture directory;
  const std::string name = "guarded" + Unique();
  const std::string dn = directory.AddPerson(name);
  const std::string reader = "reader" + Unique();
  auto settings = directory.Settings();
  settings["bind_dn"] = directory.AddPerson(reader);
  settings["bind_password_file"] = directory.SecretFile("reader", "secret-" + reader);
  const auto executor = DirectoryFixture::Make(settings);
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, name);
  const ApplyResult refused = ObserveAndApply(*executor, action);
  CHECK(refused.outcome == ApplyOutcome::kTransient);
  CHECK(Holds(refused.detail, "Insufficient access (50)"));
  CHECK(directory.CanBind(dn, "secret-" + name));
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kStillEffective);
}

TEST_CASE("ASecondAddressServesWhenTheFirstIsAway") {
  DirectoryFixture directory;
  const std::string name = "second" + Unique();
  directory.AddPerson(name);
  auto settings = directory.Settings();
  settings["uri"] = "ldap://127.0.0.1:1 " + directory.servers()["ldap_uri"];
  CHECK(MustObserve(*DirectoryFixture::Make(settings),
                    DirectoryFixture::OnAccount(Verb::kDisable, name))
            .exists);
}

TEST_CASE("AVerbThatADirectoryCannotDoIsUnsupported") {
  DirectoryFixture directory;
  Action action = DirectoryFixture::OnAccount(Verb::kEnd, "ann");
  action.target.entity = "session";
  const auto executor = directory.Make();
  CHECK(executor->Observe(action).error().kind == ErrorKind::kUnsupported);
  CHECK(executor->Apply(action, "", 1).outcome == ApplyOutcome::kPermanent);
}

}  // namespace
}  // namespace rescind
