#include "runtime/journal/journal.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/runtime/journal/journal_simulation.h"

namespace rescind {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("PlannedActionsAreDurableAndFoundAgain") {
  SimulatedWorld world(1);
  const ActionRequest request = SimulatedWorld::Request("ldap", "ann");
  {
    const auto journal = world.OpenJournal();
    const auto report = journal->Plan({&request, 1}, "apply 1");
    REQUIRE(report.ok());
    CHECK(report->planned_count == 1);
  }
  const auto journal = world.OpenJournal();
  const auto entry = journal->Find(request.action.key).value();
  REQUIRE(entry.has_value());
  CHECK(entry->state == ActionState::kReady);
  CHECK(entry->action.reasons[0].policy == "access.stale");
  CHECK(journal->Latest(request.wanted_key).value()->action.key == request.action.key);
  CHECK(journal->RunnableCount() == 1);
  CHECK(journal->InFlightCount() == 0);
  REQUIRE(world.store.history.size() == 1);
  CHECK(world.store.history[0].trigger == "apply 1");
  CHECK(world.store.history[0].from == ActionState::kPlanned);
}

TEST_CASE("PlanningAgainBringsReasonsUpToDateAndStartsNothingTwice") {
  SimulatedWorld world(1);
  const auto journal = world.OpenJournal();
  ActionRequest request = SimulatedWorld::Request("ldap", "ann");
  request.start = ActionState::kNotice;
  request.due = Instant{5};
  REQUIRE(journal->Plan({&request, 1}, "first").ok());
  request.start = ActionState::kReady;
  request.due.reset();
  request.action.reasons.push_back({"access.left", "finding-2", "left", 0, {}});
  const auto report = journal->Plan({&request, 1}, "second").value();
  CHECK(report.standing_count == 1);
  CHECK(world.store.NamesOf(request.action.key) == Names{"notice", "ready"});
  CHECK(journal->Find(request.action.key).value()->action.reasons.size() == 2);
  REQUIRE(journal->Plan({&request, 1}, "third").ok());
  CHECK(world.store.history.size() == 2);  // nothing new, no leaf

  world.RunToEnd(*journal);
  const auto after = journal->Plan({&request, 1}, "fourth").value();
  CHECK(after.done_count == 1);
  CHECK(journal->RunnableCount() == 0);
}

TEST_CASE("TheEpisodeGrowsOnlyWhenWhatWasVerifiedIsWantedAgain") {
  SimulatedWorld world(1);
  const auto journal = world.OpenJournal();
  ActionRequest request = SimulatedWorld::Request("ldap", "ann");
  CHECK(Journal::EpisodeAfter(journal->Latest(request.wanted_key).value()) == 1);
  REQUIRE(journal->Plan({&request, 1}, "").ok());
  CHECK(Journal::EpisodeAfter(journal->Latest(request.wanted_key).value()) == 1);
  REQUIRE(journal->Withdraw(request.action.key, "match ended", "").ok());
  CHECK(Journal::EpisodeAfter(journal->Latest(request.wanted_key).value()) == 1);
  REQUIRE(journal->Plan({&request, 1}, "").value().reopened_count == 1);
  world.RunToEnd(*journal);
  CHECK(Journal::EpisodeAfter(journal->Latest(request.wanted_key).value()) == 2);

  world.Target("ldap", "ann") = {};  // the access has come back
  request.action.key += "#2";
  request.action.episode = 2;
  REQUIRE(journal->Plan({&request, 1}, "").value().planned_count == 1);
  CHECK(journal->Latest(request.wanted_key).value()->action.episode == 2);
  CHECK(Journal::EpisodeAfter(journal->Latest(request.wanted_key).value()) == 2);
  CHECK(world.RunToEnd(*journal).verified_count == 1);
  CHECK(Journal::EpisodeAfter(world.OpenJournal()->Latest(request.wanted_key).value()) == 3);
}

TEST_CASE("HeldReleasedWithdrawn") {
  SimulatedWorld world(1);
  const auto journal = world.OpenJournal();
  const ActionRequest request = SimulatedWorld::Request("ldap", "ann");
  const std::string& key = request.action.key;
  CHECK(journal->Hold("nothing", "", "").error().kind == ErrorKind::kNotFound);
  REQUIRE(journal->Plan({&request, 1}, "").ok());
  CHECK(journal->Release(key, "", "").error().kind == ErrorKind::kStale);
  REQUIRE(journal->Hold(key, "over the limit", "").ok());
  CHECK(world.RunToEnd(*journal).verified_count == 0);
  CHECK(journal->Find(key).value()->detail == "over the limit");
  REQUIRE(journal->Release(key, "looked at by bob", "uid 1000").ok());
  CHECK(world.store.history.back().outcome == "looked at by bob");
  REQUIRE(journal->Withdraw(key, "the match ended", "").ok());
  CHECK(journal->Withdraw(key, "again", "").error().kind == ErrorKind::kStale);
  world.RunToEnd(*journal);
  CHECK(world.calls.empty());
  CHECK(world.store.NamesOf(key) == Names{"ready", "held", "ready", "withdrawn"});
}

TEST_CASE("WhatIsInFlightIsNeitherHeldNorWithdrawn") {
  SimulatedWorld world(1);
  const auto journal = world.OpenJournal();
  const ActionRequest request = SimulatedWorld::Request("ldap", "ann");
  REQUIRE(journal->Plan({&request, 1}, "").ok());
  world.script["ldap"] = {Fault::kNone, Fault::kHang};
  REQUIRE(world.Run(*journal).ok());
  CHECK(journal->InFlightCount() == 1);
  CHECK(journal->Withdraw(request.action.key, "", "").error().kind == ErrorKind::kBusy);
  CHECK(journal->Hold(request.action.key, "", "").error().kind == ErrorKind::kBusy);
  ActionRequest again = request;
  again.start = ActionState::kHeld;
  again.action.reasons.clear();
  CHECK(journal->Plan({&again, 1}, "").value().standing_count == 1);
  CHECK(journal->Find(request.action.key).value()->state == ActionState::kAttempt);
  CHECK(journal->Find(request.action.key).value()->action.reasons.empty());
}

TEST_CASE("ListAndCountSeeEveryAction") {
  SimulatedWorld world(1);
  const auto journal = world.OpenJournal();
  std::vector<ActionRequest> requests;
  requests.reserve(1201);
  for (int i = 0; i < 1200; ++i) {
    requests.push_back(SimulatedWorld::Request("ldap", fmt::format("u{}", i)));
  }
  requests.push_back(requests.front());  // twice in one plan
  const auto report = journal->Plan(requests, "").value();
  CHECK(report.planned_count == 1200);
  CHECK(report.standing_count == 1);
  RunOptions options;
  for (int i = 0; i < 7; ++i) options.keys.insert(requests[i].action.key);
  CHECK(world.Run(*journal, options).value().verified_count == 7);
  std::map<ActionState, int> counts;
  REQUIRE(world.OpenJournal()
              ->List([&](const JournalEntry& entry) { return ++counts[entry.state] > 0; })
              .ok());
  CHECK(counts.at(ActionState::kVerified) == 7);
  CHECK(counts.at(ActionState::kReady) == 1193);
  int seen = 0;
  REQUIRE(journal->List([&](const JournalEntry&) { return ++seen < 10; }).ok());
  CHECK(seen == 10);
}

TEST_CASE("What has touched a finding is listed where something of it is untouched") {
  SimulatedWorld world(1);
  const auto of_finding = [](const std::string& target, const std::string& finding) {
    ActionRequest request = SimulatedWorld::Request("ldap", target);
    request.action.reasons[0].finding_id = finding;
    return request;
  };
  // Of a: one done, one open. Of b: one withdrawn, one open. Of d nothing is open.
  std::vector<ActionRequest> done = {of_finding("a1", "a"), of_finding("b1", "b"),
                                     of_finding("d1", "d")};
  {
    const auto journal = world.OpenJournal();
    REQUIRE(journal->Plan(done, "").ok());
    REQUIRE(journal->Withdraw("key:ldap/b1", "", "").ok());
    world.RunToEnd(*journal);
    std::vector<ActionRequest> open = {of_finding("a2", "a"), of_finding("b2", "b")};
    for (ActionRequest& request : open) request.start = ActionState::kHeld;
    open[0].action.reasons.push_back({"access.stale", "e", "", 3, {}});
    REQUIRE(journal->Plan(open, "").ok());
  }
  using Actions = std::set<std::pair<std::string, std::string>>;
  using Others = std::map<std::string, std::set<std::string>>;
  const auto wanted = [](const char* target) {
    return SimulatedWorld::Request("ldap", target).wanted_key;
  };
  const auto touched = [&] { return world.OpenJournal()->ListTouched().value(); };
  const Actions open = {{"a", wanted("a2")}, {"b", wanted("b2")}, {"e", wanted("a2")}};
  CHECK(touched().untouched == open);
  CHECK(touched().others == Others{{"a", {wanted("a1")}}});
  // A journal of an earlier program, which kept no such list.
  std::erase_if(world.store.values.values, [](const auto& each) {
    return each.first == kHasFindings || each.first.starts_with(kOfFindingPrefix);
  });
  CHECK(touched().untouched == open);
  CHECK(touched().others == Others{{"a", {wanted("a1")}}});
  // It goes on without: what is over from now on alone would not be all.
  {
    const ActionRequest last = of_finding("e1", "e");
    const auto journal = world.OpenJournal();
    REQUIRE(journal->Plan({&last, 1}, "").ok());
    world.RunToEnd(*journal);
  }
  CHECK(touched().others == Others{{"a", {wanted("a1")}}, {"e", {wanted("e1")}}});
}

TEST_CASE("What is left to a person is listed, also of a journal that has not noted it") {
  SimulatedWorld world(1);
  const auto keys = [](const Journal& journal) {
    std::vector<std::string> listed;
    const auto escalated = journal.ListEscalated().value();
    for (const JournalEntry& entry : escalated) {
      listed.push_back(entry.action.key);
    }
    return listed;
  };
  const ActionRequest ann = SimulatedWorld::Request("ldap", "ann");
  const ActionRequest bob = SimulatedWorld::Request("ldap", "bob");
  const ActionRequest eve = SimulatedWorld::Request("ldap", "eve");
  const Names both = {ann.action.key, bob.action.key};
  {
    const auto journal = world.OpenJournal();
    REQUIRE(journal->Plan(std::vector{ann, bob}, "").ok());
    world.script["ldap"] = {Fault::kNone, Fault::kNone, Fault::kPermanent, Fault::kPermanent};
    REQUIRE(world.RunToEnd(*journal).escalated_count == 2);
    CHECK(keys(*journal) == both);
  }
  // A journal of an earlier program.
  std::erase_if(world.store.values.values, [](const auto& each) {
    return each.first == kHasEscalated || each.first.starts_with(kEscalatedPrefix);
  });
  const auto journal = world.OpenJournal();
  CHECK(keys(*journal) == both);
  // Its first change notes them, and is about one of them.
  REQUIRE(journal->Withdraw(ann.action.key, "done by hand", "").ok());
  CHECK(keys(*journal) == Names{bob.action.key});
  CHECK(keys(*world.OpenJournal()) == Names{bob.action.key});
  REQUIRE(journal->Plan(std::vector{bob, eve}, "").ok());
  CHECK(keys(*world.OpenJournal()).empty());
}

TEST_CASE("ADamagedRecordIsNamed") {
  SimulatedWorld world(1);
  const ActionRequest request = SimulatedWorld::Request("ldap", "ann");
  REQUIRE(world.OpenJournal()->Plan({&request, 1}, "").ok());
  world.store.values.values[JournalKey(kOpenPrefix, request.action.key)].pop_back();
  const auto journal = Journal::Open(world.store.values, world.store, world.clock);
  CHECK(journal.error().kind == ErrorKind::kCorrupt);
  CHECK(journal.error().message.find(request.action.key) != std::string::npos);
}

}  // namespace
}  // namespace rescind
