#include "runtime/plan/plan_delta.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/plan/action_key.h"
#include "runtime/plan/json_fields.h"

namespace rescind {
namespace {

constexpr std::string_view kFormat = "rescind.plan-outline/1";

std::string KeyOf(const Plan& plan, const PlannedAction& planned) {
  return WantedStateKey(plan.store_id, planned.action.target, planned.action.verb,
                        planned.action.playbook);
}

bool KeyLess(const ResolvedAction& a, const ResolvedAction& b) { return a.key < b.key; }

ResolvedAction ReadOutlined(JsonFields& fields) {
  ResolvedAction action;
  action.key = fields.Text("key");
  const std::optional<Verb> verb = ParseVerb(fields.Text("verb"));
  if (!verb) fields.Fail("verb", "is no verb");
  action.verb = verb.value_or(Verb::kNotify);
  action.entity = fields.Text("entity");
  action.target = fields.Text("target");
  action.system = fields.Text("system");
  action.policy = fields.Text("policy");
  return action;
}

}  // namespace

PlanOutline OutlinePlan(const Plan& plan, std::string label) {
  PlanOutline outline{std::move(label), {}};
  outline.actions.reserve(plan.actions.size());
  for (const PlannedAction& planned : plan.actions) {
    const ActionTarget& target = planned.action.target;
    outline.actions.push_back({KeyOf(plan, planned), planned.action.verb, target.entity, target.id,
                               target.system, planned.reasons.front().policy});
  }
  std::sort(outline.actions.begin(), outline.actions.end(), KeyLess);
  outline.actions.erase(std::unique(outline.actions.begin(), outline.actions.end(),
                                    [](const auto& a, const auto& b) { return a.key == b.key; }),
                        outline.actions.end());
  return outline;
}

void ComparePlan(Plan& plan, const PlanOutline& before) {
  PlanDelta& delta = plan.delta;
  delta = {};
  delta.against = before.label;
  std::vector<bool> still_planned(before.actions.size(), false);
  for (PlannedAction& planned : plan.actions) {
    const ResolvedAction probe{KeyOf(plan, planned), Verb::kDisable, "", "", "", ""};
    const auto found =
        std::lower_bound(before.actions.begin(), before.actions.end(), probe, KeyLess);
    const bool standing = found != before.actions.end() && found->key == probe.key;
    planned.change = standing ? Change::kStanding : Change::kNew;
    ++(standing ? delta.standing_count : delta.new_count);
    if (standing) still_planned[static_cast<size_t>(found - before.actions.begin())] = true;
  }
  for (size_t i = 0; i < before.actions.size(); ++i) {
    if (!still_planned[i]) delta.resolved.push_back(before.actions[i]);
  }
  std::sort(delta.resolved.begin(), delta.resolved.end(), [](const auto& a, const auto& b) {
    return std::tie(a.policy, a.entity, a.target, a.verb) <
           std::tie(b.policy, b.entity, b.target, b.verb);
  });
}

std::string EncodeOutline(const PlanOutline& outline) {
  using Json = nlohmann::ordered_json;
  Json actions = Json::array();
  for (const ResolvedAction& action : outline.actions) {
    actions.push_back({{"key", action.key},
                       {"verb", VerbName(action.verb)},
                       {"entity", action.entity},
                       {"target", action.target},
                       {"system", action.system},
                       {"policy", action.policy}});
  }
  const Json json = {{"format", kFormat}, {"label", outline.label}, {"actions", actions}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<PlanOutline> DecodeOutline(std::string_view text) {
  RESCIND_ASSIGN(const JsonFields::Json json,
                 ParseJsonDocument(text, kFormat, "plan outline", "apply a new plan"));
  JsonFields fields(json, "");
  PlanOutline outline{fields.Text("label"), fields.List<ResolvedAction>("actions", ReadOutlined)};
  if (fields.failure()) {
    return Error{ErrorKind::kCorrupt, "the stored plan outline is damaged: " + *fields.failure(),
                 ""};
  }
  return outline;
}

}  // namespace rescind
