// Ending sessions and deleting roles of a real PostgreSQL.
#include <doctest/doctest.h>

#include "tests/executors/directory_fixture.h"
#include "tests/executors/server_fixture.h"
#include "tests/support/holds.h"

namespace rescind {
namespace {

TEST_CASE("AllSessionsOfADisabledRoleEndAndNobodyElses") {
  ServerFixture server;
  const std::string number = Unique();
  const std::string ann = "a\"n'n\n" + number;
  const std::string ben = "ben" + number;
  server.AddRole(ann);
  server.AddRole(ben);
  const auto first = server.OpenSession(ann);
  const auto second = server.OpenSession(ann, server.AddDatabase());
  const auto other = server.OpenSession(ben);
  server.Sql("ALTER ROLE " + ServerFixture::Quoted(ann) + " NOLOGIN");
  const auto executor = server.Make();
  // The feed knew one of them; a role that is shut out loses all.
  const Action action = ServerFixture::OnSession(ann, server.BackendOf(*first));
  const TargetState before = MustObserve(*executor, action);
  CHECK(before.exists);
  CHECK(before.last_used.has_value());
  CHECK_MESSAGE(Holds(before.summary, "2 open sessions"), before.summary);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kStillEffective);
  const ApplyResult applied = executor->Apply(action, before.digest, 1);
  CHECK_MESSAGE(applied.outcome == ApplyOutcome::kApplied, applied.detail);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  CHECK(!first->IsAlive());
  CHECK(!second->IsAlive());
  CHECK(other->IsAlive());
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kAlready);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kPermanent);
}

TEST_CASE("ANamedSessionEndsAloneWhileTheRoleMayLogIn") {
  ServerFixture server;
  const std::string ann = "ann" + Unique();
  server.AddRole(ann);
  const auto named = server.OpenSession(ann);
  const auto other = server.OpenSession(ann);
  const auto executor = server.Make();
  const Action action = ServerFixture::OnSession(ann, server.BackendOf(*named));
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  CHECK(!named->IsAlive());
  CHECK(other->IsAlive());
}

TEST_CASE("AProcessIdThatCameBackIsAnotherSession") {
  ServerFixture server;
  const std::string ann = "ann" + Unique();
  server.AddRole(ann);
  const auto session = server.OpenSession(ann);
  const auto executor = server.Make();
  const Action action = ServerFixture::OnSession(
      ann, std::to_string(session->pid()) + "@2026-01-31T08:00:00.123456Z");
  CHECK(MustObserve(*executor, action).in_wanted_state);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  CHECK(session->IsAlive());
}

TEST_CASE("EndingWhatARoleHasReportsASessionThatCameBack") {
  ServerFixture server;
  const std::string ann = "ann" + Unique();
  server.AddRole(ann);
  const auto executor = server.Make();
  const Action action = ServerFixture::OnAccount(Verb::kEnd, ann);
  const auto session = server.OpenSession(ann);
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(!session->IsAlive());
  const auto again = server.OpenSession(ann);
  const VerifyResult verified = executor->Verify(action);
  CHECK(verified.outcome == VerifyOutcome::kStillEffective);
  CHECK(Holds(verified.via, "may still log in"));
}

TEST_CASE("ASessionThatOutlivesItsRoleIsEndedByItsName") {
  ServerFixture server;
  const std::string ann = "ann" + Unique();
  server.AddRole(ann);
  const auto session = server.OpenSession(ann);
  const Action action = ServerFixture::OnSession(ann, server.BackendOf(*session));
  server.Sql("DROP ROLE " + ann);
  const auto executor = server.Make();
  CHECK(!MustObserve(*executor, action).in_wanted_state);
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  CHECK(!session->IsAlive());
}

