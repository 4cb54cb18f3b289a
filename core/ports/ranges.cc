// Port ranges: the three of RFC 6335 section 6, and the two this kernel really uses.
#include "core/ports/ranges.h"

#include <fstream>

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

// Both are read anew each time: an administrator may change them while we run.
EphemeralRange ephemeral_range() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  EphemeralRange range;
  if (std::uint16_t low = 0, high = 0; file >> low >> high && low <= high) {
    range.low = low;
    range.high = high;
  }
  return range;
}

std::uint16_t unprivileged_port_start() {
  std::ifstream file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  std::uint16_t start = 0;
  return file >> start ? start : kFirstUserPort;
}

}  // namespace polyport
