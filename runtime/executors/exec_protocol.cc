#include "runtime/executors/exec_protocol.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/base/instant.h"
#include "engine/base/sha256.h"

namespace rescind {
namespace {

using Json = nlohmann::json;  // sorted members: what it prints is canonical

constexpr std::string_view kFormat = "rescind.exec/1";
// A detail goes into the audit log, whose leaves are bounded.
constexpr size_t kMaxTextBytes = 2000;
constexpr size_t kMaxPreimageBytes = 256 << 10;
constexpr int64_t kMaxRetryAfterMillis = 24 * 3600 * 1000;

Error Malformed(std::string_view why) {
  return {ErrorKind::kCorrupt, fmt::format("the program's reply {}", why),
          "runtime/executors/README.md describes the replies"};
}

// Cut at a character's border.
std::string Shortened(std::string text) {
  if (text.size() <= kMaxTextBytes) return text;
  size_t end = kMaxTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "…";
}

// Reads members of a reply and remembers the first that is wrong.
class ReplyReader {
 public:
  explicit ReplyReader(const Json& reply) : reply_(reply) {}

  bool Bool(const char* name) {
    const Json* found = Find(name);
    if (found == nullptr || !found->is_boolean()) {
      Fail(fmt::format("needs `{}`: true or false", name));
      return false;
    }
    return found->get<bool>();
  }
  std::string Text(const char* name) {
    const Json* found = Find(name);
    if (found == nullptr || found->is_null()) return "";
    if (!found->is_string()) {
      Fail(fmt::format("has a `{}` that is no text", name));
      return "";
    }
    return Shortened(found->get<std::string>());
  }
  std::optional<int64_t> Integer(const char* name, int64_t most) {
    const Json* found = Find(name);
    if (found == nullptr || found->is_null()) return std::nullopt;
    const bool fits = found->is_number_integer() && !(*found < 0) && !(*found > most);
    if (fits) return found->get<int64_t>();
    Fail(fmt::format("has a `{}` that is no whole number from 0 to {}", name, most));
    return std::nullopt;
  }
  std::optional<Instant> Time(const char* name) {
    const std::string text = Text(name);
    if (text.empty()) return std::nullopt;
    const auto instant = ParseInstant(text);
    if (!instant) {
      Fail(fmt::format("has a `{}` that is no instant such as 2026-01-31T08:00:00Z", name));
    }
    return instant;
  }
  template <typename T>
  T Named(const char* name, const std::map<std::string_view, T>& choices) {
    const std::string text = Text(name);
    const auto found = choices.find(text);
    if (found != choices.end()) return found->second;
    std::string names;
    for (const auto& [choice, ignored] : choices) {
      names += (names.empty() ? "" : ", ") + std::string(choice);
    }
    Fail(text.empty()
             ? fmt::format("needs `{}`: one of {}", name, names)
             : fmt::format("has the unknown `{}` \"{}\"; it must be one of {}", name, text, names));
    return choices.begin()->second;
  }
  const Json* Find(const char* name) const {
    const auto found = reply_.find(name);
    return found == reply_.end() ? nullptr : &*found;
  }
  void Fail(std::string why) {
    if (!failure_) failure_ = std::move(why);
  }
  const std::optional<std::string>& failure() const { return failure_; }

