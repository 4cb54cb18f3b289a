// What a port number is: its range by IANA (RFC 6335) and by this kernel, and its registered name.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace polyport {

// 0 to 1023, 1024 to 49151, 49152 to 65535.
enum class PortRange : std::uint8_t { kSystem, kUser, kDynamic };

PortRange port_range(std::uint16_t port);
std::string_view name(PortRange range);  // "system", "user", "dynamic"

struct EphemeralRange {
  std::uint16_t low = 32768;
  std::uint16_t high = 60999;
  bool contains(std::uint16_t port) const { return port >= low && port <= high; }
};

// The ports this network namespace lends to outgoing connections
// (/proc/sys/net/ipv4/ip_local_port_range); Linux's default where it cannot be read.
EphemeralRange ephemeral_range();

// Some of all ports.
using PortSet = std::bitset<65536>;

// Reads "8080,9000-9009" as /proc/sys writes it; what is no port in it is passed over.
PortSet parse_port_set(std::string_view text);
// Writes it back, neighbours as ranges.
std::string port_set_text(const PortSet& ports);

// The ports that are never lent, whatever the range says (ip_local_reserved_ports).
PortSet reserved_ports();

// The first port an ordinary user may bind (/proc/sys/net/ipv4/ip_unprivileged_port_start), or
// 1024.
std::uint16_t unprivileged_port_start();

}  // namespace polyport
