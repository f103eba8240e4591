// ExtraReader: what journal and audit log keep in the store, read back.
#pragma once

#include "runtime/store/database.h"
#include "runtime/store/high_water_mark.h"
#include "runtime/store/key_value.h"
#include "runtime/store/store_layout.h"

namespace rescind {

class ExtraReader final : public KeyValueReader {
 public:
  // Both must outlive it.
  ExtraReader(const Database& database, const MarkState& head) : database_(database), head_(head) {}

  Result<std::optional<std::string>> Get(std::string_view key) const override {
    return database_.Get(Family::kExtra, key);
  }
  Status Scan(std::string_view prefix, std::string_view from,
              const std::function<bool(std::string_view, std::string_view)>& take) const override {
    const auto own = [&](std::string_view key, std::string_view value) {
      return key == kCommitKey || take(key, value);
    };
    return database_.Scan(Family::kExtra, from < prefix ? prefix : from, AfterPrefix(prefix), own);
  }
  Result<std::optional<std::pair<std::string, std::string>>> Last(
      std::string_view prefix) const override {
    return database_.Last(Family::kExtra, prefix, AfterPrefix(prefix));
  }
  AuditMark audit_mark() const override { return head_.audit; }

 private:
  const Database& database_;
  const MarkState& head_;
};

}  // namespace rescind
