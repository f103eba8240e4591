// A Store whose facts a test builds and whose imports it can look into.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/facts/fact_base_builder.h"
#include "runtime/store/store.h"
#include "tests/unit/runtime/feeds/memory_import.h"
#include "tests/unit/runtime/memory_store.h"

namespace rescind {

class FeedStore final : public Store {
 public:
  // An import that ends in `finished` of its store.
  class Recorded final : public Import {
   public:
    Recorded(FeedStore& store) : store_(store), rows_(store.schema()) {}
    Status Add(const FactDelta& delta) override { return rows_.Add(delta); }
    Result<CommitReport> Finish() override {
      if (store_.refuses) {
        return Error{ErrorKind::kInvalidInput, "the snapshot lost too many rows",
                     "give --allow-shrink"};
      }
      store_.finished.push_back(rows_.rows);
      CommitReport report;
      report.rows_given = rows_.given;
      report.rows_added = store_.adds_rows ? rows_.given : 0;
      return report;
    }
    bool WasGiven(EntityId entity, std::string_view id) const override {
      return rows_.WasGiven(entity, id);
    }

   private:
    FeedStore& store_;
    MemoryImport rows_;
  };

  Status Close() override { return {}; }
  const Schema& schema() const override { return FeedModel(); }
  const std::string& id() const override { return id_; }
  const std::string& secret() const override { return id_; }
  uint64_t epoch() const override { return 1; }
  uint64_t facts_seq() const override { return 0; }
  Instant last_change() const override { return {}; }
  Result<CommitReport> Commit(const FactDelta&, const CommitOptions&) override { return None(); }
  Status CommitExtra(const KeyValueBatch&) override { return None(); }
  Result<std::unique_ptr<Import>> BeginImport(ImportOptions options) override {
    begun.push_back(std::move(options));
    return std::unique_ptr<Import>(std::make_unique<Recorded>(*this));
  }
  Result<FactBase> LoadFacts(const ColumnSet& columns, const DeclaredSources&) override {
    REQUIRE(facts != nullptr);
    ++load_count;
    return facts->Build(columns);
  }
  Result<std::unique_ptr<FollowedFacts>> FollowFacts(const ColumnSet&,
                                                     const DeclaredSources&) override {
    return None();
  }
  Result<LoadedFacts> LoadFactsAsOf(Instant, const ColumnSet&, const DeclaredSources&) override {
    return None();
  }
  Result<std::optional<RowId>> Find(EntityId, std::string_view) override { return None(); }
  Result<std::optional<RowFacts>> Show(EntityId entity, std::string_view id) override {
    const auto row = shown.find({entity.index(), std::string(id)});
    return row == shown.end() ? std::optional<RowFacts>() : row->second;
  }
  std::vector<SourceStatus> Sources() const override { return sources; }
  const KeyValueReader& key_values() const override { return values_; }
  Status Checkpoint() override { return {}; }
  Status Backup(const std::string&) override { return {}; }

  std::vector<ImportOptions> begun;
  std::vector<PlainRows> finished;
  bool refuses = false;
  bool adds_rows = true;  // or changes those that are there
  FactBaseBuilder* facts = nullptr;
  int load_count = 0;                                          // of `facts`
  std::map<std::pair<uint32_t, std::string>, RowFacts> shown;  // by entity and id
  std::vector<SourceStatus> sources;

 private:
  static Error None() { return {ErrorKind::kUnsupported, "not in this store", ""}; }
  std::string id_ = "store";
  MemoryStore values_;
};

}  // namespace rescind
