#include "runtime/executors/exec_protocol.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>

#include "engine/base/sha256.h"
#include "tests/unit/runtime/executors/sample_action.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

const std::string kHead = R"({"format":"rescind.exec/1",)";

// The message of a reply that must be refused as malformed.
template <typename T>
std::string Refusal(const Result<T>& result) {
  REQUIRE(!result.ok());
  CHECK(result.error().kind == ErrorKind::kCorrupt);
  return result.error().message;
}

TEST_CASE("ARequestSaysAllThatTheProgramNeedsOnOneLine") {
  Action action = SampleAction(Verb::kRun, "account", "ldap/\"ann\"\n");
  action.playbook = "quarantine";
  action.target.attributes = {{"username", "änn"}};
  const auto text =
      EncodeExecRequest({ExecOperation::kApply, "corp", action, "digest", R"({"b":1,"a":[2]})", 9});
  REQUIRE(text.ok());
  CHECK(text->find('\n') == text->size() - 1);
  const auto request = nlohmann::json::parse(*text);
  CHECK(request["format"] == "rescind.exec/1");
  CHECK(request["operation"] == "apply");
  CHECK(request["id"] == "ldap/\"ann\"\n");
  CHECK(request["playbook"] == "quarantine");
  CHECK(request["attributes"]["username"] == "änn");
  CHECK(request["preimage"]["a"][0] == 2);
  CHECK(request["epoch"] == 9);
  CHECK(request["precondition_digest"] == "digest");
  CHECK(request["reasons"][0]["because"] == "has left on 2026-01-31");
}

TEST_CASE("AnIdThatIsNotUtf8IsRefusedInsteadOfBeingChanged") {
  const Action action = SampleAction(Verb::kDisable, "account", "ann\xff");
  const auto text = EncodeExecRequest({ExecOperation::kObserve, "corp", action, "", "", 0});
  REQUIRE(!text.ok());
  CHECK(text.error().kind == ErrorKind::kInvalidInput);
}

TEST_CASE("AnObservationIsReadWithItsCanonicalPreimage") {
  const auto state =
      DecodeExecObserve(kHead + R"("exists":true,"in_wanted_state":false,"preimage":{"b":1,"a":2},
                 "last_used":"2026-01-31T08:00:00Z","more":[]})");
  REQUIRE(state.ok());
  CHECK(state->exists);
  CHECK(!state->in_wanted_state);
  CHECK(state->preimage == R"({"a":2,"b":1})");
  CHECK(state->digest == Sha256Hex(state->preimage));
  CHECK(FormatInstant(state->last_used.value()) == "2026-01-31T08:00:00Z");
}

TEST_CASE("WithoutAPreimageTheDigestStillTellsStatesApart") {
  const auto open = DecodeExecObserve(kHead + R"("exists":true,"in_wanted_state":false})");
  const auto done = DecodeExecObserve(kHead + R"("exists":true,"in_wanted_state":true})");
  REQUIRE(open.ok());
  REQUIRE(done.ok());
  CHECK(open->digest != done->digest);
}

TEST_CASE("EveryMalformedObservationIsRefusedWithItsReason") {
  const std::pair<std::string, std::string> cases[] = {
      {"", "is empty"},
      {" \n", "is empty"},
      {"ok", "not one JSON document"},
      {"{}{}", "not one JSON document"},
      {"{\"a\":\"\xff\"}", "not one JSON document"},
      {std::string("{\0}", 3), "not one JSON document"},
      {"[]", "not a JSON object"},
      {"{}", "needs `format`"},
      {R"({"format":"rescind.exec/2"})", "of the format \"rescind.exec/2\""},
      {kHead + R"("in_wanted_state":true})", "needs `exists`"},
      {kHead + R"("exists":1,"in_wanted_state":true})", "needs `exists`"},
      {kHead + R"("exists":true,"in_wanted_state":true,"summary":[]})", "`summary`"},
      {kHead + R"("exists":true,"in_wanted_state":true,"last_used":"today"})", "`last_used`"},
      {kHead + R"("exists":true,"in_wanted_state":true,"preimage":")" + std::string(300'000, 'x') +
           "\"}",
       "over 256 KiB"},
      {kHead + R"("error":"nonsense"})", "unknown `error` \"nonsense\""},
      {std::string(200'000, '['), "not one JSON document"},
  };
  for (const auto& one : cases) {
    const std::string& reply = one.first;
    CAPTURE(reply.substr(0, 80));
    CHECK(Refusal(DecodeExecObserve(reply)).find(one.second) != std::string::npos);
  }
}

TEST_CASE("AReportedErrorKeepsItsKind") {
  const auto denied = DecodeExecVerify(kHead + R"("error":"denied","message":"wrong key"})");
  REQUIRE(!denied.ok());
  CHECK(denied.error().kind == ErrorKind::kDenied);
  CHECK(denied.error().message == "wrong key");
}

TEST_CASE("AnOutcomeMustBeOneOfThoseNamed") {
  const auto good =
      DecodeExecOutcome(kHead + R"("outcome":"transient","detail":"busy","retry_after_ms":1500})");
  REQUIRE(good.ok());
  CHECK(good->outcome == ApplyOutcome::kTransient);
  CHECK(good->retry_after->count() == 1500);
  CHECK(Refusal(DecodeExecOutcome(kHead + R"("outcome":"done"})")).find("unknown `outcome`") !=
        std::string::npos);
  CHECK(Refusal(DecodeExecOutcome(kHead + R"("detail":"x"})")).find("needs `outcome`") !=
        std::string::npos);
  for (const char* after : {"-1", "1e3", "99999999999999999999", "\"5\"", "86400001"}) {
    CAPTURE(after);
    CHECK(Refusal(DecodeExecOutcome(
                      kHead + fmt::format(R"("outcome":"applied","retry_after_ms":{}}})", after)))
              .find("retry_after_ms") != std::string::npos);
  }
}

TEST_CASE("VerifiedWithoutEvidenceIsNoProof") {
  CHECK(Refusal(DecodeExecVerify(kHead + R"("outcome":"verified"})")).find("evidence") !=
        std::string::npos);
  const auto left = DecodeExecVerify(kHead + R"("outcome":"still_effective","via":"group ops"})");
  REQUIRE(left.ok());
  CHECK(left->via == "group ops");
}

TEST_CASE("ALongTextIsCutAtACharacterBorder") {
  std::string detail = "x";
  for (int i = 0; i < 3000; ++i) detail += "ä";
  const auto result =
      DecodeExecOutcome(kHead + R"("outcome":"applied","detail":")" + detail + "\"}");
  REQUIRE(result.ok());
  CHECK(result->detail.size() < 2010);
  CHECK_NOTHROW(static_cast<void>(nlohmann::json(result->detail).dump()));
}

TEST_CASE("ADamagedReplyIsReadOrRefusedAndNeverEndsUs") {
  std::mt19937_64 random(TestSeed());
  const std::string whole =
      kHead + R"("outcome":"applied","detail":"ok","exists":true,"in_wanted_state":false})";
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string reply = whole.substr(0, random() % (whole.size() + 1));
    if (!reply.empty()) reply[random() % reply.size()] = static_cast<char>(random() % 256);
    refused += DecodeExecObserve(reply).ok() ? 0 : 1;
    refused += DecodeExecOutcome(reply).ok() ? 0 : 1;
  }
  CHECK(refused > 5000);
}

}  // namespace
}  // namespace rescind
