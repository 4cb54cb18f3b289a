// What this machine and this user are allowed to do with ports, read once for a whole
// configuration.
//
// Everything comes from /proc: no socket is opened.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/ports/ranges.h"
#include "core/socket/families.h"

namespace polyport {

struct MachineFacts {
  Families families{true, true};
  EphemeralRange ephemeral;
  PortSet reserved;  // of the ephemeral range, never lent
  std::uint16_t unprivileged_start = 1024;
  bool may_bind_privileged = false;  // ports below that
};

MachineFacts read_machine_facts();

// Whether this process has CAP_NET_BIND_SERVICE over its network namespace.
bool may_bind_privileged_ports();

// One text for every way to write the path of one unix socket: absolute, without "//", "." and
// "..", symbolic links of its directory followed. An abstract name is itself.
std::string same_socket_path(const std::string& path);

}  // namespace polyport
