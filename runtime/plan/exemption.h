// Exemption: what a person has taken out of the policies' reach, until a day that has a date.
//
// Kept in the store under "exempt/", read by the planner, listed and ended by `rescind exempt`. It
// covers a row and all that belongs to it (coverage.h), a whole policy, or everything. Ended ones
// are kept: stage times count from the end of the last one. FORMAT.md says what is stored.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/store/key_value.h"

namespace rescind {

inline constexpr std::string_view kExemptionPrefix = "exempt/";

struct Exemption {
  std::string id;      // "e-3f9a…": given by NewExemption
  std::string entity;  // of the row; empty: every row
  std::string row_id;  // as judged row and as target; empty: every row
  std::string policy;  // full name; empty: every policy. With a row: that row, for that policy
  std::string reason;
  std::string owner;  // who answers for it
  Instant created_at;
  Instant expires_at;               // mandatory; from that instant on it no longer covers
  std::optional<Instant> ended_at;  // ended by a person before it expired
  auto operator<=>(const Exemption&) const = default;

  Instant end() const { return ended_at && *ended_at < expires_at ? *ended_at : expires_at; }
  // Whatever `created_at` says: the clock of whoever gave it may have been ahead. Who looks at the
  // past leaves out what was given later.
  bool active(Instant now) const { return now < end(); }
  // "account ldap/ann", "everything": for people.
  std::string RowText() const;
  // The same and from which policy: "account ldap/ann for policy access.stale.stale_grant".
  std::string Text() const;
};

// Checks it and gives it an id. kInvalidInput, saying what to give, when the reason or the owner is
// empty, the expiry is not after `created_at`, or only one of entity and row is named. Whether the
// row and the policy exist is the caller's to ask.
Result<Exemption> NewExemption(Exemption wanted);

void PutExemption(KeyValueBatch& batch, const Exemption& exemption);
// Active, future and ended ones, by id. kCorrupt or kUnsupported names the record.
Result<std::vector<Exemption>> ListExemptions(const KeyValueReader& reader);
// Ends it at `now`. kNotFound when there is none, kStale when it is over already.
Status EndExemption(const KeyValueReader& reader, std::string_view id, Instant now,
                    KeyValueBatch& batch);

std::string EncodeExemption(const Exemption& exemption);
Result<Exemption> DecodeExemption(std::string_view bytes);

}  // namespace rescind
