#include "services/chat/line_member.h"

namespace polyport::services::chat {

LineMember::LineMember(Connection& connection, const Rules& rules, const LineLimits& limits)
    : Member(rules),
      network_(connection.network()),
      id_(connection.id()),
      limits_(limits),
      reader_(limits.line_bytes) {}

Member::Delivery LineMember::deliver(const Payload& line) {
  Connection* connection = network_.find(id_);
  // Gone already: on_close, which is still to come, takes it out of the room.
  if (connection == nullptr || connection->ending()) return Delivery::kQueued;
  if (connection->queued_bytes() <= limits_.unread_bytes) {
    connection->send(line);
    return Delivery::kQueued;
  }
  connection->drop_unsent();
  connection->send(
      Payload::literal("* you are too slow: more waited for you than the room keeps "
                       "for one member, so what came last is lost and you are out\r\n"));
  connection->finish(Connection::Linger::kWait, CloseReason::kSlowReader);
  return Delivery::kTooSlow;
}

std::string LineMember::place() const {
  const Connection* connection = network_.find(id_);
  if (connection == nullptr) return "leaving";
  return peer_text(*connection) + ", " + door_text(*connection);
}

std::string peer_text(const Connection& connection) {
  const Address peer = connection.peer();
  return peer.is_ip() ? peer.text() : "a unix socket";
}

std::string door_text(const Connection& connection) {
  const Address& door = connection.listener().address();
  return door.is_ip() ? "line door " + std::to_string(door.port) : "line door";
}

}  // namespace polyport::services::chat
