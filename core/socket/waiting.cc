#include "core/socket/waiting.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "core/socket/socket.h"

namespace polyport::sock {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool wait(int fd, short events, Deadline deadline) {
  pollfd waiting{fd, events, 0};
  while (true) {
    const int ready = ::poll(&waiting, 1, milliseconds_to(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (steady_clock::now() >= deadline) return false;
  }
}

}  // namespace

int milliseconds_to(Deadline deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kMost));
}

bool wait_readable(int fd, Deadline deadline) {
  return wait(fd, POLLIN, deadline);
}
bool wait_writable(int fd, Deadline deadline) {
  return wait(fd, POLLOUT, deadline);
}

int accept(int fd, Address& peer, Deadline deadline) {
  while (true) {
    const int accepted = accept(fd, peer);
    if (accepted != -EAGAIN || !wait_readable(fd, deadline)) return accepted;
  }
}

int finish_connect(int fd, Deadline deadline) {
  if (!wait_writable(fd, deadline)) return -ETIMEDOUT;
  return connect_result(fd);
}

}  // namespace polyport::sock
