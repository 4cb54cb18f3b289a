// LoadStatus of a running network, with what the kernel says beside it.
#pragma once

#include <string_view>

#include "core/service.h"

namespace polyport {

LoadStatus load_of(Network& network);

// A counter of /proc/net/netstat or /proc/net/snmp, whose lines come in pairs, names before numbers
// ("TcpExt: A B", "TcpExt: 1 2"); 0 where it is not there.
std::uint64_t kernel_counter(std::string_view text, std::string_view group, std::string_view name);

}  // namespace polyport
