#include "runtime/plan/relevant_rule.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "engine/eval/reference_evaluator.h"
#include "runtime/plan/access_model.h"
#include "runtime/plan/coverage.h"
#include "runtime/plan/plan_draft.h"

namespace rescind {
namespace {

// So many rows are looked at, and so many that name one row: who refers to a system is no answer
// to "why this account".
constexpr size_t kMostRows = 20'000;
constexpr size_t kMostNaming = 1'000;

struct RowOrder {
  bool operator()(const eval::FactRow& a, const eval::FactRow& b) const {
    return std::tie(a.entity, a.row) < std::tie(b.entity, b.row);
  }
};
using RowSet = std::set<eval::FactRow, RowOrder>;

// The row, and in steps of one reference what it names and what names it.
class Surroundings {
 public:
  explicit Surroundings(const FactBase& facts) : facts_(facts), schema_(facts.schema()) {}

  RowSet Of(eval::FactRow start, uint32_t reach) {
    found_ = {start};
    std::vector<eval::FactRow> edge = {start};
    for (uint32_t step = 0; step < reach && !edge.empty(); ++step) {
      std::vector<eval::FactRow> next;
      for (const eval::FactRow& row : edge) {
        AddNamed(row, next);
        AddNaming(row, next);
      }
      edge = std::move(next);
    }
    return std::move(found_);
  }

 private:
  void Add(eval::FactRow row, std::vector<eval::FactRow>& next) {
    if (found_.size() < kMostRows && found_.insert(row).second) next.push_back(row);
  }

  void AddNamed(const eval::FactRow& row, std::vector<eval::FactRow>& next) {
    const auto& fields = schema_.entity(row.entity).fields;
    const Table& table = facts_.table(row.entity);
    for (uint32_t f = 0; f < fields.size(); ++f) {
      if (fields[f].type.kind != TypeKind::kReference || !table.has(FieldId(f))) continue;
      const uint32_t named = table.column(FieldId(f)).rows()[row.row.index()];
      if (named != kNoRow) Add({fields[f].type.entity, RowId(named)}, next);
    }
  }

  // Where the columns are loaded, whether the schema declares a `many` field for it or not.
  void AddNaming(const eval::FactRow& row, std::vector<eval::FactRow>& next) {
    for (uint32_t e = 0; e < schema_.entities().size(); ++e) {
      const auto& fields = schema_.entities()[e].fields;
      const Table& table = facts_.table(EntityId(e));
      for (uint32_t f = 0; f < fields.size(); ++f) {
        const FieldType& type = fields[f].type;
        if (type.kind != TypeKind::kReference || type.entity != row.entity) continue;
        if (!table.has(FieldId(f))) continue;
        const auto rows = Inverse(EntityId(e), FieldId(f)).Rows(row.row);
        if (rows.size() > kMostNaming) continue;
        for (const uint32_t naming : rows) Add({EntityId(e), RowId(naming)}, next);
      }
    }
  }

  const InverseIndex& Inverse(EntityId entity, FieldId field) {
    const auto known = inverses_.find({entity, field});
    if (known != inverses_.end()) return known->second;
    const Table& table = facts_.table(entity);
    const EntityId named = schema_.field(entity, field).type.entity;
    return inverses_
        .emplace(std::make_pair(entity, field),
                 InverseIndex::Build(facts_.table(named).row_count(), table.column(field).rows(),
                                     table.presence()))
        .first->second;
  }

  const FactBase& facts_;
  const Schema& schema_;
  RowSet found_;
  std::map<std::pair<EntityId, FieldId>, InverseIndex> inverses_;
};

// The row and all that it belongs to: a protect of any of them covers it.
RowSet Owners(const FactBase& facts, eval::FactRow row) {
  const std::vector<Belonging> belongings = Belongings(facts.schema());
  RowSet owners = {row};
  std::vector<eval::FactRow> edge = {row};
  while (!edge.empty()) {
    const eval::FactRow child = edge.back();
    edge.pop_back();
    for (const Belonging& belonging : belongings) {
      const Table& table = facts.table(child.entity);
      if (belonging.child != child.entity || !table.has(belonging.field)) continue;
      const uint32_t parent = table.column(belonging.field).rows()[child.row.index()];
      if (parent == kNoRow) continue;
      const eval::FactRow owner = {belonging.parent, RowId(parent)};
      if (owners.insert(owner).second) edge.push_back(owner);
    }
  }
  return owners;
}

// Adds what one action acts on. `asked`: the row that is asked about.
void AddTargets(const ir::Action& action, uint32_t stage, const std::vector<eval::FactRow>& named,
                const eval::FactRow& asked, const AccessModel& model, RelevantRule& relevant) {
  for (const eval::FactRow& target : named) {
    if (target == asked) relevant.namings.push_back({stage, ToVerb(action.verb)});
    if (!relevant.judges_target && target != asked) continue;
    relevant.all_as_wanted &= model.InWantedState(action.verb, target);
    relevant.targets.push_back(target);
  }
}

}  // namespace

std::vector<RelevantRule> FindRelevantRules(const eval::EvaluationInput& input, EntityId entity,
                                            RowId row, uint32_t reach) {
  const eval::FactRow target = {entity, row};
  const RowSet nearby = Surroundings(input.facts).Of(target, reach);
  const RowSet owners = Owners(input.facts, target);
  eval::ReferenceEvaluator evaluator(input);
  AccessModel model(input.facts);
  std::vector<RelevantRule> result;
  for (uint32_t index = 0; index < input.program.rules.size(); ++index) {
    const ir::Rule& rule = input.program.rules[index];
    for (auto at = nearby.lower_bound({rule.entity, RowId(0)});
         at != nearby.end() && at->entity == rule.entity; ++at) {
      RelevantRule relevant;
      relevant.rule = index;
      relevant.row = at->row;
      relevant.judges_target = *at == target;
      relevant.covers = rule.protect && owners.count(*at) > 0;
      const bool complete = input.facts.table(rule.entity).complete(at->row);
      for (uint32_t stage = 0; complete && stage < rule.stages.size(); ++stage) {
        for (const ir::Action& action : rule.stages[stage].actions) {
          if (!Removes(action)) continue;
          const auto named = FindTargets(action, input.facts, evaluator, model, at->row);
          AddTargets(action, stage, named, target, model, relevant);
        }
      }
      std::sort(relevant.targets.begin(), relevant.targets.end(), RowOrder());
      relevant.targets.erase(std::unique(relevant.targets.begin(), relevant.targets.end()),
                             relevant.targets.end());
      const bool is_relevant =
          relevant.judges_target || relevant.covers || !relevant.namings.empty();
      if (is_relevant) result.push_back(std::move(relevant));
    }
  }
  return result;
}

}  // namespace rescind
