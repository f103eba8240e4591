// Disabling accounts and revoking passwords of a real PostgreSQL.
#include <doctest/doctest.h>

#include <cstdio>

#include "tests/executors/directory_fixture.h"
#include "tests/executors/server_fixture.h"
#include "tests/support/holds.h"

namespace rescind {
namespace {

TEST_CASE("ADisabledRoleCannotLogInAndTheProbeProvesIt") {
  ServerFixture server;
  const std::string name = "ann" + Unique();
  server.AddRole(name);
  server.AddProbe(name);
  const auto executor = server.Make();
  const Action action = ServerFixture::OnAccount(Verb::kDisable, name);
  const TargetState before = MustObserve(*executor, action);
  CHECK(before.exists);
  CHECK(!before.in_wanted_state);
  CHECK(server.CanLogIn(name));
  const VerifyResult early = executor->Verify(action);
  CHECK(early.outcome == VerifyOutcome::kStillEffective);

  const ApplyResult applied = executor->Apply(action, before.digest, 1);
  CHECK_MESSAGE(applied.outcome == ApplyOutcome::kApplied, applied.detail);
  CHECK(!server.CanLogIn(name));
  const VerifyResult verified = executor->Verify(action);
  CHECK_MESSAGE(verified.outcome == VerifyOutcome::kVerified, verified.evidence);
  CHECK_MESSAGE(Holds(verified.evidence, "28000"), verified.evidence);
  CHECK(Holds(verified.evidence, "is not permitted to log in"));
  CHECK(!Holds(verified.evidence, "secret-"));

  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kAlready);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
  CHECK(server.CanLogIn(name));
  CHECK(MustObserve(*executor, action).digest == before.digest);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kAlready);
}

TEST_CASE("HostileRoleNamesAreDisabledAndNothingElseIs") {
  ServerFixture server;
  const std::string bystander = "bystander" + Unique();
  server.AddRole(bystander);
  const auto executor = server.Make();
  for (const std::string& name : HostileRoleNames()) {
    CAPTURE(name);
    server.AddRole(name);
    for (const Verb verb : {Verb::kDisable, Verb::kSuspend}) {
      const Action action = ServerFixture::OnAccount(verb, name);
      const TargetState before = MustObserve(*executor, action);
      REQUIRE(before.exists);
      const ApplyResult applied = executor->Apply(action, before.digest, 1);
      CHECK_MESSAGE(applied.outcome == ApplyOutcome::kApplied, applied.detail);
      CHECK(!server.CanLogIn(name));
      CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
      CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
      CHECK(server.CanLogIn(name));
    }
  }
  CHECK(server.CanLogIn(bystander));
}

TEST_CASE("ARoleThatDoesNotExistHasNoAccessLeft") {
  ServerFixture server;
  const std::string name = "nobody" + Unique();
  const auto executor = server.Make();
  for (const Verb verb : {Verb::kDisable, Verb::kSuspend, Verb::kDelete, Verb::kEnd}) {
    const Action action = ServerFixture::OnAccount(verb, name);
    const TargetState state = MustObserve(*executor, action);
    CHECK(!state.exists);
    CHECK(state.in_wanted_state);
    CHECK(executor->Apply(action, state.digest, 1).outcome == ApplyOutcome::kAlready);
    CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  }
  for (const Action& action :
       {ServerFixture::OnGrant(name, "nothing"), ServerFixture::OnPassword(name),
        ServerFixture::OnGrant(name, "table:public.nothing:SELECT")}) {
    CHECK(MustObserve(*executor, action).in_wanted_state);
    CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  }
}

TEST_CASE("ANameThatIsOnlyNearlyTheRolesIsNotTakenForGone") {
  ServerFixture server;
  const std::string name = "ann" + Unique();
  server.AddRole(name);
  const auto executor = server.Make();
  const auto state =
      executor->Observe(ServerFixture::OnAccount(Verb::kDisable, "Ann" + name.substr(3)));
  REQUIRE(!state.ok());
  CHECK(state.error().kind == ErrorKind::kInvalidInput);
  CHECK(Holds(state.error().message, "but \"" + name + "\""));
  // 63 bytes are all that a role's name may have; a longer one would be cut in a statement.
  const std::string long_name = std::string(55, 'y') + "-" + name + std::string(20, 'z');
  server.AddRole(long_name.substr(0, 63));
  CHECK(!executor->Observe(ServerFixture::OnAccount(Verb::kDisable, long_name)).ok());
  CHECK(server.CanLogIn(name));
}

