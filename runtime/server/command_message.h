// The messages of the command channel as bytes: `rescind.command/1` (README.md, "Format").
//
//   client ─ a call (with its three standard streams), later perhaps a wish to stop ─> server
//   client <─ an exit status, or why there is none ─ server
//
// Pure: knows neither sockets nor what a command means. What is decoded comes from outside, so
// every mistake in it is an Error and never a crash.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace rescind {

// A command as its client gives it. Texts are bytes, as the system gave them: file names need not
// be UTF-8. None of them holds a NUL.
struct CommandCall {
  std::string program_version;         // of the client: "0.1.0"
  std::vector<std::string> arguments;  // without the program's name
  std::string working_folder;          // absolute
  // Those that commands read (IsCommandVariable), and no others.
  std::map<std::string, std::string> environment;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
};

// Whether commands read that variable of the environment: RESCIND_*, and a few names.
bool IsCommandVariable(std::string_view name);

// The document of one message; the length before it is not counted.
inline constexpr size_t kMaxCallBytes = 1 << 20;
inline constexpr size_t kMaxAnswerBytes = 64 << 10;
inline constexpr size_t kMaxStopBytes = 256;
inline constexpr size_t kLengthBytes = 4;

// Each gives a whole message: the length and the document.
// kInvalidInput: the call is larger than kMaxCallBytes.
Result<std::string> EncodeCall(const CommandCall& call);
std::string EncodeStop();
std::string EncodeExitStatus(int exit_status);
std::string EncodeRefusal(const Error& error);  // texts that are too long are cut

// Takes the document of the first message from the front of `bytes`; nullopt: it is not whole yet.
// kInvalidInput as soon as its length is over `most_bytes`.
Result<std::optional<std::string>> TakeMessage(std::string& bytes, size_t most_bytes);

// kUnsupported: a client of another format, or of another version than `program_version`, the
// server's. kInvalidInput: it is no call.
Result<CommandCall> DecodeCall(std::string_view document, std::string_view program_version);
// Success: it is a wish to stop.
Status DecodeStop(std::string_view document);
// The exit status, or the server's refusal, whose kind and words it has. kUnsupported, kCorrupt:
// it is no answer.
Result<int> DecodeAnswer(std::string_view document);

}  // namespace rescind
