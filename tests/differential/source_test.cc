// Random policy text on random facts: the checker takes all of it, and what it means is the same
// to the sweep, to the reference evaluator and to an interpreter of the typed tree.
//
// A world that failed prints its seed and, made smaller, its text; RESCIND_SOURCE_WORLD=<seed>
// runs it alone. What was once found stands at the end, as text: seeds mean something else as soon
// as a generator changes.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <string>

#include "tests/differential/source_world.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

#ifdef RESCIND_SANITIZED
constexpr uint64_t kWorldCount = 40;
#elif defined(NDEBUG)
constexpr uint64_t kWorldCount = 1000;
#else
constexpr uint64_t kWorldCount = 100;
#endif

constexpr size_t kMaxReports = 5;

void Report(const SourceWorld& world, const SourceTrouble& trouble) {
  const SourceWorld small = Shrink(world, trouble);
  const SourceTrouble again = FindTrouble(small);
  std::string files;
  for (const auto& [path, text] : small.files) files += "\n-- " + path + "\n" + text;
  FAIL_CHECK("RESCIND_SOURCE_WORLD=" << world.seed << ": " << again.kind << "\n"
                                     << again.detail << "\n-- of its rows, left out: "
                                     << small.left_out.size() << "\n-- the text\n"
                                     << small.Text() << files);
}

TEST_CASE("TextMeansWhatTheLanguageSays") {
  eval::Variety variety;
  const uint64_t only = eval::NumberFromEnvironment("RESCIND_SOURCE_WORLD", 0);
  const uint64_t count =
      only > 0 ? 1 : eval::NumberFromEnvironment("RESCIND_SOURCE_WORLDS", kWorldCount);
  RandomChoice seeds(TestSeed());
  std::map<std::string, uint64_t> troubles;
  uint64_t refused = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const auto seed = only > 0 ? only : static_cast<uint64_t>(seeds.Between(1, INT64_MAX - 3));
    const SourceWorld world = RandomSourceWorld(seed);
    const SourceTrouble trouble = FindTrouble(world, &variety);
    if (!trouble.found()) continue;
    // One of each kind, and not too many, are enough to read.
    if (++troubles[trouble.kind] == 1 && troubles.size() <= kMaxReports) Report(world, trouble);
    if (trouble.kind.starts_with("refused")) ++refused;
  }
  MESSAGE("refused by the checker: " << refused << " of " << count);
  CHECK(troubles.empty());
  for (const auto& [kind, times] : troubles) MESSAGE(kind << ": " << times << " of " << count);
  MESSAGE("judgements " << variety.judgement_count << ", deadlines " << variety.deadline_count);
  if (only == 0) CHECK(variety.Boredom() == "");
}

// The text over the facts of a few seeds.
void CheckText(const std::string& text) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SourceWorld world = RandomSourceWorld(seed);
    world.declarations = {{text}};
    const SourceTrouble trouble = FindTrouble(world);
    CAPTURE(seed);
    CAPTURE(trouble.detail);
    CHECK(trouble.kind == "");
  }
}

// The symptom: refused, for `r.system.owner` may be unknown.
TEST_CASE("WhatALetLeadsOverIsKnownWhereAFieldOfItIs") {
  CheckText(R"(policy n "A policy" {
    controls soc2 "CC6.2"
    for r in entitlement
    let boss = r.system.owner?.sponsor?.sponsor
    when not (boss?.contract_end is unknown or boss != r.system.owner)
    then { run "check" on r }
  })");
}

// The symptom: refused, for `has_accounts` cannot be called with `now`.
TEST_CASE("ADefineMayAskForACollectionThatItsCallerKnows") {
  CheckText(R"(define has_accounts(s: session) = s.account.owner?.accounts is known
  policy n "A policy" {
    controls soc2 "CC6.2"
    for r in session
    when r.account.owner?.contract_end is unknown or has_accounts(r)
    then { run "check" on r }
  })");
}

// The symptom: undecided, for no `p` is there: then it equals nobody.
TEST_CASE("OfTwoRowsThatAreNamedNoneThatIsNotThereEqualsAny") {
  CheckText(R"(param p : identity = "nobody"
  param q : identity = "r1"
  policy n "A policy" {
    controls soc2 "CC6.2"
    for r in entitlement
    when p == q or q == p or p == p or not (p != p) or q != q
    then { run "check" on r }
  }
  policy m "A policy" {
    controls soc2 "CC6.2"
    for r in entitlement
    when q == q and p != q and q != p and p != p
    then { run "check" on r }
  })");
}

// The symptom: an evaluation error, for `9999-12-31… + 1h` is no time: beside `now`, nobody asks.
TEST_CASE("SumsBesideNowAreExactInFoldsAndChoices") {
  CheckText(R"(entity project {
    lead : identity?
    due : date?
  }
  extend identity { projects : many project via lead }
  policy m "A policy" {
    controls soc2 "CC6.2"
    for r in identity
    let open = (q in r.projects where q.due is unknown or 2026-05-05 != today)
    let late = latest(9999-12-31T23:59:59Z + 1h for p in open)
    when late ?? now newer than 0s
    then { run "check" on r }
  })");
}

// The symptom: an error, which is what a comparison by cases may report of an undecided choice.
TEST_CASE("AnErrorBeyondAnUndecidedChoiceIsNoMatchEither") {
  CheckText(R"(protect n "A protect" {
    for r in account
    timezone "Europe/Berlin"
    let soon = (g in r.grants where today + 5 business days != 2025-12-29)
    let next = earliest(2025-12-31T23:01:12Z for g in soon)
    when 30s >= 2025-10-06T23:00Z - (next ?? 2025-12-31T22:59:31Z + 1h - 15000000w)
  })");
}

// The symptom: compilation aborted. The let that is taken apart was still bound where it stood
// again.
TEST_CASE("ALetMayStandInItselfAgain") {
  for (const char* again : {"last for w in r.account.grants where w.source == birthright",
                            "w.last_used ?? last for w in r.account.grants",
                            "last for w in r.account.grants where w.granted_at < last - 3d"}) {
    CheckText(fmt::format(R"(policy n "A policy" {{
      controls soc2 "CC6.2"
      for r in session
      let logins = (v in r.account.sessions.account where 2026-03-01 <= today)
      let last = latest(v.last_login for v in logins) ?? now
      when last != (latest({}) ?? last)
      then {{ run "check" on r }}
    }})",
                          again));
  }
}

}  // namespace
}  // namespace rescind
