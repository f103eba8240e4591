#include "runtime/executors/postgres_config.h"

#include <fmt/format.h>

#include "runtime/executors/loopback.h"

namespace rescind {
namespace {

// Does every host of "a,b" stay on this machine? A folder is that of a Unix socket.
bool StaysOnThisMachine(const std::string& hosts) {
  size_t start = 0;
  while (start <= hosts.size()) {
    const size_t end = std::min(hosts.find(',', start), hosts.size());
    const std::string host = hosts.substr(start, end - start);
    if (!host.starts_with('/') && !IsLoopbackHost(host)) return false;
    start = end + 1;
  }
  return true;
}

bool IsOnlySocket(const std::string& hosts) {
  return hosts.starts_with('/') && hosts.find(',') == std::string::npos;
}

void ReadEndpoint(SettingsReader& reader, PostgresEndpoint& endpoint) {
  endpoint.host = reader.RequiredText("host");
  endpoint.port = static_cast<uint16_t>(reader.Integer("port", 5432, 1, 65535));
  endpoint.database = reader.Text("database", "postgres");
  endpoint.user = reader.RequiredText("user");
  endpoint.ca_file = reader.File("ca_file");
  const std::string tls = reader.Choice("tls", {"auto", "verify", "off"});
  if (tls == "off" && !endpoint.ca_file.empty()) {
    reader.Reject("tls", "is \"off\", and `ca_file` is for TLS: give one of them");
  }
  // A password crosses no network in clear unless somebody asked for it.
  if (tls == "off") {
    endpoint.tls = PostgresTls::kOff;
  } else if (tls == "auto" && endpoint.ca_file.empty() && StaysOnThisMachine(endpoint.host)) {
    endpoint.tls = PostgresTls::kIfOffered;
  } else {
    endpoint.tls = PostgresTls::kVerify;
  }
}

}  // namespace

Result<PostgresConfig> PostgresConfig::Read(std::string_view target_name,
                                            const ExecutorSettings& settings,
                                            std::string_view workspace_folder) {
  SettingsReader reader(target_name, settings, workspace_folder);
  PostgresConfig config;
  config.target_name = target_name;
  ReadEndpoint(reader, config.endpoint);
  config.password_file = reader.File("password_file");
  if (config.password_file.empty() && !config.endpoint.host.empty() &&
      !IsOnlySocket(config.endpoint.host)) {
    reader.Reject("password_file", "is missing; only a Unix socket can do without it");
  }
  config.reassign_to = reader.Text("reassign_to");
  config.password_way = reader.Choice("password", {"remove", "expire"}) == "remove"
                            ? PostgresPasswordWay::kRemove
                            : PostgresPasswordWay::kExpire;
  config.probe_password_folder = reader.File("probe_password_folder");
  config.time_limit = reader.TimeLimit("timeout", config.time_limit);
  config.endpoint.connect_limit =
      reader.TimeLimit("connect_timeout", config.endpoint.connect_limit);
  config.endpoint.statement_limit =
      reader.TimeLimit("statement_timeout", config.endpoint.statement_limit);
  RESCIND_TRY(reader.Finish());
  return config;
}

}  // namespace rescind
