#include "runtime/service/notice_round.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/base/assert.h"
#include "runtime/plan/access_model.h"
#include "runtime/service/row_owner.h"

namespace rescind {
namespace {

// Nobody reads it unless that happens.
constexpr const char* kCutOffBefore = "the apply that was to send it was cut off";

std::string RecordKey(const StageName& stage, std::string_view recipient) {
  return fmt::format("{}{}/{}/{}", kSentNoticePrefix, stage.first, stage.second,
                     Sha256Hex(recipient).substr(0, 16));
}

// Of a message that is remembered only while it could not be sent.
std::string NewsKey(std::string_view kind, std::string_view about, std::string_view recipient) {
  return fmt::format("{}{}/{}/{}", kUnsentNoticePrefix, kind, about,
                     Sha256Hex(recipient).substr(0, 16));
}

std::string CameBackKey(const EarlierRemoval& removal) {
  return fmt::format("{}{}", kCameBackPrefix, removal.action_key);
}

std::string WhatFollows(const PlannedAction& planned) {
  switch (planned.status) {
    case ActionStatus::kReady: return "it is removed again now";
    case ActionStatus::kNotice:
      if (planned.due == Instant::Never()) {
        return fmt::format("it is to be removed again, and {}", planned.held_because);
      }
      return fmt::format("it is to be removed again on {}", FormatInstant(planned.due));
    case ActionStatus::kHeld: return fmt::format("held: {}", planned.held_because);
  }
  return "";
}

Notice CameBackNotice(const PlannedAction& planned) {
  const Action& action = planned.action;
  const PlannedReason& reason = planned.reasons.front();
  const std::string removed = EarlierRemovalText(*planned.came_back);
  Notice notice;
  notice.kind = "came_back";
  notice.subject = fmt::format("access came back: {} {} ({})", action.target.entity,
                               action.target.id, reason.policy);
  notice.text = fmt::format(
      "What happened: {} {} on {} has access again. It was {}.\nWhy it should go: {}\nWhat comes "
      "next: {}\nSomebody, or something, gives it back: find out who, or it goes on like this.\n",
      action.target.entity, action.target.id, action.target.system, removed, reason.because,
      WhatFollows(planned));
  notice.about = {{"policy", reason.policy},
                  {"entity", action.target.entity},
                  {"target", action.target.id},
                  {"system", action.target.system},
                  {"verb", std::string(VerbName(action.verb))},
                  {"action", action.key},
                  {"removed_at", FormatInstant(planned.came_back->at)},
                  {"removed_by", planned.came_back->action_key},
                  {"because", reason.because}};
  return notice;
}

Notice NoticeOf(const PlannedNotice& planned, const std::string& announcement) {
  Notice notice;
  notice.kind = "notice";
  notice.subject = fmt::format("{} {}: access is about to end ({})", planned.judged_entity,
                               planned.judged_id, planned.policy);
  notice.text = fmt::format("Why: {}\n", planned.because);
  if (announcement.empty()) {
    notice.text += "Nothing is removed by this policy for now.\n";
  } else {
    notice.text += fmt::format("What comes next: {}\n", announcement);
  }
  notice.text += fmt::format(
      "To keep the access: remove the reason before then, or ask for an exemption\n"
      "(rescind exempt add {}:{} --policy {} --reason … --owner … --until …).\n",
      planned.judged_entity, planned.judged_id, planned.policy);
  notice.about = {{"policy", planned.policy},
                  {"finding", planned.finding_id},
                  {"entity", planned.judged_entity},
                  {"target", planned.judged_id},
                  {"stage", std::to_string(planned.stage)},
                  {"due", FormatInstant(planned.due)},
                  {"because", planned.because},
                  {"next", announcement}};
  return notice;
}

// Of what a policy says after its removals.
Notice EndedOf(const PlannedNotice& planned, const std::vector<std::string>& done) {
  Notice notice = NoticeOf(planned, "");
  notice.subject = fmt::format("{} {}: access has ended ({})", planned.judged_entity,
                               planned.judged_id, planned.policy);
  notice.text = fmt::format("Why: {}\nWhat was done: {}.\n", planned.because, ListDeeds(done));
  return notice;
}

Notice AlarmOf(const PlannedNotice& planned, const std::string& overdue) {
  Notice notice = NoticeOf(planned, overdue);
  notice.kind = "late";
  notice.subject = fmt::format("{}: {} {} ({})", planned.alarm, planned.judged_entity,
                               planned.judged_id, planned.policy);
  notice.text = fmt::format(
      "What happened: {}\nIt was to be done by: {}\nWhat is left: {}\nWhat it waits for: `rescind "
      "why {}:{}` and `rescind status` say so.\n",
      planned.because, FormatInstant(planned.due),
      overdue.empty() ? "nothing that is removed" : overdue, planned.judged_entity,
      planned.judged_id);
  return notice;
}

// Ids are kept after their rows are gone; only an entity that the policies no longer declare has
// none.
Result<std::string> JudgedIdOf(const Finding& finding, const FactBase& facts) {
  const auto entity = facts.schema().Find(finding.entity);
  if (!entity) return fmt::format("of finding {}", finding.id);
  return facts.texts().Id(*entity, finding.row);
}

// With " at 2026-04-08T00:00:00Z".
std::string DeedOf(const JournalEntry& entry) {
  return fmt::format("{} {}", NameOfDeed(entry),
                     entry.state == ActionState::kVerified
                         ? fmt::format("at {}", FormatInstant(entry.changed_at))
                         : "(being done)");
}

// What had happened of the finding when its match ended, each sorted.
struct Deeds {
  std::vector<std::string> done;
  std::vector<std::string> unsure;  // attempted, and nobody knows with what outcome
  bool empty() const { return done.empty() && unsure.empty(); }
};

Result<Deeds> DeedsOf(const std::string& finding, const Journal& journal) {
  Deeds deeds;
  const auto note = [&](const JournalEntry& entry) {
    const bool is_open = !IsTerminal(entry.state);
    if (entry.state == ActionState::kVerified || (is_open && HasTouched(entry))) {
      deeds.done.push_back(DeedOf(entry));
    } else if (entry.may_have_effect && !entry.has_effect && !entry.is_undo) {
      deeds.unsure.push_back(NameOfDeed(entry));
    }
  };
  RESCIND_ASSIGN(const auto over, journal.ListOver(finding));
  for (const JournalEntry& entry : over) {
    if (IsTerminal(entry.state)) note(entry);
  }
  RESCIND_TRY(journal.List([&](const JournalEntry& entry) {
    if (IsTerminal(entry.state)) return false;  // open ones come first
    const auto& reasons = entry.action.reasons;
    const bool is_of_it =
        std::any_of(reasons.begin(), reasons.end(),
                    [&](const ActionReason& reason) { return reason.finding_id == finding; });
    if (is_of_it) note(entry);
    return true;
  }));
  std::sort(deeds.done.begin(), deeds.done.end());
  std::sort(deeds.unsure.begin(), deeds.unsure.end());
  return deeds;
}

// Of a judged row that is access itself: why there is nothing left of it to lose; empty: there is.
std::string WhyGone(const Finding& finding, const FactBase& facts, const AccessModel& model) {
  const auto entity = facts.schema().Find(finding.entity);
  if (!entity) return "";
  const auto homes = model.HomeAccounts(*entity);
  const bool is_account = *entity == model.account();
  if (!is_account && homes.empty()) return "";
  const Table& table = facts.table(*entity);
  if (table.presence(finding.row) != Presence::kLive ||
      table.incarnation(finding.row) != finding.incarnation) {
    return "it is gone";
  }
  if (is_account) {
    return model.InWantedState(Verb::kDisable, {*entity, finding.row}) ? "it is disabled already"
                                                                       : "";
  }
  const uint32_t home = homes[finding.row.index()];
  const bool is_lost =
      home != kNoRow && facts.table(model.account()).presence(RowId(home)) == Presence::kRemoved;
  return is_lost ? "its account is gone" : "";
}

// `gone`: WhyGone.
Notice WithdrawalOf(const FindingTransition& transition, const std::string& judged_id,
                    const Deeds& deeds, const std::string& gone) {
  const Finding& finding = transition.finding;
  std::string news = "access stays";
  std::string before = "Nothing of it will happen.";
  if (!deeds.empty()) {
    news = "nothing more is to be removed";
    before.clear();
    if (!deeds.done.empty()) {
      before += fmt::format("This was done before, and is not undone by it: {}.\n",
                            ListDeeds(deeds.done));
    }
    if (!deeds.unsure.empty()) {
      before += fmt::format(
          "This may have been done, it was tried and its outcome is not known: "
          "{}.\n",
          ListDeeds(deeds.unsure));
    }
    before += "Nothing more of what was announced will happen.";
  } else if (!gone.empty()) {
    news = "nothing is left to remove";
    before = gone == transition.detail ? "Nothing is left to remove."
                                       : fmt::format("Nothing is left to remove: {}.", gone);
  }
  Notice notice;
  notice.kind = "withdrawn";
  notice.subject = fmt::format("{} {}: {} ({})", finding.entity, judged_id, news, finding.policy);
  notice.text = fmt::format(
      "What was announced about {} {} no longer holds: {}.\n{} The policy was {}, the finding open "
      "since {}.\n",
      finding.entity, judged_id, transition.detail, before, finding.policy,
      FormatInstant(finding.opened_at));
  notice.about = {{"policy", finding.policy},
                  {"finding", finding.id},
                  {"entity", finding.entity},
                  {"target", judged_id},
                  {"because", transition.detail}};
  if (!deeds.done.empty()) notice.about["done"] = ListDeeds(deeds.done);
  if (!deeds.unsure.empty()) notice.about["maybe_done"] = ListDeeds(deeds.unsure);
  return notice;
}

}  // namespace

// What was said, about what, to whom; where it went instead.
Status NoticeRound::DescribeNotice(const Notice& notice, const AppliedNotice& entry,
                                   AuditEvent& event) const {
  // Ids of people and names of channels are no personal texts; anything else may be an address.
  const bool is_known =
      entry.recipient.starts_with(kIdentityRecipient) || entry.recipient == entry.channel;
  event.details["recipient"] = {entry.recipient, !is_known};
  if (!entry.channel.empty() && !entry.problem.empty()) {
    event.details["detour"] = {entry.problem, true};
  }
  const auto said = [&](const char* field) {
    const auto found = notice.about.find(field);
    return found == notice.about.end() ? std::string() : found->second;
  };
  if (!said("due").empty()) event.details["due"] = {said("due"), false};
  if (!said("next").empty()) event.details["next"] = {said("next"), true};
  if (!entry.entity.empty()) RESCIND_TRY(NameRow(event, entry.entity, entry.target, store_));
  if (entry.policy.empty()) return {};
  AuditPolicy& policy = event.policies.emplace_back();
  policy.name = entry.policy;
  policy.stage = entry.stage;
  policy.finding = said("finding");
  policy.because = {said("because"), true};
  return {};
}

Result<bool> NoticeRound::SendOne(const Notice& notice, AppliedNotice entry,
                                  const std::string& sent_key, const std::string& unsent_key) {
  tried_.insert(unsent_key);
  RESCIND_ASSIGN(const Notice said, WithRollback(notice, journal_));
  auto delivery = sender_.Send(entry.recipient, said);
  if (delivery.ok()) {
    entry.channel = delivery->channel;
    entry.problem = delivery->detour;
  } else {
    entry.problem = delivery.error().message;
  }
  AuditEvent event;
  event.kind = AuditKind::kNotice;
  event.at = clock_.Now();
  event.trigger = trigger_;
  // A channel's own words may name the recipient.
  event.outcome = delivery.ok() ? AuditText{fmt::format("sent to {}", entry.channel), false}
                                : AuditText{fmt::format("not sent: {}", entry.problem), true};
  event.details["kind"] = {notice.kind, false};
  RESCIND_TRY(DescribeNotice(notice, entry, event));
  KeyValueBatch batch;
  if (delivery.ok()) {
    if (!sent_key.empty()) batch.Put(sent_key, "1");
    batch.Delete(unsent_key);
  } else {
    RESCIND_TRY(PutUnsent(notice, entry, delivery.error().help, unsent_key, batch));
  }
  RESCIND_TRY(recorder_.Record({event}, batch));
  log_.push_back(std::move(entry));
  return delivery.ok();
}

Status NoticeRound::PutUnsent(const Notice& notice, const AppliedNotice& entry,
                              const std::string& remedy, const std::string& key,
                              KeyValueBatch& batch) const {
  const auto finding = notice.about.find("finding");
  UnsentNotice unsent;
  unsent.kind = notice.kind;
  unsent.policy = entry.policy;
  unsent.finding = finding == notice.about.end() ? "" : finding->second;
  unsent.entity = entry.entity;
  unsent.target = entry.target;
  unsent.stage = entry.stage;
  unsent.recipient = entry.recipient;
  unsent.problem = entry.problem;
  unsent.remedy = remedy;
  unsent.subject = notice.subject;
  unsent.text = notice.text;
  unsent.about.assign(notice.about.begin(), notice.about.end());
  unsent.tried_at = clock_.Now();
  RESCIND_ASSIGN(const auto earlier, store_.key_values().Get(key));
  if (earlier) {
    RESCIND_ASSIGN(const UnsentNotice before, DecodeUnsentNotice(*earlier));
    unsent.since = before.since;
  } else {
    unsent.since = unsent.tried_at;
  }
  batch.Put(key, EncodeUnsentNotice(unsent));
  return {};
}

Status NoticeRound::NoteUnasked(const Plan& plan) {
  RESCIND_ASSIGN(const auto unsent, ListUnsentNotices(store_.key_values()));
  std::set<std::string> unasked;
  for (const auto& [key, notice] : unsent) {
    if (!notice.is_news()) unasked.insert(key);
  }
  if (unasked.empty()) return {};
  for (const PlannedNotice& planned : plan.notices) {
    if (planned.status != ActionStatus::kReady) continue;
    for (const std::string& recipient : planned.recipients) {
      const StageName stage{planned.finding_id, planned.stage};
      unasked.erase(UnsentNoticeKey(RecordKey(stage, recipient)));
    }
  }
  records_.insert(records_.end(), unasked.begin(), unasked.end());
  return {};
}

Result<bool> NoticeRound::SendPlanned(const PlanOutcome& outcome, const PlannedNotice& planned) {
  const StageName stage{planned.finding_id, planned.stage};
  const bool is_alarm = !planned.alarm.empty();
  const auto& texts = is_alarm ? outcome.overdue : outcome.announcements;
  const auto text = texts.find(planned.finding_id);
  const std::string next = text == texts.end() ? "" : text->second;
  Notice notice = is_alarm ? AlarmOf(planned, next) : NoticeOf(planned, next);
  if (!is_alarm && next.empty()) {
    RESCIND_ASSIGN(const Deeds deeds, DeedsOf(planned.finding_id, journal_));
    if (!deeds.done.empty()) notice = EndedOf(planned, deeds.done);
  }
  bool all = true;
  for (const std::string& recipient : planned.recipients) {
    AppliedNotice entry;
    entry.policy = planned.policy;
    entry.entity = planned.judged_entity;
    entry.target = planned.judged_id;
    entry.stage = planned.stage;
    entry.recipient = recipient;
    std::string key = RecordKey(stage, recipient);
    RESCIND_ASSIGN(const auto earlier, store_.key_values().Get(key));
    if (!earlier) {
      RESCIND_ASSIGN(const bool taken,
                     SendOne(notice, std::move(entry), key, UnsentNoticeKey(key)));
      all = all && taken;
    } else {
      entry.earlier = true;
      entry.channel = recipient;
      entry.problem = "sent by an earlier run";
      log_.push_back(std::move(entry));
    }
    records_.push_back(std::move(key));
  }
  return all;
}

Status NoticeRound::SendPlanned(const PlanOutcome& outcome, const std::set<StageName>& selected,
                                const std::function<bool()>& stop) {
  for (const PlannedNotice& planned : outcome.plan.notices) {
    if (planned.status != ActionStatus::kReady) continue;
    StageName stage{planned.finding_id, planned.stage};
    if (!selected.contains(stage)) continue;
    if (stop && stop()) {
      failed_.insert(std::move(stage));
      continue;
    }
    RESCIND_ASSIGN(const bool all, SendPlanned(outcome, planned));
    (all ? sent_ : failed_).insert(std::move(stage));
  }
  // Several notices of one stage: it is told only when all of them are.
  for (const StageName& stage : failed_) sent_.erase(stage);
  return {};
}

Status NoticeRound::NoteWithdrawn(const PlanOutcome& outcome, const FactBase& facts,
                                  const Journal& journal, KeyValueBatch& batch) {
  std::optional<AccessModel> model;
  for (const FindingTransition& transition : outcome.transitions) {
    const Finding& finding = transition.finding;
    const bool is_off =
        transition.step == FindingStep::kWithdrawn || transition.step == FindingStep::kTakenBack;
    if (!is_off || finding.notified.empty()) continue;
    RESCIND_ASSIGN(const std::string judged_id, JudgedIdOf(finding, facts));
    RESCIND_ASSIGN(const auto deeds, DeedsOf(finding.id, journal));
    if (!model) model.emplace(facts);
    const Notice notice =
        WithdrawalOf(transition, judged_id, deeds, WhyGone(finding, facts, *model));
    for (const std::string& recipient : finding.notified) {
      AppliedNotice entry;
      entry.policy = finding.policy;
      entry.entity = finding.entity;
      entry.target = judged_id;
      entry.recipient = recipient;
      RESCIND_TRY(
          Note(notice, std::move(entry), NewsKey("withdrawn", finding.id, recipient), batch));
    }
  }
  return {};
}

Status NoticeRound::NoteEscalated(const AppliedAction& action, EscalatedBy by,
                                  const std::vector<std::string>& recipients,
                                  KeyValueBatch& batch) {
  const Notice notice = EscalationOf(action, by);
  // What failed first and its undo are told of both, by one run or by two.
  const std::string about = (by == EscalatedBy::kUndo ? "undo-" : "") + action.key;
  for (const std::string& recipient : recipients) {
    AppliedNotice entry;
    entry.policy = action.policy;
    entry.entity = action.entity;
    entry.target = action.target;
    entry.recipient = recipient;
    RESCIND_TRY(Note(notice, std::move(entry), NewsKey("escalated", about, recipient), batch));
  }
  return {};
}

Status NoticeRound::Note(const Notice& notice, AppliedNotice entry, std::string unsent_key,
                         KeyValueBatch& batch) {
  entry.problem = kCutOffBefore;
  RESCIND_TRY(PutUnsent(notice, entry, "", unsent_key, batch));
  entry.problem.clear();
  noted_.push_back({notice, std::move(entry), std::move(unsent_key)});
  return {};
}

Status NoticeRound::SendNoted() {
  for (Noted& each : std::exchange(noted_, {})) {
    RESCIND_ASSIGN([[maybe_unused]] const bool taken,
                   SendOne(each.notice, std::move(each.entry), "", each.unsent_key));
  }
  return {};
}

Result<std::vector<const PlannedAction*>> NoticeRound::UntoldReturns(const Plan& plan) const {
  std::vector<const PlannedAction*> untold;
  for (const PlannedAction& planned : plan.actions) {
    if (!planned.came_back) continue;
    RESCIND_ASSIGN(const auto told, store_.key_values().Get(CameBackKey(*planned.came_back)));
    if (!told) untold.push_back(&planned);
  }
  return untold;
}

Status NoticeRound::SendReturns(const std::vector<const PlannedAction*>& returns,
                                const std::string& oncall) {
  for (const PlannedAction* planned : returns) {
    AppliedNotice entry;
    entry.policy = planned->reasons.front().policy;
    entry.entity = planned->action.target.entity;
    entry.target = planned->action.target.id;
    entry.stage = planned->reasons.front().stage;
    entry.recipient = oncall;
    const std::string key = CameBackKey(*planned->came_back);
    RESCIND_ASSIGN([[maybe_unused]] const bool taken,
                   SendOne(CameBackNotice(*planned), std::move(entry), key, UnsentNoticeKey(key)));
  }
  return {};
}

Status NoticeRound::SendClockLeap(const std::string& why, Instant last_evaluation,
                                  const std::string& oncall) {
  std::string key = fmt::format("{}{}", kClockLeapPrefix, last_evaluation.micros);
  RESCIND_ASSIGN(const auto told, store_.key_values().Get(key));
  if (told) return {};
  Notice notice;
  notice.kind = "clock_leap";
  notice.subject = "the clock leapt: nothing is removed until a person has looked";
  notice.text = fmt::format("What happened: {}\n", why);
  notice.about = {{"last_evaluation", FormatInstant(last_evaluation)}, {"because", why}};
  AppliedNotice entry;
  entry.recipient = oncall;
  RESCIND_ASSIGN([[maybe_unused]] const bool taken,
                 SendOne(notice, std::move(entry), key, UnsentNoticeKey(key)));
  return {};
}

Result<NoticeRound::News> NoticeRound::UntoldNews() const {
  RESCIND_ASSIGN(News news, ListUnsentNotices(store_.key_values()));
  std::erase_if(news, [&](const auto& each) {
    return !each.second.is_news() || tried_.contains(each.first);
  });
  return news;
}

Status NoticeRound::SendAgain(const News& news) {
  for (const auto& [key, unsent] : news) {
    Notice notice;
    notice.kind = unsent.kind;
    notice.subject = unsent.subject;
    notice.text = unsent.text;
    notice.about.insert(unsent.about.begin(), unsent.about.end());
    // The text itself stays as it is: it is what is tried again should this fail, too.
    notice.about["delayed_since"] = FormatInstant(unsent.since);
    AppliedNotice entry;
    entry.policy = unsent.policy;
    entry.entity = unsent.entity;
    entry.target = unsent.target;
    entry.stage = unsent.stage;
    entry.recipient = unsent.recipient;
    const auto removed_by = notice.about.find("removed_by");
    const bool is_return = unsent.kind == "came_back" && removed_by != notice.about.end();
    const std::string sent_key =
        is_return ? std::string(kCameBackPrefix) + removed_by->second : std::string();
    RESCIND_ASSIGN([[maybe_unused]] const bool taken,
                   SendOne(notice, std::move(entry), sent_key, key));
  }
  return {};
}

void NoticeRound::DropRecords(KeyValueBatch& batch) const {
  for (const std::string& key : records_) batch.Delete(key);
}

}  // namespace rescind
