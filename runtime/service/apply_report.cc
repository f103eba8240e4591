#include "runtime/service/apply_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <tuple>

#include "engine/base/visible_text.h"
#include "runtime/plan/plan_table.h"
#include "runtime/service/shown_json.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

bool IsFinished(const AppliedAction& action) {
  const ActionState state = action.state;
  if (action.needs_person()) return false;
  return state == ActionState::kVerified || state == ActionState::kWithdrawn ||
         state == ActionState::kHeld || state == ActionState::kCompensated;
}

std::string_view MarkOf(const AppliedAction& action) {
  if (action.needs_person()) return "X";
  switch (action.state) {
    case ActionState::kVerified: return "-";
    case ActionState::kHeld: return "!";
    case ActionState::kWithdrawn: return "=";
    default: return "·";
  }
}

std::string WhyOf(const AppliedAction& action) {
  if (action.given_up_because.empty()) return action.detail;
  const std::string& given_up = action.given_up_because;
  if (action.state == ActionState::kCompensated) return given_up + "; it was given back";
  const bool is_news = !action.detail.empty() && action.detail != action.given_up_because;
  return is_news ? fmt::format("{}; {}", given_up, action.detail) : given_up;
}

class TableText {
 public:
  TableText(const ApplyReport& report, size_t max_rows) : report_(report), max_rows_(max_rows) {}

  std::string Format() {
    Actions();
    Fallen();
    EscalatedEarlier();
    UndosLeft();
    Notices();
    Counts();
    return std::move(text_);
  }

 private:
  template <typename... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  void More(size_t count) {
    if (count > max_rows_) Line("  and {} more (-o json lists all)", count - max_rows_);
  }
  void Actions() {
    for (size_t i = 0; i < std::min(report_.actions.size(), max_rows_); ++i) {
      const AppliedAction& action = report_.actions[i];
      // What was seen of a verified one is in the log; what is not done says here why.
      const std::string why = action.state == ActionState::kVerified ? "" : WhyOf(action);
      Line("  {} {} {} {} on {}: {}{}", MarkOf(action), action.verb, action.entity,
           Visible(action.target), Visible(action.system), ActionStateName(action.state),
           why.empty() ? "" : fmt::format(" ({})", Visible(why)));
    }
    More(report_.actions.size());
  }
  void Fallen() {
    if (report_.fallen.empty()) return;
    Line("in the plan, but not carried out:");
    for (size_t i = 0; i < std::min(report_.fallen.size(), max_rows_); ++i) {
      const FallenRow& row = report_.fallen[i];
      Line("  {} {} {} {}: {}", row.held ? "!" : "=", row.verb, row.entity, Visible(row.target),
           Visible(row.why));
    }
    More(report_.fallen.size());
  }
  void EscalatedEarlier() {
    if (report_.escalated_earlier.empty()) return;
    Line("escalated by earlier runs, and left to a person:");
    for (size_t i = 0; i < std::min(report_.escalated_earlier.size(), max_rows_); ++i) {
      const PlannedAction& planned = report_.escalated_earlier[i];
      const ActionTarget& target = planned.action.target;
      Line("  X {} {} {} on {}: since {}: {}", VerbName(planned.action.verb), target.entity,
           Visible(target.id), Visible(target.system), FormatInstant(planned.escalated->since),
           Visible(planned.escalated->error));
    }
    More(report_.escalated_earlier.size());
  }
  void UndosLeft() {
    if (report_.undos_left.empty()) return;
    Line("rollbacks of earlier runs that failed, and left to a person:");
    for (size_t i = 0; i < std::min(report_.undos_left.size(), max_rows_); ++i) {
      const LeftUndo& undo = report_.undos_left[i];
      Line("  X undo {} {} {} on {}: since {}: {}", undo.action.verb, undo.action.entity,
           Visible(undo.action.target), Visible(undo.action.system), FormatInstant(undo.since),
           Visible(undo.action.detail));
    }
    More(report_.undos_left.size());
  }
  void Notices() {
    if (report_.notices.empty()) return;
    Line("notices:");
    for (size_t i = 0; i < std::min(report_.notices.size(), max_rows_); ++i) {
      const AppliedNotice& notice = report_.notices[i];
      Line("  {} {} {} to {}: {}{}", notice.policy, notice.entity, Visible(notice.target),
           Visible(notice.recipient),
           notice.channel.empty() ? "NOT SENT" : fmt::format("sent to {}", notice.channel),
           notice.problem.empty() ? "" : fmt::format(" ({})", Visible(notice.problem)));
    }
    More(report_.notices.size());
  }
  void Counts() {
    const uint64_t given_back = report_.CountOf(ActionState::kCompensated);
    Line("{} verified, {} withdrawn, {} held, {} unfinished, {} in notice{}",
         report_.CountOf(ActionState::kVerified), report_.CountOf(ActionState::kWithdrawn),
         report_.all_held_count(), report_.unfinished_count(), report_.waiting_count,
         given_back == 0 ? "" : fmt::format(", {} given back", given_back));
    if (const uint64_t held = report_.held_notice_count(); held > 0) {
      Line("{} held: nobody is told yet",
           held == 1 ? "1 notice is" : fmt::format("{} notices are", held));
    }
    for (const std::string& why : report_.held_because) Line("held: {}", Visible(why));
    for (const auto& [system, problem] : report_.failing_systems) {
      Line("system {} cannot be used: {}", Visible(system), Visible(problem));
    }
    if (const uint64_t count = report_.to_do_again_count; count > 0) {
      Line("{} of a stage that was carried out again had been given back: the next plan lists {}",
           count, count == 1 ? "it" : "them");
    }
    if (report_.unseen_count > 0) {
      Line("{} more are due but not in this plan: make a new one", report_.unseen_count);
    }
    const uint64_t escalated = report_.person_count;
    const uint64_t open =
        report_.unfinished_count() - report_.given_up_count() + report_.left_open_count;
    if (open > 0) Line("{} are not finished: `rescind apply --resume` goes on with them", open);
    if (escalated > 0) {
      Line("{} a person: mend what the system said above, then make and apply a new plan",
           escalated == 1 ? "1 needs" : fmt::format("{} need", escalated));
    }
    if (report_.left_count > 0) {
      Line("{} of {} rolled back: make a plan, and apply it to have {} carried out again",
           report_.left_count == 1 ? "1 is" : fmt::format("{} are", report_.left_count),
           report_.left_count == 1 ? "a stage that was" : "stages that were",
           report_.left_count == 1 ? "it" : "them");
    }
    if (report_.interrupted) Line("interrupted: nothing was left half-done without a record");
  }

