// A server's socket for a target, from nothing to bound: the same for a service that opens its port
// and for a question whether it could.
#pragma once

#include "core/ports/resolve.h"

namespace polyport {

// With the options that decide what its bind means: IPV6_V6ONLY, said always, because otherwise the
// machine's bindv6only decides; SO_REUSEADDR on TCP, over TIME_WAIT and not over a listener, and
// not on UDP, where Linux would let two programs take one port without a word. The descriptor, or
// -errno.
int open_server_socket(const BindTarget& target);

// 0, or -errno. `unix_mode`: of the file that a path becomes.
int bind_server_socket(int fd, const BindTarget& target, unsigned unix_mode);

}  // namespace polyport
