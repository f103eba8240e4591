// CuttingProxy: passes one server's bytes on, until a client sends a certain word.
//
// Then it does what a bad network does at the worst moment. Only for connections without TLS.
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace rescind {

enum class Cut : uint8_t {
  kBefore = 1,   // the word never arrives, and the connection is closed
  kAfter = 2,    // the word arrives and has its effect; the answer is lost with the connection
  kSilence = 3,  // likewise, but the connection stays open and nothing comes
};

class CuttingProxy {
 public:
  // Listens on 127.0.0.1 and passes on to `server_port` there.
  CuttingProxy(uint16_t server_port, std::string word, Cut cut);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  uint16_t port() const { return port_; }
  // Has the word been seen?
  bool has_cut() const { return has_cut_; }

 private:
  void Accept();
  void Pass(int client) const;

  const uint16_t server_port_;
  const std::string word_;
  const Cut cut_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::atomic<bool> has_cut_ = false;
  std::thread acceptor_;
};

}  // namespace rescind
