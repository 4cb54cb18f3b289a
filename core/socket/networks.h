// Networks: a set of IP networks (CIDR), asked once for every client of a service.
//
// "10.0.0.0/8", "2001:db8::/32", an address by itself, and what is mapped ("::ffff:10.0.0.0/104")
// as the IPv4 it stands for; so ::/0 is every IPv6 address and no IPv4 one. Asking is a binary
// search over ranges that do not overlap, and allocates nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/socket/address.h"

namespace polyport {

class Networks {
 public:
  Networks() = default;
  // Of texts that check() takes.
  explicit Networks(const std::vector<std::string>& texts);

  // What is wrong with a network as it is written, and how it would be right; nothing: it is fine.
  static Result<void> check(std::string_view text);

  bool empty() const { return ipv4_.empty() && ipv6_.empty(); }
  bool contains(const Address& address) const;

 private:
  using Ip = std::array<std::uint8_t, 16>;  // as in Address; it orders as numbers do
  struct Range {
    Ip first, last;
  };
  struct Network {
    Address address;
    unsigned bits = 0;
  };
  static Result<Network> parse(std::string_view text);
  static Range range_of(const Network& network);
  static void settle(std::vector<Range>& ranges);

  std::vector<Range> ipv4_, ipv6_;
};

// Who is served: everybody in `allow` (empty: everybody) who is not in `deny`.
struct AccessList {
  Networks allow;
  Networks deny;

  bool empty() const { return allow.empty() && deny.empty(); }
  bool admits(const Address& peer) const {
    return (allow.empty() || allow.contains(peer)) && !deny.contains(peer);
  }
};

}  // namespace polyport
