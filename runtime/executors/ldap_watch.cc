#include "runtime/executors/ldap_watch.h"

#include <fcntl.h>
#include <lber.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rescind {
namespace {

// libldap's own limits come first where they work: their messages say more.
constexpr std::chrono::milliseconds kGrace{150};

}  // namespace

LdapWatch::LdapWatch(std::chrono::steady_clock::time_point deadline)
    : deadline_(deadline + kGrace), thread_([this] { Wait(); }) {
  callback_ = {Added, Closed, this};
}

LdapWatch::~LdapWatch() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  done_signal_.notify_one();
  thread_.join();
  for (const int socket : sockets_) close(socket);
}

void LdapWatch::Attach(LDAP* handle) { ldap_set_option(handle, LDAP_OPT_CONNECT_CB, &callback_); }

bool LdapWatch::fired() const {
  const std::lock_guard lock(mutex_);
  return fired_;
}

int LdapWatch::Added(LDAP*, Sockbuf* socket, LDAPURLDesc*, sockaddr*, ldap_conncb* context) {
  auto* const self = static_cast<LdapWatch*>(context->lc_arg);
  int number = -1;
  ber_sockbuf_ctrl(socket, LBER_SB_OPT_GET_FD, &number);
  const int duplicate = fcntl(number, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) return LDAP_SUCCESS;  // unwatched is better than unreachable
  const std::lock_guard lock(self->mutex_);
  self->sockets_.push_back(duplicate);
  if (self->fired_) shutdown(duplicate, SHUT_RDWR);
  return LDAP_SUCCESS;
}

void LdapWatch::Closed(LDAP*, Sockbuf*, ldap_conncb*) {}

void LdapWatch::Wait() {
  std::unique_lock lock(mutex_);
  if (done_signal_.wait_until(lock, deadline_, [this] { return done_; })) return;
  fired_ = true;
  for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
}

}  // namespace rescind
