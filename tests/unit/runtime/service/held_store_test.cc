// The store that a server holds, as its commands get it.
#include "runtime/service/held_store.h"

#include <doctest/doctest.h>

#include "tests/unit/runtime/service/remembering_store.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

struct HeldFixture {
  TemporaryFolder folder;
  RememberingStore* remembering = nullptr;
  HeldStore held{folder.path(), MakeStore()};

  std::unique_ptr<Store> MakeStore() {
    auto store = std::make_unique<RememberingStore>();
    remembering = store.get();
    return store;
  }
  std::unique_ptr<Store> MustLend(const StoreOptions& options = {}) {
    auto lent = held.Lend(folder.path(), held.store().schema(), options);
    REQUIRE(lent.ok());
    REQUIRE(*lent != nullptr);
    return *std::move(lent);
  }
  static KeyValueBatch SomeBatch() {
    KeyValueBatch batch;
    batch.Put("key", "value");
    return batch;
  }
};

TEST_CASE_FIXTURE(HeldFixture, "WhatIsWrittenThroughALentStoreIsInTheHeldOne") {
  const auto lent = MustLend();
  CHECK(lent->CommitExtra(SomeBatch()).ok());
  CHECK(remembering->key_values().Get("key").value() == "value");
}

TEST_CASE_FIXTURE(HeldFixture, "AnotherFolderIsAnotherStore") {
  const TemporaryFolder other;
  const auto lent = held.Lend(other.path(), held.store().schema(), {});
  REQUIRE(lent.ok());
  CHECK(*lent == nullptr);
  const auto missing = held.Lend(other / "none", held.store().schema(), {});
  REQUIRE(missing.ok());
  CHECK(*missing == nullptr);
}

TEST_CASE_FIXTURE(HeldFixture, "TheSameFolderByAnotherPathIsTheSameStore") {
  std::filesystem::create_directory(folder / "inner");
  const auto lent = held.Lend(folder / "inner/..", held.store().schema(), {});
  REQUIRE(lent.ok());
  CHECK(*lent != nullptr);
}

TEST_CASE_FIXTURE(HeldFixture, "OtherFieldsAreRefusedUnlessFactsStayClosed") {
  const auto refused = held.Lend(folder.path(), Schema(), {});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().kind == ErrorKind::kBusy);
  StoreOptions options;
  options.without_facts = true;
  const auto lent = held.Lend(folder.path(), Schema(), options);
  REQUIRE(lent.ok());
  CHECK(*lent != nullptr);
}

TEST_CASE_FIXTURE(HeldFixture, "WhatWasLentToBeReadRefusesEveryChange") {
  StoreOptions options;
  options.read_only = true;
  const auto lent = MustLend(options);
  const Status extra = lent->CommitExtra(SomeBatch());
  REQUIRE_FALSE(extra.ok());
  CHECK(extra.error().kind == ErrorKind::kUnsupported);
  CHECK_FALSE(lent->Commit(FactDelta(FactOrigin{}), {}).ok());
  CHECK_FALSE(lent->BeginImport({}).ok());
  CHECK_FALSE(lent->Checkpoint().ok());
  CHECK_FALSE(remembering->key_values().Get("key").value().has_value());
}

TEST_CASE_FIXTURE(HeldFixture, "ClosingWhatWasLentLeavesTheHeldOneOpen") {
  auto lent = MustLend();
  CHECK(lent->Close().ok());
  lent.reset();
  CHECK(held.is_held());
  CHECK(MustLend()->CommitExtra(SomeBatch()).ok());
  CHECK(held.Close().ok());
  CHECK_FALSE(held.is_held());
  CHECK(held.Close().ok());  // once more is no harm
}

TEST_CASE_FIXTURE(HeldFixture, "WhatWasLentGoesOnWithTheStoreThatIsPutInItsPlace") {
  const auto lent = MustLend();
  CHECK(held.Close().ok());
  held.Put(MakeStore());
  CHECK(lent->CommitExtra(SomeBatch()).ok());
  CHECK(remembering->key_values().Get("key").value() == "value");
}

}  // namespace
}  // namespace rescind
