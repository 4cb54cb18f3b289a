#include "app/notify.h"

#include <cstdlib>

#include "core/socket/socket.h"

namespace polyport {

Notifier Notifier::from_environment() {
  const char* const address = std::getenv("NOTIFY_SOCKET");
  Notifier notifier(address == nullptr ? "" : address);
  ::unsetenv("NOTIFY_SOCKET");
  return notifier;
}

int Notifier::send(std::string_view lines) const {
  if (address_.empty()) return 0;
  const sock::Untraced quiet;  // no port's socket
  const int fd = sock::open_datagram(Family::kUnix);
  if (fd < 0) return -fd;
  int error = sock::connect_unix(fd, address_);
  if (error == 0) {
    const iovec piece{const_cast<char*>(lines.data()), lines.size()};
    const std::ptrdiff_t sent = sock::send(fd, &piece, 1);
    if (sent < 0) error = static_cast<int>(sent);
  }
  sock::close(fd);
  return -error;
}

}  // namespace polyport
