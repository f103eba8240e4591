#include "runtime/service/escalation_notice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "runtime/plan/action_key.h"

namespace rescind {
namespace {

constexpr size_t kNamedDeeds = 20;
// Which messages say more when they are sent, and of what.
constexpr const char* kRollbackField = "rollback";
constexpr const char* kOfStage = "stage";
constexpr const char* kOfUndo = "undo";

std::string OffSince(const JournalEntry& entry) {
  return entry.off_since ? fmt::format("off since {}", FormatInstant(*entry.off_since)) : "off";
}

// What had been removed by a stage, as it stands now; each sorted.
struct StageRest {
  std::vector<std::string> given_back;
  std::vector<std::string> being_given_back;
  std::vector<std::string> not_given_back;

  void Add(const JournalEntry& entry) {
    const std::string deed = NameOfDeed(entry);
    if (entry.state == ActionState::kCompensated) {
      const std::string from =
          entry.off_since ? fmt::format("from {} ", FormatInstant(*entry.off_since)) : "";
      given_back.push_back(
          fmt::format("{} (off {}until {})", deed, from, FormatInstant(entry.changed_at)));
    } else if (IsUndoLeft(entry)) {
      not_given_back.push_back(fmt::format("{} ({}: {})", deed, OffSince(entry), entry.detail));
    } else {
      being_given_back.push_back(fmt::format("{} ({})", deed, OffSince(entry)));
    }
  }
  void Sort() {
    for (auto* deeds : {&given_back, &being_given_back, &not_given_back}) {
      std::sort(deeds->begin(), deeds->end());
    }
  }
};

bool SharesStage(const JournalEntry& entry, const std::vector<std::string>& groups) {
  return std::any_of(groups.begin(), groups.end(), [&](const std::string& group) {
    const auto& own = entry.rollback_groups;
    return std::find(own.begin(), own.end(), group) != own.end();
  });
}

Result<StageRest> RestOf(const JournalEntry& failed, const Journal& journal) {
  std::map<std::string, JournalEntry> found;
  RESCIND_ASSIGN(auto undos, journal.ListUndos());
  for (JournalEntry& entry : undos) {
    if (!entry.undo_dropped) found.emplace(entry.action.key, std::move(entry));
  }
  std::set<std::string> findings;
  for (const std::string& group : failed.rollback_groups) findings.insert(FindingOfStage(group));
  for (const std::string& finding : findings) {
    RESCIND_ASSIGN(auto over, journal.ListOver(finding));
    for (JournalEntry& entry : over) {
      if (entry.state != ActionState::kCompensated) continue;
      // Removed again since, or to be, it is not what was given back.
      RESCIND_ASSIGN(const auto latest, journal.Latest(entry.wanted_key));
      if (!latest || latest->action.key != entry.action.key) continue;
      found.emplace(entry.action.key, std::move(entry));
    }
  }
  StageRest rest;
  for (const auto& [key, entry] : found) {
    if (SharesStage(entry, failed.rollback_groups)) rest.Add(entry);
  }
  rest.Sort();
  return rest;
}

void AddDeeds(const char* words, const char* field, const std::vector<std::string>& deeds,
              Notice& notice) {
  if (deeds.empty()) return;
  std::string listed = ListDeeds(deeds);
  notice.text += fmt::format("{}: {}\n", words, listed);
  notice.about[field] = std::move(listed);
}

Status AddStage(const JournalEntry& failed, const Journal& journal, Notice& notice) {
  RESCIND_ASSIGN(const StageRest rest, RestOf(failed, journal));
  const bool is_empty =
      rest.given_back.empty() && rest.being_given_back.empty() && rest.not_given_back.empty();
  if (NeedsPerson(failed)) {
    notice.text += fmt::format(
        "What follows: its stage {} rolled back{}; nothing of it is tried again until a person "
        "does\n",
        rest.being_given_back.empty() ? "was" : "is being",
        is_empty ? ", and nothing of it is off for that" : "");
  } else {
    notice.text += fmt::format("Since then: it needs no person any more, and is {}\n",
                               ActionStateName(failed.state));
  }
  AddDeeds("Given back", "given_back", rest.given_back, notice);
  AddDeeds("Being given back", "being_given_back", rest.being_given_back, notice);
  AddDeeds("Not given back", "not_given_back", rest.not_given_back, notice);
  return {};
}

void AddUndo(const JournalEntry& undo, Notice& notice) {
  if (IsUndoLeft(undo) && !undo.undo_dropped) {
    notice.text += fmt::format(
        "What follows: its stage was rolled back, and this could not be given back, it is {}: "
        "`rescind status` says how it stands\n",
        OffSince(undo));
    AddDeeds("Not given back", "not_given_back", {NameOfDeed(undo)}, notice);
    return;
  }
  const bool is_tried = undo.state == ActionState::kCompensating && !undo.undo_dropped;
  notice.text +=
      undo.state == ActionState::kCompensated
          ? fmt::format("Since then: it was given back at {}\n", FormatInstant(undo.changed_at))
      : is_tried ? "Since then: it is tried again to give it back\n"
                 : "Since then: its stage is carried out again, and it is not given "
                   "back\n";
}

}  // namespace

std::string NameOfDeed(const JournalEntry& entry) {
  const ActionTarget& target = entry.action.target;
  return fmt::format("{} {} {} on {}", VerbName(entry.action.verb), target.entity, target.id,
                     target.system);
}

std::string ListDeeds(const std::vector<std::string>& deeds) {
  const size_t named = std::min(deeds.size(), kNamedDeeds);
  std::string text = fmt::format(
      "{}", fmt::join(deeds.begin(), deeds.begin() + static_cast<std::ptrdiff_t>(named), "; "));
  if (named < deeds.size()) text += fmt::format("; and {} more", deeds.size() - named);
  return text;
}

Notice EscalationOf(const AppliedAction& action, EscalatedBy by) {
  Notice notice;
  notice.kind = "escalated";
  notice.subject =
      fmt::format("a person must act: {}{} {} {} on {}", by == EscalatedBy::kUndo ? "undo " : "",
                  action.verb, action.entity, action.target, action.system);
  notice.text = fmt::format("What happened: {}\nPolicy: {}\nAction: {}\n", action.detail,
                            action.policy, action.key);
  notice.about = {{"policy", action.policy}, {"action", action.key},    {"verb", action.verb},
                  {"entity", action.entity}, {"target", action.target}, {"system", action.system},
                  {"because", action.detail}};
  if (by == EscalatedBy::kStage) notice.about[kRollbackField] = kOfStage;
  if (by == EscalatedBy::kUndo) notice.about[kRollbackField] = kOfUndo;
  return notice;
}

Result<Notice> WithRollback(Notice notice, const Journal& journal) {
  const auto of = notice.about.find(kRollbackField);
  const auto key = notice.about.find("action");
  if (of == notice.about.end() || key == notice.about.end()) return notice;
  RESCIND_ASSIGN(const auto entry, journal.Find(key->second));
  if (!entry) return notice;
  if (of->second == kOfUndo) {
    AddUndo(*entry, notice);
  } else {
    RESCIND_TRY(AddStage(*entry, journal, notice));
  }
  return notice;
}

}  // namespace rescind
