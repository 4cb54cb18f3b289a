// What this machine and this user are allowed to do with ports, read once for a whole
// configuration.
//
// Everything comes from /proc: no socket is opened.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "core/ports/ranges.h"
#include "core/socket/address.h"
#include "core/socket/families.h"

namespace polyport {

// The IPv4 addresses of this machine, as its routing table has them.
struct LocalAddresses {
  std::vector<Address> own;
  std::vector<Address> broadcast;  // of its networks: "127.255.255.255"
};
// Reads /proc/net/fib_trie.
LocalAddresses parse_local_addresses(std::istream& table);

// IPv6 tests a new address before it may be used: whether another machine has it (duplicate address
// detection). The interface of a link-local address is its scope.
struct UnusableAddresses {
  std::vector<Address> tentative;  // still being tested
  std::vector<Address> duplicate;  // another machine has it
};
// Reads /proc/net/if_inet6.
UnusableAddresses parse_unusable_addresses(std::istream& table);
UnusableAddresses read_unusable_addresses();

struct MachineFacts {
  Families families{true, true};
  EphemeralRange ephemeral;
  PortSet reserved;  // of the ephemeral range, never lent
  std::uint16_t unprivileged_start = 1024;
  bool may_bind_privileged = false;  // ports below that
  std::vector<Address> broadcast;    // as in LocalAddresses
};

// Both families where /proc does not tell which there are.
MachineFacts read_machine_facts();

// Whether this process has CAP_NET_BIND_SERVICE over its network namespace.
bool may_bind_privileged_ports();

// One text for every way to write the path of one unix socket: absolute, without "//", "." and
// "..", symbolic links of its directory followed. An abstract name is itself.
std::string same_socket_path(const std::string& path);

// What bind() would answer for the path of a unix socket, as far as the file system tells: 0, or
// ENOENT, EACCES, …; EADDRINUSE where a socket lies there, live or left over, EISDIR or ENOTSOCK
// where something else does. Makes nothing.
int look_at_socket_path(const std::string& path);

}  // namespace polyport
