#include "runtime/executors/ldap_directory.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <utility>

namespace rescind {
namespace {

const std::vector<std::string>& AccountAttributes() {
  static const std::vector<std::string> names = {
      "objectClass", "uid",      "sAMAccountName",     "gidNumber",
      "memberOf",    "+",        "userAccountControl", "lastLogonTimestamp",
      "entryUUID",   "objectSid"};
  return names;
}

std::string AttributeOr(const ActionTarget& target, const std::string& path) {
  const auto found = target.attributes.find(path);
  return found == target.attributes.end() ? "" : found->second;
}

Error DoesNotFit(const std::string& what, const std::string& problem, const std::string& help) {
  return {ErrorKind::kInvalidInput, fmt::format("the {} cannot be found: {}", what, problem), help};
}

Status CheckUtf8(const Template::Values& values, const std::string& what) {
  for (const auto& [name, value] : values) {
    if (simdjson::validate_utf8(value.data(), value.size()) && value.find('\0') == value.npos) {
      continue;
    }
    return DoesNotFit(what, fmt::format("its {} is not text in UTF-8", name),
                      "correct it in the source that gave it");
  }
  return {};
}

void KeepLater(std::optional<Instant>& latest, std::optional<Instant> candidate) {
  if (candidate && (!latest || *latest < *candidate)) latest = candidate;
}

}  // namespace

LdapDirectory::LdapDirectory(const LdapConfig& config, LdapSession& session)
    : config_(config), session_(session) {}

Result<std::vector<std::string>> LdapDirectory::RootValues(const std::string& lower_name) {
  if (!root_) {
    RESCIND_ASSIGN(root_, session_.Read("", {"*", "+"}));
    if (!root_) root_ = LdapEntry{};
  }
  const auto found = root_->attributes.find(lower_name);
  return found == root_->attributes.end() ? std::vector<std::string>{} : found->second;
}

Result<std::string> LdapDirectory::BaseDn() {
  if (!config_.base_dn.empty()) return config_.base_dn;
  RESCIND_ASSIGN(const auto preferred, RootValues("defaultnamingcontext"));
  if (!preferred.empty()) return preferred.front();
  RESCIND_ASSIGN(const auto contexts, RootValues("namingcontexts"));
  if (contexts.size() == 1) return contexts.front();
  return Error{ErrorKind::kInvalidInput,
               fmt::format("[target.{}]: the directory holds {} naming contexts ({})",
                           config_.target_name, contexts.size(), fmt::join(contexts, "; ")),
               "say with `base_dn` which of them is meant"};
}

Result<LdapAccount> LdapDirectory::FindAccount(const ActionTarget& target,
                                               const std::vector<std::string>& attributes) {
  const bool itself = target.entity == "account";
  const Template::Values values = {
      {"username", AttributeOr(target, itself ? "username" : "account.username")},
      {"id", itself ? target.id : AttributeOr(target, "account")}};
  std::vector<std::string> wanted = AccountAttributes();
  wanted.insert(wanted.end(), attributes.begin(), attributes.end());
  LdapAccount account;
  RESCIND_ASSIGN(static_cast<LdapPlace&>(account),
                 Find(config_.account, values, "account", wanted));
  if (!account.dn.empty() && SameDn(account.dn, config_.bind_dn)) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("{} is the account with which rescind itself logs in", account.dn),
                 "protect that account in a policy"};
  }
  if (account.entry && account.entry->attributes.contains("uid")) {
    account.names = account.entry->attributes.at("uid");
  }
  const std::string& username = values.at("username");
  const bool named =
      std::find(account.names.begin(), account.names.end(), username) != account.names.end();
  if (!username.empty() && !named) account.names.push_back(username);
  return account;
}

Result<LdapPlace> LdapDirectory::FindGroup(const ActionTarget& target) {
  const std::string id = AttributeOr(target, "entitlement");
  const std::string name = AttributeOr(target, "entitlement.name");
  return Find(config_.group, {{"name", name}, {"id", id}}, "group",
              {"objectClass", "cn", "gidNumber", "entryUUID", "memberURL"});
}

Result<LdapPlace> LdapDirectory::Find(const LdapMapping& mapping, const Template::Values& values,
                                      const std::string& what,
                                      const std::vector<std::string>& attributes) {
  RESCIND_TRY(CheckUtf8(values, what));
  RESCIND_ASSIGN(LdapPlace place, mapping.dn
                                      ? FindByDn(*mapping.dn, values, what, attributes)
                                      : FindByFilter(*mapping.filter, values, what, attributes));
  if (place.entry) place.uuid = place.entry->First("entryuuid");
  return place;
}

