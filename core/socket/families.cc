// The probe of the IP families. The only question with a sure answer is the bind itself: with
// disable_ipv6 = 1 an AF_INET6 socket opens, and even [::] binds, but no IPv6 address is there.
#include "core/socket/families.h"

#include "core/socket/address.h"
#include "core/socket/socket.h"

namespace polyport {
namespace {

bool can_bind_loopback(Family family) {
  const sock::Untraced quiet;  // no port of anybody's
  const int fd = sock::open_stream(family);
  if (fd < 0) return false;
  const bool bound = sock::bind(fd, Address::loopback(family)) == 0;
  sock::close(fd);
  return bound;
}

}  // namespace

Families probe_families() {
  return {can_bind_loopback(Family::kIPv4), can_bind_loopback(Family::kIPv6)};
}

}  // namespace polyport
