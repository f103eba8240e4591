#include "tests/executors/server_fixture.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "runtime/executors/registry.h"

namespace rescind {
namespace {

std::string WithoutNewline(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

bool HeldSession::IsAlive() const {
  PGresult* result = PQexec(connection_, "SELECT 1");
  const bool alive = PQresultStatus(result) == PGRES_TUPLES_OK;
  PQclear(result);
  return alive;
}

std::string HeldSession::Run(const std::string& sql) const {
  PGresult* result = PQexec(connection_, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  const std::string said = PQresultErrorMessage(result);
  std::string output;
  for (int row = 0; row < PQntuples(result); ++row) {
    if (row > 0) output += '\n';
    for (int column = 0; column < PQnfields(result); ++column) {
      if (column > 0) output += '|';
      output += PQgetvalue(result, row, column);
    }
  }
  PQclear(result);
  const bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  REQUIRE_MESSAGE(good, said << "\n" << sql);
  return output;
}

ServerFixture::ServerFixture(const TestServers& servers) : servers_(servers) {
  std::filesystem::create_directory(folder_ / "probes");
}

std::unique_ptr<HeldSession> ServerFixture::Connect(const std::string& user,
                                                    const std::string& password,
                                                    const std::string& database) const {
  const char* names[] = {"host",    "port", "user", "password", "dbname", "client_encoding",
                         "sslmode", nullptr};
  const char* values[] = {servers_["postgres_host"].c_str(),
                          servers_["postgres_port"].c_str(),
                          user.c_str(),
                          password.c_str(),
                          database.c_str(),
                          "UTF8",
                          "disable",
                          nullptr};
  PGconn* connection = PQconnectdbParams(names, values, 0);
  // libpq would write what the server remarks to standard error.
  PQsetNoticeReceiver(
      connection, [](void*, const PGresult*) {}, nullptr);
  return std::make_unique<HeldSession>(connection);
}

std::string ServerFixture::Sql(const std::string& sql, const std::string& database) {
  auto& session = sessions_[database];
  if (!session) {
    session =
        Connect("admin", WithoutNewline(ReadFile(servers_["postgres_password_file"])), database);
  }
  std::string output = session->Run(sql);
  session->Run("DISCARD ALL");
  return output;
}

void ServerFixture::AddRole(const std::string& name, const std::string& options) {
  Sql("CREATE ROLE " + Quoted(name) + " " + options + " PASSWORD " +
      Quoted("secret-" + name, '\''));
}

std::string ServerFixture::AddDatabase() {
  std::string name = "db" + Unique();
  Sql("CREATE DATABASE " + name);
  return name;
}

bool ServerFixture::CanLogIn(const std::string& name) {
  const auto session = Connect(name, "secret-" + name, "postgres");
  const std::string trouble = session->Trouble();
  // Anything but a refusal of the log-in is a fault of the test.
  const bool judged = trouble.empty() ||
                      trouble.find("not permitted to log in") != std::string::npos ||
                      trouble.find("authentication failed") != std::string::npos;
  REQUIRE_MESSAGE(judged, trouble);
  return trouble.empty();
}

bool ServerFixture::Exists(const std::string& name) {
  return Sql("SELECT count(*) FROM pg_roles WHERE rolname = " + Quoted(name, '\'')) == "1";
}

std::unique_ptr<HeldSession> ServerFixture::OpenSession(const std::string& name,
                                                        const std::string& database) {
  auto session = Connect(name, "secret-" + name, database);
  REQUIRE_MESSAGE(session->IsAlive(), session->Trouble());
  return session;
}

std::string ServerFixture::BackendOf(const HeldSession& session) {
  return Sql(
      "SET TimeZone = 'UTC'; SELECT pid || '@' || to_char(backend_start, "
      "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM pg_stat_activity WHERE pid = " +
      std::to_string(session.pid()));
}

ExecutorSettings ServerFixture::Settings() const {
  return {{"host", servers_["postgres_host"]},
          {"port", static_cast<int64_t>(std::stol(servers_["postgres_port"]))},
          {"user", servers_["postgres_user"]},
          {"password_file", servers_["postgres_password_file"]},
          {"probe_password_folder", folder_ / "probes"}};
}

std::unique_ptr<Executor> ServerFixture::Make(const ExecutorSettings& settings) {
  auto made = MakeExecutor("postgres", "crm", settings, "/");
  REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().message));
  return std::move(made).value();
}

std::string ServerFixture::SecretFile(const std::string& name, const std::string& content) {
  std::string path = folder_ / name;
  std::ofstream(path, std::ios::binary) << content;
  chmod(path.c_str(), 0600);
  return path;
}

Action ServerFixture::OnAccount(Verb verb, const std::string& username) {
  Action action;
  action.key = std::string(64, 'a');
  action.verb = verb;
  action.target.entity = "account";
  action.target.id = "crm/" + username;
  action.target.system = "crm";
  action.target.attributes = {{"username", username}};
  return action;
}

Action ServerFixture::OnGrant(const std::string& username, const std::string& entitlement) {
  Action action = OnAccount(Verb::kRevoke, username);
  action.target.entity = "grant";
  action.target.id += "/" + entitlement;
  action.target.attributes = {{"account", "crm/" + username},
                              {"account.username", username},
                              {"entitlement", "crm/" + entitlement},
                              {"entitlement.name", entitlement}};
  return action;
}

Action ServerFixture::OnPassword(const std::string& username) {
  Action action = OnAccount(Verb::kRevoke, username);
  action.target.entity = "credential";
  action.target.id += "/password";
  action.target.attributes = {{"account.username", username}, {"kind", "password"}};
  return action;
}

Action ServerFixture::OnSession(const std::string& username, const std::string& last_part) {
  Action action = OnAccount(Verb::kEnd, username);
  action.target.entity = "session";
  action.target.id += "/" + last_part;
  action.target.attributes = {{"account.username", username}};
  return action;
}

std::string ServerFixture::Quoted(const std::string& name, char quote) {
  std::string quoted = quote == '\'' ? " E'" : "\"";
  for (const char c : name) {
    if (c == quote) quoted += quote;
    if (c == '\\' && quote == '\'') quoted += '\\';
    quoted += c;
  }
  return quoted + quote;
}

std::vector<std::string> HostileRoleNames() {
  const std::string number = Unique();
  return {"quote\"" + number,
          "\";DROP TABLE x;--" + number,
          "apostrophe'" + number,
          "line\nbreak" + number,
          "back\\slash\\" + number,
          "Größe 東京 🙂" + number,
          "UPPER lower" + number,
          "$1 {0} %s" + number,
          "select" + number,
          "public\"" + number,
          "-- comment " + number,
          "/* " + number,
          "host=evil dbname=x " + number,
          std::string(60, 'x') + number.substr(0, 3)};
}

}  // namespace rescind
