// LdapConfig: what [target.NAME] says about a directory, checked.
//
// README.md describes every setting. Nothing is opened here.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "runtime/executors/ldap_session.h"
#include "runtime/executors/ldap_text.h"
#include "runtime/executors/settings.h"

namespace rescind {

// How an account is disabled.
enum class LdapDisable : uint8_t {
  kAuto = 1,       // what the server's root entry suggests
  kPpolicy = 2,    // pwdAccountLockedTime
  kPassword = 3,   // the stored password is marked so that it fits nothing
  kAttribute = 4,  // an attribute that the directory or its clients honour
  kAd = 5,         // bit 0x2 of userAccountControl
};

// Where an entry is: a DN made from a template, or the one match of a filter.
struct LdapMapping {
  std::optional<Template> dn;
  std::optional<Template> filter;
};

struct LdapConfig {
  std::string target_name;
  LdapEndpoint endpoint;
  std::string bind_dn;
  std::string bind_password_file;
  std::string base_dn;  // empty: the server's only naming context
  LdapMapping account;
  LdapMapping group;
  LdapDisable disable = LdapDisable::kAuto;
  std::string policy_dn;
  std::string disable_attribute;
  std::string disable_value;
  std::string placeholder_member;  // empty: the group's own DN
  bool nested_groups = true;
  std::string probe_password_folder;
  std::chrono::milliseconds time_limit{10'000};

  static Result<LdapConfig> Read(std::string_view target_name, const ExecutorSettings& settings,
                                 std::string_view workspace_folder);
};

}  // namespace rescind
