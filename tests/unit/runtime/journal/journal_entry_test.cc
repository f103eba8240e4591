#include "runtime/journal/journal_entry.h"

#include <doctest/doctest.h>

#include <set>

#include "runtime/env/random.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

std::string RandomText(SeededRandom& random) {
  std::string text;
  for (uint64_t n = random.Below(30); n > 0; --n) text.push_back(static_cast<char>(random.Next()));
  return text;
}

std::optional<Instant> RandomTime(SeededRandom& random) {
  if (random.Below(2) == 0) return std::nullopt;
  return Instant{static_cast<int64_t>(random.Below(1ull << 60))};
}

JournalEntry RandomEntry(SeededRandom& random) {
  JournalEntry entry;
  entry.action.key = RandomText(random);
  entry.action.verb = static_cast<Verb>(1 + random.Below(7));
  entry.action.playbook = RandomText(random);
  entry.action.target = {RandomText(random), RandomText(random), 7, RandomText(random), {}};
  for (uint64_t n = random.Below(4); n > 0; --n) {
    entry.action.target.attributes[RandomText(random)] = RandomText(random);
  }
  entry.action.episode = static_cast<uint32_t>(random.Next());
  entry.action.severity = static_cast<Severity>(1 + random.Below(4));
  for (uint64_t n = random.Below(4); n > 0; --n) {
    entry.action.reasons.push_back({RandomText(random),
                                    RandomText(random),
                                    RandomText(random),
                                    3,
                                    {RandomText(random), RandomText(random)}});
  }
  entry.wanted_key = RandomText(random);
  entry.state = static_cast<ActionState>(1 + random.Below(13));
  entry.account = RandomText(random);
  entry.order = static_cast<uint32_t>(random.Next());
  for (uint64_t n = random.Below(3); n > 0; --n) {
    entry.rollback_groups.push_back(RandomText(random));
  }
  entry.on_failure = static_cast<OnFailure>(1 + random.Below(2));
  entry.retry_for = {static_cast<int64_t>(random.Below(1ull << 50))};
  entry.planned_at = {-5};
  entry.changed_at = {6};
  entry.due = RandomTime(random);
  entry.retry_until = RandomTime(random);
  entry.retry_at = RandomTime(random);
  entry.attempt_count = 9;
  entry.step_count = 11;
  entry.may_have_effect = random.Below(2) == 1;
  entry.has_effect = random.Below(2) == 1;
  entry.is_undo = random.Below(2) == 1;
  entry.undo_dropped = random.Below(2) == 1;
  entry.undo_failed = random.Below(2) == 1;
  entry.undo_since = RandomTime(random);
  entry.given_up_at = RandomTime(random);
  entry.given_up_because = RandomText(random);
  for (uint64_t n = random.Below(3); n > 0; --n) entry.escalate_to.push_back(RandomText(random));
  entry.off_since = RandomTime(random);
  entry.preimage = RandomText(random);
  entry.precondition_digest = RandomText(random);
  entry.detail = RandomText(random);
  return entry;
}

TEST_CASE("EntriesComeBackFromTheirBytes") {
  SeededRandom random(TestSeed());
  for (int round = 0; round < 500; ++round) {
    const std::string bytes = EncodeEntry(RandomEntry(random));
    const auto decoded = DecodeEntry(bytes);
    REQUIRE(decoded.ok());
    // The encoding covers every field, so equal bytes are equal entries.
    CHECK(EncodeEntry(*decoded) == bytes);
  }
  const JournalEntry entry = RandomEntry(random);
  const JournalEntry back = DecodeEntry(EncodeEntry(entry)).value();
  CHECK(back.action.key == entry.action.key);
  CHECK(back.action.target.attributes == entry.action.target.attributes);
  CHECK(back.action.reasons.size() == entry.action.reasons.size());
  CHECK(back.due == entry.due);
  CHECK(back.state == entry.state);
  CHECK(back.detail == entry.detail);
}

