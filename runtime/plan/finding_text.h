// FindingText: the reason of a finding in words, with the facts that it rests on. Private to the
// planner.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/plan/plan_draft.h"

namespace rescind {

struct FindingText {
  std::string judged_id;
  std::string because;
  std::vector<Evidence> evidence;
};

// "policies/stale.rescind:11", the place of the rule's `when`; empty without sources.
std::string SourceLine(const ir::Rule& rule, const SourceMap* sources);
// "pci_dss_4 8.2.6", …
std::vector<std::string> ControlNames(const ir::Rule& rule);

// Reads each finding once, because several actions rest on one.
class FindingTexts {
 public:
  explicit FindingTexts(PlanDraft& draft) : draft_(draft) {}
  // Lives as long as this. An error when the store cannot be read.
  Result<const FindingText*> Of(uint32_t rule, RowId row);

 private:
  Result<FindingText> Read(const ir::Rule& rule, RowId row);
  Result<std::string> Because(const ir::Rule& rule, RowId row);

  PlanDraft& draft_;
  std::map<std::pair<uint32_t, RowId>, FindingText> known_;
};

}  // namespace rescind
