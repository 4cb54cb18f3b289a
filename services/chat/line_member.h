// line_member: a chat member behind a connection of the line door.
//
// Ties one Connection to one place in the room: delivers lines, and shows out whoever does not read
// them.
#pragma once

#include <cstddef>
#include <string>

#include "core/net/network.h"
#include "services/chat/hub.h"
#include "services/chat/line_door.h"

namespace polyport::services::chat {

struct LineLimits {
  std::uint32_t line_bytes = 1024;
  std::size_t unread_bytes = 256 * 1024;  // more than this waiting: too slow
};

class LineMember final : public Member {
 public:
  LineMember(Connection& connection, const Rules& rules, const LineLimits& limits);

  Delivery deliver(const Payload& line) override;
  std::string place() const override;

  LineReader& reader() { return reader_; }

 private:
  Network& network_;
  ConnectionId id_;
  const LineLimits& limits_;
  LineReader reader_;
};

// With its connection (272 bytes) and its place in the hub an idle member stays under 1 KiB.
static_assert(sizeof(LineMember) <= 192);

// "127.0.0.1:51662" or "a unix socket".
std::string peer_text(const Connection& connection);
// "line door 10023", or "line door" where it has no port.
std::string door_text(const Connection& connection);

}  // namespace polyport::services::chat
