// PostgresConfig: what [target.NAME] says about a PostgreSQL server, checked.
//
// README.md describes every setting. Nothing is opened here.
#pragma once

#include <chrono>
#include <string>

#include "engine/base/result.h"
#include "runtime/executors/postgres_session.h"
#include "runtime/executors/settings.h"

namespace rescind {

// How a password is revoked.
enum class PostgresPasswordWay : uint8_t {
  kRemove = 1,  // PASSWORD NULL: cannot be undone
  kExpire = 2,  // VALID UNTIL '-infinity': can be undone
};

struct PostgresConfig {
  std::string target_name;
  PostgresEndpoint endpoint;
  std::string password_file;  // empty: the server asks for none (peer authentication)
  std::string reassign_to;    // the role that gets what a deleted role owned; empty: nobody
  PostgresPasswordWay password_way = PostgresPasswordWay::kRemove;
  std::string probe_password_folder;
  std::chrono::milliseconds time_limit{30'000};  // of one call of the contract

  static Result<PostgresConfig> Read(std::string_view target_name, const ExecutorSettings& settings,
                                     std::string_view workspace_folder);
};

}  // namespace rescind
