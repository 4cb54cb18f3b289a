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

}  // namespace polyport
