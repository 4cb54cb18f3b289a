// Refusal: why the hub does not do what a member asks. Every door has its words for it from here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace polyport::services::chat {

struct Rules;

enum class Refusal : std::uint8_t {
  kNone,  // it is done
  kNickNotLegal,
  kNickTaken,
  kNickLooksTaken,
  kNickHeld,
  kNickReserved,
  kRoomNotLegal,
  kNoSuchRoom,
  kNotInRoom,
  kRoomFull,
  kTooManyRooms,
  kTooManyRoomsOfMember,
  kNobody,
  kNotThere,  // somebody, but not in that room
  kNothingSaid,
  kTooLong,
  kMuted,
  kNotOperator,
  kNoOperators,
  kWrongPassword,
};

std::string_view name(Refusal refusal);  // "nick_taken", for programs
// One sentence for people. `subject` is the nick or the room that it is about.
std::string words(Refusal refusal, const Rules& rules, std::string_view subject);

}  // namespace polyport::services::chat
