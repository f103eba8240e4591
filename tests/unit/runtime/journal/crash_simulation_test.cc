// Kills the process at every write, and again at every write of the recovery, and checks the
// invariants of the runtime: they are asserted where things happen (journal_simulation.h) and
// once more over what is left at the end.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "runtime/audit/audit_log.h"
#include "tests/unit/runtime/audit/audit_fixture.h"
#include "tests/unit/runtime/journal/journal_simulation.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

using Crash = SimulatedStore::Crash;

const std::vector<Fault> kAllFaults = {
    Fault::kUnavailable,    Fault::kThrottled,  Fault::kHang,
    Fault::kEffectThenLost, Fault::kLateEffect, Fault::kNoEffect,
    Fault::kPermanent,      Fault::kCannotTell, Fault::kErrorWithEffect};

struct Scenario {
  uint64_t seed = 1;
  uint64_t fault_percent = 0;
  int systems = 2;
  int actions = 6;
  bool with_rollback = false;
  uint32_t wave_actions = 3;
};

class Simulation {
 public:
  explicit Simulation(const Scenario& scenario) : scenario_(scenario), world(scenario.seed) {
    world.fault_percent = scenario.fault_percent;
    world.faults_by_chance = kAllFaults;
    SeededRandom random(scenario.seed + 7);
    SeededRandom use_random(scenario.seed + 13);
    for (int i = 0; i < scenario.actions; ++i) {
      requests.push_back(
          SimulatedWorld::Request(fmt::format("s{}", i % scenario.systems), fmt::format("u{}", i)));
      ActionRequest& request = requests.back();
      request.account = fmt::format("a{}", i / 2 % 2);
      request.order = static_cast<uint32_t>(i);
      request.action.reasons.front().finding_id = fmt::format("finding-{}", i % 3);
      if (random.Below(5) == 0)
        world.Target(request.action.target.system, request.action.target.id).is_present = false;
      if (random.Below(6) == 0) world.protected_keys.insert(request.action.key);
      if (random.Below(6) == 0) world.ended_keys.insert(request.action.key);
      if (use_random.Below(8) == 0) {
        world.Target(request.action.target.system, request.action.target.id).last_used =
            Instant{world.clock.Now().micros + 1};
      }
      if (!scenario.with_rollback) continue;
      // Of one stage or of both; now and then another policy that keeps lets it go as well, or
      // wants it as it is once it is done.
      request.on_failure = random.Below(6) == 0 ? OnFailure::kKeep : OnFailure::kRollback;
      request.rollback_groups = {fmt::format("stage {}", i % 2)};
      if (random.Below(4) == 0) request.rollback_groups = {"stage 0", "stage 1"};
      if (random.Below(5) == 0) world.wanted_keys.insert(request.action.key);
    }
  }

  // One process: plans what is not planned yet and runs until all is over or the store "crashes".
  // Whether it came to its end.
  bool Live() {
    auto journal = Journal::Open(world.store.values, world.store, world.clock);
    REQUIRE(journal.ok());
    std::vector<ActionRequest> missing;
    for (const ActionRequest& request : requests) {
      if (!(*journal)->Find(request.action.key).value()) missing.push_back(request);
    }
    if (!(*journal)->Plan(missing, "test").ok()) return false;
    return Run(**journal);
  }
  // A person, who has a stage carried out again, listed what of it is not done; then as Live.
  bool TryAgain(const std::string& stage) {
    auto journal = Journal::Open(world.store.values, world.store, world.clock);
    REQUIRE(journal.ok());
    const std::vector<ActionRequest> before = requests;
    std::vector<ActionRequest> listed;
    std::set<std::string> again;
    for (ActionRequest& request : requests) {
      const auto& groups = request.rollback_groups;
      if (std::find(groups.begin(), groups.end(), stage) == groups.end()) continue;
      const auto last = (*journal)->Latest(request.wanted_key).value();
      // What is done, as far as anybody has seen, no plan lists; what is being undone was done.
      if (last->state == ActionState::kVerified || (last->is_undo && !NeedsPerson(*last))) continue;
      request.action.episode = Journal::EpisodeAfter(last);
      request.action.key = last->action.key;
      if (request.action.episode != last->action.episode) {
        request.action.key = fmt::format("{}#{}", request.wanted_key, request.action.episode);
        for (auto* keys : {&world.protected_keys, &world.ended_keys, &world.wanted_keys}) {
          if (keys->contains(last->action.key)) keys->insert(request.action.key);
        }
      }
      listed.push_back(request);
      again.insert(groups.begin(), groups.end());
    }
    if ((*journal)->Plan(listed, "person", again).ok()) return Run(**journal);
    // What was not handed over is nobody's wish any more: no other run begins it.
    const auto left = world.OpenJournal();
    for (size_t i = 0; i < requests.size(); ++i) {
      if (!left->Find(requests[i].action.key).value()) requests[i] = before[i];
    }
    return false;
  }
  bool Run(Journal& journal) {
    RunOptions options;
    options.patience = patience;
    options.wave_actions = scenario_.wave_actions;
    return world.Run(journal, options).ok();
  }
  bool IsRolledBack(const std::string& stage) const {
    return world.store.values.values.contains(JournalKey(kRollbackPrefix, GroupName(stage)));
  }

