// What the crash tests write, as a function of the number of the commit, so that whoever opens the
// store later can say what must be in it.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>

#include "runtime/store/store.h"
#include "tests/unit/runtime/store/store_fixture.h"

namespace rescind {

class CrashHistory {
 public:
  explicit CrashHistory(std::string path) : path_(std::move(path)) {
    options.staging_rows = 8;
    options.checkpoint_bytes = 16 << 10;
  }

  Result<std::unique_ptr<Store>> Open() {
    return Store::Open(path_, std::make_shared<Schema>(StoreSchema()), {files_, clock_, random_},
                       options);
  }

  // Commit number n: an import that is staged, or a commit with its journal entry; sometimes the
  // log is folded after it.
  static bool Write(Store& store, uint64_t n) {
    if (IsImport(n)) {
      ImportOptions import;
      import.origin = {"hr", kStart};
      auto begun = store.BeginImport(import);
      if (!begun.ok()) return false;
      for (uint64_t piece = 0; piece < 3; ++piece) {
        if (!(*begun)->Add(Rows(n, piece)).ok()) return false;
      }
      if (!(*begun)->Finish().ok()) return false;
    } else if (!Commit(store, n)) {
      return false;
    }
    return n % 5 != 2 || store.Checkpoint().ok();
  }

  // The same of a commit that is no import, without folding.
  static bool Commit(Store& store, uint64_t n) {
    KeyValueBatch extra;
    extra.Put(Key(n), std::to_string(n));
    CommitOptions commit;
    commit.extra = &extra;
    return store.Commit(Rows(n, 0), commit).ok();
  }

  // Empty when the store holds exactly the first facts_seq commits; else what is wrong.
  static std::string Check(Store& store) {
    const uint64_t end = store.facts_seq();
    std::map<std::string, uint64_t> rows;
    for (uint64_t n = 1; n <= end; ++n) {
      for (uint64_t i = 0; i < (IsImport(n) ? 30u : 10u); ++i) rows[Id(n, i)] = n;
      if (IsImport(n)) continue;
      const auto value = store.key_values().Get(Key(n));
      if (!value.ok()) return value.error().message;
      if (*value != std::to_string(n)) return "key " + Key(n);
    }
    const auto beyond = store.key_values().Get(Key(end + 1));
    if (!beyond.ok()) return beyond.error().message;
    if (beyond->has_value()) return "a key of a commit that is not there";
    ColumnSet columns;
    columns.Add(kAccount, kScore);
    columns.Add(kAccount, kLastLogin);
    columns.AddIds(kAccount);
    const auto facts = store.LoadFacts(columns, {});
    if (!facts.ok()) return facts.error().message;
    const Table& table = facts->table(kAccount);
    if (table.row_count() != rows.size()) return "the number of rows";
    for (uint32_t row = 0; row < table.row_count(); ++row) {
      const std::string id(table.ids().dictionary().Text(table.ids().codes()[row]));
      const auto wanted = rows.find(id);
      if (wanted == rows.end()) return "row " + id;
      if (table.column(kScore).longs()[row] != static_cast<int64_t>(wanted->second)) {
        return "the value of row " + id;
      }
      // Its history is coalesced; its present is not.
      if (table.column(kLastLogin).longs()[row] != LastLogin(wanted->second)) {
        return "the last use of row " + id;
      }
      const auto found = store.Find(kAccount, id);
      if (!found.ok()) return found.error().message;
      if (*found != RowId(row)) return "the key of row " + id;
    }
    return "";
  }

  StoreOptions options;

 private:
  static bool IsImport(uint64_t n) { return n % 4 == 0; }
  static std::string Key(uint64_t n) { return fmt::format("journal/{:08}", n); }
  static std::string Id(uint64_t n, uint64_t i) {
    return fmt::format("account {}", (n * 7 + i) % (40 + n));
  }
  static int64_t LastLogin(uint64_t n) {
    return kStart.micros + static_cast<int64_t>(n) * kMicrosPerMinute;
  }
  static FactDelta Rows(uint64_t n, uint64_t piece) {
    FactDelta delta({"hr", kStart});
    for (uint64_t i = piece * 10; i < piece * 10 + 10; ++i) {
      delta.BeginRow(kAccount, Id(n, i));
      delta.SetNumber(kScore, static_cast<int64_t>(n));
      delta.SetNumber(kLastLogin, LastLogin(n));
    }
    return delta;
  }

  std::string path_;
  RealFileSystem files_;
  VirtualClock clock_{kStart};
  SystemRandom random_;
};

}  // namespace rescind