Result<LdapPlace> LdapDirectory::FindByDn(const Template& mapping, const Template::Values& values,
                                          const std::string& what,
                                          const std::vector<std::string>& attributes) {
  const bool whole = mapping.IsOnly("id");
  const auto dn = mapping.Fill(
      values, whole ? [](std::string_view text) { return std::string(text); } : EscapeDnValue);
  if (!dn) {
    return DoesNotFit(what, fmt::format("its facts lack a value for {}", mapping.text()),
                      "import the missing field, or change the mapping");
  }
  RESCIND_ASSIGN(const std::string base, BaseDn());
  const bool shaped = whole ? DnDepth(*dn) > 0 : DnDepth(*dn) == DnDepth(mapping.FillWith("x"));
  if (!shaped) {
    return DoesNotFit(what, fmt::format("\"{}\" is no distinguished name", *dn),
                      fmt::format("`{}_dn` makes it from the facts", what));
  }
  if (!IsBelow(*dn, base)) {
    return DoesNotFit(what, fmt::format("{} does not lie below {}", *dn, base),
                      "`base_dn` bounds what this target may touch");
  }
  LdapPlace place{*dn, std::nullopt, ""};
  RESCIND_ASSIGN(place.entry, session_.Read(*dn, attributes));
  if (place.entry) {
    place.dn = place.entry->dn;
    return place;
  }
  // Gone, or never right? Its container tells.
  const std::string parent = ParentDn(*dn);
  RESCIND_ASSIGN(const auto container, session_.Read(parent, {"1.1"}));
  if (container) return place;
  return DoesNotFit(what, fmt::format("neither {} nor {} exists", *dn, parent),
                    fmt::format("check `{}_dn`", what));
}

Result<LdapPlace> LdapDirectory::FindByFilter(const Template& mapping,
                                              const Template::Values& values,
                                              const std::string& what,
                                              const std::vector<std::string>& attributes) {
  const auto filter = mapping.Fill(values, EscapeFilterValue);
  if (!filter) {
    return DoesNotFit(what, fmt::format("its facts lack a value for {}", mapping.text()),
                      "import the missing field, or change the mapping");
  }
  RESCIND_ASSIGN(const std::string base, BaseDn());
  RESCIND_ASSIGN(auto entries, session_.Search(base, *filter, attributes, 2, true));
  if (entries.size() > 1) {
    return DoesNotFit(what,
                      fmt::format("several entries fit {} below {}: {} and {}", *filter, base,
                                  entries[0].dn, entries[1].dn),
                      fmt::format("make `{}_filter` say which one", what));
  }
  if (entries.size() == 1) {
    const std::string dn = entries[0].dn;
    return LdapPlace{dn, std::move(entries[0]), ""};
  }
  RESCIND_TRY(CheckThatItCanMatch(mapping, what, base));
  return LdapPlace{};
}

// Gone, or never right? A filter that fits nobody at all, or not even an entry whose own value is
// put into it (an attribute that cannot be compared), is a wrong mapping or an entry that we may
// not read.
Status LdapDirectory::CheckThatItCanMatch(const Template& mapping, const std::string& what,
                                          const std::string& base) {
  const std::string anybody = mapping.FillWith("*");
  const std::string attribute = mapping.FirstAttribute();
  RESCIND_ASSIGN(const auto others,
                 session_.Search(base, anybody, {attribute.empty() ? "1.1" : attribute}, 1, true));
  const std::string help = fmt::format(
      "check `{}_filter`, `base_dn`, and that the account of `bind_dn` may read these entries",
      what);
  if (others.empty()) {
    return DoesNotFit(what, fmt::format("nothing at all below {} fits {}", base, anybody), help);
  }
  if (attribute.empty()) return {};
  const auto& values = others.front().attributes;
  const std::string sample =
      values.empty() || values.begin()->second.empty() ? "" : values.begin()->second.front();
  const std::string own = mapping.FillWith(EscapeFilterValue(sample));
  RESCIND_ASSIGN(const bool matches, session_.Matches(others.front().dn, own));
  if (matches) return {};
  return DoesNotFit(
      what, fmt::format("{} has {}, and yet {} does not fit it", others.front().dn, attribute, own),
      help);
}

Result<std::vector<LdapEntry>> LdapDirectory::GroupsOf(const std::string& dn,
                                                       const std::vector<std::string>& names) {
  std::string filter;
  if (!dn.empty()) {
    const std::string escaped = EscapeFilterValue(dn);
    filter += fmt::format("(member={0})(uniqueMember={0})", escaped);
  }
  for (const std::string& name : names) {
    filter += fmt::format("(memberUid={})", EscapeFilterValue(name));
  }
  if (filter.empty()) return std::vector<LdapEntry>{};
  RESCIND_ASSIGN(const std::string base, BaseDn());
  return session_.Search(base, fmt::format("(|{})", filter),
                         {"objectClass", "cn", "gidNumber", "entryUUID"}, kMaxGroups);
}

std::optional<Instant> LastUseOf(const LdapEntry& entry) {
  std::optional<Instant> latest;
  KeepLater(latest, ParseGeneralizedTime(entry.First("authtimestamp")));
  KeepLater(latest, ParseGeneralizedTime(entry.First("pwdlastsuccess")));
  KeepLater(latest, ParseFileTime(entry.First("lastlogontimestamp")));
  return latest;
}

}  // namespace rescind