  void CheckEnd() {
    const auto journal = world.OpenJournal();
    std::set<std::string> with_person;  // stages
    for (const ActionRequest& request : requests) {
      const auto entry = journal->Find(request.action.key).value();
      REQUIRE(entry.has_value());
      const ActionState state = entry->state;
      const SimulatedTarget& target =
          world.Target(request.action.target.system, request.action.target.id);
      INFO(request.action.key << " is " << ActionStateName(state));
      // INVARIANT 1: a terminal state, or held by the gate.
      CHECK((IsTerminal(state) || state == ActionState::kHeld));
      // INVARIANT 4: what the journal says is what the target says.
      if (state == ActionState::kVerified) CHECK_FALSE(target.is_present);
      if (state == ActionState::kCompensated) CHECK(target.is_present);
      if (state == ActionState::kWithdrawn || state == ActionState::kHeld) {
        CHECK(target.effect_count == target.undo_count);
      }
      CHECK(target.effect_count - target.undo_count <= 1);
      const bool is_vetoed = world.protected_keys.contains(request.action.key) ||
                             world.ended_keys.contains(request.action.key);
      if (is_vetoed) CHECK(target.effect_count == 0);
      // What it was left out of when that was rolled back is about it no more.
      const auto& groups = entry->rollback_groups;
      if (NeedsPerson(*entry)) with_person.insert(groups.begin(), groups.end());
      const bool are_rolled_back =
          !groups.empty() && std::all_of(groups.begin(), groups.end(),
                                         [&](const auto& group) { return IsRolledBack(group); });
      const bool is_kept =
          request.on_failure == OnFailure::kKeep || world.wanted_keys.contains(request.action.key);
      // A stage that failed keeps nothing that it has done itself, but for what others want so,
      // too.
      if (are_rolled_back && !is_kept) {
        CHECK_FALSE((state == ActionState::kVerified && entry->has_effect));
      }
      const int undo_count = target.undo_count - undone_before[request.wanted_key];
      if (is_kept || !are_rolled_back) CHECK(undo_count == 0);
    }
    // A stage that failed is left to a person, whatever has become of what failed in it.
    for (const std::string stage : {"stage 0", "stage 1"}) {
      if (IsRolledBack(stage)) CHECK_MESSAGE(with_person.contains(stage), stage);
    }
  }

  const Scenario scenario_;
  SimulatedWorld world;
  std::vector<ActionRequest> requests;
  std::map<std::string, int> undone_before;  // by wanted state: before a person tried again
  Duration patience{30 * kMicrosPerDay};
};

// How many writes a life without a crash takes.
uint64_t CommitsOf(const Scenario& scenario) {
  Simulation simulation(scenario);
  REQUIRE(simulation.Live());
  simulation.CheckEnd();
  return simulation.world.store.commit_count;
}

