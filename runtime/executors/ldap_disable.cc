// Disabling an account in a directory, in one of four ways.
//
// Each way is a Lock: it knows which attribute holds the state, what it looks like when locked and
// how to get there and back. The trap of the first: `pwdAccountLockedTime: 000001010000Z` locks
// only where the password policy that governs the account says `pwdLockout: TRUE`.
#include <fmt/format.h>
#include <ldap.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/sha256.h"
#include "runtime/executors/ldap_operation.h"

namespace rescind {
namespace {

using Json = nlohmann::json;

constexpr const char* kLockedForGood = "000001010000Z";
constexpr int64_t kAdDisabledBit = 0x2;
// After the scheme of a stored password: no hash begins so, hence no password fits.
constexpr std::string_view kPasswordMark = "!rescind!";
constexpr std::string_view kPlainMark = "{CRYPT}!rescind-plain!";
constexpr const char* kPasswordPolicyControl = "1.3.6.1.4.1.42.2.27.8.5.1";
constexpr const char* kActiveDirectory = "1.2.840.113556.1.4.800";

std::vector<std::string> ValuesOf(const LdapEntry& entry, const std::string& lower_name) {
  const auto found = entry.attributes.find(lower_name);
  return found == entry.attributes.end() ? std::vector<std::string>{} : found->second;
}

std::string Lowered(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// One way of disabling.
class Lock {
 public:
  virtual ~Lock() = default;
  virtual std::vector<std::string> Attributes() const { return {}; }
  // Whether this way works for this account at all.
  virtual Status Check(LdapDirectory&, const LdapAccount&) { return {}; }
  virtual bool IsLocked(const LdapEntry& entry) const = 0;
  virtual Json State(const LdapEntry& entry) const = 0;  // secret-free
  virtual std::string Describe(const LdapEntry& entry) const = 0;
  virtual std::vector<LdapChange> LockChanges(const LdapEntry& entry) const = 0;
  // `before`: what State gave before the lock. Empty when there is nothing to bring back.
  virtual std::vector<LdapChange> UnlockChanges(const LdapEntry& entry,
                                                const Json& before) const = 0;
};

class PpolicyLock final : public Lock {
 public:
  Status Check(LdapDirectory& directory, const LdapAccount& account) override {
    std::string policy = account.entry->First("pwdpolicysubentry");
    if (policy.empty()) policy = directory.config().policy_dn;
    if (!policy.empty()) return CheckPolicy(directory, policy);
    RESCIND_ASSIGN(const std::string base, directory.BaseDn());
    RESCIND_ASSIGN(const auto policies, directory.session().Search(base, "(objectClass=pwdPolicy)",
                                                                   {"pwdLockout"}, 100));
    if (policies.empty()) {
      return Error{ErrorKind::kInvalidInput,
                   fmt::format("no password policy is found below {}, so pwdAccountLockedTime "
                               "would lock nobody",
                               base),
                   "name it with `policy_dn`, or choose another way with `disable`"};
    }
    for (const LdapEntry& entry : policies) {
      if (entry.First("pwdlockout") == "TRUE") continue;
      return Error{ErrorKind::kInvalidInput,
                   fmt::format("it is not certain which password policy governs {}, and {} does "
                               "not lock (pwdLockout is not TRUE)",
                               account.dn, entry.dn),
                   "name the default policy with `policy_dn`"};
    }
    policy_ = policies.front().dn;
    return {};
  }
  bool IsLocked(const LdapEntry& entry) const override {
    return entry.First("pwdaccountlockedtime") == kLockedForGood;
  }
  Json State(const LdapEntry& entry) const override {
    if (!entry.Has("pwdaccountlockedtime")) return {{"pwdAccountLockedTime", nullptr}};
    return {{"pwdAccountLockedTime", entry.First("pwdaccountlockedtime")}};
  }
  std::string Describe(const LdapEntry& entry) const override {
    if (!entry.Has("pwdaccountlockedtime")) return "not locked";
    if (!IsLocked(entry)) return "locked for a while after failed log-ins";
    return fmt::format("pwdAccountLockedTime={} and pwdLockout=TRUE in {}", kLockedForGood,
                       policy_);
  }
  std::vector<LdapChange> LockChanges(const LdapEntry&) const override {
    return {{LdapChange::Kind::kReplace, "pwdAccountLockedTime", {kLockedForGood}}};
  }
  std::vector<LdapChange> UnlockChanges(const LdapEntry&, const Json& before) const override {
    const auto earlier = before.find("pwdAccountLockedTime");
    std::vector<LdapChange> changes = {
        {LdapChange::Kind::kDelete, "pwdAccountLockedTime", {kLockedForGood}}};
    if (earlier != before.end() && earlier->is_string()) {
      changes.push_back(
          {LdapChange::Kind::kAdd, "pwdAccountLockedTime", {earlier->get<std::string>()}});
    }
    return changes;
  }

 private:
  Status CheckPolicy(LdapDirectory& directory, const std::string& policy) {
    RESCIND_ASSIGN(const auto entry, directory.session().Read(policy, {"pwdLockout"}));
    if (entry && entry->First("pwdlockout") == "TRUE") {
      policy_ = policy;
      return {};
    }
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("the password policy {} {}, so pwdAccountLockedTime would not lock",
                             policy, entry ? "has not pwdLockout TRUE" : "does not exist"),
                 "set pwdLockout to TRUE in it, or choose another way with `disable`"};
  }
  std::string policy_;
};

class AdLock final : public Lock {
 public:
  std::vector<std::string> Attributes() const override { return {"userAccountControl"}; }
  Status Check(LdapDirectory&, const LdapAccount& account) override {
    if (Control(*account.entry)) return {};
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("{} has no userAccountControl that can be read", account.dn),
                 "is this an Active Directory? `disable` offers other ways"};
  }
  bool IsLocked(const LdapEntry& entry) const override {
    return (Control(entry).value_or(0) & kAdDisabledBit) != 0;
  }
  Json State(const LdapEntry& entry) const override {
    return {{"userAccountControl", entry.First("useraccountcontrol")}};
  }
  std::string Describe(const LdapEntry& entry) const override {
    return fmt::format("userAccountControl={} ({})", entry.First("useraccountcontrol"),
                       IsLocked(entry) ? "disabled" : "enabled");
  }
  std::vector<LdapChange> LockChanges(const LdapEntry& entry) const override {
    return Set(Control(entry).value_or(0) | kAdDisabledBit);
  }
  std::vector<LdapChange> UnlockChanges(const LdapEntry& entry, const Json&) const override {
    return Set(Control(entry).value_or(0) & ~kAdDisabledBit);
  }

