#include "core/observe/close_reason.h"

#include <array>

#include "core/base/assert.h"

namespace polyport {

std::string_view name(CloseReason reason) {
  static constexpr std::array<std::string_view, kCloseReasons> kNames = {"peer_closed",
                                                                         "finished",
                                                                         "service_closed",
                                                                         "reset_by_peer",
                                                                         "idle_timeout",
                                                                         "header_timeout",
                                                                         "body_timeout",
                                                                         "write_timeout",
                                                                         "handshake_timeout",
                                                                         "slow_reader",
                                                                         "protocol_error",
                                                                         "tls_error",
                                                                         "limit_connections",
                                                                         "limit_address",
                                                                         "limit_rate",
                                                                         "limit_memory",
                                                                         "limit_queued",
                                                                         "descriptor_limit",
                                                                         "denied",
                                                                         "made_room",
                                                                         "drain",
                                                                         "kicked",
                                                                         "fault",
                                                                         "service_error",
                                                                         "upstream_failed"};
  const auto index = static_cast<std::size_t>(reason);
  POLYPORT_ASSERT(index < kNames.size());
  return kNames[index];
}

}  // namespace polyport
