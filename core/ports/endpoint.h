// Endpoint: what a person writes after `listen =`, read strictly, and what it expands to.
//
// Pure: nothing here opens a socket or asks a name server; a host name stays a name until
// core/ports/resolve.h turns it into addresses.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace polyport {

// What is spoken at an endpoint below its service. The first three are the kernel's; tls, ws
// (WebSocket) and wss (the same over TLS) are spoken over TCP.
enum class Transport : std::uint8_t { kTcp, kUdp, kUnix, kTls, kWs, kWss };
inline constexpr std::array kAllTransports = {Transport::kTcp, Transport::kUdp, Transport::kUnix,
                                              Transport::kTls, Transport::kWs,  Transport::kWss};

std::string_view name(Transport transport);  // "tcp", "udp", "unix", "tls", "ws", "wss"
// What the kernel sees of it.
constexpr Transport socket_transport(Transport transport) {
  return transport == Transport::kUdp || transport == Transport::kUnix ? transport
                                                                       : Transport::kTcp;
}
// Whether its bytes are encrypted, so that it needs certificates.
constexpr bool is_encrypted(Transport transport) {
  return transport == Transport::kTls || transport == Transport::kWss;
}
constexpr bool has_websocket(Transport transport) {
  return transport == Transport::kWs || transport == Transport::kWss;
}

// A set of transports, one bit each.
using Transports = std::uint32_t;
constexpr Transports transports(Transport transport) {
  return 1u << static_cast<unsigned>(transport);
}
template <class... More>
constexpr Transports transports(Transport first, More... more) {
  return transports(first) | transports(more...);
}
constexpr bool contains(Transports set, Transport transport) {
  return (set & transports(transport)) != 0;
}

struct Endpoint {
  Transport transport = Transport::kTcp;
  // "127.0.0.1", "::1" (no brackets), "localhost", "*", or a name in lower case; empty for unix.
  std::string host;
  // The ports first, first + step, … up to last; one port is first == last. 0 asks the kernel.
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;
  std::uint16_t step = 1;
  std::string path;  // unix only: absolute or relative; "@name" is Linux's abstract namespace

  std::vector<std::uint16_t> ports() const;
  // As it would be written in full: "udp://localhost:9000-9009/3", "tcp://[::1]:80",
  // "unix:///run/x".
  std::string text() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

inline constexpr std::uint32_t kMaxPortsInRange = 1000;

// Reads "[transport://]host:port[-port[/step]]", "unix:///path", "unix:rel", "unix:@name", or the
// ports alone (loopback). Without a transport it is `fallback`. Every way to be wrong has its own
// sentence and hint; `where` is left empty for the caller to fill.
Result<Endpoint> parse_endpoint(std::string_view text, Transport fallback = Transport::kTcp);

}  // namespace polyport