TEST_CASE("TheRoleThatRescindUsesIsNeverActedOn") {
  ServerFixture server;
  const auto executor = server.Make();
  for (const Action& action :
       {ServerFixture::OnAccount(Verb::kDisable, "admin"), ServerFixture::OnPassword("admin"),
        ServerFixture::OnAccount(Verb::kDelete, "admin"),
        ServerFixture::OnAccount(Verb::kEnd, "admin")}) {
    const auto state = executor->Observe(action);
    REQUIRE(!state.ok());
    CHECK(state.error().kind == ErrorKind::kInvalidInput);
    CHECK(executor->Apply(action, "", 1).outcome == ApplyOutcome::kPermanent);
  }
}

TEST_CASE("AChangedRoleIsLeftAloneUntilItIsObservedAgain") {
  ServerFixture server;
  const std::string name = "ann" + Unique();
  server.AddRole(name);
  const auto executor = server.Make();
  const Action action = ServerFixture::OnAccount(Verb::kDisable, name);
  const TargetState before = MustObserve(*executor, action);
  // Somebody else gets the name.
  server.Sql("DROP ROLE " + name);
  server.AddRole(name);
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kTransient);
  CHECK(server.CanLogIn(name));
  // Nor does an undo let the newcomer in.
  server.Sql("ALTER ROLE " + name + " NOLOGIN");
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kPermanent);
  CHECK(!server.CanLogIn(name));
}

TEST_CASE("AnUndoRefusesAPreimageThatIsNotItsOwn") {
  ServerFixture server;
  const std::string name = "ann" + Unique();
  server.AddRole(name, "NOLOGIN");
  const auto executor = server.Make();
  for (const char* preimage : {"", "{}", "[]", "{\"can_login\":true}", "{\"oid\":7}"}) {
    const auto undone = executor->Undo(ServerFixture::OnAccount(Verb::kDisable, name), preimage);
    CHECK(undone.outcome == ApplyOutcome::kPermanent);
  }
}

TEST_CASE("ValidUntilInThePastIsNotTakenForDisabled") {
  ServerFixture server;
  const std::string name = "ann" + Unique();
  server.AddRole(name, "LOGIN VALID UNTIL '2001-01-01'");
  const auto executor = server.Make();
  const Action action = ServerFixture::OnAccount(Verb::kDisable, name);
  CHECK(!MustObserve(*executor, action).in_wanted_state);
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(server.Sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = '" + name + "'") == "f");
}

TEST_CASE("ARevokedPasswordNoLongerLetsIn") {
  ServerFixture server;
  const auto executor = server.Make();
  for (const std::string& name : HostileRoleNames()) {
    CAPTURE(name);
    server.AddRole(name);
    server.AddProbe(name.find('/') == std::string::npos ? name : "unused");
    const Action action = ServerFixture::OnPassword(name);
    CHECK(executor->Verify(action).outcome == VerifyOutcome::kStillEffective);
    CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
    CHECK(!server.CanLogIn(name));
    const VerifyResult verified = executor->Verify(action);
    CHECK_MESSAGE(verified.outcome == VerifyOutcome::kVerified, verified.evidence);
    CHECK(executor->Undo(action, "{}").outcome == ApplyOutcome::kPermanent);
  }
}

TEST_CASE("APasswordMadeToExpireCanBeMadeValidAgain") {
  ServerFixture server;
  const std::string name = "ann" + Unique();
  server.AddRole(name, "LOGIN VALID UNTIL '2099-01-01'");
  auto settings = server.Settings();
  settings["password"] = std::string("expire");
  const auto executor = ServerFixture::Make(settings);
  const Action action = ServerFixture::OnPassword(name);
  const TargetState before = MustObserve(*executor, action);
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kApplied);
  CHECK(!server.CanLogIn(name));
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
  CHECK(server.CanLogIn(name));
  CHECK(MustObserve(*executor, action).digest == before.digest);
}

TEST_CASE("OnlyPasswordsAreRevokedAndOthersAreSaidToBeUnsupported") {
  ServerFixture server;
  Action action = ServerFixture::OnPassword("ann");
  action.target.attributes["kind"] = "api_key";
  const auto state = server.Make()->Observe(action);
  REQUIRE(!state.ok());
  CHECK(state.error().kind == ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace rescind
