// LocalBus: the bus of a process on its own. A message is ordered at once, by the wall clock where
// that goes forward.
#pragma once

#include <algorithm>

#include "services/chat/bus.h"

namespace polyport::services::chat {

class LocalBus final : public Bus {
 public:
  void publish(Message message, std::uint64_t ticket) override {
    // One row of ids for all rooms: nothing to keep for a room.
    last_ = message.time_ms > last_.ms
                ? MessageId{message.time_ms, 0}
                : MessageId{std::max<std::uint64_t>(last_.ms, 1), last_.number + 1};
    message.id = last_;
    message.time_ms = last_.ms;
    listener().on_message(message, ticket);
  }

 private:
  MessageId last_;
};

}  // namespace polyport::services::chat
