// Which part of the machine we see: Linux gives containers their own ports and their own processes.
#pragma once

#include <cstdint>
#include <string_view>

namespace polyport {

// Ports are per network namespace: those of the host are invisible, and no hindrance, in another.
enum class NetworkNamespace : std::uint8_t {
  kFirst,  // the machine's own
  kOther,  // of a container, or of `ip netns`
  kUnknown,
};
NetworkNamespace network_namespace();
std::string_view name(NetworkNamespace kind);  // "first", "other", "unknown"

// Whether this is the PID namespace that has every process of the machine.
bool in_first_pid_namespace();

}  // namespace polyport
