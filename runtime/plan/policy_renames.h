// PolicyRenames: what policies of earlier names are called now, by `renamed from`.
//
// People exempt and release policies by name, and what limits count is kept by name: all of that
// belongs to the policy under its new name. Until an apply stores it so, every reader moves what it
// has read. It does not know findings, which finding_book.h moves with its help.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/ir/program.h"
#include "runtime/store/key_value.h"

namespace rescind {

class PolicyRenames {
 public:
  explicit PolicyRenames(const ir::Program& program);

  // By the earlier name. A policy that is still there was not renamed.
  const std::map<std::string, std::string, std::less<>>& all() const { return all_; }
  // What `policy` is called now; itself when it was not renamed.
  const std::string& NameNow(const std::string& policy) const;
  // Whether a policy is called so now.
  bool IsThere(std::string_view policy) const { return names_.contains(policy); }

  // Exemptions, releases, removal starts: whatever is of a `policy`.
  template <typename Record>
  void MoveTo(std::vector<Record>& records) const {
    if (all_.empty()) return;
    for (Record& record : records) record.policy = NameNow(record.policy);
  }

 private:
  std::set<std::string, std::less<>> names_;  // of the program's policies
  std::map<std::string, std::string, std::less<>> all_;
};

// Writes what the store holds of exemptions, releases and removal starts under their new names, so
// that `renamed from` may go, or name the next step of a chain. Returns the renames that found
// anything, by the earlier name. Errors: a record could not be read.
Result<std::map<std::string, std::string>> StoreRenames(const KeyValueReader& reader,
                                                        const PolicyRenames& renames,
                                                        KeyValueBatch& batch);

}  // namespace rescind
