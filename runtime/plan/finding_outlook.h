// FindingOutlook: what the stages of one finding have to do with others, and when they change.
//
// Whoever plans again and again, as facts change and time passes, need not plan for every finding
// each time: FindingWatch says for which ones. Knows no facts and no clock.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/base/instant.h"
#include "engine/eval/value.h"

namespace rescind {

// By index in Program::rules, and judged row.
struct FindingName {
  uint32_t rule = 0;
  RowId row;
  auto operator<=>(const FindingName&) const = default;
};

struct FindingOutlook {
  FindingName name;
  // Something of it is due, held or not, or was begun under a limit that counts what is left:
  // gates, limits and the actions of other findings depend on it.
  bool counts = false;
  // While facts, policies, exemptions and journal stay, it asks for nothing else before.
  Instant next = Instant::Never();
  // Of all its actions: done, protected or wanted. Each once, sorted.
  std::vector<eval::FactRow> targets;
};

// By rule, rows ascending and each once.
using FindingRows = std::vector<std::vector<RowId>>;

class FindingWatch {
 public:
  explicit FindingWatch(size_t rule_count) : rule_count_(rule_count) {}

  // In place of what was known of it.
  void Put(FindingOutlook outlook);
  void Remove(FindingName name);

  // The findings without which a plan of `changed` would start other actions than a plan of all:
  // these, those that count, and those that name a target of one of them. All are known.
  FindingRows Together(const std::vector<FindingName>& changed) const;
  // Those that name the row, ascending.
  std::vector<FindingName> Naming(const eval::FactRow& target) const;
  bool any_counts() const { return !counting_.empty(); }
  // The first instant at which one of them changes by itself, and those that do by then.
  Instant next() const;
  std::vector<FindingName> DueBy(Instant now) const;

 private:
  using Target = std::pair<EntityId, RowId>;

  size_t rule_count_;
  std::map<FindingName, FindingOutlook> outlooks_;
  std::set<FindingName> counting_;
  std::set<std::pair<Target, FindingName>> by_target_;
  std::set<std::pair<Instant, FindingName>> by_next_;
};

}  // namespace rescind
