// NoticeSender: brings a message to a channel of rescind.toml.
//
// A channel of kind `command` gets it as one JSON object (`rescind.notice/1`) on its standard
// input. Channels of other kinds, and people who have no address here, are reached through the
// workspace's `oncall` channel; the message then says whom it is for. It decides neither who is
// told nor what.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/process.h"
#include "runtime/service/workspace.h"

namespace rescind {

struct Notice {
  std::string kind;     // "notice", "late", "withdrawn", "escalated", …
  std::string subject;  // one line
  std::string text;     // for a person, several lines
  // What it is about, for programs: "policy", "finding", "entity", "target", "stage", "due", …
  std::map<std::string, std::string> about;
};

struct NoticeDelivery {
  std::string channel;  // that took it
  // Why it is not the one that was meant; empty when it is.
  std::string detour;
};

inline constexpr const char* kOncallRemedy =
    "set `oncall` in [workspace] to a [channel.NAME] with kind = \"command\"";
// Why no channel of rescind.toml can take a message for `recipient` (a channel's name, or
// "identity:ID"), in a sentence without its full stop; empty when one can. Asks no channel.
std::string WhyUnreachable(const Workspace& workspace, const std::string& recipient);

class NoticeSender {
 public:
  // Both outlive it.
  NoticeSender(const Workspace& workspace, ProcessRunner& processes)
      : workspace_(workspace), processes_(processes) {}

  // `recipient`: a channel's name, or "identity:ID". An error when no channel took it: kNotFound
  // when there is none to take it, kUnavailable when it did not accept it. A channel that has
  // failed kMostFailures times in a row is not tried again: thousands of messages must not wait for
  // it.
  Result<NoticeDelivery> Send(const std::string& recipient, const Notice& notice);

 private:
  static constexpr uint32_t kMostFailures = 3;

  Status Try(const std::string& channel_name, const std::string& recipient, const Notice& notice);
  Status SendTo(const std::string& channel_name, const std::string& recipient,
                const Notice& notice);

  const Workspace& workspace_;
  ProcessRunner& processes_;
  std::map<std::string, uint32_t> failures_;  // in a row, by channel
};

}  // namespace rescind
