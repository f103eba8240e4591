// `rescind serve`: looks after a workspace without pause, and runs the commands of others
// meanwhile.
#include <fmt/ostream.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <memory>

#include "engine/base/visible_text.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/cli/serve_loop.h"
#include "runtime/server/channel_socket.h"

namespace rescind {
namespace {

// A signal handler can reach nothing else.
std::atomic<int> stop_count{0};
std::atomic<bool> reload_wanted{false};

extern "C" void NoteStop(int) { stop_count.fetch_add(1); }
extern "C" void NoteReload(int) { reload_wanted.store(true); }

// While it lives, SIGTERM and SIGINT ask the process to end between two steps, a second one ends it
// at once, and SIGHUP has policies read again.
class SignalWatch {
 public:
  SignalWatch() {
    stop_count = 0;
    reload_wanted = false;
    Catch(SIGTERM, NoteStop, SA_RESETHAND, before_terminate_);
    Catch(SIGINT, NoteStop, SA_RESETHAND, before_interrupt_);
    Catch(SIGHUP, NoteReload, 0, before_hang_up_);
  }
  ~SignalWatch() {
    sigaction(SIGTERM, &before_terminate_, nullptr);
    sigaction(SIGINT, &before_interrupt_, nullptr);
    sigaction(SIGHUP, &before_hang_up_, nullptr);
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  static void Catch(int number, void (*handler)(int), unsigned flags, struct sigaction& before) {
    struct sigaction action = {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    action.sa_flags = static_cast<int>(flags);
    sigaction(number, &action, &before);
  }

  struct sigaction before_terminate_ = {};
  struct sigaction before_interrupt_ = {};
  struct sigaction before_hang_up_ = {};
};

// One line a thing that happened, with its time.
void Log(Invocation& invocation, const char* level, const std::string& text) {
  fmt::print(invocation.err, "{} {} {}\n", FormatInstant(invocation.clock.Now()), level,
             Visible(text));
  invocation.err.flush();
}

Result<ExitStatus> RunServe(Invocation& invocation) {
  const auto is_stopped = [&] {
    return stop_count > 0 || (invocation.wants_stop && invocation.wants_stop());
  };
  const SignalWatch watch;
  ContinuousSetup setup{EnvironmentOf(invocation),
                        invocation.processes,
                        [&] { return invocation.OpenWorkspace(); },
                        ActorName(invocation),
                        {}};
  setup.more_files = {invocation.surroundings.user_file, invocation.surroundings.system_file};
  setup.last_words = {static_cast<int>(ExitStatus::kError), kCutOffMeans,
                      "start `rescind serve` again: it looks at their systems and goes on"};
  setup.voice.tell = [&](const std::string& text) { Log(invocation, "info", text); };
  setup.voice.warn = [&](const std::string& text) { Log(invocation, "warning", text); };
  setup.voice.stop = is_stopped;
  RESCIND_ASSIGN(const auto run, ContinuousRun::Open(std::move(setup)));
  PrintNotices(run->policies(), invocation);
  const std::string path = ChannelPath(run->store_folder());
  RESCIND_ASSIGN(CommandListener listener,
                 CommandListener::Open(path, std::string(ProgramVersion())));
  const ServeSignals signals{is_stopped, [] { return reload_wanted.exchange(false); }};
  const ServeVoice voice{[&](const std::string& text) { Log(invocation, "info", text); },
                         [&](const std::string& text) { Log(invocation, "warning", text); }};
  ServeLoop loop(*run, listener, invocation, signals, voice);
  voice.tell(fmt::format("serving {} (commands at {})", run->workspace().folder, path));
  const Status ran = loop.Run();
  voice.tell("stopping");
  RESCIND_TRY(run->Close());
  RESCIND_TRY(ran);
  return ExitStatus::kDone;
}

}  // namespace

void DeclareServe(CommandLine& line) {
  CLI::App& serve = line.Add(
      "serve", "Look after the workspace without pause; other commands reach the store through it",
      [](Invocation& invocation) { return RunServe(invocation); }, CommandPlace::kHere);
  serve.footer(
      "What is ready is carried out as `apply --auto` does it: when facts come in, when a match\n"
      "begins or a stage falls due, and when a system that failed is to be tried again.\n"
      "Nobody is asked: what needs a person waits, and `rescind status` says what and why.\n"
      "Changed policies and settings are in force at once, or `status` says why they are not.\n"
      "SIGTERM and SIGINT end it between two actions, SIGHUP has everything read again.\n"
      "\nExit status: 0 it was told to end, 1 error.");
}

}  // namespace rescind
