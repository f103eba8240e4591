// The Unix socket of the command channel: where it lies, who may use it, how bytes and descriptors
// come out of it.
//
// What server and client side share. It knows nothing of commands and their messages.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/env/descriptor.h"

namespace rescind {

// The socket in the folder of a store: nobody but the store's owner may enter that folder.
std::string ChannelPath(const std::string& store_folder);

// The address of a path of any length. An address holds 107 bytes; of a longer path the folder is
// opened, and the address names it by our descriptor. Lives as long as the address is used.
class ChannelAddress {
 public:
  // kNotFound: there is no such folder.
  static Result<ChannelAddress> Of(const std::string& path);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t bytes() const { return sizeof address_; }
  int folder() const { return folder_.number(); }
  const std::string& name() const { return name_; }  // in the folder

 private:
  ChannelAddress() = default;
  Descriptor folder_;
  std::string name_;
  sockaddr_un address_ = {};
};

// A stream socket that does not block and is closed in programs that we start.
Result<Descriptor> NewChannelSocket();

// Who is on the other side, as the kernel says.
struct PeerIds {
  int32_t process_id = 0;
  uint32_t user_id = 0;  // the effective one, when it connected or began to listen
  uint32_t group_id = 0;
};
Result<PeerIds> PeerOf(int socket);

// Whether a server takes commands of that user: its own and root, who could do the same without it.
bool MayCommand(uint32_t server_user_id, uint32_t peer_user_id);
// Whether a client gives its standard streams to a server of that user: its own, root, and as root
// anybody whose store it was told to use.
bool MayServe(uint32_t client_user_id, uint32_t server_user_id);

struct Received {
  bool ended = false;             // the other side has gone
  bool lost_descriptors = false;  // more came than we take, or than we may have open
};
// Takes what has arrived, while `bytes` is shorter than `most_bytes` and at most 64 KiB a call, and
// the descriptors that came along, which are closed in programs that we start. Never waits.
Received Receive(int socket, size_t most_bytes, std::string& bytes,
                 std::vector<Descriptor>& descriptors);

// Sends a short message to one who may be gone or not reading, without waiting. False: it is lost.
bool SendAtOnce(int socket, const std::string& message);

}  // namespace rescind
