// PostgresSession: one connection to a PostgreSQL server, with a deadline that nothing outlasts.
//
// The room around libpq: no other file of the house sees it. Every call of libpq that could block
// is the non-blocking one, waited for with poll. It knows statements and SQLSTATEs, nothing of
// roles or of what an action wants.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

struct pg_conn;

namespace rescind {

using PostgresDeadline = std::chrono::steady_clock::time_point;

enum class PostgresTls : uint8_t {
  kVerify = 1,     // always, certificate and host name verified
  kIfOffered = 2,  // not verified: for connections that stay on this machine
  kOff = 3,
};

struct PostgresEndpoint {
  std::string host;  // names, addresses or a socket's folder, separated by commas
  uint16_t port = 5432;
  std::string database;
  std::string user;
  PostgresTls tls = PostgresTls::kVerify;
  std::string ca_file;  // empty: the system's authorities
  std::chrono::milliseconds connect_limit{10'000};
  std::chrono::milliseconds statement_limit{10'000};  // the server itself gives up then
};

// What the server said to one statement.
struct PostgresReply {
  using Row = std::vector<std::optional<std::string>>;

  bool answered = false;  // false: nobody knows whether the statement had an effect
  std::string sqlstate;   // empty when the statement succeeded
  std::string message;    // one line; never holds a parameter of ours
  std::string tag;        // "ALTER ROLE", "COMMIT"
  std::vector<Row> rows;

  bool ok() const { return answered && sqlstate.empty(); }
};

// How an attempt to log in ended.
struct PostgresLogIn {
  bool accepted = false;
  bool password_was_asked = false;  // `accepted` without it: the server lets anybody in
  std::string sqlstate;             // of the refusal; empty when the server did not judge
  std::string message;
};

class PostgresSession {
 public:
  PostgresSession(PostgresSession&&) noexcept;
  ~PostgresSession();

  // Connects, sets up TLS, logs in. kUnavailable when nobody answers or the server is not ready,
  // kDenied when TLS cannot be verified, kLogInRefused when the log-in is. Looking up a host name
  // is the resolver's, with the resolver's own time limit.
  static Result<PostgresSession> Open(const PostgresEndpoint& endpoint, const std::string& password,
                                      PostgresDeadline deadline);
  // Tries to log in and goes away again.
  static PostgresLogIn TryLogIn(const PostgresEndpoint& endpoint, const std::string& password,
                                PostgresDeadline deadline);

  // One statement. `parameters` are sent beside it as text, never pasted into it.
  PostgresReply Run(const std::string& statement, const std::vector<std::string>& parameters = {});
  // For reading: a reply that is not ok is an Error about `what`.
  Result<std::vector<PostgresReply::Row>> Read(std::string_view what, const std::string& statement,
                                               const std::vector<std::string>& parameters = {});

  int server_version() const;  // 150018 for 15.18
  PostgresDeadline deadline() const { return deadline_; }

 private:
  struct Closer {
    void operator()(pg_conn* handle) const;
  };
  using Handle = std::unique_ptr<pg_conn, Closer>;

  PostgresSession(Handle handle, PostgresDeadline deadline);
  static Handle Start(const PostgresEndpoint& endpoint, const std::string& password,
                      PostgresDeadline deadline, PostgresLogIn& how);
  static Handle StartWith(const char* tls_mode, const PostgresEndpoint& endpoint,
                          const std::string& password, PostgresDeadline deadline,
                          PostgresLogIn& how);
  Status Prepare(const PostgresEndpoint& endpoint);
  bool Await(PostgresReply& reply);
  void Take(PostgresReply& reply);

  Handle handle_;
  PostgresDeadline deadline_;
  bool broken_ = false;  // a statement got no answer: nothing more is sent
};

// What an SQLSTATE means for an action on which the server has said no.
ErrorKind KindOfSqlstate(std::string_view sqlstate);

// The SQLSTATE in what libpq says of a failed connection at full verbosity; empty when the server
// sent none. Only for messages of libpq.
std::string SqlstateInMessage(std::string_view message);

}  // namespace rescind
