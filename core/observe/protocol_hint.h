// Protocol hints: who knocks at the wrong port, told by the first bytes that a client sends.
//
// A service that answers any byte in its own way (echo, discard, …) cannot say that a browser has
// come to it, and must not: its protocol would be broken for those who mean it. So it is counted,
// logged and told to whoever watches. Pure; which connections are looked at is decided in core/net.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"

namespace polyport {

// What clients of other servers begin with. The word of each is the log field, the metric's label
// and the event at once.
enum class Protocol : std::uint8_t {
  kUnknown,
  kHttp,        // a request line (RFC 9112 section 3), or HTTP/2's preface
  kTls,         // a ClientHello (RFC 8446 section 4.1.2)
  kSsh,         // an identification string (RFC 4253 section 4.2)
  kProxy,       // a PROXY header, version 1 or 2, as a load balancer sends it
  kSocks,       // a greeting of SOCKS 5 (RFC 1928), or a request of SOCKS 4
  kRedis,       // a command as an array of bulk strings
  kPostgresql,  // a startup message, or the question for TLS before it
};
inline constexpr std::size_t kProtocols = 8;

std::string_view name(Protocol protocol);    // "http", …
std::string_view spoken(Protocol protocol);  // "HTTP", "the PROXY protocol", …

// Judged by the beginning alone and only where it cannot well be anything else: kUnknown is no
// statement. A first piece that was cut in the middle may stay unknown.
Protocol recognise(Bytes first);

// Of one listener: how often each came, and whether to write a line about it.
class ProtocolHints {
 public:
  // Counts one. True where it is worth a line: the first of a burst, which ends after 10 s in
  // which that protocol did not come.
  bool note(Protocol protocol, std::uint64_t now_ms);
  std::uint64_t count(Protocol protocol) const { return counts_[index(protocol)]; }

 private:
  static std::size_t index(Protocol protocol) { return static_cast<std::size_t>(protocol); }

  std::array<std::uint64_t, kProtocols> counts_{};
  std::array<std::uint64_t, kProtocols> last_ms_{};
};

}  // namespace polyport
