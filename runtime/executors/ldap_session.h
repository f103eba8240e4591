// LdapSession: one connection to a directory, logged in, with one deadline for all it does.
//
// The thin room around libldap: nothing outside it calls the library's network functions. Server
// certificates are always verified. It knows entries and result codes, not accounts or policies.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

struct ldap;

namespace rescind {

class LdapWatch;

struct LdapEndpoint {
  std::string uri;
  bool start_tls = false;
  std::string ca_file;  // empty: the system's authorities
};

struct LdapEntry {
  std::string dn;
  // By attribute name in lower case, options such as ";binary" kept.
  std::map<std::string, std::vector<std::string>> attributes;

  // The first value; empty when there is none.
  std::string First(const std::string& lower_name) const;
  bool Has(const std::string& lower_name) const { return attributes.contains(lower_name); }
};

struct LdapChange {
  enum class Kind : uint8_t { kAdd = 1, kDelete = 2, kReplace = 3 };
  Kind kind = Kind::kReplace;
  std::string attribute;
  std::vector<std::string> values;  // kDelete and kReplace without values: all of them go
};

// What became of one request that changes or tests something.
struct LdapReply {
  int code = 0;           // LDAP result code; negative for libldap's own
  std::string message;    // plain, with the server's words
  bool answered = false;  // false: nobody knows whether it happened
  bool ok() const { return answered && code == 0; }
};

using LdapDeadline = std::chrono::steady_clock::time_point;

class LdapSession {
 public:
  LdapSession(LdapSession&&) noexcept;
  ~LdapSession();

  // Connects, sets up TLS, logs in. kUnavailable when nobody answers, kDenied when TLS cannot be
  // verified, kLogInRefused when the name or the password is wrong, kInvalidInput when libldap
  // cannot read the URI.
  static Result<LdapSession> Open(const LdapEndpoint& endpoint, const std::string& bind_dn,
                                  const std::string& password, LdapDeadline deadline);
  // Tries to log in and goes away again. `code` is what the server answered.
  static LdapReply TryBind(const LdapEndpoint& endpoint, const std::string& bind_dn,
                           const std::string& password, LdapDeadline deadline);

  // The entry, or nullopt when there is none. Operational attributes come only when asked for.
  Result<std::optional<LdapEntry>> Read(const std::string& dn,
                                        const std::vector<std::string>& attributes);
  // The whole subtree. kInvalidInput when the base does not exist; more than `limit` entries is
  // an error, except with `cut`: then the first `limit`.
  Result<std::vector<LdapEntry>> Search(const std::string& base, const std::string& filter,
                                        const std::vector<std::string>& attributes, size_t limit,
                                        bool cut = false);
  // Does the entry itself match?
  Result<bool> Matches(const std::string& dn, const std::string& filter);

  // Without `uuid` or with one that is still the entry's; otherwise the server does nothing
  // (LDAP_ASSERTION_FAILED), if it knows the assertion control.
  LdapReply Modify(const std::string& dn, const std::vector<LdapChange>& changes,
                   const std::string& uuid);
  LdapReply Delete(const std::string& dn, const std::string& uuid);
  // LDAP_COMPARE_TRUE, LDAP_COMPARE_FALSE or an error.
  LdapReply Compare(const std::string& dn, const std::string& attribute, const std::string& value);

 private:
  struct Closer {
    void operator()(ldap* handle) const;
  };
  using Handle = std::unique_ptr<ldap, Closer>;
  struct Found {
    int code = 0;
    bool answered = false;
    std::string message;
    std::vector<LdapEntry> entries;
  };

  LdapSession(Handle handle, LdapEndpoint endpoint, LdapDeadline deadline);
  bool OutOfTime() const;
  static Result<LdapSession> Connect(const LdapEndpoint& endpoint, LdapDeadline deadline);
  LdapReply Bind(const std::string& dn, const std::string& password);
  Found RunSearch(const std::string& base, int scope, const std::string& filter,
                  const std::vector<std::string>& attributes, size_t limit);
  void Take(void* message, Found& found);
  LdapReply Await(int message_id, int sent_code);
  Error Failure(const Found& found, std::string_view what) const;
  Error Failure(const LdapReply& reply, std::string_view what) const;

  std::unique_ptr<LdapWatch> watch_;  // outlives handle_
  Handle handle_;
  LdapEndpoint endpoint_;
  LdapDeadline deadline_;
};

// What an LDAP result code means for an action on which the server has said no.
ErrorKind KindOfLdapCode(int code);

}  // namespace rescind
