// What a page asks of the web door: one JSON object a message, taken apart and bounded.
//
// Pure. What the texts may say is the hub's business; that they are clean is seen to here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "services/chat/message.h"
#include "services/chat/store.h"

namespace polyport::services::chat {

struct WebRequest {
  enum class Kind : std::uint8_t {
    kHello,
    kSay,
    kAct,
    kMsg,
    kJoin,
    kPart,
    kNick,
    kTopic,
    kWho,
    kRooms,
    kHistory,
    kOp,
    kKick,
    kMute,
    kUnmute,
  };
  struct Wanted {
    std::string room;
    std::optional<MessageId> after;
  };
  static constexpr std::size_t kMostReferenceBytes = 64;
  static constexpr std::size_t kMostWanted = 1'000;  // rooms of one hello; the hub takes fewer

  Kind kind = Kind::kHello;
  std::string reference;  // the sender's own, given back with the answer; may be empty
  std::string room;
  std::string nick;      // of kNick, kMsg, kKick, kMute, kUnmute; of kHello: the one it would like
  std::string text;      // of kSay, kAct, kMsg, kTopic; the reason of kPart and kKick
  std::string password;  // of kOp
  std::string token;     // of kHello
  std::vector<Wanted> rooms;  // of kHello
  HistoryQuestion question;   // of kHistory, its room too
};

// The error says what is wrong with it and is fit to be sent back.
Result<WebRequest> read_web_request(Bytes message);

}  // namespace polyport::services::chat
