#include "runtime/server/finished_commands.h"

#include <poll.h>

#include <chrono>
#include <utility>
#include <vector>

namespace rescind {
namespace {

// More than these wait for the oldest to be dropped: each keeps what it has not read.
constexpr size_t kMostCommands = 32;
constexpr int kLookMilliseconds = 200;
constexpr std::chrono::seconds kLastMoment{2};

}  // namespace

FinishedCommands::~FinishedCommands() {
  {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, kLastMoment, [&] { return commands_.empty(); });
    ends_ = true;
  }
  news_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool FinishedCommands::GoOn(Command& command) {
  command.out->Flush();
  command.err->Flush();
  if (command.request.ClientWantsStop() && command.request.client_has_gone()) return true;
  const auto is_over = [](const ClientOutput& output) {
    return output.is_lost() || !output.has_rest();
  };
  if (!is_over(*command.out) || !is_over(*command.err)) return false;
  // Who reads them sees their end no later than the exit status.
  command.out.reset();
  command.err.reset();
  command.request.Answer(command.exit_status);
  return true;
}

void FinishedCommands::Add(CommandRequest request, std::unique_ptr<ClientOutput> out,
                           std::unique_ptr<ClientOutput> err, int exit_status) {
  Command command{std::move(request), std::move(out), std::move(err), exit_status};
  if (GoOn(command)) return;
  const std::lock_guard lock(mutex_);
  if (commands_.size() >= kMostCommands) commands_.pop_front();
  commands_.push_back(std::move(command));
  if (!thread_.joinable()) thread_ = std::thread([this] { Loop(); });
  news_.notify_all();
}

void FinishedCommands::Loop() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    commands_.remove_if(GoOn);
    if (commands_.empty()) {
      news_.notify_all();
      news_.wait(lock, [&] { return ends_ || !commands_.empty(); });
      continue;
    }
    std::vector<pollfd> waiting;
    for (const Command& command : commands_) {
      for (const ClientOutput* output : {command.out.get(), command.err.get()}) {
        if (output->has_rest()) waiting.push_back({output->descriptor(), POLLOUT, 0});
      }
    }
    lock.unlock();
    poll(waiting.data(), waiting.size(), kLookMilliseconds);
    lock.lock();
  }
}

}  // namespace rescind
