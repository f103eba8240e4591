#include "runtime/executors/postgres_catalog.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace rescind {
namespace {

using Row = PostgresReply::Row;

bool IsTrue(const std::optional<std::string>& field) { return field == "t"; }

std::optional<int64_t> NumberIn(const std::optional<std::string>& field) {
  if (!field) return std::nullopt;
  int64_t number = 0;
  const char* end = field->data() + field->size();
  const auto [stop, problem] = std::from_chars(field->data(), end, number);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

std::string Shown(std::string_view name) {
  constexpr size_t kMostBytes = 200;
  const nlohmann::json text(name.substr(0, kMostBytes));
  return text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

PostgresCatalog::PostgresCatalog(const PostgresConfig& config, PostgresSession& session)
    : config_(config), session_(session) {}

Result<std::string> PostgresCatalog::AccountName(const ActionTarget& target) {
  const char* fact = target.entity == "account" ? "username" : "account.username";
  const auto found = target.attributes.find(fact);
  if (found == target.attributes.end() || !IsPostgresName(found->second)) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("the fact `{}` of {} is unknown or no name that a role can have", fact,
                             Shown(target.id)),
                 "the `username` of an account of this target is the name of its role"};
  }
  return found->second;
}

Result<std::optional<PostgresRole>> PostgresCatalog::FindRole(const std::string& name) {
  // The second half finds what a feed has spelled differently, or cut where PostgreSQL did not.
  RESCIND_ASSIGN(const auto rows,
                 session_.Read("the roles",
                               "SELECT oid, rolname, rolcanlogin, rolsuper, rolname = $1::text"
                               " FROM pg_catalog.pg_roles WHERE rolname = $1::text"
                               " OR lower(rolname::text) = lower($1::text::name::text)"
                               " ORDER BY rolname = $1::text DESC, rolname LIMIT 1",
                               {name}));
  if (rows.empty()) return std::optional<PostgresRole>();
  const Row& row = rows.front();
  PostgresRole role{row[0].value_or(""), row[1].value_or(""), IsTrue(row[2]), IsTrue(row[3])};
  if (!IsTrue(row[4])) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("there is no role {}, but {}: which one is meant is unclear",
                             Shown(name), Shown(role.name)),
                 "correct the fact, which must be the name exactly as the server has it"};
  }
  return std::optional(std::move(role));
}

Result<std::optional<PostgresRole>> PostgresCatalog::FindAccount(const std::string& name) {
  RESCIND_ASSIGN(auto role, FindRole(name));
  RESCIND_ASSIGN(const auto own, session_.Read("who we are", "SELECT session_user"));
  const bool is_own = !own.empty() && own.front()[0] == name;
  if (role && is_own) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("{} is the role that rescind itself logs in as: it is never acted on",
                             Shown(name)),
                 "protect that account in a policy, or give the target another `user`"};
  }
  return role;
}

Result<PostgresActivity> PostgresCatalog::ActivityOf(const std::string& role_oid) {
  // A parallel worker ends with its leader.
  RESCIND_ASSIGN(
      const auto rows,
      session_.Read("the sessions",
                    "SELECT pid, (extract(epoch FROM backend_start) * 1000000)::bigint,"
                    " (extract(epoch FROM CASE WHEN state LIKE 'idle%' THEN state_change"
                    " WHEN state IS NOT NULL THEN clock_timestamp() END) * 1000000)::bigint"
                    " FROM pg_catalog.pg_stat_activity WHERE usesysid = $1::oid"
                    " AND pid <> pg_backend_pid()"
                    " AND coalesce(backend_type, '') <> 'parallel worker' ORDER BY pid",
                    {role_oid}));
  PostgresActivity activity;
  for (const Row& row : rows) {
    const auto started_at = NumberIn(row[1]);
    activity.hides_starts = activity.hides_starts || !started_at;
    activity.backends.push_back({NumberIn(row[0]).value_or(0), Instant{started_at.value_or(0)}});
    const auto used = NumberIn(row[2]);
    if (used && (!activity.last_used || activity.last_used->micros < *used)) {
      activity.last_used = Instant{*used};
    }
  }
  return activity;
}

}  // namespace rescind
