// An action for the tests of executors.
#pragma once

#include <string>

#include "runtime/plan/action.h"

namespace rescind {

inline Action SampleAction(Verb verb, const std::string& entity, const std::string& id) {
  Action action;
  action.key = std::string(64, 'a');
  action.verb = verb;
  action.target.entity = entity;
  action.target.id = id;
  action.target.system = "corp";
  action.reasons = {{"access.leavers.disable", "finding-1", "has left on 2026-01-31", 0, {"a 1"}}};
  return action;
}

}  // namespace rescind
