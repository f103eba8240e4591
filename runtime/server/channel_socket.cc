#include "runtime/server/channel_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/env/file_system.h"

namespace rescind {
namespace {

constexpr std::string_view kSocketName = "command.sock";
// One more than a call has: that is how too many are seen.
constexpr size_t kDescriptorRoom = 4;
constexpr size_t kMostBytesAtOnce = 64 << 10;

// Owns what came with `message`.
void TakeDescriptors(msghdr& message, std::vector<Descriptor>& into) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof number, sizeof number);
      into.emplace_back(number);
    }
  }
}

}  // namespace

std::string ChannelPath(const std::string& store_folder) {
  return fmt::format("{}/{}", store_folder, kSocketName);
}

Result<ChannelAddress> ChannelAddress::Of(const std::string& path) {
  ChannelAddress address;
  const size_t name_begin = path.rfind('/') + 1;  // npos + 1 is 0
  const std::string folder = name_begin == 0 ? "." : path.substr(0, name_begin);
  address.name_ = path.substr(name_begin);
  address.folder_ = Descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!address.folder_.open()) return SystemCallError("open the folder", folder, errno);

  const size_t room = sizeof address.address_.sun_path - 1;
  const std::string fitting =
      path.size() <= room
          ? path
          : fmt::format("/proc/self/fd/{}/{}", address.folder_.number(), address.name_);
  if (address.name_.empty() || fitting.size() > room) {
    return Error{ErrorKind::kInvalidInput, fmt::format("{} cannot name a socket", path),
                 "use a shorter name"};
  }
  address.address_.sun_family = AF_UNIX;
  std::memcpy(address.address_.sun_path, fitting.data(), fitting.size());
  return address;
}

Result<Descriptor> NewChannelSocket() {
  Descriptor made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (made.open()) return made;
  return Error{ErrorKind::kIo, fmt::format("cannot make a socket: {}", std::strerror(errno)), ""};
}

Result<PeerIds> PeerOf(int socket) {
  ucred credentials = {};
  socklen_t bytes = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0) {
    return Error{ErrorKind::kIo,
                 fmt::format("cannot learn who is on the other side of the command channel: {}",
                             std::strerror(errno)),
                 ""};
  }
  return PeerIds{credentials.pid, credentials.uid, credentials.gid};
}

bool MayCommand(uint32_t server_user_id, uint32_t peer_user_id) {
  return peer_user_id == server_user_id || peer_user_id == 0;
}

bool MayServe(uint32_t client_user_id, uint32_t server_user_id) {
  return server_user_id == client_user_id || server_user_id == 0 || client_user_id == 0;
}

Received Receive(int socket, size_t most_bytes, std::string& bytes,
                 std::vector<Descriptor>& descriptors) {
  Received received;
  std::array<char, 16384> block{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptorRoom * sizeof(int))> control{};
  const size_t limit = std::min(most_bytes, bytes.size() + kMostBytesAtOnce);
  while (bytes.size() < limit) {
    iovec part = {block.data(), std::min(block.size(), limit - bytes.size())};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return received;
    if (count >= 0) {
      TakeDescriptors(message, descriptors);
      if ((message.msg_flags & MSG_CTRUNC) != 0) received.lost_descriptors = true;
    }
    if (count <= 0) {
      received.ended = true;
      return received;
    }
    bytes.append(block.data(), static_cast<size_t>(count));
  }
  return received;
}

bool SendAtOnce(int socket, const std::string& message) {
  ssize_t count = 0;
  do {
    count = send(socket, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(message.size());
}

}  // namespace rescind