 private:
  static std::optional<int64_t> Control(const LdapEntry& entry) {
    const std::string text = entry.First("useraccountcontrol");
    int64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || problem != std::errc() || *end != '\0') return std::nullopt;
    return number;
  }
  // A replacement, since schemas give this attribute no rule by which a value could be deleted.
  static std::vector<LdapChange> Set(int64_t number) {
    return {{LdapChange::Kind::kReplace, "userAccountControl", {std::to_string(number)}}};
  }
};

class AttributeLock final : public Lock {
 public:
  explicit AttributeLock(const LdapConfig& config)
      : name_(config.disable_attribute),
        lower_name_(Lowered(config.disable_attribute)),
        value_(config.disable_value) {}
  std::vector<std::string> Attributes() const override { return {name_}; }
  bool IsLocked(const LdapEntry& entry) const override {
    const auto values = ValuesOf(entry, lower_name_);
    return values.size() == 1 && Lowered(values.front()) == Lowered(value_);
  }
  Json State(const LdapEntry& entry) const override {
    auto values = ValuesOf(entry, lower_name_);
    std::sort(values.begin(), values.end());
    return {{name_, values}};
  }
  std::string Describe(const LdapEntry& entry) const override {
    return fmt::format("{}={}", name_, fmt::join(ValuesOf(entry, lower_name_), "; "));
  }
  std::vector<LdapChange> LockChanges(const LdapEntry&) const override {
    return {{LdapChange::Kind::kReplace, name_, {value_}}};
  }
  std::vector<LdapChange> UnlockChanges(const LdapEntry&, const Json& before) const override {
    std::vector<std::string> values;
    const auto earlier = before.find(name_);
    if (earlier != before.end() && earlier->is_array()) {
      for (const Json& value : *earlier) {
        if (value.is_string()) values.push_back(value.get<std::string>());
      }
    }
    return {{LdapChange::Kind::kReplace, name_, values}};
  }

