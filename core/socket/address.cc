// Address conversions: between the text people write, the sockaddr the kernel speaks and our value.
// No socket is opened here, except that the number of a named interface is asked from the system.
#include "core/socket/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace polyport {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr std::size_t kLongestLiteral = INET6_ADDRSTRLEN + IF_NAMESIZE;

void set_ipv4(Address& address, const std::uint8_t* four_bytes) {
  address.ip = {};
  std::copy_n(four_bytes, 4, address.ip.begin());
  address.scope_id = 0;
  address.family = Family::kIPv4;
}

// Takes the 16 bytes as IPv6, or as the IPv4 address that is mapped into them.
void set_ipv6(Address& address, const std::uint8_t* sixteen_bytes, std::uint32_t scope_id) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), sixteen_bytes)) {
    set_ipv4(address, sixteen_bytes + kMappedPrefix.size());
    return;
  }
  std::copy_n(sixteen_bytes, 16, address.ip.begin());
  address.scope_id = scope_id;
  address.family = Family::kIPv6;
}

// "eth0" or "2"; nothing where there is no such interface.
std::optional<std::uint32_t> interface_number(const std::string& name) {
  if (const unsigned known = if_nametoindex(name.c_str()); known != 0) return known;
  return parse_number<std::uint32_t>(name, 1);
}

}  // namespace

std::optional<Address> Address::parse_ip(std::string_view literal, std::uint16_t port) {
  if (literal.empty() || literal.size() > kLongestLiteral) return std::nullopt;
  // inet_pton wants a C string; a NUL inside would hide what follows it.
  if (literal.find('\0') != std::string_view::npos) return std::nullopt;

  Address address;
  address.port = port;
  std::array<std::uint8_t, 16> bytes{};
  const std::size_t percent = literal.find('%');
  const std::string ip(literal.substr(0, percent));
  if (percent == std::string_view::npos && inet_pton(AF_INET, ip.c_str(), bytes.data()) == 1) {
    set_ipv4(address, bytes.data());
    return address;
  }
  if (inet_pton(AF_INET6, ip.c_str(), bytes.data()) != 1) return std::nullopt;
  std::uint32_t scope_id = 0;
  if (percent != std::string_view::npos) {
    const auto number = interface_number(std::string(literal.substr(percent + 1)));
    if (!number) return std::nullopt;
    scope_id = *number;
  }
  set_ipv6(address, bytes.data(), scope_id);
  return address;
}

Address Address::any(Family family, std::uint16_t port) {
  Address address;
  address.family = family;
  address.port = port;
  return address;
}

Address Address::loopback(Family family, std::uint16_t port) {
  Address address = any(family, port);
  if (family == Family::kIPv4) address.ip = {127, 0, 0, 1};
  if (family == Family::kIPv6) address.ip[15] = 1;
  return address;
}

Address Address::from(const sockaddr* raw) {
  Address address;
  if (raw == nullptr) return address;
  if (raw->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, raw, sizeof in);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    set_ipv4(address, bytes.data());
    address.port = ntohs(in.sin_port);
  } else if (raw->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, raw, sizeof in);
    set_ipv6(address, in.sin6_addr.s6_addr, in.sin6_scope_id);
    address.port = ntohs(in.sin6_port);
  } else if (raw->sa_family == AF_UNIX) {
    address.family = Family::kUnix;
  }
  return address;
}

socklen_t Address::to(sockaddr_storage& storage) const {
  POLYPORT_ASSERT(is_ip());
  storage = {};
  if (family == Family::kIPv4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.data(), sizeof in.sin_addr);
    std::memcpy(&storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  in.sin6_scope_id = scope_id;
  std::memcpy(&in.sin6_addr, ip.data(), ip.size());
  std::memcpy(&storage, &in, sizeof in);
  return sizeof in;
}

std::string Address::ip_text() const {
  if (family == Family::kUnix) return "unix";
  if (family == Family::kNone) return "none";
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int system_family = family == Family::kIPv4 ? AF_INET : AF_INET6;
  inet_ntop(system_family, ip.data(), text.data(), text.size());
  std::string result = text.data();
  if (scope_id != 0) result += "%" + std::to_string(scope_id);
  return result;
}

std::string Address::text() const {
  if (!is_ip()) return ip_text();
  const std::string number = ":" + std::to_string(port);
  return family == Family::kIPv6 ? "[" + ip_text() + "]" + number : ip_text() + number;
}

bool Address::is_any() const {
  return is_ip() && std::all_of(ip.begin(), ip.end(), [](auto byte) { return byte == 0; });
}

bool Address::is_loopback() const {
  if (family == Family::kUnix) return true;
  if (family == Family::kIPv4) return ip[0] == 127;
  return family == Family::kIPv6 && ip == loopback(Family::kIPv6).ip;
}

bool Address::is_link_local() const {
  return family == Family::kIPv6 && ip[0] == 0xFE && (ip[1] & 0xC0) == 0x80;
}

bool Address::is_multicast() const {
  if (family == Family::kIPv4) return (ip[0] & 0xF0) == 0xE0;
  return family == Family::kIPv6 && ip[0] == 0xFF;
}

bool Address::is_broadcast() const {
  return family == Family::kIPv4 &&
         std::all_of(ip.begin(), ip.begin() + 4, [](auto byte) { return byte == 0xFF; });
}

}  // namespace polyport
