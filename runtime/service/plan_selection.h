// PlanSelection: which actions are both in a plan that somebody read and derived now.
//
// A plan is a selection, not an authority: what it lists is only carried out when the policies and
// facts of this moment ask for the same. Pure data in, data out.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "runtime/plan/plan.h"
#include "runtime/store/store.h"

namespace rescind {

// One action or notice (verb "notify") of the plan that is not carried out, and why.
struct FallenRow {
  std::string verb;
  std::string entity;
  std::string target;
  std::string policy;
  std::string why;  // a sentence without its full stop
  bool held = false;
};

struct PlanSelection {
  std::set<std::string> action_keys;
  std::vector<PlannedAction> escalated;                // `--auto`: ready, but left to a person
  std::set<std::pair<std::string, uint32_t>> notices;  // finding, stage
  std::vector<FallenRow> fallen;                       // in the plan, not carried out
  uint64_t unseen_count = 0;  // ready now, but not (or not as ready) in the plan
};

// Keys of actions that are verified, and whether the facts have again what they took away.
using DoneActions = std::map<std::string, bool>;

// `read` is the plan that was read, `derived` the one of now without filters. Of a plan that shows
// some policies only what these let go themselves is selected. What `read` lists is a person's
// decision: escalated actions are among it. `done`: its actions that the journal
// has as verified.
PlanSelection SelectActions(const Plan& read, const Plan& derived, const DoneActions& done = {});
// `--auto`: whatever is ready, but what an earlier run has escalated.
PlanSelection SelectReady(const Plan& derived);

// Why a plan cannot be applied to this store at all: kStale when the policies changed, the store
// was restored, or the plan is of another day of its facts; kInvalidInput for a plan of another
// store and for one that is not applicable.
Status CheckPlan(const Plan& read, const Store& store, std::string_view policies_hash);

}  // namespace rescind
