// Revoking memberships and object privileges of a real PostgreSQL, and every other way to have
// them.
#include <doctest/doctest.h>

#include "tests/executors/directory_fixture.h"
#include "tests/executors/server_fixture.h"
#include "tests/support/holds.h"

namespace rescind {
namespace {

// Applies and expects that the privilege itself is gone, then gives what Verify says.
VerifyResult RevokeAndVerify(Executor& executor, const Action& action) {
  const ApplyResult applied = ObserveAndApply(executor, action);
  CHECK_MESSAGE(applied.outcome == ApplyOutcome::kApplied, applied.detail);
  CHECK(MustObserve(executor, action).in_wanted_state);
  return executor.Verify(action);
}

TEST_CASE("ARevokedMembershipIsGoneAndComesBackAsItWas") {
  ServerFixture server;
  const auto executor = server.Make();
  const std::string bystander = "bystander" + Unique();
  server.AddRole(bystander);
  for (const std::string& name : HostileRoleNames()) {
    CAPTURE(name);
    const std::string group = name.substr(0, name.size() < 50 ? name.size() : 50) + "g";
    const std::string quoted = ServerFixture::Quoted(group);
    server.AddRole(name);
    server.AddRole(group, "NOLOGIN");
    server.Sql("GRANT " + quoted + " TO " + ServerFixture::Quoted(name) +
               " WITH ADMIN OPTION; GRANT " + quoted + " TO " + bystander);
    const auto is_member = [&](const std::string& who) {
      return server.Sql("SELECT pg_has_role(" + ServerFixture::Quoted(who, '\'') + ", " +
                        ServerFixture::Quoted(group, '\'') +
                        ", 'MEMBER WITH ADMIN OPTION'), pg_has_role(" +
                        ServerFixture::Quoted(who, '\'') + ", " +
                        ServerFixture::Quoted(group, '\'') + ", 'MEMBER')");
    };
    const Action action = ServerFixture::OnGrant(name, group);
    const TargetState before = MustObserve(*executor, action);
    CHECK(is_member(name) == "t|t");
    CHECK(RevokeAndVerify(*executor, action).outcome == VerifyOutcome::kVerified);
    CHECK(is_member(name) == "f|f");
    CHECK(is_member(bystander) == "f|t");
    CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kAlready);
    CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
    CHECK(is_member(name) == "t|t");
    CHECK(MustObserve(*executor, action).digest == before.digest);
  }
}

TEST_CASE("AMembershipThroughAnotherRoleIsReported") {
  ServerFixture server;
  const std::string number = Unique();
  const std::string ann = "ann" + number;
  const std::string group = "readers" + number;
  const std::string middle = "staff" + number;
  const std::string outer = "everybody" + number;
  server.AddRole(ann);
  for (const std::string& role : {group, middle, outer}) server.AddRole(role, "NOLOGIN");
  server.Sql("GRANT " + group + " TO " + ann + ", " + middle + "; GRANT " + middle + " TO " +
             outer + "; GRANT " + outer + " TO " + ann);
  const auto executor = server.Make();
  const Action action = ServerFixture::OnGrant(ann, group);
  const VerifyResult verified = RevokeAndVerify(*executor, action);
  CHECK(verified.outcome == VerifyOutcome::kStillEffective);
  CHECK_MESSAGE(Holds(verified.via, middle), verified.via);
  server.Sql("REVOKE " + outer + " FROM " + ann);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  server.Sql("ALTER ROLE " + ann + " SUPERUSER");
  CHECK(executor->Verify(action).via == "being a superuser");
}

TEST_CASE("AMembershipThatWasGrantedOnIsRevokedForTheMemberAlone") {
  ServerFixture server;
  const std::string number = Unique();
  const std::string ann = "ann" + number;
  const std::string ben = "ben" + number;
  const std::string group = "readers" + number;
  server.AddRole(ann);
  server.AddRole(ben);
  server.AddRole(group, "NOLOGIN");
  server.Sql("GRANT " + group + " TO " + ann + " WITH ADMIN OPTION; SET ROLE " + ann + "; GRANT " +
             group + " TO " + ben);
  const auto executor = server.Make();
  const ApplyResult applied = ObserveAndApply(*executor, ServerFixture::OnGrant(ann, group));
  // Since PostgreSQL 16 ben's membership hangs on ann's, and nobody asked for ben's.
  const bool plain = applied.outcome == ApplyOutcome::kApplied;
  const bool refused = applied.outcome == ApplyOutcome::kPermanent;
  CHECK((plain || refused));
  CHECK(server.Sql("SELECT pg_has_role('" + ben + "', '" + group + "', 'MEMBER')") == "t");
}

TEST_CASE("RolesWhoseNamesLookLikePrivilegesCanBeNamed") {
  ServerFixture server;
  const std::string ann = "ann" + Unique();
  const std::string group = "table:a.b:SELECT " + ann;
  server.AddRole(ann);
  server.AddRole(group, "NOLOGIN");
  server.Sql("GRANT " + ServerFixture::Quoted(group) + " TO " + ann);
  const auto executor = server.Make();
  CHECK(!executor->Observe(ServerFixture::OnGrant(ann, group)).ok());
  const Action action = ServerFixture::OnGrant(ann, "role:" + group);
  CHECK(RevokeAndVerify(*executor, action).outcome == VerifyOutcome::kVerified);
}

// A table with hostile names, a sequence, a schema and a role that is given something on them.
struct Objects {
  ServerFixture server;
  std::string number = Unique();
  std::string ann = "an\"n'" + number;
  std::string schema = "my.\"schema\"" + number;
  std::string table = "pay:ments\";" + number;

