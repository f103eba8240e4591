// What every kind of executor owes when its system is in trouble, checked the same way for all.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>

#include <string>

#include "engine/base/result.h"
#include "runtime/executors/executor.h"
#include "runtime/executors/settings.h"
#include "tests/support/holds.h"
#include "tests/support/test_servers.h"

namespace rescind {

// A trouble before anything happened: of that kind, with that message and a remedy, and retryable.
void CheckTrouble(Executor& executor, const Action& action, ErrorKind kind,
                  const std::string& message);

// The system refuses the log-in, says so in `message`, and nothing shows the password that was
// tried. `key` is the setting that names the password file. `Fixture`: DirectoryFixture or
// ServerFixture.
template <typename Fixture>
void CheckWrongPassword(const std::string& key, const Action& action, const std::string& message) {
  Fixture fixture;
  auto settings = fixture.Settings();
  settings[key] = fixture.SecretFile("wrong", "not-the-password");
  const auto executor = Fixture::Make(settings);
  CheckTrouble(*executor, action, ErrorKind::kLogInRefused, message);
  const auto state = executor->Observe(action);
  CHECK(!Holds(state.error().message + state.error().help, "not-the-password"));
}

// A password file that is not there, and one that others may read.
template <typename Fixture>
void CheckUnusablePasswordFiles(const std::string& key, const Action& action) {
  Fixture fixture;
  auto settings = fixture.Settings();
  settings[key] = std::string("/nowhere/password");
  CheckTrouble(*Fixture::Make(settings), action, ErrorKind::kDenied, "cannot read the secret file");
  const std::string open = fixture.SecretFile("open", "x");
  REQUIRE(chmod(open.c_str(), 0644) == 0);
  settings[key] = open;
  CheckTrouble(*Fixture::Make(settings), action, ErrorKind::kDenied, "everybody may read");
}

// A server that accepts connections and says nothing, as long as this lives.
class HangingServer {
 public:
  // `servers` outlives it.
  HangingServer(const TestServers& servers, std::string name)
      : servers_(servers), name_(std::move(name)) {
    servers_.Freeze(name_);
  }
  ~HangingServer() { servers_.Signal(name_, SIGCONT); }
  HangingServer(const HangingServer&) = delete;
  HangingServer& operator=(const HangingServer&) = delete;

 private:
  const TestServers& servers_;
  const std::string name_;
};

}  // namespace rescind