  const ApplyReport& report_;
  const size_t max_rows_;
  std::string text_;
};

Json ActionsJson(const ApplyReport& report) {
  Json list = Json::array();
  for (const AppliedAction& action : report.actions) {
    list.push_back({{"id", action.key},
                    {"verb", action.verb},
                    {"entity", action.entity},
                    {"target", action.target},
                    {"system", action.system},
                    {"policy", action.policy},
                    {"state", ActionStateName(action.state)},
                    {"needs_person", action.needs_person()},
                    {"given_up_because", action.given_up_because},
                    {"detail", action.detail}});
  }
  return list;
}

Json EscalatedEarlierJson(const ApplyReport& report) {
  Json list = Json::array();
  for (const PlannedAction& planned : report.escalated_earlier) {
    const Action& action = planned.action;
    list.push_back({{"id", action.key},
                    {"verb", VerbName(action.verb)},
                    {"entity", action.target.entity},
                    {"target", action.target.id},
                    {"system", action.target.system},
                    {"since", FormatInstant(planned.escalated->since)},
                    {"error", planned.escalated->error},
                    {"remedy", planned.escalated->remedy}});
  }
  return list;
}

Json UndosLeftJson(const ApplyReport& report) {
  Json list = Json::array();
  for (const LeftUndo& undo : report.undos_left) {
    list.push_back({{"id", undo.action.key},
                    {"verb", undo.action.verb},
                    {"entity", undo.action.entity},
                    {"target", undo.action.target},
                    {"system", undo.action.system},
                    {"policy", undo.action.policy},
                    {"since", FormatInstant(undo.since)},
                    {"error", undo.action.detail}});
  }
  return list;
}

Json FallenJson(const ApplyReport& report) {
  Json list = Json::array();
  for (const FallenRow& row : report.fallen) {
    list.push_back({{"verb", row.verb},
                    {"entity", row.entity},
                    {"target", row.target},
                    {"policy", row.policy},
                    {"held", row.held},
                    {"why", row.why}});
  }
  return list;
}

