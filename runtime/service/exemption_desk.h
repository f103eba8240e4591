// What `rescind exempt` does: an exemption and its audit leaf in one commit.
#pragma once

#include <string>
#include <vector>

#include "engine/ir/program.h"
#include "runtime/plan/exemption.h"
#include "runtime/service/transition_recorder.h"
#include "runtime/store/store.h"

namespace rescind {

// Gives it its id, stores and logs it. Errors are those of NewExemption and the store's.
Result<Exemption> AddExemption(Exemption wanted, Store& store, TransitionRecorder& recorder,
                               const std::string& trigger);

// Errors are those of EndExemption (exemption.h).
Status CloseExemption(const std::string& id, Instant now, const std::string& reason, Store& store,
                      TransitionRecorder& recorder, const std::string& trigger);

// What is wrong with an exemption of a policy that is there no more and that no policy was renamed
// from: it covers nothing. Empty for every other.
std::string WhyNamelessText(const Exemption& exemption, const ir::Program& program);
// The same of all that are active at `now`, a sentence each. Errors: the store's.
Result<std::vector<std::string>> ListNameless(const KeyValueReader& reader,
                                              const ir::Program& program, Instant now);

}  // namespace rescind
