#include "runtime/plan/unjudged_rows.h"

#include <fmt/format.h>

#include <set>

namespace rescind {
namespace {

// Rows of one kind and one policy, as many as are listed.
class Listing {
 public:
  Listing(PlanDraft& draft, EntityId entity, std::string policy, NotActedReason reason,
          uint64_t row_count)
      : draft_(draft),
        entity_(entity),
        policy_(std::move(policy)),
        reason_(reason),
        row_count_(row_count) {}

  bool full() const { return added_ >= draft_.options.listed_rows; }

  Status Add(RowId row, std::string detail) {
    ++added_;
    if (full() && added_ < row_count_) {
      detail += fmt::format(" (and {} more rows that are not listed)", row_count_ - added_);
    }
    RESCIND_ASSIGN(std::string id, draft_.IdOf({entity_, row}));
    draft_.not_acted_on.push_back({{draft_.input.program.schema.entity(entity_).name, std::move(id),
                                    policy_, reason_, "", std::move(detail)},
                                   {entity_, row}});
    return {};
  }

 private:
  PlanDraft& draft_;
  const EntityId entity_;
  const std::string policy_;
  const NotActedReason reason_;
  const uint64_t row_count_;
  uint64_t added_ = 0;
};

Status AddOfRule(PlanDraft& draft, FindingTexts& texts, uint32_t index) {
  const ir::Rule& rule = draft.input.program.rules[index];
  const eval::RuleOutcome& outcome = draft.sweep.rules[index];
  Listing undecided(draft, rule.entity, rule.full_name, NotActedReason::kInsufficientData,
                    outcome.undecided.size());
  for (const RowId row : outcome.undecided) {
    if (undecided.full()) break;
    RESCIND_TRY(undecided.Add(row, "it hangs on a row that no feed has delivered yet"));
  }
  Listing errors(draft, rule.entity, rule.full_name, NotActedReason::kEvaluationError,
                 outcome.errors.size());
  for (const eval::RowError& error : outcome.errors) {
    if (errors.full()) break;
    RESCIND_TRY(errors.Add(error.row, std::string(eval::EvaluationErrorText(error.error))));
  }
  if (rule.mode != ir::Mode::kObserve) return {};
  Listing observed(draft, rule.entity, rule.full_name, NotActedReason::kObserve,
                   outcome.matches.size());
  for (const RowId row : outcome.matches) {
    if (observed.full()) break;
    RESCIND_ASSIGN(const FindingText* text, texts.Of(index, row));
    RESCIND_TRY(observed.Add(row, text->because));
  }
  return {};
}

}  // namespace

const std::vector<RowId>& IncompleteRows(const PlanDraft& draft, EntityId entity) {
  static const std::vector<RowId> none;
  const bool known = entity.index() < draft.sweep.incomplete.size();
  return known ? draft.sweep.incomplete[entity.index()] : none;
}

Status AddUnjudgedRows(PlanDraft& draft, FindingTexts& texts) {
  std::set<EntityId> judged;
  for (uint32_t index = 0; index < draft.input.program.rules.size(); ++index) {
    const ir::Rule& rule = draft.input.program.rules[index];
    if (rule.protect) continue;
    judged.insert(rule.entity);
    RESCIND_TRY(AddOfRule(draft, texts, index));
  }
  // An incomplete row matches nothing, whatever the policy: it is listed once.
  for (const EntityId entity : judged) {
    const std::vector<RowId>& rows = IncompleteRows(draft, entity);
    Listing listing(draft, entity, "", NotActedReason::kInsufficientData, rows.size());
    for (const RowId row : rows) {
      if (listing.full()) break;
      RESCIND_TRY(listing.Add(row, "a row that it belongs to has not been delivered yet"));
    }
  }
  return {};
}

}  // namespace rescind
