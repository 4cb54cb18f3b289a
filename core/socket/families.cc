// The probe of the IP families. The only question with a sure answer is the bind itself: with
// disable_ipv6 = 1 an AF_INET6 socket opens, and even [::] binds, but no IPv6 address is there.
#include "core/socket/families.h"

#include <sys/socket.h>
#include <unistd.h>

#include "core/socket/address.h"

namespace polyport {
namespace {

bool can_bind_loopback(Family family) {
  const int domain = family == Family::kIPv4 ? AF_INET : AF_INET6;
  const int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_storage storage;
  const socklen_t length = Address::loopback(family).to(storage);
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0;
  close(fd);
  return bound;
}

}  // namespace

Families probe_families() {
  return {can_bind_loopback(Family::kIPv4), can_bind_loopback(Family::kIPv6)};
}

}  // namespace polyport