  Objects() {
    server.AddRole(ann);
    server.Sql("CREATE SCHEMA " + Q(schema) + "; CREATE TABLE " + Table() +
               "(amount int, \"o\"\"dd\" int); CREATE SEQUENCE " + Q(schema) +
               ".s; GRANT USAGE ON " + "SCHEMA " + Q(schema) + " TO " + Q(ann));
  }
  ~Objects() { server.Sql("DROP SCHEMA " + Q(schema) + " CASCADE"); }
  static std::string Q(const std::string& name) { return ServerFixture::Quoted(name); }
  std::string Table() const { return Q(schema) + "." + Q(table); }
  bool Can(const std::string& privilege) {
    return server.Sql("SELECT has_any_column_privilege(" + ServerFixture::Quoted(ann, '\'') + ", " +
                      ServerFixture::Quoted(Table(), '\'') + ", '" + privilege + "')") == "t";
  }
  Action OnTable(const std::string& privileges) const {
    return ServerFixture::OnGrant(ann, "table:" + Q(schema) + "." + Q(table) + ":" + privileges);
  }
};

TEST_CASE("APrivilegeOnATableGoesWithItsColumnsAndComesBack") {
  Objects objects;
  objects.server.Sql("GRANT SELECT, INSERT ON " + objects.Table() + " TO " +
                     Objects::Q(objects.ann) +
                     " WITH GRANT OPTION; GRANT UPDATE (\"o\"\"dd\") ON " + objects.Table() +
                     " TO " + Objects::Q(objects.ann));
  const auto executor = objects.server.Make();
  const Action action = objects.OnTable("SELECT,UPDATE");
  const TargetState before = MustObserve(*executor, action);
  CHECK(objects.Can("SELECT"));
  CHECK(objects.Can("UPDATE"));
  const VerifyResult verified = RevokeAndVerify(*executor, action);
  CHECK_MESSAGE(verified.outcome == VerifyOutcome::kVerified, verified.via);
  CHECK(!objects.Can("SELECT"));
  CHECK(!objects.Can("UPDATE"));
  CHECK(objects.Can("INSERT"));
  const ApplyResult undone = executor->Undo(action, before.preimage);
  CHECK_MESSAGE(undone.outcome == ApplyOutcome::kApplied, undone.detail);
  CHECK(objects.Can("SELECT"));
  CHECK(objects.Can("UPDATE"));
  CHECK(MustObserve(*executor, action).digest == before.digest);
}

TEST_CASE("APrivilegeGivenBySomebodyElseThanTheOwnerIsRevokedToo") {
  Objects objects;
  const std::string lead = "lead" + objects.number;
  objects.server.AddRole(lead);
  objects.server.Sql("GRANT USAGE ON SCHEMA " + Objects::Q(objects.schema) + " TO " + lead +
                     "; GRANT SELECT ON " + objects.Table() + " TO " + lead +
                     " WITH GRANT OPTION; GRANT SELECT ON " + objects.Table() + " TO " +
                     Objects::Q(objects.ann) + "; SET ROLE " + lead + "; GRANT SELECT ON " +
                     objects.Table() + " TO " + Objects::Q(objects.ann));
  const auto executor = objects.server.Make();
  const VerifyResult verified = RevokeAndVerify(*executor, objects.OnTable("SELECT"));
  CHECK(verified.outcome == VerifyOutcome::kVerified);
  CHECK(!objects.Can("SELECT"));
}

TEST_CASE("EveryOtherWayToAPrivilegeIsReported") {
  Objects objects;
  const std::string ann = Objects::Q(objects.ann);
  const std::string group = "group" + objects.number;
  objects.server.AddRole(group, "NOLOGIN");
  objects.server.Sql("GRANT SELECT ON " + objects.Table() + " TO " + ann);
  const auto executor = objects.server.Make();
  const Action action = objects.OnTable("SELECT");
  CHECK(RevokeAndVerify(*executor, action).outcome == VerifyOutcome::kVerified);
  struct Way {
    std::string give;
    std::string take;
    std::string via;
  };
  const std::string table = objects.Table();
  const Way ways[] = {
      {"GRANT SELECT ON " + table + " TO PUBLIC", "REVOKE SELECT ON " + table + " FROM PUBLIC",
       "PUBLIC"},
      {"GRANT SELECT ON " + table + " TO " + group + "; GRANT " + group + " TO " + ann,
       "REVOKE " + group + " FROM " + ann, "the role \"" + group + "\""},
      {"ALTER ROLE " + ann + " NOINHERIT; GRANT " + group + " TO " + ann,
       "REVOKE " + group + " FROM " + ann, "the role \"" + group + "\""},
      {"GRANT SELECT (amount) ON " + table + " TO PUBLIC",
       "REVOKE SELECT (amount) ON " + table + " FROM PUBLIC", "(column \"amount\")"},
      {"ALTER TABLE " + table + " OWNER TO " + ann, "ALTER TABLE " + table + " OWNER TO admin",
       "owning it"},
      {"ALTER ROLE " + ann + " SUPERUSER", "ALTER ROLE " + ann + " NOSUPERUSER",
       "being a superuser"},
      {"GRANT pg_read_all_data TO " + ann, "REVOKE pg_read_all_data FROM " + ann,
       "the role \"pg_read_all_data\""},
  };
  for (const Way& way : ways) {
    CAPTURE(way.give);
    objects.server.Sql(way.give);
    // An owner's own privileges stand in the access list: they are revoked first.
    if (way.via == "owning it") ObserveAndApply(*executor, action);
    const VerifyResult verified = executor->Verify(action);
    CHECK(verified.outcome == VerifyOutcome::kStillEffective);
    CHECK_MESSAGE(Holds(verified.via, way.via), verified.via);
    objects.server.Sql(way.take);
    const VerifyResult after = executor->Verify(action);
    CHECK_MESSAGE(after.outcome == VerifyOutcome::kVerified, after.via);
  }
}

TEST_CASE("PrivilegesOnSchemasSequencesAndDatabasesAreRevoked") {
  Objects objects;
  const std::string database = objects.server.AddDatabase();
  const std::string ann = Objects::Q(objects.ann);
  objects.server.Sql("GRANT USAGE ON SEQUENCE " + Objects::Q(objects.schema) + ".s TO " + ann +
                     "; GRANT CREATE, CONNECT ON DATABASE " + database + " TO " + ann);
  const auto executor = objects.server.Make();
  for (const std::string& entitlement :
       {"sequence:" + Objects::Q(objects.schema) + ".s:usage",
        "schema:" + Objects::Q(objects.schema) + ":USAGE", "database:" + database + ":CREATE"}) {
    CAPTURE(entitlement);
    const Action action = ServerFixture::OnGrant(objects.ann, entitlement);
    const TargetState before = MustObserve(*executor, action);
    CHECK(!before.in_wanted_state);
    CHECK(RevokeAndVerify(*executor, action).outcome == VerifyOutcome::kVerified);
    CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
    CHECK(MustObserve(*executor, action).digest == before.digest);
    CHECK(RevokeAndVerify(*executor, action).outcome == VerifyOutcome::kVerified);
  }
  // Everybody may connect to a database unless PUBLIC may not: a trap worth an alarm.
  const VerifyResult connect = RevokeAndVerify(
      *executor, ServerFixture::OnGrant(objects.ann, "database:" + database + ":CONNECT"));
  CHECK(connect.outcome == VerifyOutcome::kStillEffective);
  CHECK(Holds(connect.via, "PUBLIC"));
}

TEST_CASE("AnObjectThatDoesNotExistGivesNothing") {
  Objects objects;
  const auto executor = objects.server.Make();
  const Action action = ServerFixture::OnGrant(objects.ann, "table:public.nothing:SELECT");
  CHECK(MustObserve(*executor, action).in_wanted_state);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
}

TEST_CASE("APrivilegeGrantedOnIsNotTakenFromOthers") {
  Objects objects;
  const std::string ben = "ben" + objects.number;
  objects.server.AddRole(ben);
  objects.server.Sql("GRANT SELECT ON " + objects.Table() + " TO " + Objects::Q(objects.ann) +
                     " WITH GRANT OPTION; SET ROLE " + Objects::Q(objects.ann) +
                     "; GRANT SELECT ON " + objects.Table() + " TO " + ben);
  const auto executor = objects.server.Make();
  const ApplyResult applied = ObserveAndApply(*executor, objects.OnTable("SELECT"));
  CHECK(applied.outcome == ApplyOutcome::kPermanent);
  CHECK_MESSAGE(Holds(applied.detail, "2BP01"), applied.detail);
  CHECK(objects.Can("SELECT"));
}

}  // namespace
}  // namespace rescind
