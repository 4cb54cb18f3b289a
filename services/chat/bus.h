// Bus: gives the messages of a room their order, on this process alone or on several.
//
// The hub publishes what its members say and shows what the bus hands back: its own messages and
// those of other processes take the same way. Members of other processes are Members that a bus
// brings into the hub, with a hear() that does nothing.
#pragma once

#include <chrono>

#include "services/chat/message.h"

namespace polyport::services::chat {

class Member;

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

  // --- where there may be other processes; these are the answers of one on its own ---------------
  // False: too much waits to be passed on, so nothing more is to be published.
  virtual bool takes_more() const { return true; }
  // Whether a member of another process can be told something now.
  virtual bool reaches_others() const { return false; }
  // What whoever comes in now should know; empty: nothing.
  virtual std::string_view notice() const { return {}; }
  // For "guest-N"; rises.
  virtual std::uint64_t next_guest() { return ++guests_; }
  // A member of this process has come, or has another name or other rooms; `why` it left one.
  virtual void member_changed(Member&, [[maybe_unused]] std::string_view why) {}
  // And is gone; its name is held for it for so long.
  virtual void member_left(Member&, [[maybe_unused]] std::string_view why,
                           [[maybe_unused]] std::chrono::milliseconds held) {}
  // What happens to everybody in one order. True: it comes back by Hub::apply_…; else the hub does
  // it at once, where it is about nobody of another process.
  virtual bool share_topic([[maybe_unused]] std::string_view room,
                           [[maybe_unused]] std::string_view by,
                           [[maybe_unused]] std::string_view text) {
    return false;
  }
  virtual bool share_kick([[maybe_unused]] std::string_view room,
                          [[maybe_unused]] std::string_view by, [[maybe_unused]] Member& who,
                          [[maybe_unused]] std::string_view why) {
    return false;
  }
  // Only for members of other processes.
  virtual bool share_mute([[maybe_unused]] Member& who, [[maybe_unused]] bool muted) {
    return false;
  }

  void set_listener(Listener& listener) { listener_ = &listener; }

 protected:
  Listener& listener() const { return *listener_; }

 private:
  Listener* listener_ = nullptr;
  std::uint64_t guests_ = 0;
};

}  // namespace polyport::services::chat
