// Where a connection comes from and which door it took, as members read it.
#pragma once

#include <string_view>

#include "core/net/connection.h"
#include "core/net/listener.h"
#include "services/chat/member.h"

namespace polyport::services::chat {

inline Place place_of(const Connection& connection, std::string_view door) {
  const Address peer = connection.peer();
  const Address& own = connection.listener().address();
  return {.address = peer.is_ip() ? peer.text() : "a unix socket",
          .door = door,
          .port = own.is_ip() ? own.port : std::uint16_t{0}};
}

}  // namespace polyport::services::chat
