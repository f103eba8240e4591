#include <doctest/doctest.h>

#include <algorithm>

#include "tests/executors/directory_fixture.h"
#include "tests/support/holds.h"

namespace rescind {
namespace {

TEST_CASE("ADisabledAccountCannotBindAndAnUndoLetsItAgain") {
  DirectoryFixture directory;
  const std::string ann = "ann" + Unique();
  const std::string dn = directory.AddPerson(ann);
  directory.AddProbe(ann, "secret-" + ann);
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, ann);

  REQUIRE(directory.CanBind(dn, "secret-" + ann));
  const TargetState before = MustObserve(*executor, action);
  CHECK(before.exists);
  CHECK(!before.in_wanted_state);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kStillEffective);

  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kApplied);
  CHECK(!directory.CanBind(dn, "secret-" + ann));
  const VerifyResult proof = executor->Verify(action);
  CHECK(proof.outcome == VerifyOutcome::kVerified);
  CHECK(Holds(proof.evidence, "log-in as " + dn + ": Invalid credentials (49)"));
  CHECK(Holds(proof.evidence, "pwdAccountLockedTime=000001010000Z"));
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kAlready);

  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
  CHECK(directory.CanBind(dn, "secret-" + ann));
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kAlready);
}

TEST_CASE("ALockThatThePolicyDoesNotEnforceIsRefused") {
  // pwdAccountLockedTime is accepted by the server, and the account logs in all the same.
  DirectoryFixture directory;
  const std::string name = "soft" + Unique();
  const std::string dn = directory.AddPerson(
      name, "pwdPolicySubentry: cn=soft,ou=policies," + directory.Base() + "\n");
  directory.ModifyLdif("dn: " + dn +
                       "\nchangetype: modify\nreplace: pwdAccountLockedTime\n"
                       "pwdAccountLockedTime: 000001010000Z\n");
  REQUIRE(directory.CanBind(dn, "secret-" + name));
  const auto state = directory.Make()->Observe(DirectoryFixture::OnAccount(Verb::kDisable, name));
  REQUIRE(!state.ok());
  CHECK(state.error().kind == ErrorKind::kInvalidInput);
  CHECK(Holds(state.error().message, "has not pwdLockout TRUE"));
}

TEST_CASE("WithoutANamedPolicyEveryPolicyMustLock") {
  DirectoryFixture directory;
  const std::string name = "any" + Unique();
  directory.AddPerson(name);
  auto settings = directory.Settings();
  settings.erase("policy_dn");
  const auto state =
      DirectoryFixture::Make(settings)->Observe(DirectoryFixture::OnAccount(Verb::kDisable, name));
  REQUIRE(!state.ok());
  CHECK(Holds(state.error().message, "not certain which password policy"));
  CHECK(Holds(state.error().help, "policy_dn"));
}

TEST_CASE("AMissingPolicyIsNoPolicy") {
  DirectoryFixture directory;
  const std::string name = "none" + Unique();
  directory.AddPerson(name);
  auto settings = directory.Settings();
  settings["policy_dn"] = "cn=nothing,ou=policies," + directory.Base();
  const auto state =
      DirectoryFixture::Make(settings)->Observe(DirectoryFixture::OnAccount(Verb::kDisable, name));
  REQUIRE(!state.ok());
  CHECK(Holds(state.error().message, "does not exist"));
}

TEST_CASE("ALockForAWhileIsNotEnoughAndComesBackWithAnUndo") {
  DirectoryFixture directory;
  const std::string name = "hasty" + Unique();
  const std::string dn = directory.AddPerson(name);
  directory.ModifyLdif("dn: " + dn +
                       "\nchangetype: modify\nreplace: pwdAccountLockedTime\n"
                       "pwdAccountLockedTime: 20200101000000Z\n");
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, name);
  const TargetState before = MustObserve(*executor, action);
  CHECK(!before.in_wanted_state);
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(dn, "pwdAccountLockedTime") == std::vector<std::string>{"000001010000Z"});
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(dn, "pwdAccountLockedTime") ==
        std::vector<std::string>{"20200101000000Z"});
}

TEST_CASE("ADirectoryWithoutPasswordPoliciesSaysHowToGoOn") {
  DirectoryFixture directory("plain");
  const std::string name = "p" + Unique();
  directory.AddPerson(name);
  const auto state = directory.Make()->Observe(DirectoryFixture::OnAccount(Verb::kDisable, name));
  REQUIRE(!state.ok());
  CHECK(Holds(state.error().message, "no password policy is found"));
  CHECK(Holds(state.error().help, "`disable`"));
}

