#include "runtime/executors/ldap_config.h"

#include <doctest/doctest.h>

#include "runtime/executors/loopback.h"
#include "tests/support/holds.h"

namespace rescind {
namespace {

ExecutorSettings GoodLdap() {
  return {{"uri", std::string("ldap://127.0.0.1:3890")},
          {"bind_dn", std::string("cn=admin,dc=example,dc=org")},
          {"bind_password_file", std::string("secrets/ldap")}};
}

ExecutorSettings LdapWith(const std::string& key, const SettingValue& value) {
  auto settings = GoodLdap();
  settings[key] = value;
  return settings;
}

LdapConfig ReadLdap(const ExecutorSettings& settings) {
  auto config = LdapConfig::Read("corp", settings, "/ws");
  REQUIRE_MESSAGE(config.ok(), (config.ok() ? "" : config.error().message));
  return std::move(config).value();
}

std::string LdapMistake(const ExecutorSettings& settings) {
  const auto config = LdapConfig::Read("corp", settings, "/ws");
  REQUIRE(!config.ok());
  CHECK(config.error().kind == ErrorKind::kInvalidInput);
  return config.error().message;
}

TEST_CASE("TheShortestTargetWorks") {
  const LdapConfig config = ReadLdap(GoodLdap());
  CHECK(config.bind_password_file == "/ws/secrets/ldap");
  CHECK(config.account.filter->text() == "(uid={username})");
  CHECK(config.nested_groups);
  CHECK(!config.endpoint.start_tls);
}

TEST_CASE("APasswordCrossesNoNetworkInClearUnlessAskedTo") {
  const auto starts_tls = [](const char* uri) {
    return ReadLdap(LdapWith("uri", std::string(uri))).endpoint.start_tls;
  };
  CHECK(starts_tls("ldap://ldap.example.org"));
  CHECK(starts_tls("ldap://127.0.0.1 ldap://ldap.example.org"));
  CHECK(starts_tls("ldap://127.0.0.1.example.org"));
  CHECK(!starts_tls("ldap://localhost:3890"));
  CHECK(!starts_tls("ldap://[::1]:3890"));
  CHECK(!starts_tls("ldaps://ldap.example.org"));
  auto plain = LdapWith("uri", std::string("ldap://ldap.example.org"));
  plain["tls"] = std::string("off");
  CHECK(!ReadLdap(plain).endpoint.start_tls);
}

TEST_CASE("OnlyThisMachineIsLoopback") {
  for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", ""}) {
    CAPTURE(host);
    CHECK(IsLoopbackHost(host));
  }
  for (const char* host : {"localhost.example.org", "128.0.0.1", "127.1", "::2", "0.0.0.0"}) {
    CAPTURE(host);
    CHECK(!IsLoopbackHost(host));
  }
}

TEST_CASE("EveryWrongSettingIsSaid") {
  CHECK(Holds(LdapMistake({}), "`uri` is missing"));
  CHECK(Holds(LdapMistake(LdapWith("uri", std::string("http://x"))),
              "which is not written as ldaps://"));
  CHECK(Holds(LdapMistake(LdapWith("uri", std::string("ldap://a ldaps://b"))), "must not mix"));
  CHECK(Holds(LdapMistake(LdapWith("bind_dn", std::string("admin"))), "is no distinguished name"));
  CHECK(Holds(LdapMistake(LdapWith("account_dn", std::string("uid=ann,dc=x"))),
              "names one entry for all"));
  CHECK(Holds(LdapMistake(LdapWith("account_dn", std::string("{username}"))),
              "is no distinguished name"));
  CHECK(Holds(LdapMistake(LdapWith("account_dn", std::string("uid={user},dc=x"))),
              "has no value for"));
  CHECK(Holds(LdapMistake(LdapWith("account_filter", std::string("uid={username}"))),
              "in parentheses"));
  CHECK(Holds(LdapMistake(LdapWith("disable", std::string("attribute"))),
              "needs `disable_attribute`"));
  CHECK(
      Holds(LdapMistake(LdapWith("disable", std::string("ppolciy"))), "did you mean \"ppolicy\"?"));
  CHECK(Holds(LdapMistake(LdapWith("disable_attribute", std::string("x"))), "is only for"));
  auto both = LdapWith("account_dn", std::string("uid={username},dc=x"));
  both["account_filter"] = std::string("(uid={username})");
  CHECK(Holds(LdapMistake(both), "two ways of saying the same"));
  auto tls = LdapWith("uri", std::string("ldaps://x"));
  tls["tls"] = std::string("off");
  CHECK(Holds(LdapMistake(tls), "cannot be \"off\""));
  CHECK(Holds(LdapMistake(LdapWith("groupdn", std::string("x"))), "did you mean `group_dn`?"));
}

}  // namespace
}  // namespace rescind
