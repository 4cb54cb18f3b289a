// Waiting for a socket, for commands without a loop. Nothing here waits past its deadline.
#pragma once

#include <chrono>

#include "core/socket/address.h"

namespace polyport::sock {

using Deadline = std::chrono::steady_clock::time_point;

// For poll(): rounded up, 0 where the deadline has passed.
int milliseconds_to(Deadline deadline);

// Whether it came before the deadline; an error or an end of the socket counts as something to
// read and as room to write.
bool wait_readable(int fd, Deadline deadline);
bool wait_writable(int fd, Deadline deadline);

// The next connection of a listening socket, as sock::accept; -EAGAIN where none came in time.
int accept(int fd, Address& peer, Deadline deadline);
// The end of a connect that answered -EINPROGRESS; -ETIMEDOUT where it has none yet.
int finish_connect(int fd, Deadline deadline);

}  // namespace polyport::sock
