#include "core/ports/server_socket.h"

#include "core/socket/socket.h"

namespace polyport {

int open_server_socket(const BindTarget& target) {
  if (target.transport == Transport::kUnix) return sock::open_stream(Family::kUnix);
  const Family family = target.address.family;
  const bool tcp = target.transport == Transport::kTcp;
  const int fd = tcp ? sock::open_stream(family) : sock::open_datagram(family);
  if (fd < 0) return fd;
  if (family == Family::kIPv6) {
    sock::set_option(fd, sock::Option::kIpv6Only, target.ipv6_mode == IPv6Mode::kOnly);
  }
  if (tcp) sock::set_option(fd, sock::Option::kReuseAddress, 1);
  return fd;
}

int bind_server_socket(int fd, const BindTarget& target, unsigned unix_mode) {
  return target.transport == Transport::kUnix ? sock::bind_unix(fd, target.path, unix_mode)
                                              : sock::bind(fd, target.address);
}

}  // namespace polyport
