// What the tests of the store share: a small schema of every type, and a store in a folder.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/store/store.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {

inline constexpr Instant kStart{1'700'000'000 * kMicrosPerSecond};
inline constexpr EntityId kIdentity{0};
inline constexpr EntityId kAccount{1};
// identity
inline constexpr FieldId kName{0}, kStatus{1}, kManager{2}, kTags{3}, kAccounts{4};
// account
inline constexpr FieldId kOwner{0}, kUser{1}, kPrivileged{2}, kLastLogin{3}, kEndsOn{4}, kLevels{5},
    kPeers{6}, kScore{7};

inline FieldDef MakeField(std::string name, TypeKind kind, bool optional, bool tracked = false) {
  FieldDef field;
  field.name = std::move(name);
  field.type.kind = kind;
  field.type.optional = optional;
  field.tracked = tracked;
  return field;
}

inline Schema StoreSchema() {
  Schema schema;
  const EntityId identity = schema.AddEntity("identity");
  const EntityId account = schema.AddEntity("account");
  schema.AddField(identity, MakeField("name", TypeKind::kText, true));
  FieldDef status = MakeField("status", TypeKind::kEnum, true, true);
  status.type.enumeration = schema.AddEnum({{"active", "disabled"}, false});
  schema.AddField(identity, status);
  FieldDef manager = MakeField("manager", TypeKind::kReference, true, true);
  manager.type.entity = identity;
  schema.AddField(identity, manager);
  FieldDef tags = MakeField("tags", TypeKind::kSet, false, true);
  tags.type.element = TypeKind::kText;
  schema.AddField(identity, tags);
  FieldDef accounts = MakeField("accounts", TypeKind::kMany, false);
  accounts.type.entity = account;
  accounts.type.via = kOwner;
  schema.AddField(identity, accounts);
  FieldDef owner = MakeField("owner", TypeKind::kReference, false);
  owner.type.entity = identity;
  schema.AddField(account, owner);
  schema.AddField(account, MakeField("user", TypeKind::kText, true, true));
  schema.AddField(account, MakeField("privileged", TypeKind::kBool, true));
  FieldDef last_login = MakeField("last_login", TypeKind::kTime, true);
  last_login.latest = true;
  schema.AddField(account, last_login);
  schema.AddField(account, MakeField("ends_on", TypeKind::kDate, true, true));
  FieldDef levels = MakeField("levels", TypeKind::kSet, false);
  levels.type.element = TypeKind::kInt;
  schema.AddField(account, levels);
  FieldDef peers = MakeField("peers", TypeKind::kSet, false);
  peers.type.element = TypeKind::kReference;
  peers.type.entity = account;
  schema.AddField(account, peers);
  schema.AddField(account, MakeField("score", TypeKind::kInt, true));
  return schema;
}

class StoreFixture {
 public:
  StoreFixture() : schema_(std::make_shared<Schema>(StoreSchema())) {}

  Result<std::unique_ptr<Store>> TryOpen() {
    return Store::Open(folder / "store", schema_, {files, clock, random}, options);
  }
  void Open() {
    store.reset();
    auto opened = TryOpen();
    if (!opened.ok()) FAIL(opened.error().message);
    store = std::move(*opened);
  }
  void SetSchema(Schema schema) { schema_ = std::make_shared<Schema>(std::move(schema)); }

  static FactDelta From(std::string source, Instant observed_at = kStart) {
    return FactDelta({std::move(source), observed_at});
  }
  CommitReport Commit(const FactDelta& delta, std::optional<Instant> at = {}) {
    CommitOptions commit;
    commit.at = at;
    auto report = store->Commit(delta, commit);
    if (!report.ok()) FAIL(report.error().message);
    return *report;
  }
  FactBase Load(const DeclaredSources& declared = {}) {
    ColumnSet columns = ColumnSet::All(*schema_);
    columns.AddIds(kIdentity);
    columns.AddIds(kAccount);
    auto facts = store->LoadFacts(columns, declared);
    if (!facts.ok()) FAIL(facts.error().message);
    return std::move(*facts);
  }
  RowId Row(EntityId entity, std::string_view id) {
    const auto row = store->Find(entity, id);
    REQUIRE(row.ok());
    REQUIRE(row->has_value());
    return **row;
  }
  RowFacts Show(EntityId entity, std::string_view id) {
    auto facts = store->Show(entity, id);
    if (!facts.ok()) FAIL(facts.error().message);
    REQUIRE(facts->has_value());
    return **facts;
  }

  TemporaryFolder folder;
  RealFileSystem files;
  VirtualClock clock{kStart};
  SeededRandom random{7};
  StoreOptions options;
  std::unique_ptr<Store> store;

 protected:
  std::shared_ptr<const Schema> schema_;
};

}  // namespace rescind
