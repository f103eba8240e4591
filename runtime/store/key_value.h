// KeyValueBatch and KeyValueReader: what the journal and the audit log keep in the store.
//
// A batch is plain data, committed in the same write as the facts it belongs to
// (CommitOptions::extra) or alone (Store::CommitExtra). Keys are bytes, ordered as unsigned bytes;
// each user starts its keys with its own name and a slash ("journal/", "audit/"). What the bytes
// mean is the user's business.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace rescind {

// Size and root of the audit log after the batch. It is kept in the high-water mark, so that a
// store which lost the end of its log is refused.
struct AuditMark {
  uint64_t size = 0;
  std::array<uint8_t, 32> root{};
  bool operator==(const AuditMark&) const = default;
};

class KeyValueBatch {
 public:
  struct Change {
    std::string key;
    std::optional<std::string> value;  // nullopt deletes the key
  };

  // Later changes of a key win over earlier ones.
  void Put(std::string_view key, std::string_view value) {
    changes_.push_back({std::string(key), std::string(value)});
  }
  void Delete(std::string_view key) { changes_.push_back({std::string(key), std::nullopt}); }
  void SetAuditMark(const AuditMark& mark) { audit_mark_ = mark; }

  const std::vector<Change>& changes() const { return changes_; }
  const std::optional<AuditMark>& audit_mark() const { return audit_mark_; }
  bool empty() const { return changes_.empty() && !audit_mark_; }
  void Clear() {
    changes_.clear();
    audit_mark_.reset();
  }

 private:
  std::vector<Change> changes_;
  std::optional<AuditMark> audit_mark_;
};

class KeyValueReader {
 public:
  virtual ~KeyValueReader() = default;
  virtual Result<std::optional<std::string>> Get(std::string_view key) const = 0;
  // Keys that begin with `prefix`, ascending, from `from` (inclusive; empty: the first), until
  // `take` returns false. The views live until `take` returns.
  virtual Status Scan(
      std::string_view prefix, std::string_view from,
      const std::function<bool(std::string_view key, std::string_view value)>& take) const = 0;
  // The greatest key that begins with `prefix`, and its value.
  virtual Result<std::optional<std::pair<std::string, std::string>>> Last(
      std::string_view prefix) const = 0;
  // As the high-water mark has it.
  virtual AuditMark audit_mark() const = 0;
};

}  // namespace rescind
