#include "runtime/executors/postgres_operation.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "engine/base/sha256.h"
#include "runtime/executors/probe_password.h"

namespace rescind {
namespace {

std::string Said(const PostgresReply& reply) {
  return reply.sqlstate.empty() ? reply.message
                                : fmt::format("{} ({})", reply.message, reply.sqlstate);
}

// The outcome of a statement that was not carried out, or of which nobody knows.
ApplyResult OutcomeOfFailure(const PostgresReply& reply) {
  if (!reply.answered) {
    return {ApplyOutcome::kUnknown,
            fmt::format("the server gave no answer to the change: {}", Said(reply)),
            {}};
  }
  // What has gone since is no mistake of the mapping: look again.
  const bool gone_since = reply.sqlstate == "42704" || reply.sqlstate == "42P01" ||
                          reply.sqlstate == "3F000" || reply.sqlstate == "3D000";
  const bool hopeless = KindOfSqlstate(reply.sqlstate) == ErrorKind::kInvalidInput && !gone_since;
  return {hopeless ? ApplyOutcome::kPermanent : ApplyOutcome::kTransient,
          fmt::format("the server refuses the change: {}", Said(reply)),
          {}};
}

// How many of `backends` are still there.
Result<size_t> CountAlive(PostgresSession& session, const std::vector<PostgresBackend>& backends) {
  RESCIND_ASSIGN(const auto rows,
                 session.Read("the sessions",
                              "SELECT pid || '@' || (extract(epoch FROM backend_start)"
                              " * 1000000)::bigint FROM pg_catalog.pg_stat_activity"));
  size_t count = 0;
  for (const PostgresBackend& backend : backends) {
    const std::string key = fmt::format("{}@{}", backend.pid, backend.started_at.micros);
    for (const auto& row : rows) count += row[0] == key ? 1 : 0;
  }
  return count;
}

}  // namespace

std::optional<VerifyResult> PostgresProbe::TryLogIn(const std::string& role) const {
  const auto password = ReadProbePassword(config_.probe_password_folder, role);
  if (!password) return std::nullopt;
  if (!password->ok()) return CannotTell(password->error());
  PostgresEndpoint endpoint = config_.endpoint;
  endpoint.user = role;
  const PostgresLogIn how = PostgresSession::TryLogIn(endpoint, password->value(), deadline_);
  if (how.accepted) {
    return VerifyResult{
        VerifyOutcome::kStillEffective, fmt::format("log-in as {}: accepted", Shown(role)),
        how.password_was_asked ? "logging in with the account's password"
                               : "logging in without a password, which pg_hba.conf allows"};
  }
  // Only a server that judged the log-in has refused it.
  const bool refused = how.sqlstate.starts_with("28");
  return VerifyResult{refused ? VerifyOutcome::kVerified : VerifyOutcome::kCannotTell,
                      fmt::format("log-in as {}: {}", Shown(role), how.message), ""};
}

VerifyResult PostgresProbe::Confirm(const std::string& role, const std::string& read_back) const {
  auto tried = TryLogIn(role);
  if (!tried) return {VerifyOutcome::kVerified, read_back, ""};
  if (tried->outcome == VerifyOutcome::kVerified) tried->evidence += "; " + read_back;
  return *std::move(tried);
}

Result<PostgresSession> PostgresProbe::OpenIn(const std::string& database) const {
  PostgresEndpoint endpoint = config_.endpoint;
  endpoint.database = database;
  return PostgresSession::Open(endpoint, own_password_, deadline_);
}

ApplyResult ChangeAtOnce(PostgresSession& session, const std::vector<PostgresStep>& steps,
                         const std::string& done) {
  const PostgresReply begun = session.Run("BEGIN");
  if (!begun.ok()) {
    return {ApplyOutcome::kTransient, fmt::format("no transaction begins: {}", Said(begun)), {}};
  }
  for (const PostgresStep& step : steps) {
    const PostgresReply reply = session.Run(step.statement, step.parameters);
    const bool is_true =
        step.unless_true.empty() ||
        (reply.rows.size() == 1 && !reply.rows[0].empty() && reply.rows[0][0] == "t");
    if (reply.ok() && is_true) continue;
    session.Run("ROLLBACK");
    if (!reply.ok()) return OutcomeOfFailure(reply);
    return {ApplyOutcome::kTransient, step.unless_true, {}};
  }
  const PostgresReply committed = session.Run("COMMIT");
  if (!committed.ok()) return OutcomeOfFailure(committed);
  if (committed.tag != "COMMIT") {
    return {ApplyOutcome::kTransient, "the server rolled the change back", {}};
  }
  return {ApplyOutcome::kApplied, done, {}};
}

PostgresStep StillThatRole(const PostgresRole& role) {
  return {"SELECT count(*) = 1 FROM pg_catalog.pg_roles WHERE rolname = $1::text AND oid = $2::oid",
          {role.name, role.oid},
          fmt::format("{} is no longer the role that was observed", Shown(role.name))};
}

ApplyResult TerminateBackends(PostgresSession& session, const std::string& role_oid,
                              const std::vector<PostgresBackend>& backends) {
  size_t sent_count = 0;
  for (const PostgresBackend& backend : backends) {
    // Process ids come back: it must still be the one that began then, and that role's.
    const PostgresReply reply = session.Run(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity a"
        " WHERE pid = $1::int AND pid <> pg_backend_pid()"
        " AND ($2 = '0' OR (extract(epoch FROM backend_start) * 1000000)::bigint = $2::bigint)"
        " AND CASE WHEN $3 = '' THEN NOT EXISTS"
        " (SELECT 1 FROM pg_catalog.pg_roles r WHERE r.oid = a.usesysid)"
        " ELSE usesysid = nullif($3, '')::oid END",
        {std::to_string(backend.pid), std::to_string(backend.started_at.micros), role_oid});
    if (!reply.ok()) {
      ApplyResult failed = OutcomeOfFailure(reply);
      if (sent_count > 0) failed.outcome = ApplyOutcome::kUnknown;
      return failed;
    }
    ++sent_count;
  }
  // A server process ends when it next looks; Verify is the judge of whether it did.
  constexpr auto kPatience = std::chrono::seconds(2);
  const auto until = std::min(session.deadline(), std::chrono::steady_clock::now() + kPatience);
  while (std::chrono::steady_clock::now() < until) {
    const auto alive = CountAlive(session, backends);
    if (!alive.ok() || *alive == 0) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {ApplyOutcome::kApplied, fmt::format("{} sessions are told to end", sent_count), {}};
}

void SetPreimage(TargetState& state, std::string canonical_json) {
  state.preimage = std::move(canonical_json);
  state.digest = Sha256Hex(state.preimage);
}

TargetState GonePostgresState(const std::string& summary) {
  TargetState state;
  state.in_wanted_state = true;
  state.summary = summary;
  SetPreimage(state, "{\"exists\":false}");
  return state;
}

VerifyResult CannotTell(const Error& error) {
  return {VerifyOutcome::kCannotTell, error.message, ""};
}

}  // namespace rescind
