#include "runtime/executors/ldap_config.h"

#include <fmt/format.h>
#include <ldap.h>

#include <map>

#include "runtime/executors/loopback.h"

namespace rescind {
namespace {

constexpr const char* kGroupFilter =
    "(&(cn={name})(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)"
    "(objectClass=posixGroup)(objectClass=groupOfURLs)(objectClass=group)))";

// The parts of one `uri` that matter here.
struct Address {
  std::string scheme;
  std::string host;
};

std::vector<Address> ReadAddresses(SettingsReader& reader, const std::string& uri) {
  std::vector<Address> addresses;
  size_t start = 0;
  while (start <= uri.size() && !uri.empty()) {
    const size_t end = std::min(uri.find(' ', start), uri.size());
    const std::string one = uri.substr(start, end - start);
    start = end + 1;
    LDAPURLDesc* url = nullptr;
    if (ldap_url_parse(one.c_str(), &url) != LDAP_URL_SUCCESS) {
      reader.Reject("uri", fmt::format("holds \"{}\", which is not written as ldaps://host or "
                                       "ldap://host:389",
                                       one));
      continue;
    }
    addresses.push_back({url->lud_scheme, url->lud_host != nullptr ? url->lud_host : ""});
    ldap_free_urldesc(url);
  }
  return addresses;
}

void ReadEndpoint(SettingsReader& reader, LdapEndpoint& endpoint) {
  endpoint.uri = reader.RequiredText("uri");
  endpoint.ca_file = reader.File("ca_file");
  const std::string tls = reader.Choice("tls", {"auto", "starttls", "off"});
  bool plain = false;
  bool local = true;
  bool ldaps = false;
  for (const Address& address : ReadAddresses(reader, endpoint.uri)) {
    plain = plain || address.scheme == "ldap";
    ldaps = ldaps || address.scheme == "ldaps";
    local = local && (address.scheme != "ldap" || IsLoopbackHost(address.host));
  }
  if (ldaps && plain) reader.Reject("uri", "must not mix ldap:// and ldaps://");
  if (ldaps && tls == "starttls") {
    reader.Reject("tls", "\"starttls\" is for ldap://; ldaps:// is encrypted from the start");
  }
  if (ldaps && tls == "off") reader.Reject("tls", "cannot be \"off\" for ldaps://");
  // A password crosses no network in clear unless somebody asked for it.
  endpoint.start_tls = tls == "starttls" || (tls == "auto" && plain && !local);
}

std::optional<Template> ReadTemplate(SettingsReader& reader, const std::string& key,
                                     const std::vector<std::string>& names) {
  const std::string text = reader.Text(key);
  if (text.empty()) return std::nullopt;
  auto parsed = Template::Parse(text, names);
  if (!parsed.ok()) {
    reader.Reject(key, parsed.error().message);
    return std::nullopt;
  }
  if (parsed->FillWith("x") == text) {
    reader.Reject(
        key, fmt::format("names one entry for all; write {{{}}} where they differ", names.front()));
  }
  return *std::move(parsed);
}

LdapMapping ReadMapping(SettingsReader& reader, const std::string& what,
                        const std::vector<std::string>& names, const std::string& fallback) {
  const std::string dn_key = what + "_dn";
  const std::string filter_key = what + "_filter";
  LdapMapping mapping{ReadTemplate(reader, dn_key, names), ReadTemplate(reader, filter_key, names)};
  if (mapping.dn && !mapping.dn->IsOnly("id") && DnDepth(mapping.dn->FillWith("x")) == 0) {
    reader.Reject(dn_key, "is no distinguished name such as uid={username},ou=people,dc=…");
  }
  if (mapping.filter &&
      !(mapping.filter->text().starts_with('(') && mapping.filter->text().ends_with(')'))) {
    reader.Reject(filter_key, "must be a filter in parentheses");
  }
  if (mapping.dn && mapping.filter) {
    reader.Reject(filter_key,
                  fmt::format("and `{}` are two ways of saying the same: give one", dn_key));
  }
  if (!mapping.dn && !mapping.filter) mapping.filter = Template::Parse(fallback, names).value();
  return mapping;
}

void ReadDn(SettingsReader& reader, const std::string& key, std::string& into) {
  into = reader.Text(key);
  if (!into.empty() && DnDepth(into) == 0) reader.Reject(key, "is no distinguished name");
}

void ReadDisable(SettingsReader& reader, LdapConfig& config) {
  const std::map<std::string, LdapDisable> ways = {{"auto", LdapDisable::kAuto},
                                                   {"ppolicy", LdapDisable::kPpolicy},
                                                   {"password", LdapDisable::kPassword},
                                                   {"attribute", LdapDisable::kAttribute},
                                                   {"ad", LdapDisable::kAd}};
  config.disable =
      ways.at(reader.Choice("disable", {"auto", "ppolicy", "password", "attribute", "ad"}));
  ReadDn(reader, "policy_dn", config.policy_dn);
  config.disable_attribute = reader.Text("disable_attribute");
  config.disable_value = reader.Text("disable_value");
  const bool by_attribute = config.disable == LdapDisable::kAttribute;
  const bool complete = !config.disable_attribute.empty() && !config.disable_value.empty();
  if (by_attribute && !complete) {
    reader.Reject("disable", "\"attribute\" needs `disable_attribute` and `disable_value`");
  }
  if (!by_attribute && reader.Has("disable_attribute")) {
    reader.Reject("disable_attribute", "is only for `disable = \"attribute\"`");
  }
}

}  // namespace

Result<LdapConfig> LdapConfig::Read(std::string_view target_name, const ExecutorSettings& settings,
                                    std::string_view workspace_folder) {
  SettingsReader reader(target_name, settings, workspace_folder);
  LdapConfig config;
  config.target_name = target_name;
  ReadEndpoint(reader, config.endpoint);
  config.bind_dn = reader.RequiredText("bind_dn");
  if (!config.bind_dn.empty() && DnDepth(config.bind_dn) == 0) {
    reader.Reject("bind_dn", "is no distinguished name");
  }
  reader.RequiredText("bind_password_file");
  config.bind_password_file = reader.File("bind_password_file");
  ReadDn(reader, "base_dn", config.base_dn);
  ReadDisable(reader, config);
  config.account = ReadMapping(
      reader, "account", {"username", "id"},
      config.disable == LdapDisable::kAd ? "(sAMAccountName={username})" : "(uid={username})");
  config.group = ReadMapping(reader, "group", {"name", "id"}, kGroupFilter);
  ReadDn(reader, "placeholder_member", config.placeholder_member);
  config.nested_groups = reader.Boolean("nested_groups", config.nested_groups);
  config.probe_password_folder = reader.File("probe_password_folder");
  config.time_limit = reader.TimeLimit("timeout", config.time_limit);
  RESCIND_TRY(reader.Finish());
  return config;
}

}  // namespace rescind
