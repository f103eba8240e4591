// PlannerWorld: policies from source text, facts in a line each, a clock and a store, for the tests
// of the planner: plan, apply, let time pass, plan again.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/check/check.h"
#include "engine/check/standard_model.h"
#include "engine/compile/compile.h"
#include "engine/facts/fact_base_builder.h"
#include "engine/syntax/parser.h"
#include "runtime/plan/action_key.h"
#include "runtime/plan/coverage.h"
#include "runtime/plan/plan_delta.h"
#include "runtime/plan/plan_table.h"
#include "runtime/plan/planner.h"
#include "tests/unit/runtime/memory_store.h"
#include "tests/unit/runtime/plan/plan_part.h"

// So that a failed comparison of lines shows them.
template <>
struct doctest::StringMaker<std::vector<std::string>> {
  static String convert(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += "\n    " + line;
    return text.c_str();
  }
};

namespace rescind {

inline Instant At(std::string_view text) { return ParseInstant(text).value(); }
inline Instant Plus(Instant instant, std::string_view length) {
  return {instant.micros + ParseDuration(length)->micros};
}

class PlannerWorld {
 public:
  // `policies` is one file of the module "p".
  explicit PlannerWorld(const std::string& policies)
      : program(std::make_unique<ir::Program>(Compile(policies))),
        schema(std::make_shared<const Schema>(program->schema)),
        facts(schema) {
    options.store_id = "store";
    options.policies_hash = "sha256:01";
    options.oncall = "oncall";
    options.per_policy = {true, 1'000'000};
    options.sources = sources.get();
    facts.SetVersion(7, now);
  }

  // ---- Facts of the standard model, with what they require ----
  void System(const char* id) { facts.Live("system", id); }
  FactBaseBuilder::Row Person(const char* id, const char* kind = "employee",
                              const char* status = "active") {
    auto row = facts.Live("identity", id);
    row.Set("kind", kind).Set("status", status);
    return row;
  }
  FactBaseBuilder::Row Account(const std::string& id, const char* owner,
                               const char* system = "ldap") {
    System(system);
    auto row = facts.Live("account", id);
    row.Set("system", system).Set("username", "u-" + id).Set("status", "active");
    row.Set("privileged", PlainValue(false));
    if (owner) row.Set("owner", owner);
    return row;
  }
  FactBaseBuilder::Row Entitlement(const char* id, const char* system = "ldap") {
    System(system);
    auto row = facts.Live("entitlement", id);
    row.Set("system", system).Set("name", "name-" + std::string(id));
    return row;
  }
  FactBaseBuilder::Row Grant(const std::string& id, const std::string& account,
                             const char* entitlement = "vpn") {
    Entitlement(entitlement);
    auto row = facts.Live("grant", id);
    row.Set("account", account).Set("entitlement", entitlement);
    row.Set("granted_at", At("2025-01-01T00:00Z")).Set("source", "request");
    return row;
  }

