// A Store that keeps what it is given, for tests of what is written; it has no facts to read.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/store/store.h"
#include "tests/unit/runtime/memory_store.h"

namespace rescind {

inline Schema SmallModel() {
  Schema schema;
  const EntityId account = schema.AddEntity("account");
  FieldDef status{"status", {}, true};
  status.type.kind = TypeKind::kEnum;
  status.type.enumeration = schema.AddEnum({{"active", "disabled"}, false});
  schema.AddField(account, status);
  schema.AddEntity("grant");
  return schema;
}

// A store that keeps what it is given, and fails on demand.
class RememberingStore final : public Store {
 public:
  Status Close() override { return {}; }
  const Schema& schema() const override { return schema_; }
  const std::string& id() const override { return id_; }
  const std::string& secret() const override { return id_; }
  uint64_t epoch() const override { return 1; }
  uint64_t facts_seq() const override { return 0; }
  Instant last_change() const override { return {}; }
  Result<CommitReport> Commit(const FactDelta& delta, const CommitOptions& options) override {
    if (fails) return Error{ErrorKind::kIo, "disk full", ""};
    REQUIRE(options.extra != nullptr);
    values.Apply(*options.extra);
    deltas.push_back(delta);
    return CommitReport{};
  }
  Status CommitExtra(const KeyValueBatch& extra) override {
    if (fails) return Error{ErrorKind::kIo, "disk full", ""};
    values.Apply(extra);
    return {};
  }
  Result<std::unique_ptr<Import>> BeginImport(ImportOptions) override { return None(); }
  Result<FactBase> LoadFacts(const ColumnSet&, const DeclaredSources&) override { return None(); }
  Result<std::unique_ptr<FollowedFacts>> FollowFacts(const ColumnSet&,
                                                     const DeclaredSources&) override {
    return None();
  }
  Result<LoadedFacts> LoadFactsAsOf(Instant, const ColumnSet&, const DeclaredSources&) override {
    return None();
  }
  Result<std::optional<RowId>> Find(EntityId, std::string_view) override { return None(); }
  Result<std::optional<RowFacts>> Show(EntityId, std::string_view) override { return None(); }
  std::vector<SourceStatus> Sources() const override { return {}; }
  const KeyValueReader& key_values() const override { return values; }
  Status Checkpoint() override { return {}; }
  Status Backup(const std::string&) override { return {}; }

  bool fails = false;
  MemoryStore values;
  std::vector<FactDelta> deltas;

 private:
  static Error None() { return {ErrorKind::kUnsupported, "not in this test", ""}; }
  Schema schema_ = SmallModel();
  std::string id_ = "store-1";
};

}  // namespace rescind
