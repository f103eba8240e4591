#include "runtime/plan/unjudged_rows.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "engine/eval/undecided_cause.h"

namespace rescind {
namespace {

// Lists rows of one kind and one policy, as many as are listed of those that are shown.
class Listing {
 public:
  Listing(const PlanDraft& draft, UnjudgedRows& rows, EntityId entity, std::string policy,
          NotActedReason reason)
      : draft_(draft), rows_(rows), entity_(entity), policy_(std::move(policy)), reason_(reason) {}

  // `row_of` and `detail_of` say what an item's row is and what there is to say of it:
  // Result<std::string>.
  template <typename Items, typename RowOf, typename DetailOf>
  Status Add(const Items& items, RowOf row_of, DetailOf detail_of) {
    const uint64_t most = draft_.options.listed_rows;
    uint64_t shown_count = 0;
    for (const auto& item : items) {
      if (shown_count == most && draft_.options.filter_person.empty()) {
        shown_count = items.size();  // the rest is shown, too: no need to walk over millions
        break;
      }
      const eval::FactRow row = {entity_, row_of(item)};
      RESCIND_ASSIGN(const bool shown, draft_.PersonShown(row));
      if (!shown || ++shown_count > most) continue;
      NotActedOn listed;
      listed.entity = draft_.input.program.schema.entity(entity_).name;
      RESCIND_ASSIGN(listed.target, draft_.IdOf(row));
      listed.policy = policy_;
      listed.reason = reason_;
      RESCIND_ASSIGN(listed.detail, detail_of(item));
      rows_.listed.push_back(std::move(listed));
    }
    if (shown_count <= most) return {};
    const uint64_t rest = shown_count - most;
    if (reason_ == NotActedReason::kInsufficientData) rows_.unlisted_insufficient_count += rest;
    if (most == 0) return {};
    rows_.listed.back().detail += fmt::format(" (and {} more row{} that {} not listed)", rest,
                                              rest == 1 ? "" : "s", rest == 1 ? "is" : "are");
    return {};
  }

 private:
  const PlanDraft& draft_;
  UnjudgedRows& rows_;
  const EntityId entity_;
  const std::string policy_;
  const NotActedReason reason_;
};

RowId SameRow(RowId row) { return row; }

Status AddOfRule(const PlanDraft& draft, FindingTexts& texts, uint32_t index, UnjudgedRows& rows) {
  const ir::Rule& rule = draft.input.program.rules[index];
  const eval::RuleOutcome& outcome = draft.sweep.rules[index];
  const auto listing = [&](NotActedReason reason) {
    return Listing(draft, rows, rule.entity, rule.full_name, reason);
  };
  std::optional<eval::UndecidedCause> cause;  // seldom needed
  RESCIND_TRY(listing(NotActedReason::kInsufficientData)
                  .Add(outcome.undecided, SameRow, [&](RowId row) -> Result<std::string> {
                    if (!cause) cause.emplace(draft.input, rule);
                    return cause->At(row);
                  }));
  RESCIND_TRY(listing(NotActedReason::kEvaluationError)
                  .Add(
                      outcome.errors, [](const eval::RowError& error) { return error.row; },
                      [](const eval::RowError& error) -> Result<std::string> {
                        return std::string(eval::EvaluationErrorText(error.error));
                      }));
  if (rule.mode != ir::Mode::kObserve) return {};
  return listing(NotActedReason::kObserve)
      .Add(outcome.matches, SameRow, [&](RowId row) -> Result<std::string> {
        RESCIND_ASSIGN(const FindingText* text, texts.Of(index, row));
        return text->because;
      });
}

}  // namespace

const std::vector<RowId>& IncompleteRows(const PlanDraft& draft, EntityId entity) {
  static const std::vector<RowId> none;
  const bool known = entity.index() < draft.sweep.incomplete.size();
  return known ? draft.sweep.incomplete[entity.index()] : none;
}

Result<UnjudgedRows> ListUnjudgedRows(const PlanDraft& draft, FindingTexts& texts) {
  UnjudgedRows rows;
  std::set<EntityId> judged;
  for (uint32_t index = 0; index < draft.input.program.rules.size(); ++index) {
    const ir::Rule& rule = draft.input.program.rules[index];
    if (rule.protect || !draft.PolicyShown(rule.full_name)) continue;
    judged.insert(rule.entity);
    RESCIND_TRY(AddOfRule(draft, texts, index, rows));
  }
  // An incomplete row matches nothing, whatever the policy: it is listed once.
  for (const EntityId entity : judged) {
    Listing listing(draft, rows, entity, "", NotActedReason::kInsufficientData);
    RESCIND_TRY(listing.Add(IncompleteRows(draft, entity), SameRow, [&](RowId row) {
      return eval::WhyIncomplete(draft.input, {entity, row});
    }));
  }
  return rows;
}

}  // namespace rescind