TEST_CASE("EveryFieldIsInTheBytes") {
  const JournalEntry plain;
  std::set<std::string> encodings = {EncodeEntry(plain)};
  const auto differs = [&](auto change) {
    JournalEntry entry;
    change(entry);
    CHECK(encodings.insert(EncodeEntry(entry)).second);
  };
  differs([](JournalEntry& e) { e.action.key = "1"; });
  differs([](JournalEntry& e) { e.action.verb = Verb::kEnd; });
  differs([](JournalEntry& e) { e.action.playbook = "2"; });
  differs([](JournalEntry& e) { e.action.target.entity = "3"; });
  differs([](JournalEntry& e) { e.action.target.id = "4"; });
  differs([](JournalEntry& e) { e.action.target.incarnation = 5; });
  differs([](JournalEntry& e) { e.action.target.system = "6"; });
  differs([](JournalEntry& e) { e.action.target.attributes["7"] = "7"; });
  differs([](JournalEntry& e) { e.action.episode = 8; });
  differs([](JournalEntry& e) { e.action.severity = Severity::kCritical; });
  differs([](JournalEntry& e) { e.action.reasons.push_back({"p", "f", "b", 1, {"c"}}); });
  differs([](JournalEntry& e) { e.action.reasons.push_back({"p", "f", "b", 1, {}, true}); });
  differs([](JournalEntry& e) { e.wanted_key = "9"; });
  differs([](JournalEntry& e) { e.state = ActionState::kHeld; });
  differs([](JournalEntry& e) { e.account = "10"; });
  differs([](JournalEntry& e) { e.order = 11; });
  differs([](JournalEntry& e) { e.rollback_groups = {"12"}; });
  differs([](JournalEntry& e) { e.on_failure = OnFailure::kRollback; });
  differs([](JournalEntry& e) { e.retry_for = {13}; });
  differs([](JournalEntry& e) { e.planned_at = {14}; });
  differs([](JournalEntry& e) { e.changed_at = {15}; });
  differs([](JournalEntry& e) { e.due = {{16}}; });
  differs([](JournalEntry& e) { e.retry_until = {{17}}; });
  differs([](JournalEntry& e) { e.retry_at = {{18}}; });
  differs([](JournalEntry& e) { e.attempt_count = 19; });
  differs([](JournalEntry& e) { e.step_count = 20; });
  differs([](JournalEntry& e) { e.may_have_effect = true; });
  differs([](JournalEntry& e) { e.has_effect = true; });
  differs([](JournalEntry& e) { e.is_undo = true; });
  differs([](JournalEntry& e) { e.undo_dropped = true; });
  differs([](JournalEntry& e) { e.undo_failed = true; });
  differs([](JournalEntry& e) { e.undo_since = {{26}}; });
  differs([](JournalEntry& e) { e.given_up_at = {{24}}; });
  differs([](JournalEntry& e) { e.given_up_because = "25"; });
  differs([](JournalEntry& e) { e.escalate_to = {"27"}; });
  differs([](JournalEntry& e) { e.off_since = Instant{28}; });
  differs([](JournalEntry& e) { e.preimage = "21"; });
  differs([](JournalEntry& e) { e.precondition_digest = "22"; });
  differs([](JournalEntry& e) { e.detail = "23"; });
}

TEST_CASE("DamagedRecordsAreRefusedAndNeverRead") {
  SeededRandom random(TestSeed());
  const std::string good = EncodeEntry(RandomEntry(random));
  for (size_t length = 0; length < good.size(); ++length) {
    CHECK(DecodeEntry(good.substr(0, length)).error().kind == ErrorKind::kCorrupt);
  }
  CHECK(DecodeEntry(good + "x").error().kind == ErrorKind::kCorrupt);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = good;
    damaged[random.Below(damaged.size())] = static_cast<char>(random.Next());
    const auto decoded = DecodeEntry(damaged);  // may be a valid other entry, must not crash
    if (decoded.ok() && damaged[0] == good[0]) CHECK(EncodeEntry(*decoded) == damaged);
  }
  std::string newer = good;
  newer[0] = 7;
  CHECK(DecodeEntry(newer).error().kind == ErrorKind::kUnsupported);
}

