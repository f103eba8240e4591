// LdapDirectory: from the ids and names of facts to the entries of a directory, and back to facts
// that only the directory knows.
//
// It reads and never writes. A name that fits nothing is told apart from a mapping that cannot
// work, so that a wrong setting never looks like access that is gone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/executors/ldap_config.h"
#include "runtime/executors/ldap_session.h"
#include "runtime/plan/action.h"

namespace rescind {

struct LdapPlace {
  std::string dn;                  // empty when a filter found nothing
  std::optional<LdapEntry> entry;  // with its operational attributes
  std::string uuid;                // entryUUID, where the server has them
};

struct LdapAccount : LdapPlace {
  std::vector<std::string> names;  // what memberUid may hold for it
};

class LdapDirectory {
 public:
  // Both outlive this.
  LdapDirectory(const LdapConfig& config, LdapSession& session);

  // The account that the target is or belongs to. `attributes` are read beside those needed here.
  Result<LdapAccount> FindAccount(const ActionTarget& target,
                                  const std::vector<std::string>& attributes);
  // The group of a grant's entitlement.
  Result<LdapPlace> FindGroup(const ActionTarget& target);
  // Groups that name the account as a member, at most kMaxGroups.
  Result<std::vector<LdapEntry>> GroupsOf(const std::string& dn,
                                          const std::vector<std::string>& names);
  // Where everything lies: `base_dn`, or the server's only naming context.
  Result<std::string> BaseDn();
  // The root entry's values of an attribute, such as supportedcontrol.
  Result<std::vector<std::string>> RootValues(const std::string& lower_name);

  LdapSession& session() { return session_; }
  const LdapConfig& config() const { return config_; }

  static constexpr size_t kMaxGroups = 1000;

 private:
  Result<LdapPlace> Find(const LdapMapping& mapping, const Template::Values& values,
                         const std::string& what, const std::vector<std::string>& attributes);
  Result<LdapPlace> FindByDn(const Template& mapping, const Template::Values& values,
                             const std::string& what, const std::vector<std::string>& attributes);
  Result<LdapPlace> FindByFilter(const Template& mapping, const Template::Values& values,
                                 const std::string& what,
                                 const std::vector<std::string>& attributes);
  Status CheckThatItCanMatch(const Template& mapping, const std::string& what,
                             const std::string& base);

  const LdapConfig& config_;
  LdapSession& session_;
  std::optional<LdapEntry> root_;
};

// The newest use that the entry itself tells: authTimestamp, pwdLastSuccess, lastLogonTimestamp.
std::optional<Instant> LastUseOf(const LdapEntry& entry);

}  // namespace rescind
