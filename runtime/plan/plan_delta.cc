// Actions are the same when their wanted state is (action_key.h): neither the episode nor the
// policy that asks for it counts.
//   before: revoke g1, revoke g2, disable a3   now: revoke g1, revoke g4; a3 is exempt
//   g1 standing, g4 new, g2 resolved, a3 left alone: exempt
#include "runtime/plan/plan_delta.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/assert.h"
#include "engine/base/sort_unique.h"
#include "runtime/plan/action_key.h"
#include "runtime/plan/json_fields.h"

namespace rescind {
namespace {

using RowName = std::pair<std::string, std::string>;  // entity, id

constexpr std::string_view kFormat = "rescind.plan-outline/1";

std::string KeyOf(const Plan& plan, const PlannedAction& planned) {
  return WantedStateKey(plan.store_id, planned.action.target, planned.action.verb,
                        planned.action.playbook);
}

bool KeyLess(const OutlinedAction& a, const OutlinedAction& b) {
  return a.action.key < b.action.key;
}

OutlinedAction Outline(const Plan& plan, const PlannedAction& planned) {
  const ActionTarget& target = planned.action.target;
  OutlinedAction outlined;
  outlined.action = {KeyOf(plan, planned), planned.action.verb,           target.entity, target.id,
                     target.system,        planned.reasons.front().policy};
  outlined.person = planned.subject.person;
  for (const PlannedReason& reason : planned.reasons) {
    outlined.policies.push_back(reason.policy);
    const bool is_target = reason.judged_entity == target.entity && reason.judged_id == target.id;
    if (!is_target) outlined.judged.emplace_back(reason.judged_entity, reason.judged_id);
  }
  SortUnique(outlined.policies);
  SortUnique(outlined.judged);
  return outlined;
}

// What a plan's filters show.
struct Filter {
  const std::vector<std::string>& policies;
  const std::string& person;

  bool everything() const { return policies.empty() && person.empty(); }
  bool Shows(const OutlinedAction& outlined) const {
    if (!person.empty() && outlined.person != person) return false;
    return policies.empty() ||
           std::any_of(policies.begin(), policies.end(), [&](const std::string& policy) {
             return std::binary_search(outlined.policies.begin(), outlined.policies.end(), policy);
           });
  }
};

// Why rows are not acted on, by row.
class LeftAlone {
 public:
  explicit LeftAlone(const Plan& plan) {
    for (const NotActedOn& row : plan.not_acted_on)
      by_row_[{row.entity, row.target}].push_back(&row);
  }

  // The first by reason; null when nothing is known of them.
  const NotActedOn* Find(const OutlinedAction& outlined) const {
    const NotActedOn* best = nullptr;
    const auto look_at = [&](const RowView& name) {
      const auto found = by_row_.find(name);
      if (found == by_row_.end()) return;
      for (const NotActedOn* row : found->second) {
        // Without a policy: whatever the policy is.
        const bool fits =
            row->policy.empty() ||
            std::binary_search(outlined.policies.begin(), outlined.policies.end(), row->policy);
        if (fits && (!best || row->reason < best->reason)) best = row;
      }
    };
    look_at({outlined.action.entity, outlined.action.target});
    for (const auto& [entity, id] : outlined.judged) look_at({entity, id});
    return best;
  }

