// The records of three prefixes, by key, as one list of texts: key, bytes, key, bytes, … Example:
// one exemption and nothing else gives SHA-256 of [format, secret, "exempt/e-1", its bytes].
#include "runtime/plan/standing_decisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

#include "engine/base/sha256.h"
#include "runtime/plan/exemption.h"
#include "runtime/plan/finding_book.h"
#include "runtime/plan/release.h"

namespace rescind {
namespace {

constexpr std::string_view kDecisionsFormat = "rescind.decisions/1";
constexpr std::array<std::string_view, 3> kDecisionPrefixes = {kExemptionPrefix, kPolicyPrefix,
                                                               kReleasePrefix};

bool IsDecisionKey(std::string_view key) {
  return std::any_of(kDecisionPrefixes.begin(), kDecisionPrefixes.end(),
                     [&](std::string_view prefix) { return key.starts_with(prefix); });
}

std::string CountText(uint64_t count, std::string_view one, std::string_view several) {
  return fmt::format("{} {}", count, count == 1 ? one : several);
}

}  // namespace

std::string StandingDecisions::Text() const {
  return fmt::format("{}, {}, {}", CountText(exemption_count, "exemption", "exemptions"),
                     CountText(release_count, "release", "releases"),
                     CountText(policy_count, "policy", "policies"));
}

Result<StandingDecisions> DecisionsAfter(const std::string& secret, const KeyValueReader& reader,
                                         const KeyValueBatch& batch) {
  std::map<std::string, std::string, std::less<>> records;
  for (const std::string_view prefix : kDecisionPrefixes) {
    RESCIND_TRY(reader.Scan(prefix, "", [&](std::string_view key, std::string_view value) {
      records.emplace(key, value);
      return true;
    }));
  }
  for (const KeyValueBatch::Change& change : batch.changes()) {
    if (!IsDecisionKey(change.key)) continue;
    if (change.value) {
      records[change.key] = *change.value;
    } else {
      records.erase(change.key);
    }
  }
  StandingDecisions decisions;
  Sha256Fields fields;
  fields.Add(kDecisionsFormat).Add(secret);
  for (const auto& [key, bytes] : records) {
    fields.Add(key).Add(bytes);
    if (key.starts_with(kExemptionPrefix)) ++decisions.exemption_count;
    if (key.starts_with(kReleasePrefix)) ++decisions.release_count;
    if (key.starts_with(kPolicyPrefix)) ++decisions.policy_count;
  }
  decisions.digest = "sha256:" + fields.Hex();
  return decisions;
}

Result<StandingDecisions> DigestDecisions(const std::string& secret, const KeyValueReader& reader) {
  return DecisionsAfter(secret, reader, {});
}

Result<bool> ChangesDecisions(const KeyValueReader& reader, const KeyValueBatch& batch) {
  std::map<std::string_view, const std::optional<std::string>*> last;
  for (const KeyValueBatch::Change& change : batch.changes()) {
    if (IsDecisionKey(change.key)) last[change.key] = &change.value;
  }
  for (const auto& [key, value] : last) {
    RESCIND_ASSIGN(const auto stored, reader.Get(key));
    if (stored != *value) return true;
  }
  return false;
}

}  // namespace rescind
