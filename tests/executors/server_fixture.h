// ServerFixture: what a test puts into a PostgreSQL server and reads back from it, by libpq
// itself, so that nothing of the executor's code is needed to judge it.
#pragma once

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/executors/executor.h"
#include "runtime/executors/settings.h"
#include "runtime/plan/action.h"
#include "tests/executors/shared_servers.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {

// A connection that a role holds open.
class HeldSession {
 public:
  explicit HeldSession(PGconn* connection) : connection_(connection) {}
  ~HeldSession() { PQfinish(connection_); }
  HeldSession(const HeldSession&) = delete;
  HeldSession& operator=(const HeldSession&) = delete;

  int pid() const { return PQbackendPID(connection_); }
  // Does the server still answer it?
  bool IsAlive() const;
  // Why there is no connection; empty when there is one.
  std::string Trouble() const {
    return PQstatus(connection_) == CONNECTION_OK ? "" : PQerrorMessage(connection_);
  }
  // The last statement's rows, a line each, with '|' between fields.
  std::string Run(const std::string& sql) const;

 private:
  PGconn* connection_;
};

class ServerFixture {
 public:
  explicit ServerFixture(const TestServers& servers = SharedServers());

  // Runs statements as the superuser and gives what HeldSession::Run does.
  std::string Sql(const std::string& sql, const std::string& database = "postgres");
  // A role that may log in with the password "secret-NAME".
  void AddRole(const std::string& name, const std::string& options = "LOGIN");
  // Adds a database and returns its name.
  std::string AddDatabase();
  bool CanLogIn(const std::string& name);
  bool Exists(const std::string& name);
  std::unique_ptr<HeldSession> OpenSession(const std::string& name,
                                           const std::string& database = "postgres");
  // "PID@2026-01-31T08:00:00.123456Z"
  std::string BackendOf(const HeldSession& session);

  ExecutorSettings Settings() const;
  static std::unique_ptr<Executor> Make(const ExecutorSettings& settings);
  std::unique_ptr<Executor> Make() const { return Make(Settings()); }
  // A file of mode 0600.
  std::string SecretFile(const std::string& name, const std::string& content);
  void AddProbe(const std::string& name) { SecretFile("probes/" + name, "secret-" + name); }

  static Action OnAccount(Verb verb, const std::string& username);
  static Action OnGrant(const std::string& username, const std::string& entitlement);
  static Action OnPassword(const std::string& username);
  static Action OnSession(const std::string& username, const std::string& last_part);

  // As a test writes them, not as the executor does.
  static std::string Quoted(const std::string& name, char quote = '"');

  const TestServers& servers() const { return servers_; }

 private:
  std::unique_ptr<HeldSession> Connect(const std::string& user, const std::string& password,
                                       const std::string& database) const;

  const TestServers& servers_;
  TemporaryFolder folder_;
  std::map<std::string, std::unique_ptr<HeldSession>> sessions_;  // the superuser's, by database
};

// Names that break a statement which they are pasted into.
std::vector<std::string> HostileRoleNames();

}  // namespace rescind
