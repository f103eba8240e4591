#include <doctest/doctest.h>

#include <algorithm>

#include "tests/executors/directory_fixture.h"
#include "tests/support/holds.h"

namespace rescind {
namespace {

using Texts = std::vector<std::string>;

const char* const kNames = "objectClass: groupOfNames\n";

TEST_CASE("AMemberLeavesTheGroupAndComesBackWithAnUndo") {
  DirectoryFixture directory;
  const std::string ann = "ann" + Unique();
  const std::string bob = "bob" + Unique();
  const std::string ann_dn = directory.AddPerson(ann);
  const std::string bob_dn = directory.AddPerson(bob);
  // Written otherwise than the server would: it is the same name to the server.
  const std::string group =
      directory.AddGroup("vpn" + ann, kNames + ("member: UID=" + ann + ", " + directory.People()) +
                                          "\nmember: " + bob_dn + "\n");
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnGrant(ann, "vpn" + ann);
  const TargetState before = MustObserve(*executor, action);
  CHECK(!before.in_wanted_state);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kStillEffective);
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(group, "member") == Texts{bob_dn});
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kAlready);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(group, "member").size() == 2);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kAlready);
}

TEST_CASE("TheLastMemberLeavesToo") {
  // The server answers 65: a groupOfNames must have a member.
  DirectoryFixture directory;
  for (const std::string attribute : {"member", "uniqueMember"}) {
    CAPTURE(attribute);
    const std::string name = "last" + Unique();
    const std::string dn = directory.AddPerson(name);
    const std::string classes = attribute == "member" ? "groupOfNames" : "groupOfUniqueNames";
    const std::string group =
        directory.AddGroup(name, "objectClass: " + classes + "\n" + attribute + ": " + dn + "\n");
    const auto executor = directory.Make();
    const Action action = DirectoryFixture::OnGrant(name, name);
    const TargetState before = MustObserve(*executor, action);
    CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kApplied);
    CHECK(directory.Values(group, attribute) == Texts{group});
    CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
    CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
    CHECK(directory.Values(group, attribute) == Texts{dn});
  }
}

TEST_CASE("APlaceholderOfTheOwnersChoiceTakesTheLastPlace") {
  DirectoryFixture directory;
  const std::string name = "placed" + Unique();
  const std::string dn = directory.AddPerson(name);
  const std::string group = directory.AddGroup(name, kNames + ("member: " + dn + "\n"));
  auto settings = directory.Settings();
  settings["placeholder_member"] = "cn=nobody," + directory.Base();
  const auto executor = DirectoryFixture::Make(settings);
  CHECK(ObserveAndApply(*executor, DirectoryFixture::OnGrant(name, name)).outcome ==
        ApplyOutcome::kApplied);
  CHECK(directory.Values(group, "member") == Texts{"cn=nobody," + directory.Base()});
}

TEST_CASE("APosixGroupNamesItsMembersByUid") {
  DirectoryFixture directory;
  const std::string name = "posix" + Unique();
  directory.AddPerson(name);
  const std::string group = directory.AddGroup(
      name, "objectClass: posixGroup\ngidNumber: 7001\nmemberUid: " + name + "\nmemberUid: x\n");
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnGrant(name, name);
  const TargetState before = MustObserve(*executor, action);
  CHECK(executor->Apply(action, before.digest, 1).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(group, "memberUid") == Texts{"x"});
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
  CHECK(executor->Undo(action, before.preimage).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(group, "memberUid").size() == 2);
}

TEST_CASE("AnAccountThatWentBeforeItsGrantLeavesNoNameBehind") {
  DirectoryFixture directory;
  const std::string name = "ghost" + Unique();
  const std::string group =
      directory.AddGroup(name, kNames + ("member: uid=" + name + "," + directory.People() +
                                         "\nmember: " + directory.Admin() + "\n"));
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnGrant(name, name);
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(group, "member") == Texts{directory.Admin()});
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
}

TEST_CASE("MembershipThroughAnotherGroupIsStillEffective") {
  DirectoryFixture directory;
  const std::string name = "nested" + Unique();
  const std::string dn = directory.AddPerson(name);
  const std::string inner = directory.AddGroup(name + "in", kNames + ("member: " + dn + "\n"));
  const std::string middle = directory.AddGroup(name + "mid", kNames + ("member: " + inner + "\n"));
  const std::string outer =
      directory.AddGroup(name, kNames + ("member: " + dn + "\nmember: " + middle + "\n"));
  // A circle must not hold us up.
  directory.ModifyLdif("dn: " + inner + "\nchangetype: modify\nadd: member\nmember: " + outer +
                       "\n");
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnGrant(name, name);
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  const VerifyResult proof = executor->Verify(action);
  CHECK(proof.outcome == VerifyOutcome::kStillEffective);
  CHECK(Holds(proof.via, inner));
  CHECK(Holds(proof.via, middle));

  auto settings = directory.Settings();
  settings["nested_groups"] = false;
  CHECK(DirectoryFixture::Make(settings)->Verify(action).outcome == VerifyOutcome::kVerified);
}

TEST_CASE("ThePrimaryGroupIsAMembershipToo") {
  DirectoryFixture directory;
  const std::string name = "primary" + Unique();
  directory.AddPerson(name,
                      "objectClass: posixAccount\nuidNumber: 7002\ngidNumber: 7002\n"
                      "homeDirectory: /nowhere\n");
  directory.AddGroup(name, "objectClass: posixGroup\ngidNumber: 7002\nmemberUid: " + name + "\n");
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnGrant(name, name);
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  const VerifyResult proof = executor->Verify(action);
  CHECK(proof.outcome == VerifyOutcome::kStillEffective);
  CHECK(Holds(proof.via, "primary group"));
}