void CrashEverywhereTwice(const Scenario& scenario) {
  const uint64_t commits = CommitsOf(scenario);
  REQUIRE(commits >= 2);  // the plan, and at least one step
  uint64_t lives = 0;
  for (const Crash mode : {Crash::kBefore, Crash::kAfter}) {
    for (uint64_t first = 1; first <= commits; ++first) {
      for (uint64_t second = 1; second <= commits; second += scenario.fault_percent > 0 ? 3 : 1) {
        INFO("seed " << scenario.seed << " crash at " << first << " and " << second);
        Simulation simulation(scenario);
        simulation.world.store.CrashAt(first, mode);
        CHECK_FALSE(simulation.Live());
        simulation.world.clock.Advance({kMicrosPerMinute});
        simulation.world.store.CrashAt(second, mode);
        const bool is_over = simulation.Live();
        simulation.world.store.CrashAt(0, Crash::kNever);
        if (!is_over) REQUIRE(simulation.Live());
        simulation.CheckEnd();
        ++lives;
        if (is_over) break;  // later crashes of the recovery never come
      }
    }
  }
  CHECK(lives >= 2 * commits);
}

TEST_CASE("KilledAtEveryWriteTwiceAllIsWell") { CrashEverywhereTwice({.seed = 1}); }

TEST_CASE("KilledAtEveryWriteTwiceOneActionAtATime") {
  CrashEverywhereTwice({.seed = 2, .actions = 4, .wave_actions = 1});
}

TEST_CASE("KilledAtEveryWriteTwiceAmongFaults") {
  for (uint64_t round = 0; round < 4; ++round) {
    const uint64_t seed = TestSeed() % 1'000'000 + round;
    CrashEverywhereTwice({.seed = seed, .fault_percent = 30, .actions = 4});
  }
}

TEST_CASE("KilledAtEveryWriteTwiceWhileRollingBack") {
  for (uint64_t round = 0; round < 4; ++round) {
    const uint64_t seed = TestSeed() % 1'000'000 + round;
    CrashEverywhereTwice({.seed = seed, .fault_percent = 25, .actions = 5, .with_rollback = true});
  }
}

// A world made from the seed, and the processes that live in it one after the other.
void EndsWell(uint64_t seed) {
  Scenario scenario;
  scenario.seed = seed;
  SeededRandom random(scenario.seed);
  scenario.fault_percent = random.Below(60);
  scenario.systems = 1 + static_cast<int>(random.Below(4));
  scenario.actions = 1 + static_cast<int>(random.Below(25));
  scenario.with_rollback = random.Below(2) == 1;
  scenario.wave_actions = 1 + static_cast<uint32_t>(random.Below(8));
  INFO("seed " << scenario.seed);
  Simulation simulation(scenario);
  for (int life = 0; life < 50; ++life) {
    simulation.world.store.CrashAt(1 + random.Below(40),
                                   random.Below(2) == 0 ? Crash::kBefore : Crash::kAfter);
    if (simulation.Live()) break;
    // The clock may jump while nobody looks.
    const int64_t jumps[] = {0, kMicrosPerHour, -kMicrosPerHour, 3650 * kMicrosPerDay};
    simulation.world.clock.SetWall({simulation.world.clock.Now().micros + jumps[random.Below(4)]});
  }
  simulation.world.store.CrashAt(0, Crash::kNever);
  REQUIRE(simulation.Live());
  simulation.CheckEnd();
}