 private:
  const Json& reply_;
  std::optional<std::string> failure_;
};

Error ReportedError(ReplyReader& reader) {
  const auto kind = reader.Named<ErrorKind>("error", {{"unavailable", ErrorKind::kUnavailable},
                                                      {"denied", ErrorKind::kDenied},
                                                      {"invalid", ErrorKind::kInvalidInput},
                                                      {"unsupported", ErrorKind::kUnsupported}});
  std::string message = reader.Text("message");
  if (reader.failure()) return Malformed(*reader.failure());
  if (message.empty()) message = "the program reports an error without a message";
  return {kind, std::move(message), ""};
}

Result<Json> ParseReply(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Malformed("is empty");
  Json reply = Json::parse(text, nullptr, false);
  if (reply.is_discarded()) return Malformed("is not one JSON document in UTF-8");
  if (!reply.is_object()) return Malformed("is not a JSON object");
  const auto format = reply.find("format");
  if (format == reply.end() || !format->is_string()) {
    return Malformed(fmt::format("needs `format`: \"{}\"", kFormat));
  }
  const auto found = format->get<std::string>();
  if (found != kFormat) {
    return Malformed(fmt::format("is of the format \"{}\", not \"{}\"", Shortened(found), kFormat));
  }
  ReplyReader reader(reply);
  if (reader.Find("error") != nullptr) return ReportedError(reader);
  return reply;
}

Json ReasonsJson(const Action& action) {
  Json reasons = Json::array();
  for (const ActionReason& reason : action.reasons) {
    reasons.push_back({{"policy", reason.policy},
                       {"finding", reason.finding_id},
                       {"because", reason.because},
                       {"controls", reason.controls}});
  }
  return reasons;
}

bool IsUtf8(const Action& action) {
  const auto valid = [](std::string_view text) {
    return simdjson::validate_utf8(text.data(), text.size());
  };
  bool all = valid(action.target.id) && valid(action.target.entity) &&
             valid(action.target.system) && valid(action.playbook);
  for (const auto& [path, value] : action.target.attributes) {
    all = all && valid(path) && valid(value);
  }
  for (const ActionReason& reason : action.reasons) {
    all = all && valid(reason.policy) && valid(reason.because) && valid(reason.finding_id);
    for (const std::string& control : reason.controls) all = all && valid(control);
  }
  return all;
}

}  // namespace

std::string_view ExecOperationName(ExecOperation operation) {
  switch (operation) {
    case ExecOperation::kObserve: return "observe";
    case ExecOperation::kApply: return "apply";
    case ExecOperation::kUndo: return "undo";
    case ExecOperation::kVerify: return "verify";
  }
  RESCIND_UNREACHABLE("unknown operation");
}

Result<std::string> EncodeExecRequest(const ExecRequest& request) {
  const Action& action = request.action;
  if (!IsUtf8(action)) {
    return Error{ErrorKind::kInvalidInput,
                 "the action's target holds text that is not UTF-8 and cannot be told to a program",
                 "correct the id in the source that gave it"};
  }
  Json document = {{"format", kFormat},
                   {"operation", ExecOperationName(request.operation)},
                   {"target_name", request.target_name},
                   {"key", action.key},
                   {"verb", VerbName(action.verb)},
                   {"entity", action.target.entity},
                   {"id", action.target.id},
                   {"incarnation", action.target.incarnation},
                   {"system", action.target.system},
                   {"attributes", action.target.attributes},
                   {"episode", action.episode},
                   {"severity", SeverityName(action.severity)},
                   {"reasons", ReasonsJson(action)}};
  if (action.verb == Verb::kRun) document["playbook"] = action.playbook;
  if (request.operation == ExecOperation::kApply) {
    document["precondition_digest"] = request.precondition_digest;
    document["epoch"] = request.epoch;
  }
  if (!request.preimage.empty()) {
    Json preimage = Json::parse(request.preimage, nullptr, false);
    if (preimage.is_discarded()) {
      return Error{ErrorKind::kCorrupt, "the recorded earlier state is not JSON", ""};
    }
    document["preimage"] = std::move(preimage);
  }
  return document.dump() + "\n";
}

Result<TargetState> DecodeExecObserve(std::string_view reply) {
  RESCIND_ASSIGN(const Json document, ParseReply(reply));
  ReplyReader reader(document);
  TargetState state;
  state.exists = reader.Bool("exists");
  state.in_wanted_state = reader.Bool("in_wanted_state");
  state.summary = reader.Text("summary");
  state.last_used = reader.Time("last_used");
  const Json* preimage = reader.Find("preimage");
  // Without a preimage the two flags are all that is known of the state.
  state.preimage = preimage != nullptr && !preimage->is_null()
                       ? preimage->dump()
                       : Json({{"exists", state.exists}, {"wanted", state.in_wanted_state}}).dump();
  if (state.preimage.size() > kMaxPreimageBytes) reader.Fail("has a `preimage` over 256 KiB");
  if (reader.failure()) return Malformed(*reader.failure());
  if (state.summary.empty()) state.summary = state.exists ? "exists" : "does not exist";
  state.digest = Sha256Hex(state.preimage);
  return state;
}

Result<ApplyResult> DecodeExecOutcome(std::string_view reply) {
  RESCIND_ASSIGN(const Json document, ParseReply(reply));
  ReplyReader reader(document);
  ApplyResult result;
  result.outcome = reader.Named<ApplyOutcome>("outcome", {{"applied", ApplyOutcome::kApplied},
                                                          {"already", ApplyOutcome::kAlready},
                                                          {"transient", ApplyOutcome::kTransient},
                                                          {"permanent", ApplyOutcome::kPermanent},
                                                          {"unknown", ApplyOutcome::kUnknown}});
  result.detail = reader.Text("detail");
  if (const auto millis = reader.Integer("retry_after_ms", kMaxRetryAfterMillis)) {
    result.retry_after = std::chrono::milliseconds(*millis);
  }
  if (reader.failure()) return Malformed(*reader.failure());
  return result;
}

Result<VerifyResult> DecodeExecVerify(std::string_view reply) {
  RESCIND_ASSIGN(const Json document, ParseReply(reply));
  ReplyReader reader(document);
  VerifyResult result;
  result.outcome =
      reader.Named<VerifyOutcome>("outcome", {{"verified", VerifyOutcome::kVerified},
                                              {"still_effective", VerifyOutcome::kStillEffective},
                                              {"cannot_tell", VerifyOutcome::kCannotTell}});
  result.evidence = reader.Text("evidence");
  result.via = reader.Text("via");
  // Proof is something that a person can read.
  if (result.outcome == VerifyOutcome::kVerified && result.evidence.empty()) {
    reader.Fail("says \"verified\" without `evidence`: what was tried and what came back");
  }
  if (reader.failure()) return Malformed(*reader.failure());
  return result;
}

}  // namespace rescind