 private:
  using RowView = std::pair<std::string_view, std::string_view>;
  std::map<RowView, std::vector<const NotActedOn*>> by_row_;  // views into the plan
};

void SortDelta(PlanDelta& delta) {
  const auto order = [](const EarlierAction& action) {
    return std::tie(action.policy, action.entity, action.target, action.verb);
  };
  std::sort(delta.resolved.begin(), delta.resolved.end(),
            [&](const auto& a, const auto& b) { return order(a) < order(b); });
  std::sort(delta.left_alone.begin(), delta.left_alone.end(), [&](const auto& a, const auto& b) {
    return std::pair(a.reason, order(a.action)) < std::pair(b.reason, order(b.action));
  });
}

RowName ReadRowName(JsonFields& fields) { return {fields.Text("entity"), fields.Text("id")}; }

OutlinedAction ReadOutlined(JsonFields& fields) {
  OutlinedAction outlined;
  EarlierAction& action = outlined.action;
  action.key = fields.Text("key");
  const std::optional<Verb> verb = ParseVerb(fields.Text("verb"));
  if (!verb) fields.Fail("verb", "is no verb");
  action.verb = verb.value_or(Verb::kNotify);
  action.entity = fields.Text("entity");
  action.target = fields.Text("target");
  action.system = fields.Text("system");
  action.policy = fields.Text("policy");
  // Outlines of earlier programs lack these.
  outlined.policies = {action.policy};
  if (fields.Has("policies")) outlined.policies = fields.Texts("policies");
  if (fields.Has("person")) outlined.person = fields.Text("person");
  if (fields.Has("judged")) outlined.judged = fields.List<RowName>("judged", ReadRowName);
  return outlined;
}

nlohmann::ordered_json OutlinedJson(const OutlinedAction& outlined) {
  const EarlierAction& action = outlined.action;
  nlohmann::ordered_json json = {{"key", action.key},       {"verb", VerbName(action.verb)},
                                 {"entity", action.entity}, {"target", action.target},
                                 {"system", action.system}, {"policy", action.policy}};
  if (outlined.policies.size() > 1) json["policies"] = outlined.policies;
  if (!outlined.person.empty()) json["person"] = outlined.person;
  for (const auto& [entity, id] : outlined.judged) {
    json["judged"].push_back({{"entity", entity}, {"id", id}});
  }
  return json;
}

}  // namespace

PlanOutline OutlinePlan(const Plan& plan, std::string label) {
  PlanOutline outline{std::move(label), false, plan.filter_policies, plan.filter_person, {}};
  outline.actions.reserve(plan.actions.size());
  for (const PlannedAction& planned : plan.actions) {
    outline.actions.push_back(Outline(plan, planned));
  }
  std::sort(outline.actions.begin(), outline.actions.end(), KeyLess);
  outline.actions.erase(
      std::unique(outline.actions.begin(), outline.actions.end(),
                  [](const auto& a, const auto& b) { return a.action.key == b.action.key; }),
      outline.actions.end());
  return outline;
}

void ComparePlan(Plan& plan, const PlanOutline& before) {
  PlanDelta& delta = plan.delta;
  delta = {};
  delta.against = before.label;
  delta.other_policies = before.other_policies;
  const Filter shown_before{before.filter_policies, before.filter_person};
  const Filter shown_now{plan.filter_policies, plan.filter_person};
  std::vector<bool> still_planned(before.actions.size(), false);
  const auto change_of = [&](const std::string& key) {
    const auto found = std::lower_bound(
        before.actions.begin(), before.actions.end(), key,
        [](const OutlinedAction& earlier, const std::string& k) { return earlier.action.key < k; });
    const bool standing = found != before.actions.end() && found->action.key == key;
    ++(standing ? delta.standing_count : delta.new_count);
    if (standing) still_planned[static_cast<size_t>(found - before.actions.begin())] = true;
    return standing ? Change::kStanding : Change::kNew;
  };
  for (PlannedAction& planned : plan.actions) {
    planned.change.reset();
    if (!shown_before.everything() && !shown_before.Shows(Outline(plan, planned))) continue;
    planned.change = change_of(KeyOf(plan, planned));
  }
  for (UnlistedAction& action : plan.unlisted_actions) {
    RESCIND_ASSERT(shown_before.everything() && !action.wanted_key.empty(),
                   "actions that are not listed can be compared with whole plans only, by key");
    action.change = change_of(action.wanted_key);
  }
  const LeftAlone left_alone(plan);
  for (size_t i = 0; i < before.actions.size(); ++i) {
    const OutlinedAction& outlined = before.actions[i];
    if (still_planned[i] || !shown_now.Shows(outlined)) continue;
    if (const NotActedOn* row = left_alone.Find(outlined)) {
      delta.left_alone.push_back({outlined.action, row->reason, row->by});
    } else {
      delta.resolved.push_back(outlined.action);
    }
  }
  SortDelta(delta);
}

std::string EncodeOutline(const PlanOutline& outline) {
  using Json = nlohmann::ordered_json;
  Json actions = Json::array();
  for (const OutlinedAction& outlined : outline.actions) actions.push_back(OutlinedJson(outlined));
  const Json json = {{"format", kFormat}, {"label", outline.label}, {"actions", actions}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<PlanOutline> DecodeOutline(std::string_view text) {
  RESCIND_ASSIGN(const JsonFields::Json json,
                 ParseJsonDocument(text, kFormat, "plan outline", "apply a new plan"));
  JsonFields fields(json, "");
  PlanOutline outline;
  outline.label = fields.Text("label");
  outline.actions = fields.List<OutlinedAction>("actions", ReadOutlined);
  if (fields.failure()) {
    return Error{ErrorKind::kCorrupt, "the stored plan outline is damaged: " + *fields.failure(),
                 ""};
  }
  return outline;
}

}  // namespace rescind
