// A finding whose stages have all begun is done when each of its actions in the journal is verified
// in its last episode, and neither an exemption, a protect nor the last plan keeps anything else
// for it.
#include "runtime/service/done_findings.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/plan/policy_renames.h"

namespace rescind {
namespace {

struct Candidate {
  std::string policy;
  std::string entity;
  RowId row;
  bool has_rest = false;
  // By wanted state: the last episode, and whether it was verified.
  std::map<std::string, std::pair<uint32_t, bool>> actions;

  bool is_done() const {
    return !has_rest && !actions.empty() &&
           std::all_of(actions.begin(), actions.end(),
                       [](const auto& action) { return action.second.second; });
  }
};

bool AllBegun(const ir::Rule& rule, const Finding& finding) {
  for (uint32_t stage = 0; stage < rule.stages.size(); ++stage) {
    for (const ir::Action& action : rule.stages[stage].actions) {
      const bool begun = action.verb == ir::Verb::kNotify ? finding.NoticeStands(stage)
                                                          : finding.BegunAt(stage).has_value();
      if (!begun) return false;
    }
  }
  // What a protect keeps, it may let go of.
  return std::none_of(finding.guards.begin(), finding.guards.end(),
                      [](const TargetGuard& guard) { return guard.until == Instant::Never(); });
}

class DoneFindings {
 public:
  DoneFindings(Pipeline& pipeline, const FindingBook& book) : pipeline_(pipeline) {
    for (const ir::Rule& rule : pipeline.program().rules) {
      if (rule.protect || rule.mode != ir::Mode::kEnforce) continue;
      for (const Finding& finding : book.Of(rule.full_name)) {
        if (finding.resolved || !AllBegun(rule, finding)) continue;
        candidates_[finding.id] = {rule.full_name, finding.entity, finding.row, false, {}};
      }
    }
  }

  Result<std::map<std::string, uint64_t>> Count(const Journal& journal, Instant now) {
    std::map<std::string, uint64_t> counts;
    if (candidates_.empty()) return counts;
    RESCIND_TRY(journal.List([&](const JournalEntry& entry) {
      NoteAction(entry);
      return true;
    }));
    RESCIND_TRY(NoteExemptions(now));
    RESCIND_TRY(NoteLastPlan(journal));
    for (const auto& [id, candidate] : candidates_) {
      if (candidate.is_done()) ++counts[candidate.policy];
    }
    return counts;
  }

 private:
  void NoteAction(const JournalEntry& entry) {
    for (const ActionReason& reason : entry.action.reasons) {
      const auto found = candidates_.find(reason.finding_id);
      if (found == candidates_.end()) continue;
      auto& [episode, verified] = found->second.actions[entry.wanted_key];
      if (entry.action.episode < episode) continue;
      episode = entry.action.episode;
      verified = entry.state == ActionState::kVerified;
    }
  }

  // Of another entity than the judged one it may keep one of several targets.
  Status NoteExemptions(Instant now) {
    RESCIND_ASSIGN(auto exemptions, ListExemptions(pipeline_.store().key_values()));
    PolicyRenames(pipeline_.program()).MoveTo(exemptions);
    for (const Exemption& exemption : exemptions) {
      if (!exemption.active(now)) continue;
      RESCIND_ASSIGN(const auto row, FindRow(exemption.entity, exemption.row_id));
      for (auto& [id, candidate] : candidates_) {
        if (!exemption.policy.empty() && exemption.policy != candidate.policy) continue;
        if (exemption.entity == candidate.entity && row != candidate.row) continue;
        candidate.has_rest = true;
      }
    }
    return {};
  }

  // What it held, or began and has not verified, for the row that a finding is about.
  Status NoteLastPlan(const Journal& journal) {
    RESCIND_ASSIGN(const auto outline, pipeline_.LastOutline());
    if (!outline) return {};
    std::set<std::string> policies;
    for (const auto& [id, candidate] : candidates_) policies.insert(candidate.policy);
    std::set<std::tuple<std::string, std::string, RowId>> rest;
    for (const OutlinedAction& outlined : outline->actions) {
      const bool of_these =
          std::any_of(outlined.policies.begin(), outlined.policies.end(),
                      [&](const std::string& policy) { return policies.count(policy) > 0; });
      if (!of_these) continue;
      RESCIND_ASSIGN(const auto last, journal.Latest(outlined.action.key));
      if (last && last->state == ActionState::kVerified) continue;
      auto rows = outlined.judged;
      rows.emplace_back(outlined.action.entity, outlined.action.target);
      for (const auto& [entity, id] : rows) {
        RESCIND_ASSIGN(const auto row, FindRow(entity, id));
        if (!row) continue;
        for (const std::string& policy : outlined.policies) rest.insert({policy, entity, *row});
      }
    }
    for (auto& [id, candidate] : candidates_) {
      if (rest.count({candidate.policy, candidate.entity, candidate.row}) > 0) {
        candidate.has_rest = true;
      }
    }
    return {};
  }

  Result<std::optional<RowId>> FindRow(const std::string& entity, const std::string& id) {
    const auto known = pipeline_.program().schema.Find(entity);
    if (!known) return std::optional<RowId>();
    return pipeline_.store().Find(*known, id);
  }

  Pipeline& pipeline_;
  std::unordered_map<std::string, Candidate> candidates_;  // by the finding's id
};

}  // namespace

Result<std::map<std::string, uint64_t>> CountDoneFindings(Pipeline& pipeline,
                                                          const FindingBook& book,
                                                          const Journal& journal, Instant now) {
  return DoneFindings(pipeline, book).Count(journal, now);
}

}  // namespace rescind
