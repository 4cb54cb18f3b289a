// LoadStatus in its two parts: what this process's loop has done, and what the kernel counts for
// the whole machine. The first is each process's own, the second is asked for once, by who answers.
#pragma once

#include <string_view>

#include "core/service.h"

namespace polyport {

// Without what is of the machine.
LoadStatus loop_load(Network& network);
// listen_overflows and what stands below it, from /proc.
void fill_machine_load(LoadStatus& load);

// A counter of /proc/net/netstat or /proc/net/snmp, whose lines come in pairs, names before numbers
// ("TcpExt: A B", "TcpExt: 1 2"); 0 where it is not there.
std::uint64_t kernel_counter(std::string_view text, std::string_view group, std::string_view name);

}  // namespace polyport
