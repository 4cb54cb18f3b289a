// Member: somebody in the chat, whatever door they came through.
//
// A door derives from it. Idle members are many, so this is small: no buffer, no timer, and no text
// beyond the nick.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/chat/event.h"
#include "services/chat/room.h"
#include "services/chat/store.h"
#include "services/chat/token_bucket.h"

namespace polyport::services::chat {

// Where a member is, for everybody to read.
struct Place {
  std::string address;     // "127.0.0.1:51662", "a unix socket"
  std::string_view door;   // "line", "web", "irc"
  std::uint16_t port = 0;  // of the door; 0: it has none

  std::string door_text() const {  // "line door 10023"
    return std::string(door) + " door" + (port == 0 ? "" : " " + std::to_string(port));
  }
  std::string text() const { return address + ", " + door_text(); }
};

class Member {
 public:
  enum class Delivery : std::uint8_t {
    kTaken,
    kTooSlow,  // it has been told so and shown out; the hub takes it out of the rooms
  };

  Member() = default;
  // It has left the hub (Hub::leave) before it goes away.
  virtual ~Member() = default;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // These must not call the hub.
  virtual Delivery hear(const Event& event, Encodings& encodings) = 0;
  // It is in `room` now; `page` is what was said before, `missed` where it asked for what it
  // missed.
  enum class Replay : std::uint8_t { kLast, kMissed };
  virtual void hear_joined(const Room& room, const Page& page, Replay replay) = 0;
  virtual void hear_history(const Room& room, const HistoryQuestion& question,
                            const Page& page) = 0;
  // What it published with `reference` is kept under that id; or cannot be kept.
  virtual void hear_kept(const Message& message, std::string_view reference, bool kept) = 0;
  // It is out of the hub: told `text`, its connection ends.
  virtual void show_out(std::string_view text) = 0;
  virtual Place place() const = 0;

  const std::string& nick() const { return nick_; }
  bool in_hub() const { return !nick_.empty(); }
  const std::vector<Room*>& rooms() const { return rooms_; }
  bool is_operator() const { return operator_; }
  bool is_muted() const { return muted_; }
  // Rises with every member, and stays with who comes back.
  std::uint64_t number() const { return number_; }

 private:
  friend class Hub;

  std::string nick_;  // empty outside the hub
  std::vector<Room*> rooms_;
  TokenBucket talk_;
  TokenBucket ask_;
  std::uint64_t number_ = 0;
  std::uint32_t heard_ = 0;  // the last event that goes to several rooms
  bool told_of_flood_ : 1 = false;
  bool operator_ : 1 = false;
  bool muted_ : 1 = false;
  bool has_token_ : 1 = false;
};

}  // namespace polyport::services::chat
