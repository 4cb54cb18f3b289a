// Event: something members hear of, and its encodings, each made once for all who want it so.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/payload.h"
#include "core/http/websocket_shared.h"
#include "services/chat/message.h"

namespace polyport::services::chat {

class Member;
struct Room;

struct Event {
  enum class Kind : std::uint8_t {
    kMessage,     // room, message
    kPrivate,     // message (nick: from whom; room empty), other: to whom
    kJoined,      // room, nick
    kParted,      // room, nick, text: a reason, perhaps empty
    kQuit,        // nick, text: why. Once, however many rooms are shared
    kNick,        // nick is called `other` now. Once, too
    kTopic,       // room, nick, text
    kKicked,      // room, nick: by whom, other: who, text: why
    kPresence,    // room, came, left: since the last one, in a room too large to hear of each
    kNotice,      // text: from the chat itself; room where it is about one
    kRenumbered,  // room, id, new_id
  };

  Kind kind = Kind::kNotice;
  const Room* room = nullptr;
  const Member* from = nullptr;  // who did it; null where that is no member of this process
  const Member* to = nullptr;    // kPrivate, kKicked
  const Message* message = nullptr;
  std::string_view nick = {};
  std::string_view other = {};
  std::string_view text = {};
  MessageId id = {};
  MessageId new_id = {};
  std::uint32_t came = 0;
  std::uint32_t left = 0;
};

// The bytes of one event, for each door and each set of wishes there may be behind it.
class Encodings {
 public:
  enum Slot : std::uint8_t { kLineHere, kLineElsewhere, kLinePlain, kIrc, kIrcWithTime, kSlots };

  // What `make()` gives the first time.
  template <class Make>
  const Payload& payload(Slot slot, Make make) {
    if (!payloads_[slot]) payloads_[slot] = make();
    return *payloads_[slot];
  }
  template <class Make>
  polyport::http::SharedMessage& web(Make make) {
    if (!web_) web_.emplace(http::MessageKind::kText, make());
    return *web_;
  }

 private:
  std::array<std::optional<Payload>, kSlots> payloads_;
  std::optional<polyport::http::SharedMessage> web_;
};

}  // namespace polyport::services::chat
