// HighWaterMark: what has been acknowledged, outside RocksDB, in two slots written by turns.
//
// A store that comes up with less than its mark says has lost something that somebody was told
// was safe, and is refused. It is written and fdatasynced after the log was, before anybody is
// told. A torn slot leaves the other one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "runtime/store/key_value.h"

namespace rescind {

struct MarkState {
  std::string store_id;        // 32 hex digits
  uint64_t commit_number = 0;  // of every batch, facts or not
  uint64_t facts_seq = 0;
  Instant last_change;
  uint64_t epoch = 0;
  AuditMark audit;

  std::string Encode() const;
  static std::optional<MarkState> Decode(std::string_view bytes);
};

class HighWaterMark {
 public:
  // nullopt when the file does not exist or is empty (an unfinished creation); kUnsupported for a
  // newer format, kCorrupt when no slot is whole.
  static Result<std::optional<MarkState>> Read(const std::string& path);
  // Opens for writing; creates the file.
  static Result<std::unique_ptr<HighWaterMark>> Open(const std::string& path);
  ~HighWaterMark();
  HighWaterMark(const HighWaterMark&) = delete;
  HighWaterMark& operator=(const HighWaterMark&) = delete;

  // Durable when it returns.
  Status Write(const MarkState& state);

 private:
  HighWaterMark(int descriptor, std::string path, uint64_t generation)
      : descriptor_(descriptor), path_(std::move(path)), generation_(generation) {}

  const int descriptor_;
  const std::string path_;
  uint64_t generation_;  // of the newest slot
};

}  // namespace rescind
