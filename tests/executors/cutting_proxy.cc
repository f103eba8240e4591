#include "tests/executors/cutting_proxy.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace rescind {
namespace {

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Moves what is there; false at the end of the connection.
bool Move(int from, int to, std::string& seen) {
  std::array<char, 8192> bytes{};
  const ssize_t count = read(from, bytes.data(), bytes.size());
  if (count <= 0) return false;
  seen.assign(bytes.data(), static_cast<size_t>(count));
  return to < 0 || send(to, bytes.data(), static_cast<size_t>(count), MSG_NOSIGNAL) == count;
}

}  // namespace

CuttingProxy::CuttingProxy(uint16_t server_port, std::string word, Cut cut)
    : server_port_(server_port), word_(std::move(word)), cut_(cut) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t bytes = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(bind(listener_, generic, bytes) == 0);
  REQUIRE(listen(listener_, 8) == 0);
  REQUIRE(getsockname(listener_, generic, &bytes) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

CuttingProxy::~CuttingProxy() {
  stopping_ = true;
  acceptor_.join();
  close(listener_);
}

void CuttingProxy::Accept() {
  while (!stopping_) {
    pollfd watched{listener_, POLLIN, 0};
    if (poll(&watched, 1, 20) != 1) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    Pass(client);
    close(client);
  }
}

// One connection at a time: an executor has no more.
void CuttingProxy::Pass(int client) const {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(server_port_);
  bool open = connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  bool silent = false;
  std::string seen;
  while (open && !stopping_) {
    std::array<pollfd, 2> watched = {pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
    if (poll(watched.data(), watched.size(), 20) <= 0) continue;
    if (watched[1].revents != 0) open = Move(server, silent ? -1 : client, seen);
    if (open && watched[0].revents != 0) {
      std::array<char, 8192> bytes{};
      const ssize_t count = recv(client, bytes.data(), bytes.size(), MSG_PEEK);
      const bool cuts =
          count > 0 &&
          std::string(bytes.data(), static_cast<size_t>(count)).find(word_) != std::string::npos;
      has_cut_ = has_cut_ || cuts;
      if (cuts && cut_ == Cut::kBefore) break;
      open = Move(client, server, seen);
      if (cuts && cut_ == Cut::kSilence) silent = true;
      if (cuts && cut_ == Cut::kAfter) {
        // The server's answer shows that the effect is there; nobody else sees it.
        open = Move(server, -1, seen);
        break;
      }
    }
  }
  close(server);
}

}  // namespace rescind
