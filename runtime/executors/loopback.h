// Does a host name mean this machine? Where it does, no network can read a password.
#pragma once

#include <string_view>

namespace rescind {

// "localhost", 127.0.0.0/8, ::1, and no host at all. Names are not looked up.
bool IsLoopbackHost(std::string_view host);

}  // namespace rescind
