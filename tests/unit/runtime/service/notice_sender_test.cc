#include "runtime/service/notice_sender.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace rescind {
namespace {

// Remembers what it was asked to run, and ends as it is told.
class RecordingRunner final : public ProcessRunner {
 public:
  Result<ProcessResult> Run(const ProcessRequest& request) override {
    requests.push_back(request);
    return result;
  }
  std::vector<ProcessRequest> requests;
  ProcessResult result;
};

struct Channels {
  Channels() {
    workspace.oncall = "oncall";
    for (const char* name : {"oncall", "team"}) {
      WorkspaceChannel& channel = workspace.channels[name];
      channel.settings["command"] = std::vector<std::string>{"./tell", name};
      channel.settings["time_limit"] = std::string("5s");
      channel.folder = "/somewhere";
      channel.place = "rescind.toml:9:1";
    }
    workspace.channels["mail"].kind = ChannelKind::kSmtp;
    notice.kind = "notice";
    notice.subject = "ann: access is about to end";
    notice.about["policy"] = "stale";
  }
  nlohmann::json Said() const { return nlohmann::json::parse(runner.requests.back().input); }

  Workspace workspace;
  RecordingRunner runner;
  NoticeSender sender{workspace, runner};
  Notice notice;
};

TEST_CASE_FIXTURE(Channels, "ACommandGetsTheMessageAsJson") {
  const auto delivery = sender.Send("team", notice);
  REQUIRE(delivery.ok());
  CHECK(delivery->channel == "team");
  CHECK(delivery->detour.empty());
  REQUIRE(runner.requests.size() == 1);
  CHECK(runner.requests[0].argv == std::vector<std::string>{"./tell", "team"});
  CHECK(runner.requests[0].working_folder == "/somewhere");
  CHECK(runner.requests[0].time_limit == std::chrono::seconds(5));
  CHECK(Said()["format"] == "rescind.notice/1");
  CHECK(Said()["recipient"] == "team");
  CHECK(Said()["about"]["policy"] == "stale");
}

TEST_CASE_FIXTURE(Channels, "WhatCannotBeReachedGoesToOncallWhichLearnsWhomItIsFor") {
  for (const char* recipient : {"mail", "identity:ann", "nobody"}) {
    CAPTURE(recipient);
    const auto delivery = sender.Send(recipient, notice);
    REQUIRE(delivery.ok());
    CHECK(delivery->channel == "oncall");
    CHECK(!delivery->detour.empty());
    CHECK(Said()["channel"] == "oncall");
    CHECK(Said()["recipient"] == recipient);
  }
}

TEST_CASE_FIXTURE(Channels, "WithoutOncallNobodyTakesIt") {
  workspace.oncall = "";
  CHECK(sender.Send("identity:ann", notice).error().kind == ErrorKind::kNotFound);
  workspace.oncall = "mail";
  CHECK(sender.Send("mail", notice).error().kind == ErrorKind::kNotFound);
  CHECK(runner.requests.empty());
}

TEST_CASE_FIXTURE(Channels, "AProgramThatFailsHasNotTakenIt") {
  runner.result.exit_status = 7;
  runner.result.errors = "no route\nto host\n";
  const auto failed = sender.Send("team", notice);
  CHECK(failed.error().kind == ErrorKind::kUnavailable);
  CHECK(failed.error().message == "channel team: its command ended with status 7: no route");
  runner.result = {};
  runner.result.end = ProcessEnd::kTimedOut;
  CHECK(!sender.Send("team", notice).ok());
}

TEST_CASE_FIXTURE(Channels, "AChannelThatKeepsFailingIsNotWaitedForAgain") {
  runner.result.end = ProcessEnd::kTimedOut;
  CHECK(!sender.Send("team", notice).ok());
  CHECK(!sender.Send("team", notice).ok());
  runner.result = {};
  CHECK(sender.Send("team", notice).ok());  // in a row is what counts
  runner.result.end = ProcessEnd::kTimedOut;
  for (int i = 0; i < 5; ++i) CHECK(!sender.Send("team", notice).ok());
  CHECK(runner.requests.size() == 6);
  runner.result = {};
  CHECK(sender.Send("oncall", notice).ok());
}

}  // namespace
}  // namespace rescind
