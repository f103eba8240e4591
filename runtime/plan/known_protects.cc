#include "runtime/plan/known_protects.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace rescind {

std::vector<KnownProtect> ProtectsOf(const ir::Program& program) {
  std::vector<KnownProtect> protects;
  for (const ir::Rule& rule : program.rules) {
    if (rule.protect) protects.push_back({rule.full_name, rule.meaning_hash});
  }
  std::sort(protects.begin(), protects.end());
  return protects;
}

std::vector<std::string> LostProtects(const std::vector<KnownProtect>& known,
                                      const ir::Program& program) {
  std::vector<std::string> lost;
  if (known.empty()) return lost;
  std::set<std::string_view> meanings;
  for (const ir::Rule& rule : program.rules) {
    if (rule.protect) meanings.insert(rule.meaning_hash);
  }
  for (const KnownProtect& protect : known) {
    if (!meanings.contains(protect.meaning)) lost.push_back(protect.name);
  }
  return lost;
}

bool IsConfirmed(const PolicyRecord& record, const ir::Rule& rule, const ir::Program& program) {
  return record.confirmed_meaning == rule.meaning_hash &&
         LostProtects(record.protects, program).empty();
}

}  // namespace rescind
