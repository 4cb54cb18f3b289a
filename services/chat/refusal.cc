#include "services/chat/refusal.h"

#include <array>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "services/chat/rules.h"

namespace polyport::services::chat {
namespace {

constexpr std::size_t kMostShown = 64;

}  // namespace

std::string_view name(Refusal refusal) {
  static constexpr std::array<std::string_view, 20> kNames = {
      "none",        "nick_not_legal", "nick_taken",     "nick_looks_taken",
      "nick_held",   "nick_reserved",  "room_not_legal", "no_such_room",
      "not_in_room", "room_full",      "too_many_rooms", "too_many_rooms_of_member",
      "nobody",      "not_there",      "nothing_said",   "too_long",
      "muted",       "not_operator",   "no_operators",   "wrong_password"};
  const auto index = static_cast<std::size_t>(refusal);
  POLYPORT_ASSERT(index < kNames.size());
  return kNames[index];
}

std::string words(Refusal refusal, const Rules& rules, std::string_view subject) {
  const std::string it = without_controls(subject.substr(0, kMostShown));
  switch (refusal) {
    case Refusal::kNone:
      return {};
    case Refusal::kNickNotLegal:
      return "a name is a letter, then letters, digits, - and _, at most " +
             std::to_string(rules.nick_bytes) + " in all";
    case Refusal::kNickTaken:
      return "somebody here is called " + it + " already";
    case Refusal::kNickLooksTaken:
      return "somebody here has a name that looks like " + it + ": choose another one";
    case Refusal::kNickHeld:
      return it + " is kept for somebody who was cut off a moment ago: choose another name";
    case Refusal::kNickReserved:
      return "guest-N is given by the room: choose another name";
    case Refusal::kRoomNotLegal:
      return "a room is # and then letters, digits, - and _, at most " +
             std::to_string(rules.room_bytes) + " in all";
    case Refusal::kNoSuchRoom:
      return "there is no room " + it + " now";
    case Refusal::kNotInRoom:
      return "you are not in " + it;
    case Refusal::kRoomFull:
      return it + " is full: " + std::to_string(rules.members_of_a_room) + " members";
    case Refusal::kTooManyRooms:
      return "there are " + std::to_string(rules.rooms) + " rooms already, as many as there may be";
    case Refusal::kTooManyRoomsOfMember:
      return "you are in " + std::to_string(rules.rooms_of_a_member) +
             " rooms, as many as one may be in: leave one first";
    case Refusal::kNobody:
      return "nobody here is called " + it;
    case Refusal::kNotThere:
      return it + " is not in that room";
    case Refusal::kNothingSaid:
      return "there is nothing in it";
    case Refusal::kTooLong:
      return "not sent: a line has at most " + std::to_string(rules.line_bytes) + " bytes";
    case Refusal::kMuted:
      return "not sent: an operator has muted you";
    case Refusal::kNotOperator:
      return "only an operator may do that";
    case Refusal::kNoOperators:
      return "this chat has no operators: operator_password is not set";
    case Refusal::kWrongPassword:
      return "that is not the password";
  }
  POLYPORT_ASSERT(false);
  return {};
}

}  // namespace polyport::services::chat
