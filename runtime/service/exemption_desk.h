// What `rescind exempt` does: an exemption and its audit leaf in one commit.
#pragma once

#include <string>

#include "runtime/plan/exemption.h"
#include "runtime/service/transition_recorder.h"

namespace rescind {

// Gives it its id, stores and logs it. Errors are those of NewExemption and the store's.
Result<Exemption> AddExemption(Exemption wanted, TransitionRecorder& recorder,
                               const std::string& trigger);

// Errors are those of EndExemption (exemption.h).
Status CloseExemption(const KeyValueReader& reader, const std::string& id, Instant now,
                      const std::string& reason, TransitionRecorder& recorder,
                      const std::string& trigger);

}  // namespace rescind
