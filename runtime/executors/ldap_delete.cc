// Deleting an account: it leaves every group first, since a name that stays behind in a group is
// given to whoever gets that name next.
#include <fmt/format.h>
#include <ldap.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/sha256.h"
#include "runtime/executors/ldap_group.h"
#include "runtime/executors/ldap_operation.h"

namespace rescind {
namespace {

using Json = nlohmann::json;

class DeleteAccount final : public LdapOperation {
 public:
  DeleteAccount(LdapDirectory& directory, const LdapProbe& probe, const Action& action)
      : directory_(directory), probe_(probe), action_(action) {}

  Result<TargetState> Observe() override {
    RESCIND_ASSIGN(account_, directory_.FindAccount(action_.target, {"hasSubordinates"}));
    RESCIND_ASSIGN(groups_, directory_.GroupsOf(account_.dn, account_.names));
    if (!account_.entry && groups_.empty()) {
      return GoneState(fmt::format("{}: there is no such account and no group names it", Who()));
    }
    if (account_.entry && account_.entry->First("hassubordinates") == "TRUE") {
      return Error{ErrorKind::kInvalidInput,
                   fmt::format("{} has entries below it, which deleting would need to take along",
                               account_.dn),
                   "move or delete them first"};
    }
    TargetState state;
    state.exists = true;  // the entry, or what is left of it
    Json names = Json::array();
    for (const LdapEntry& group : groups_) names.push_back(group.dn);
    std::sort(names.begin(), names.end());
    state.summary = fmt::format("{}: {}, member of {} groups", Who(),
                                account_.entry ? "exists" : "deleted", groups_.size());
    const Json preimage = {{"dn", account_.dn},
                           {"uuid", account_.uuid},
                           {"exists", account_.entry.has_value()},
                           {"groups", names}};
    state.preimage = preimage.dump(-1, ' ', false, Json::error_handler_t::replace);
    state.digest = Sha256Hex(state.preimage);
    if (account_.entry) state.last_used = LastUseOf(*account_.entry);
    return state;
  }

  ApplyResult Apply() override {
    size_t left_count = 0;
    for (const LdapEntry& entry : groups_) {
      const LdapPlace group{entry.dn, entry, entry.First("entryuuid")};
      const LdapReply reply = LeaveOne(group);
      if (reply.ok()) {
        ++left_count;
        continue;
      }
      return Partly(OutcomeOf(reply, ""), left_count);
    }
    if (!account_.entry) {
      return {ApplyOutcome::kApplied,
              fmt::format("{} is taken out of {} groups", Who(), left_count),
              {}};
    }
    const LdapReply reply = directory_.session().Delete(account_.dn, account_.uuid);
    if (reply.answered && reply.code == LDAP_NO_SUCH_OBJECT) {
      return {ApplyOutcome::kAlready, fmt::format("{} is gone", account_.dn), {}};
    }
    return Partly(OutcomeOf(reply, fmt::format("{} is taken out of {} groups and deleted",
                                               account_.dn, left_count)),
                  left_count);
  }

  ApplyResult Undo(const std::string&) override {
    return {ApplyOutcome::kPermanent, "a deleted account cannot be brought back", {}};
  }

  VerifyResult Verify() override {
    const auto state = Observe();
    if (!state.ok()) return {VerifyOutcome::kCannotTell, state.error().message, ""};
    const std::string evidence = fmt::format("read back: {}", state->summary);
    if (!state->in_wanted_state) {
      return {VerifyOutcome::kStillEffective, evidence,
              account_.entry ? "the account exists" : "groups that still name the account"};
    }
    if (account_.dn.empty()) return {VerifyOutcome::kVerified, evidence, ""};
    auto tried = probe_.TryLogIn(account_.dn, account_.names);
    if (!tried) return {VerifyOutcome::kVerified, evidence, ""};
    if (tried->outcome == VerifyOutcome::kVerified) tried->evidence += "; " + evidence;
    return *std::move(tried);
  }

 private:
  std::string Who() const { return account_.dn.empty() ? action_.target.id : account_.dn; }

  LdapReply LeaveOne(const LdapPlace& group) {
    const auto membership =
        FindMembership(directory_.session(), group.dn, account_.dn, account_.names);
    if (!membership.ok()) return {LDAP_OTHER, membership.error().message, true};
    if (!membership->any()) return {LDAP_SUCCESS, "", true};  // somebody else was quicker
    return LeaveGroup(directory_.session(), group, account_.dn, *membership,
                      directory_.config().placeholder_member);
  }

  // A part that was done makes "nothing happened" untrue.
  static ApplyResult Partly(ApplyResult result, size_t left_count) {
    const bool nothing =
        result.outcome == ApplyOutcome::kTransient || result.outcome == ApplyOutcome::kPermanent;
    if (!nothing || left_count == 0) return result;
    result.outcome = ApplyOutcome::kUnknown;
    result.detail = fmt::format("taken out of {} groups, then: {}", left_count, result.detail);
    return result;
  }

  LdapDirectory& directory_;
  const LdapProbe& probe_;
  const Action& action_;
  LdapAccount account_;
  std::vector<LdapEntry> groups_;
};

}  // namespace

std::unique_ptr<LdapOperation> MakeDeleteAccount(LdapDirectory& directory, const LdapProbe& probe,
                                                 const Action& action) {
  return std::make_unique<DeleteAccount>(directory, probe, action);
}

}  // namespace rescind
