#include "runtime/service/workspace_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/base/visible_text.h"
#include "runtime/plan/plan_table.h"
#include "runtime/plan/policy_renames.h"
#include "runtime/service/done_findings.h"
#include "runtime/service/shown_json.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

Json TimeOrNull(const std::optional<Instant>& at) {
  return at ? Json(FormatInstant(*at)) : Json(nullptr);
}

std::vector<FeedState> ReadFeeds(Pipeline& pipeline, Instant now) {
  std::vector<FeedState> states;
  const auto delivered = pipeline.store().Sources();
  for (FeedStatus& feed : pipeline.Feeds()) {
    FeedState state;
    state.entity = pipeline.program().schema.entity(feed.entity).name;
    state.stale = feed.max_age && (!feed.observed_at ||
                                   now.micros - feed.observed_at->micros > feed.max_age->micros);
    for (const SourceStatus& status : delivered) {
      if (status.source == feed.source && status.entity == feed.entity) {
        state.rows = status.claimed_rows;
      }
    }
    state.feed = std::move(feed);
    states.push_back(std::move(state));
  }
  return states;
}

std::string FeedLine(const FeedState& state, Instant now) {
  const FeedStatus& feed = state.feed;
  const std::string rows =
      feed.observed_at ? fmt::format("{} row{}, ", state.rows, state.rows == 1 ? "" : "s") : "";
  return fmt::format("  {} {} {}: {}{}{}{}\n", state.stale ? "!" : "·", Visible(feed.source),
                     state.entity, rows, FeedAgeText(feed.observed_at, now),
                     state.stale ? ", STALE" : "",
                     feed.declared ? "" : " (not declared in rescind.toml)");
}

Status ReadUnsent(const KeyValueReader& reader, size_t most_listed, WorkspaceStatus& status) {
  RESCIND_ASSIGN(auto unsent, ListUnsentNotices(reader));
  status.unsent_count = unsent.size();
  for (const auto& [key, notice] : unsent) {
    ++status.unsent_by_remedy[notice.remedy];
    for (PolicyState& policy : status.policies) {
      if (policy.policy == notice.policy) ++policy.unsent_count;
    }
  }
  if (unsent.size() > most_listed) unsent.resize(most_listed);
  for (auto& [key, notice] : unsent) status.unsent.push_back(std::move(notice));
  return {};
}

// What is held is no record of the last apply: a feed or a release since then changes it.
void ReadHeld(Pipeline& pipeline, const Journal& journal, WorkspaceStatus& status) {
  DeriveOptions options;
  options.continuous = status.server.has_value();
  options.hold_unconfirmed = true;
  options.listed_actions = 0;  // how many there are, and why: no row needs a text
  const auto derived = pipeline.Derive(options, journal);
  if (!derived.ok()) {
    // Everything else is known all the same.
    status.held_unknown_because = derived.error().message;
    return;
  }
  status.held = std::move((*derived)->outcome.held);
  status.left = std::move((*derived)->outcome.left);
  std::stable_sort(status.held.begin(), status.held.end(),
                   [](const HeldActions& a, const HeldActions& b) {
                     return a.count + a.notice_count > b.count + b.notice_count;
                   });
}

Status ReadReleases(const KeyValueReader& reader, const ir::Program& program,
                    WorkspaceStatus& status) {
  RESCIND_ASSIGN(status.releases, ListReleases(reader));
  PolicyRenames(program).MoveTo(status.releases);
  std::erase_if(status.releases,
                [&](const Release& release) { return !release.active(status.now); });
  for (const Release& release : status.releases) {
    if (IsOutdated(release, program)) status.outdated_releases.insert(release.id);
  }
  std::stable_sort(status.releases.begin(), status.releases.end(),
                   [](const Release& a, const Release& b) { return a.created_at < b.created_at; });
  return {};
}

// "3 actions and 1 notice"
std::string CountText(const HeldActions& held) {
  const auto count = [](uint64_t number, const char* what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
  };
  if (held.notice_count == 0) return count(held.count, "action");
  if (held.count == 0) return count(held.notice_count, "notice");
  return count(held.count, "action") + " and " + count(held.notice_count, "notice");
}

