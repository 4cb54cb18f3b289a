// The table that `polyport run` begins with: who listens where, who can reach it, and what to type.
//
// Pure: everything it shows is handed in. Sockets of one service that differ only in transport,
// family or by one in their port share a line, because a person reads services and not sockets.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/service.h"

namespace polyport {

// Colour and weight on a terminal; none elsewhere, nor with NO_COLOR.
enum class Paint : std::uint8_t { kPlain, kColour };

struct StartFacts {
  std::string_view version;
  long pid = 0;
  std::size_t workers = 0;  // processes that serve beside that one; 0: there are none
  std::span<const ServiceStatus> services;
  std::span<const ServiceType* const> types;
  std::span<const std::string> notes;
  std::span<const Address> networks;  // addresses under which other machines may reach this one
};

// "10 services, 17 ports": what is open. TCP 53 and UDP 53 are two ports, 127.0.0.1 and ::1 are two
// addresses of one.
std::string count_open(std::span<const ServiceStatus> services);

std::string start_table(const StartFacts& facts, Paint paint);

}  // namespace polyport
