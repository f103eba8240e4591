#include "runtime/journal/stage_outcomes.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/journal/journal_keys.h"
#include "runtime/store/restore_help.h"

namespace rescind {
namespace {

constexpr std::string_view kKeepText = "keep";
constexpr std::string_view kRollbackText = "rollback";

bool Contains(const std::vector<std::string>& stages, const std::string& stage) {
  return std::find(stages.begin(), stages.end(), stage) != stages.end();
}

}  // namespace

Result<bool> StageOutcomes::IsRolledBack(const std::string& stage) const {
  RESCIND_ASSIGN(const auto record, reader_.Get(JournalKey(kRollbackPrefix, GroupName(stage))));
  return record.has_value();
}

Result<std::optional<OnFailure>> StageOutcomes::Noted(const std::string& stage) const {
  const std::string key = JournalKey(kStagePrefix, GroupName(stage));
  RESCIND_ASSIGN(const auto text, reader_.Get(key));
  if (text && *text == kKeepText) return std::optional(OnFailure::kKeep);
  if (text && *text == kRollbackText) return std::optional(OnFailure::kRollback);
  if (text) {
    return Error{ErrorKind::kCorrupt,
                 fmt::format("{} says neither keep nor rollback of a stage", key), kRestoreHelp};
  }
  return std::optional<OnFailure>();
}

// An earlier program noted of stages that are rolled back which actions are theirs.
Result<std::optional<OnFailure>> StageOutcomes::OfEarlierProgram(const std::string& stage) const {
  bool any = false;
  const std::string prefix = fmt::format("{}{}/", kGroupPrefix, GroupName(stage));
  RESCIND_TRY(reader_.Scan(prefix, "", [&](std::string_view, std::string_view) {
    any = true;
    return false;
  }));
  return any ? std::optional(OnFailure::kRollback) : std::optional<OnFailure>();
}

void StageOutcomes::Note(const std::string& stage, OnFailure outcome, KeyValueBatch& batch) {
  known_[stage] = outcome;
  batch.Put(JournalKey(kStagePrefix, GroupName(stage)),
            outcome == OnFailure::kRollback ? kRollbackText : kKeepText);
}

Status StageOutcomes::BeginAnew(const std::set<std::string>& stages,
                                std::span<const ActionRequest> requests, KeyValueBatch& batch) {
  for (const std::string& stage : stages) {
    RESCIND_ASSIGN(const bool is_rolled_back, IsRolledBack(stage));
    if (!is_rolled_back) continue;
    for (const ActionRequest& request : requests) {
      const bool keeps = Contains(request.kept_stages, stage);
      if (!keeps && !Contains(request.rollback_groups, stage)) continue;
      Note(stage, keeps ? OnFailure::kKeep : OnFailure::kRollback, batch);
      break;
    }
  }
  return {};
}

Result<OnFailure> StageOutcomes::OutcomeOf(const std::string& stage, OnFailure now, bool begins,
                                           KeyValueBatch& batch) {
  if (const auto known = known_.find(stage); known != known_.end()) return known->second;
  RESCIND_ASSIGN(const auto noted, Noted(stage));
  std::optional<OnFailure> before = noted;
  if (!before) {
    RESCIND_ASSIGN(before, OfEarlierProgram(stage));
  }
  bool is_anew = !before;
  if (before && *before != now && begins) {
    RESCIND_ASSIGN(is_anew, IsRolledBack(stage));
  }
  const OnFailure outcome = is_anew ? now : *before;
  if (noted != outcome) Note(stage, outcome, batch);
  known_[stage] = outcome;
  return outcome;
}

Result<StageTerms> StageOutcomes::TermsOf(const ActionRequest& request, bool begins,
                                          KeyValueBatch& batch) {
  StageTerms terms{{}, request.on_failure};
  bool is_as_said = true;
  bool any_keeps = false;
  const auto add = [&](const std::vector<std::string>& stages, OnFailure now) -> Status {
    for (const std::string& stage : stages) {
      RESCIND_ASSIGN(const OnFailure outcome, OutcomeOf(stage, now, begins, batch));
      is_as_said &= outcome == now;
      any_keeps |= outcome == OnFailure::kKeep;
      if (outcome == OnFailure::kRollback) terms.rollback_groups.push_back(stage);
    }
    return {};
  };
  RESCIND_TRY(add(request.rollback_groups, OnFailure::kRollback));
  RESCIND_TRY(add(request.kept_stages, OnFailure::kKeep));
  if (is_as_said) return terms;
  std::sort(terms.rollback_groups.begin(), terms.rollback_groups.end());
  terms.on_failure = any_keeps ? OnFailure::kKeep : OnFailure::kRollback;
  return terms;
}

void StageOutcomes::Leave(JournalEntry& entry) const {
  const size_t count = entry.rollback_groups.size();
  std::erase_if(entry.rollback_groups, [&](const std::string& stage) {
    const auto known = known_.find(stage);
    return known != known_.end() && known->second == OnFailure::kKeep;
  });
  if (entry.rollback_groups.size() < count) entry.on_failure = OnFailure::kKeep;
}

}  // namespace rescind