TEST_CASE("RandomWorldsEndWell") {
  for (uint64_t round = 0; round < 300; ++round) EndsWell(TestSeed() % 1'000'000'000 + round);
}

// Rollbacks that are cut off, or wait for a retry, when a person has the stage carried out again.
// Whether there were any.
bool EndsWellWithAPerson(uint64_t seed) {
  Scenario scenario;
  scenario.seed = seed;
  SeededRandom random(scenario.seed);
  scenario.fault_percent = 20 + random.Below(50);
  scenario.actions = 2 + static_cast<int>(random.Below(8));
  scenario.with_rollback = true;
  scenario.wave_actions = 1 + static_cast<uint32_t>(random.Below(8));
  INFO("seed " << scenario.seed);
  Simulation simulation(scenario);
  SimulatedWorld& world = simulation.world;
  simulation.patience = {static_cast<int64_t>(random.Below(2)) * 20 * kMicrosPerSecond};
  bool had_undos = false;
  REQUIRE(simulation.Live());
  for (uint64_t times = 1 + random.Below(3); times > 0; --times) {
    world.clock.Advance({static_cast<int64_t>(random.Below(20)) * kMicrosPerMinute});
    const auto undos = world.OpenJournal()->ListUndos().value();
    had_undos |= !undos.empty();
    const std::string stage = fmt::format("stage {}", random.Below(2));
    // What failed is mended, or not.
    if (random.Below(2) == 0) world.fault_percent = 0;
    for (const ActionRequest& request : simulation.requests) {
      const auto& target = world.Target(request.action.target.system, request.action.target.id);
      simulation.undone_before[request.wanted_key] = target.undo_count;
    }
    world.store.CrashAt(1 + random.Below(8), random.Below(2) == 0 ? Crash::kBefore : Crash::kAfter);
    const bool is_over = simulation.TryAgain(stage);
    world.store.CrashAt(0, Crash::kNever);
    if (!is_over) REQUIRE(simulation.Live());
  }
  simulation.patience = {30 * kMicrosPerDay};
  REQUIRE(simulation.Live());
  simulation.CheckEnd();
  return had_undos;
}

TEST_CASE("StagesThatAPersonTriesAgainEndWell") {
  int with_undos = 0;
  for (uint64_t round = 0; round < 300; ++round) {
    with_undos += EndsWellWithAPerson(TestSeed() % 1'000'000'000 + round) ? 1 : 0;
  }
  CHECK(with_undos > 0);
}

TEST_CASE("WorldsThatEndedBadlyOnceEndWell") {
  // Of two stages that were rolled back one was carried out again: what both have let go was given
  // back for the other one's sake.
  EndsWellWithAPerson(61604786);
  // Two looks at what was undone failed in one phase, and each gave up what was still queued.
  EndsWell(261340472);
}

TEST_CASE("EveryTransitionHasItsLeafAndCheckpointsStayConsistent") {
  for (uint64_t round = 0; round < 10; ++round) {
    Scenario scenario;
    scenario.seed = TestSeed() % 1'000'000 + round;
    scenario.fault_percent = 20;
    INFO("seed " << scenario.seed);
    Simulation simulation(scenario);
    SimulatedStore& store = simulation.world.store;
    AuditFixture fixture;
    std::unique_ptr<AuditLog> log;
    store.extra = [&](KeyValueBatch& batch, std::span<const Transition> transitions) {
      for (const Transition& transition : transitions) {
        AuditEvent event = Step(transition.entry.action.key);
        event.from_state = ActionStateName(transition.from);
        event.to_state = ActionStateName(transition.entry.state);
        REQUIRE(log->Append(event, batch).ok());
      }
      log->Committed();
    };
    SeededRandom random(scenario.seed);
    bool is_over = false;
    for (int life = 0; life < 60 && !is_over; ++life) {
      auto opened = AuditLog::Open({store.values, fixture.files, fixture.clock, fixture.random},
                                   {"store-1", fixture.key_file()});
      REQUIRE_MESSAGE(opened.ok(), opened.error().message);
      log = *std::move(opened);
      store.CrashAt(1 + random.Below(12), random.Below(2) == 0 ? Crash::kBefore : Crash::kAfter);
      is_over = simulation.Live();
      log->Abandoned();
      // INVARIANT 5: whatever was killed, the next checkpoint continues the last.
      KeyValueBatch batch;
      if (is_over) {
        const auto note = log->Checkpoint(batch);
        REQUIRE_MESSAGE(note.ok(), note.error().message);
      }
    }
    REQUIRE(is_over);
    CHECK(log->size() == store.history.size() + 1);
  }
}

}  // namespace
}  // namespace rescind
