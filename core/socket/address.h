// Address: an IP address with a port, or "some unix socket", as one small value.
//
// IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) become IPv4 on the way in, so that limits, guards and
// tables see one address a host; the raw form is asked from the kernel where it must be shown.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace polyport {

enum class Family : std::uint8_t { kNone, kIPv4, kIPv6, kUnix };

struct Address {
  std::array<std::uint8_t, 16> ip{};  // network order; IPv4 in the first four bytes
  std::uint32_t scope_id = 0;         // the interface of a link-local IPv6 address, else 0
  std::uint16_t port = 0;             // host order
  Family family = Family::kNone;

  // A literal: "127.0.0.1", "::1", "fe80::1%eth0" (without brackets). Nothing where it is no
  // literal.
  static std::optional<Address> parse_ip(std::string_view literal, std::uint16_t port = 0);
  static Address any(Family family, std::uint16_t port = 0);
  static Address loopback(Family family, std::uint16_t port = 0);
  // Normalises IPv4-mapped addresses. A unix address keeps no path (see unix_path in socket.h).
  static Address from(const sockaddr* raw);

  // Fills `storage`; returns the length for bind, connect and sendto. Family must be an IP one.
  socklen_t to(sockaddr_storage& storage) const;

  std::string ip_text() const;  // "127.0.0.1", "::1", "fe80::1%2", "unix"
  std::string text() const;     // "127.0.0.1:80", "[::1]:80", "unix"

  bool is_ip() const { return family == Family::kIPv4 || family == Family::kIPv6; }
  bool is_any() const;
  bool is_loopback() const;    // 127.0.0.0/8, ::1; a unix socket counts as loopback
  bool is_link_local() const;  // fe80::/10, which needs its interface
  bool is_multicast() const;
  bool is_broadcast() const;  // 255.255.255.255

  friend bool operator==(const Address&, const Address&) = default;
  friend auto operator<=>(const Address&, const Address&) = default;
};

}  // namespace polyport
