// PostgresCatalog: from the ids and names of facts to the roles of a server, and what the server
// itself knows of their use.
//
// It reads and never writes. A name that is nearly a role's is told apart from a role that is gone,
// so that a wrong fact never looks like access that is gone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/executors/postgres_config.h"
#include "runtime/executors/postgres_session.h"
#include "runtime/executors/postgres_text.h"
#include "runtime/plan/action.h"

namespace rescind {

struct PostgresRole {
  std::string oid;
  std::string name;
  bool can_login = false;
  bool superuser = false;
};

// The sessions that a role has at this moment.
struct PostgresActivity {
  std::vector<PostgresBackend> backends;
  bool hides_starts = false;  // our role may not see when they began
  std::optional<Instant> last_used;
};

class PostgresCatalog {
 public:
  // Both outlive this.
  PostgresCatalog(const PostgresConfig& config, PostgresSession& session);

  // The fact that names the role of the account that the target is or belongs to. kInvalidInput
  // when it is unknown.
  static Result<std::string> AccountName(const ActionTarget& target);
  // The role of that name; nullopt when there is none and none is nearly called so. kInvalidInput
  // when it is the role that we are logged in as.
  Result<std::optional<PostgresRole>> FindAccount(const std::string& name);
  Result<std::optional<PostgresRole>> FindRole(const std::string& name);
  // Our own connection is never among them.
  Result<PostgresActivity> ActivityOf(const std::string& role_oid);

  PostgresSession& session() { return session_; }
  const PostgresConfig& config() const { return config_; }

 private:
  const PostgresConfig& config_;
  PostgresSession& session_;
};

// A name for people: quoted, hostile bytes made visible, never over 200 bytes.
std::string Shown(std::string_view name);

}  // namespace rescind
