#include "runtime/executors/postgres_session.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/env/sigpipe_block.h"
#include "runtime/executors/authorities.h"

namespace rescind {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr const char* kTimeIsOver = "no answer within the time limit";
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

struct ResultCloser {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ResultCloser>;

// Waits until the socket can do one of `events`. False when the time is over.
bool WaitFor(int socket, short events, PostgresDeadline deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) return false;
    pollfd watched{socket, events, 0};
    const int turns = static_cast<int>(std::min<int64_t>(left.count(), 60'000));
    const int ready = poll(&watched, 1, turns);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// One line for people: libpq's texts have several, with the place in the server's source.
std::string OneLine(std::string_view text) {
  std::string line;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view part = text.substr(start, end - start);
    start = end + 1;
    if (part.empty() || part.starts_with("LOCATION:")) continue;
    if (!line.empty()) line += "; ";
    line += part;
  }
  return line.substr(0, 1000);
}

std::string Where(const PostgresEndpoint& endpoint) {
  return fmt::format("{}:{}", endpoint.host, endpoint.port);
}

bool IsTlsTrouble(std::string_view message) {
  return message.find("SSL") != message.npos || message.find("certificate") != message.npos;
}

// Why Open failed, told so that a person knows what to mend.
Error OpenFailure(const PostgresEndpoint& endpoint, const PostgresLogIn& how) {
  if (how.sqlstate.starts_with("28")) {
    return {ErrorKind::kLogInRefused,
            fmt::format("the server {} refuses the log-in of {}: {}", Where(endpoint),
                        endpoint.user, how.message),
            "check `user`, the password in `password_file` and the server's pg_hba.conf"};
  }
  if (how.sqlstate.starts_with("3D") || how.sqlstate.starts_with("42")) {
    return {ErrorKind::kDenied,
            fmt::format("{} cannot enter the database {} of {}: {}", endpoint.user,
                        endpoint.database, Where(endpoint), how.message),
            "check `database` and the right to connect to it"};
  }
  if (how.sqlstate.empty() && IsTlsTrouble(how.message)) {
    return {ErrorKind::kDenied,
            fmt::format("no TLS connection with {} could be verified: {}", Where(endpoint),
                        how.message),
            fmt::format("the certificate must be valid for `host` and signed by an authority in {}",
                        endpoint.ca_file.empty() ? "the system's list; `ca_file` names another"
                                                 : endpoint.ca_file)};
  }
  // libpq names the host and what the resolver said.
  const bool is_unknown = how.message.find("could not translate host name") != how.message.npos;
  return {ErrorKind::kUnavailable,
          fmt::format("the server {} does not answer: {}", Where(endpoint), how.message),
          is_unknown ? "mend `host` in rescind.toml, or what this machine looks names up with"
                     : "check that it runs and that this machine may reach it"};
}

constexpr const char* kVerifiedTls = "verify-full";
constexpr const char* kSomeTls = "require";
constexpr const char* kNoTls = "disable";

// Whether an attempt with TLS ended because of TLS: the server has none, or pg_hba.conf lets nobody
// in that way.
bool IsWorthAnAttemptWithoutTls(const PostgresLogIn& how) {
  if (how.sqlstate.empty()) return IsTlsTrouble(how.message);
  return how.sqlstate == "28000" && how.message.find("pg_hba.conf") != how.message.npos;
}

}  // namespace

ErrorKind KindOfSqlstate(std::string_view sqlstate) {
  // 42501 is a missing right; the rest of class 42 and these others say that the request itself
  // cannot be carried out.
  if (sqlstate == "42501" || sqlstate.starts_with("28")) return ErrorKind::kDenied;
  for (const char* hopeless : {"0A", "0L", "0P", "22", "2BP", "42"}) {
    if (sqlstate.starts_with(hopeless)) return ErrorKind::kInvalidInput;
  }
  return ErrorKind::kUnavailable;
}

// "connection to server at "h", port 1 failed: FATAL:  28P01: password …": the severity may be in
// any language, the two blanks and the code are not.
std::string SqlstateInMessage(std::string_view message) {
  constexpr size_t kCodeLength = 5;
  const size_t at = message.find(":  ");
  if (at == message.npos || at + 3 + kCodeLength >= message.size()) return "";
  const std::string_view code = message.substr(at + 3, kCodeLength);
  const bool is_code = std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
  });
  return is_code && message[at + 3 + kCodeLength] == ':' ? std::string(code) : "";
}

void PostgresSession::Closer::operator()(pg_conn* handle) const {
  const SigpipeBlock block;
  PQfinish(handle);
}

PostgresSession::PostgresSession(Handle handle, PostgresDeadline deadline)
    : handle_(std::move(handle)), deadline_(deadline) {}
