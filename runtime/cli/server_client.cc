#include "runtime/cli/server_client.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "runtime/cli/command.h"
#include "runtime/env/file_system.h"
#include "runtime/server/channel_socket.h"
#include "runtime/server/command_client.h"

namespace rescind {
namespace {

// What only this process can reach, or what would keep the server waiting. An argument, or the
// value of an option that is written with `=`.
Status RefuseFilesOfOurs(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    const size_t equals = argument.starts_with("--") ? argument.find('=') : std::string::npos;
    const std::string path = argument.substr(equals == std::string::npos ? 0 : equals + 1);
    struct stat info = {};
    const bool is_there = stat(path.c_str(), &info) == 0;
    if (is_there && S_ISCHR(info.st_mode) && path == "/dev/null") continue;
    const bool waits =
        is_there && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode) || S_ISSOCK(info.st_mode));
    if (!waits && !path.starts_with("/dev/") && !path.starts_with("/proc/")) continue;
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("`rescind serve` runs this command, and cannot use your {}", path),
                 "give a file's name, or `-` for standard input"};
  }
  return {};
}

// Standard input becomes a file without a name that holds all of it.
Status ReadInputToItsEnd() {
  struct stat info = {};
  if (fstat(STDIN_FILENO, &info) == 0 && S_ISREG(info.st_mode)) return {};
  std::FILE* const file = std::tmpfile();
  if (file == nullptr) return SystemCallError("keep", "standard input", errno);
  std::array<char, size_t{256} << 10> bytes;
  int failure = 0;
  for (;;) {
    const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) failure = errno;
    if (count <= 0) break;
    if (std::fwrite(bytes.data(), 1, static_cast<size_t>(count), file) !=
        static_cast<size_t>(count)) {
      failure = errno;
      break;
    }
  }
  if (failure == 0 && std::fflush(file) != 0) failure = errno;
  if (failure == 0 && dup2(fileno(file), STDIN_FILENO) < 0) failure = errno;
  std::fclose(file);
  if (failure != 0) return SystemCallError("keep", "standard input", failure);
  lseek(STDIN_FILENO, 0, SEEK_SET);
  return {};
}

}  // namespace

Result<std::optional<int>> AskServerOf(const std::string& store_folder,
                                       const std::vector<std::string>& arguments) {
  const std::string path = ChannelPath(store_folder);
  if (access(path.c_str(), F_OK) != 0) return std::optional<int>();
  RESCIND_ASSIGN(const CommandCall call,
                 CallOfThisProcess(arguments, std::string(ProgramVersion())));
  const bool is_server = ServerListens(path);
  if (!is_server) return std::optional<int>();
  RESCIND_TRY(RefuseFilesOfOurs(arguments));
  if (std::find(arguments.begin(), arguments.end(), "-") != arguments.end()) {
    RESCIND_TRY(ReadInputToItsEnd());
  }
  return AskServer(path, call);
}

}  // namespace rescind
