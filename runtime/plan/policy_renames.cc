#include "runtime/plan/policy_renames.h"

#include "runtime/plan/exemption.h"
#include "runtime/plan/release.h"
#include "runtime/plan/removal_start.h"

namespace rescind {

PolicyRenames::PolicyRenames(const ir::Program& program) {
  for (const ir::Rule& rule : program.rules) {
    if (!rule.protect) names_.insert(rule.full_name);
  }
  for (const ir::Rule& rule : program.rules) {
    if (rule.protect || rule.renamed_from.empty() || names_.contains(rule.renamed_from)) continue;
    all_.emplace(rule.renamed_from, rule.full_name);
  }
}

const std::string& PolicyRenames::NameNow(const std::string& policy) const {
  const auto renamed = all_.find(policy);
  return renamed == all_.end() ? policy : renamed->second;
}

Result<std::map<std::string, std::string>> StoreRenames(const KeyValueReader& reader,
                                                        const PolicyRenames& renames,
                                                        KeyValueBatch& batch) {
  std::map<std::string, std::string> moved;
  if (renames.all().empty()) return moved;
  const auto store = [&](auto records, auto put) {
    for (auto& record : records) {
      const std::string& name = renames.NameNow(record.policy);
      if (name == record.policy) continue;
      moved.emplace(record.policy, name);
      record.policy = name;
      put(batch, record);
    }
  };
  RESCIND_ASSIGN(auto exemptions, ListExemptions(reader));
  store(std::move(exemptions), PutExemption);
  RESCIND_ASSIGN(auto releases, ListReleases(reader));
  store(std::move(releases), PutRelease);
  RESCIND_TRY(RenameRemovalStarts(
      reader,
      [&](const std::string& policy) {
        const std::string& name = renames.NameNow(policy);
        if (name != policy) moved.emplace(policy, name);
        return name;
      },
      batch));
  return moved;
}

}  // namespace rescind
