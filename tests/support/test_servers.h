// TestServers: a real OpenLDAP and PostgreSQL for as long as this object lives.
//
// Runs servers.sh, whose standard input it holds: the servers end with this object, and also when
// this process is killed. It knows nothing of executors.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace rescind {

class TestServers {
 public:
  // `names`: "ldap", "postgres". Ends the test with the reason when they do not start.
  explicit TestServers(const std::vector<std::string>& names);
  ~TestServers();
  TestServers(const TestServers&) = delete;
  TestServers& operator=(const TestServers&) = delete;

  // A value that servers.sh told (README.md lists them), such as "ldap_uri".
  const std::string& operator[](const std::string& name) const;
  // Sends `signal` to "ldap" or "postgres": SIGSTOP makes it hang, SIGCONT lets it go on.
  void Signal(const std::string& server, int signal) const;
  // SIGSTOP, and waits until no thread of the server runs any more.
  void Freeze(const std::string& server) const;
  // Ends the servers now. For tests of what an executor says when nobody answers.
  void Stop();

 private:
  pid_t script_ = -1;
  int lifeline_ = -1;  // the script's standard input
  std::map<std::string, std::string> told_;
};

}  // namespace rescind
