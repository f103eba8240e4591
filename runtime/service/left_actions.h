// LeftActions: what earlier runs left in the journal, as the plan of now sees it.
//
// An action that nothing asks for any more is withdrawn, also one that was left to a person before
// it had changed anything: its match has ended, or somebody else has done it. What
// was in flight when its run ended is settled by the next one, whatever that is about: its system
// must be looked at. Only what the plan of now would begin anew waits for whoever selects it.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/journal/journal.h"
#include "runtime/service/fact_gate.h"
#include "runtime/service/pipeline.h"

namespace rescind {

struct UnaskedAction {
  std::string key;
  std::string why;
};

struct LeftActions {
  std::vector<UnaskedAction> unasked;  // each once
  std::set<std::string> adopted;       // keys of what is to be settled
  // Keys of what was given up and undone, so that it needed a person, and nobody asks for any more.
  std::vector<std::string> forgotten;
  uint64_t left_open_count = 0;  // in flight, and for whoever selects it
};

// `runs`: whether this run carries the action of that key out anyway. `gate`: of the derivation.
// Errors: the journal's; an id could not be read.
Result<LeftActions> FindLeftActions(const Journal& journal, const Derivation& derivation,
                                    FactGate& gate,
                                    const std::function<bool(const std::string& key)>& runs);

}  // namespace rescind