// As version 5 wrote it, which did not say since when what is undone was done.
std::string EncodeFifthVersion(JournalEntry entry) {
  entry.off_since.reset();
  std::string bytes = EncodeEntry(entry);
  const size_t texts_bytes =
      3 * 4 + entry.preimage.size() + entry.precondition_digest.size() + entry.detail.size();
  bytes.erase(bytes.size() - texts_bytes - 8, 8);
  bytes[0] = 5;
  return bytes;
}

TEST_CASE("RecordsOfTheFifthVersionAreRead") {
  SeededRandom random(TestSeed());
  JournalEntry entry = RandomEntry(random);
  const auto decoded = DecodeEntry(EncodeFifthVersion(entry));
  REQUIRE(decoded.ok());
  entry.off_since.reset();
  CHECK(EncodeEntry(*decoded) == EncodeEntry(entry));
}

// As version 4 wrote it, which did not say who hears that a person must act.
std::string EncodeFourthVersion(JournalEntry entry) {
  entry.escalate_to.clear();
  std::string bytes = EncodeFifthVersion(entry);
  const size_t texts_bytes =
      3 * 4 + entry.preimage.size() + entry.precondition_digest.size() + entry.detail.size();
  bytes.erase(bytes.size() - texts_bytes - 4, 4);
  bytes[0] = 4;
  return bytes;
}

TEST_CASE("RecordsOfTheFourthVersionAreRead") {
  SeededRandom random(TestSeed());
  JournalEntry entry = RandomEntry(random);
  const auto decoded = DecodeEntry(EncodeFourthVersion(entry));
  REQUIRE(decoded.ok());
  entry.escalate_to.clear();
  entry.off_since.reset();
  CHECK(EncodeEntry(*decoded) == EncodeEntry(entry));
}

// Without what version 4 has more: why it was given up, and how its undo stands.
JournalEntry WithoutNews(JournalEntry entry) {
  entry.escalate_to.clear();
  entry.off_since.reset();
  entry.undo_dropped = entry.undo_failed = false;
  entry.undo_since.reset();
  entry.given_up_at.reset();
  entry.given_up_because.clear();
  return entry;
}

std::string EncodeThirdVersion(const JournalEntry& with_news) {
  const JournalEntry entry = WithoutNews(with_news);
  std::string bytes = EncodeFourthVersion(entry);
  const size_t texts_bytes =
      3 * 4 + entry.preimage.size() + entry.precondition_digest.size() + entry.detail.size();
  const size_t new_bytes = 2 + 2 * 8 + 4;
  bytes.erase(bytes.size() - texts_bytes - new_bytes, new_bytes);
  bytes[0] = 3;
  return bytes;
}

TEST_CASE("RecordsOfTheThirdVersionAreRead") {
  SeededRandom random(TestSeed());
  const JournalEntry entry = WithoutNews(RandomEntry(random));
  const auto decoded = DecodeEntry(EncodeThirdVersion(entry));
  REQUIRE(decoded.ok());
  CHECK(EncodeEntry(*decoded) == EncodeEntry(entry));
}

// As version 2 wrote it: an action belonged to one stage, or to none, and nothing said whether it
// is being undone.
std::string EncodeSecondVersion(const JournalEntry& entry) {
  std::string bytes = EncodeThirdVersion(entry);
  const size_t texts_bytes =
      3 * 4 + entry.preimage.size() + entry.precondition_digest.size() + entry.detail.size();
  bytes.erase(bytes.size() - texts_bytes - 1, 1);
  REQUIRE(entry.rollback_groups == std::vector<std::string>{"the one"});
  const size_t at = bytes.find(std::string("\1\0\0\0\7\0\0\0the one", 15));
  REQUIRE(at != std::string::npos);
  bytes.erase(at, 4);
  bytes[0] = 2;
  return bytes;
}

