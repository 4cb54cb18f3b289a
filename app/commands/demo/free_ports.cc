#include "app/commands/demo/free_ports.h"

#include <algorithm>

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

std::vector<std::uint16_t> free_numbers(Lab& lab, std::size_t count) {
  const EphemeralRange range = lab.ephemeral();
  std::vector<std::uint16_t> numbers;
  for (int port = range.high; port >= range.low && numbers.size() < count; --port) {
    const auto number = static_cast<std::uint16_t>(port);
    if (try_port(lab, {.address = Address::any(Family::kIPv4, number)}) == number) {
      numbers.push_back(number);
    }
  }
  std::reverse(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace polyport::demo