Json NoticesJson(const ApplyReport& report) {
  Json list = Json::array();
  for (const AppliedNotice& notice : report.notices) {
    list.push_back({{"policy", notice.policy},
                    {"entity", notice.entity},
                    {"target", notice.target},
                    {"stage", notice.stage},
                    {"recipient", notice.recipient},
                    {"sent", !notice.channel.empty()},
                    {"channel", notice.channel},
                    {"problem", notice.problem}});
  }
  return list;
}

}  // namespace

void ApplyReport::SortActions() {
  std::sort(actions.begin(), actions.end(), [](const AppliedAction& a, const AppliedAction& b) {
    return std::tie(a.system, a.entity, a.target, a.verb, a.key) <
           std::tie(b.system, b.entity, b.target, b.verb, b.key);
  });
}

uint64_t ApplyReport::CountOf(ActionState state) const {
  return static_cast<uint64_t>(
      std::count_if(actions.begin(), actions.end(),
                    [&](const AppliedAction& action) { return action.state == state; }));
}

uint64_t ApplyReport::all_held_count() const {
  uint64_t sum = 0;
  for (const auto& [reason, count] : HeldByReason()) sum += count.actions;
  return sum;
}
uint64_t ApplyReport::held_notice_count() const {
  uint64_t sum = 0;
  for (const auto& [reason, count] : held_notices) sum += count;
  return sum;
}
std::map<std::string, HeldCount> ApplyReport::HeldByReason() const {
  std::map<std::string, HeldCount> by_reason;
  std::set<std::string_view> told;
  for (const AppliedAction& action : actions) {
    if (action.state == ActionState::kHeld) ++by_reason[action.detail].actions;
    // What the journal's run has withdrawn is held for what asks for it now; of all else it has
    // told what became of it.
    if (action.state != ActionState::kWithdrawn) told.insert(action.key);
  }
  for (const auto& [key, because] : held_actions) {
    if (!told.contains(key)) ++by_reason[because].actions;
  }
  for (const auto& [because, count] : held_notices) by_reason[because].notices += count;
  return by_reason;
}
uint64_t ApplyReport::unfinished_count() const {
  return static_cast<uint64_t>(
      std::count_if(actions.begin(), actions.end(),
                    [](const AppliedAction& action) { return !IsFinished(action); }));
}

uint64_t ApplyReport::given_up_count() const {
  return static_cast<uint64_t>(
      std::count_if(actions.begin(), actions.end(),
                    [](const AppliedAction& action) { return action.needs_person(); }));
}

uint64_t ApplyReport::failed_notice_count() const {
  return static_cast<uint64_t>(
      std::count_if(notices.begin(), notices.end(),
                    [](const AppliedNotice& notice) { return notice.channel.empty(); }));
}

std::string EncodeApplyReport(const ApplyReport& report) {
  Json json = {{"format", "rescind.apply/1"},
               {"plan_id", report.plan_id},
               {"now", FormatInstant(report.now)},
               {"resumed", report.resumed},
               {"interrupted", report.interrupted},
               {"summary",
                {{"verified", report.CountOf(ActionState::kVerified)},
                 {"withdrawn", report.CountOf(ActionState::kWithdrawn)},
                 {"held", report.all_held_count()},
                 {"given_back", report.CountOf(ActionState::kCompensated)},
                 {"escalated", report.CountOf(ActionState::kEscalated)},
                 {"need_person", report.person_count},
                 {"escalated_earlier", report.escalated_earlier.size()},
                 {"undos_left", report.undos_left.size()},
                 {"unfinished", report.unfinished_count()},
                 {"notice", report.waiting_count},
                 {"already_done", report.already_done_count},
                 {"not_in_plan", report.unseen_count},
                 {"left", report.left_count},
                 {"left_open", report.left_open_count},
                 {"findings_opened", report.opened_count},
                 {"findings_closed", report.closed_count},
                 {"notices_failed", report.failed_notice_count()},
                 {"notices_held", report.held_notice_count()}}},
               {"actions", ActionsJson(report)},
               {"not_carried_out", FallenJson(report)},
               {"escalated_earlier", EscalatedEarlierJson(report)},
               {"undos_left", UndosLeftJson(report)},
               {"notices", NoticesJson(report)},
               {"held_because", report.held_because},
               {"failing_systems", report.failing_systems},
               {"checkpoint", report.checkpoint}};
  return ShownJson(json);
}

std::string FormatApplyReport(const ApplyReport& report, size_t max_rows) {
  return TableText(report, max_rows).Format();
}

}  // namespace rescind