TEST_CASE("RecordsOfTheSecondVersionAreRead") {
  SeededRandom random(TestSeed());
  JournalEntry entry = WithoutNews(RandomEntry(random));
  entry.rollback_groups = {"the one"};
  entry.state = ActionState::kReady;
  entry.is_undo = false;
  std::string bytes = EncodeSecondVersion(entry);
  REQUIRE(DecodeEntry(bytes).ok());
  CHECK(EncodeEntry(*DecodeEntry(bytes)) == EncodeEntry(entry));
  const size_t at = bytes.find(std::string("\7\0\0\0the one", 11));
  bytes.replace(at, 11, std::string(4, '\0'));
  REQUIRE(DecodeEntry(bytes).ok());
  CHECK(DecodeEntry(bytes)->rollback_groups.empty());
}

TEST_CASE("RecordsOfTheSecondVersionTellWhatCouldNotBeUndone") {
  SeededRandom random(TestSeed());
  JournalEntry entry = WithoutNews(RandomEntry(random));
  entry.rollback_groups = {"the one"};
  entry.has_effect = true;
  entry.state = ActionState::kEscalated;
  entry.detail = "not undone: no right";
  CHECK(DecodeEntry(EncodeSecondVersion(entry)).value().is_undo);
  entry.detail = "still effective via db";
  CHECK_FALSE(DecodeEntry(EncodeSecondVersion(entry)).value().is_undo);
  entry.state = ActionState::kCompensating;
  CHECK(DecodeEntry(EncodeSecondVersion(entry)).value().is_undo);
  entry.state = ActionState::kVerified;
  CHECK_FALSE(DecodeEntry(EncodeSecondVersion(entry)).value().is_undo);
}

// Of version 1, whose reasons did not say whether they name people either.
TEST_CASE("RecordsOfTheFirstVersionAreRead") {
  SeededRandom random(TestSeed());
  JournalEntry entry = WithoutNews(RandomEntry(random));
  entry.action.reasons = {{"p", "f", "because", 7, {}}};
  entry.rollback_groups = {"the one"};
  entry.state = ActionState::kReady;
  entry.is_undo = false;
  std::string bytes = EncodeSecondVersion(entry);
  const std::string controls_and_flag("\0\0\0\0\0", 5);
  const size_t at = bytes.find(std::string("because\7\0\0\0", 11) + controls_and_flag);
  REQUIRE(at != std::string::npos);
  bytes.erase(at + 11 + 4, 1);
  bytes[0] = 1;
  const auto decoded = DecodeEntry(bytes);
  REQUIRE(decoded.ok());
  CHECK(EncodeEntry(*decoded) == EncodeEntry(entry));
}

TEST_CASE("StatesHaveNamesAndTheNamesComeBack") {
  for (uint8_t number = 1; number <= static_cast<uint8_t>(kLastActionState); ++number) {
    const auto state = static_cast<ActionState>(number);
    CHECK(ParseActionState(ActionStateName(state)) == state);
    CHECK_FALSE((IsTerminal(state) && IsRunnable(state)));
    // Nothing ever leads back to the beginning, and nothing leaves a compensated action.
    CHECK_FALSE(IsLegalStep(state, ActionState::kPlanned));
    CHECK_FALSE(IsLegalStep(ActionState::kCompensated, state));
    // Only an attempt becomes applied without a look first, and only what is applied is verified.
    if (IsLegalStep(state, ActionState::kVerified)) CHECK(state == ActionState::kApplied);
    if (IsLegalStep(state, ActionState::kIntent)) CHECK(state == ActionState::kReady);
  }
  CHECK_FALSE(ParseActionState("gone").has_value());
  CHECK(static_cast<int>(ActionState::kEscalated) == 13);  // stored: never renumber
}

}  // namespace
}  // namespace rescind
