// A finding counts once, when its first stage that removes something starts: with its judged row,
// where the limit speaks of that entity, else with its distinct targets of the entity. What joins a
// stage that has begun counts when it starts. What is left to a person since its stage was rolled
// back neither counts nor is held: it did count when the stage began.
//   limit 2 of grant per g.account.system per day
//   crm: g1 g2 started an hour ago, g3 would start now: 3 > 2, so g3 waits; hr: g4 starts
#include "runtime/plan/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "engine/base/assert.h"
#include "runtime/plan/coverage.h"
#include "runtime/plan/policy_gates.h"

namespace rescind {
namespace {

constexpr int64_t kMillion = 1'000'000;
constexpr int64_t kMillionthsPerPercent = 10'000;
constexpr size_t kNamedGroups = 5;

struct Share {
  bool percent = false;
  int64_t amount = 0;  // rows, or millionths
  EntityId entity;
  ir::NodeId group;
  std::optional<ir::LimitWindow> window;
  bool is_default = false;
};

std::string ShareText(const Schema& schema, const Share& share) {
  std::string text = share.percent
                         ? fmt::format("{:g}%", static_cast<double>(share.amount) /
                                                    static_cast<double>(kMillionthsPerPercent))
                         : std::to_string(share.amount);
  text += " of " + schema.entity(share.entity).name;
  if (share.group.valid()) text += " per group";
  if (share.window == ir::LimitWindow::kHour) text += " per hour";
  if (share.window == ir::LimitWindow::kDay) text += " per day";
  if (share.is_default) text += " (the workspace's limit)";
  return text;
}

// Names of the groups of an entity's rows, and how many rows each has.
class Groups {
 public:
  static Result<Groups> Make(const eval::EvaluationInput& input, ir::NodeId node, EntityId entity) {
    Groups groups;
    if (!node.valid()) return groups;
    groups.grouped_ = true;
    groups.of_row_ = eval::GroupRows(input, node, entity);
    for (const eval::Value& value : groups.of_row_.values) {
      RESCIND_ASSIGN(std::string name, eval::FormatValue(input, value));
      groups.names_.push_back(std::move(name));
    }
    return groups;
  }
  bool any() const { return grouped_; }
  const std::vector<std::string>& names() const { return names_; }
  // Complete rows for which `counts` holds, by the name of their group.
  template <typename Counts>
  std::map<std::string, int64_t> CountRows(const Table& table, Counts counts) const {
    std::vector<int64_t> by_group(names_.size() + 1, 0);  // the last: unknown
    for (uint32_t row = 0; row < table.row_count(); ++row) {
      if (!table.complete(RowId(row)) || !counts(row)) continue;
      const uint32_t group =
          of_row_.group.empty() ? eval::NodeGroups::kNoGroup : of_row_.group[row];
      ++by_group[std::min<size_t>(group, names_.size())];
    }
    std::map<std::string, int64_t> counted;
    for (size_t i = 0; i < names_.size(); ++i) counted[names_[i]] += by_group[i];
    counted[grouped_ ? "unknown" : ""] += by_group.back();
    return counted;
  }
  const std::string& NameOf(RowId row) const {
    static const std::string unknown = "unknown";
    static const std::string whole;
    if (!grouped_) return whole;
    if (of_row_.group.empty()) return unknown;
    const uint32_t group = of_row_.group[row.index()];
    return group == eval::NodeGroups::kNoGroup ? unknown : names_[group];
  }

