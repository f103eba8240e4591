#include "runtime/executors/ldap_group.h"

#include <fmt/format.h>
#include <ldap.h>

#include <deque>
#include <map>
#include <set>

namespace rescind {
namespace {

using Kind = LdapChange::Kind;

constexpr size_t kMaxVisitedGroups = 500;

std::vector<LdapChange> MemberChanges(Kind kind, const std::string& account_dn,
                                      const LdapMembership& membership) {
  std::vector<LdapChange> changes;
  if (membership.member) changes.push_back({kind, "member", {account_dn}});
  if (membership.unique_member) changes.push_back({kind, "uniqueMember", {account_dn}});
  if (!membership.member_uids.empty()) {
    changes.push_back({kind, "memberUid", membership.member_uids});
  }
  return changes;
}

// The same with the placeholder coming in, or going out, where a DN goes out or comes in. It
// comes first, so that the group is at no moment empty.
std::vector<LdapChange> WithPlaceholder(std::vector<LdapChange> changes, Kind kind,
                                        const std::string& placeholder) {
  std::vector<LdapChange> all;
  for (const LdapChange& change : changes) {
    if (change.attribute != "memberUid") all.push_back({kind, change.attribute, {placeholder}});
  }
  all.insert(kind == Kind::kAdd ? all.end() : all.begin(), changes.begin(), changes.end());
  return all;
}

}  // namespace

Result<LdapMembership> FindMembership(LdapSession& session, const std::string& group_dn,
                                      const std::string& account_dn,
                                      const std::vector<std::string>& names) {
  LdapMembership membership;
  if (!account_dn.empty()) {
    const std::string escaped = EscapeFilterValue(account_dn);
    RESCIND_ASSIGN(membership.member,
                   session.Matches(group_dn, fmt::format("(member={})", escaped)));
    RESCIND_ASSIGN(membership.unique_member,
                   session.Matches(group_dn, fmt::format("(uniqueMember={})", escaped)));
  }
  for (const std::string& name : names) {
    RESCIND_ASSIGN(
        const bool named,
        session.Matches(group_dn, fmt::format("(memberUid={})", EscapeFilterValue(name))));
    if (named) membership.member_uids.push_back(name);
  }
  return membership;
}

LdapReply LeaveGroup(LdapSession& session, const LdapPlace& group, const std::string& account_dn,
                     const LdapMembership& membership, const std::string& placeholder) {
  const auto changes = MemberChanges(Kind::kDelete, account_dn, membership);
  LdapReply reply = session.Modify(group.dn, changes, group.uuid);
  if (!reply.answered || reply.code != LDAP_OBJECT_CLASS_VIOLATION) return reply;
  const std::string stand_in = placeholder.empty() ? group.dn : placeholder;
  return session.Modify(group.dn, WithPlaceholder(changes, Kind::kAdd, stand_in), group.uuid);
}

LdapReply RejoinGroup(LdapSession& session, const LdapPlace& group, const std::string& account_dn,
                      const LdapMembership& membership, const std::string& placeholder) {
  const auto changes = MemberChanges(Kind::kAdd, account_dn, membership);
  const std::string stand_in = placeholder.empty() ? group.dn : placeholder;
  LdapReply reply =
      session.Modify(group.dn, WithPlaceholder(changes, Kind::kDelete, stand_in), group.uuid);
  // Usually there was no need for one.
  if (!reply.answered || reply.code != LDAP_NO_SUCH_ATTRIBUTE) return reply;
  return session.Modify(group.dn, changes, group.uuid);
}

Result<std::string> RemainingWay(LdapDirectory& directory, const LdapPlace& group,
                                 const LdapAccount& account) {
  if (!account.entry) return std::string();
  const std::string gid = group.entry ? group.entry->First("gidnumber") : "";
  if (!gid.empty() && gid == account.entry->First("gidnumber")) {
    return fmt::format("primary group: gidNumber {} of {}", gid, account.dn);
  }
  const auto member_of = account.entry->attributes.find("memberof");
  if (member_of != account.entry->attributes.end()) {
    for (const std::string& dn : member_of->second) {
      if (SameDn(dn, group.dn)) return fmt::format("memberOf of {} still names it", account.dn);
    }
  }
  if (!directory.config().nested_groups) return std::string();
  // Upwards from the account: whoever contains it, whoever contains that, …
  const auto wanted = NormalizeDn(group.dn);
  std::set<std::string> visited;
  struct Step {
    std::string dn;
    std::string way;
  };
  std::deque<Step> waiting = {{account.dn, ""}};
  while (!waiting.empty() && visited.size() < kMaxVisitedGroups) {
    const Step step = waiting.front();
    waiting.pop_front();
    RESCIND_ASSIGN(
        const auto parents,
        directory.GroupsOf(step.dn, step.way.empty() ? account.names : std::vector<std::string>{}));
    for (const LdapEntry& parent : parents) {
      const auto name = NormalizeDn(parent.dn);
      if (!name || !visited.insert(*name).second) continue;
      if (name == wanted) {
        return step.way.empty() ? "a membership that remains" : "group " + step.way;
      }
      waiting.push_back(
          {parent.dn, step.way.empty() ? parent.dn : fmt::format("{} in {}", step.way, parent.dn)});
    }
  }
  return std::string();
}

}  // namespace rescind
