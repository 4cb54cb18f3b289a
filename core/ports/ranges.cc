// Port ranges: the three of RFC 6335 section 6, and the two this kernel really uses.
#include "core/ports/ranges.h"

#include <fstream>

#include "core/base/text.h"

namespace polyport {
namespace {

constexpr std::uint16_t kFirstUserPort = 1024;
constexpr std::uint16_t kFirstDynamicPort = 49152;

}  // namespace

PortRange port_range(std::uint16_t port) {
  if (port < kFirstUserPort) return PortRange::kSystem;
  return port < kFirstDynamicPort ? PortRange::kUser : PortRange::kDynamic;
}

std::string_view name(PortRange range) {
  switch (range) {
    case PortRange::kSystem:
      return "system";
    case PortRange::kUser:
      return "user";
    case PortRange::kDynamic:
      break;
  }
  return "dynamic";
}

PortSet parse_port_set(std::string_view text) {
  PortSet ports;
  for (const std::string_view part : split(trim(text), ',')) {
    const std::size_t dash = part.find('-');
    const auto first = parse_number<std::uint16_t>(part.substr(0, dash));
    const auto last =
        dash == std::string_view::npos ? first : parse_number<std::uint16_t>(part.substr(dash + 1));
    if (!first || !last) continue;
    for (std::size_t port = *first; port <= *last; ++port)
      ports.set(port);
  }
  return ports;
}

std::string port_set_text(const PortSet& ports) {
  std::string list;
  for (std::size_t port = 0; port < ports.size(); ++port) {
    if (!ports[port]) continue;
    const std::size_t first = port;
    while (port + 1 < ports.size() && ports[port + 1])
      ++port;
    list += (list.empty() ? "" : ",") + std::to_string(first);
    if (port > first) list += "-" + std::to_string(port);
  }
  return list;
}

// All are read anew each time: an administrator may change them while we run.
EphemeralRange ephemeral_range() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  EphemeralRange range;
  if (std::uint16_t low = 0, high = 0; file >> low >> high && low <= high) {
    range.low = low;
    range.high = high;
  }
  return range;
}

PortSet reserved_ports() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_reserved_ports");
  std::string line;
  std::getline(file, line);
  return parse_port_set(line);
}

std::uint16_t unprivileged_port_start() {
  std::ifstream file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  std::uint16_t start = 0;
  return file >> start ? start : kFirstUserPort;
}

}  // namespace polyport
