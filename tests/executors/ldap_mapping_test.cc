#include <doctest/doctest.h>

#include "tests/executors/directory_fixture.h"
#include "tests/support/holds.h"

namespace rescind {
namespace {

// What observing says is wrong with the mapping.
std::string Mistake(const ExecutorSettings& settings, const Action& action) {
  const auto state = DirectoryFixture::Make(settings)->Observe(action);
  REQUIRE_MESSAGE(!state.ok(), (state.ok() ? state->summary : ""));
  CHECK(state.error().kind == ErrorKind::kInvalidInput);
  return state.error().message;
}

ExecutorSettings ByFilter(const DirectoryFixture& directory, const std::string& filter) {
  auto settings = directory.Settings();
  settings.erase("account_dn");
  settings["account_filter"] = filter;
  return settings;
}

TEST_CASE("AFilterFindsTheOneAccount") {
  DirectoryFixture directory;
  const std::string name = "found" + Unique();
  const std::string dn = directory.AddPerson(name, "mail: " + name + "@example.org\n");
  Action action = DirectoryFixture::OnAccount(Verb::kDisable, name + "@example.org");
  const auto executor = DirectoryFixture::Make(ByFilter(directory, "(mail={username})"));
  CHECK(Holds(MustObserve(*executor, action).summary, dn));
  // No value at all for one place: nothing is guessed.
  action.target.attributes.clear();
  CHECK(Holds(Mistake(ByFilter(directory, "(mail={username})"), action), "lack a value"));
}

TEST_CASE("SeveralMatchesAreNobody") {
  DirectoryFixture directory;
  const std::string name = "double" + Unique();
  directory.AddPerson(name, "mail: " + name + "@example.org\n");
  directory.AddPerson(name + "b", "mail: " + name + "@example.org\n");
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, name + "@example.org");
  CHECK(Holds(Mistake(ByFilter(directory, "(mail={username})"), action), "several entries fit"));
}

TEST_CASE("AMappingThatCannotWorkIsNotAccessThatIsGone") {
  DirectoryFixture directory;
  const std::string name = "mapped" + Unique();
  directory.AddPerson(name);
  const Action action = DirectoryFixture::OnAccount(Verb::kDisable, name);
  // An attribute that nobody has, one that the server does not know, and a base that is elsewhere.
  CHECK(Holds(Mistake(ByFilter(directory, "(departmentNumber={username})"), action),
              "nothing at all"));
  CHECK(Holds(Mistake(ByFilter(directory, "(noSuchThing={username})"), action), "nothing at all"));
  auto elsewhere = directory.Settings();
  elsewhere["account_dn"] = std::string("uid={username},ou=persons,dc=example,dc=org");
  CHECK(Holds(Mistake(elsewhere, action), "neither"));
  elsewhere["base_dn"] = std::string("dc=nowhere,dc=org");
  CHECK(Holds(Mistake(elsewhere, action), "does not lie below"));
  auto groups = directory.Settings();
  groups["base_dn"] = "ou=groups," + directory.Base();
  CHECK(Holds(Mistake(groups, action), "does not lie below"));
}

TEST_CASE("AnAttributeThatTheServerCannotCompareIsAWrongMapping") {
  // userPrincipalName has no equality rule here: every comparison is undefined, and an account
  // that is there looked as if it were gone.
  DirectoryFixture directory("ad");
  const std::string name = "upn" + Unique();
  directory.AddLdif("dn: cn=" + name + "," + directory.People() +
                    "\nobjectClass: user\ncn: " + name + "\nsn: x\nuserPrincipalName: " + name +
                    "\ninstanceType: 4\nnTSecurityDescriptor: x\nobjectCategory: " +
                    directory.Base() + "\nuserAccountControl: 512\n");
  auto settings = ByFilter(directory, "(userPrincipalName={username})");
  settings["disable"] = std::string("ad");
  CHECK(Holds(Mistake(settings, DirectoryFixture::OnAccount(Verb::kDisable, name)),
              "does not fit it"));
}

TEST_CASE("AnIdMayBeTheDnItself") {
  DirectoryFixture directory;
  const std::string name = "byid" + Unique();
  const std::string dn = directory.AddPerson(name);
  auto settings = directory.Settings();
  settings["account_dn"] = std::string("{id}");
  Action action = DirectoryFixture::OnAccount(Verb::kDisable, name);
  action.target.id = dn;
  const auto executor = DirectoryFixture::Make(settings);
  CHECK(MustObserve(*executor, action).exists);
  action.target.id = "ldap/" + name;
  CHECK(Holds(Mistake(settings, action), "is no distinguished name"));
  action.target.id = "cn=admin,dc=plain,dc=org";
  CHECK(Holds(Mistake(settings, action), "does not lie below"));
  action.target.id = directory.Base();
  CHECK(Holds(Mistake(settings, action), "does not lie below"));
}

TEST_CASE("OurOwnAccountIsNeverTouched") {
  DirectoryFixture directory;
  const std::string name = "own" + Unique();
  const std::string dn = directory.AddPerson(name);
  auto settings = directory.Settings();
  settings["bind_dn"] = "UID=" + name + " , " + directory.People();
  settings["bind_password_file"] = directory.SecretFile("own", "secret-" + name);
  CHECK(Holds(Mistake(settings, DirectoryFixture::OnAccount(Verb::kDelete, name)),
              "rescind itself logs in"));
}

TEST_CASE("HostileNamesReachTheirOwnEntryAndNoOther") {
  DirectoryFixture directory;
  const std::string bystander = "bystander" + Unique();
  const std::string bystander_dn = directory.AddPerson(bystander);
  const std::string names[] = {
      "o'brien, \"x\"",
      "a+uid=" + bystander,
      bystander + ",ou=people",
      "*",
      "*)(uid=" + bystander,
      bystander + ")(|(uid=*",
      "back\\slash\\2a",
      " leading and trailing ",
      "#hash",
      "a;b<c>d=e",
      "jürgen ñ 名字",
      "{username}",
      "new\nline",
      "tab\tand\x01",
  };
  const auto by_dn = directory.Make();
  const auto by_filter = DirectoryFixture::Make(ByFilter(directory, "(uid={username})"));
  for (const std::string& name : names) {
    CAPTURE(name);
    const Action action = DirectoryFixture::OnAccount(Verb::kDisable, name);
    // Not there yet: it must fit nobody.
    CHECK(!MustObserve(*by_dn, action).exists);
    CHECK(!MustObserve(*by_filter, action).exists);
    const std::string dn = directory.AddPerson(name);
    CHECK(MustObserve(*by_filter, action).exists);
    CHECK(MustObserve(*by_filter, action).preimage == MustObserve(*by_dn, action).preimage);
    CHECK(ObserveAndApply(*by_dn, action).outcome == ApplyOutcome::kApplied);
    CHECK(by_filter->Verify(action).outcome == VerifyOutcome::kVerified);
    CHECK(directory.Values(dn, "pwdAccountLockedTime").size() == 1);
    directory.ModifyLdif("dn: " + dn + "\nchangetype: delete\n");
  }
  CHECK(directory.Values(bystander_dn, "pwdAccountLockedTime").empty());
  CHECK(directory.CanBind(bystander_dn, "secret-" + bystander));
}

TEST_CASE("NamesThatAreNoTextAreRefused") {
  DirectoryFixture directory;
  for (const std::string& name : {std::string("nul\0name", 8), std::string("bad\xff\xfe")}) {
    CHECK(Holds(Mistake(directory.Settings(), DirectoryFixture::OnAccount(Verb::kDisable, name)),
                "not text in UTF-8"));
  }
}

}  // namespace
}  // namespace rescind
