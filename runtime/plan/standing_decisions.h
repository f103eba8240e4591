// StandingDecisions: what people have decided and the store holds: exemptions, releases, and what
// of each policy they have confirmed.
//
// Whatever changes them goes into the audit log together with their digest (decision_check.h of the
// service), so that who changes them behind the program's back is found out. It knows the bytes of
// records and not what they mean.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"
#include "runtime/store/key_value.h"

namespace rescind {

struct StandingDecisions {
  // Of records: exemptions that are over are kept.
  uint64_t exemption_count = 0;
  uint64_t release_count = 0;
  uint64_t policy_count = 0;
  std::string digest;  // "sha256:…": FORMAT.md of the audit log

  std::string Text() const;  // "2 exemptions, 1 release, 5 policies"
};

// As they are once `batch` is committed. `secret`: the store's; the digest tells nothing to who
// lacks it. Errors: the store's.
Result<StandingDecisions> DecisionsAfter(const std::string& secret, const KeyValueReader& reader,
                                         const KeyValueBatch& batch);
// As they are now.
Result<StandingDecisions> DigestDecisions(const std::string& secret, const KeyValueReader& reader);

// Whether `batch` makes them others than the store has them; it may write some as they are.
Result<bool> ChangesDecisions(const KeyValueReader& reader, const KeyValueBatch& batch);

}  // namespace rescind
