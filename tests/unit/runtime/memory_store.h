// MemoryStore: key-value data as the store keeps it, in memory, for tests of journal and audit.
//
// A batch is applied whole or not at all. It can be copied, which is a backup, and altered behind
// its owner's back, which is an attack.
#pragma once

#include <map>
#include <string>

#include "runtime/store/key_value.h"

namespace rescind {

class MemoryStore final : public KeyValueReader {
 public:
  void Apply(const KeyValueBatch& batch) {
    for (const auto& change : batch.changes()) {
      if (change.value) {
        values[change.key] = *change.value;
      } else {
        values.erase(change.key);
      }
    }
    if (batch.audit_mark()) mark = *batch.audit_mark();
  }

  Result<std::optional<std::string>> Get(std::string_view key) const override {
    const auto found = values.find(std::string(key));
    if (found == values.end()) return std::optional<std::string>();
    return std::optional(found->second);
  }

  Status Scan(std::string_view prefix, std::string_view from,
              const std::function<bool(std::string_view, std::string_view)>& take) const override {
    const std::string begin(from.empty() || from < prefix ? prefix : from);
    for (auto it = values.lower_bound(begin); it != values.end(); ++it) {
      if (!it->first.starts_with(prefix) || !take(it->first, it->second)) break;
    }
    return {};
  }

  Result<std::optional<std::pair<std::string, std::string>>> Last(
      std::string_view prefix) const override {
    std::optional<std::pair<std::string, std::string>> last;
    // No key of ours continues a prefix with 0xFF bytes only.
    auto it = values.upper_bound(std::string(prefix) + std::string(24, '\xFF'));
    if (it != values.begin() && (--it)->first.starts_with(prefix)) last = *it;
    return last;
  }

  AuditMark audit_mark() const override { return mark; }

  std::map<std::string, std::string> values;
  AuditMark mark;
};

}  // namespace rescind