std::string HeldText(const WorkspaceStatus& status) {
  std::string text;
  const auto out = std::back_inserter(text);
  if (!status.held_unknown_because.empty()) {
    fmt::format_to(out, "held\n  X it cannot be judged what is: {}\n",
                   Visible(status.held_unknown_because));
  } else if (!status.held.empty()) {
    text += "held, as judged now\n";
  }
  for (const HeldActions& held : status.held) {
    fmt::format_to(out, "  ! {} of {}: {}\n", CountText(held), fmt::join(held.policies, ", "),
                   Visible(held.because));
  }
  if (!status.left.empty()) text += "left to a person, as judged now\n";
  for (const HeldActions& left : status.left) {
    fmt::format_to(out, "  X {} of {}: {}\n", CountText(left), fmt::join(left.policies, ", "),
                   left.because);
  }
  if (!status.left.empty()) {
    text += "  `apply --auto` leaves them; a plan that lists them, applied, carries them out.\n";
  }
  if (!status.releases.empty()) text += "releases that wait for the next apply\n";
  for (const Release& release : status.releases) {
    const bool is_outdated = status.outdated_releases.contains(release.id);
    fmt::format_to(out, "  {} of {}: until {}, by {} ({}){}\n", release.id, Visible(release.Text()),
                   FormatInstant(release.expires_at), release.by, Visible(release.reason),
                   is_outdated ? fmt::format("; it lets nothing go: {}", kOutdatedMeans) : "");
  }
  return text;
}

Json HeldJson(const std::vector<HeldActions>& all) {
  Json list = Json::array();
  for (const HeldActions& held : all) {
    list.push_back({{"actions", held.count},
                    {"notices", held.notice_count},
                    {"policies", held.policies},
                    {"because", held.because}});
  }
  return list;
}

Json ReleasesJson(const WorkspaceStatus& status) {
  Json list = Json::array();
  for (const Release& release : status.releases) {
    list.push_back({{"id", release.id},
                    {"policy", release.policy},
                    {"group", release.group},
                    {"reason", release.reason},
                    {"by", release.by},
                    {"created_at", FormatInstant(release.created_at)},
                    {"until", FormatInstant(release.expires_at)},
                    {"outdated", status.outdated_releases.contains(release.id)}});
  }
  return list;
}

std::string PolicyLine(const PolicyState& policy) {
  std::string line =
      fmt::format("  {} {}: {} open finding{}", policy.enforced ? "enforce" : "observe",
                  policy.policy, policy.open_count, policy.open_count == 1 ? "" : "s");
  if (policy.done_count > 0) {
    line += fmt::format(", {} done (the next apply ends {})", policy.done_count,
                        policy.done_count == 1 ? "it" : "them");
  }
  if (policy.resolved_count > 0) line += fmt::format(", {} resolved", policy.resolved_count);
  if (policy.unsent_count > 0) {
    line += fmt::format(", {} notice{} not sent", policy.unsent_count,
                        policy.unsent_count == 1 ? "" : "s");
  }
  return line + "\n";
}

std::string SubjectOf(const UnsentNotice& notice) {
  if (notice.kind == "clock_leap") return "the alarm that the clock leapt";
  const std::string row = fmt::format("{} {}", notice.entity, Visible(notice.target));
  if (notice.kind == "came_back") return fmt::format("the alarm that {} came back", row);
  if (notice.kind == "escalated") return fmt::format("the alarm that {} needs a person", row);
  if (notice.kind == "withdrawn") {
    return fmt::format("{}'s word that it leaves {} alone", notice.policy, row);
  }
  if (notice.kind == "late") return fmt::format("{}'s alarm that {} is late", notice.policy, row);
  return fmt::format("{}'s notice about {}", notice.policy, row);
}

std::string UnsentText(const WorkspaceStatus& status) {
  if (status.unsent_count == 0) return "";
  std::string text = "notices that could not be sent, as of the last apply\n";
  for (const UnsentNotice& notice : status.unsent) {
    text += fmt::format("  X {} to {}: waits since {} ({})\n", SubjectOf(notice),
                        Visible(notice.recipient), FormatInstant(notice.since),
                        Visible(notice.problem));
  }
  for (const auto& [remedy, count] : status.unsent_by_remedy) {
    text += fmt::format("  {} not sent: {}\n", count,
                        remedy.empty() ? "see why above" : Visible(remedy));
  }
  return text + "  The next apply sends them; what they announce waits until then.\n";
}

std::string WhyUnfinished(const JournalEntry& entry) {
  if (IsUndoOpen(entry) && !entry.given_up_at) {
    return fmt::format("being given back since {}: {}",
                       FormatInstant(entry.undo_since.value_or(entry.changed_at)), entry.detail);
  }
  if (!entry.given_up_at) return entry.detail;
  return fmt::format("given up at {}: {}", FormatInstant(*entry.given_up_at), WhyGivenUp(entry));
}

Json UnsentJson(const WorkspaceStatus& status) {
  Json list = Json::array();
  for (const UnsentNotice& notice : status.unsent) {
    list.push_back({{"kind", notice.kind},
                    {"policy", notice.policy},
                    {"finding", notice.finding},
                    {"stage", notice.stage},
                    {"entity", notice.entity},
                    {"target", notice.target},
                    {"recipient", notice.recipient},
                    {"since", FormatInstant(notice.since)},
                    {"tried_at", FormatInstant(notice.tried_at)},
                    {"problem", notice.problem},
                    {"remedy", notice.remedy}});
  }
  return list;
}

}  // namespace

