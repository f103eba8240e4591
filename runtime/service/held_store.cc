#include "runtime/service/held_store.h"

#include <filesystem>
#include <system_error>
#include <utility>

namespace rescind {
namespace {

// Every call goes to the store that is held, but for those that are its holder's.
class LentStore final : public Store {
 public:
  LentStore(HeldStore& held, bool read_only) : held_(held), read_only_(read_only) {}

  Status Close() override { return {}; }
  void SetLastWords(const LastWords&) override {}

  const Schema& schema() const override { return store().schema(); }
  const std::string& id() const override { return store().id(); }
  const std::string& secret() const override { return store().secret(); }
  uint64_t epoch() const override { return store().epoch(); }
  uint64_t facts_seq() const override { return store().facts_seq(); }
  Instant last_change() const override { return store().last_change(); }

  Result<CommitReport> Commit(const FactDelta& delta, const CommitOptions& options) override {
    RESCIND_TRY(RefuseChange());
    return store().Commit(delta, options);
  }
  Status CommitExtra(const KeyValueBatch& extra) override {
    RESCIND_TRY(RefuseChange());
    return store().CommitExtra(extra);
  }
  Result<std::unique_ptr<Import>> BeginImport(ImportOptions options) override {
    RESCIND_TRY(RefuseChange());
    return store().BeginImport(std::move(options));
  }

  Result<FactBase> LoadFacts(const ColumnSet& columns, const DeclaredSources& declared) override {
    return store().LoadFacts(columns, declared);
  }
  Result<std::unique_ptr<FollowedFacts>> FollowFacts(const ColumnSet& columns,
                                                     const DeclaredSources& declared) override {
    return store().FollowFacts(columns, declared);
  }
  Result<LoadedFacts> LoadFactsAsOf(Instant instant, const ColumnSet& columns,
                                    const DeclaredSources& declared) override {
    return store().LoadFactsAsOf(instant, columns, declared);
  }
  Result<std::optional<RowId>> Find(EntityId entity, std::string_view id) override {
    return store().Find(entity, id);
  }
  Result<std::optional<RowFacts>> Show(EntityId entity, std::string_view id) override {
    return store().Show(entity, id);
  }
  std::vector<SourceStatus> Sources() const override { return store().Sources(); }
  const KeyValueReader& key_values() const override { return store().key_values(); }
  Status Checkpoint() override {
    RESCIND_TRY(RefuseChange());
    return store().Checkpoint();
  }
  Status Backup(const std::string& directory) override { return store().Backup(directory); }

 private:
  // As a store does that was opened to be read.
  Status RefuseChange() const {
    if (!read_only_) return {};
    return Error{ErrorKind::kUnsupported, "the store was opened to be read only", ""};
  }

  Store& store() const { return held_.store(); }

  HeldStore& held_;
  const bool read_only_;
};

}  // namespace

Status HeldStore::Close() {
  if (store_ == nullptr) return {};
  Status closed = store_->Close();
  store_.reset();
  return closed;
}

bool HeldStore::IsIt(const std::string& folder) const {
  std::error_code unknown;
  return std::filesystem::equivalent(folder, folder_, unknown) && !unknown;
}

std::shared_ptr<const Schema> HeldStore::SchemaOf(const std::string& folder) const {
  return IsIt(folder) ? std::make_shared<const Schema>(store_->schema()) : nullptr;
}

Result<std::unique_ptr<Store>> HeldStore::Lend(const std::string& folder, const Schema& schema,
                                               const StoreOptions& options) {
  if (!IsIt(folder)) return std::unique_ptr<Store>();
  if (!options.without_facts && schema != store_->schema()) {
    return Error{
        ErrorKind::kBusy,
        "the policies have other entities or fields than those that `rescind serve` has in force",
        "`rescind status` says why those of the workspace are not in force; others, which an "
        "option or variable names, are for when it does not run"};
  }
  return std::unique_ptr<Store>(std::make_unique<LentStore>(*this, options.read_only));
}

}  // namespace rescind
