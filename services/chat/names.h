// Names of members and rooms: what they may be, and when two of them are one.
//
// ASCII only: letters of other scripts that look alike would let one member pass for another. What
// looks alike within ASCII (l, I and 1; O and 0; rn and m) is one name, too: see shape().
#pragma once

#include <string>
#include <string_view>

namespace polyport::services::chat {

// A letter, then letters, digits, '-' and '_'; 1 to `most_bytes`.
bool is_legal_nick(std::string_view nick, std::size_t most_bytes);
// '#', then letters, digits, '-' and '_'; 2 to `most_bytes`.
bool is_legal_room(std::string_view room, std::size_t most_bytes);

// What a nick looks like. Two members of the same shape cannot be told apart, so there is only one.
std::string shape(std::string_view nick);
// "guest-" and a number, or what looks like one: those are given by the room.
bool is_guest_shape(std::string_view shape);

}  // namespace polyport::services::chat
