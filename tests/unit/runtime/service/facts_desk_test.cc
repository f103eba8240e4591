#include "runtime/service/facts_desk.h"

#include <doctest/doctest.h>

#include "tests/unit/runtime/service/feed_store.h"

namespace rescind {
namespace {

struct FactsFixture {
  FactsFixture() {
    store.facts = &facts;
    facts.Live("identity", "ann").Set("status", "active");
  }
  FactsReport Check(uint32_t listed_count = 10) {
    auto report = CheckFacts(store, workspace, declared, now, listed_count);
    REQUIRE(report.ok());
    return *std::move(report);
  }
  void Deliver(const char* source, EntityId entity, Instant at, bool complete) {
    SourceStatus status;
    status.source = source;
    status.entity = entity;
    status.claimed_rows = 1;
    status.observed_at = status.committed_at = at;
    if (complete) status.snapshot_observed_at = at;
    store.sources.push_back(status);
  }

  Instant now = *ParseInstant("2026-04-01T00:00Z");
  FactBaseBuilder facts{std::make_shared<Schema>(FeedModel())};
  FeedStore store;
  Workspace workspace;
  DeclaredSources declared;
};

TEST_CASE_FIXTURE(FactsFixture, "WholeFactsAreOk") {
  facts.Live("account", "a").Set("owner", "ann");
  facts.Remove("identity", "bob");
  const FactsReport report = Check();
  CHECK(report.ok());
  REQUIRE(report.entities.size() == 2);
  CHECK(report.entities[0].live == 1);
  CHECK(report.entities[0].removed == 1);
}

TEST_CASE_FIXTURE(FactsFixture, "UnseenRowsSayWhoNamesThem") {
  facts.Live("account", "a").Set("owner", "ghost");
  facts.Live("identity", "cy").Set("status", "active").Set("manager", "boss");
  const FactsReport report = Check();
  CHECK_FALSE(report.ok());
  REQUIRE(report.unseen.size() == 2);
  CHECK(report.unseen[0].id == "ghost");
  CHECK(report.unseen[0].named_by == "account a, `owner`");
  CHECK(report.unseen[1].named_by == "identity cy, `manager`");
  REQUIRE(report.incomplete.size() == 1);
  CHECK(report.incomplete[0].why ==
        "`owner` names identity ghost, which was never listed by a feed");
  CHECK(Check(1).unseen.size() == 1);
  CHECK(Check(1).entities[0].unseen == 2);
}

TEST_CASE_FIXTURE(FactsFixture, "IncompleteRowsSayWhy") {
  facts.Live("identity", "gap").Set("name", "Gap");
  facts.Live("account", "none");
  facts.Remove("identity", "old");
  facts.Live("account", "orphan").Set("owner", "old");
  const FactsReport report = Check();
  REQUIRE(report.incomplete.size() == 3);
  CHECK(report.incomplete[0].why == "`status` was never given");
  CHECK(report.incomplete[1].why == "`owner` was never given");
  CHECK(report.incomplete[2].why == "`owner` names identity old, which is removed");
  CHECK(report.entities[0].incomplete == 1);
  CHECK(report.entities[1].incomplete == 2);
}

TEST_CASE_FIXTURE(FactsFixture, "SourcesThatStoppedOrNeverCameAreLacking") {
  workspace.sources["hr"].entities = {"identity"};
  workspace.sources["hr"].max_age = Duration{kMicrosPerDay};
  declared[EntityId(0)] = {"hr"};
  CHECK_FALSE(Check().ok());
  Deliver("hr", EntityId(0), {now.micros - kMicrosPerDay}, false);
  Deliver("other", EntityId(1), {0}, false);
  FactsReport report = Check();
  CHECK_FALSE(report.ok());
  CHECK_FALSE(report.sources[0].is_stale);
  CHECK_FALSE(report.sources[1].is_declared);
  store.sources[0].snapshot_observed_at = store.sources[0].observed_at;
  // Exactly max_age old is fresh enough, and what nobody declared lacks nothing.
  CHECK(Check().ok());
  now.micros += 1;
  report = Check();
  CHECK(report.sources[0].is_stale);
  CHECK_FALSE(report.ok());
}

// `facts show` loaded the lives of all rows anew for each reference that no feed had listed.
TEST_CASE_FIXTURE(FactsFixture, "WhatARowNamesIsLookedUpInOneLoadOfAllRows") {
  const EntityId identity(0);
  declared[identity] = {"hr"};
  RowDesk desk(store, declared);
  for (const char* id : {"boss", "deputy"}) {
    RowFacts named;
    named.row = facts.Mention("identity", id).id();
    named.id = id;
    store.shown[{identity.index(), id}] = named;
  }
  for (const char* id : {"boss", "deputy"}) {
    RowFacts ann;
    RowFacts::Field& field = ann.fields.emplace_back();
    field.name = "manager";
    field.known = true;
    field.value = id;
    const auto remarks = desk.RemarkReferences(identity, ann);
    REQUIRE(remarks.ok());
    CHECK(remarks->at("manager") == "not delivered yet");
    CHECK(store.load_count == 1);
  }
}

}  // namespace
}  // namespace rescind
