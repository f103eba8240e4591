// LdapWatch: ends the connections of one libldap handle when their time is over.
//
// libldap keeps its own time limits everywhere but in a TLS handshake, where it spins for ever if
// the other side accepts the connection and then says nothing. A thread that shuts the socket
// down makes it return. It knows sockets and the clock, nothing of what is spoken.
#pragma once

#include <ldap.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace rescind {

class LdapWatch {
 public:
  explicit LdapWatch(std::chrono::steady_clock::time_point deadline);
  ~LdapWatch();
  LdapWatch(const LdapWatch&) = delete;
  LdapWatch& operator=(const LdapWatch&) = delete;

  // Watches every connection that `handle` opens from now on. Outlives the handle.
  void Attach(LDAP* handle);
  // The time was over before the handle was done.
  bool fired() const;

 private:
  static int Added(LDAP* handle, Sockbuf* socket, LDAPURLDesc* url, sockaddr* address,
                   ldap_conncb* context);
  static void Closed(LDAP* handle, Sockbuf* socket, ldap_conncb* context);
  void Wait();

  const std::chrono::steady_clock::time_point deadline_;
  ldap_conncb callback_{};
  mutable std::mutex mutex_;
  std::condition_variable done_signal_;
  bool done_ = false;
  bool fired_ = false;
  std::vector<int> sockets_;  // our own duplicates: libldap may close its own at any time
  std::thread thread_;
};

}  // namespace rescind
