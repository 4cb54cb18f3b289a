#include "app/commands/demo/free_ports.h"

namespace polyport::demo {
namespace {

// The port that it got, or 0. It is closed again.
std::uint16_t try_port(Lab& lab, Wish wish) {
  wish.backlog = Wish::kBindOnly;
  const Opened tried = lab.open(wish);
  lab.close(tried.socket);
  return tried.ok() ? tried.local.port : 0;
}

}  // namespace

std::uint16_t free_number(Lab& lab) {
  constexpr int kMostAttempts = 50;
  const bool six = lab.families().ipv6;
  Wish widest;
  widest.address = Address::any(six ? Family::kIPv6 : Family::kIPv4);
  widest.ipv6_mode = six ? IPv6Mode::kDualStack : IPv6Mode::kOnly;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const std::uint16_t port = try_port(lab, widest);
    if (port == 0) return 0;
    Wish datagrams = widest;
    datagrams.transport = Transport::kUdp;
    datagrams.address.port = port;
    if (try_port(lab, datagrams) == port) return port;
  }
  return 0;
}

std::optional<PortBlock> free_block(Lab& lab, int size) {
  const EphemeralRange range = lab.ephemeral();
  int in_a_row = 0;
  for (int port = range.high; port >= range.low; --port) {
    const auto number = static_cast<std::uint16_t>(port);
    const bool is_free = try_port(lab, {.address = Address::any(Family::kIPv4, number)}) != 0;
    in_a_row = is_free ? in_a_row + 1 : 0;
    if (in_a_row == size) return PortBlock{number, static_cast<std::uint16_t>(port + size - 1)};
  }
  return std::nullopt;
}

}  // namespace polyport::demo
