// What a tracked field was before, and since when it has been otherwise.
#include <doctest/doctest.h>

#include "tests/unit/runtime/store/store_fixture.h"

namespace rescind {

// A person whose department was blank for one delivery had never moved: `changed_at` and `previous`
// knew of no change, and what the old job had granted stayed.
TEST_CASE_FIXTURE(StoreFixture, "A value that was unknown for a while hides no change") {
  Open();
  const auto say = [&](const char* user, int64_t step) {
    FactDelta delta = From("directory");
    delta.BeginRow(kAccount, "a");
    if (user == nullptr) {
      delta.SetUnknown(kUser);
    } else {
      delta.SetText(kUser, user);
    }
    Commit(delta, Instant{kStart.micros + step});
  };
  const auto user = [&] { return Show(kAccount, "a").fields[kUser.index()]; };
  say(nullptr, 1);
  say("a1", 2);
  CHECK_FALSE(user().changed_at);  // nothing is known that it could have been
  say(nullptr, 3);
  say("a1", 4);
  CHECK_FALSE(user().changed_at);
  say(nullptr, 5);
  SUBCASE("from the log") { Open(); }
  SUBCASE("from chunks") {
    REQUIRE(store->Close().ok());
    Open();
  }
  say(nullptr, 6);
  CHECK_FALSE(user().changed_at);
  say("a2", 7);
  CHECK(user().changed_at == Instant{kStart.micros + 7});
  CHECK(user().previous == "a1");
  CHECK(Load().table(kAccount).tracked(kUser).changed_at[0] == kStart.micros + 7);
  say(nullptr, 8);
  say("a2", 9);
  CHECK(user().changed_at == Instant{kStart.micros + 7});
  CHECK(user().previous == "a1");
}

// A line that said the same with another `effective_at` was taken for a repetition.
TEST_CASE_FIXTURE(StoreFixture, "A corrected effective date moves the change that it dated") {
  Open();
  const auto at = [](int day) { return Instant{kStart.micros - (100 - day) * kMicrosPerDay}; };
  const auto say = [&](std::optional<int64_t> status, const char* manager, const char* name,
                       std::optional<Instant> effective) {
    FactDelta delta = From("hr");
    delta.BeginRow(kIdentity, "ann");
    if (effective) delta.SetEffective(*effective);
    if (status) delta.SetNumber(kStatus, *status);
    if (manager != nullptr) delta.SetReference(kManager, manager);
    if (name != nullptr) delta.SetText(kName, name);
    return Commit(delta);
  };
  const auto changed = [&](FieldId field) {
    return Show(kIdentity, "ann").fields[field.index()].changed_at;
  };
  say(0, "bob", "Ann", at(1));
  CHECK(say(0, "bob", "Ann", at(2)).rows_changed == 0);  // nothing had changed: no date to correct
  say(1, "bob", "Ann", at(10));
  CHECK(changed(kStatus) == at(10));
  CHECK(say(1, "bob", "Ann", at(12)).rows_changed == 1);
  CHECK(changed(kStatus) == at(12));
  CHECK(say(1, "bob", "Ann", at(9)).rows_changed == 1);
  CHECK(changed(kStatus) == at(9));
  // The date of a row is that of its newest change. It is not the older one's, however often the
  // feed repeats it, and correcting it corrects the newer one alone.
  say(1, "cy", "Ann", at(20));
  say(1, "cy", "Ann", at(20));
  say(1, "cy", "Anna", at(30));
  CHECK(say(1, "cy", "Anna", at(30)).rows_changed == 0);
  CHECK(say(1, "cy", "Anna", at(31)).rows_changed == 0);
  CHECK(changed(kStatus) == at(9));
  CHECK(changed(kManager) == at(20));
  // A line that gives one field alone dates that one.
  say(1, nullptr, nullptr, at(8));
  CHECK(changed(kStatus) == at(8));
  CHECK(changed(kManager) == at(20));
  // What was recorded without a date has taken effect when the feed says, if that was earlier.
  say(0, nullptr, nullptr, std::nullopt);
  CHECK(changed(kStatus) == kStart);
  say(0, nullptr, nullptr, at(40));
  CHECK(changed(kStatus) == at(40));
}

}  // namespace rescind
