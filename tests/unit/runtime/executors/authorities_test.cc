#include "runtime/executors/authorities.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "runtime/executors/ldap_session.h"
#include "runtime/executors/postgres_session.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

struct NoServer {
  TemporaryFolder folder;
  std::string file = folder / "ca.pem";

  // Nobody listens there.
  Error Ldap(const std::string& uri, bool start_tls) {
    const auto session =
        LdapSession::Open({uri, start_tls, file}, "cn=a", "x",
                          std::chrono::steady_clock::now() + std::chrono::seconds(5));
    return session.ok() ? Error() : session.error();
  }
  Error Postgres(PostgresTls tls) {
    PostgresEndpoint endpoint;
    endpoint.host = "127.0.0.1";
    endpoint.port = 1;
    endpoint.tls = tls;
    endpoint.ca_file = file;
    const auto session = PostgresSession::Open(
        endpoint, "", std::chrono::steady_clock::now() + std::chrono::seconds(5));
    return session.ok() ? Error() : session.error();
  }
  void CheckAll(const std::string& problem) {
    const std::string path = file;
    CHECK(CheckAuthorityFile(path).error().message == problem);
    for (const Error& error : {Ldap("ldaps://127.0.0.1:1", false), Ldap("ldap://127.0.0.1:1", true),
                               Postgres(PostgresTls::kVerify)}) {
      CHECK(error.kind == ErrorKind::kDenied);
      CHECK(error.message == problem);
      CHECK_FALSE(error.help.empty());
    }
    // Without TLS nobody asks for it.
    CHECK(Ldap("ldap://127.0.0.1:1", false).kind == ErrorKind::kUnavailable);
    CHECK(Postgres(PostgresTls::kOff).kind == ErrorKind::kUnavailable);
  }
};

// "The directory does not answer: check that it runs", and a FIFO was waited for.
TEST_CASE_FIXTURE(NoServer, "ABadAuthorityFileIsSaidToBeBadAndNotTheHost") {
  CheckAll("cannot read " + file + ": No such file or directory");
  std::ofstream(file) << "none";
  CheckAll(file + " holds no certificate");
  std::ofstream(file) << "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n";
  CheckAll(file + " cannot be used: its 1st certificate, in line 1, is damaged");
  REQUIRE(remove(file.c_str()) == 0);
  REQUIRE(mkfifo(file.c_str(), 0600) == 0);
  CheckAll("cannot read " + file + ": it is a FIFO, no regular file");
}

TEST_CASE("TheSystemsListIsNotLookedAt") { CHECK(CheckAuthorityFile("").ok()); }

}  // namespace
}  // namespace rescind
