#include "runtime/executors/postgres_config.h"

#include <doctest/doctest.h>

#include "runtime/executors/registry.h"

namespace rescind {
namespace {

ExecutorSettings Good() {
  return {{"host", std::string("crm.example.org")},
          {"user", std::string("rescind")},
          {"password_file", std::string("secrets/crm")}};
}

ExecutorSettings With(const std::string& key, const SettingValue& value) {
  auto settings = Good();
  settings[key] = value;
  return settings;
}

PostgresConfig MustRead(const ExecutorSettings& settings) {
  auto config = PostgresConfig::Read("crm", settings, "/ws");
  REQUIRE_MESSAGE(config.ok(), (config.ok() ? "" : config.error().message));
  return std::move(config).value();
}

std::string Mistake(const ExecutorSettings& settings) {
  const auto config = PostgresConfig::Read("crm", settings, "/ws");
  REQUIRE(!config.ok());
  CHECK(config.error().kind == ErrorKind::kInvalidInput);
  return config.error().message;
}

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("TheShortestPostgresTargetWorks") {
  const PostgresConfig config = MustRead(Good());
  CHECK(config.password_file == "/ws/secrets/crm");
  CHECK(config.endpoint.port == 5432);
  CHECK(config.endpoint.database == "postgres");
  CHECK(config.password_way == PostgresPasswordWay::kRemove);
  CHECK(config.time_limit == std::chrono::seconds(30));
  CHECK(config.reassign_to.empty());
}

TEST_CASE("TheCertificateIsVerifiedUnlessTheConnectionStaysOnThisMachine") {
  const auto tls_for = [](const char* host) {
    return MustRead(With("host", std::string(host))).endpoint.tls;
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
  auto local = With("host", std::string("127.0.0.1"));
  local["ca_file"] = std::string("ca.pem");
  CHECK(MustRead(local).endpoint.tls == PostgresTls::kVerify);
  CHECK(MustRead(With("tls", std::string("off"))).endpoint.tls == PostgresTls::kOff);
}

TEST_CASE("EveryWrongPostgresSettingIsSaid") {
  CHECK(Holds(Mistake({}), "`host` is missing"));
  CHECK(Holds(Mistake({}), "`user` is missing"));
  auto open = Good();
  open.erase("password_file");
  CHECK(Holds(Mistake(open), "`password_file` is missing"));
  open["host"] = std::string("/run/postgresql");
  CHECK(MustRead(open).password_file.empty());
  CHECK(Holds(Mistake(With("port", int64_t{70000})), "`port`"));
  CHECK(Holds(Mistake(With("tls", std::string("verfy"))), "did you mean \"verify\"?"));
  CHECK(Holds(Mistake(With("password", std::string("delete"))), "`password`"));
  CHECK(Holds(Mistake(With("dbname", std::string("x"))), "`dbname`"));
  CHECK(Holds(Mistake(With("reasign_to", std::string("x"))), "did you mean `reassign_to`?"));
  auto both = With("tls", std::string("off"));
  both["ca_file"] = std::string("ca.pem");
  CHECK(Holds(Mistake(both), "give one of them"));
}

TEST_CASE("ThePostgresKindSaysWhatItCanUndo") {
  for (const char* way : {"remove", "expire"}) {
    const auto executor = MakeExecutor("postgres", "crm", With("password", std::string(way)), "/");
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
