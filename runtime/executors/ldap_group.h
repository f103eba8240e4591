// Membership in one group of a directory: groupOfNames, groupOfUniqueNames, posixGroup, Active
// Directory's group, and mixtures of them.
#pragma once

#include <string>
#include <vector>

#include "runtime/executors/ldap_directory.h"

namespace rescind {

// In which of its attributes a group names an account.
struct LdapMembership {
  bool member = false;
  bool unique_member = false;
  std::vector<std::string> member_uids;
  bool any() const { return member || unique_member || !member_uids.empty(); }
};

// Asks the server, which compares names as it does for access, without reading all members.
Result<LdapMembership> FindMembership(LdapSession& session, const std::string& group_dn,
                                      const std::string& account_dn,
                                      const std::vector<std::string>& names);

// Takes the account out of the group. A group that must not be empty (error 65) gets
// `placeholder` as member in the same change.
LdapReply LeaveGroup(LdapSession& session, const LdapPlace& group, const std::string& account_dn,
                     const LdapMembership& membership, const std::string& placeholder);

// Puts it back as it was, and takes out the placeholder if it is there.
LdapReply RejoinGroup(LdapSession& session, const LdapPlace& group, const std::string& account_dn,
                      const LdapMembership& membership, const std::string& placeholder);

// The ways from the account to the group that remain: through other groups, the primary group, or
// what the server itself says in memberOf. Empty when there is none.
Result<std::string> RemainingWay(LdapDirectory& directory, const LdapPlace& group,
                                 const LdapAccount& account);

}  // namespace rescind
