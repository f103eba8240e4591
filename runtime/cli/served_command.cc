#include "runtime/cli/served_command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <istream>
#include <optional>
#include <ostream>
#include <streambuf>
#include <utility>

#include "runtime/cli/command_list.h"

namespace rescind {
namespace {

// Of a regular file, where reading waits for nobody; of anything else it is empty (main.cc makes a
// file of what a client is to read).
class ClientInput final : public std::streambuf {
 public:
  explicit ClientInput(int descriptor) : descriptor_(descriptor) {
    struct stat info = {};
    is_file_ = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
  }

 protected:
  int_type underflow() override {
    if (!is_file_) return traits_type::eof();
    ssize_t count = 0;
    do {
      count = read(descriptor_, bytes_.data(), bytes_.size());
    } while (count < 0 && errno == EINTR);
    if (count <= 0) return traits_type::eof();
    setg(bytes_.data(), bytes_.data(), bytes_.data() + count);
    return traits_type::to_int_type(bytes_[0]);
  }

 private:
  const int descriptor_;
  bool is_file_ = false;
  std::array<char, size_t{64} << 10> bytes_;
};

std::string VariableOf(const CommandCall& call, const char* name) {
  const auto variable = call.environment.find(name);
  return variable == call.environment.end() ? "" : variable->second;
}

}  // namespace

std::string ServedCommands::Run(CommandRequest request,
                                const std::function<bool()>& process_stops) {
  if (request.ClientWantsStop()) return "";  // nobody waits for it any more
  auto out_bytes = std::make_unique<ClientOutput>(request.out());
  auto err_bytes = std::make_unique<ClientOutput>(request.err());
  ClientInput in_bytes(request.in());
  int exit_status = 0;
  std::string chosen;
  {
    std::ostream out(out_bytes.get());
    std::ostream err(err_bytes.get());
    std::istream in(&in_bytes);
    const CommandCall& call = request.call;
    const uint32_t user = request.caller.user_id;
    Invocation invocation{.out = out,
                          .err = err,
                          .in = in,
                          .files = server_.files,
                          .clock = server_.clock,
                          .random = server_.random,
                          .processes = server_.processes,
                          .surroundings = WorkspaceSurroundings::Of(call.environment),
                          .caller = {user, user, VariableOf(call, "SUDO_UID")},
                          .lender = &lender_,
                          .out_is_terminal = call.out_is_terminal,
                          .err_is_terminal = call.err_is_terminal,
                          .no_color = call.environment.contains("NO_COLOR")};
    invocation.working_folder = call.working_folder;
    invocation.server = server_.server;
    invocation.in_force = server_.in_force;
    invocation.wants_stop = [&] { return request.ClientWantsStop() || process_stops(); };
    CommandLine line;  // it keeps what was parsed
    DeclareAll(line);
    exit_status = static_cast<int>(line.Run(call.arguments, invocation));
    chosen = line.chosen();
    out.flush();
    err.flush();
  }
  if (!request.client_has_gone()) {
    finished_.Add(std::move(request), std::move(out_bytes), std::move(err_bytes), exit_status);
  }
  return chosen;
}

}  // namespace rescind