 private:
  bool grouped_ = false;
  eval::NodeGroups of_row_;
  std::vector<std::string> names_;
};

// What one limit counts in one group.
struct GroupCount {
  std::set<uint32_t> rows;
  bool any_new = false;
  uint64_t population = 0;
  std::vector<std::pair<Instant, uint32_t>> ahead;  // rows in notice, with when they fall due
};

// "i3, i4 and 2 more".
std::string ListGroups(const std::vector<std::string>& names) {
  const size_t named = std::min(names.size(), kNamedGroups);
  std::string text;
  for (size_t i = 0; i < named; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (named < names.size()) text += fmt::format(" and {} more", names.size() - named);
  return text;
}

// The most distinct rows that fall due within one window.
uint64_t MostWithin(std::vector<std::pair<Instant, uint32_t>> ahead, int64_t window_micros) {
  std::sort(ahead.begin(), ahead.end());
  std::unordered_map<uint32_t, uint32_t> inside;  // row: how often
  uint64_t most = 0;
  size_t first = 0;
  for (const auto& [due, row] : ahead) {
    ++inside[row];
    for (; ahead[first].first.micros <= due.micros - window_micros; ++first) {
      const auto left = inside.find(ahead[first].second);
      if (--left->second == 0) inside.erase(left);
    }
    most = std::max<uint64_t>(most, inside.size());
  }
  return most;
}

class LimitCheck {
 public:
  LimitCheck(PlanDraft& draft, const std::vector<std::string>& spent)
      : draft_(draft), schema_(draft.input.program.schema), spent_(spent) {
    report_.policies.resize(draft.input.program.rules.size());
    for (uint32_t i = 0; i < draft.stages.size(); ++i) by_rule_[draft.stages[i].rule].push_back(i);
  }

  Result<LimitReport> Run() {
    for (auto& [rule_index, stages] : by_rule_) {
      const ir::Rule& rule = draft_.input.program.rules[rule_index];
      const std::vector<Share> shares = SharesOf(rule);
      for (size_t i = 0; i < shares.size(); ++i) {
        RESCIND_TRY(CheckShare(rule_index, shares[i], i, stages));
      }
      for (const ir::LeaveLimit& leave : rule.leave_limits) {
        RESCIND_TRY(CheckLeave(rule_index, leave, stages));
      }
      NameOtherHeldGroups(rule_index);
    }
    CheckWorkspace();
    return std::move(report_);
  }

 private:
  std::vector<Share> SharesOf(const ir::Rule& rule) const {
    std::vector<Share> shares;
    for (const ir::ShareLimit& limit : rule.share_limits) {
      const int64_t amount = limit.percent ? limit.amount * kMillionthsPerPercent : limit.amount;
      shares.push_back({limit.percent, amount, limit.entity, limit.group, limit.window, false});
    }
    if (shares.empty()) {
      const PlannerShare& share = draft_.options.per_policy;
      shares.push_back(
          {share.percent, share.amount, rule.entity, ir::NodeId(), std::nullopt, true});
    }
    return shares;
  }

  RowId JudgedRow(const StageDraft& stage) const {
    return draft_.book.Of(draft_.rule(stage).full_name)[stage.finding].row;
  }

  // Something of the stage would really start, if no limit held it.
  bool WouldStart(const StageDraft& stage) const {
    for (size_t i = stage.first_claim; i < stage.end_claim; ++i) {
      if (draft_.WouldStart(draft_.claims[i])) return true;
    }
    return false;
  }
  // The same, and no person decides on it.
  bool WouldRemove(const StageDraft& stage) const { return !stage.left && WouldStart(stage); }

  // Something of the stage will start when its notice has run out.
  bool WillRemove(const StageDraft& stage) const { return FirstAhead(stage) != nullptr; }
  const Claim* FirstAhead(const StageDraft& stage) const {
    if (stage.begun || stage.starting || stage.left) return nullptr;
    for (size_t i = stage.first_claim; i < stage.end_claim; ++i) {
      const Claim& claim = draft_.claims[i];
      // When what waits falls due, nobody can say.
      if (claim.waits_for || claim.due == Instant::Never()) continue;
      if (!draft_.IsDue(claim) && !claim.held) return &claim;
    }
    return nullptr;
  }

  // The row of the share's entity that an action takes something from.
  std::optional<RowId> UnitOf(const Claim& claim, const Share& share) const {
    if (claim.target.entity == share.entity) return claim.target.row;
    if (share.entity == draft_.model.identity()) return draft_.model.PersonOf(claim.target);
    return std::nullopt;
  }

  // Of the actions that would start, or of those that are not due yet.
  std::vector<uint32_t> UnitsOf(const StageDraft& stage, const Share& share, bool due) const {
    std::set<uint32_t> rows;
    bool are_targets = false;
    if (share.entity != draft_.rule(stage).entity) {
      for (size_t i = stage.first_claim; i < stage.end_claim; ++i) {
        const Claim& claim = draft_.claims[i];
        if (draft_.IsDue(claim) != due || claim.held || claim.let_go) continue;
        const auto unit = UnitOf(claim, share);
        are_targets |= unit.has_value();
        if (unit && !claim.target_counted) rows.insert(unit->index());
      }
    }
    // The judged entity, or one that the actions do not touch: findings are counted.
    if (!are_targets && stage.first) rows.insert(JudgedRow(stage).index());
    return {rows.begin(), rows.end()};
  }

  std::optional<Instant> WindowStart(const Share& share) const {
    const auto window = share.window.value_or(ir::LimitWindow::kRun);
    const bool one_run = window == ir::LimitWindow::kRun && !draft_.options.continuous;
    if (one_run) return std::nullopt;
    const int64_t length = window == ir::LimitWindow::kDay ? kMicrosPerDay : kMicrosPerHour;
    return Instant{draft_.input.now.micros - length};
  }

  void AddPast(const ir::Rule& rule, const Share& share, size_t unit_index,
               std::map<std::string, GroupCount>& counts) const {
    const auto since = WindowStart(share);
    if (!since) return;
    for (const RemovalStart& start : draft_.options.past_starts) {
      if (start.at <= *since || start.policy != rule.full_name) continue;
      if (unit_index >= start.units.size()) continue;
      const CountedUnits& units = start.units[unit_index];
      if (units.entity != schema_.entity(share.entity).name) continue;
      counts[units.group].rows.insert(units.rows.begin(), units.rows.end());
    }
  }

  void AddPopulations(const ir::Rule& rule, const Share& share, const Groups& groups,
                      std::map<std::string, GroupCount>& counts) const {
    const uint64_t whole = draft_.input.facts.table(share.entity).live_count();
    if (!groups.any()) {
      for (auto& [name, count] : counts) count.population = whole;
      return;
    }
    auto judged =
        groups.CountRows(draft_.input.facts.table(rule.entity), [](uint32_t) { return true; });
    // Of another entity, the judged rows of the group stand for its share of the population.
    for (auto& [name, count] : counts) {
      count.population = std::min(static_cast<uint64_t>(judged[name]), whole);
    }
  }

  Status CheckShare(uint32_t rule_index, const Share& share, size_t unit_index,
                    const std::vector<uint32_t>& stages) {
    const ir::Rule& rule = draft_.input.program.rules[rule_index];
    RESCIND_ASSIGN(const Groups groups, Groups::Make(draft_.input, share.group, rule.entity));
    std::map<std::string, GroupCount> counts;
    std::optional<uint32_t> counted;  // the finding whose first removal is known
    for (const uint32_t index : stages) {
      StageDraft& stage = draft_.stages[index];
      if (!WouldStart(stage)) {
        if (!stage.first || counted == stage.finding || !WillRemove(stage)) continue;
        counted = stage.finding;
        AddAhead(stage, share, counts[groups.NameOf(JudgedRow(stage))]);
        continue;
      }
      counted = stage.finding;
      CountedUnits units = {schema_.entity(share.entity).name, groups.NameOf(JudgedRow(stage)),
                            UnitsOf(stage, share, true)};
      if (!stage.left && !units.rows.empty()) {
        GroupCount& count = counts[units.group];
        count.rows.insert(units.rows.begin(), units.rows.end());
        count.any_new = true;
      }
      // INVARIANT: a stage that counts has one entry a limit, in their order, and so has one that
      // counts once a person has handed it over.
      RESCIND_ASSERT(stage.units.size() == unit_index, "a limit was counted twice or not at all");
      stage.units.push_back(std::move(units));
    }
    AddPast(rule, share, unit_index, counts);
    if (counts.empty()) counts[""];
    AddPopulations(rule, share, groups, counts);
    Judge(rule_index, share, groups, counts, stages);
    JudgeAhead(rule_index, share, counts);
    return {};
  }

  void AddAhead(const StageDraft& stage, const Share& share, GroupCount& count) const {
    const Instant due = FirstAhead(stage)->due;
    for (const uint32_t row : UnitsOf(stage, share, false)) count.ahead.emplace_back(due, row);
  }

  // What is in notice and will be too much for the limit if it stays.
  void JudgeAhead(uint32_t rule_index, const Share& share,
                  const std::map<std::string, GroupCount>& counts) {
    // What a run starts is as good as what a day brings: nobody applies much more seldom.
    const bool hourly = share.window == ir::LimitWindow::kHour ||
                        (share.window.value_or(ir::LimitWindow::kRun) == ir::LimitWindow::kRun &&
                         draft_.options.continuous);
    const int64_t window_micros = hourly ? kMicrosPerHour : kMicrosPerDay;
    std::string text;
    std::vector<std::string> others;
    for (const auto& [name, count] : counts) {
      const uint64_t allowed = Allowed(count.population, share.percent, share.amount);
      if (count.ahead.size() <= allowed) continue;
      const uint64_t most = MostWithin(count.ahead, window_micros);
      if (most <= allowed) continue;
      if (!text.empty()) {
        others.push_back(name);
        continue;
      }
      text = fmt::format("when they fall due, {}{}{} are more than the {} allowed", most,
                         name.empty() ? "" : " of group ", name, allowed);
    }
    if (text.empty()) return;
    if (!others.empty()) {
      text += fmt::format(", and so in {} more group{} ({})", others.size(),
                          others.size() == 1 ? "" : "s", ListGroups(others));
    }
    AddText(report_.policies[rule_index].ahead, text + ": they will be held");
  }

  void Judge(uint32_t rule_index, const Share& share, const Groups& groups,
             const std::map<std::string, GroupCount>& counts, const std::vector<uint32_t>& stages) {
    const std::string share_text = ShareText(schema_, share);
    std::string worst;
    std::string worst_name;
    std::vector<std::string> over;
    double worst_part = -1;
    for (const auto& entry : counts) {
      const std::string& name = entry.first;
      const GroupCount& count = entry.second;
      const uint64_t allowed = Allowed(count.population, share.percent, share.amount);
      const std::string text =
          fmt::format("{}{}{}: {} of at most {}", share_text, name.empty() ? "" : ", ", name,
                      count.rows.size(), allowed);
      const double part = static_cast<double>(count.rows.size()) /
                          static_cast<double>(std::max<uint64_t>(1, allowed));
      if (part > worst_part) {
        worst = text;
        worst_name = name;
        worst_part = part;
      }
      if (!count.any_new || count.rows.size() <= allowed) continue;
      over.push_back(name);
      Hold(rule_index, name, "over the limit of " + text, stages,
           [&](const StageDraft& stage) { return groups.NameOf(JudgedRow(stage)) == name; });
    }
    std::erase(over, worst_name);
    if (!over.empty()) {
      worst += fmt::format(", and {} more group{} over it ({})", over.size(),
                           over.size() == 1 ? "" : "s", ListGroups(over));
    }
    AddText(report_.policies[rule_index].text, worst);
  }

  static void AddText(std::string& texts, const std::string& text) {
    if (!texts.empty()) texts += "; ";
    texts += text;
  }

  // Everything of the group that removes something and has not begun.
  template <typename InGroup>
  void Hold(uint32_t rule_index, const std::string& group, const std::string& why,
            const std::vector<uint32_t>& stages, InGroup in_group) {
    LimitReport::OfPolicy& policy = report_.policies[rule_index];
    policy.over = true;
    const std::string& name = draft_.input.program.rules[rule_index].full_name;
    if (const Release* release =
            FindRelease(draft_.options, name, group, draft_.input.now, spent_)) {
      report_.used_releases.push_back({release->id, name});
      return;
    }
    const std::string text = fmt::format("{}; `{}` lets it go", why, ReleaseCommand(name, group));
    if (policy.held_because.empty()) policy.held_because = text;
    std::vector<std::string>& held = held_groups_[rule_index];
    if (std::find(held.begin(), held.end(), group) == held.end()) held.push_back(group);
    for (const uint32_t index : stages) {
      StageDraft& stage = draft_.stages[index];
      const bool removes = stage.first_claim != stage.end_claim;
      const bool starts = (stage.starting && removes) || WouldRemove(stage);
      if (!starts || stage.held || stage.left || !in_group(stage)) continue;
      stage.held = draft_.Intern(text);
    }
  }

  // The policy's reason names the first group; each row of another names its own.
  void NameOtherHeldGroups(uint32_t rule_index) {
    std::vector<std::string> others = held_groups_[rule_index];
    if (others.empty()) return;
    others.erase(others.begin());
    std::erase(others, "");  // of a limit without groups
    if (others.empty()) return;
    report_.policies[rule_index].held_because +=
        fmt::format("; {} more group{} over ({}): `{}` lets all of them go", others.size(),
                    others.size() == 1 ? " is" : "s are", ListGroups(others),
                    ReleaseCommand(draft_.input.program.rules[rule_index].full_name, ""));
  }

  // ---- leave N ----

  // Of a row that belongs to a disabled account nobody has anything any more.
  bool IsDisabled(EntityId entity, uint32_t row) const {
    return draft_.model.InWantedState(ir::Verb::kDisable, {entity, RowId(row)});
  }

  // What is gone, or will be whatever the policy at hand does, takes with it what belongs to it.
  const Coverage& Gone() {
    if (gone_) return *gone_;
    gone_.emplace(draft_.input.facts);
    const EntityId account = draft_.model.account();
    if (account.valid()) {
      const Table& accounts = draft_.input.facts.table(account);
      for (uint32_t row = 0; row < accounts.row_count(); ++row) {
        if (IsDisabled(account, row)) gone_->AddSeed(account, RowId(row), 0);
      }
    }
    for (const Claim& claim : draft_.claims) {
      // A playbook says nothing of what becomes of others.
      if (claim.action->verb == ir::Verb::kRun || !draft_.IsDue(claim) || claim.held) continue;
      gone_->AddSeed(claim.target.entity, claim.target.row, 0);
    }
    return *gone_;
  }

  // Rows that will be gone whatever this policy does: already so, or acted on by any policy.
  std::vector<uint8_t> GoneRows(EntityId entity) {
    const Table& table = draft_.input.facts.table(entity);
    const Coverage& others = Gone();
    const bool by_status = schema_.entity(entity).name == "credential";
    std::vector<uint8_t> gone(table.row_count(), 0);
    for (uint32_t row = 0; row < table.row_count(); ++row) {
      const bool is_gone = !table.complete(RowId(row)) || (by_status && IsDisabled(entity, row)) ||
                           others.Covers(entity, RowId(row)).has_value();
      if (is_gone) gone[row] = 1;
    }
    for (const Claim& claim : draft_.claims) {
      if (claim.target.entity == entity && draft_.IsDue(claim) && !claim.held) {
        gone[claim.target.row.index()] = 1;
      }
    }
    return gone;
  }

  Status CheckLeave(uint32_t rule_index, const ir::LeaveLimit& leave,
                    const std::vector<uint32_t>& stages) {
    const ir::Rule& rule = draft_.input.program.rules[rule_index];
    RESCIND_ASSIGN(const Groups groups, Groups::Make(draft_.input, leave.group, rule.entity));
    std::vector<uint8_t> gone = GoneRows(rule.entity);
    const auto& findings = draft_.book.Of(rule.full_name);
    for (const Finding& finding : findings) {
      const bool began = !finding.begun.empty() || finding.resolved;
      if (began && RemovalBegan(rule, finding)) gone[finding.row.index()] = 1;
    }
    std::set<std::string> starting;
    for (const uint32_t index : stages) {
      const StageDraft& stage = draft_.stages[index];
      if (!WouldRemove(stage)) continue;
      gone[JudgedRow(stage).index()] = 1;
      starting.insert(groups.NameOf(JudgedRow(stage)));
    }
    auto left = groups.CountRows(draft_.input.facts.table(rule.entity),
                                 [&](uint32_t row) { return gone[row] == 0; });
    std::string worst;
    int64_t worst_left = std::numeric_limits<int64_t>::max();
    for (const std::string& name : starting) {
      const int64_t rest = left[name];
      const std::string text =
          fmt::format("leave {} per group, {}: {} would be left", leave.amount, name, rest);
      if (rest < worst_left) {
        worst = text;
        worst_left = rest;
      }
      if (rest >= leave.amount) continue;
      Hold(rule_index, name, "over the limit: " + text, stages,
           [&](const StageDraft& stage) { return groups.NameOf(JudgedRow(stage)) == name; });
    }
    if (!worst.empty()) AddText(report_.policies[rule_index].text, worst);
    return {};
  }

  static bool RemovalBegan(const ir::Rule& rule, const Finding& finding) {
    if (finding.resolved) return true;
    for (const StageTime& begin : finding.begun) {
      if (begin.stage >= rule.stages.size()) continue;
      const auto& actions = rule.stages[begin.stage].actions;
      if (std::any_of(actions.begin(), actions.end(), Removes)) return true;
    }
    return false;
  }

  // ---- The workspace ----

  void CheckWorkspace() {
    using Key = std::tuple<EntityId, RowId, ir::Verb, std::string_view>;
    std::set<Key> starting;
    std::set<Key> running;
    for (const Claim& claim : draft_.claims) {
      if (draft_.StatusOf(claim) != ActionStatus::kReady) continue;
      if (draft_.stages[claim.stage_draft].left) continue;
      const Key key = {claim.target.entity, claim.target.row, claim.action->verb,
                       claim.action->playbook};
      (claim.let_go ? running : starting).insert(key);
    }
    uint64_t count = 0;
    for (const Key& key : starting) count += running.count(key) == 0 ? 1 : 0;
    if (count == 0) return;
    const Instant since = {draft_.input.now.micros - kMicrosPerHour};
    for (const RemovalStart& start : draft_.options.past_starts) {
      if (start.at > since) count += start.action_count;
    }
    const auto allowed =
        static_cast<uint64_t>(std::max<int64_t>(0, draft_.options.removals_per_hour));
    if (count <= allowed) return;
    if (const Release* release = FindRelease(draft_.options, "", "", draft_.input.now, spent_)) {
      report_.used_releases.push_back({release->id, ""});
      return;
    }
    HoldEverything(
        fmt::format("over the workspace's limit of {} removals per hour: it would be "
                    "{}; `{}` lets them go",
                    allowed, count, ReleaseCommand("", "")));
  }

  void HoldEverything(const std::string& text) {
    for (StageDraft& stage : draft_.stages) {
      if (stage.held || !WouldRemove(stage)) continue;
      stage.held = draft_.Intern(text);
      LimitReport::OfPolicy& policy = report_.policies[stage.rule];
      if (policy.held_because.empty()) policy.held_because = text;
    }
  }

  PlanDraft& draft_;
  const Schema& schema_;
  const std::vector<std::string>& spent_;                     // releases
  std::map<uint32_t, std::vector<uint32_t>> by_rule_;         // stages
  std::map<uint32_t, std::vector<std::string>> held_groups_;  // by rule, in the order found
  std::optional<Coverage> gone_;                              // made when first asked for
  LimitReport report_;
};

}  // namespace

uint64_t Allowed(uint64_t population_count, bool percent, int64_t amount_or_millionths) {
  const auto amount = static_cast<uint64_t>(std::max<int64_t>(0, amount_or_millionths));
  if (!percent) return amount;
  // Whole millions apart, so that no population overflows.
  const uint64_t millions = population_count / kMillion;
  const uint64_t rest = population_count % kMillion;
  return std::max<uint64_t>(1, millions * amount + (rest * amount + kMillion - 1) / kMillion);
}

Result<std::set<std::string>> LimitGroups(const eval::EvaluationInput& input,
                                          const ir::Rule& rule) {
  std::set<std::string> names;
  const auto add = [&](ir::NodeId node) -> Status {
    if (!node.valid()) return {};
    RESCIND_ASSIGN(const Groups groups, Groups::Make(input, node, rule.entity));
    names.insert(groups.names().begin(), groups.names().end());
    names.insert("unknown");
    return {};
  };
  for (const ir::ShareLimit& limit : rule.share_limits) RESCIND_TRY(add(limit.group));
  for (const ir::LeaveLimit& limit : rule.leave_limits) RESCIND_TRY(add(limit.group));
  return names;
}

Result<LimitReport> CheckLimits(PlanDraft& draft, const std::vector<std::string>& spent) {
  return LimitCheck(draft, spent).Run();
}

}  // namespace rescind
