#include "runtime/executors/postgres_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rescind {
namespace {

struct KindOfObject {
  std::string_view prefix;
  PostgresObjectKind kind;
  std::string_view word;
  std::vector<std::string_view> privileges;
};

const std::vector<KindOfObject>& ObjectKinds() {
  static const std::vector<KindOfObject> kinds = {
      {"table",
       PostgresObjectKind::kTable,
       "TABLE",
       {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"}},
      {"sequence", PostgresObjectKind::kSequence, "SEQUENCE", {"USAGE", "SELECT", "UPDATE"}},
      {"schema", PostgresObjectKind::kSchema, "SCHEMA", {"USAGE", "CREATE"}},
      {"database", PostgresObjectKind::kDatabase, "DATABASE", {"CONNECT", "CREATE", "TEMPORARY"}},
  };
  return kinds;
}

std::string Doubled(std::string_view text, char quote) {
  std::string doubled(1, quote);
  for (const char c : text) {
    if (c == quote) doubled += c;
    doubled += c;
  }
  doubled += quote;
  return doubled;
}

// Takes one name off the front of `text`, quoted or up to one of `ends`.
std::optional<std::string> TakeName(std::string_view& text, std::string_view ends) {
  std::string name;
  if (!text.starts_with('"')) {
    const size_t length = std::min(text.find_first_of(ends), text.size());
    name = text.substr(0, length);
    text.remove_prefix(length);
    if (name.find('"') != name.npos) return std::nullopt;
  } else {
    size_t at = 1;
    while (at < text.size() && (text[at] != '"' || (at + 1 < text.size() && text[at + 1] == '"'))) {
      at += text[at] == '"' ? 2 : 1;
      name += text[at - 1];
    }
    if (at >= text.size()) return std::nullopt;
    text.remove_prefix(at + 1);
  }
  if (!IsPostgresName(name)) return std::nullopt;
  return name;
}

bool TakeCharacter(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

// "SELECT,INSERT" in any case; nullopt when one is no privilege of that kind.
std::optional<std::vector<std::string>> TakePrivileges(std::string_view text,
                                                       const KindOfObject& kind) {
  std::vector<std::string> privileges;
  while (true) {
    const size_t length = std::min(text.find(','), text.size());
    std::string one(text.substr(0, length));
    std::transform(one.begin(), one.end(), one.begin(), [](unsigned char c) {
      return c < 0x80 ? static_cast<char>(std::toupper(c)) : static_cast<char>(c);
    });
    if (one == "TEMP") one = "TEMPORARY";
    const auto found = std::find(kind.privileges.begin(), kind.privileges.end(), one);
    if (found == kind.privileges.end()) return std::nullopt;
    privileges.push_back(std::move(one));
    if (length == text.size()) break;
    text.remove_prefix(length + 1);
  }
  std::sort(privileges.begin(), privileges.end());
  privileges.erase(std::unique(privileges.begin(), privileges.end()), privileges.end());
  return privileges;
}

bool LiesInSchema(const KindOfObject& kind) {
  return kind.kind == PostgresObjectKind::kTable || kind.kind == PostgresObjectKind::kSequence;
}

// "public.payments:SELECT" without the word before it.
std::optional<PostgresEntitlement> ParseObjectPrivilege(std::string_view text,
                                                        const KindOfObject& kind) {
  PostgresEntitlement entitlement;
  entitlement.kind = kind.kind;
  const bool in_schema = LiesInSchema(kind);
  auto name = TakeName(text, in_schema ? ".:" : ":");
  if (in_schema) {
    if (!name || !TakeCharacter(text, '.')) return std::nullopt;
    entitlement.schema = *std::move(name);
    name = TakeName(text, ".:");
  }
  if (!name || !TakeCharacter(text, ':')) return std::nullopt;
  entitlement.name = *std::move(name);
  auto privileges = TakePrivileges(text, kind);
  if (!privileges) return std::nullopt;
  entitlement.privileges = *std::move(privileges);
  return entitlement;
}

}  // namespace

std::string QuoteIdentifier(std::string_view name) {
  // INVARIANT: a name with a NUL byte never gets here; it would end the statement early.
  RESCIND_ASSERT(IsPostgresName(name), "an identifier without NUL");
  return Doubled(name, '"');
}

// The session has standard_conforming_strings on: a backslash means itself.
std::string QuoteLiteral(std::string_view text) { return Doubled(text, '\''); }

bool IsPostgresName(std::string_view name) { return !name.empty() && name.find('\0') == name.npos; }

std::string_view PostgresObjectWord(PostgresObjectKind kind) {
  for (const KindOfObject& known : ObjectKinds()) {
    if (known.kind == kind) return known.word;
  }
  return "ROLE";
}

Result<PostgresEntitlement> ParsePostgresEntitlement(std::string_view text) {
  for (const KindOfObject& kind : ObjectKinds()) {
    if (!text.starts_with(kind.prefix) || text.substr(kind.prefix.size(), 1) != ":") continue;
    auto parsed = ParseObjectPrivilege(text.substr(kind.prefix.size() + 1), kind);
    if (parsed) return *std::move(parsed);
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("the entitlement \"{}\" is no privilege on a {}", text, kind.prefix),
                 fmt::format("write {}:{}NAME:PRIVILEGE with one of {}; a role that is called so "
                             "is role:{}",
                             kind.prefix, LiesInSchema(kind) ? "SCHEMA." : "",
                             fmt::join(kind.privileges, ", "), text)};
  }
  if (text.starts_with("role:")) text.remove_prefix(5);
  if (!IsPostgresName(text)) {
    return Error{ErrorKind::kInvalidInput, "the entitlement has no name that a role can have",
                 "give the fact `name` of the entitlement"};
  }
  PostgresEntitlement entitlement;
  entitlement.name = text;
  return entitlement;
}

std::optional<PostgresBackend> ParsePostgresBackend(std::string_view session_id) {
  const std::string_view last = session_id.substr(session_id.rfind('/') + 1);
  const size_t at = last.find('@');
  if (at == last.npos) return std::nullopt;
  PostgresBackend backend;
  const char* end = last.data() + at;
  const auto [stop, problem] = std::from_chars(last.data(), end, backend.pid);
  const auto started_at = ParseInstant(last.substr(at + 1));
  if (problem != std::errc() || stop != end || backend.pid <= 0 || !started_at) return std::nullopt;
  backend.started_at = *started_at;
  return backend;
}

}  // namespace rescind
