#include "runtime/plan/continuous_planner.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "engine/base/assert.h"
#include "engine/base/sort_unique.h"
#include "engine/eval/reference_evaluator.h"
#include "runtime/plan/access_model.h"
#include "runtime/plan/policy_renames.h"

namespace rescind {

// Findings that must be looked at.
class ContinuousPlanner::Dirt {
 public:
  explicit Dirt(size_t rule_count) : rows_(rule_count) {}

  void Add(FindingName name) { rows_[name.rule].push_back(name.row); }
  void Add(const std::vector<FindingName>& names) {
    for (const FindingName& name : names) Add(name);
  }
  void AddAll(uint32_t rule, const std::vector<RowId>& rows) {
    rows_[rule].insert(rows_[rule].end(), rows.begin(), rows.end());
  }
  // Each once.
  FindingRows Take() {
    for (auto& rows : rows_) SortUnique(rows);
    return std::move(rows_);
  }

 private:
  FindingRows rows_;
};

namespace {

bool IsEmpty(const FindingRows& rows) {
  return std::all_of(rows.begin(), rows.end(), [](const auto& each) { return each.empty(); });
}

uint64_t CountOf(const FindingRows& rows) {
  uint64_t count = 0;
  for (const auto& each : rows) count += each.size();
  return count;
}

void AddTo(FindingRows& rows, const FindingRows& more) {
  for (size_t rule = 0; rule < rows.size(); ++rule) {
    rows[rule].insert(rows[rule].end(), more[rule].begin(), more[rule].end());
    SortUnique(rows[rule]);
  }
}

// Between the two instants it ceases to cover.
bool EndsBetween(const Exemption& exemption, Instant before, Instant now) {
  return exemption.active(before) != exemption.active(now);
}

}  // namespace

ContinuousPlanner::ContinuousPlanner(const ir::Program& program, FactBase& facts,
                                     const Holidays& holidays, FindingBook findings, Instant now)
    : program_(program),
      facts_(facts),
      holidays_(holidays),
      now_(now),
      evaluator_(program, facts, holidays, now),
      asked_(program, ir::RulePart::kActions, facts),
      findings_(std::move(findings)),
      watch_(program.rules.size()),
      planned_(program.rules.size()) {
  IndexModel();
  for (const ir::Rule& rule : program.rules) {
    if (rule.protect) protected_.push_back(rule.entity);
  }
  SortUnique(protected_);
}

ContinuousPlanner::~ContinuousPlanner() = default;

void ContinuousPlanner::IndexModel() {
  IndexBelongings(facts_);
  ColumnSet model;
  AccessModel::AddColumns(program_.schema, model);
  model_fields_ = model.fields;
  const size_t entity_count = program_.schema.entities().size();
  below_.resize(entity_count);
  above_.resize(entity_count);
  for (const Belonging& belonging : Belongings(program_.schema)) {
    if (!facts_.table(belonging.child).has(belonging.field)) continue;
    below_[belonging.parent.index()].push_back(belonging);
    above_[belonging.child.index()].push_back(belonging);
    model_fields_.insert({belonging.child, belonging.field});
  }
}

// ---- What something can affect ------------------------------------------------------------------

std::set<ContinuousPlanner::Row> ContinuousPlanner::Below(eval::FactRow row) const {
  std::set<Row> found{{row.entity, row.row}};
  std::vector<Row> open(found.begin(), found.end());
  std::vector<uint32_t> merged;
  while (!open.empty()) {
    const Row parent = open.back();
    open.pop_back();
    for (const Belonging& belonging : below_[parent.first.index()]) {
      const Table& table = facts_.table(belonging.child);
      for (const uint32_t child : table.referrers(belonging.field).Rows(parent.second, merged)) {
        const Row name{belonging.child, RowId(child)};
        if (found.insert(name).second) open.push_back(name);
      }
    }
  }
  return found;
}

std::set<ContinuousPlanner::Row> ContinuousPlanner::Above(eval::FactRow row) const {
  std::set<Row> found;
  std::vector<Row> open{{row.entity, row.row}};
  while (!open.empty()) {
    const Row child = open.back();
    open.pop_back();
    for (const Belonging& belonging : above_[child.first.index()]) {
      const Column& column = facts_.table(belonging.child).column(belonging.field);
      const uint32_t parent = column.rows()[child.second.index()];
      if (parent == kNoRow) continue;
      const Row name{belonging.parent, RowId(parent)};
      if (found.insert(name).second) open.push_back(name);
    }
  }
  return found;
}

void ContinuousPlanner::AddNaming(const std::set<Row>& rows, Dirt& dirt) const {
  for (const auto& [entity, row] : rows) dirt.Add(watch_.Naming({entity, row}));
}

void ContinuousPlanner::AddCovered(eval::FactRow row, Dirt& dirt) const {
  std::set<Row> rows = Below(row);
  const std::vector<Row> below(rows.begin(), rows.end());
  for (const auto& [entity, each] : below) rows.merge(Above({entity, each}));
  AddNaming(rows, dirt);
}

void ContinuousPlanner::RefreshProtection(eval::FactRow row, Dirt& dirt) {
  if (!std::binary_search(protected_.begin(), protected_.end(), row.entity)) return;
  guards_->protection.Refresh(row.entity, row.row);
  AddCovered(row, dirt);
}

// Rows that are only mentioned are protected, too.
void ContinuousPlanner::RefreshNewRows(Dirt& dirt) {
  for (size_t i = 0; i < protected_.size(); ++i) {
    const uint32_t count = facts_.table(protected_[i]).row_count();
    for (uint32_t row = refreshed_[i]; row < count; ++row) {
      RefreshProtection({protected_[i], RowId(row)}, dirt);
    }
    refreshed_[i] = count;
  }
}

void ContinuousPlanner::TakeChange(const RowChange& change, Dirt& dirt) {
  const eval::FactRow row{change.change.entity, change.row};
  if (change.change.kind != FactChange::Kind::kField) {
    RefreshProtection(row, dirt);
    AddCovered(row, dirt);
    return;
  }
  if (!model_fields_.contains({row.entity, change.change.field})) {
    AddNaming({{row.entity, row.row}}, dirt);
    return;
  }
  AddCovered(row, dirt);
  if (change.named_before == kNoRow) return;
  const EntityId named = program_.schema.field(row.entity, change.change.field).type.entity;
  const eval::FactRow before{named, RowId(change.named_before)};
  AddNaming({{before.entity, before.row}}, dirt);
  AddNaming(Above(before), dirt);
}

Status ContinuousPlanner::TakeExemption(const Exemption& exemption, Dirt& dirt) {
  FindingRows all;
  const auto covers = [&](const ir::Rule& rule) {
    return !rule.protect && (exemption.policy.empty() || exemption.policy == rule.full_name);
  };
  std::set<Row> rows;
  if (exemption.entity.empty()) {
    all = Everything();
  } else if (const auto entity = program_.schema.Find(exemption.entity)) {
    RESCIND_ASSIGN(const auto row, facts_.texts().Find(*entity, exemption.row_id));
    if (!row || row->index() >= facts_.table(*entity).row_count()) return {};
    AddCovered({*entity, *row}, dirt);
    rows = Below({*entity, *row});
  }
  for (uint32_t index = 0; index < program_.rules.size(); ++index) {
    const ir::Rule& rule = program_.rules[index];
    if (!covers(rule)) continue;
    if (!all.empty()) dirt.AddAll(index, all[index]);
    for (const auto& [entity, row] : rows) {
      if (entity == rule.entity) dirt.Add({index, row});  // as the judged one
    }
  }
  return {};
}

Status ContinuousPlanner::RenewExemptions(std::vector<Exemption> exemptions, Dirt& dirt) {
  PolicyRenames(program_).MoveTo(exemptions);
  std::sort(exemptions.begin(), exemptions.end());
  std::vector<Exemption> changed;
  std::set_symmetric_difference(exemptions.begin(), exemptions.end(), exemptions_.begin(),
                                exemptions_.end(), std::back_inserter(changed));
  for (const Exemption& exemption : exemptions) {
    if (EndsBetween(exemption, exemptions_at_, now_)) changed.push_back(exemption);
  }
  for (const Exemption& exemption : changed) RESCIND_TRY(TakeExemption(exemption, dirt));
  if (changed.empty() && exemptions.empty()) return {};
  // A row that is named by one may have come since.
  RESCIND_ASSIGN(guards_->exemptions, ExemptionCover::Make(facts_, exemptions, now_));
  exemptions_ = std::move(exemptions);
  exemptions_at_ = now_;
  return {};
}

Status ContinuousPlanner::FindDirt(std::span<const RowChange> changes,
                                   const std::vector<Exemption>& exemptions, Dirt& dirt) {
  for (const eval::Conclusion& conclusion : evaluator_.Advance(changes, now_)) {
    const ir::Rule& rule = program_.rules[conclusion.rule];
    if (rule.protect) {
      RefreshProtection({rule.entity, conclusion.row}, dirt);
    } else {
      dirt.Add({conclusion.rule, conclusion.row});
    }
  }
  RefreshNewRows(dirt);
  for (const RowChange& change : changes) TakeChange(change, dirt);
  const auto& asked = asked_.Find(changes);
  for (uint32_t rule = 0; rule < asked.size(); ++rule) {
    for (const uint32_t row : asked[rule]) dirt.Add({rule, RowId(row)});
  }
  RESCIND_TRY(RenewExemptions(exemptions, dirt));
  dirt.Add(watch_.DueBy(now_));
  return {};
}

// ---- Parts -----------------------------------------------------------------------------------

eval::SweepResult ContinuousPlanner::SweepOf(const FindingRows& rows) const {
  eval::SweepResult part;
  part.rules.resize(program_.rules.size());
  part.incomplete.resize(program_.schema.entities().size());
  std::optional<eval::ReferenceEvaluator> evaluator;  // seldom needed
  const eval::EvaluationInput now = input();
  for (uint32_t rule = 0; rule < rows.size(); ++rule) {
    eval::RuleOutcome& outcome = part.rules[rule];
    for (const RowId row : rows[rule]) {
      switch (evaluator_.verdict(rule, row)) {
        case eval::Verdict::kNoMatch: break;
        case eval::Verdict::kMatch: outcome.matches.push_back(row); break;
        case eval::Verdict::kUndecided: outcome.undecided.push_back(row); break;
        case eval::Verdict::kError:
          if (!evaluator) evaluator.emplace(now);
          outcome.errors.push_back({row, evaluator->Judge(rule, row).error});
          break;
      }
    }
  }
  return part;
}

FindingRows ContinuousPlanner::Everything() const {
  FindingRows rows(program_.rules.size());
  for (uint32_t index = 0; index < rows.size(); ++index) {
    const ir::Rule& rule = program_.rules[index];
    if (rule.protect) continue;
    const uint32_t count = facts_.table(rule.entity).row_count();
    for (uint32_t row = 0; row < count; ++row) {
      if (evaluator_.verdict(index, RowId(row)) == eval::Verdict::kMatch) {
        rows[index].push_back(RowId(row));
      }
    }
    for (const Finding& finding : findings_.Of(rule.full_name)) {
      rows[index].push_back(finding.row);
    }
    SortUnique(rows[index]);
  }
  return rows;
}

Result<ContinuousPlanner::Looked> ContinuousPlanner::LookAheadOf(const FindingRows& rows,
                                                                 const PlannerOptions& options) {
  Looked looked;
  RESCIND_ASSIGN(
      std::vector<FindingOutlook> outlooks,
      LookAhead(input(), SweepOf(rows), findings_.Part(program_, rows), options, guards_.get()));
  std::set<FindingName> known;
  for (const FindingOutlook& outlook : outlooks) known.insert(outlook.name);
  for (uint32_t rule = 0; rule < rows.size(); ++rule) {
    for (const RowId row : rows[rule]) {
      const FindingName name{rule, row};
      watch_.Remove(name);
      (known.contains(name) ? looked.known : looked.gone).push_back(name);
    }
  }
  for (FindingOutlook& outlook : outlooks) watch_.Put(std::move(outlook));
  return looked;
}

// ---- Steps -----------------------------------------------------------------------------------

Result<PlanStep> ContinuousPlanner::Begin(const PlannerOptions& options) {
  const auto verdict = [this](uint32_t rule, RowId row) { return evaluator_.verdict(rule, row); };
  exemptions_ = options.exemptions;
  PolicyRenames(program_).MoveTo(exemptions_);
  std::sort(exemptions_.begin(), exemptions_.end());
  exemptions_at_ = now_;
  RESCIND_ASSIGN(auto cover, ExemptionCover::Make(facts_, exemptions_, now_));
  guards_ = std::make_unique<PlannerGuards>(
      PlannerGuards{Protection(program_, facts_, verdict), std::move(cover)});
  for (const EntityId entity : protected_) {
    refreshed_.push_back(facts_.table(entity).row_count());
  }
  PlanStep step;
  step.is_empty = false;
  step.rows = Everything();
  step.previous = findings_;  // whole: of policies that are gone, too
  step.sweep = SweepOf(step.rows);
  RESCIND_ASSIGN(step.outcome,
                 PlanActions(input(), step.sweep, step.previous, options, guards_.get()));
  planned_ = step.rows;
  ++counters_.steps;
  counters_.findings_planned += CountOf(step.rows);
  return step;
}

Result<PlanStep> ContinuousPlanner::Advance(std::span<const RowChange> changes, Instant now,
                                            const PlannerOptions& options) {
  RESCIND_ASSERT(guards_, "a planner that has not begun");
  RESCIND_ASSERT(now_ <= now, "time passes backwards");
  now_ = now;
  Dirt dirt(program_.rules.size());
  RESCIND_TRY(FindDirt(changes, options.exemptions, dirt));
  PlanStep step;
  const FindingRows rows = dirt.Take();
  RESCIND_ASSIGN(const Looked looked, LookAheadOf(rows, options));
  step.rows = watch_.Together(looked.known);
  for (const FindingName& name : looked.gone) {
    // Of a policy that only observes nobody looks ahead.
    const bool is_there = findings_.Find(program_.rules[name.rule].full_name, name.row) ||
                          evaluator_.verdict(name.rule, name.row) == eval::Verdict::kMatch;
    if (is_there) step.rows[name.rule].push_back(name.row);
  }
  for (auto& each : step.rows) SortUnique(each);
  if (IsEmpty(step.rows)) return step;
  step.is_empty = false;
  step.previous = findings_.Part(program_, step.rows);
  step.sweep = SweepOf(step.rows);
  RESCIND_ASSIGN(step.outcome,
                 PlanActions(input(), step.sweep, step.previous, options, guards_.get()));
  AddTo(planned_, step.rows);
  ++counters_.steps;
  counters_.findings_planned += CountOf(step.rows);
  return step;
}

Status ContinuousPlanner::Follow(const KeyValueBatch& batch) { return findings_.Follow(batch); }

Status ContinuousPlanner::Settle(const PlannerOptions& options) {
  RESCIND_ASSIGN([[maybe_unused]] const Looked looked, LookAheadOf(planned_, options));
  for (auto& rows : planned_) rows.clear();
  return {};
}

Instant ContinuousPlanner::WakeAt() const {
  Instant next = std::min(evaluator_.WakeAt(), watch_.next());
  for (const Exemption& exemption : exemptions_) {
    if (now_ < exemption.end()) next = std::min(next, exemption.end());
  }
  return next;
}

}  // namespace rescind
