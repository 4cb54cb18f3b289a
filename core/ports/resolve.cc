// Endpoints into addresses. localhost is never asked from a name server (RFC 6761 section 6.3):
// what it means must not depend on /etc/hosts or the network.
#include "core/ports/resolve.h"

#include <netdb.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/ports/host_name.h"

namespace polyport {
namespace {

bool has(Families families, Family family) {
  return family == Family::kIPv4 ? families.ipv4 : families.ipv6;
}

std::string left_out(const Address& address) {
  const bool is_ipv6 = address.family == Family::kIPv6;
  return is_ipv6 ? "IPv6 is off on this machine: [" + address.ip_text() + "] left out"
                 : "IPv4 is off on this machine: " + address.ip_text() + " left out";
}

// Leaves out what this machine has no family for, with a note for each; keeps all where that would
// leave none, so that the bind or connect tells the reason.
HostAddresses usable(std::vector<Address> all, Families families) {
  HostAddresses result;
  for (const Address& address : all) {
    if (has(families, address.family)) {
      result.addresses.push_back(address);
    } else {
      result.notes.push_back(left_out(address));
    }
  }
  if (result.addresses.empty()) return {std::move(all), {}};
  return result;
}

Error name_error(std::string_view host, int code) {
  const std::string shown = quoted(host, 60);
  switch (code) {
    case EAI_NONAME:
    case EAI_NODATA:
      return {ErrorCode::kNotFound,
              "there is no host with the name " + shown,
              {},
              "check the spelling; `getent ahosts " + printable(host, 60) +
                  "` shows what this machine knows"};
    case EAI_AGAIN:
      return {ErrorCode::kNotFound,
              "no name server answered for " + shown,
              {},
              "try again, write the address itself, or see /etc/resolv.conf"};
    case EAI_MEMORY:
    case EAI_SYSTEM:
      return {ErrorCode::kSystem,
              "the name " + shown + " could not be looked up",
              {},
              "write the address itself"};
    default:
      return {ErrorCode::kNotFound,
              "the name " + shown + " could not be looked up: " + gai_strerror(code),
              {},
              "write the address itself"};
  }
}

Result<std::vector<Address>> ask_system(std::string_view host) {
  addrinfo wish{};
  wish.ai_socktype = SOCK_STREAM;  // else each address comes once a socket type
  addrinfo* raw = nullptr;
  const int code = getaddrinfo(std::string(host).c_str(), nullptr, &wish, &raw);
  if (code != 0) return tl::unexpected(name_error(host, code));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(raw, freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    const Address address = Address::from(each->ai_addr);
    if (!address.is_ip() || address.is_multicast() || address.is_broadcast()) continue;
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  if (addresses.empty()) return tl::unexpected(name_error(host, EAI_NODATA));
  return addresses;
}

Result<Address> literal(std::string_view host) {
  if (const auto address = Address::parse_ip(host)) return *address;
  const std::string_view interface = host.substr(host.find('%') + 1);
  const bool url = interface.starts_with("25") && interface.size() > 2;
  return failure(
      ErrorCode::kNotAvailable, "this machine has no interface " + quoted(interface, 20), {},
      url ? "only in a URL is % written %25; here write %" + std::string(interface.substr(2))
          : std::string("`ip address` lists them"));
}

Result<HostAddresses> localhost(Families families) {
  if (!families.ipv4 && !families.ipv6) {
    return failure(ErrorCode::kNotAvailable, "this machine has no loopback address", {},
                   "`ip link set lo up` switches it on");
  }
  return usable({Address::loopback(Family::kIPv4), Address::loopback(Family::kIPv6)}, families);
}

bool is_literal(std::string_view host) {
  return host.find(':') != std::string_view::npos ||
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

struct BindAddresses {
  HostAddresses host;
  IPv6Mode ipv6_mode = IPv6Mode::kOnly;
};

Result<BindAddresses> bind_addresses(std::string_view host, Families families) {
  if (host != "*") {
    return look_up(host, families).map([](HostAddresses&& found) {
      return BindAddresses{std::move(found), IPv6Mode::kOnly};
    });
  }
  if (families.ipv6) {
    return BindAddresses{{{Address::any(Family::kIPv6)}, {}}, IPv6Mode::kDualStack};
  }
  const std::string note = "IPv6 is off on this machine: * is every IPv4 address";
  return BindAddresses{{{Address::any(Family::kIPv4)}, {note}}, IPv6Mode::kOnly};
}

ResolvedEndpoint unix_target(const Endpoint& endpoint) {
  BindTarget target;
  target.transport = target.written = Transport::kUnix;
  target.address = Address::any(Family::kUnix);
  target.path = endpoint.path;
  return {{BindGroup{{std::move(target)}}}, {}};
}

}  // namespace

std::string BindTarget::text() const {
  return transport == Transport::kUnix ? path : address.text();
}

std::string BindTarget::endpoint() const {
  if (transport == Transport::kUnix) return "unix:" + path;
  return std::string(name(written)) + "://" + text();
}

Result<HostAddresses> look_up(std::string_view host, Families families) {
  POLYPORT_ASSERT(host != "*");
  if (is_localhost(host)) return localhost(families);
  if (is_literal(host)) {
    return literal(host).map([](const Address& address) { return HostAddresses{{address}, {}}; });
  }
  return ask_system(host).map(
      [&](std::vector<Address>&& all) { return usable(std::move(all), families); });
}

bool is_name(std::string_view host) {
  return !host.empty() && host != "*" && !is_localhost(host) && !is_literal(host);
}

Result<ResolvedEndpoint> resolve(const Endpoint& endpoint, Families families) {
  if (endpoint.transport == Transport::kUnix) return unix_target(endpoint);
  auto found = bind_addresses(endpoint.host, families);
  if (!found) {
    found.error().where = endpoint.text();
    return tl::unexpected(std::move(found.error()));
  }
  ResolvedEndpoint resolved;
  resolved.notes = std::move(found->host.notes);
  for (const std::uint16_t port : endpoint.ports()) {
    BindGroup group;
    for (Address address : found->host.addresses) {
      address.port = port;
      group.targets.push_back({.transport = socket_transport(endpoint.transport),
                               .address = address,
                               .path = {},
                               .ipv6_mode = found->ipv6_mode,
                               .written = endpoint.transport});
    }
    resolved.groups.push_back(std::move(group));
  }
  return resolved;
}

}  // namespace polyport
