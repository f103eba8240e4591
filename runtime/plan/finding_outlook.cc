#include "runtime/plan/finding_outlook.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace rescind {

void FindingWatch::Put(FindingOutlook outlook) {
  Remove(outlook.name);
  const FindingName name = outlook.name;
  if (outlook.counts) counting_.insert(name);
  for (const eval::FactRow& target : outlook.targets) {
    by_target_.insert({{target.entity, target.row}, name});
  }
  if (outlook.next != Instant::Never()) by_next_.insert({outlook.next, name});
  outlooks_.emplace(name, std::move(outlook));
}

void FindingWatch::Remove(FindingName name) {
  const auto known = outlooks_.find(name);
  if (known == outlooks_.end()) return;
  counting_.erase(name);
  for (const eval::FactRow& target : known->second.targets) {
    by_target_.erase({{target.entity, target.row}, name});
  }
  by_next_.erase({known->second.next, name});
  outlooks_.erase(known);
}

std::vector<FindingName> FindingWatch::Naming(const eval::FactRow& target) const {
  const Target wanted{target.entity, target.row};
  std::vector<FindingName> names;
  for (auto it = by_target_.lower_bound({wanted, FindingName{0, RowId(0)}});
       it != by_target_.end() && it->first == wanted; ++it) {
    names.push_back(it->second);
  }
  return names;
}

FindingRows FindingWatch::Together(const std::vector<FindingName>& changed) const {
  std::set<FindingName> first(counting_);
  first.insert(changed.begin(), changed.end());
  std::set<FindingName> together(first);
  for (const FindingName& name : first) {
    const auto known = outlooks_.find(name);
    RESCIND_ASSERT(known != outlooks_.end(), "a finding that nobody has looked at");
    for (const eval::FactRow& target : known->second.targets) {
      const auto sharing = Naming(target);
      together.insert(sharing.begin(), sharing.end());
    }
  }
  FindingRows rows(rule_count_);
  for (const FindingName& name : together) rows[name.rule].push_back(name.row);
  return rows;
}

Instant FindingWatch::next() const {
  return by_next_.empty() ? Instant::Never() : by_next_.begin()->first;
}

std::vector<FindingName> FindingWatch::DueBy(Instant now) const {
  std::vector<FindingName> names;
  for (auto it = by_next_.begin(); it != by_next_.end() && it->first <= now; ++it) {
    names.push_back(it->second);
  }
  return names;
}

}  // namespace rescind
