#include "runtime/service/foreign_text.h"

#include <doctest/doctest.h>

#include "runtime/env/random.h"
#include "runtime/feeds/bad_record.h"
#include "runtime/service/system_runners.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

// A tab in a message of PostgreSQL was shown as \x09, and stood raw in JSON and the audit log.
TEST_CASE("WhatAServerSaysBecomesOneLine") {
  CHECK(OneLineOf("ERROR:\tno\r\n\tsuch role \n") == "ERROR: no such role");
  CHECK(OneLineOf("\x1b[31mred\x07\x7f alert\x1b") == "[31mred alert");
  CHECK(OneLineOf("C1 \xC2\x9B"
                  "31m and a\xC2\xA0 blank") == "C1 31m and a blank");
  CHECK(OneLineOf("turned \xE2\x80\xAE round \xE2\x81\xA6 and\xE2\x80\xA8 round") ==
        "turned round and round");
  CHECK(OneLineOf("no\u200b such\u3000 role\U000e0041") == "no such role");
  CHECK(OneLineOf("Größe 東京 🙂") == "Größe 東京 🙂");
  CHECK(OneLineOf("bad \xFF\xC3 bytes\xE2\x80") == "bad \uFFFD\uFFFD bytes\uFFFD\uFFFD");
  CHECK(OneLineOf(std::string_view("a\0b", 3)) == "a b");
  CHECK(OneLineOf(" \t\n") == "");
}

TEST_CASE("WhateverAServerSaysTheLineIsWellFormedAndHasNoControls") {
  SeededRandom random(TestSeed());
  for (int round = 0; round < 2000; ++round) {
    std::string said;
    for (uint64_t left = random.Below(30); left > 0; --left) {
      said += static_cast<char>(random.Below(2) == 0 ? random.Below(256) : random.Below(0x80));
    }
    const std::string line = OneLineOf(said);
    CHECK(FindInvalidUtf8(line) == std::string_view::npos);
    for (const char c : line) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
    CHECK(line.find("  ") == std::string::npos);
    CHECK(OneLineOf(line) == line);
  }
}

// Says everything with control characters in it.
class RudeExecutor final : public Executor {
 public:
  ExecutorDescription Describe() const override { return {"rude", {}}; }
  Result<TargetState> Observe(const Action& action) override {
    if (action.key == "down") return Error{ErrorKind::kUnavailable, "a\tb", "c\td"};
    return TargetState{true, false, "a\tb", "pre\timage", "di\tgest", {}};
  }
  ApplyResult Apply(const Action&, const std::string&, uint64_t) override {
    return {ApplyOutcome::kTransient, "a\tb", {}};
  }
  ApplyResult Undo(const Action&, const std::string&) override {
    return {ApplyOutcome::kTransient, "a\tb", {}};
  }
  VerifyResult Verify(const Action&) override {
    return {VerifyOutcome::kStillEffective, "a\tb", "c\td"};
  }
};

TEST_CASE("NothingThatASystemSaysComesInUncleaned") {
  SystemRunners runners(1);
  runners.Add("crm", std::make_unique<RudeExecutor>());
  ActionRunner& runner = *runners.Find("crm");
  Action action;
  const auto seen = runner.Observe(action);
  REQUIRE(seen.ok());
  CHECK(seen->summary == "a b");
  CHECK(seen->preimage == "pre\timage");  // not for people: as it came
  CHECK(seen->digest == "di\tgest");
  CHECK(runner.Apply(action, "").detail == "a b");
  CHECK(runner.Undo(action, "").detail == "a b");
  CHECK(runner.Verify(action).evidence == "a b");
  CHECK(runner.Verify(action).via == "c d");
  action.key = "down";
  const auto down = runner.Observe(action);
  REQUIRE(!down.ok());
  CHECK(down.error().kind == ErrorKind::kUnavailable);
  CHECK(down.error().message == "a b");
  CHECK(down.error().help == "c d");
}

}  // namespace
}  // namespace rescind
