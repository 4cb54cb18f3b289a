// From an endpoint, as written, to the addresses that are really bound or connected to.
//
// Host names are looked up with getaddrinfo, which blocks: at start and in commands only, never on
// a running loop. Nothing is bound here; that an address belongs to this machine shows at the bind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/ports/endpoint.h"
#include "core/socket/address.h"
#include "core/socket/families.h"

namespace polyport {

// What an IPv6 socket is told by IPV6_V6ONLY.
enum class IPv6Mode : std::uint8_t {
  kOnly,       // IPv6 alone; IPv4 needs a socket of its own
  kDualStack,  // IPv4 peers too, as ::ffff:a.b.c.d
};

// One socket to bind.
struct BindTarget {
  Transport transport = Transport::kTcp;  // the kernel's: tcp, udp or unix
  Address address;                        // with its port; of family kUnix for a unix socket
  std::string path;                       // unix only, as in Endpoint
  IPv6Mode ipv6_mode = IPv6Mode::kOnly;
  Transport written = Transport::kTcp;  // as configured; `transport` is the socket's

  // "127.0.0.1:80", "[::1]:80", "/run/x.sock", "@name".
  std::string text() const;
  // As it would be configured: "tcp://127.0.0.1:80", "udp://[::1]:53", "unix:/run/x.sock".
  std::string endpoint() const;

  friend bool operator==(const BindTarget&, const BindTarget&) = default;
};

// The sockets that one written port stands for. They share one number: where it is 0, the number
// that the kernel gives to the first must be had by all.
struct BindGroup {
  std::vector<BindTarget> targets;  // never empty
};

struct ResolvedEndpoint {
  std::vector<BindGroup> groups;   // one a port, in order
  std::vector<std::string> notes;  // "IPv6 is off on this machine: [::1] left out"
};

// "localhost" is 127.0.0.1 and ::1, as far as this machine has them. "*" is one dual-stack socket,
// or 0.0.0.0 where IPv6 is off. A name is each of its addresses. A literal is itself, even where it
// cannot be bound. Errors carry the endpoint as their place.
Result<ResolvedEndpoint> resolve(const Endpoint& endpoint, Families families = probe_families());

// Whether a host as Endpoint keeps it is a name that has to be asked for: no literal, no localhost,
// and not "*".
bool is_name(std::string_view host);

struct HostAddresses {
  std::vector<Address> addresses;  // port 0, each once, never empty
  std::vector<std::string> notes;
};

// The addresses of a host as Endpoint keeps it, except "*", in the order to try them.
Result<HostAddresses> look_up(std::string_view host, Families families = probe_families());

}  // namespace polyport