TEST_CASE("ADeletedRoleLeavesWhatItOwnedToItsHeirInEveryDatabase") {
  ServerFixture server;
  const std::string number = Unique();
  const std::string ann = "a\"n;n'" + number;
  const std::string quoted = ServerFixture::Quoted(ann);
  const std::string heir = "He\"ir" + number;
  const std::string other = "other" + number;
  server.AddRole(ann);
  server.AddRole(heir, "NOLOGIN");
  server.AddRole(other);
  const std::string databases[] = {server.AddDatabase(), server.AddDatabase()};
  for (const std::string& database : databases) {
    server.Sql(
        "CREATE TABLE kept (x int); INSERT INTO kept VALUES (7); ALTER TABLE kept OWNER TO " +
            quoted + "; CREATE TABLE others (x int); GRANT SELECT ON others TO " + quoted +
            "; GRANT SELECT ON kept TO " + other + "; ALTER DEFAULT PRIVILEGES FOR ROLE " + quoted +
            " GRANT SELECT ON TABLES TO " + other,
        database);
  }
  server.Sql("ALTER DATABASE " + databases[0] + " OWNER TO " + quoted);
  server.AddProbe(ann);
  const auto session = server.OpenSession(ann, databases[1]);
  const Action action = ServerFixture::OnAccount(Verb::kDelete, ann);

  const auto unnamed = server.Make()->Observe(action);
  REQUIRE(!unnamed.ok());
  CHECK(unnamed.error().kind == ErrorKind::kInvalidInput);
  CHECK(Holds(unnamed.error().help, "reassign_to"));

  auto settings = server.Settings();
  settings["reassign_to"] = heir;
  const auto executor = ServerFixture::Make(settings);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kStillEffective);
  const TargetState before = MustObserve(*executor, action);
  const ApplyResult applied = executor->Apply(action, before.digest, 1);
  CHECK_MESSAGE(applied.outcome == ApplyOutcome::kApplied, applied.detail);
  const VerifyResult verified = executor->Verify(action);
  CHECK_MESSAGE(verified.outcome == VerifyOutcome::kVerified, verified.evidence);
  CHECK(!server.Exists(ann));
  CHECK(!session->IsAlive());
  for (const std::string& database : databases) {
    CHECK(server.Sql("SELECT x FROM kept", database) == "7");
    CHECK(server.Sql("SELECT tableowner FROM pg_tables WHERE tablename = 'kept'", database) ==
          heir);
    CHECK(server.Sql("SELECT has_table_privilege('" + other + "', 'kept', 'SELECT')", database) ==
          "t");
  }
  CHECK(server.Sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '" +
                   databases[0] + "'") == heir);
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kAlready);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kPermanent);
}

TEST_CASE("HostileRoleNamesAreDeletedAndNothingElseIs") {
  ServerFixture server;
  const auto executor = server.Make();
  const std::string count = "SELECT count(*) FROM pg_roles";
  for (const std::string& name : HostileRoleNames()) {
    CAPTURE(name);
    const std::string before = server.Sql(count);
    server.AddRole(name);
    const Action action = ServerFixture::OnAccount(Verb::kDelete, name);
    CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
    CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
    CHECK(server.Sql(count) == before);
  }
}

TEST_CASE("ADeletionThatStopsHalfWayIsUnknownAndGoesOnLater") {
  ServerFixture server;
  const std::string ann = "ann" + Unique();
  server.AddRole(ann);
  server.AddRole(ann + "boss", "LOGIN SUPERUSER");
  const std::string database = server.AddDatabase();
  server.Sql("CREATE TABLE t (x int); GRANT SELECT ON t TO " + ann, database);
  auto settings = server.Settings();
  settings["statement_timeout"] = std::string("400ms");
  const auto executor = ServerFixture::Make(settings);
  const Action action = ServerFixture::OnAccount(Verb::kDelete, ann);
  const TargetState before = MustObserve(*executor, action);
  // Somebody changes the same access list, and DROP OWNED waits for them.
  const auto busy = server.OpenSession(ann + "boss", database);
  busy->Run("BEGIN; LOCK TABLE t; GRANT INSERT ON t TO " + ann);
  const ApplyResult applied = executor->Apply(action, before.digest, 1);
  CHECK_MESSAGE(applied.outcome == ApplyOutcome::kUnknown, applied.detail);
  CHECK(!server.CanLogIn(ann));
  CHECK(server.Exists(ann));
  busy->Run("COMMIT");
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
}

}  // namespace
}  // namespace rescind