Result<WorkspaceStatus> ReadStatus(Pipeline& pipeline, const ServerState* server,
                                   size_t most_listed) {
  WorkspaceStatus status;
  if (server != nullptr) status.server = *server;
  Store& store = pipeline.store();
  RESCIND_ASSIGN(status.now, pipeline.Now());
  status.store_id = store.id();
  status.facts_seq = store.facts_seq();
  status.last_change = store.last_change();
  RESCIND_ASSIGN(status.last_evaluation, pipeline.LastEvaluation());
  RESCIND_ASSIGN(const auto outline, pipeline.LastOutline());
  if (outline) status.last_plan = outline->label;
  status.feeds = ReadFeeds(pipeline, status.now);
  ReadOnlyCommitter nobody;
  RESCIND_ASSIGN(const auto journal,
                 Journal::Open(store.key_values(), nobody, pipeline.environment().clock));
  RESCIND_ASSIGN(const FindingBook book, FindingBook::Load(store.key_values()));
  RESCIND_ASSIGN(auto done, CountDoneFindings(pipeline, book, *journal, status.now));
  for (const ir::Rule& rule : pipeline.program().rules) {
    if (rule.protect) continue;
    const auto& findings = book.Of(rule.full_name);
    const auto resolved = static_cast<uint64_t>(std::count_if(
        findings.begin(), findings.end(), [](const Finding& finding) { return finding.resolved; }));
    const uint64_t done_count = done[rule.full_name];
    status.policies.push_back({rule.full_name, rule.mode == ir::Mode::kEnforce,
                               findings.size() - resolved - done_count, done_count, resolved, 0});
  }
  RESCIND_TRY(ReadUnsent(store.key_values(), most_listed, status));
  ReadHeld(pipeline, *journal, status);
  RESCIND_TRY(ReadReleases(store.key_values(), pipeline.program(), status));
  std::vector<JournalEntry> open;
  RESCIND_TRY(journal->List([&](const JournalEntry& entry) {
    ++status.actions[entry.state];
    std::vector<JournalEntry>& list = NeedsPerson(entry) ? status.unfinished : open;
    if (NeedsPerson(entry)) ++status.person_count;
    const bool is_finished = IsTerminal(entry.state) && !NeedsPerson(entry);
    if (!is_finished && list.size() < most_listed) list.push_back(entry);
    return true;
  }));
  open.resize(std::min(open.size(), most_listed - status.unfinished.size()));
  status.unfinished.insert(status.unfinished.end(), open.begin(), open.end());
  RESCIND_ASSIGN(const auto exemptions, ListExemptions(store.key_values()));
  status.exemption_count = static_cast<uint64_t>(
      std::count_if(exemptions.begin(), exemptions.end(),
                    [&](const Exemption& each) { return each.active(status.now); }));
  status.audit_size = store.key_values().audit_mark().size;
  return status;
}

namespace {

std::string ServerText(const ServerState& server) {
  std::string text =
      fmt::format("served by   process {} since {}: {} step{}, {} command{}\n", server.process_id,
                  FormatInstant(server.since), server.step_count, server.step_count == 1 ? "" : "s",
                  server.command_count, server.command_count == 1 ? "" : "s");
  if (server.step_count > 0) {
    const bool waits = server.next_look == Instant::Never();
    text += fmt::format("next look   {} (the last one took {} ms)\n",
                        waits ? "when something changes" : FormatInstant(server.next_look),
                        server.last_step.micros / 1000);
  }
  if (!server.refused.empty()) text += fmt::format("  X {}\n", Visible(server.refused));
  if (!server.trouble.empty()) text += fmt::format("  X {}\n", Visible(server.trouble));
  return text;
}

Json ServerJson(const ServerState& server) {
  return {{"process_id", server.process_id},
          {"since", FormatInstant(server.since)},
          {"steps", server.step_count},
          {"last_step_us", server.last_step.micros},
          {"next_look",
           server.next_look == Instant::Never() ? Json() : Json(FormatInstant(server.next_look))},
          {"commands", server.command_count},
          {"refused", server.refused},
          {"trouble", server.trouble}};
}

}  // namespace

