// Random histories: whatever is committed, imported, abandoned, folded and reopened, the store
// knows what the naive one knows, now and as of every earlier instant.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "tests/unit/runtime/store/naive_store.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

std::string Sorted(const std::string& text) {
  std::set<std::string> members;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(';', begin), text.size());
    members.insert(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::string sorted;
  for (const std::string& member : members) sorted += (sorted.empty() ? "" : ";") + member;
  return sorted;
}

// For followed facts: entities that close once these have delivered.
const DeclaredSources kDeclared = {{kIdentity, {"hr"}}, {kAccount, {"directory", "tickets"}}};

class History : public StoreFixture {
 public:
  History(uint64_t seed, Duration history_step) : dice_(seed), naive_(*schema_) {
    options.staging_rows = 20;
    options.checkpoint_bytes = 1 << (8 + dice_.Below(10));
    options.history_step = history_step;
    Open();
  }

  void Step() {
    clock.Advance({static_cast<int64_t>(dice_.Below(3)) * 10});
    switch (dice_.Below(12)) {
      case 0: Reopen(); break;
      case 1:
        followed_.reset();
        REQUIRE(store->Close().ok());
        Open();
        break;
      case 2: REQUIRE(store->Checkpoint().ok()); break;
      case 3:
      case 4:
      case 5: RandomImport(); break;
      default: RandomCommit(); break;
    }
    CheckNow();
  }

  // Values of the past that are not exact any more, so far.
  uint64_t coalesced() const { return coalesced_; }
  // Steps after which followed facts were compared, and what they said had changed.
  uint64_t followed_count() const { return followed_count_; }
  uint64_t change_count() const { return change_count_; }
  uint64_t closed_count() const { return closed_count_; }

  void CheckPast() {
    for (const auto& [at, facts] : past_) {
      ColumnSet columns = ColumnSet::All(*schema_);
      columns.AddIds(kIdentity);
      columns.AddIds(kAccount);
      auto loaded = store->LoadFactsAsOf({at}, columns, {});
      if (!loaded.ok()) FAIL(loaded.error().message);
      CheckBase(loaded->facts, facts, When::kPast);
    }
  }

 private:
  enum class When { kNow, kPast };

  std::string Id(EntityId entity) {
    return fmt::format("{}{}", entity == kIdentity ? "i" : "a", dice_.Below(40));
  }

