// Revoking a grant: the account leaves the group, and no other way into it remains.
#include <fmt/format.h>
#include <ldap.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/sha256.h"
#include "runtime/executors/ldap_group.h"
#include "runtime/executors/ldap_operation.h"

namespace rescind {
namespace {

using Json = nlohmann::json;

class LeaveGroupOperation final : public LdapOperation {
 public:
  LeaveGroupOperation(LdapDirectory& directory, const Action& action)
      : directory_(directory), action_(action) {}

  Result<TargetState> Observe() override {
    RESCIND_ASSIGN(account_, directory_.FindAccount(action_.target, {}));
    RESCIND_ASSIGN(group_, directory_.FindGroup(action_.target));
    const std::string who = account_.dn.empty() ? action_.target.id : account_.dn;
    if (!group_.entry) return GoneState(fmt::format("{}: the group does not exist", who));
    if (group_.entry->Has("memberurl")) {
      return Error{
          ErrorKind::kInvalidInput,
          fmt::format("{} is a dynamic group: its search decides who belongs to it", group_.dn),
          "change what the search looks at, or disable the account"};
    }
    RESCIND_ASSIGN(membership_,
                   FindMembership(directory_.session(), group_.dn, account_.dn, account_.names));
    TargetState state;
    state.exists = true;
    state.in_wanted_state = !membership_.any();
    state.summary = fmt::format("{}: {} {}", who,
                                state.in_wanted_state ? "not a member of" : "member of", group_.dn);
    const Json preimage = {{"account", account_.dn},
                           {"account_uuid", account_.uuid},
                           {"group", group_.dn},
                           {"group_uuid", group_.uuid},
                           {"member", membership_.member},
                           {"unique_member", membership_.unique_member},
                           {"member_uids", membership_.member_uids}};
    state.preimage = preimage.dump(-1, ' ', false, Json::error_handler_t::replace);
    state.digest = Sha256Hex(state.preimage);
    if (account_.entry) state.last_used = LastUseOf(*account_.entry);
    return state;
  }

  ApplyResult Apply() override {
    const LdapReply reply = LeaveGroup(directory_.session(), group_, account_.dn, membership_,
                                       directory_.config().placeholder_member);
    // Somebody else was quicker.
    if (reply.answered && reply.code == LDAP_NO_SUCH_ATTRIBUTE) {
      return {ApplyOutcome::kTransient, "the membership changed meanwhile", {}};
    }
    return OutcomeOf(reply, fmt::format("{} is taken out of {}", account_.dn, group_.dn));
  }

  ApplyResult Undo(const std::string& preimage) override {
    const Json before = Json::parse(preimage, nullptr, false);
    LdapMembership earlier;
    if (!ReadMembership(before, earlier) || before.value("group_uuid", "") != group_.uuid ||
        before.value("account_uuid", "") != account_.uuid || !account_.entry) {
      return {ApplyOutcome::kPermanent,
              fmt::format("{} or its group is not the entry that it was", account_.dn),
              {}};
    }
    return OutcomeOf(RejoinGroup(directory_.session(), group_, account_.dn, earlier,
                                 directory_.config().placeholder_member),
                     fmt::format("{} is in {} again", account_.dn, group_.dn));
  }

  VerifyResult Verify() override {
    const auto state = Observe();
    if (!state.ok()) return {VerifyOutcome::kCannotTell, state.error().message, ""};
    const std::string evidence = fmt::format("read back: {}", state->summary);
    if (!state->exists) return {VerifyOutcome::kVerified, evidence, ""};
    if (!state->in_wanted_state) {
      return {VerifyOutcome::kStillEffective, evidence, "the membership itself"};
    }
    const auto way = RemainingWay(directory_, group_, account_);
    if (!way.ok()) return {VerifyOutcome::kCannotTell, way.error().message, ""};
    if (!way->empty()) return {VerifyOutcome::kStillEffective, evidence, *way};
    return {VerifyOutcome::kVerified, evidence, ""};
  }

 private:
  static bool ReadMembership(const Json& before, LdapMembership& into) {
    if (!before.is_object()) return false;
    const auto flag = [&](const char* name, bool& value) {
      const auto found = before.find(name);
      if (found == before.end() || !found->is_boolean()) return false;
      value = found->get<bool>();
      return true;
    };
    const auto names = before.find("member_uids");
    if (names == before.end() || !names->is_array()) return false;
    for (const Json& name : *names) {
      if (!name.is_string()) return false;
      into.member_uids.push_back(name.get<std::string>());
    }
    const auto uuid_is_text = [&](const char* name) {
      const auto found = before.find(name);
      return found != before.end() && found->is_string();
    };
    return flag("member", into.member) && flag("unique_member", into.unique_member) &&
           uuid_is_text("group_uuid") && uuid_is_text("account_uuid") && into.any();
  }

  LdapDirectory& directory_;
  const Action& action_;
  LdapAccount account_;
  LdapPlace group_;
  LdapMembership membership_;
};

}  // namespace

std::unique_ptr<LdapOperation> MakeLeaveGroup(LdapDirectory& directory, const LdapProbe&,
                                              const Action& action) {
  return std::make_unique<LeaveGroupOperation>(directory, action);
}

}  // namespace rescind
