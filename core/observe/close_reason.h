// CloseReason: why a connection ended. The closed list is the metric label, the log field and the
// event word at once.
#pragma once

#include <cstdint>
#include <string_view>

namespace polyport {

enum class CloseReason : std::uint8_t {
  kPeerClosed,     // the peer's FIN, and we had nothing left to say
  kFinished,       // the service was done: finish()
  kServiceClosed,  // the service closed at once: close()
  kResetByPeer,    // RST, or any other error of the socket
  kIdleTimeout,
  kHeaderTimeout,
  kBodyTimeout,
  kWriteTimeout,  // the peer took nothing for too long
  kHandshakeTimeout,
  kSlowReader,  // over the hard limit of queued bytes
  kProtocolError,
  kTlsError,
  kLimitConnections,
  kLimitAddress,
  kLimitRate,
  kLimitMemory,
  kLimitQueued,  // the service, or the process, had too many bytes queued, and this one the most
  kDescriptorLimit,
  kDenied,  // the service's allow and deny lists
  kMadeRoom,
  kDrain,  // the process is stopping
  kKicked,
  kFault,
  kServiceError,    // a service's callback threw
  kUpstreamFailed,  // who it was passed on to did not answer, or broke off
};
inline constexpr std::size_t kCloseReasons = 25;

std::string_view name(CloseReason reason);  // "peer_closed", …

}  // namespace polyport
