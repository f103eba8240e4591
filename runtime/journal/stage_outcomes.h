// StageOutcomes: what becomes of a stage that fails, as its policy said when the stage began.
//
// A stage is one transaction: an edit of the policy, while some of it is done and some is not, must
// not undo one part and keep the other. So what is said of it first, with the first action that is
// handed over, is noted in the same batch and counts for all of it. A stage that was rolled back
// and is carried out again begins anew. Of one call of Journal::Plan; it commits nothing itself.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/journal/journal.h"

namespace rescind {

// Who has let an action go, and what becomes of it when that fails (JournalEntry).
struct StageTerms {
  std::vector<std::string> rollback_groups;
  OnFailure on_failure = OnFailure::kKeep;
};

class StageOutcomes {
 public:
  // The reader outlives it.
  explicit StageOutcomes(const KeyValueReader& reader) : reader_(reader) {}

  // Those of `stages` that were rolled back: they begin with these requests. Before TermsOf.
  Status BeginAnew(const std::set<std::string>& stages, std::span<const ActionRequest> requests,
                   KeyValueBatch& batch);
  // As the stages of the request began; those that begin with it are noted in `batch`. `begins`:
  // the action was never handed over, or is over.
  Result<StageTerms> TermsOf(const ActionRequest& request, bool begins, KeyValueBatch& batch);
  // It failed, and nobody has had it carried out again since.
  Result<bool> IsRolledBack(const std::string& stage) const;
  // Takes those out that are not rolled back any more since they have begun anew.
  void Leave(JournalEntry& entry) const;

 private:
  Result<OnFailure> OutcomeOf(const std::string& stage, OnFailure now, bool begins,
                              KeyValueBatch& batch);
  Result<std::optional<OnFailure>> Noted(const std::string& stage) const;
  Result<std::optional<OnFailure>> OfEarlierProgram(const std::string& stage) const;
  void Note(const std::string& stage, OnFailure outcome, KeyValueBatch& batch);

  const KeyValueReader& reader_;
  std::map<std::string, OnFailure> known_;  // by stage; also what is noted and not committed yet
};

}  // namespace rescind
