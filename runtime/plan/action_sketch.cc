#include "runtime/plan/action_sketch.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace rescind {
namespace {

auto WantedState(const Claim& claim) {
  return std::make_tuple(claim.target.entity, claim.target.row, claim.action->verb,
                         std::string_view(claim.action->playbook));
}

// As far as policies that are shown let it go: a plan of some policies is carried out for them
// alone.
void SetStatus(const PlanDraft& draft, std::span<const uint32_t> claims, ActionSketch& sketch) {
  const bool all_shown = draft.options.filter_policies.empty();
  const auto order = [&](uint32_t index) {
    const Claim& claim = draft.claims[index];
    const bool is_shown =
        all_shown || draft.PolicyShown(draft.rule(draft.stages[claim.stage_draft]).full_name);
    return std::make_tuple(!is_shown, ReadinessRank(draft.StatusOf(claim)), claim.due, index);
  };
  const uint32_t best = *std::min_element(
      claims.begin(), claims.end(), [&](uint32_t a, uint32_t b) { return order(a) < order(b); });
  const Claim& claim = draft.claims[best];
  sketch.status = draft.StatusOf(claim);
  sketch.due = claim.due;
  sketch.held_because = draft.WhatHolds(claim);
}

// A sealed plan's order as far as no id is needed for it.
struct Bucket {
  int severity_rank = 0;  // the most severe first
  std::string_view policy;
  std::string_view entity;
  auto operator<=>(const Bucket&) const = default;
};

Bucket BucketOf(const PlanDraft& draft, const ActionSketches& sketches,
                const ActionSketch& sketch) {
  const ir::Program& program = draft.input.program;
  Bucket bucket{
      -static_cast<int>(sketch.severity), {}, program.schema.entity(sketch.target.entity).name};
  for (const uint32_t claim : sketches.ClaimsOf(sketch)) {
    const std::string_view policy =
        draft.rule(draft.stages[draft.claims[claim].stage_draft]).full_name;
    if (bucket.policy.empty() || policy < bucket.policy) bucket.policy = policy;
  }
  return bucket;
}

// The order within a bucket.
struct Place {
  std::string id;
  Verb verb = Verb::kDisable;
  std::string_view playbook;
  uint32_t index = 0;
  auto operator<=>(const Place&) const = default;
};

}  // namespace

ActionSketches SketchActions(const PlanDraft& draft) {
  const std::vector<Claim>& claims = draft.claims;
  ActionSketches sketches;
  sketches.claims.resize(claims.size());
  std::iota(sketches.claims.begin(), sketches.claims.end(), 0u);
  // Claims are by rule, finding and stage already: a stable sort keeps that within an action.
  std::stable_sort(sketches.claims.begin(), sketches.claims.end(), [&](uint32_t a, uint32_t b) {
    return WantedState(claims[a]) < WantedState(claims[b]);
  });
  sketches.action_of_claim.resize(claims.size());
  for (size_t begin = 0; begin < claims.size();) {
    const Claim& first = claims[sketches.claims[begin]];
    ActionSketch sketch;
    sketch.target = first.target;
    sketch.wanted = first.action;
    sketch.first_claim = begin;
    for (; begin < claims.size(); ++begin) {
      const uint32_t number = sketches.claims[begin];
      const Claim& claim = claims[number];
      if (WantedState(claim) != WantedState(first)) break;
      const ir::Rule& rule = draft.rule(draft.stages[claim.stage_draft]);
      sketch.severity = std::max(sketch.severity, ToSeverity(rule.severity));
      sketches.action_of_claim[number] = static_cast<uint32_t>(sketches.actions.size());
    }
    sketch.end_claim = begin;
    SetStatus(draft, sketches.ClaimsOf(sketch), sketch);
    sketches.actions.push_back(sketch);
  }
  return sketches;
}

Result<std::vector<uint32_t>> FirstActions(const PlanDraft& draft, const ActionSketches& sketches,
                                           std::vector<uint32_t> among, size_t count) {
  if (among.size() <= count) return among;
  if (count == 0) return std::vector<uint32_t>();
  std::vector<std::pair<Bucket, uint32_t>> buckets;
  buckets.reserve(among.size());
  for (const uint32_t index : among) {
    buckets.emplace_back(BucketOf(draft, sketches, sketches.actions[index]), index);
  }
  const auto last = buckets.begin() + static_cast<std::ptrdiff_t>(count) - 1;
  std::nth_element(buckets.begin(), last, buckets.end());
  const Bucket boundary = last->first;
  std::vector<uint32_t> first;
  std::vector<Place> tied;
  for (const auto& [bucket, index] : buckets) {
    if (bucket < boundary) first.push_back(index);
    if (bucket == boundary) tied.push_back({"", {}, {}, index});
  }
  // Ids lie in blocks, by row.
  std::sort(tied.begin(), tied.end());
  for (Place& place : tied) {
    const ActionSketch& sketch = sketches.actions[place.index];
    RESCIND_ASSIGN(place.id, draft.IdOf(sketch.target));
    place.verb = ToVerb(sketch.wanted->verb);
    place.playbook = sketch.wanted->playbook;
  }
  const size_t missing = count - first.size();
  std::partial_sort(tied.begin(), tied.begin() + static_cast<std::ptrdiff_t>(missing), tied.end());
  for (size_t i = 0; i < missing; ++i) first.push_back(tied[i].index);
  return first;
}

}  // namespace rescind