 private:
  std::string name_;
  std::string lower_name_;
  std::string value_;
};

// "{SSHA}abc" <-> "{SSHA}!rescind!abc"; a password stored as it is also gets a scheme, since
// "!rescind!secret" would otherwise be a password that works.
std::string Marked(const std::string& stored) {
  const size_t end = stored.find('}');
  if (!stored.starts_with('{') || end == stored.npos) return std::string(kPlainMark) + stored;
  return stored.substr(0, end + 1) + std::string(kPasswordMark) + stored.substr(end + 1);
}

std::optional<std::string> Unmarked(const std::string& stored) {
  if (stored.starts_with(kPlainMark)) return stored.substr(kPlainMark.size());
  const size_t end = stored.find('}');
  if (!stored.starts_with('{') || end == stored.npos) return std::nullopt;
  if (stored.compare(end + 1, kPasswordMark.size(), kPasswordMark) != 0) return std::nullopt;
  return stored.substr(0, end + 1) + stored.substr(end + 1 + kPasswordMark.size());
}

class PasswordLock final : public Lock {
 public:
  std::vector<std::string> Attributes() const override { return {"userPassword"}; }
  Status Check(LdapDirectory& directory, const LdapAccount& account) override {
    if (account.entry->Has("userpassword")) return {};
    const auto reply = directory.session().Compare(account.dn, "userPassword", "is there one?");
    if (reply.answered && reply.code == LDAP_NO_SUCH_ATTRIBUTE) return {};
    return Error{reply.answered ? ErrorKind::kDenied : ErrorKind::kUnavailable,
                 fmt::format("the password of {} cannot be read: {}", account.dn, reply.message),
                 "give the account of `bind_dn` the right to read and write userPassword"};
  }
  bool IsLocked(const LdapEntry& entry) const override { return Count(entry, false) == 0; }
  Json State(const LdapEntry& entry) const override {
    return {{"passwords", Count(entry, false)}, {"marked", Count(entry, true)}};
  }
  std::string Describe(const LdapEntry& entry) const override {
    return fmt::format("{} usable and {} disabled stored passwords", Count(entry, false),
                       Count(entry, true));
  }
  std::vector<LdapChange> LockChanges(const LdapEntry& entry) const override {
    std::vector<LdapChange> changes;
    for (const std::string& stored : ValuesOf(entry, "userpassword")) {
      if (!Unmarked(stored)) AddSwap(changes, stored, Marked(stored));
    }
    return changes;
  }
  std::vector<LdapChange> UnlockChanges(const LdapEntry& entry, const Json&) const override {
    std::vector<LdapChange> changes;
    for (const std::string& stored : ValuesOf(entry, "userpassword")) {
      if (const auto usable = Unmarked(stored)) AddSwap(changes, stored, *usable);
    }
    return changes;
  }

 private:
  static void AddSwap(std::vector<LdapChange>& changes, const std::string& from,
                      const std::string& to) {
    changes.push_back({LdapChange::Kind::kDelete, "userPassword", {from}});
    changes.push_back({LdapChange::Kind::kAdd, "userPassword", {to}});
  }
  static size_t Count(const LdapEntry& entry, bool marked) {
    const auto values = ValuesOf(entry, "userpassword");
    return static_cast<size_t>(std::count_if(
        values.begin(), values.end(),
        [&](const std::string& stored) { return Unmarked(stored).has_value() == marked; }));
  }
};

