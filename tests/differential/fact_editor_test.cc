// Edited facts against loaded ones: facts change at random, one FactBase is edited and another is
// made anew, and both must be the same: values, lives, completeness, every index. And what the
// editor says has changed must hold everything that differs.
//
// A world that failed prints its seed; RESCIND_WORLD=<seed> runs it alone.
#include "engine/facts/fact_editor.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "tests/differential/agreement.h"
#include "tests/differential/fact_difference.h"
#include "tests/differential/fact_editing.h"
#include "tests/differential/random_facts.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

#ifdef RESCIND_SANITIZED
constexpr uint64_t kEditedWorldCount = 200;
#elif defined(NDEBUG)
constexpr uint64_t kEditedWorldCount = 2000;
#else
constexpr uint64_t kEditedWorldCount = 300;
#endif

ColumnSet EveryColumn(const Schema& schema) {
  ColumnSet columns = ColumnSet::All(schema);
  for (uint32_t e = 0; e < schema.entities().size(); ++e) {
    for (uint32_t f = 0; f < schema.entity(EntityId(e)).fields.size(); ++f) {
      if (schema.field(EntityId(e), FieldId(f)).tracked) {
        columns.AddHistory(EntityId(e), FieldId(f));
      }
    }
  }
  return columns;
}

void CheckSameIndexes(const FactBase& edited, const FactBase& wanted) {
  const auto& entities = wanted.schema().entities();
  for (uint32_t e = 0; e < entities.size(); ++e) {
    CHECK(edited.table(EntityId(e)).live_count() == wanted.table(EntityId(e)).live_count());
    for (uint32_t row = 0; row < wanted.table(EntityId(e)).row_count(); ++row) {
      CHECK(edited.table(EntityId(e)).incarnation(RowId(row)) ==
            wanted.table(EntityId(e)).incarnation(RowId(row)));
    }
    for (uint32_t f = 0; f < entities[e].fields.size(); ++f) {
      if (entities[e].fields[f].type.kind != TypeKind::kMany) continue;
      const InverseIndex& index = edited.table(EntityId(e)).inverse(FieldId(f));
      const InverseIndex& its = wanted.table(EntityId(e)).inverse(FieldId(f));
      for (uint32_t row = 0; row < wanted.table(EntityId(e)).row_count(); ++row) {
        std::vector<uint32_t> merged;
        std::vector<uint32_t> its_merged;
        const auto rows = index.Rows(RowId(row), merged);
        const auto its_rows = its.Rows(RowId(row), its_merged);
        CHECK(std::vector(rows.begin(), rows.end()) ==
              std::vector(its_rows.begin(), its_rows.end()));
        CHECK(index.Count(RowId(row)) == rows.size());
      }
    }
  }
}

// How often something turned up that would go unnoticed otherwise.
struct EditTotals {
  uint64_t different = 0;
  uint64_t completeness = 0;
  uint64_t noted = 0;
};

void CheckEditedWorld(uint64_t seed, EditTotals& totals) {
  CAPTURE(seed);
  RandomChoice choice(seed);
  const auto schema = std::make_shared<const Schema>(RandomSchema(choice));
  const ColumnSet columns = EveryColumn(*schema);
  const Instant now = RandomNow(choice);
  FactBaseBuilder facts = RandomFacts(choice, schema, now);
  FactBase edited = facts.Build(columns);
  FactEditor editor(edited);
  for (int round = 0; round < 4; ++round) {
    const FactBase before = facts.Build(columns);
    ChangeFacts(choice, *schema, now, facts);
    const FactBase wanted = facts.Build(columns);
    EditTowards(editor, edited, wanted, columns);
    const std::vector<RowChange> changes = editor.Finish();
    CHECK(FactDifference(edited, wanted, columns).empty());
    CheckSameIndexes(edited, wanted);
    std::set<std::pair<FactChange, RowId>> noted;
    for (const RowChange& change : changes) noted.insert({change.change, change.row});
    CHECK(noted.size() == changes.size());
    totals.noted += noted.size();
    for (const RowChange& difference : FactDifference(before, wanted, columns)) {
      const bool is_new =
          difference.row.index() >= before.table(difference.change.entity).row_count();
      // A new row begins with nothing known: its life says all that is not set.
      const bool is_said = noted.count({difference.change, difference.row}) > 0;
      CHECK((is_said || (is_new && difference.change.kind != FactChange::Kind::kLife)));
      ++totals.different;
      if (difference.change.kind == FactChange::Kind::kCompleteness) ++totals.completeness;
    }
  }
}

TEST_CASE("edited facts are those that loading would give, and the editor says what has changed") {
  EditTotals totals;
  if (const uint64_t only = eval::NumberFromEnvironment("RESCIND_WORLD", 0)) {
    CheckEditedWorld(only, totals);
    return;
  }
  const uint64_t count = eval::NumberFromEnvironment("RESCIND_WORLDS", kEditedWorldCount);
  RandomChoice seeds(TestSeed());
  for (uint64_t i = 0; i < count; ++i) {
    CheckEditedWorld(static_cast<uint64_t>(seeds.Between(1, INT64_MAX - 1)), totals);
  }
  MESSAGE(fmt::format("noted {}, different {}, of them complete or not {}", totals.noted,
                      totals.different, totals.completeness));
  CHECK(totals.different > count);
  CHECK(totals.completeness > count / 10);
}

}  // namespace
}  // namespace rescind
