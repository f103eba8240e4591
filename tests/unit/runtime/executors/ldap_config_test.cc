#include "runtime/executors/ldap_config.h"

#include <doctest/doctest.h>

#include "runtime/executors/loopback.h"

namespace rescind {
namespace {

ExecutorSettings Good() {
  return {{"uri", std::string("ldap://127.0.0.1:3890")},
          {"bind_dn", std::string("cn=admin,dc=example,dc=org")},
          {"bind_password_file", std::string("secrets/ldap")}};
}

ExecutorSettings With(const std::string& key, const SettingValue& value) {
  auto settings = Good();
  settings[key] = value;
  return settings;
}

LdapConfig MustRead(const ExecutorSettings& settings) {
  auto config = LdapConfig::Read("corp", settings, "/ws");
  REQUIRE_MESSAGE(config.ok(), (config.ok() ? "" : config.error().message));
  return std::move(config).value();
}

std::string Mistake(const ExecutorSettings& settings) {
  const auto config = LdapConfig::Read("corp", settings, "/ws");
  REQUIRE(!config.ok());
  CHECK(config.error().kind == ErrorKind::kInvalidInput);
  return config.error().message;
}

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("TheShortestTargetWorks") {
  const LdapConfig config = MustRead(Good());
  CHECK(config.bind_password_file == "/ws/secrets/ldap");
  CHECK(config.account.filter->text() == "(uid={username})");
  CHECK(config.nested_groups);
  CHECK(!config.endpoint.start_tls);
}

TEST_CASE("APasswordCrossesNoNetworkInClearUnlessAskedTo") {
  const auto starts_tls = [](const char* uri) {
    return MustRead(With("uri", std::string(uri))).endpoint.start_tls;
  };
  CHECK(starts_tls("ldap://ldap.example.org"));
  CHECK(starts_tls("ldap://127.0.0.1 ldap://ldap.example.org"));
  CHECK(starts_tls("ldap://127.0.0.1.example.org"));
  CHECK(!starts_tls("ldap://localhost:3890"));
  CHECK(!starts_tls("ldap://[::1]:3890"));
  CHECK(!starts_tls("ldaps://ldap.example.org"));
  auto plain = With("uri", std::string("ldap://ldap.example.org"));
  plain["tls"] = std::string("off");
  CHECK(!MustRead(plain).endpoint.start_tls);
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
  CHECK(Holds(Mistake({}), "`uri` is missing"));
  CHECK(Holds(Mistake(With("uri", std::string("http://x"))), "which is not written as ldaps://"));
  CHECK(Holds(Mistake(With("uri", std::string("ldap://a ldaps://b"))), "must not mix"));
  CHECK(Holds(Mistake(With("bind_dn", std::string("admin"))), "is no distinguished name"));
  CHECK(Holds(Mistake(With("account_dn", std::string("uid=ann,dc=x"))), "names one entry for all"));
  CHECK(Holds(Mistake(With("account_dn", std::string("{username}"))), "is no distinguished name"));
  CHECK(Holds(Mistake(With("account_dn", std::string("uid={user},dc=x"))), "has no value for"));
  CHECK(Holds(Mistake(With("account_filter", std::string("uid={username}"))), "in parentheses"));
  CHECK(Holds(Mistake(With("disable", std::string("attribute"))), "needs `disable_attribute`"));
  CHECK(Holds(Mistake(With("disable", std::string("ppolciy"))), "did you mean \"ppolicy\"?"));
  CHECK(Holds(Mistake(With("disable_attribute", std::string("x"))), "is only for"));
  auto both = With("account_dn", std::string("uid={username},dc=x"));
  both["account_filter"] = std::string("(uid={username})");
  CHECK(Holds(Mistake(both), "two ways of saying the same"));
  auto tls = With("uri", std::string("ldaps://x"));
  tls["tls"] = std::string("off");
  CHECK(Holds(Mistake(tls), "cannot be \"off\""));
  CHECK(Holds(Mistake(With("groupdn", std::string("x"))), "did you mean `group_dn`?"));
}

}  // namespace
}  // namespace rescind
