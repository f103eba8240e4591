#include "runtime/executors/ldap_text.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

std::string RandomBytes(std::mt19937_64& random, const std::string& alphabet) {
  std::string text;
  for (size_t count = random() % 12; count > 0; --count) {
    text += random() % 3 == 0 ? static_cast<char>(random() % 255 + 1)
                              : alphabet[random() % alphabet.size()];
  }
  return text;
}

TEST_CASE("AnEscapedValueIsOneValueOfItsDn") {
  std::mt19937_64 random(TestSeed());
  for (int i = 0; i < 3000; ++i) {
    const std::string value = "x" + RandomBytes(random, ",+\"\\<>;=# *()u");
    CAPTURE(value);
    const std::string dn = "uid=" + EscapeDnValue(value) + ",ou=people,dc=example,dc=org";
    CHECK(DnDepth(dn) == 4);
    CHECK(IsBelow(dn, "ou=people,dc=example,dc=org"));
    CHECK(ParentDn(dn) == "ou=people,dc=example,dc=org");
  }
}

TEST_CASE("AnEscapedFilterValueHoldsNoSyntax") {
  std::mt19937_64 random(TestSeed());
  for (int i = 0; i < 3000; ++i) {
    const std::string escaped = EscapeFilterValue(RandomBytes(random, "*()\\&|!=u"));
    CAPTURE(escaped);
    for (size_t at = 0; at < escaped.size(); ++at) {
      CHECK(std::string("*()").find(escaped[at]) == std::string::npos);
      if (escaped[at] == '\\') {
        CHECK(std::isxdigit(static_cast<unsigned char>(escaped.at(at + 1))) != 0);
        CHECK(std::isxdigit(static_cast<unsigned char>(escaped.at(at + 2))) != 0);
      }
    }
  }
  CHECK(EscapeFilterValue(std::string("a\0b", 3)) == "a\\00b");
}

TEST_CASE("DnsAreComparedAsNamesNotAsText") {
  CHECK(SameDn("UID=Ann , OU=People,dc=x", "uid=ann,ou=people,dc=x"));
  CHECK(SameDn("cn=a\\2cb,dc=x", "cn=a\\,b,dc=x"));
  CHECK(SameDn("cn=a+sn=b,dc=x", "sn=b+cn=a,dc=x"));
  CHECK(!SameDn("cn=a,dc=x", "cn=a,dc=y"));
  CHECK(!SameDn("no dn", "no dn"));
  CHECK(SameDn("", ""));
}

TEST_CASE("OnlyWhatLiesBelowTheBaseIsBelow") {
  CHECK(IsBelow("uid=a,ou=p,dc=x", "dc=x"));
  CHECK(!IsBelow("dc=x", "dc=x"));
  CHECK(!IsBelow("uid=a,dc=xx", "dc=x"));
  CHECK(!IsBelow("uid=a\\,dc=x", "dc=x"));
  CHECK(!IsBelow("garbage", "dc=x"));
  CHECK(!IsBelow("uid=a,dc=x", "garbage"));
}

TEST_CASE("TheParentOfADnKeepsItsSpelling") {
  CHECK(ParentDn("uid=a\\,b,ou=People,dc=x") == "ou=People,dc=x");
  CHECK(ParentDn("dc=x") == "");
}

TEST_CASE("ATemplateTakesOnlyTheNamesItMay") {
  const std::vector<std::string> names = {"username", "id"};
  const auto good = Template::Parse("uid={username},ou={id}", names);
  REQUIRE(good.ok());
  CHECK(good->Fill({{"username", "a,b"}, {"id", "c"}}, EscapeDnValue) == "uid=a\\,b,ou=c");
  CHECK(!good->Fill({{"username", "a"}}, EscapeDnValue));
  CHECK(!good->Fill({{"username", "a"}, {"id", ""}}, EscapeDnValue));
  // A value is never read as a template.
  CHECK(good->Fill({{"username", "{id}"}, {"id", "c"}}, EscapeDnValue) == "uid={id},ou=c");
  CHECK(good->FillWith("*") == "uid=*,ou=*");
  CHECK(Template::Parse("{usrname}", names).error().message.find("did you mean {username}?") !=
        std::string::npos);
  CHECK(!Template::Parse("uid={username", names).ok());
  CHECK(!Template::Parse("uid=username}", names).ok());
  CHECK(!Template::Parse("uid={}", names).ok());
  CHECK(Template::Parse("{id}", names)->IsOnly("id"));
  CHECK(!good->IsOnly("id"));
}

TEST_CASE("TheAttributeOfATemplateIsFoundWhereItsWholeValueStands") {
  const std::vector<std::string> names = {"username"};
  const auto attribute = [&](const char* text) {
    return Template::Parse(text, names)->FirstAttribute();
  };
  CHECK(attribute("(uid={username})") == "uid");
  CHECK(attribute("(&(objectClass=person)(cn;lang-en={username}))") == "cn;lang-en");
  CHECK(attribute("(mail={username}@example.org)") == "");
  CHECK(attribute("(uid~={username})") == "");
  CHECK(attribute("(uid=x{username})") == "");
}

TEST_CASE("TimesOfDirectoriesAreRead") {
  const auto text = [](std::optional<Instant> instant) {
    return instant ? FormatInstant(*instant) : "none";
  };
  CHECK(text(ParseGeneralizedTime("20260131080000Z")) == "2026-01-31T08:00:00Z");
  CHECK(text(ParseGeneralizedTime("20260131080000.25Z")) == "2026-01-31T08:00:00.25Z");
  CHECK(text(ParseFileTime("133500000000000000")) == "2024-01-17T21:20:00Z");
  for (const char* bad : {"", "Z", "20260131080000", "20261331080000Z", "20260131080000.Z",
                          "2026013108Z", "20260131080000+0100", "000001010000Z"}) {
    CAPTURE(bad);
    CHECK(text(ParseGeneralizedTime(bad)) == "none");
  }
  for (const char* bad : {"", "0", "-1", "9223372036854775807", "12x"}) {
    CAPTURE(bad);
    CHECK(text(ParseFileTime(bad)) == "none");
  }
}

}  // namespace
}  // namespace rescind
