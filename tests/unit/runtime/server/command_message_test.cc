// Messages survive the way, and nothing that a stranger sends is more than an Error.
#include "runtime/server/command_message.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

CommandCall FullCall() {
  CommandCall call;
  call.program_version = "0.1.0";
  call.arguments = {"plan", "", "--out", "a b\n\"c\"", "caf\xC3\xA9", "caf\xE9", "\xFF\xFE"};
  call.working_folder = "/srv/\xE4";
  call.environment = {{"RESCIND_WORKSPACE", "/srv/\xE4/w"}, {"NO_COLOR", ""}, {"SUDO_UID", "7"}};
  call.out_is_terminal = true;
  return call;
}

std::string Document(Result<std::string> message) {
  REQUIRE(message.ok());
  auto document = TakeMessage(*message, kMaxCallBytes);
  REQUIRE(document.ok());
  REQUIRE(document->has_value());
  CHECK(message->empty());
  return **document;
}

TEST_CASE("CallSurvivesTheWayWithBytesThatAreNoText") {
  const CommandCall call = FullCall();
  const auto decoded = DecodeCall(Document(EncodeCall(call)), "0.1.0");
  REQUIRE(decoded.ok());
  CHECK(decoded->program_version == call.program_version);
  CHECK(decoded->arguments == call.arguments);
  CHECK(decoded->working_folder == call.working_folder);
  CHECK(decoded->environment == call.environment);
  CHECK_FALSE(decoded->in_is_terminal);
  CHECK(decoded->out_is_terminal);
  CHECK_FALSE(decoded->err_is_terminal);
}

TEST_CASE("RequestHasTheBytesThatTheReadmeShows") {
  CommandCall call;
  call.program_version = "0.1.0";
  call.arguments = {"import", "caf\xE9.csv"};
  call.working_folder = "/srv/access";
  call.environment = {{"NO_COLOR", "1"}};
  call.out_is_terminal = call.err_is_terminal = true;
  CHECK(Document(EncodeCall(call)) ==
        R"({"arguments":["import",{"hex":"636166e92e637376"}],"environment":[["NO_COLOR","1"]],)"
        R"("format":"rescind.command/1","program_version":"0.1.0",)"
        R"("terminals":[false,true,true],"working_folder":"/srv/access"})");
  CHECK(Document(EncodeStop()) == R"({"format":"rescind.command/1","stop":true})");
  CHECK(Document(EncodeExitStatus(3)) == R"({"exit_status":3,"format":"rescind.command/1"})");
}

TEST_CASE("SecretsOfTheEnvironmentAreNeitherSentNorTaken") {
  CommandCall call = FullCall();
  call.environment["AWS_SECRET_ACCESS_KEY"] = "hunter2";
  const std::string sent = Document(EncodeCall(call));
  CHECK(sent.find("hunter2") == std::string::npos);
  std::string forged = sent;
  const std::string honest = R"(["NO_COLOR",""])";
  REQUIRE(forged.find(honest) != std::string::npos);
  forged.replace(forged.find(honest), honest.size(), R"(["LD_PRELOAD","x"])");
  const auto decoded = DecodeCall(forged, "0.1.0");
  REQUIRE(decoded.ok());
  CHECK(decoded->environment.count("LD_PRELOAD") == 0);
  CHECK(decoded->environment.count("SUDO_UID") == 1);
}

