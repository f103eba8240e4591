#include "runtime/server/client_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace rescind {
namespace {

constexpr size_t kFlushBytes = size_t{64} << 10;

// A pipe that poll calls writable takes PIPE_BUF bytes without waiting (POSIX, write), unless
// somebody else writes to it as well.
bool TakesMore(int descriptor) {
  pollfd entry{descriptor, POLLOUT, 0};
  return poll(&entry, 1, 0) == 1;
}

}  // namespace

ClientOutput::ClientOutput(int descriptor) : descriptor_(descriptor) {
  struct stat info = {};
  if (fstat(descriptor, &info) != 0) return;
  if (S_ISREG(info.st_mode)) kind_ = Kind::kFile;
  if (S_ISSOCK(info.st_mode)) kind_ = Kind::kSocket;
  if (!S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode)) return;
  // What is opened anew may be asked not to wait without that being so for the client.
  const std::string path = fmt::format("/proc/self/fd/{}", descriptor);
  own_ = Descriptor(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (own_.open()) kind_ = Kind::kOwn;
}

ssize_t ClientOutput::Give(const char* bytes, size_t count) const {
  switch (kind_) {
    case Kind::kFile: return write(descriptor_, bytes, count);
    case Kind::kOwn: return write(own_.number(), bytes, count);
    case Kind::kSocket: return send(descriptor_, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::kShared: break;
  }
  if (!TakesMore(descriptor_)) {
    errno = EAGAIN;
    return -1;
  }
  return write(descriptor_, bytes, std::min<size_t>(count, PIPE_BUF));
}

void ClientOutput::Flush() {
  while (!is_lost_ && has_rest()) {
    const ssize_t count = Give(kept_.data() + sent_, kept_.size() - sent_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count <= 0) {
      is_lost_ = true;
    } else {
      sent_ += static_cast<size_t>(count);
    }
  }
  kept_.clear();
  sent_ = 0;
}

ClientOutput::int_type ClientOutput::overflow(int_type byte) {
  if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
  const char one = traits_type::to_char_type(byte);
  return xsputn(&one, 1) == 1 ? byte : traits_type::eof();
}

std::streamsize ClientOutput::xsputn(const char* bytes, std::streamsize count) {
  if (is_lost_) return 0;
  kept_.append(bytes, static_cast<size_t>(count));
  if (kept_.size() - sent_ >= kFlushBytes) Flush();
  return is_lost_ ? 0 : count;
}

int ClientOutput::sync() {
  Flush();
  return is_lost_ ? -1 : 0;
}

}  // namespace rescind
