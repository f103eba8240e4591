#include "tests/bench/population_facts.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>

namespace rescind::bench {
namespace {

// Ids are made from row numbers; nothing else is asked for in a sweep.
class PopulationTexts final : public RowTexts {
 public:
  PopulationTexts(const Population& population, std::shared_ptr<const Schema> schema)
      : population_(population), schema_(std::move(schema)) {}

  Result<std::string> Id(EntityId entity, RowId row) const override {
    return population_.Id(population_.Find(schema_->entity(entity).name), row.index());
  }
  Result<std::optional<std::string>> Text(EntityId, FieldId, RowId) const override {
    return Missing("texts");
  }
  Result<std::optional<FieldOrigin>> Origin(EntityId, FieldId, RowId) const override {
    return Missing("origins");
  }
  Result<std::optional<RowId>> Find(EntityId, std::string_view) const override {
    return Missing("rows by id");
  }

 private:
  static Error Missing(const std::string& what) {
    return {ErrorKind::kUnsupported, "the population of the benches has no " + what, ""};
  }
  const Population& population_;
  std::shared_ptr<const Schema> schema_;
};

}  // namespace

FactBase FillFacts(const Population& population, const std::shared_ptr<const Schema>& schema,
                   const ColumnSet& columns) {
  FactBase facts(schema);
  for (const PopulationTable& table : population.tables) {
    const EntityId entity = *schema->Find(table.entity);
    facts.Resize(entity, table.row_count());
    std::copy(table.presence.begin(), table.presence.end(), facts.mutable_presence(entity).begin());
  }
  const ColumnSet wanted = columns.Closure(*schema);
  for (const auto& [entity, field] : wanted.fields) {
    Column& column = facts.AddColumn(entity, field);
    const std::string& name = schema->field(entity, field).name;
    const PopulationTable& table = population.Find(schema->entity(entity).name);
    const auto made =
        std::find_if(table.columns.begin(), table.columns.end(),
                     [&](const PopulationColumn& known) { return known.field == name; });
    if (made != table.columns.end()) column = made->values;
    if (!wanted.HasHistory(entity, field)) continue;
    TrackedColumn& tracked = facts.AddTracked(entity, field);
    if (const PopulationHistory* history = table.FindHistory(name)) {
      tracked.previous = history->previous;
      tracked.changed_at.assign(history->changed_at.begin(), history->changed_at.end());
    }
  }
  facts.SetVersion(1, kBenchNow);
  facts.SetTexts(std::make_shared<PopulationTexts>(population, schema));
  facts.Derive();
  return facts;
}

}  // namespace rescind::bench
