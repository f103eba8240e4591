// A workspace that is served in process: with a virtual clock, a real socket, and clients in
// processes of their own.
#pragma once

#include <fcntl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/cli/serve_loop.h"
#include "runtime/server/channel_socket.h"
#include "runtime/server/command_client.h"
#include "tests/unit/runtime/cli/company_fixture.h"

namespace rescind {

struct RunFixture : CompanyWithAccess {
  std::vector<std::string> told, warned;
  std::unique_ptr<ContinuousRun> run;

  // ann's, bob's and eve's access has gone, and the policy is confirmed.
  RunFixture() {
    WriteWorkspace("", "per_policy = 1000\n");
    REQUIRE_MESSAGE(ApplyConfirmed() == ExitStatus::kDone, err.str());
  }
  Result<Workspace> ReadWorkspace() { return LoadWorkspace(folder.path(), surroundings, files); }
  void Begin() {
    ContinuousSetup setup{
        {files, clock, random}, processes, [this] { return ReadWorkspace(); }, "uid 1000", {}};
    setup.voice.tell = [this](const std::string& text) { told.push_back(text); };
    setup.voice.warn = [this](const std::string& text) { warned.push_back(text); };
    auto opened = ContinuousRun::Open(std::move(setup));
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().message));
    run = *std::move(opened);
  }
  StepAnswer MustStep() {
    auto answer = run->Step();
    REQUIRE_MESSAGE(answer.ok(), (answer.ok() ? "" : answer.error().message));
    return *std::move(answer);
  }
  ReloadAnswer MustReload(bool always = false) {
    auto answer = run->ReloadIfChanged(always);
    REQUIRE_MESSAGE(answer.ok(), (answer.ok() ? "" : answer.error().message));
    return *std::move(answer);
  }
  // Kim has the VPN, last used such that the policy is about it `after` from now.
  std::string KimWithAccessUntil(Duration after) {
    Write("on-kim-vpn", "");
    const Instant used{clock.Now().micros + after.micros - 90 * kMicrosPerDay};
    return Account("kim") +
           Grant("kim-vpn", "kim", "\"last_used\":\"" + FormatInstant(used) + "\",");
  }
  // Before it runs: kim has the VPN and does not use it.
  void HireAndBegin() {
    HireKim();
    Begin();
  }
};

struct ServeFixture : RunFixture {
  Invocation server{.out = out,
                    .err = err,
                    .in = in,
                    .files = files,
                    .clock = clock,
                    .random = random,
                    .processes = processes,
                    .surroundings = surroundings,
                    .caller = caller};
  std::optional<CommandListener> listener;
  std::unique_ptr<ServeLoop> loop;
  bool stops = false;
  bool reloads = false;

  void Serve() {
    Begin();
    auto opened =
        CommandListener::Open(ChannelPath(run->store_folder()), std::string(ProgramVersion()));
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().message));
    listener.emplace(*std::move(opened));
    loop = std::make_unique<ServeLoop>(
        *run, *listener, server,
        ServeSignals{[this] { return stops; }, [this] { return std::exchange(reloads, false); }},
        ServeVoice{[this](const std::string& text) { told.push_back(text); },
                   [this](const std::string& text) { warned.push_back(text); }});
  }
  ~ServeFixture() { loop.reset(); }

  // A client whose output goes into the file `client.out`; ends with the command's exit status.
  pid_t StartClient(const std::vector<std::string>& arguments) {
    const std::string path = ChannelPath(run->store_folder());
    const std::string output = folder / "client.out";
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child != 0) return child;
    alarm(60);
    // What the server has open: its lock is held as long as somebody has that file.
    closefrom(STDERR_FILENO + 1);
    const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    CommandCall call;
    call.program_version = ProgramVersion();
    call.arguments = arguments;
    call.working_folder = folder.path();
    const auto status = AskServer(path, call);
    _exit(status.ok() && *status ? **status : 200);
  }
  // Serves until that client has ended; with what.
  int Finish(pid_t client) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    siginfo_t info = {};
    while (info.si_pid == 0) {
      REQUIRE(std::chrono::steady_clock::now() < until);
      MustTurn();
      waitid(P_PID, static_cast<id_t>(client), &info, WEXITED | WNOHANG | WNOWAIT);
    }
    int status = 0;
    waitpid(client, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  int Ask(const std::vector<std::string>& arguments) { return Finish(StartClient(arguments)); }
  void MustTurn() {
    const Status turned = loop->Turn();
    REQUIRE_MESSAGE(turned.ok(), (turned.ok() ? "" : turned.error().message));
  }
  int AskToImport(const std::string& facts) {
    Write("more.ndjson", facts);
    return Ask({"import", "more.ndjson", "--source", "directory"});
  }
  bool Answered(std::string_view text) {
    return Content("client.out").find(text) != std::string::npos;
  }
  static bool SaidOnce(const std::vector<std::string>& lines, std::string_view text) {
    size_t count = 0;
    for (const std::string& line : lines) count += line.find(text) != std::string::npos ? 1 : 0;
    return count == 1;
  }
};

}  // namespace rescind
