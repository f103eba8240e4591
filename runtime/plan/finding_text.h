// FindingText: the reason of a finding in words, with the facts that it rests on. Private to the
// planner.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/eval/deciding_members.h"
#include "runtime/plan/plan_draft.h"

namespace rescind {

struct FindingText {
  std::string judged_id;
  std::string because;
  std::vector<Evidence> evidence;
};

// What all findings of a rule share.
struct RuleText {
  std::string source_line;            // "policies/stale.rescind:11", the place of its `when`;
                                      // empty without sources
  std::vector<std::string> controls;  // "pci_dss_4 8.2.6", …
  bool personal = false;              // its `because` names people
};

// Reads each finding once, because several actions rest on one. For one thread.
class FindingTexts {
 public:
  // The draft outlives it.
  explicit FindingTexts(PlanDraft& draft);
  // The same findings for another thread, which reads them itself.
  FindingTexts(const FindingTexts& other);
  // By the rule's index in the program.
  const RuleText& OfRule(uint32_t rule) const { return (*rules_)[rule]; }
  eval::ReferenceEvaluator& evaluator() { return evaluator_; }
  // Lives as long as this. An error when the store cannot be read.
  Result<const FindingText*> Of(uint32_t rule, RowId row);
  // The same, not remembered: for a finding that nobody else will ask for.
  Result<FindingText> Read(uint32_t rule, RowId row);

 private:
  Result<std::string> Because(const ir::Rule& rule, RowId row);

  PlanDraft& draft_;
  std::shared_ptr<const std::vector<RuleText>> rules_;
  eval::ReferenceEvaluator evaluator_;
  std::unordered_map<uint64_t, FindingText> known_;                               // by rule and row
  std::unordered_map<uint32_t, std::unique_ptr<eval::DecidingMembers>> members_;  // by rule
};

}  // namespace rescind