std::string FormatStatus(const WorkspaceStatus& status) {
  std::string text;
  if (status.server) text += ServerText(*status.server);
  const auto out = std::back_inserter(text);
  if (status.facts_seq == 0) {
    text += "facts       none yet: `rescind import FILE…` loads them\n";
  } else {
    fmt::format_to(out, "facts       change {} at {}\n", status.facts_seq,
                   FormatInstant(status.last_change));
  }
  fmt::format_to(out, "evaluated   {}\n",
                 status.last_evaluation ? FormatInstant(*status.last_evaluation) : "never applied");
  if (!status.last_plan.empty()) fmt::format_to(out, "plan        {}\n", status.last_plan);
  fmt::format_to(out, "audit log   {} entries\n", status.audit_size);
  fmt::format_to(out, "exemptions  {} active\n", status.exemption_count);
  text += "feeds\n";
  for (const FeedState& feed : status.feeds) text += FeedLine(feed, status.now);
  // Findings are kept by `apply`: one that it opened and saw done is ended by the next.
  text += "policies, as of the last apply\n";
  for (const PolicyState& policy : status.policies) text += PolicyLine(policy);
  text += UnsentText(status);
  text += HeldText(status);
  text += status.actions.empty() ? "actions\n  none yet\n" : "actions\n";
  for (const auto& [state, count] : status.actions) {
    fmt::format_to(out, "  {} {}\n", count, ActionStateName(state));
  }
  for (const JournalEntry& entry : status.unfinished) {
    const ActionTarget& target = entry.action.target;
    fmt::format_to(out, "  {} {} {} {} on {}: {} since {} ({})\n", NeedsPerson(entry) ? "X" : "!",
                   VerbName(entry.action.verb), target.entity, Visible(target.id),
                   Visible(target.system), ActionStateName(entry.state),
                   FormatInstant(entry.changed_at), Visible(WhyUnfinished(entry)));
  }
  if (const auto undos = std::count_if(status.unfinished.begin(), status.unfinished.end(),
                                       [](const auto& entry) { return IsUndoOpen(entry); });
      undos > 0) {
    fmt::format_to(out, "  {} given back as {} failed: `rescind plan` says what applying it does\n",
                   undos == 1 ? "1 is to be" : fmt::format("{} are to be", undos),
                   undos == 1 ? "its stage" : "their stages");
  }
  if (status.person_count > 0) {
    fmt::format_to(
        out, "  {} a person: {}\n",
        status.person_count == 1 ? "1 needs" : fmt::format("{} need", status.person_count),
        kEscalationRemedy);
  }
  return text;
}

std::string EncodeStatus(const WorkspaceStatus& status) {
  Json feeds = Json::array();
  for (const FeedState& state : status.feeds) {
    feeds.push_back({{"source", state.feed.source},
                     {"entity", state.entity},
                     {"declared", state.feed.declared},
                     {"rows", state.rows},
                     {"observed_at", TimeOrNull(state.feed.observed_at)},
                     {"snapshot_observed_at", TimeOrNull(state.feed.snapshot_observed_at)},
                     {"stale", state.stale}});
  }
  Json policies = Json::array();
  for (const PolicyState& policy : status.policies) {
    policies.push_back({{"policy", policy.policy},
                        {"mode", policy.enforced ? "enforce" : "observe"},
                        {"findings", policy.open_count},
                        {"done", policy.done_count},
                        {"resolved", policy.resolved_count},
                        {"unsent", policy.unsent_count}});
  }
  Json actions = Json::object();
  for (const auto& [state, count] : status.actions) actions[ActionStateName(state)] = count;
  Json unfinished = Json::array();
  for (const JournalEntry& entry : status.unfinished) {
    unfinished.push_back({{"id", entry.action.key},
                          {"verb", VerbName(entry.action.verb)},
                          {"entity", entry.action.target.entity},
                          {"target", entry.action.target.id},
                          {"system", entry.action.target.system},
                          {"state", ActionStateName(entry.state)},
                          {"since", FormatInstant(entry.changed_at)},
                          {"needs_person", NeedsPerson(entry)},
                          {"being_undone", IsUndoOpen(entry)},
                          {"given_up_at", TimeOrNull(entry.given_up_at)},
                          {"given_up_because", entry.given_up_because},
                          {"detail", entry.detail}});
  }
  Json json = {
      {"format", "rescind.status/1"},
      {"now", FormatInstant(status.now)},
      {"store_id", status.store_id},
      {"facts_seq", status.facts_seq},
      {"last_change", status.facts_seq == 0 ? Json() : Json(FormatInstant(status.last_change))},
      {"last_evaluation", TimeOrNull(status.last_evaluation)},
      {"last_plan", status.last_plan},
      {"audit_entries", status.audit_size},
      {"exemptions", status.exemption_count},
      {"feeds", std::move(feeds)},
      {"policies", std::move(policies)},
      {"held", HeldJson(status.held)},
      {"left", HeldJson(status.left)},
      {"held_unknown_because", status.held_unknown_because},
      {"releases", ReleasesJson(status)},
      {"unsent_count", status.unsent_count},
      {"unsent", UnsentJson(status)},
      {"actions", std::move(actions)},
      {"need_person", status.person_count},
      {"unfinished", std::move(unfinished)}};
  if (status.server) json["server"] = ServerJson(*status.server);
  return ShownJson(json);
}

}  // namespace rescind
