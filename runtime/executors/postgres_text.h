// The text forms of PostgreSQL and of the ids that name things in it.
//
// Values travel beside a statement as parameters; only names of roles and objects have to stand in
// it, and nothing gets there but through QuoteIdentifier. Pure functions, no connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace rescind {

// "o""brien": always quoted, so that no name is a keyword or folded to lower case. The text has no
// NUL byte (IsPostgresName).
std::string QuoteIdentifier(std::string_view name);
std::string QuoteLiteral(std::string_view text);

// Can a role or an object have this name at all? Not empty, no NUL byte.
bool IsPostgresName(std::string_view name);

enum class PostgresObjectKind : uint8_t {
  kRole = 1,   // membership in a role
  kTable = 2,  // views and foreign tables too
  kSequence = 3,
  kSchema = 4,
  kDatabase = 5,
};

// What an entitlement means in the server.
struct PostgresEntitlement {
  PostgresObjectKind kind = PostgresObjectKind::kRole;
  std::string schema;  // kTable, kSequence
  std::string name;
  std::vector<std::string> privileges;  // "SELECT"; empty for a role. Sorted, each once
};

// "analysts", "role:analysts", "table:public.payments:SELECT,INSERT", "sequence:…",
// "schema:hr:USAGE", "database:crm:CONNECT". Names stand as they are in the catalogue; one with a
// dot, a colon or a quote is written in double quotes. kInvalidInput when it begins like an object
// privilege and is none.
Result<PostgresEntitlement> ParsePostgresEntitlement(std::string_view text);

// "TABLE" in `GRANT … ON TABLE`.
std::string_view PostgresObjectWord(PostgresObjectKind kind);

// One server process: a process id comes back, together with its start it does not.
struct PostgresBackend {
  int64_t pid = 0;
  Instant started_at;
  bool operator==(const PostgresBackend&) const = default;
};

// The last part of a session's id: "hr-db/ann/4711@2026-01-31T08:00:00.123456Z". nullopt when it is
// of another form: such a session means all that the account has.
std::optional<PostgresBackend> ParsePostgresBackend(std::string_view session_id);

}  // namespace rescind
