#include "runtime/executors/postgres_config.h"

#include <doctest/doctest.h>

#include "runtime/executors/registry.h"
#include "tests/support/holds.h"

namespace rescind {
namespace {

ExecutorSettings GoodPostgres() {
  return {{"host", std::string("crm.example.org")},
          {"user", std::string("rescind")},
          {"password_file", std::string("secrets/crm")}};
}

ExecutorSettings PostgresWith(const std::string& key, const SettingValue& value) {
  auto settings = GoodPostgres();
  settings[key] = value;
  return settings;
}

PostgresConfig ReadPostgres(const ExecutorSettings& settings) {
  auto config = PostgresConfig::Read("crm", settings, "/ws");
  REQUIRE_MESSAGE(config.ok(), (config.ok() ? "" : config.error().message));
  return std::move(config).value();
}

std::string PostgresMistake(const ExecutorSettings& settings) {
  const auto config = PostgresConfig::Read("crm", settings, "/ws");
  REQUIRE(!config.ok());
  CHECK(config.error().kind == ErrorKind::kInvalidInput);
  return config.error().message;
}

TEST_CASE("TheShortestPostgresTargetWorks") {
  const PostgresConfig config = ReadPostgres(GoodPostgres());
  CHECK(config.password_file == "/ws/secrets/crm");
  CHECK(config.endpoint.port == 5432);
  CHECK(config.endpoint.database == "postgres");
  CHECK(config.password_way == PostgresPasswordWay::kRemove);
  CHECK(config.time_limit == std::chrono::seconds(30));
  CHECK(config.reassign_to.empty());
}

TEST_CASE("TheCertificateIsVerifiedUnlessTheConnectionStaysOnThisMachine") {
  const auto tls_for = [](const char* host) {
    return ReadPostgres(PostgresWith("host", std::string(host))).endpoint.tls;
  };
  for (const char* host : {"crm.example.org", "10.0.0.1", "127.0.0.1,crm.example.org",
                           "127.0.0.1.example.org", "/run/postgresql,crm"}) {
    CAPTURE(host);
    CHECK(tls_for(host) == PostgresTls::kVerify);
  }
  for (const char* host : {"localhost", "127.0.0.1", "::1", "/run/postgresql"}) {
    CAPTURE(host);
    CHECK(tls_for(host) == PostgresTls::kIfOffered);
  }
  auto local = PostgresWith("host", std::string("127.0.0.1"));
  local["ca_file"] = std::string("ca.pem");
  CHECK(ReadPostgres(local).endpoint.tls == PostgresTls::kVerify);
  CHECK(ReadPostgres(PostgresWith("tls", std::string("off"))).endpoint.tls == PostgresTls::kOff);
}

TEST_CASE("EveryWrongPostgresSettingIsSaid") {
  CHECK(Holds(PostgresMistake({}), "`host` is missing"));
  CHECK(Holds(PostgresMistake({}), "`user` is missing"));
  auto open = GoodPostgres();
  open.erase("password_file");
  CHECK(Holds(PostgresMistake(open), "`password_file` is missing"));
  open["host"] = std::string("/run/postgresql");
  CHECK(ReadPostgres(open).password_file.empty());
  CHECK(Holds(PostgresMistake(PostgresWith("port", int64_t{70000})), "`port`"));
  CHECK(Holds(PostgresMistake(PostgresWith("tls", std::string("verfy"))),
              "did you mean \"verify\"?"));
  CHECK(Holds(PostgresMistake(PostgresWith("password", std::string("delete"))), "`password`"));
  CHECK(Holds(PostgresMistake(PostgresWith("dbname", std::string("x"))), "`dbname`"));
  CHECK(Holds(PostgresMistake(PostgresWith("reasign_to", std::string("x"))),
              "did you mean `reassign_to`?"));
  auto both = PostgresWith("tls", std::string("off"));
  both["ca_file"] = std::string("ca.pem");
  CHECK(Holds(PostgresMistake(both), "give one of them"));
}

TEST_CASE("ThePostgresKindSaysWhatItCanUndo") {
  for (const char* way : {"remove", "expire"}) {
    const auto executor =
        MakeExecutor("postgres", "crm", PostgresWith("password", std::string(way)), "/");
    REQUIRE(executor.ok());
    const ExecutorDescription description = (*executor)->Describe();
    CHECK(description.kind == "postgres");
    for (const Capability& capability : description.capabilities) {
      CAPTURE(capability.entity);
      const bool goes_for_good =
          capability.verb == Verb::kDelete || capability.verb == Verb::kEnd ||
          (capability.entity == "credential" && std::string(way) == "remove");
      CHECK(capability.reversible == !goes_for_good);
      CHECK(!capability.verified_by.empty());
    }
  }
}

}  // namespace
}  // namespace rescind
