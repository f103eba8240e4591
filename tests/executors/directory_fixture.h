// DirectoryFixture: what a test puts into a directory and reads back from it, by OpenLDAP's own
// tools, so that nothing of the executor's code is needed to judge it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/executors/executor.h"
#include "runtime/executors/settings.h"
#include "runtime/plan/action.h"
#include "tests/executors/shared_servers.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {

class DirectoryFixture {
 public:
  // `context`: "example" (with a password policy), "plain" (without) or "ad".
  explicit DirectoryFixture(const std::string& context = "example",
                            const TestServers& servers = SharedServers());

  std::string Base() const { return "dc=" + context_ + ",dc=org"; }
  std::string People() const { return "ou=people," + Base(); }
  std::string Admin() const { return "cn=admin," + Base(); }

  // Adds uid=NAME below ou=people with the password "secret-NAME"; returns its DN. `more` is LDIF.
  std::string AddPerson(const std::string& name, const std::string& more = "");
  // Adds cn=NAME below ou=groups. `more`: object classes and members as LDIF.
  std::string AddGroup(const std::string& name, const std::string& more);
  void AddLdif(const std::string& ldif);
  void ModifyLdif(const std::string& ldif);
  // The values of one attribute of an entry; operational ones too.
  std::vector<std::string> Values(const std::string& dn, const std::string& attribute);
  bool Exists(const std::string& dn);
  bool CanBind(const std::string& dn, const std::string& password);

  // Settings that fit this context; a test changes what it tests.
  ExecutorSettings Settings() const;
  static std::unique_ptr<Executor> Make(const ExecutorSettings& settings);
  std::unique_ptr<Executor> Make() const { return Make(Settings()); }
  // A file of mode 0600.
  std::string SecretFile(const std::string& name, const std::string& content);
  void AddProbe(const std::string& name, const std::string& password);

  static Action OnAccount(Verb verb, const std::string& username);
  static Action OnGrant(const std::string& username, const std::string& group);

  const TestServers& servers() const { return servers_; }

 private:
  struct Ran {
    int status = 0;
    std::string output;
    std::string errors;
  };
  Ran Run(const std::vector<std::string>& argv, const std::string& input);

  std::string context_;
  const TestServers& servers_;
  TemporaryFolder folder_;
};

// Observes and fails the test when that is impossible.
TargetState MustObserve(Executor& executor, const Action& action);
// Observes, then applies with what was observed.
ApplyResult ObserveAndApply(Executor& executor, const Action& action);

}  // namespace rescind
