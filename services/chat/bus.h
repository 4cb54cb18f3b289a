// Bus: gives the messages of a room their order, on this process alone or on several.
//
// The hub publishes what its members say and shows what the bus hands back: its own messages and
// those of other processes take the same way. Members of other processes are Members that a bus
// brings into the hub, with a hear() that does nothing.
#pragma once

#include "services/chat/message.h"

namespace polyport::services::chat {

class Bus {
 public:
  // What the bus calls, on the loop's thread.
  class Listener {
   public:
    virtual ~Listener() = default;
    // `ticket` is that of publish() where the message came from this process, else 0. With a final
    // id that is above all final ids of that room before it, or with a provisional one.
    virtual void on_message(const Message& message, std::uint64_t ticket) = 0;
    // A message that was shown with a provisional id has its final one, and its place in the order.
    virtual void on_renumbered(const std::string& room, MessageId provisional, MessageId final) = 0;
    // Other processes are out of reach, or there again: everybody is told `text`.
    virtual void on_bus_notice(std::string_view text) = 0;
  };

  virtual ~Bus() = default;
  // Calls on_message exactly once for it, at once or later. `message` has no id yet; its time is
  // the caller's.
  virtual void publish(Message message, std::uint64_t ticket) = 0;
  void set_listener(Listener& listener) { listener_ = &listener; }

 protected:
  Listener& listener() const { return *listener_; }

 private:
  Listener* listener_ = nullptr;
};

}  // namespace polyport::services::chat
