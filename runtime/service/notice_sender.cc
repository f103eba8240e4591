#include "runtime/service/notice_sender.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <variant>

#include "engine/base/instant.h"
#include "runtime/service/foreign_text.h"

namespace rescind {
namespace {

std::string_view KindName(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::kCommand: return "command";
    case ChannelKind::kSmtp: return "smtp";
    case ChannelKind::kWebhook: return "webhook";
  }
  return "unknown";
}

std::string Encode(const std::string& channel, const std::string& recipient, const Notice& notice) {
  nlohmann::ordered_json json = {{"format", "rescind.notice/1"}, {"kind", notice.kind},
                                 {"channel", channel},           {"recipient", recipient},
                                 {"subject", notice.subject},    {"text", notice.text},
                                 {"about", notice.about}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

ProcessRequest RequestFor(const WorkspaceChannel& channel) {
  ProcessRequest request;
  request.working_folder = channel.folder;
  if (const auto found = channel.settings.find("command"); found != channel.settings.end()) {
    if (const auto* words = std::get_if<std::vector<std::string>>(&found->second)) {
      request.argv = *words;
    }
  }
  if (const auto found = channel.settings.find("time_limit"); found != channel.settings.end()) {
    const auto* text = std::get_if<std::string>(&found->second);
    if (const auto limit = text ? ParseDuration(*text) : std::nullopt) {
      request.time_limit = std::chrono::milliseconds(limit->micros / 1000);
    }
  }
  return request;
}

// Why the program's end means that the message was not taken; empty when it was.
std::string WhyNotTaken(const ProcessResult& result) {
  const std::string errors = OneLineOf(result.errors.substr(0, result.errors.find('\n')));
  const std::string said = errors.empty() ? "" : fmt::format(": {}", errors);
  switch (result.end) {
    case ProcessEnd::kExited:
      if (result.exit_status == 0) return {};
      return fmt::format("ended with status {}{}", result.exit_status, said);
    case ProcessEnd::kSignaled: return fmt::format("was ended by signal {}{}", result.signal, said);
    case ProcessEnd::kTimedOut: return "did not end within its time limit";
    case ProcessEnd::kOutputTooLarge: return "wrote too much";
  }
  return "ended in an unknown way";
}

// Why the message takes the way over oncall; empty when it need not.
std::string WhyNotDirectly(const Workspace& workspace, const std::string& recipient) {
  if (recipient.starts_with(kIdentityRecipient)) {
    return fmt::format("no channel here reaches {}", recipient.substr(kIdentityRecipient.size()));
  }
  const auto channel = workspace.channels.find(recipient);
  if (channel == workspace.channels.end()) {
    return fmt::format("there is no channel \"{}\"", recipient);
  }
  if (channel->second.kind == ChannelKind::kCommand) return "";
  return fmt::format("channels of kind {} are not built yet ([channel.{}])",
                     KindName(channel->second.kind), recipient);
}

bool HasOncall(const Workspace& workspace) {
  const auto oncall = workspace.channels.find(workspace.oncall);
  return oncall != workspace.channels.end() && oncall->second.kind == ChannelKind::kCommand;
}

}  // namespace

Status NoticeSender::SendTo(const std::string& channel_name, const std::string& recipient,
                            const Notice& notice) {
  uint32_t& failures = failures_[channel_name];
  if (failures >= kMostFailures) {
    return Error{ErrorKind::kUnavailable,
                 fmt::format("channel {}: not tried again after {} failures in a row", channel_name,
                             failures),
                 fmt::format("see [channel.{}], {}", channel_name,
                             workspace_.channels.at(channel_name).place)};
  }
  Status status = Try(channel_name, recipient, notice);
  failures = status.ok() ? 0 : failures + 1;
  return status;
}

Status NoticeSender::Try(const std::string& channel_name, const std::string& recipient,
                         const Notice& notice) {
  const WorkspaceChannel& channel = workspace_.channels.at(channel_name);
  ProcessRequest request = RequestFor(channel);
  request.input = Encode(channel_name, recipient, notice);
  auto result = processes_.Run(request);
  if (!result.ok()) {
    return std::move(result).error().In(fmt::format("channel {}", channel_name));
  }
  const std::string why = WhyNotTaken(*result);
  if (why.empty()) return {};
  return Error{ErrorKind::kUnavailable,
               fmt::format("channel {}: its command {}", channel_name, why),
               fmt::format("see [channel.{}], {}", channel_name, channel.place)};
}

Result<NoticeDelivery> NoticeSender::Send(const std::string& recipient, const Notice& notice) {
  NoticeDelivery delivery;
  delivery.detour = WhyNotDirectly(workspace_, recipient);
  if (!delivery.detour.empty() && !HasOncall(workspace_)) {
    return Error{ErrorKind::kNotFound, WhyUnreachable(workspace_, recipient), kOncallRemedy};
  }
  delivery.channel = delivery.detour.empty() ? recipient : workspace_.oncall;
  RESCIND_TRY(SendTo(delivery.channel, recipient, notice));
  return delivery;
}

std::string WhyUnreachable(const Workspace& workspace, const std::string& recipient) {
  const std::string detour = WhyNotDirectly(workspace, recipient);
  if (detour.empty() || HasOncall(workspace)) return "";
  return fmt::format("{}, and there is no on-call channel of kind command to take it", detour);
}

}  // namespace rescind
