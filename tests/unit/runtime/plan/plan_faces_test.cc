#include <doctest/doctest.h>

#include <sstream>

#include "runtime/plan/action_key.h"
#include "runtime/plan/plan_csv.h"
#include "runtime/plan/plan_delta.h"
#include "runtime/plan/plan_html.h"
#include "runtime/plan/plan_json.h"
#include "runtime/plan/plan_table.h"
#include "tests/unit/runtime/plan/sample_plan.h"

namespace rescind {
namespace {

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("TheTableOpensAndClosesWithTheVerdict") {
  const Plan plan = SamplePlan();
  const std::string table = FormatPlan(plan, {});
  const std::string verdict = FormatVerdict(plan, {});
  CHECK(Contains(verdict, "2 removals: 1 ready, 0 in notice, 1 held; 1 person, 1 system."));
  CHECK(table.find(verdict) < table.size() / 2);
  CHECK(table.ends_with(verdict));
  CHECK(Contains(table, "- revoke grant ldap/ann/vpn on corp-ldap, ann"));
  CHECK(Contains(table, "held: over the limit"));
  CHECK(Contains(table, "g.last_used = 2025-12-01T00:00:00Z  (from directory)"));
  CHECK(Contains(table, "= account ldap/root: protected by access.stale.break_glass"));
  CHECK(!Contains(table, "\x1b"));
  CHECK(Contains(FormatPlan(plan, {.colour = true}), "\x1b[31m"));
}

// They printed "insufficient_data ()".
TEST_CASE("WhyARowIsLeftAloneIsSaidInWords") {
  Plan plan = SamplePlan();
  plan.not_acted_on.push_back(
      {"account", "ldap/new", "", NotActedReason::kInsufficientData, "", "its system is unknown"});
  plan.not_acted_on.push_back(
      {"grant", "g9", "p.odd", NotActedReason::kEvaluationError, "", "division by zero"});
  SealPlan(plan);
  const std::string table = FormatPlan(plan, {});
  CHECK(Contains(table, "= account ldap/new: insufficient data\n"));
  CHECK(Contains(table, "= grant g9: cannot be evaluated  (p.odd)\n"));
  CHECK(Contains(FormatPlanHtml(plan, "plan.csv"), "insufficient data"));
  CHECK(Contains(FormatPlanCsv(plan), "insufficient data: its system is unknown,"));
  CHECK(Contains(FormatPlanCsv(plan), "protected,access.stale.break_glass"));
}

// An action with two reasons had two lines, and nothing said that they are one action.
TEST_CASE("LinesOfOneActionShareItsIdInCsv") {
  Plan plan = SamplePlan();
  plan.actions[0].reasons.push_back(plan.actions[0].reasons[0]);
  plan.actions[0].reasons[1].policy = "access.stale.other";
  SealPlan(plan);
  std::istringstream lines(FormatPlanCsv(plan));
  std::vector<std::string> ids;
  for (std::string line; std::getline(lines, line);) {
    for (int last = 0; last < 3; ++last) line.resize(line.rfind(','));  // columns behind it
    ids.push_back(line.substr(line.rfind(',') + 1));
  }
  REQUIRE(ids.size() == 5);
  CHECK(ids[0] == "action_id");
  CHECK(ids[1] == plan.actions[0].action.key);
  CHECK(ids[2] == ids[1]);
  CHECK(ids[3] == plan.actions[1].action.key);
  CHECK(ids[4].empty());
}

// The CSV passed on what a terminal obeys, and all three what shows text in another order.
TEST_CASE("FactsCannotChangeHowAPlanLooks") {
  Plan plan = SamplePlan();
  plan.not_acted_on.push_back({"account", "ldap/\u202eeve\u2066", "", NotActedReason::kObserve, "",
                               "named \x1b[2J\r\nmallory\u2028"});
  SealPlan(plan);
  for (const std::string& face :
       {FormatPlan(plan, {}), FormatPlanHtml(plan, "plan.csv"), FormatPlanCsv(plan)}) {
    CAPTURE(face);
    CHECK(Contains(face, "ldap/\\u202Eeve\\u2066"));
    CHECK(Contains(face, "named \\x1B[2J\\x0D\\x0Amallory\\u2028"));
    for (const char* hidden : {"\x1b", "\u202e", "\u2066", "\u2028"})
      CHECK(!Contains(face, hidden));
  }
}

// A plan of an earlier instant said "read -15d ago".
TEST_CASE("NoFeedIsOfNegativeAge") {
  Plan plan = SamplePlan();
  const Instant read = plan.as_of;
  for (const auto& [judged, text] :
       {std::pair("2026-04-03T06:00Z", "feed hr (identity): read 2d6h ago"),
        std::pair("2026-04-01T00:00Z", "feed hr (identity): read 0s ago"),
        std::pair("2026-03-01T00:00Z",
                  "feed hr (identity): last read 2026-04-01T00:00:00Z, later than the instant of "
                  "judgement")}) {
    plan.as_of = *ParseInstant(judged);
    SealPlan(plan);
    CHECK(Contains(FormatVerdict(plan, {}), text));
    CHECK(Contains(FormatPlanHtml(plan, "plan.csv"), FeedAgeText(read, plan.as_of)));
  }
  CHECK(FeedAgeText(std::nullopt, read) == "nothing received yet");
}

TEST_CASE("EveryFaceMarksWhatIsEscalated") {
  Plan plan = SamplePlan();
  plan.actions[0].escalated = {*ParseInstant("2026-03-31T08:00Z"), "said <no>, twice", "mend it"};
  SealPlan(plan);
  CHECK(Contains(FormatVerdict(plan, {}),
                 "X 1 of them is escalated: a person must act; `apply --auto` leaves it.\n"));
  CHECK(Contains(FormatPlan(plan, {}),
                 "      X escalated since 2026-03-31T08:00:00Z: said <no>, twice\n"
                 "        mend it\n"));
  CHECK(Contains(FormatPlanHtml(plan, "plan.csv"), "X 1 escalated: a person must act"));
  CHECK(Contains(FormatPlanHtml(plan, "plan.csv"),
                 "X escalated since 2026-03-31T08:00:00Z: said &lt;no&gt;, twice</span><br>"
                 "<small>mend it</small>"));
  const std::string csv = FormatPlanCsv(plan);
  CHECK(Contains(csv, ",by,escalated_since,escalated_error,removed_before,removed_by_action,"));
  CHECK(
      Contains(csv, ",2026-03-31T08:00:00Z,\"said <no>, twice\",,," + plan.actions[0].action.key));
  // The other row is not.
  CHECK(Contains(csv, ",over the limit,,,,,," + plan.actions[1].action.key));
}

// All of them called it ready, and `apply --auto` left it.
TEST_CASE("EveryFaceMarksWhatIsLeftSinceItsStageWasRolledBack") {
  Plan plan = SamplePlan();
  plan.actions[0].left = {"what <failed> waits, too", "have it carried out"};
  SealPlan(plan);
  const char* verdict =
      "X 1 of them is of a stage that was rolled back: a person must act; `apply --auto` leaves "
      "it.";
  CHECK(Contains(FormatVerdict(plan, {}), std::string(verdict) + "\n"));
  CHECK(Contains(FormatPlan(plan, {}),
                 "      X left to a person: what <failed> waits, too\n"
                 "        have it carried out\n"));
  const std::string html = FormatPlanHtml(plan, "plan.csv");
  CHECK(Contains(html, verdict));
  CHECK(Contains(html,
                 "X left to a person: what &lt;failed&gt; waits, too</span><br>"
                 "<small>have it carried out</small>"));
  const std::string csv = FormatPlanCsv(plan);
  CHECK(Contains(csv, ",action_id,left_because,"));
  CHECK(Contains(csv, plan.actions[0].action.key + ",\"what <failed> waits, too\","));
  CHECK(Contains(csv, plan.actions[1].action.key + ",,,\r\n"));
  const std::string written = EncodePlan(plan);
  const Result<Plan> read = DecodePlan(written);
  REQUIRE(read.ok());
  CHECK(EncodePlan(*read) == written);
  CHECK(read->summary.left_count == 1);
  REQUIRE(read->actions[0].left);
  CHECK(read->actions[0].left->remedy == "have it carried out");
}

// Only table and JSON had them.
TEST_CASE("EveryFaceSaysWhatIsGivenBack") {
  Plan plan = SamplePlan();
  PlannedUndo undo;
  undo.action_key = "0123";
  undo.entity = "account";
  undo.target = "ldap/<eve>";
  undo.system = "corp";
  undo.policies = {"p.a", "p.b"};
  undo.failed = true;
  undo.since = *ParseInstant("2026-03-31T08:00Z");
  undo.error = "no, never";
  undo.effect = "it is tried again";
  plan.undos = {undo};
  undo.action_key = "4567";
  undo.failed = false;
  undo.error.clear();
  plan.undos.push_back(undo);
  SealPlan(plan);
  CHECK(Contains(FormatPlan(plan, {}), "X undo disable account ldap/<eve> on corp  (p.a, p.b)\n"));
  const std::string html = FormatPlanHtml(plan, "plan.csv");
  CHECK(Contains(html, "<h2>Given back, as their stages failed</h2>"));
  CHECK(Contains(html,
                 "X undo disable<td>account <code>ldap/&lt;eve&gt;</code><td>corp<td>p.a, p.b<td>"
                 "failed, since 2026-03-31T08:00:00Z: no, never<td>it is tried again</tr>"));
  CHECK(Contains(html, "not ended, since 2026-03-31T08:00:00Z<td>it is tried again</tr>"));
  const std::string csv = FormatPlanCsv(plan);
  for (const char* policy : {"p.a", "p.b"}) {
    CHECK(Contains(csv, std::string("failed undo,disable,account,ldap/<eve>,corp,,,,,") + policy +
                            ",,,,,,,,it is tried again,,,,,,0123,,2026-03-31T08:00:00Z,"
                            "\"no, never\"\r\n"));
    CHECK(Contains(csv, std::string("\nundo,disable,account,ldap/<eve>,corp,,,,,") + policy +
                            ",,,,,,,,it is tried again,,,,,,4567,,2026-03-31T08:00:00Z,\r\n"));
  }
  CHECK(!Contains(FormatPlanHtml(SamplePlan(), "plan.csv"), "Given back"));
}

TEST_CASE("RowsBeyondTheLimitAreCounted") {
  Plan plan = SamplePlan();
  for (int i = 0; i < 60; ++i) {
    plan.actions.push_back(
        SampleAction("g" + std::to_string(i), Verb::kRevoke, ActionStatus::kReady));
  }
  SealPlan(plan);
  CHECK(Contains(FormatPlan(plan, {.max_rows = 10}), "… and 52 more"));
}

TEST_CASE("HostileIdsReachNeitherTerminalNorBrowserNorSpreadsheet") {
  Plan plan = SamplePlan();
  plan.actions[0].action.target.id = "=cmd|'/c calc'!A1\x1b[2J<script>\xC2\x9B";
  SealPlan(plan);
  const std::string table = FormatPlan(plan, {});
  CHECK(!Contains(table, "\x1b"));
  CHECK(!Contains(table, "\xC2\x9B"));
  CHECK(!Contains(FormatPlanHtml(plan, "plan.csv"), "<script>"));
  CHECK(Contains(FormatPlanCsv(plan), ",'=cmd|"));
}

// Only = + - @ were guarded: a spreadsheet takes the full-width ones for them, and old ones obey |.
TEST_CASE("NoCellOfACsvBeginsAFormula") {
  for (const char* start : {"=", "+", "-", "@", "|", "＝", "＋", "－", "＠"}) {
    CAPTURE(start);
    Plan plan = SamplePlan();
    plan.actions[0].action.target.id = std::string(start) + "cmd";
    plan.actions[1].action.target.id = std::string("a") + start + "cmd";
    SealPlan(plan);
    CHECK(Contains(FormatPlanCsv(plan), std::string(",'") + start + "cmd,"));
    CHECK(Contains(FormatPlanCsv(plan), std::string(",a") + start + "cmd,"));
  }
}

TEST_CASE("HtmlEmbedsAtMostFiveThousandRowsAndSaysSo") {
  Plan plan = SamplePlan();
  for (size_t i = 0; i < kMaxHtmlRows + 10; ++i) {
    plan.actions.push_back(
        SampleAction("g" + std::to_string(i), Verb::kRevoke, ActionStatus::kReady));
  }
  SealPlan(plan);
  const std::string page = FormatPlanHtml(plan, "plan.csv");
  CHECK(Contains(page, "The first 5000 of 5012"));
  CHECK(Contains(page, "<a href=\"plan.csv\">"));
  // It linked a file that nobody had written.
  const std::string alone = FormatPlanHtml(plan, "");
  CHECK(Contains(alone, "The first 5000 of 5012; <code>--csv FILE</code> writes all of them"));
  CHECK(!Contains(alone, "<a href"));
}

// Only what starts now was held against the limit: a week later all of it was held.
TEST_CASE("EveryFaceSaysThatALimitWillHoldWhatIsInNotice") {
  Plan plan = SamplePlan();
  CHECK(!Contains(EncodePlan(plan), "limit_ahead"));
  plan.policies[0].limit_ahead = "when they fall due, 9 are more than the 2 allowed";
  SealPlan(plan);
  CHECK(Contains(FormatVerdict(plan, {}),
                 "\n    ! later: when they fall due, 9 are more than the 2 allowed\n"));
  CHECK(Contains(FormatPlanHtml(plan, ""), "! later: when they fall due, 9 are more than the 2"));
  const Result<Plan> read = DecodePlan(EncodePlan(plan));
  REQUIRE(read.ok());
  CHECK(read->policies[0].limit_ahead == plan.policies[0].limit_ahead);
}

// A protect was gone, and the plan spoke of policies that had changed.
TEST_CASE("EveryFaceSaysWhyAPolicyIsToBeConfirmed") {
  Plan plan = SamplePlan();
  CHECK(!Contains(EncodePlan(plan), "unconfirmed_because"));
  plan.policies[0].unconfirmed_because = "the protect bg.bg was changed or is gone";
  SealPlan(plan);
  CHECK(Contains(FormatVerdict(plan, {}),
                 "\n    ! to confirm: the protect bg.bg was changed or is gone\n"));
  CHECK(
      Contains(FormatPlanHtml(plan, ""), "! to confirm: the protect bg.bg was changed or is gone"));
  const Result<Plan> read = DecodePlan(EncodePlan(plan));
  REQUIRE(read.ok());
  CHECK(read->policies[0].unconfirmed_because == plan.policies[0].unconfirmed_because);
}

TEST_CASE("CsvQuotesWhatNeedsIt") {
  Plan plan = SamplePlan();
  plan.actions[0].reasons[0].because = "said \"no\", twice";
  CHECK(Contains(FormatPlanCsv(plan), "\"said \"\"no\"\", twice\""));
}

TEST_CASE("ADeltaTellsNewStandingAndResolvedApart") {
  const Plan before = SamplePlan();
  Plan after = SamplePlan();
  after.actions.erase(after.actions.begin());
  after.actions.push_back(SampleAction("ldap/carl/vpn", Verb::kRevoke, ActionStatus::kReady));
  after.actions.front().action.episode = 2;  // another episode of the same wanted state
  const Result<PlanOutline> outline = DecodeOutline(EncodeOutline(OutlinePlan(before, "before")));
  REQUIRE(outline.ok());
  ComparePlan(after, *outline);
  CHECK(after.delta.new_count == 1);
  CHECK(after.delta.standing_count == 1);
  REQUIRE(after.delta.resolved.size() == 1);
  CHECK(after.delta.resolved[0].target == "ldap/ann/vpn");
  CHECK(after.actions[0].change == Change::kStanding);
  CHECK(after.actions[1].change == Change::kNew);
}

// Rows that had become exempt or protected were called resolved, as if somebody had seen to them.
TEST_CASE("ADeltaTellsWhatIsLeftAloneFromWhatIsResolved") {
  Plan before;
  for (const char* id : {"gone", "exempt", "guarded", "blind", "watched"}) {
    before.actions.push_back(SampleAction(id, Verb::kRevoke, ActionStatus::kReady));
  }
  // Its judged row is another one than its target.
  before.actions.back().reasons[0].judged_entity = "account";
  before.actions.back().reasons[0].judged_id = "ldap/ann";
  const std::string policy = before.actions[0].reasons[0].policy;
  Plan after;
  after.not_acted_on = {
      {"grant", "exempt", policy, NotActedReason::kExempt, "e1", ""},
      {"grant", "guarded", policy, NotActedReason::kProtected, "p.guard", ""},
      {"grant", "blind", "", NotActedReason::kInsufficientData, "", "its account is unknown"},
      {"account", "ldap/ann", policy, NotActedReason::kObserve, "", ""},
      {"grant", "gone", "p.another", NotActedReason::kExempt, "e2", ""}};
  ComparePlan(after, *DecodeOutline(EncodeOutline(OutlinePlan(before, "before"))));
  SealPlan(after);
  REQUIRE(after.delta.resolved.size() == 1);
  CHECK(after.delta.resolved[0].target == "gone");
  REQUIRE(after.delta.left_alone.size() == 4);
  CHECK(after.delta.left_alone[0].reason == NotActedReason::kProtected);
  CHECK(after.delta.left_alone[1].action.target == "exempt");
  CHECK(after.delta.left_alone[1].by == "e1");
  CHECK(DeltaCounts(after.delta) ==
        "0 new, 0 standing, 1 resolved, 1 protected now, 1 exempt now, 1 insufficient data now, "
        "1 observed only now");
  const std::string table = FormatPlan(after, {});
  CHECK(Contains(table, "  = exempt now by e1: revoke grant exempt  (" + policy + ")\n"));
  CHECK(Contains(table, "  resolved: revoke grant gone  (" + policy + ")\n"));
  CHECK(Contains(FormatPlanCsv(after), "no longer planned,revoke,grant,exempt,corp-ldap,"));
  CHECK(Contains(FormatPlanCsv(after), ",resolved,,,,,,,,,,,,,\r\n"));
  const std::string page = FormatPlanHtml(after, "plan.csv");
  CHECK(Contains(page, "<tr><td>= protected by p.guard<td>revoke<td>grant <code>guarded</code>"));
  const Result<Plan> read = DecodePlan(EncodePlan(after));
  REQUIRE(read.ok());
  CHECK(read->delta.left_alone == after.delta.left_alone);
}

// Everything that a filter hides was called resolved, or new.
TEST_CASE("OnlyWhatBothPlansShowIsCompared") {
  Plan whole;
  for (const char* id : {"a", "b", "c"}) {
    whole.actions.push_back(SampleAction(id, Verb::kRevoke, ActionStatus::kReady));
  }
  whole.actions[1].subject.person = "bob";
  whole.actions[2].reasons[0].policy = "p.other";
  const auto shows = [&](const char* policy, const char* person) {
    Plan part;
    part.filter_person = person;
    if (*policy) part.filter_policies = {policy};
    for (const PlannedAction& planned : whole.actions) {
      const bool fits = (!*policy || planned.reasons[0].policy == policy) &&
                        (!*person || planned.subject.person == person);
      if (fits) part.actions.push_back(planned);
    }
    return part;
  };
  for (const auto& filters : {std::pair("p.other", ""), std::pair("", "bob"),
                              std::pair("access.stale.stale_grant", "ann")}) {
    const char* policy = filters.first;
    const char* person = filters.second;
    CAPTURE(policy);
    Plan part = shows(policy, person);
    const PlanOutline outline = OutlinePlan(part, "part");
    ComparePlan(part, OutlinePlan(whole, "whole"));
    CHECK(DeltaCounts(part.delta) == "0 new, 1 standing, 0 resolved");
    Plan compared = whole;
    ComparePlan(compared, outline);
    CHECK(DeltaCounts(compared.delta) == "0 new, 1 standing, 0 resolved");
  }
  Plan of_bob = shows("", "bob");
  CHECK(FilterText(of_bob) == "the access of bob");
  SealPlan(of_bob);
  CHECK(FormatVerdict(of_bob, {}).starts_with("Shown is only the access of bob; limits"));
  CHECK(Contains(FormatPlanHtml(of_bob, "plan.csv"), "Shown is only the access of bob; limits"));
}

TEST_CASE("TheKeyDependsOnTheWantedStateAloneAndNeverCollidesByConcatenation") {
  const ActionTarget target{"grant", "ldap/ann/vpn", 1, "corp-ldap", {}};
  ActionTarget renamed_owner = target;
  renamed_owner.attributes["owner"] = "bob";
  const std::string key = ActionKey("s", target, Verb::kRevoke, "", 1);
  CHECK(key.size() == 64);
  CHECK(key == ActionKey("s", renamed_owner, Verb::kRevoke, "", 1));
  CHECK(key != ActionKey("s", target, Verb::kRevoke, "", 2));
  CHECK(key != ActionKey("s", target, Verb::kDelete, "", 1));
  ActionTarget next = target;
  next.incarnation = 2;
  CHECK(key != ActionKey("s", next, Verb::kRevoke, "", 1));
  const ActionTarget one{"grant", "b", 1, "a", {}};
  const ActionTarget other{"b", "grant", 1, "a", {}};
  CHECK(ActionKey("s", one, Verb::kRevoke, "", 1) != ActionKey("s", other, Verb::kRevoke, "", 1));
}

}  // namespace
}  // namespace rescind
