// RocksImport: a load in pieces: kept back while it is small, staged as chunks when it is not.
#pragma once

#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "runtime/store/rocks_store.h"

namespace rescind {

class RocksImport final : public Import {
 public:
  RocksImport(RocksStore& store, ImportOptions options, Instant at)
      : store_(store), options_(std::move(options)), at_(at) {
    store_.importing_ = true;
    given_.resize(store_.schema().entities().size());
  }
  ~RocksImport() override { Abandon(); }

  Status Add(const FactDelta& delta) override;
  Result<CommitReport> Finish() override;
  bool WasGiven(EntityId entity, std::string_view id) const override;

 private:
  struct HashOfHash {
    size_t operator()(const KeyHash& hash) const { return hash.low; }
  };
  Status AddChecked(const FactDelta& delta);
  Status BeginStaging();
  Status ApplyStaged(const FactDelta& delta);
  Status WriteSegment();
  Status ApplyKept();
  Result<CommitReport> FinishStaged();
  void Abandon();
  const ShrinkLimit* MostShrink() const {
    return options_.allow_shrink ? nullptr : &options_.max_shrink;
  }

  RocksStore& store_;
  const ImportOptions options_;
  const Instant at_;
  bool ended_ = false;
  // While it is small.
  std::vector<FactDelta> kept_;
  uint64_t kept_rows_ = 0;
  std::vector<std::unordered_set<KeyHash, HashOfHash>> given_;  // by EntityId
  // From then on.
  std::unique_ptr<FoldSink> sink_;
  std::unique_ptr<FactWriter> writer_;
  std::optional<HistoryCoalescer> coalescer_;
  uint32_t segment_ = 0;
};

}  // namespace rescind