PostgresSession::PostgresSession(PostgresSession&&) noexcept = default;
PostgresSession::~PostgresSession() = default;

// libpq's own way of using TLS where it is offered ("prefer") shows a password that the server has
// refused once more, without TLS.
PostgresSession::Handle PostgresSession::Start(const PostgresEndpoint& endpoint,
                                               const std::string& password,
                                               PostgresDeadline deadline, PostgresLogIn& how) {
  switch (endpoint.tls) {
    case PostgresTls::kVerify: return StartWith(kVerifiedTls, endpoint, password, deadline, how);
    case PostgresTls::kOff: return StartWith(kNoTls, endpoint, password, deadline, how);
    case PostgresTls::kIfOffered: break;
  }
  Handle handle = StartWith(kSomeTls, endpoint, password, deadline, how);
  if (handle || !IsWorthAnAttemptWithoutTls(how)) return handle;
  how = {};
  return StartWith(kNoTls, endpoint, password, deadline, how);
}

PostgresSession::Handle PostgresSession::StartWith(const char* tls_mode,
                                                   const PostgresEndpoint& endpoint,
                                                   const std::string& password,
                                                   PostgresDeadline deadline, PostgresLogIn& how) {
  const SigpipeBlock block;
  const PostgresDeadline until = std::min(deadline, SteadyClock::now() + endpoint.connect_limit);
  const std::string port = std::to_string(endpoint.port);
  const char* authorities =
      endpoint.ca_file.empty() ? kSystemAuthorities : endpoint.ca_file.c_str();
  const bool verify = endpoint.tls == PostgresTls::kVerify;
  // What is set here cannot come from the environment or a password file of whoever runs this.
  const std::pair<const char*, const char*> settings[] = {
      {"host", endpoint.host.c_str()},
      {"port", port.c_str()},
      {"dbname", endpoint.database.c_str()},
      {"user", endpoint.user.c_str()},
      {"password", password.c_str()},
      {"passfile", "/dev/null"},
      {"sslmode", tls_mode},
      {"sslrootcert", verify ? authorities : nullptr},
      {"gssencmode", "disable"},
      {"client_encoding", "UTF8"},
      {"application_name", "rescind"},
      {"target_session_attrs", "any"},
      {nullptr, nullptr}};
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : settings) {
    names.push_back(name);
    values.push_back(value);
  }
  // A database called "host=evil" stays a name: expand_dbname is 0.
  Handle handle(PQconnectStartParams(names.data(), values.data(), 0));
  if (!handle) {
    how.message = "out of memory";
    return nullptr;
  }
  // libpq would write what the server remarks to our standard error.
  PQsetNoticeReceiver(
      handle.get(), [](void*, const PGresult*) {}, nullptr);
  // The only way to learn the SQLSTATE of a refused log-in.
  PQsetErrorVerbosity(handle.get(), PQERRORS_VERBOSE);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  if (PQstatus(handle.get()) == CONNECTION_BAD) next = PGRES_POLLING_FAILED;
  while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!WaitFor(PQsocket(handle.get()), events, until)) {
      how.message = kTimeIsOver;
      return nullptr;
    }
    next = PQconnectPoll(handle.get());
  }
  how.password_was_asked = PQconnectionUsedPassword(handle.get()) == 1;
  how.accepted = next == PGRES_POLLING_OK;
  if (how.accepted) {
    PQsetErrorVerbosity(handle.get(), PQERRORS_DEFAULT);
    PQsetnonblocking(handle.get(), 1);
    return handle;
  }
  how.sqlstate = SqlstateInMessage(PQerrorMessage(handle.get()));
  how.message = OneLine(PQerrorMessage(handle.get()));
  return nullptr;
}

Result<PostgresSession> PostgresSession::Open(const PostgresEndpoint& endpoint,
                                              const std::string& password,
                                              PostgresDeadline deadline) {
  if (endpoint.tls == PostgresTls::kVerify) RESCIND_TRY(CheckAuthorityFile(endpoint.ca_file));
  PostgresLogIn how;
  Handle handle = Start(endpoint, password, deadline, how);
  if (!handle) return OpenFailure(endpoint, how);
  PostgresSession session(std::move(handle), deadline);
  RESCIND_TRY(session.Prepare(endpoint));
  return session;
}

PostgresLogIn PostgresSession::TryLogIn(const PostgresEndpoint& endpoint,
                                        const std::string& password, PostgresDeadline deadline) {
  PostgresLogIn how;
  const Handle handle = Start(endpoint, password, deadline, how);
  return how;
}

