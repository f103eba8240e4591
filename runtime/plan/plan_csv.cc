#include "runtime/plan/plan_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <string_view>

#include "engine/base/assert.h"
#include "engine/base/visible_text.h"

namespace rescind {
namespace {

// OWASP, CSV injection. Where text is written in full-width letters, spreadsheets take those signs
// for the narrow ones; | is what 1-2-3 and its heirs obey.
constexpr std::string_view kFormulaStarts[] = {"=", "+",  "-",  "@",  "\t", "\r",
                                               "|", "＝", "＋", "－", "＠"};

bool StartsFormula(std::string_view text) {
  return std::any_of(std::begin(kFormulaStarts), std::end(kFormulaStarts),
                     [&](std::string_view start) { return text.starts_with(start); });
}

std::string Cell(std::string_view text) {
  std::string value;
  if (StartsFormula(text)) value = "'";
  // What a terminal or a spreadsheet would hide or obey shows as in the table.
  value += Visible(text);
  if (value.find_first_of(",\"") == std::string::npos) return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

constexpr size_t kColumns = 27;

void AppendRow(std::string& out, std::initializer_list<std::string_view> cells) {
  RESCIND_ASSERT(cells.size() == kColumns, "a row of other columns than the header's");
  bool first = true;
  for (const std::string_view cell : cells) {
    if (!first) out += ',';
    first = false;
    out += Cell(cell);
  }
  out += "\r\n";
}

std::string EvidenceCell(const PlannedReason& reason) {
  std::string cell;
  for (const Evidence& evidence : reason.evidence) {
    if (!cell.empty()) cell += "; ";
    cell += evidence.path + "=" + evidence.value;
    if (!evidence.source.empty()) cell += " (" + evidence.source + ")";
  }
  return cell;
}

// "insufficient data: its system is unknown"; details that begin with the words stand alone.
std::string WhyCell(const NotActedOn& row) {
  const std::string_view words = NotActedReasonWords(row.reason);
  if (row.detail.starts_with(words)) return row.detail;
  return fmt::format("{}{}{}", words, row.detail.empty() ? "" : ": ", row.detail);
}

void AppendEarlier(std::string& out, const EarlierAction& was, std::string_view became,
                   std::string_view by) {
  AppendRow(out, {"no longer planned",
                  VerbName(was.verb),
                  was.entity,
                  was.target,
                  was.system,
                  "",
                  "",
                  "",
                  "",
                  was.policy,
                  "",
                  "",
                  "",
                  became,
                  "",
                  "",
                  "",
                  "",
                  by,
                  "",
                  "",
                  "",
                  "",
                  "",
                  "",
                  "",
                  ""});
}

// A line for each policy, as of an action: `action_id` tells them from another's.
void AppendUndo(std::string& out, const PlannedUndo& undo, std::string_view policy) {
  AppendRow(out, {undo.failed ? "failed undo" : "undo",
                  VerbName(undo.verb),
                  undo.entity,
                  undo.target,
                  undo.system,
                  "",
                  "",
                  "",
                  "",
                  policy,
                  "",
                  "",
                  "",
                  "",
                  "",
                  "",
                  "",
                  undo.effect,
                  "",
                  "",
                  "",
                  "",
                  "",
                  undo.action_key,
                  "",
                  FormatInstant(undo.since),
                  undo.error});
}

void AppendAction(std::string& out, const PlannedAction& planned) {
  const Action& action = planned.action;
  for (const PlannedReason& reason : planned.reasons) {
    const std::string_view change = !planned.change                   ? ""
                                    : *planned.change == Change::kNew ? "new"
                                                                      : "standing";
    AppendRow(out, {ActionStatusName(planned.status),
                    VerbName(action.verb),
                    action.target.entity,
                    action.target.id,
                    action.target.system,
                    planned.subject.person,
                    planned.subject.department,
                    planned.subject.privileged ? "yes" : "no",
                    SeverityName(reason.severity),
                    reason.policy,
                    std::to_string(reason.stage),
                    FormatInstant(reason.due),
                    planned.reversible ? "yes" : "no",
                    change,
                    reason.because,
                    reason.source_line,
                    EvidenceCell(reason),
                    planned.held_because,
                    "",
                    planned.escalated ? FormatInstant(planned.escalated->since) : "",
                    planned.escalated ? planned.escalated->error : "",
                    planned.came_back ? FormatInstant(planned.came_back->at) : "",
                    planned.came_back ? planned.came_back->action_key : "",
                    action.key,
                    planned.left ? planned.left->because : "",
                    "",
                    ""});
  }
}

}  // namespace

std::string FormatPlanCsv(const Plan& plan) {
  std::string out;
  AppendRow(out, {"status",
                  "verb",
                  "entity",
                  "target",
                  "system",
                  "person",
                  "department",
                  "privileged",
                  "severity",
                  "policy",
                  "stage",
                  "due",
                  "reversible",
                  "change",
                  "because",
                  "source_line",
                  "evidence",
                  "reason",
                  "by",
                  "escalated_since",
                  "escalated_error",
                  "removed_before",
                  "removed_by_action",
                  "action_id",
                  "left_because",
                  "undo_since",
                  "undo_error"});
  for (const PlannedAction& planned : plan.actions) AppendAction(out, planned);
  for (const PlannedUndo& undo : plan.undos) {
    for (const std::string& policy : undo.policies) AppendUndo(out, undo, policy);
  }
  for (const LeftAloneAction& row : plan.delta.left_alone) {
    AppendEarlier(out, row.action, NotActedReasonWords(row.reason), row.by);
  }
  for (const EarlierAction& action : plan.delta.resolved)
    AppendEarlier(out, action, "resolved", "");
  for (const NotActedOn& row : plan.not_acted_on) {
    AppendRow(out, {"not acted on", "", row.entity, row.target, "", "", "", "", "",
                    row.policy,     "", "",         "",         "", "", "", "", WhyCell(row),
                    row.by,         "", "",         "",         "", "", "", "", ""});
  }
  return out;
}

}  // namespace rescind