TEST_CASE("ADynamicGroupNeedsAPerson") {
  DirectoryFixture directory;
  const std::string name = "dynamic" + Unique();
  directory.AddPerson(name);
  directory.AddGroup(name, "objectClass: groupOfURLs\nmemberURL: ldap:///" + directory.People() +
                               "??sub?(uid=*)\n");
  const auto state = directory.Make()->Observe(DirectoryFixture::OnGrant(name, name));
  REQUIRE(!state.ok());
  CHECK(state.error().kind == ErrorKind::kInvalidInput);
  CHECK(Holds(state.error().message, "dynamic group"));
}

TEST_CASE("AGroupIsFoundByItsNameWithoutATemplate") {
  DirectoryFixture directory;
  const std::string name = "found" + Unique();
  const std::string dn = directory.AddPerson(name);
  const std::string group = directory.AddGroup(
      name, kNames + ("member: " + dn + "\nmember: " + directory.Admin()) + "\n");
  auto settings = directory.Settings();
  settings.erase("group_dn");
  settings.erase("account_dn");
  const auto executor = DirectoryFixture::Make(settings);
  CHECK(ObserveAndApply(*executor, DirectoryFixture::OnGrant(name, name)).outcome ==
        ApplyOutcome::kApplied);
  CHECK(directory.Values(group, "member") == Texts{directory.Admin()});
  CHECK(MustObserve(*executor, DirectoryFixture::OnGrant(name, "no such group")).in_wanted_state);
}

TEST_CASE("HostileGroupNamesReachTheirOwnGroup") {
  DirectoryFixture directory;
  const std::string name = "guest" + Unique();
  const std::string dn = directory.AddPerson(name);
  const std::string kept = directory.AddGroup("kept" + name, kNames + ("member: " + dn + "\n"));
  const auto executor = directory.Make();
  for (const std::string& group : {std::string("a,b=c+d"), "*)(cn=kept" + name,
                                   std::string("größe \"1\""), "kept" + name + ",ou=groups"}) {
    CAPTURE(group);
    const std::string group_dn = directory.AddGroup(
        group, kNames + ("member: " + dn + "\nmember: " + directory.Admin() + "\n"));
    CHECK(ObserveAndApply(*executor, DirectoryFixture::OnGrant(name, group)).outcome ==
          ApplyOutcome::kApplied);
    CHECK(directory.Values(group_dn, "member") == Texts{directory.Admin()});
    directory.ModifyLdif("dn: " + group_dn + "\nchangetype: delete\n");
  }
  CHECK(directory.Values(kept, "member") == Texts{dn});
}

TEST_CASE("DeletingClearsEveryMembershipFirst") {
  DirectoryFixture directory;
  const std::string name = "leaver" + Unique();
  const std::string dn = directory.AddPerson(name);
  directory.AddProbe(name, "secret-" + name);
  const std::string sole = directory.AddGroup(name + "1", kNames + ("member: " + dn + "\n"));
  const std::string shared =
      directory.AddGroup(name + "2", "objectClass: groupOfUniqueNames\nuniqueMember: " + dn +
                                         "\nuniqueMember: " + directory.Admin() + "\n");
  const std::string posix = directory.AddGroup(
      name + "3", "objectClass: posixGroup\ngidNumber: 7003\nmemberUid: " + name + "\n");
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnAccount(Verb::kDelete, name);
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kStillEffective);
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(!directory.Exists(dn));
  CHECK(directory.Values(sole, "member") == Texts{sole});
  CHECK(directory.Values(shared, "uniqueMember") == Texts{directory.Admin()});
  CHECK(directory.Values(posix, "memberUid").empty());
  const VerifyResult proof = executor->Verify(action);
  CHECK(proof.outcome == VerifyOutcome::kVerified);
  CHECK(Holds(proof.evidence, "Invalid credentials (49)"));
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kAlready);
  CHECK(executor->Undo(action, "{}").outcome == ApplyOutcome::kPermanent);
}

TEST_CASE("NamesThatADeletedAccountLeftInGroupsAreTakenOut") {
  DirectoryFixture directory;
  const std::string name = "half" + Unique();
  const std::string dn = directory.AddPerson(name);
  const std::string group = directory.AddGroup(
      name, kNames + ("member: " + dn + "\nmember: " + directory.Admin()) + "\n");
  directory.ModifyLdif("dn: " + dn + "\nchangetype: delete\n");
  const auto executor = directory.Make();
  const Action action = DirectoryFixture::OnAccount(Verb::kDelete, name);
  CHECK(executor->Verify(action).via == "groups that still name the account");
  CHECK(ObserveAndApply(*executor, action).outcome == ApplyOutcome::kApplied);
  CHECK(directory.Values(group, "member") == Texts{directory.Admin()});
  CHECK(executor->Verify(action).outcome == VerifyOutcome::kVerified);
}

TEST_CASE("AnAccountWithEntriesBelowItNeedsAPerson") {
  DirectoryFixture directory;
  const std::string name = "parent" + Unique();
  const std::string dn = directory.AddPerson(name);
  directory.AddLdif("dn: cn=below," + dn + "\nobjectClass: device\ncn: below\n");
  const auto state = directory.Make()->Observe(DirectoryFixture::OnAccount(Verb::kDelete, name));
  REQUIRE(!state.ok());
  CHECK(state.error().kind == ErrorKind::kInvalidInput);
  CHECK(Holds(state.error().message, "has entries below it"));
}

}  // namespace
}  // namespace rescind
