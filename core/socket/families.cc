// The probe of the IP families. The only question with a sure answer is the bind itself: with
// disable_ipv6 = 1 an AF_INET6 socket opens, and even [::] binds, but no IPv6 address is there.
#include "core/socket/families.h"

#include <fstream>
#include <string>

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

// In the routing table of the kernel's own addresses: "|-- 127.0.0.1", and "/32 host LOCAL" below.
bool has_local_route(std::istream& table, const std::string& address) {
  std::string line;
  bool below = false;
  while (std::getline(table, line)) {
    if (below && line.find("host LOCAL") != std::string::npos) return true;
    below = line.ends_with("|-- " + address) || (below && line.find("|--") == std::string::npos);
  }
  return false;
}

}  // namespace

Families probe_families() {
  return {can_bind_loopback(Family::kIPv4), can_bind_loopback(Family::kIPv6)};
}

Families read_families() {
  std::ifstream routes("/proc/net/fib_trie");
  if (!routes) return {true, true};
  Families families{has_local_route(routes, "127.0.0.1"), false};
  // "00000000000000000000000000000001 01 80 10 80 lo"; no file where the kernel has no IPv6.
  std::ifstream addresses("/proc/net/if_inet6");
  for (std::string line; std::getline(addresses, line);) {
    if (line.starts_with(std::string(31, '0') + "1 ")) families.ipv6 = true;
  }
  return families;
}

}  // namespace polyport