  // ---- Planning ----
  Result<PlanOutcome> TryPlan() {
    base = std::make_unique<FactBase>(facts.Build(PlannerColumns(*program)));
    auto book = FindingBook::Load(store);
    REQUIRE(book.ok());
    previous = *std::move(book);
    auto exemptions = ListExemptions(store);
    REQUIRE(exemptions.ok());
    options.exemptions = *std::move(exemptions);
    auto releases = ListReleases(store);
    REQUIRE(releases.ok());
    options.releases = *std::move(releases);
    options.many_matches = 1;  // two threads, whatever there is to do
    auto starts = ListRemovalStarts(store, {now.micros - kMicrosPerDay});
    REQUIRE(starts.ok());
    options.past_starts = *std::move(starts);
    const eval::EvaluationInput input{*program, *base, holidays, now};
    const eval::SweepResult sweep = eval::SweepFacts(input, {});
    return PlanActions(input, sweep, previous, options);
  }
  PlanOutcome Plan() {
    auto outcome = TryPlan();
    REQUIRE(outcome.ok());
    IndexBelongings(*base);
    const eval::EvaluationInput input{*program, *base, holidays, now};
    CheckPart(input, eval::SweepFacts(input, {}), previous, options, *outcome);
    SealPlan(outcome->plan);
    CheckTables(*outcome);
    return *std::move(outcome);
  }
  // Counted from the actions and notices that a whole plan lists.
  static std::vector<HeldActions> HeldOf(const rescind::Plan& whole) {
    std::map<std::string, HeldActions> by_reason;
    for (const PlannedAction& action : whole.actions) {
      if (action.status != ActionStatus::kHeld) continue;
      HeldActions& held = by_reason[action.held_because];
      held.because = action.held_because;
      ++held.count;
      for (const PlannedReason& reason : action.reasons) held.policies.insert(reason.policy);
    }
    for (const PlannedNotice& notice : whole.notices) {
      if (notice.status != ActionStatus::kHeld) continue;
      HeldActions& held = by_reason[notice.held_because];
      held.because = notice.held_because;
      ++held.notice_count;
      held.policies.insert(notice.policy);
    }
    std::vector<HeldActions> list;
    for (auto& [because, held] : by_reason) list.push_back(std::move(held));
    return list;
  }
  // A plan that lists a few actions shows what the whole one shows, alone and compared, and says
  // the same of what is held.
  void CheckTables(const PlanOutcome& outcome) {
    const rescind::Plan& whole = outcome.plan;
    CHECK((outcome.held == HeldOf(whole)));
    PlanOutline before = OutlinePlan(whole, "half of it");
    before.filter_policies.clear();  // as the last plan applied
    before.filter_person.clear();
    for (size_t i = 0; i < before.actions.size(); ++i) {
      before.actions.erase(before.actions.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (const size_t rows : {size_t{0}, size_t{1}, size_t{3}}) {
      options.listed_actions = rows;
      auto made = TryPlan();
      options.listed_actions.reset();
      REQUIRE(made.ok());
      CHECK((made->held == outcome.held));
      rescind::Plan few = made->plan;
      rescind::Plan all = whole;
      CHECK(few.actions.size() == std::min(rows, all.actions.size()));
      ArrangePlan(few);
      all.id.clear();
      CHECK(FormatPlan(few, {.max_rows = rows}) == FormatPlan(all, {.max_rows = rows}));
      CHECK(HasChanges(few) == HasChanges(all));

      options.listed_actions = rows;
      options.key_unlisted = true;
      made = TryPlan();
      options.listed_actions.reset();
      options.key_unlisted = false;
      REQUIRE(made.ok());
      few = made->plan;
      ComparePlan(few, before);
      ComparePlan(all, before);
      ArrangePlan(few);
      CHECK(FormatPlan(few, {.max_rows = rows}) == FormatPlan(all, {.max_rows = rows}));
      CHECK(HasChanges(few) == HasChanges(all));
    }
  }
  // Plans and hands over what is ready (or the selection); the effects come by SetDone and so on.
  PlanOutcome Apply(AppliedSelection selection = Everything()) {
    PlanOutcome outcome = Plan();
    for (const auto& record : outcome.unconfirmed) selection.confirmed_policies.insert(record);
    const eval::EvaluationInput input{*program, *base, holidays, now};
    store.Apply(RecordApplied(input, previous, outcome, selection).batch);
    return outcome;
  }
  // What an apply of nothing that is ready writes, and whoever applies confirms nothing.
  AppliedRecord Record() {
    PlanOutcome outcome = Plan();
    const eval::EvaluationInput input{*program, *base, holidays, now};
    AppliedRecord applied = RecordApplied(input, previous, std::move(outcome), {});
    store.Apply(applied.batch);
    return applied;
  }
  static AppliedSelection Everything() {
    AppliedSelection selection;
    selection.everything_ready = true;
    return selection;
  }
  // From now on the journal says that these were verified, now, for the findings that ask for them:
  // all actions of a plan that are ready.
  void Verify(const rescind::Plan& plan) {
    for (const PlannedAction& planned : plan.actions) {
      if (planned.status == ActionStatus::kReady) Verify(planned);
    }
  }
  void Verify(const PlannedAction& planned) {
    const Action& action = planned.action;
    ActionHistory history;
    history.episode = action.episode + 1;
    for (const ActionReason& reason : action.reasons) history.done_for.push_back(reason.finding_id);
    history.removed = EarlierRemoval{now, action.key};
    history.verified_at = now;
    Remember(planned, std::move(history));
  }
  void Remember(const PlannedAction& planned, ActionHistory history) {
    const Action& action = planned.action;
    journal[WantedStateKey(options.store_id, action.target, action.verb, action.playbook)] =
        std::move(history);
    options.history = [this](const std::string& wanted_key) -> Result<ActionHistory> {
      const auto known = journal.find(wanted_key);
      return known == journal.end() ? ActionHistory() : known->second;
    };
  }
  void Exempt(Exemption exemption) {
    exemption.reason = "because";
    exemption.owner = "ciso";
    exemption.created_at = now;
    auto made = NewExemption(exemption);
    REQUIRE(made.ok());
    KeyValueBatch batch;
    PutExemption(batch, *made);
    store.Apply(batch);
  }
  void AddRelease(const std::string& policy, const std::string& group = "") {
    auto made = NewRelease({"", policy, group, "checked by hand", "ann", now, Plus(now, "1h"),
                            ReleasedMeaning(*program, policy)});
    REQUIRE(made.ok());
    KeyValueBatch batch;
    PutRelease(batch, *made);
    store.Apply(batch);
  }
  // The same store with another text of the policies.
  void Change(const std::string& policies) {
    program = std::make_unique<ir::Program>(Compile(policies));
    options.sources = sources.get();
    RESCIND_ASSERT(program->schema == *schema, "the change alters the schema");
  }
  EntityId EntityOf(std::string_view name) const { return schema->Find(name).value(); }

  std::unique_ptr<SourceMap> sources;
  std::unique_ptr<ir::Program> program;
  std::shared_ptr<const Schema> schema;
  FactBaseBuilder facts;
  Instant now = At("2026-04-01T00:00Z");
  Holidays holidays;
  PlannerOptions options;
  MemoryStore store;
  std::map<std::string, ActionHistory> journal;  // by wanted state
  std::unique_ptr<FactBase> base;
  FindingBook previous;

 private:
  ir::Program Compile(const std::string& policies) {
    sources = std::make_unique<SourceMap>();
    DiagnosticSink sink;
    std::vector<ParseResult> parsed;
    parsed.push_back(Parse(
        *sources, sources->Add(std::string(kStandardModelName), std::string(StandardModelText())),
        sink));
    parsed.push_back(
        Parse(*sources, sources->Add("policies/p.rescind", "module p\n" + policies), sink));
    std::vector<const ast::File*> files;
    bool parsed_all = true;
    for (const ParseResult& result : parsed) {
      parsed_all &= result.ok;
      files.push_back(&result.file);
    }
    const auto typed = parsed_all ? Check(*sources, files, {}, sink) : nullptr;
    if (!typed) {
      for (const Diagnostic& diagnostic : sink.TakeSorted()) MESSAGE(diagnostic.message);
    }
    REQUIRE(typed);
    return compile::Compile(*typed, {sources.get()});
  }
};

// "revoke grant g1: ready" for each action, in the plan's order.
inline std::vector<std::string> ActionLines(const Plan& plan) {
  std::vector<std::string> lines;
  for (const PlannedAction& planned : plan.actions) {
    lines.push_back(std::string(VerbName(planned.action.verb)) + " " +
                    planned.action.target.entity + " " + planned.action.target.id + ": " +
                    std::string(ActionStatusName(planned.status)));
  }
  return lines;
}
using Lines = std::vector<std::string>;

inline const PlannedAction* FindAction(const Plan& plan, Verb verb, std::string_view target) {
  for (const PlannedAction& planned : plan.actions) {
    if (planned.action.verb == verb && planned.action.target.id == target) return &planned;
  }
  return nullptr;
}
inline const PolicySummary& SummaryOf(const Plan& plan, std::string_view policy) {
  for (const PolicySummary& summary : plan.policies) {
    if (summary.policy == policy) return summary;
  }
  FAIL("no such policy in the plan");
  return plan.policies.front();
}
// "grant g1: protected by p.guard".
inline std::vector<std::string> NotActedLines(const Plan& plan) {
  std::vector<std::string> lines;
  for (const NotActedOn& row : plan.not_acted_on) {
    lines.push_back(row.entity + " " + row.target + ": " +
                    std::string(NotActedReasonName(row.reason)) +
                    (row.by.empty() ? "" : " by " + row.by));
  }
  return lines;
}
inline size_t CountSteps(const PlanOutcome& outcome, FindingStep step) {
  size_t count = 0;
  for (const FindingTransition& transition : outcome.transitions) {
    count += transition.step == step ? 1 : 0;
  }
  return count;
}

}  // namespace rescind
