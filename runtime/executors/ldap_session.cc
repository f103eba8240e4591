#include "runtime/executors/ldap_session.h"

#include <fmt/format.h>
#include <ldap.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/env/sigpipe_block.h"
#include "runtime/executors/authorities.h"
#include "runtime/executors/ldap_text.h"
#include "runtime/executors/ldap_watch.h"

namespace rescind {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr const char* kTimeIsOver = "no answer within the time limit";
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

std::chrono::milliseconds Left(LdapDeadline deadline) {
  return std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
}

timeval TimevalOf(std::chrono::milliseconds time) {
  const auto bounded = std::max(time, std::chrono::milliseconds(1));
  return {static_cast<time_t>(bounded.count() / 1000),
          static_cast<suseconds_t>(bounded.count() % 1000 * 1000)};
}

std::string Said(int code, const char* diagnostic) {
  std::string text = fmt::format("{} ({})", ldap_err2string(code), code);
  if (diagnostic != nullptr && *diagnostic != '\0') text += fmt::format(": {}", diagnostic);
  return text;
}

// Does anybody accept connections there? Tells a TLS failure from a server that is not there,
// which libldap reports alike.
bool AcceptsConnections(const std::string& uri, LdapDeadline deadline) {
  LDAPURLDesc* url = nullptr;
  const std::string first = uri.substr(0, uri.find(' '));
  if (ldap_url_parse(first.c_str(), &url) != LDAP_URL_SUCCESS) return false;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* addresses = nullptr;
  const std::string port = std::to_string(url->lud_port);
  const int resolved = getaddrinfo(url->lud_host != nullptr ? url->lud_host : "127.0.0.1",
                                   port.c_str(), &hints, &addresses);
  ldap_free_urldesc(url);
  if (resolved != 0) return false;
  bool accepted = false;
  for (const addrinfo* at = addresses; at != nullptr && !accepted; at = at->ai_next) {
    const int connection =
        socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
    if (connection < 0) continue;
    if (connect(connection, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS) {
      pollfd watched{connection, POLLOUT, 0};
      int problem = 0;
      socklen_t bytes = sizeof problem;
      const auto wait = std::clamp(Left(deadline), std::chrono::milliseconds(50),
                                   std::chrono::milliseconds(1000));
      accepted = poll(&watched, 1, static_cast<int>(wait.count())) == 1 &&
                 getsockopt(connection, SOL_SOCKET, SO_ERROR, &problem, &bytes) == 0 &&
                 problem == 0;
    }
    close(connection);
  }
  freeaddrinfo(addresses);
  return accepted;
}

Error TlsFailure(const LdapEndpoint& endpoint, const std::string& said) {
  return {ErrorKind::kDenied,
          fmt::format("no TLS connection with {} could be verified{}", endpoint.uri,
                      said.empty() ? "" : fmt::format(": {}", said)),
          fmt::format("the certificate must be valid for the host in `uri` and signed by an "
                      "authority in {}",
                      endpoint.ca_file.empty() ? "the system's list; `ca_file` names another"
                                               : endpoint.ca_file)};
}

Error NobodyAnswers(const LdapEndpoint& endpoint, const std::string& said) {
  return {ErrorKind::kUnavailable,
          fmt::format("the directory {} does not answer: {}", endpoint.uri, said),
          "check that it runs and that this machine may reach it"};
}

// "nowhere.example.org: Name or service not known", where no host of the addresses is known; empty
// where one is. libldap calls that a server that cannot be contacted.
std::string UnknownHosts(const std::string& uris) {
  std::string unknown;
  size_t begin = 0;
  while (begin < uris.size()) {
    const size_t end = std::min(uris.find(' ', begin), uris.size());
    const std::string uri = uris.substr(begin, end - begin);
    begin = end + 1;
    LDAPURLDesc* url = nullptr;
    if (uri.empty() || ldap_url_parse(uri.c_str(), &url) != LDAP_URL_SUCCESS) continue;
    const std::string host = url->lud_host != nullptr ? url->lud_host : "";
    ldap_free_urldesc(url);
    if (host.empty()) return "";
    addrinfo* addresses = nullptr;
    const int failure = getaddrinfo(host.c_str(), nullptr, nullptr, &addresses);
    if (failure == 0) {
      freeaddrinfo(addresses);
      return "";
    }
    unknown += fmt::format("{}{}: {}", unknown.empty() ? "" : "; ", host, gai_strerror(failure));
  }
  return unknown;
}

// Nobody was reached, and there was time enough.
Error CannotContact(const LdapEndpoint& endpoint, const std::string& said) {
  const std::string unknown = UnknownHosts(endpoint.uri);
  if (unknown.empty()) return NobodyAnswers(endpoint, said);
  return {ErrorKind::kUnavailable,
          fmt::format("the host of the directory {} is not known: {}", endpoint.uri, unknown),
          "mend `uri` in rescind.toml, or what this machine looks names up with"};
}

// libldap wants char** ended by a null pointer.
std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Changes in the form of libldap; points into `changes`.
class RawChanges {
 public:
  explicit RawChanges(const std::vector<LdapChange>& changes) {
    rows_.reserve(changes.size());
    for (const LdapChange& change : changes) rows_.push_back(RowOf(change));
    for (Row& row : rows_) {
      for (berval& value : row.values) row.pointers.push_back(&value);
      row.pointers.push_back(nullptr);
      row.mod.mod_bvalues = row.values.empty() ? nullptr : row.pointers.data();
      mods_.push_back(&row.mod);
    }
    mods_.push_back(nullptr);
  }
  LDAPMod** data() { return mods_.data(); }

 private:
  struct Row {
    LDAPMod mod{};
    std::vector<berval> values;
    std::vector<berval*> pointers;
  };
  static Row RowOf(const LdapChange& change) {
    Row row;
    switch (change.kind) {
      case LdapChange::Kind::kAdd: row.mod.mod_op = LDAP_MOD_ADD; break;
      case LdapChange::Kind::kDelete: row.mod.mod_op = LDAP_MOD_DELETE; break;
      case LdapChange::Kind::kReplace: row.mod.mod_op = LDAP_MOD_REPLACE; break;
    }
    row.mod.mod_op |= LDAP_MOD_BVALUES;
    row.mod.mod_type = const_cast<char*>(change.attribute.c_str());
    for (const std::string& value : change.values) {
      row.values.push_back({static_cast<ber_len_t>(value.size()), const_cast<char*>(value.data())});
    }
    return row;
  }
  std::vector<Row> rows_;
  std::vector<LDAPMod*> mods_;
};

// "Only if it is still that entry" (RFC 4528). Not critical: a server that does not know it
// ignores it.
class SameEntryControl {
 public:
  SameEntryControl(ldap* handle, const std::string& uuid) {
    if (uuid.empty()) return;
    std::string filter = fmt::format("(entryUUID={})", EscapeFilterValue(uuid));
    berval value{};
    if (ldap_create_assertion_control_value(handle, filter.data(), &value) != LDAP_SUCCESS) return;
    ldap_control_create(LDAP_CONTROL_ASSERT, 0, &value, 1, &control_);
    ldap_memfree(value.bv_val);
    list_[0] = control_;
  }
  SameEntryControl(const SameEntryControl&) = delete;
  SameEntryControl& operator=(const SameEntryControl&) = delete;
  ~SameEntryControl() {
    if (control_ != nullptr) ldap_control_free(control_);
  }
  LDAPControl** list() { return control_ == nullptr ? nullptr : list_; }

 private:
  LDAPControl* control_ = nullptr;
  LDAPControl* list_[2] = {nullptr, nullptr};
};

LdapEntry EntryOf(ldap* handle, LDAPMessage* message) {
  LdapEntry entry;
  if (char* dn = ldap_get_dn(handle, message)) {
    entry.dn = dn;
    ldap_memfree(dn);
  }
  BerElement* position = nullptr;
  char* name = ldap_first_attribute(handle, message, &position);
  while (name != nullptr) {
    std::string lowered = name;
    std::transform(lowered.begin(), lowered.end(), lowered.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    berval** values = ldap_get_values_len(handle, message, name);
    auto& texts = entry.attributes[lowered];
    for (int i = 0; i < ldap_count_values_len(values); ++i) {
      texts.emplace_back(values[i]->bv_val, values[i]->bv_len);
    }
    ldap_value_free_len(values);
    ldap_memfree(name);
    name = ldap_next_attribute(handle, message, position);
  }
  ber_free(position, 0);
  return entry;
}

}  // namespace

std::string LdapEntry::First(const std::string& lower_name) const {
  const auto found = attributes.find(lower_name);
  return found == attributes.end() || found->second.empty() ? "" : found->second.front();
}

ErrorKind KindOfLdapCode(int code) {
  switch (code) {
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_INSUFFICIENT_ACCESS:
    case LDAP_STRONG_AUTH_REQUIRED:
    case LDAP_CONFIDENTIALITY_REQUIRED: return ErrorKind::kDenied;
    case LDAP_ASSERTION_FAILED: return ErrorKind::kStale;
    case LDAP_UNDEFINED_TYPE:
    case LDAP_INAPPROPRIATE_MATCHING:
    case LDAP_CONSTRAINT_VIOLATION:
    case LDAP_INVALID_SYNTAX:
    case LDAP_NO_SUCH_OBJECT:
    case LDAP_INVALID_DN_SYNTAX:
    case LDAP_NAMING_VIOLATION:
    case LDAP_OBJECT_CLASS_VIOLATION:
    case LDAP_NOT_ALLOWED_ON_NONLEAF:
    case LDAP_FILTER_ERROR:
    case LDAP_SIZELIMIT_EXCEEDED: return ErrorKind::kInvalidInput;
    default: return ErrorKind::kUnavailable;
  }
}

void LdapSession::Closer::operator()(ldap* handle) const {
  const SigpipeBlock block;
  ldap_unbind_ext(handle, nullptr, nullptr);
}

LdapSession::LdapSession(Handle handle, LdapEndpoint endpoint, LdapDeadline deadline)
    : watch_(std::make_unique<LdapWatch>(deadline)),
      handle_(std::move(handle)),
      endpoint_(std::move(endpoint)),
      deadline_(deadline) {
  watch_->Attach(handle_.get());
}

LdapSession::LdapSession(LdapSession&&) noexcept = default;
LdapSession::~LdapSession() = default;

bool LdapSession::OutOfTime() const {
  return watch_->fired() || Left(deadline_) <= std::chrono::milliseconds(0);
}

Result<LdapSession> LdapSession::Connect(const LdapEndpoint& endpoint, LdapDeadline deadline) {
  const bool tls = endpoint.start_tls || endpoint.uri.starts_with("ldaps:");
  if (tls) RESCIND_TRY(CheckAuthorityFile(endpoint.ca_file));
  LDAP* raw = nullptr;
  const int made = ldap_initialize(&raw, endpoint.uri.c_str());
  if (made != LDAP_SUCCESS) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("\"{}\" is no LDAP address: {}", endpoint.uri, ldap_err2string(made)),
                 "write it as ldaps://host or ldap://host:389"};
  }
  LdapSession session(Handle(raw), endpoint, deadline);
  const int version = LDAP_VERSION3;
  const int demand = LDAP_OPT_X_TLS_DEMAND;
  const int oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
  const int for_a_client = 0;
  const std::string authorities =
      endpoint.ca_file.empty() ? std::string(kSystemAuthorities) : endpoint.ca_file;
  // Two addresses share the time, so that the second gets its turn.
  const bool several = endpoint.uri.find(' ') != std::string::npos;
  const timeval connect_time = TimevalOf(Left(deadline) / (several ? 2 : 1));
  ldap_set_option(raw, LDAP_OPT_PROTOCOL_VERSION, &version);
  ldap_set_option(raw, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
  ldap_set_option(raw, LDAP_OPT_NETWORK_TIMEOUT, &connect_time);
  ldap_set_option(raw, LDAP_OPT_TIMEOUT, &connect_time);
  ldap_set_option(raw, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
  ldap_set_option(raw, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest);
  const auto use_authorities = [&] {
    return ldap_set_option(raw, LDAP_OPT_X_TLS_CACERTFILE, authorities.c_str()) ==
               LDAP_OPT_SUCCESS &&
           ldap_set_option(raw, LDAP_OPT_X_TLS_NEWCTX, &for_a_client) == LDAP_OPT_SUCCESS;
  };
  if (tls && !use_authorities()) {
    return TlsFailure(endpoint, fmt::format("{} cannot be read as certificates", authorities));
  }
  if (!endpoint.start_tls) return session;
  const SigpipeBlock block;
  const int code = ldap_start_tls_s(raw, nullptr, nullptr);
  if (code == LDAP_SUCCESS) return session;
  if (session.OutOfTime()) return NobodyAnswers(endpoint, kTimeIsOver);
  if (code == LDAP_SERVER_DOWN) return CannotContact(endpoint, ldap_err2string(code));
  if (code == LDAP_TIMEOUT) return NobodyAnswers(endpoint, ldap_err2string(code));
  return TlsFailure(endpoint, code == LDAP_CONNECT_ERROR ? "" : std::string(ldap_err2string(code)));
}

Result<LdapSession> LdapSession::Open(const LdapEndpoint& endpoint, const std::string& bind_dn,
                                      const std::string& password, LdapDeadline deadline) {
  RESCIND_ASSIGN(LdapSession session, Connect(endpoint, deadline));
  const LdapReply reply = session.Bind(bind_dn, password);
  if (reply.ok()) return session;
  if (!reply.answered) {
    const bool down = reply.code == LDAP_SERVER_DOWN || reply.code == LDAP_CONNECT_ERROR;
    if (session.OutOfTime()) return NobodyAnswers(endpoint, kTimeIsOver);
    if (down && endpoint.uri.starts_with("ldaps:") && AcceptsConnections(endpoint.uri, deadline)) {
      return TlsFailure(endpoint, "");
    }
    return down ? CannotContact(endpoint, reply.message) : NobodyAnswers(endpoint, reply.message);
  }
  const bool is_wrong =
      reply.code == LDAP_INVALID_CREDENTIALS || reply.code == LDAP_INAPPROPRIATE_AUTH;
  return Error{is_wrong ? ErrorKind::kLogInRefused : KindOfLdapCode(reply.code),
               fmt::format("the directory {} refuses the log-in of {}: {}", endpoint.uri, bind_dn,
                           reply.message),
               "check `bind_dn` and the password in `bind_password_file`"};
}

LdapReply LdapSession::TryBind(const LdapEndpoint& endpoint, const std::string& bind_dn,
                               const std::string& password, LdapDeadline deadline) {
  auto session = Connect(endpoint, deadline);
  if (!session.ok()) return {LDAP_CONNECT_ERROR, session.error().message, false};
  return session->Bind(bind_dn, password);
}

LdapReply LdapSession::Bind(const std::string& dn, const std::string& password) {
  const SigpipeBlock block;
  berval secret{static_cast<ber_len_t>(password.size()), const_cast<char*>(password.data())};
  int id = 0;
  const int sent =
      ldap_sasl_bind(handle_.get(), dn.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr, &id);
  return Await(id, sent);
}

// The final answer to the request `message_id`.
LdapReply LdapSession::Await(int message_id, int sent_code) {
  // Not sent: libldap could not reach the server or not encode the request.
  if (sent_code != LDAP_SUCCESS) {
    return {sent_code, OutOfTime() ? kTimeIsOver : Said(sent_code, nullptr), false};
  }
  timeval time = TimevalOf(Left(deadline_));
  LDAPMessage* message = nullptr;
  const int kind = ldap_result(handle_.get(), message_id, LDAP_MSG_ALL, &time, &message);
  if (kind == 0) {
    ldap_abandon_ext(handle_.get(), message_id, nullptr, nullptr);
    return {LDAP_TIMEOUT, kTimeIsOver, false};
  }
  if (kind < 0) {
    int code = LDAP_SERVER_DOWN;
    ldap_get_option(handle_.get(), LDAP_OPT_RESULT_CODE, &code);
    ldap_msgfree(message);
    return {code, Said(code, nullptr), false};
  }
  int code = LDAP_OTHER;
  char* diagnostic = nullptr;
  const int parsed =
      ldap_parse_result(handle_.get(), message, &code, nullptr, &diagnostic, nullptr, nullptr, 1);
  LdapReply reply{code, Said(code, diagnostic), parsed == LDAP_SUCCESS};
  ldap_memfree(diagnostic);
  return reply;
}

void LdapSession::Take(void* message, Found& found) {
  auto* const first = static_cast<LDAPMessage*>(message);
  for (LDAPMessage* entry = ldap_first_entry(handle_.get(), first); entry != nullptr;
       entry = ldap_next_entry(handle_.get(), entry)) {
    found.entries.push_back(EntryOf(handle_.get(), entry));
  }
  char* diagnostic = nullptr;
  found.answered = ldap_parse_result(handle_.get(), first, &found.code, nullptr, &diagnostic,
                                     nullptr, nullptr, 0) == LDAP_SUCCESS;
  found.message = Said(found.code, diagnostic);
  ldap_memfree(diagnostic);
}

LdapSession::Found LdapSession::RunSearch(const std::string& base, int scope,
                                          const std::string& filter,
                                          const std::vector<std::string>& attributes,
                                          size_t limit) {
  const SigpipeBlock block;
  std::vector<char*> names = Pointers(attributes);
  timeval time = TimevalOf(Left(deadline_));
  LDAPMessage* message = nullptr;
  const int code =
      ldap_search_ext_s(handle_.get(), base.c_str(), scope, filter.c_str(), names.data(), 0,
                        nullptr, nullptr, &time, static_cast<int>(limit), &message);
  Found found{code, message != nullptr, Said(code, nullptr), {}};
  if (message != nullptr) Take(message, found);
  ldap_msgfree(message);
  return found;
}

Error LdapSession::Failure(const Found& found, std::string_view what) const {
  return Failure(LdapReply{found.code, found.message, found.answered}, what);
}

Error LdapSession::Failure(const LdapReply& reply, std::string_view what) const {
  if (!reply.answered && reply.code != LDAP_FILTER_ERROR) {
    return NobodyAnswers(endpoint_, reply.message);
  }
  return {KindOfLdapCode(reply.code), fmt::format("{}: {}", what, reply.message), ""};
}

Result<std::optional<LdapEntry>> LdapSession::Read(const std::string& dn,
                                                   const std::vector<std::string>& attributes) {
  Found found = RunSearch(dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0);
  if (found.answered && found.code == LDAP_NO_SUCH_OBJECT) return std::optional<LdapEntry>();
  if (!found.answered || found.code != LDAP_SUCCESS) {
    return Failure(found, fmt::format("reading {}", dn));
  }
  // An entry that we may know of but not read comes as success without entries.
  if (found.entries.empty()) {
    return Error{ErrorKind::kDenied, fmt::format("{} may not be read", dn),
                 "give the account of `bind_dn` the right to read it"};
  }
  return std::optional<LdapEntry>(std::move(found.entries.front()));
}

Result<std::vector<LdapEntry>> LdapSession::Search(const std::string& base,
                                                   const std::string& filter,
                                                   const std::vector<std::string>& attributes,
                                                   size_t limit, bool cut) {
  Found found = RunSearch(base, LDAP_SCOPE_SUBTREE, filter, attributes, limit);
  const bool cut_off = cut && found.answered && found.code == LDAP_SIZELIMIT_EXCEEDED;
  if (found.answered && (found.code == LDAP_SUCCESS || cut_off)) return std::move(found.entries);
  return Failure(found, fmt::format("searching {} for {}", base, filter));
}

Result<bool> LdapSession::Matches(const std::string& dn, const std::string& filter) {
  const Found found = RunSearch(dn, LDAP_SCOPE_BASE, filter, {LDAP_NO_ATTRS}, 0);
  if (found.answered && found.code == LDAP_NO_SUCH_OBJECT) return false;
  if (found.answered && found.code == LDAP_SUCCESS) return !found.entries.empty();
  return Failure(found, fmt::format("testing {} for {}", dn, filter));
}

LdapReply LdapSession::Modify(const std::string& dn, const std::vector<LdapChange>& changes,
                              const std::string& uuid) {
  const SigpipeBlock block;
  RawChanges raw(changes);
  SameEntryControl same(handle_.get(), uuid);
  int id = 0;
  const int sent =
      ldap_modify_ext(handle_.get(), dn.c_str(), raw.data(), same.list(), nullptr, &id);
  return Await(id, sent);
}

LdapReply LdapSession::Delete(const std::string& dn, const std::string& uuid) {
  const SigpipeBlock block;
  SameEntryControl same(handle_.get(), uuid);
  int id = 0;
  const int sent = ldap_delete_ext(handle_.get(), dn.c_str(), same.list(), nullptr, &id);
  return Await(id, sent);
}

LdapReply LdapSession::Compare(const std::string& dn, const std::string& attribute,
                               const std::string& value) {
  const SigpipeBlock block;
  berval raw{static_cast<ber_len_t>(value.size()), const_cast<char*>(value.data())};
  int id = 0;
  const int sent =
      ldap_compare_ext(handle_.get(), dn.c_str(), attribute.c_str(), &raw, nullptr, nullptr, &id);
  return Await(id, sent);
}

}  // namespace rescind
