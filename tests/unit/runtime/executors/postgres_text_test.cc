#include "runtime/executors/postgres_text.h"

#include <doctest/doctest.h>

#include <random>

#include "runtime/executors/postgres_session.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

// What the server reads back from a quoted name; empty when it would read more or less than one.
std::string Unquoted(const std::string& text, char quote) {
  if (text.size() < 2 || text.front() != quote || text.back() != quote) return "";
  std::string name;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == quote) {
      ++i;
      if (i + 1 >= text.size() || text[i] != quote) return "";
    }
    name += text[i];
  }
  return name;
}

TEST_CASE("AQuotedNameIsReadBackAsThatNameAndNothingMore") {
  CHECK(QuoteIdentifier("ann") == "\"ann\"");
  CHECK(QuoteIdentifier("\";DROP ROLE admin;--") == "\"\"\";DROP ROLE admin;--\"");
  CHECK(QuoteLiteral("it's \\") == "'it''s \\'");
  std::mt19937_64 random(TestSeed());
  const std::string alphabet = "a\"';-\\ \n\xc3\xa4$";
  for (int turn = 0; turn < 20'000; ++turn) {
    std::string name;
    for (size_t i = 0; i < 1 + random() % 12; ++i) name += alphabet[random() % alphabet.size()];
    CAPTURE(name);
    REQUIRE(Unquoted(QuoteIdentifier(name), '"') == name);
    REQUIRE(Unquoted(QuoteLiteral(name), '\'') == name);
  }
}

TEST_CASE("WhatNoRoleCanBeCalledIsNoName") {
  CHECK(!IsPostgresName(""));
  CHECK(!IsPostgresName(std::string("a\0b", 3)));
  CHECK(IsPostgresName("\n"));
}

PostgresEntitlement MustParse(std::string_view text) {
  auto entitlement = ParsePostgresEntitlement(text);
  REQUIRE_MESSAGE(entitlement.ok(), (entitlement.ok() ? "" : entitlement.error().message));
  return std::move(entitlement).value();
}

TEST_CASE("ANameWithoutAKindIsARole") {
  for (const char* text : {"analysts", "role:analysts"}) {
    const PostgresEntitlement entitlement = MustParse(text);
    CHECK(entitlement.kind == PostgresObjectKind::kRole);
    CHECK(entitlement.name == "analysts");
    CHECK(entitlement.privileges.empty());
  }
  CHECK(MustParse("role:table:a.b:SELECT").name == "table:a.b:SELECT");
  CHECK(MustParse("team: a.b").name == "team: a.b");
  CHECK(MustParse("tables").kind == PostgresObjectKind::kRole);
}

TEST_CASE("AnObjectPrivilegeIsReadWithItsNamesAsTheyAre") {
  const PostgresEntitlement table = MustParse("table:Public.Payments:update,SELECT,select");
  CHECK(table.kind == PostgresObjectKind::kTable);
  CHECK(table.schema == "Public");
  CHECK(table.name == "Payments");
  CHECK(table.privileges == std::vector<std::string>{"SELECT", "UPDATE"});
  const PostgresEntitlement quoted = MustParse("table:\"a.b\"\"\".\"c:d\":SELECT");
  CHECK(quoted.schema == "a.b\"");
  CHECK(quoted.name == "c:d");
  CHECK(MustParse("schema:hr:USAGE").name == "hr");
  CHECK(MustParse("schema:hr:USAGE").schema.empty());
  CHECK(MustParse("schema:a.b:USAGE").name == "a.b");
  CHECK(MustParse("database:crm:temp").privileges == std::vector<std::string>{"TEMPORARY"});
  CHECK(MustParse("sequence:s.n:USAGE").kind == PostgresObjectKind::kSequence);
  CHECK(PostgresObjectWord(PostgresObjectKind::kSequence) == "SEQUENCE");
}

TEST_CASE("WhatOnlyLooksLikeAnObjectPrivilegeIsRefusedWithTheWayOut") {
  for (const char* text :
       {"table:", "table:a", "table:a.b", "table:a.b:", "table:a:SELECT", "table:a.b:SELEKT",
        "table:a.b.c:SELECT", "table:a.b:SELECT,", "table:a.b:SELECT;DROP", "table:.b:SELECT",
        "table:a.:SELECT", "table:\"a.b:SELECT", "table:a\".b:SELECT", "table:\"a\"x.b:SELECT",
        "schema::USAGE", "schema:hr:SELECT", "database:crm", "sequence:s.n:DELETE"}) {
    CAPTURE(text);
    const auto entitlement = ParsePostgresEntitlement(text);
    REQUIRE(!entitlement.ok());
    CHECK(entitlement.error().kind == ErrorKind::kInvalidInput);
    CHECK(entitlement.error().help.find("role:") != std::string::npos);
  }
  CHECK(!ParsePostgresEntitlement("").ok());
  CHECK(!ParsePostgresEntitlement("role:").ok());
  CHECK(!ParsePostgresEntitlement(std::string_view("a\0b", 3)).ok());
}

TEST_CASE("ASessionsIdNamesAProcessAndItsStartOrNothing") {
  const auto backend = ParsePostgresBackend("crm/ann/4711@2026-01-31T08:00:00.123456Z");
  REQUIRE(backend.has_value());
  CHECK(backend->pid == 4711);
  CHECK(FormatInstant(backend->started_at) == "2026-01-31T08:00:00.123456Z");
  for (const char* id : {"", "crm/ann/4711", "4711@", "@2026-01-31T08:00:00Z",
                         "x@2026-01-31T08:00Z", "-1@2026-01-31T08:00:00Z", "0@2026-01-31T08:00:00Z",
                         "4711x@2026-01-31T08:00:00Z", "4711@2026-01-31", "4711@yesterday"}) {
    CAPTURE(id);
    CHECK(!ParsePostgresBackend(id).has_value());
  }
}

TEST_CASE("TheSqlstateOfARefusedLogInIsFoundInAnyLanguage") {
  const std::string head = "connection to server at \"127.0.0.1\", port 5432 failed: ";
  CHECK(SqlstateInMessage(head + "FATAL:  28P01: password authentication failed") == "28P01");
  CHECK(SqlstateInMessage(head + "FATAL :  28000: le rôle") == "28000");
  CHECK(SqlstateInMessage(head + "Connection refused").empty());
  CHECK(SqlstateInMessage(head + "FATAL:  password authentication failed").empty());
  CHECK(SqlstateInMessage("FATAL:  28P01").empty());
  CHECK(SqlstateInMessage("").empty());
}

TEST_CASE("AnSqlstateTellsWhetherTryingAgainCanHelp") {
  CHECK(KindOfSqlstate("42501") == ErrorKind::kDenied);
  CHECK(KindOfSqlstate("28P01") == ErrorKind::kDenied);
  CHECK(KindOfSqlstate("2BP01") == ErrorKind::kInvalidInput);
  CHECK(KindOfSqlstate("42939") == ErrorKind::kInvalidInput);
  CHECK(KindOfSqlstate("40001") == ErrorKind::kUnavailable);
  CHECK(KindOfSqlstate("55P03") == ErrorKind::kUnavailable);
  CHECK(KindOfSqlstate("25006") == ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace rescind