  void RandomValues(FactDelta& delta, EntityId entity) {
    const auto& fields = schema_->entity(entity).fields;
    for (uint32_t f = 0; f < fields.size(); ++f) {
      const FieldType& type = fields[f].type;
      if (type.kind == TypeKind::kMany || dice_.Below(3) == 0) continue;
      const FieldId field(f);
      if (dice_.Below(6) == 0) {
        delta.SetUnknown(field);
        continue;
      }
      if (fields[f].latest) {
        // Forward within a step, over its end, now and then back.
        delta.SetNumber(field, static_cast<int64_t>(dice_.Below(8)) * 10 * kMicrosPerMinute - 1);
        continue;
      }
      switch (type.kind) {
        case TypeKind::kText: delta.SetText(field, fmt::format("t{}", dice_.Below(5))); break;
        case TypeKind::kBool:
        case TypeKind::kEnum: delta.SetNumber(field, static_cast<int64_t>(dice_.Below(2))); break;
        case TypeKind::kReference: delta.SetReference(field, Id(type.entity)); break;
        case TypeKind::kSet: RandomSet(delta, field, type); break;
        case TypeKind::kDate:
          delta.SetNumber(field, 20'000 - static_cast<int64_t>(dice_.Below(3)));
          break;
        default: delta.SetNumber(field, static_cast<int64_t>(dice_.Below(3)) - 1); break;
      }
    }
  }

  void RandomSet(FactDelta& delta, FieldId field, const FieldType& type) {
    delta.BeginSet(field);
    for (uint64_t left = dice_.Below(4); left > 0; --left) {
      if (type.element == TypeKind::kInt) {
        delta.AddNumber(static_cast<int64_t>(dice_.Below(3)) - 1);
      } else if (type.element == TypeKind::kReference) {
        delta.AddText(Id(type.entity));
      } else {
        delta.AddText(fmt::format("m{}", dice_.Below(4)));
      }
    }
  }

  FactOrigin RandomOrigin() {
    const char* sources[] = {"hr", "directory", "tickets", "rescind"};
    return {sources[dice_.Below(4)], {clock.Now().micros - static_cast<int64_t>(dice_.Below(30))}};
  }

  FactDelta RandomDelta(const FactOrigin& origin, uint64_t rows) {
    FactDelta delta(origin);
    for (; rows > 0; --rows) {
      const EntityId entity = dice_.Below(2) == 0 ? kIdentity : kAccount;
      delta.BeginRow(entity, Id(entity));
      if (dice_.Below(4) == 0) delta.SetEffective({kStart.micros - static_cast<int64_t>(rows)});
      if (dice_.Below(8) == 0) {
        delta.Delete();
      } else {
        RandomValues(delta, entity);
      }
    }
    return delta;
  }

  void Committed(const CommitReport& got, const CommitReport& wanted) {
    CHECK(got.rows_given == wanted.rows_given);
    CHECK(got.rows_added == wanted.rows_added);
    CHECK(got.rows_changed == wanted.rows_changed);
    CHECK(got.rows_unchanged == wanted.rows_unchanged);
    CHECK(got.rows_removed == wanted.rows_removed);
    CHECK(got.rows_ignored == wanted.rows_ignored);
    past_[got.at.micros] = naive_.facts;
  }

  void RandomCommit() {
    const FactOrigin origin = RandomOrigin();
    const FactDelta delta = RandomDelta(origin, 1 + dice_.Below(6));
    const CommitReport got = StoreFixture::Commit(delta);
    CommitReport wanted;
    naive_.Apply(delta, origin, got.at.micros, wanted);
    Committed(got, wanted);
  }

  void RandomImport() {
    ImportOptions import;
    import.origin = RandomOrigin();
    import.snapshot = import.origin.source != kRescindSource && dice_.Below(2) == 0;
    import.allow_shrink = dice_.Below(3) == 0;
    if (dice_.Below(2) == 0) import.snapshot_entities = {kAccount};
    auto begun = store->BeginImport(import);
    REQUIRE(begun.ok());
    const NaiveFacts before = naive_.facts;
    const auto largest = naive_.largest;
    const int64_t at = clock.Now().micros;
    CommitReport wanted;
    std::set<std::pair<uint32_t, std::string>> listed;
    std::set<uint32_t> entities;
    if (import.snapshot && !import.snapshot_entities.empty()) entities.insert(kAccount.index());
    for (uint64_t pieces = 1 + dice_.Below(4); pieces > 0; --pieces) {
      const FactDelta delta = RandomDelta({"not read", {}}, 1 + dice_.Below(20));
      REQUIRE((*begun)->Add(delta).ok());
      naive_.Apply(delta, import.origin, at, wanted);
      for (const DeltaRow& row : delta.rows()) {
        listed.emplace(row.entity.index(), delta.text(row.key));
        entities.insert(row.entity.index());
      }
      const std::string probe = Id(kAccount);
      CHECK((*begun)->WasGiven(kAccount, probe) == (listed.count({kAccount.index(), probe}) > 0));
    }
    if (dice_.Below(5) == 0) {
      begun->reset();
      naive_.facts = before;
      naive_.largest = largest;
      return;
    }
    const auto got = (*begun)->Finish();
    const bool fine = !import.snapshot || naive_.Withdraw(import.origin, entities, listed, at,
                                                          before, import.allow_shrink, wanted);
    CHECK(got.ok() == fine);
    if (got.ok()) {
      Committed(*got, wanted);
    } else {
      naive_.facts = before;
      naive_.largest = largest;
    }
  }

  void CheckNow() {
    for (const auto& [key, wanted] : naive_.facts) {
      const RowFacts got = Show(EntityId(key.first), key.second);
      const std::string& id = key.second;
      INFO("row ", id);
      CHECK(got.id == id);
      CHECK(got.presence == wanted.presence);
      CHECK(got.incarnation == wanted.incarnation);
      CHECK(got.removed_at.has_value() == wanted.removed_at.has_value());
      if (got.removed_at && wanted.removed_at) CHECK(got.removed_at->micros == *wanted.removed_at);
      CHECK(std::set<std::string>(got.sources.begin(), got.sources.end()) == wanted.sources);
      for (const RowFacts::Field& field : got.fields) {
        INFO("field ", field.name);
        const NaiveField& known = wanted.fields.at(field.name);
        CHECK(Sorted(field.value) == known.value);
        CHECK(field.changed_at.has_value() == known.changed_at.has_value());
        if (known.changed_at && field.changed_at) {
          CHECK(field.changed_at->micros == *known.changed_at);
          CHECK(Sorted(*field.previous) == *known.previous);
        }
        REQUIRE(field.origin.has_value() == known.origin.has_value());
        if (!known.origin) continue;
        CHECK(field.origin->source == known.origin->first);
        CHECK(field.origin->observed_at.micros == known.origin->second);
      }
    }
    CheckClaims();
    CheckBase(Load(), naive_.facts, When::kNow);
    CheckFollowed();
  }

  // Facts that commits have carried along are those that are loaded anew.
  void CheckFollowed() {
    if (followed_ == nullptr || followed_->stale()) return Follow();
    const FactBase loaded = Load(kDeclared);
    const FactBase& facts = followed_->facts();
    CHECK(facts.facts_seq() == loaded.facts_seq());
    CHECK(facts.last_change() == loaded.last_change());
    for (const EntityId entity : {kIdentity, kAccount}) {
      CHECK(facts.closed(entity) == loaded.closed(entity));
      closed_count_ += loaded.closed(entity);
      CheckSameTable(facts.table(entity), loaded.table(entity), entity);
    }
    for (uint32_t row = 0; row < loaded.table(kIdentity).row_count(); ++row) {
      std::vector<uint32_t> merged;
      const auto rows = facts.table(kIdentity).inverse(kAccounts).Rows(RowId(row), merged);
      const auto wanted = loaded.table(kIdentity).inverse(kAccounts).Rows(RowId(row));
      CHECK(std::equal(rows.begin(), rows.end(), wanted.begin(), wanted.end()));
    }
    ++followed_count_;
    change_count_ += followed_->TakeChanges().size();
  }

  void CheckSameTable(const Table& table, const Table& loaded, EntityId entity) {
    REQUIRE(table.row_count() == loaded.row_count());
    CHECK(std::ranges::equal(table.presence(), loaded.presence()));
    CHECK(std::ranges::equal(table.complete(), loaded.complete()));
    CHECK(table.complete_count() == loaded.complete_count());
    CHECK(table.live_count() == loaded.live_count());
    CHECK(table.lacked() == loaded.lacked());
    for (uint32_t row = 0; row < loaded.row_count(); ++row) {
      CHECK(table.incarnation(RowId(row)) == loaded.incarnation(RowId(row)));
      CHECK(table.removed_at(RowId(row)) == loaded.removed_at(RowId(row)));
    }
    CheckSameColumn(table.ids(), loaded.ids());
    const auto& fields = schema_->entity(entity).fields;
    for (uint32_t f = 0; f < fields.size(); ++f) {
      if (fields[f].type.kind == TypeKind::kMany) continue;
      CheckSameColumn(table.column(FieldId(f)), loaded.column(FieldId(f)));
      if (!fields[f].tracked) continue;
      const TrackedColumn& past = table.tracked(FieldId(f));
      const TrackedColumn& loaded_past = loaded.tracked(FieldId(f));
      CheckSameColumn(past.previous, loaded_past.previous);
      CHECK(std::ranges::equal(past.changed_at, loaded_past.changed_at));
    }
  }

  // Number by number: texts and sets have the numbers that they have on disk.
  static void CheckSameColumn(const Column& column, const Column& loaded) {
    switch (column.physical()) {
      case Physical::kByte: CHECK(std::ranges::equal(column.bytes(), loaded.bytes())); break;
      case Physical::kDay: CHECK(std::ranges::equal(column.days(), loaded.days())); break;
      case Physical::kLong: CHECK(std::ranges::equal(column.longs(), loaded.longs())); break;
      case Physical::kRow: CHECK(std::ranges::equal(column.rows(), loaded.rows())); break;
      case Physical::kCode: CHECK(std::ranges::equal(column.codes(), loaded.codes())); break;
      case Physical::kSet:
        CHECK(std::ranges::equal(column.sets(), loaded.sets()));
        REQUIRE(column.pool().count() == loaded.pool().count());
        break;
    }
    if (column.physical() != Physical::kCode && column.physical() != Physical::kSet) return;
    REQUIRE(column.dictionary().count() == loaded.dictionary().count());
    for (uint32_t code = 0; code < loaded.dictionary().count(); ++code) {
      CHECK(column.dictionary().Text(code) == loaded.dictionary().Text(code));
    }
  }

  void Follow() {
    followed_.reset();
    ColumnSet columns = ColumnSet::All(*schema_);
    columns.AddIds(kIdentity);
    columns.AddIds(kAccount);
    auto followed = store->FollowFacts(columns, kDeclared);
    if (!followed.ok()) FAIL(followed.error().message);
    followed_ = std::move(*followed);
  }

  void Reopen() {
    followed_.reset();
    Open();
  }

  void CheckClaims() {
    std::map<std::pair<uint32_t, std::string>, uint64_t> claims;
    for (const auto& [key, row] : naive_.facts) {
      for (const std::string& source : row.sources) ++claims[{key.first, source}];
    }
    for (const SourceStatus& status : store->Sources()) {
      CHECK(status.claimed_rows == claims[{status.entity.index(), status.source}]);
    }
  }

  std::string Cell(const FactBase& base, EntityId entity, FieldId field, const Column& column,
                   uint32_t row) {
    const FieldType& type = schema_->field(entity, field).type;
    if (column.IsUnknown(RowId(row))) return "unknown";
    switch (type.kind) {
      case TypeKind::kText: return std::string(column.dictionary().Text(column.codes()[row]));
      case TypeKind::kBool: return column.bytes()[row] != 0 ? "true" : "false";
      case TypeKind::kEnum:
        return schema_->enumeration(type.enumeration).members[column.bytes()[row]];
      case TypeKind::kReference:
        return base.texts().Id(type.entity, RowId(column.rows()[row])).value();
      case TypeKind::kTime: return FormatInstant({column.longs()[row]});
      case TypeKind::kDate: return FormatDay({column.days()[row]});
      case TypeKind::kSet: break;
      default: return std::to_string(column.longs()[row]);
    }
    std::set<std::string> members;
    const uint32_t set = column.sets()[row];
    if (type.element == TypeKind::kInt) {
      for (const int64_t member : column.pool().Integers(set)) {
        members.insert(std::to_string(member));
      }
    } else {
      for (const uint32_t member : column.pool().Members(set)) {
        members.insert(type.element == TypeKind::kText
                           ? std::string(column.dictionary().Text(member))
                           : base.texts().Id(type.entity, RowId(member)).value());
      }
    }
    std::string text;
    for (const std::string& member : members) text += (text.empty() ? "" : ";") + member;
    return text;
  }

  // As of then it is what was known, or later in the same step of time.
  void CheckPastLatest(const Column& column, RowId row, const std::string& known) {
    const int64_t step = options.history_step.micros;
    const auto instant = ParseInstant(known);
    REQUIRE(column.IsUnknown(row) == !instant.has_value());
    if (!instant) return;
    const int64_t got = column.longs()[row.index()];
    if (step == 0) CHECK(got == instant->micros);
    if (step == 0) return;
    coalesced_ += got != instant->micros;
    CHECK(got >= instant->micros);
    CHECK((got + kMicrosPerDay) / step == (instant->micros + kMicrosPerDay) / step);
  }

  void CheckBase(const FactBase& base, const NaiveFacts& facts, When when) {
    size_t rows = 0;
    for (const auto& [key, wanted] : facts) {
      const EntityId entity(key.first);
      const Table& table = base.table(entity);
      const auto found = base.texts().Find(entity, key.second);
      REQUIRE(found.ok());
      REQUIRE(found->has_value());
      const RowId row = **found;
      ++rows;
      const std::string& id = key.second;
      INFO("row ", id);
      CHECK(table.ids().dictionary().Text(table.ids().codes()[row.index()]) == key.second);
      CHECK(table.presence(row) == wanted.presence);
      CHECK(table.incarnation(row) == wanted.incarnation);
      CHECK(table.removed_at(row).has_value() == wanted.removed_at.has_value());
      const auto& fields = schema_->entity(entity).fields;
      for (uint32_t f = 0; f < fields.size(); ++f) {
        if (fields[f].type.kind == TypeKind::kMany) continue;
        const NaiveField& known = wanted.fields.at(fields[f].name);
        INFO("field ", fields[f].name);
        if (when == When::kPast && fields[f].latest) {
          CheckPastLatest(table.column(FieldId(f)), row, known.value);
          continue;
        }
        CHECK(Cell(base, entity, FieldId(f), table.column(FieldId(f)), row.index()) == known.value);
        if (!fields[f].tracked) continue;
        const TrackedColumn& tracked = table.tracked(FieldId(f));
        CHECK(tracked.changed_at[row.index()] == known.changed_at.value_or(kUnknownLong));
        if (known.previous) {
          CHECK(Cell(base, entity, FieldId(f), tracked.previous, row.index()) == *known.previous);
        }
      }
    }
    CHECK(rows == base.table(kIdentity).row_count() + base.table(kAccount).row_count());
  }

  SeededRandom dice_;
  NaiveStore naive_;
  uint64_t coalesced_ = 0;
  uint64_t followed_count_ = 0;
  uint64_t change_count_ = 0;
  uint64_t closed_count_ = 0;
  std::unique_ptr<FollowedFacts> followed_;
  std::map<int64_t, NaiveFacts> past_;  // by the instant of the last commit then
};

}  // namespace

TEST_CASE("The store knows what a naive one knows, now and in the past") {
  const uint64_t seed = TestSeed();
  INFO("RESCIND_SEED=", seed);
  uint64_t coalesced = 0;
  uint64_t followed_count = 0;
  uint64_t change_count = 0;
  uint64_t closed_count = 0;
  // A test that never saw a coalesced value or a closed entity would prove nothing of them; few
  // seeds need more runs.
  for (uint64_t run = 0; run < 4 || ((coalesced == 0 || closed_count == 0) && run < 40); ++run) {
    const Duration steps[] = {{60 * kMicrosPerMinute}, {0}, {30 * kMicrosPerMinute}};
    History history(seed + run, steps[run % 3]);
    for (int step = 0; step < 20; ++step) history.Step();
    history.CheckPast();
    coalesced += history.coalesced();
    followed_count += history.followed_count();
    change_count += history.change_count();
    closed_count += history.closed_count();
  }
  CHECK(coalesced > 0);
  CHECK(followed_count > 10);
  CHECK(change_count > 10);
  CHECK(closed_count > 0);
}

}  // namespace rescind
