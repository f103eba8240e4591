#include "runtime/server/command_message.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

namespace rescind {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kCommandFormat = "rescind.command/1";
constexpr const char* kSameProgram =
    "restart `rescind serve` with this program, or use the program that it was started from";

// For a message: a text of another program in full would hide what is said about it.
constexpr size_t kMaxQuotedBytes = 40;
constexpr size_t kMaxRefusalBytes = 4096;
constexpr size_t kMostNested = 16;  // ours are 4; later programs may add

struct KindName {
  ErrorKind kind;
  std::string_view name;
};
// Never change a name: programs of other versions read it.
constexpr std::array kKindNames = {
    KindName{ErrorKind::kInvalidInput, "invalid"},
    KindName{ErrorKind::kNotFound, "not_found"},
    KindName{ErrorKind::kIo, "io"},
    KindName{ErrorKind::kCorrupt, "corrupt"},
    KindName{ErrorKind::kBusy, "busy"},
    KindName{ErrorKind::kDenied, "denied"},
    KindName{ErrorKind::kUnavailable, "unavailable"},
    KindName{ErrorKind::kStale, "stale"},
    KindName{ErrorKind::kUnsupported, "unsupported"},
};

Error BadCall(std::string_view why) {
  return {ErrorKind::kInvalidInput, fmt::format("the request {}", why),
          "runtime/server/README.md describes the requests"};
}

Error BadAnswer(std::string_view why) {
  return {ErrorKind::kCorrupt, fmt::format("the answer of `rescind serve` {}", why), kSameProgram};
}

std::string Printed(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string WithLength(const std::string& document) {
  std::string message;
  for (int shift = 24; shift >= 0; shift -= 8) {
    message += static_cast<char>((document.size() >> shift) & 0xFF);
  }
  return message + document;
}

// A JSON text, or {"hex": "2f62e4"} where the bytes are no UTF-8.
Json BytesToJson(std::string_view bytes) {
  if (simdjson::validate_utf8(bytes.data(), bytes.size())) return std::string(bytes);
  std::string digits;
  for (const char byte : bytes) {
    fmt::format_to(std::back_inserter(digits), "{:02x}", static_cast<uint8_t>(byte));
  }
  Json object;
  object["hex"] = std::move(digits);
  return object;
}

int DigitValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

std::optional<std::string> BytesOfHex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = DigitValue(digits[i]);
    const int low = DigitValue(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::optional<std::string> BytesFromJson(const Json& value) {
  std::optional<std::string> bytes;
  if (value.is_string()) {
    bytes = value.get<std::string>();
  } else if (value.is_object() && value.size() == 1 && value.begin().key() == "hex" &&
             value.begin()->is_string()) {
    bytes = BytesOfHex(value.begin()->get_ref<const std::string&>());
  }
  if (bytes && bytes->find('\0') != std::string::npos) return std::nullopt;
  return bytes;
}

const Json* Member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string TextOf(const Json& object, const char* name) {
  const Json* found = Member(object, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

// Cut at a character's border.
std::string Cut(std::string text, size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  size_t end = most_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "…";
}

// Whether no value lies deeper than our messages go. A megabyte of brackets would take the parser
// the time of a hundred honest requests.
bool IsShallow(std::string_view json) {
  size_t depth = 0;
  bool in_text = false;
  for (size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (in_text) {
      if (c == '\\') ++at;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMostNested) return false;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return true;
}

// One JSON object of our format; `bad` makes the error where it is none.
Result<Json> ParseDocument(std::string_view text, Error (*bad)(std::string_view)) {
  if (!IsShallow(text)) return bad("is nested too deeply");
  Json document = Json::parse(text, nullptr, false);
  if (document.is_discarded()) return bad("is not one JSON document in UTF-8");
  if (!document.is_object()) return bad("is not a JSON object");
  const std::string format = TextOf(document, "format");
  if (format == kCommandFormat) return document;
  if (!format.starts_with("rescind.command/")) {
    return bad(fmt::format("needs `format`: \"{}\"", kCommandFormat));
  }
  return Error{ErrorKind::kUnsupported,
               fmt::format("this command and `rescind serve` speak differently: one says \"{}\", "
                           "the other \"{}\"",
                           Cut(format, kMaxQuotedBytes), kCommandFormat),
               kSameProgram};
}

Status ReadArguments(const Json& document, CommandCall& call) {
  const Json* arguments = Member(document, "arguments");
  if (arguments == nullptr || !arguments->is_array()) return BadCall("needs `arguments`: a list");
  for (const Json& argument : *arguments) {
    auto bytes = BytesFromJson(argument);
    if (!bytes) return BadCall("has something in `arguments` that is no text");
    call.arguments.push_back(*std::move(bytes));
  }
  return {};
}

Status ReadVariables(const Json& document, CommandCall& call) {
  const Json* variables = Member(document, "environment");
  if (variables == nullptr || !variables->is_array()) {
    return BadCall("needs `environment`: a list");
  }
  for (const Json& variable : *variables) {
    const bool is_pair = variable.is_array() && variable.size() == 2;
    auto name = is_pair ? BytesFromJson(variable[0]) : std::nullopt;
    auto value = is_pair ? BytesFromJson(variable[1]) : std::nullopt;
    if (!name || !value) return BadCall("has something in `environment` that is no [name, value]");
    if (IsCommandVariable(*name)) call.environment.insert_or_assign(*std::move(name), *value);
  }
  return {};
}

Status ReadTerminals(const Json& document, CommandCall& call) {
  const Json* terminals = Member(document, "terminals");
  const auto read = [&](size_t stream, bool& into) {
    const Json& value = (*terminals)[stream];
    if (value.is_boolean()) into = value.get<bool>();
    return value.is_boolean();
  };
  const bool ok = terminals != nullptr && terminals->is_array() && terminals->size() == 3 &&
                  read(0, call.in_is_terminal) && read(1, call.out_is_terminal) &&
                  read(2, call.err_is_terminal);
  if (!ok) return BadCall("needs `terminals`: true or false for each of the three streams");
  return {};
}

}  // namespace

bool IsCommandVariable(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames = {"HOME", "NO_COLOR", "SUDO_UID",
                                                      "XDG_CONFIG_HOME"};
  return name.starts_with("RESCIND_") ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

Result<std::string> EncodeCall(const CommandCall& call) {
  Json document;
  document["format"] = kCommandFormat;
  document["program_version"] = BytesToJson(call.program_version);
  document["arguments"] = Json::array();
  for (const std::string& argument : call.arguments) {
    document["arguments"].push_back(BytesToJson(argument));
  }
  document["working_folder"] = BytesToJson(call.working_folder);
  document["environment"] = Json::array();
  for (const auto& [name, value] : call.environment) {
    Json variable = Json::array();
    variable.push_back(BytesToJson(name));
    variable.push_back(BytesToJson(value));
    if (IsCommandVariable(name)) document["environment"].push_back(std::move(variable));
  }
  Json terminals = Json::array();
  for (const bool is : {call.in_is_terminal, call.out_is_terminal, call.err_is_terminal}) {
    terminals.push_back(is);
  }
  document["terminals"] = std::move(terminals);
  const std::string text = Printed(document);
  if (text.size() > kMaxCallBytes) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("the command's arguments and environment are {} bytes; a running "
                             "`rescind serve` takes at most {}",
                             text.size(), kMaxCallBytes),
                 "give fewer or shorter arguments, for instance a folder instead of its files"};
  }
  return WithLength(text);
}

std::string EncodeStop() {
  Json document;
  document["format"] = kCommandFormat;
  document["stop"] = true;
  return WithLength(Printed(document));
}

std::string EncodeExitStatus(int exit_status) {
  Json document;
  document["format"] = kCommandFormat;
  document["exit_status"] = exit_status;
  return WithLength(Printed(document));
}

std::string EncodeRefusal(const Error& error) {
  const auto kind = std::find_if(kKindNames.begin(), kKindNames.end(),
                                 [&](const KindName& entry) { return entry.kind == error.kind; });
  Json refusal;
  refusal["kind"] = kind == kKindNames.end() ? "unavailable" : kind->name;
  refusal["message"] = Cut(error.message, kMaxRefusalBytes);
  refusal["help"] = Cut(error.help, kMaxRefusalBytes);
  Json document;
  document["format"] = kCommandFormat;
  document["error"] = std::move(refusal);
  return WithLength(Printed(document));
}

Result<std::optional<std::string>> TakeMessage(std::string& bytes, size_t most_bytes) {
  if (bytes.size() < kLengthBytes) return std::optional<std::string>();
  size_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length = length << 8 | static_cast<uint8_t>(bytes[i]);
  if (length > most_bytes) {
    return BadCall(
        fmt::format("says that it is {} bytes long; at most {} are taken", length, most_bytes));
  }
  if (bytes.size() - kLengthBytes < length) return std::optional<std::string>();
  std::string document = bytes.substr(kLengthBytes, length);
  bytes.erase(0, kLengthBytes + length);
  return std::optional<std::string>(std::move(document));
}

Result<CommandCall> DecodeCall(std::string_view text, std::string_view program_version) {
  RESCIND_ASSIGN(const Json document, ParseDocument(text, BadCall));
  CommandCall call;
  call.program_version = TextOf(document, "program_version");
  if (call.program_version.empty()) return BadCall("needs `program_version`: a text");
  if (call.program_version != program_version) {
    return Error{ErrorKind::kUnsupported,
                 fmt::format("this is rescind {}, and the `rescind serve` that holds the store is "
                             "rescind {}",
                             Cut(call.program_version, kMaxQuotedBytes), program_version),
                 kSameProgram};
  }
  RESCIND_TRY(ReadArguments(document, call));
  const Json* folder = Member(document, "working_folder");
  auto folder_bytes = folder == nullptr ? std::nullopt : BytesFromJson(*folder);
  if (!folder_bytes || !folder_bytes->starts_with('/')) {
    return BadCall("needs `working_folder`: an absolute path");
  }
  call.working_folder = *std::move(folder_bytes);
  RESCIND_TRY(ReadVariables(document, call));
  RESCIND_TRY(ReadTerminals(document, call));
  return call;
}

Status DecodeStop(std::string_view text) {
  RESCIND_ASSIGN(const Json document, ParseDocument(text, BadCall));
  const Json* stop = Member(document, "stop");
  const bool ok = stop != nullptr && stop->is_boolean() && stop->get<bool>();
  if (!ok) return BadCall("is not one to stop");
  return {};
}

Result<int> DecodeAnswer(std::string_view text) {
  RESCIND_ASSIGN(const Json document, ParseDocument(text, BadAnswer));
  if (const Json* refusal = Member(document, "error")) {
    if (!refusal->is_object()) return BadAnswer("has an `error` that is no object");
    const std::string name = TextOf(*refusal, "kind");
    const auto kind = std::find_if(kKindNames.begin(), kKindNames.end(),
                                   [&](const KindName& entry) { return entry.name == name; });
    return Error{kind == kKindNames.end() ? ErrorKind::kUnavailable : kind->kind,
                 TextOf(*refusal, "message"), TextOf(*refusal, "help")};
  }
  const Json* status = Member(document, "exit_status");
  const bool fits =
      status != nullptr && status->is_number_integer() && !(*status < 0) && !(*status > 255);
  if (!fits) return BadAnswer("needs `exit_status`: a whole number from 0 to 255");
  return status->get<int>();
}

}  // namespace rescind
