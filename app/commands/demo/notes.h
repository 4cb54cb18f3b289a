// The claims that notes about ports often make, each with what is tried to find out. They stand in
// three files by what they are about.
#pragma once

#include <span>
#include <string_view>

#include "app/commands/demo/lab.h"
#include "app/commands/demo/stage.h"

namespace polyport::demo {

struct Note {
  unsigned number = 0;
  std::string_view claim;
  void (*play)(Stage& stage, Lab& lab);
};

std::span<const Note> notes_on_identity();   // what a port or a socket names
std::span<const Note> notes_on_numbers();    // ranges, and who may have which
std::span<const Note> notes_on_listening();  // what the kernel does and what the program does

inline constexpr milliseconds kSoon{2000};

inline Address home(std::uint16_t port = 0) {
  return Address::loopback(Family::kIPv4, port);
}
// 127.0.0.2
inline Address next_door(std::uint16_t port = 0) {
  Address address = home(port);
  address.ip[3] = 2;
  return address;
}

}  // namespace polyport::demo
