// Which IP families this machine really has, found by using them.
#pragma once

namespace polyport {

struct Families {
  bool ipv4 = false;
  bool ipv6 = false;
};

// Binds a socket to a port of each loopback address and closes it again. A family that is compiled
// in but switched off (net.ipv6.conf.*.disable_ipv6 = 1) is not there.
Families probe_families();

// The same as /proc tells it, without a socket: whether the loopback addresses are there. Both
// families where it cannot be read.
Families read_families();

}  // namespace polyport
