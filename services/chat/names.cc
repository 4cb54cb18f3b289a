#include "services/chat/names.h"

#include <algorithm>

#include "core/base/text.h"

namespace polyport::services::chat {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_byte(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '_';
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.replace(at, what.size(), by);
}

}  // namespace

bool is_legal_nick(std::string_view nick, std::size_t most_bytes) {
  return !nick.empty() && nick.size() <= most_bytes && is_letter(nick.front()) &&
         std::all_of(nick.begin(), nick.end(), is_name_byte);
}

bool is_legal_room(std::string_view room, std::size_t most_bytes) {
  return room.size() >= 2 && room.size() <= most_bytes && room.front() == '#' &&
         std::all_of(room.begin() + 1, room.end(), is_name_byte);
}

std::string shape(std::string_view nick) {
  std::string shape = to_lower(nick);
  replace_all(shape, "rn", "m");
  replace_all(shape, "vv", "w");
  for (char& c : shape) {
    if (c == '1' || c == 'i') c = 'l';
    if (c == '0') c = 'o';
    if (c == '_') c = '-';
  }
  return shape;
}

bool is_guest_shape(std::string_view shape) {
  static const std::string kGuest = chat::shape("guest-");
  if (!shape.starts_with(kGuest)) return false;
  shape.remove_prefix(kGuest.size());
  return std::all_of(shape.begin(), shape.end(),
                     [](char c) { return is_digit(c) || c == 'l' || c == 'o'; });
}

}  // namespace polyport::services::chat
