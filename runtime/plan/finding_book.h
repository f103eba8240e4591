// FindingBook: all findings of a store, and what a sweep makes of them.
//
// Loaded from the store, advanced by a sweep in memory, written back as a KeyValueBatch by whoever
// applies. A dry run takes the same steps and drops the batch. Pure: no clock, no writes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/eval/sweep.h"
#include "runtime/plan/finding.h"
#include "runtime/plan/finding_outlook.h"
#include "runtime/store/key_value.h"

namespace rescind {

inline constexpr std::string_view kFindingPrefix = "finding/row/";
inline constexpr std::string_view kPolicyPrefix = "finding/policy/";
// FindingTransition::detail of what is taken back.
inline constexpr const char* kOnlyObservesNow = "its policy only observes now";

// Where the store keeps the finding of a policy on a row.
std::string FindingKey(std::string_view policy, RowId row);

class FindingBook {
 public:
  FindingBook() = default;
  // kCorrupt or kUnsupported names the record.
  static Result<FindingBook> Load(const KeyValueReader& reader);

  // What the sweep means for the findings: matches open or stand, ends of match withdraw (or
  // resolve, when the last stage that removes something has begun), renamed policies keep theirs,
  // stages of edited ones are found again.
  // `sweep` has judged every policy. Transitions are by policy, then row; standing ones are not
  // listed.
  std::vector<FindingTransition> Advance(const eval::EvaluationInput& input,
                                         const eval::SweepResult& sweep);

  // By row, ascending; empty for a policy without.
  const std::vector<Finding>& Of(std::string_view policy) const;
  std::vector<Finding>& MutableOf(std::string_view policy);
  // Null when there is none.
  const Finding* Find(std::string_view policy, RowId row) const;
  // Null when the policy was never seen.
  const PolicyRecord* Record(std::string_view policy) const;
  PolicyRecord& MutableRecord(std::string_view policy);
  uint64_t count() const;
  // The findings of these rows, by rule of the program, and all that is known of policies.
  FindingBook Part(const ir::Program& program, const FindingRows& rows) const;
  // No policy has ever been confirmed: a new store.
  bool cold() const;

  // The writes that make a store which holds `before` hold this book.
  void WriteChanges(const FindingBook& before, KeyValueBatch& batch) const;
  // The other way round: as the store has it after the batch. Errors as of Load.
  Status Follow(const KeyValueBatch& batch);

 private:
  void Rename(const ir::Program& program);
  void Put(Finding finding);
  void Drop(std::string_view policy, RowId row);

  std::map<std::string, std::vector<Finding>, std::less<>> findings_;  // by policy
  std::map<std::string, PolicyRecord, std::less<>> records_;
};

}  // namespace rescind