TEST_CASE("CallOverOneMebibyteIsRefusedBeforeItIsSent") {
  CommandCall call = FullCall();
  call.arguments.assign(10, std::string(90'000, 'x'));
  CHECK(EncodeCall(call).ok());
  call.arguments.assign(12, std::string(90'000, 'x'));
  const auto message = EncodeCall(call);
  REQUIRE_FALSE(message.ok());
  CHECK(message.error().kind == ErrorKind::kInvalidInput);
  CHECK(message.error().message.find("takes at most 1048576") != std::string::npos);
}

TEST_CASE("ClientOfAnotherVersionIsToldWhatToDo") {
  const auto decoded = DecodeCall(Document(EncodeCall(FullCall())), "0.2.0");
  REQUIRE_FALSE(decoded.ok());
  CHECK(decoded.error().kind == ErrorKind::kUnsupported);
  CHECK(decoded.error().message ==
        "this is rescind 0.1.0, and the `rescind serve` that holds the store is rescind 0.2.0");
  CHECK(decoded.error().help ==
        "restart `rescind serve` with this program, or use the program that it was started from");
}

// A later program may add or change members: its version is what the user must hear of.
TEST_CASE("VersionIsJudgedBeforeTheRestOfTheRequest") {
  const auto version = DecodeCall(
      R"({"format":"rescind.command/1","program_version":"7","arguments":"new kind"})", "0.1.0");
  REQUIRE_FALSE(version.ok());
  CHECK(version.error().kind == ErrorKind::kUnsupported);
  const auto format = DecodeCall(R"({"format":"rescind.command/2"})", "0.1.0");
  REQUIRE_FALSE(format.ok());
  CHECK(format.error().kind == ErrorKind::kUnsupported);
  CHECK(format.error().message.find("\"rescind.command/2\"") != std::string::npos);
  const auto answer = DecodeAnswer(R"({"format":"rescind.command/2","exit_status":0})");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::kUnsupported);
}

TEST_CASE("MalformedRequestsAreErrorsThatSayWhy") {
  const std::string begin = R"({"format":"rescind.command/1","program_version":"0.1.0",)";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "is not one JSON document"},
      {"{} {}", "is not one JSON document"},
      {"\xFF", "is not one JSON document"},
      {std::string(kMaxCallBytes, '['), "is nested too deeply"},
      {std::string(500'000, '[') + std::string(500'000, ']'), "is nested too deeply"},
      {R"({"a":"[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[["})", "needs `format`"},
      {"[]", "is not a JSON object"},
      {"{}", "needs `format`"},
      {R"({"format":7})", "needs `format`"},
      {R"({"format":"rescind.plan/1"})", "needs `format`"},
      {R"({"format":"rescind.command/1"})", "needs `program_version`"},
      {begin + R"("a":1})", "needs `arguments`"},
      {begin + R"("arguments":{}})", "needs `arguments`"},
      {begin + R"("arguments":[7]})", "in `arguments` that is no text"},
      {begin + R"("arguments":["a\u0000b"]})", "in `arguments` that is no text"},
      {begin + R"("arguments":[{"hex":"6"}]})", "in `arguments` that is no text"},
      {begin + R"("arguments":[{"hex":"00"}]})", "in `arguments` that is no text"},
      {begin + R"("arguments":[{"hex":"6G"}]})", "in `arguments` that is no text"},
      {begin + R"("arguments":[{"hex":"66","x":1}]})", "in `arguments` that is no text"},
      {begin + R"("arguments":[]})", "needs `working_folder`"},
      {begin + R"("arguments":[],"working_folder":"data"})", "needs `working_folder`"},
      {begin + R"("arguments":[],"working_folder":"/"})", "needs `environment`"},
      {begin + R"("arguments":[],"working_folder":"/","environment":["HOME"]})", "[name, value]"},
      {begin + R"("arguments":[],"working_folder":"/","environment":[["HOME",1]]})",
       "[name, value]"},
      {begin + R"("arguments":[],"working_folder":"/","environment":[]})", "needs `terminals`"},
      {begin + R"("arguments":[],"working_folder":"/","environment":[],"terminals":[true,true]})",
       "needs `terminals`"},
      {begin + R"("arguments":[],"working_folder":"/","environment":[],"terminals":[1,0,0]})",
       "needs `terminals`"},
  };
  for (const auto& entry : cases) {
    CAPTURE(entry.first.substr(0, 200));
    const auto decoded = DecodeCall(entry.first, "0.1.0");
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().kind == ErrorKind::kInvalidInput);
    CHECK(decoded.error().message.find(entry.second) != std::string::npos);
  }
}

TEST_CASE("EditedRequestsAreCallsOrErrorsAndNothingElse") {
  std::mt19937_64 random(TestSeed());
  const std::string honest = Document(EncodeCall(FullCall()));
  for (int turn = 0; turn < 20'000; ++turn) {
    std::string edited = honest;
    for (uint64_t edits = 1 + random() % 4; edits > 0 && !edited.empty(); --edits) {
      const size_t at = random() % edited.size();
      const uint64_t kind = random() % 4;
      if (kind == 0) edited[at] = static_cast<char>(random());
      if (kind == 1) edited.erase(at, 1 + random() % 20);
      if (kind == 2) edited.insert(at, edited.substr(random() % edited.size(), random() % 20));
      if (kind == 3) edited[at] = "{}[]\",:0"[random() % 8];
    }
    const auto decoded = DecodeCall(edited, "0.1.0");
    if (!decoded.ok()) continue;
    CHECK(decoded->working_folder.starts_with('/'));
    for (const auto& [name, value] : decoded->environment) CHECK(IsCommandVariable(name));
  }
}

TEST_CASE("MessageIsTakenOnlyWhole") {
  const std::string stop = EncodeStop();
  for (size_t length = 0; length < stop.size(); ++length) {
    std::string bytes = stop.substr(0, length);
    const auto message = TakeMessage(bytes, kMaxStopBytes);
    REQUIRE(message.ok());
    CHECK_FALSE(message->has_value());
    CHECK(bytes.size() == length);
  }
  std::string two = stop + stop;
  CHECK(DecodeStop(**TakeMessage(two, kMaxStopBytes)).ok());
  CHECK(two == stop);
  std::string large("\x00\x00\x01\x01", 4);  // 257, and nothing of it there yet
  CHECK_FALSE(TakeMessage(large, kMaxStopBytes).ok());
}

TEST_CASE("AnswersSurviveTheWay") {
  for (const int status : {0, 1, 64, 255}) {
    const auto decoded = DecodeAnswer(Document(EncodeExitStatus(status)));
    REQUIRE(decoded.ok());
    CHECK(*decoded == status);
  }
  for (const ErrorKind kind : {ErrorKind::kInvalidInput, ErrorKind::kNotFound, ErrorKind::kIo,
                               ErrorKind::kCorrupt, ErrorKind::kBusy, ErrorKind::kUnavailable,
                               ErrorKind::kDenied, ErrorKind::kStale, ErrorKind::kUnsupported}) {
    const auto decoded = DecodeAnswer(Document(EncodeRefusal({kind, "what \"it\" is", "mend"})));
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().kind == kind);
    CHECK(decoded.error().message == "what \"it\" is");
    CHECK(decoded.error().help == "mend");
  }
  const std::string long_text(100'000, 'x');
  const std::string cut = Document(EncodeRefusal({ErrorKind::kIo, long_text + "\xFF", long_text}));
  CHECK(cut.size() < kMaxAnswerBytes);
  CHECK_FALSE(DecodeAnswer(cut).ok());
}

TEST_CASE("AnswersThatAreNoneAreCorrupt") {
  for (const std::string document : {"", "[]", R"({"format":"rescind.command/1"})",
                                     R"({"format":"rescind.command/1","exit_status":256})",
                                     R"({"format":"rescind.command/1","exit_status":-1})",
                                     R"({"format":"rescind.command/1","exit_status":"0"})",
                                     R"({"format":"rescind.command/1","exit_status":0.5})",
                                     R"({"format":"rescind.command/1","error":"no"})"}) {
    CAPTURE(document);
    const auto decoded = DecodeAnswer(document);
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().kind == ErrorKind::kCorrupt);
  }
}

}  // namespace
}  // namespace rescind
