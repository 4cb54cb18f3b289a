// HeldInput: what a member has sent while the answer to its joining a room is not there yet. It is
// looked at afterwards, so that a line typed behind "/join" goes to that room, wherever history
// comes from.
//
// At most what one read brought is held: the connection is not read meanwhile.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/net/connection.h"

namespace polyport::services::chat {

class HeldInput {
 public:
  struct Held {
    std::string data;
    bool ended = false;  // the peer's FIN came behind it
  };

  bool holds() const { return held_ != nullptr; }
  void hold(Connection& connection, Bytes data) {
    connection.pause_reading();
    held_ = std::make_unique<Held>(Held{std::string(data)});
  }
  void end(Connection& connection) {
    if (!holds()) hold(connection, {});
    held_->ended = true;
  }
  Held take(Connection& connection) {
    connection.resume_reading();
    return std::move(*std::exchange(held_, nullptr));
  }

 private:
  std::unique_ptr<Held> held_;
};

// For a door: on_data, on_end and on_writable of a member that has held().
template <class Door, class SomeMember>
void go_on_with_held(Door& door, Connection& connection, SomeMember& member) {
  if (member.is_joining() || !member.held().holds()) return;
  const HeldInput::Held held = member.held().take(connection);
  if (!held.data.empty()) door.on_data(connection, held.data);
  if (held.ended) door.on_end(connection);
}

}  // namespace polyport::services::chat
