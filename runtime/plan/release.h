// Release: a person's word that what a limit, or a policy nobody has confirmed yet, holds may go.
//
// It is a word about what the policy said when it was given: of an edited one it lets nothing go,
// and ends with the next apply. One-shot: the next plan that is applied to what it lets go uses it
// up, whether it needs it or not (planner.h, RecordApplied); one that nothing is applied to
// expires. Kept in the store under "plan/release/".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/ir/program.h"
#include "runtime/store/key_value.h"

namespace rescind {

inline constexpr std::string_view kReleasePrefix = "plan/release/";
// A word given so long ago is about another world.
inline constexpr Duration kLongestRelease{31 * kMicrosPerDay};

struct Release {
  std::string id;      // "r-81c2…": given by NewRelease
  std::string policy;  // full name; empty: the workspace's cap on removals per hour
  std::string group;   // of a limit `per`, as the plan prints it; empty: all groups
  std::string reason;
  std::string by;
  Instant created_at;
  Instant expires_at;
  // ReleasedMeaning of the policy when it was given; empty without one. An earlier program has not
  // noted it: empty.
  std::string meaning{};
  auto operator<=>(const Release&) const = default;

  bool active(Instant now) const { return created_at <= now && now < expires_at; }
  bool IsForTheSame(const Release& other) const {
    return policy == other.policy && group == other.group;
  }
  // "access.old, group crm", "the workspace's cap on removals per hour": for people.
  std::string Text() const;
};

// Checks it and gives it an id. kInvalidInput when the reason is empty, it would never hold, or it
// would hold for longer than kLongestRelease.
Result<Release> NewRelease(Release wanted);
void PutRelease(KeyValueBatch& batch, const Release& release);
void DeleteRelease(KeyValueBatch& batch, std::string_view id);
// By id, expired ones included.
Result<std::vector<Release>> ListReleases(const KeyValueReader& reader);

// "sha256:…" of what a policy of the program means; empty when there is none of that name.
std::string MeaningOf(const ir::Program& program, std::string_view policy);
// "sha256:…" of that and of all that protects from it: what who gives a release has seen.
std::string ReleasedMeaning(const ir::Program& program, std::string_view policy);
inline constexpr const char* kOutdatedMeans = "the policy, or a protect, was edited after it";
// Of a policy of the program, and given for another text of it or for one that nobody knows.
bool IsOutdated(const Release& release, const ir::Program& program);

// "rescind release access.old --group 'a b' --reason …": what a person types, for a shell. No
// group: all of them; no policy: the workspace's cap.
std::string ReleaseCommand(std::string_view policy, std::string_view group);

std::string EncodeRelease(const Release& release);
Result<Release> DecodeRelease(std::string_view bytes);

}  // namespace rescind