// One meaning for every statement, whatever the server's or the role's defaults are. Nothing is
// looked up in a schema where others may create a function of a familiar name, and a change that
// is acknowledged survives a crash of the server.
Status PostgresSession::Prepare(const PostgresEndpoint& endpoint) {
  const auto limit = endpoint.statement_limit.count();
  const auto read =
      Read("the settings of the session",
           "SELECT pg_catalog.set_config(name, value, false) FROM (VALUES"
           " ('search_path', 'pg_catalog, pg_temp'), ('standard_conforming_strings', 'on'),"
           " ('TimeZone', 'UTC'), ('DateStyle', 'ISO, YMD'), ('synchronous_commit', 'on'),"
           " ('default_transaction_isolation', 'read committed'),"
           " ('default_transaction_read_only', 'off'),"
           " ('statement_timeout', $1), ('lock_timeout', $2)) AS wanted(name, value)",
           {std::to_string(limit), std::to_string(limit * 4 / 5)});
  if (!read.ok()) return read.error();
  return {};
}

// Sends what is to be sent and waits until the whole reply is here.
bool PostgresSession::Await(PostgresReply& reply) {
  PGconn* handle = handle_.get();
  while (true) {
    const int unsent = PQflush(handle);
    if (unsent < 0) break;
    if (unsent == 0 && PQisBusy(handle) == 0) return true;
    const short events = static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN);
    if (!WaitFor(PQsocket(handle), events, deadline_)) {
      reply.message = kTimeIsOver;
      return false;
    }
    if (PQconsumeInput(handle) == 0) break;
  }
  reply.message = OneLine(PQerrorMessage(handle));
  return false;
}

void PostgresSession::Take(PostgresReply& reply) {
  while (true) {
    const ResultHandle result(PQgetResult(handle_.get()));
    if (!result) break;
    const ExecStatusType status = PQresultStatus(result.get());
    const char* code = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
      reply.answered = true;
      reply.tag = PQcmdStatus(result.get());
      for (int row = 0; row < PQntuples(result.get()); ++row) {
        auto& fields = reply.rows.emplace_back();
        for (int column = 0; column < PQnfields(result.get()); ++column) {
          fields.emplace_back();
          if (PQgetisnull(result.get(), row, column) != 0) continue;
          fields.back().emplace(PQgetvalue(result.get(), row, column),
                                static_cast<size_t>(PQgetlength(result.get(), row, column)));
        }
      }
    } else {
      // libpq makes up a result without a code when the connection is lost.
      reply.answered = code != nullptr;
      reply.sqlstate = code != nullptr ? code : "";
      const char* said = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
      reply.message = OneLine(said != nullptr ? said : PQresultErrorMessage(result.get()));
      const char* detail = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_DETAIL);
      if (detail != nullptr) reply.message += fmt::format(" ({})", OneLine(detail));
    }
    if (PQisBusy(handle_.get()) != 0 && !Await(reply)) {
      reply.answered = false;
      break;
    }
  }
  // Cancelled or shut down in the middle: the server has not said how far it came.
  if (reply.sqlstate == "57014" || reply.sqlstate.starts_with("57P") ||
      reply.sqlstate.starts_with("08") || reply.sqlstate == "40003") {
    reply.answered = false;
  }
}

PostgresReply PostgresSession::Run(const std::string& statement,
                                   const std::vector<std::string>& parameters) {
  const SigpipeBlock block;
  PostgresReply reply;
  if (broken_) {
    reply.message = "the connection is lost";
    return reply;
  }
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  if (PQsendQueryParams(handle_.get(), statement.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) == 0) {
    reply.message = OneLine(PQerrorMessage(handle_.get()));
  } else if (Await(reply)) {
    Take(reply);
  }
  broken_ = !reply.answered && PQtransactionStatus(handle_.get()) != PQTRANS_IDLE &&
            PQtransactionStatus(handle_.get()) != PQTRANS_INERROR;
  return reply;
}

Result<std::vector<PostgresReply::Row>> PostgresSession::Read(
    std::string_view what, const std::string& statement,
    const std::vector<std::string>& parameters) {
  PostgresReply reply = Run(statement, parameters);
  if (reply.ok()) return std::move(reply.rows);
  const ErrorKind kind = reply.answered ? KindOfSqlstate(reply.sqlstate) : ErrorKind::kUnavailable;
  return Error{kind,
               fmt::format("cannot read {}: {}{}", what, reply.message,
                           reply.sqlstate.empty() ? "" : fmt::format(" ({})", reply.sqlstate)),
               kind == ErrorKind::kDenied ? "give the role of `user` the right to read it"
                                          : "check that the server is well"};
}

int PostgresSession::server_version() const { return PQserverVersion(handle_.get()); }

}  // namespace rescind