Result<std::unique_ptr<Lock>> MakeLock(LdapDirectory& directory) {
  using Made = Result<std::unique_ptr<Lock>>;
  switch (directory.config().disable) {
    case LdapDisable::kPpolicy: return Made(std::make_unique<PpolicyLock>());
    case LdapDisable::kPassword: return Made(std::make_unique<PasswordLock>());
    case LdapDisable::kAttribute: return Made(std::make_unique<AttributeLock>(directory.config()));
    case LdapDisable::kAd: return Made(std::make_unique<AdLock>());
    case LdapDisable::kAuto: break;
  }
  RESCIND_ASSIGN(const auto capabilities, directory.RootValues("supportedcapabilities"));
  const auto has = [](const std::vector<std::string>& list, const char* item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  if (has(capabilities, kActiveDirectory)) return Made(std::make_unique<AdLock>());
  RESCIND_ASSIGN(const auto controls, directory.RootValues("supportedcontrol"));
  if (has(controls, kPasswordPolicyControl)) return Made(std::make_unique<PpolicyLock>());
  return Error{ErrorKind::kInvalidInput,
               fmt::format("[target.{}]: the directory has no password policies (ppolicy), so it "
                           "must be said how an account is disabled",
                           directory.config().target_name),
               "set `disable` to \"password\" or \"attribute\""};
}

class DisableAccount final : public LdapOperation {
 public:
  DisableAccount(LdapDirectory& directory, const LdapProbe& probe, const Action& action)
      : directory_(directory), probe_(probe), action_(action) {}

  Result<TargetState> Observe() override {
    RESCIND_ASSIGN(lock_, MakeLock(directory_));
    RESCIND_ASSIGN(account_, directory_.FindAccount(action_.target, lock_->Attributes()));
    if (!account_.entry) {
      return GoneState(fmt::format("{}: there is no such account", Name()));
    }
    RESCIND_TRY(lock_->Check(directory_, account_));
    TargetState state;
    state.exists = true;
    state.in_wanted_state = lock_->IsLocked(*account_.entry);
    state.summary = fmt::format("{}: {}", account_.dn, lock_->Describe(*account_.entry));
    const Json preimage = {
        {"dn", account_.dn}, {"uuid", account_.uuid}, {"state", lock_->State(*account_.entry)}};
    state.preimage = preimage.dump(-1, ' ', false, Json::error_handler_t::replace);
    state.digest = Sha256Hex(state.preimage);
    state.last_used = LastUseOf(*account_.entry);
    return state;
  }

  ApplyResult Apply() override {
    return OutcomeOf(directory_.session().Modify(account_.dn, lock_->LockChanges(*account_.entry),
                                                 account_.uuid),
                     fmt::format("{} is disabled", account_.dn));
  }

  ApplyResult Undo(const std::string& preimage) override {
    const Json before = Json::parse(preimage, nullptr, false);
    const bool readable = before.is_object() && before.contains("state") &&
                          before.at("state").is_object() && before.contains("uuid");
    if (!readable || before.at("uuid") != account_.uuid) {
      return {ApplyOutcome::kPermanent,
              fmt::format("{} is not the entry that was disabled", account_.dn),
              {}};
    }
    const auto changes = lock_->UnlockChanges(*account_.entry, before.at("state"));
    if (changes.empty()) {
      return {ApplyOutcome::kPermanent,
              fmt::format("{} holds nothing that could be enabled again", account_.dn),
              {}};
    }
    return OutcomeOf(directory_.session().Modify(account_.dn, changes, account_.uuid),
                     fmt::format("{} is enabled again", account_.dn));
  }

  VerifyResult Verify() override {
    const auto state = Observe();
    if (!state.ok()) return {VerifyOutcome::kCannotTell, state.error().message, ""};
    if (!state->exists) return {VerifyOutcome::kVerified, state->summary, ""};
    if (!state->in_wanted_state) {
      return {VerifyOutcome::kStillEffective, fmt::format("read back: {}", state->summary),
              "the account is not disabled"};
    }
    auto tried = probe_.TryLogIn(account_.dn, account_.names);
    if (!tried) {
      return {VerifyOutcome::kVerified,
              fmt::format("read back: {}; no password to try a log-in with", state->summary), ""};
    }
    if (tried->outcome == VerifyOutcome::kVerified) {
      tried->evidence = fmt::format("{}; read back: {}", tried->evidence, state->summary);
    }
    return *std::move(tried);
  }

 private:
  std::string Name() const { return account_.dn.empty() ? action_.target.id : account_.dn; }

  LdapDirectory& directory_;
  const LdapProbe& probe_;
  const Action& action_;
  std::unique_ptr<Lock> lock_;
  LdapAccount account_;
};

}  // namespace

std::unique_ptr<LdapOperation> MakeDisableAccount(LdapDirectory& directory, const LdapProbe& probe,
                                                  const Action& action) {
  return std::make_unique<DisableAccount>(directory, probe, action);
}

}  // namespace rescind