TEST_CASE("AMarkedPasswordFitsNothingAndAnUndoBringsItBack") {
  DirectoryFixture directory("plain");
  const std::string name = "marked" + Unique();
  // One password in clear, one hashed ("hashed", SHA-1 of it).
  const std::string dn =
      directory.AddPerson(name, "userPassword: {SHA}YxhVOJnarilBcYwCUIru6TivGhw=\n");
  directory.AddProbe(name, "secret-" + name);
  auto settings = directory.Settings();
  settings["disable"] = std::string("password");
  const auto executor = DirectoryFixture::Make(settings);
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, name);
  REQUIRE(directory.CanBind(dn, "hashed"));
  const auto passwords = directory.Values(dn, "userPassword");

  const TargetState before = MustObserve(*executor, action);
  CHECK(!before.in_wanted_state);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kStillEffective);
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kApplied);
  CHECK(!directory.CanBind(dn, "secret-" + name));
  CHECK(!directory.CanBind(dn, "hashed"));
  CHECK(!directory.CanBind(dn, "!rescind-plain!secret-" + name));
  CHECK(!directory.CanBind(dn, "{CRYPT}!rescind-plain!secret-" + name));
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  // Nothing that is kept holds a secret.
  const TargetState after = MustObserve(*executor, action);
  for (const std::string& kept : {before.preimage, before.summary, after.preimage, after.summary}) {
    CHECK(!Holds(kept, "secret-"));
    CHECK(!Holds(kept, "YxhVOJ"));
  }
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
  CHECK(directory.CanBind(dn, "secret-" + name));
  auto again = directory.Values(dn, "userPassword");
  std::sort(again.begin(), again.end());
  auto sorted = passwords;
  std::sort(sorted.begin(), sorted.end());
  CHECK(again == sorted);
}

TEST_CASE("AnAttributeOfTheOwnersChoiceDisables") {
  DirectoryFixture directory;
  const std::string name = "attr" + Unique();
  const std::string dn = directory.AddPerson(name, "employeeType: clerk\nemployeeType: driver\n");
  auto settings = directory.Settings();
  settings["disable"] = std::string("attribute");
  settings["disable_attribute"] = std::string("employeeType");
  settings["disable_value"] = std::string("disabled");
  const auto executor = DirectoryFixture::Make(settings);
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, name);
  const TargetState before = MustObserve(*executor, action);
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(dn, "employeeType") == std::vector<std::string>{"disabled"});
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(dn, "employeeType").size() == 2);
}

TEST_CASE("ActiveDirectoryKeepsItsOtherBits") {
  DirectoryFixture directory("ad");
  const std::string name = "ad" + Unique();
  const std::string dn = "cn=" + name + "," + directory.People();
  directory.AddLdif(
      "dn: " + dn + "\nobjectClass: user\ncn: " + name + "\nsn: x\nuserPrincipalName: " + name +
      "\ninstanceType: 4\nnTSecurityDescriptor: x\nobjectCategory: " + directory.Base() +
      "\nuserAccountControl: 66048\nlastLogonTimestamp: 133500000000000000\n");
  auto settings = directory.Settings();
  settings["disable"] = std::string("ad");
  settings["account_dn"] = "cn={username}," + directory.People();
  const auto executor = DirectoryFixture::Make(settings);
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, name);
  const TargetState before = MustObserve(*executor, action);
  CHECK(FormatInstant(before.last_used.value()).starts_with("2024-01-"));
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(dn, "userAccountControl") == std::vector<std::string>{"66050"});
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(dn, "userAccountControl") == std::vector<std::string>{"66048"});
}

TEST_CASE("AnAccountMadeAnewUnderTheSameNameIsAnotherOne") {
  DirectoryFixture directory;
  const std::string name = "twice" + Unique();
  const std::string dn = directory.AddPerson(name);
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, name);
  const TargetState before = MustObserve(*executor, action);
  directory.ModifyLdif("dn: " + dn + "\nchangetype: delete\n");
  directory.AddPerson(name);
  const ApplyResult late = executor->Apply(action, before.digest, 1);
  CHECK(late.outcome == ApplyOutcome::kTransient);
  CHECK(Holds(late.detail, "has changed"));
  CHECK(directory.CanBind(dn, "secret-" + name));
  // Nor does an undo meant for the old one enable the new one.
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kPermanent);
  CHECK(!directory.CanBind(dn, "secret-" + name));
}

TEST_CASE("AnAccountThatIsGoneNeedsNothingMore") {
  DirectoryFixture directory;
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, "nobody" + Unique());
  const TargetState state = MustObserve(*executor, action);
  CHECK(!state.exists);
  CHECK(state.in_wanted_state);
  CHECK(executor->Apply(action, state.digest, 1).outcome == ApplyOutcome::kAlready);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
}

TEST_CASE("ARemovedPasswordCannotBeUsedNorBroughtBack") {
  DirectoryFixture directory;
  const std::string name = "cred" + Unique();
  const std::string dn = directory.AddPerson(name);
  directory.AddProbe(name, "secret-" + name);
  const auto executor = directory.Make();
  Action action = DirectoryFixture::OnAccount(Verb::kRevoke, name);
  action.target.entity = "credential";
  action.target.id = "ldap/" + name + "/password";
  action.target.attributes = {
      {"account", "ldap/" + name}, {"account.username", name}, {"kind", "password"}};
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kStillEffective);
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(!directory.CanBind(dn, "secret-" + name));
  const VerifyResult proof = executor->Verify(action);
  CHECK(proof.outcome == VerifyOutcome::kVerified);
  CHECK(Holds(proof.evidence, "log-in as"));
  CHECK(executor->Undo(action, "{}").outcome == ApplyOutcome::kPermanent);
  action.target.attributes["kind"] = "ssh_key";
  CHECK(executor->Observe(action).error().kind == ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace rescind
