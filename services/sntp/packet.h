// packet: the 48 bytes of an SNTP answer (RFC 4330 section 6, header of RFC 5905), as pure
// functions.
//
// No socket and no clock: the moments and what is known of the clock come from the caller.
// Extension fields and keys of a request are ignored; kisses of death are not sent.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace polyport::services::sntp {

inline constexpr std::size_t kPacketBytes = 48;
using Packet = std::array<char, kPacketBytes>;
using Moment = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

// What the server says about its clock.
struct ClockState {
  int stratum = 0;                          // 0: not synchronised, which every client must refuse
  std::string reference_id = "INIT";        // at most 4 ASCII characters, sent zero filled
  std::chrono::microseconds dispersion{0};  // the largest error, where it is known
};

// Seconds since 1900 and their 2^32nds; starts again at 0 in 2036 (era 1).
std::uint64_t ntp_timestamp(Moment moment);

// A request that may be answered, or nothing: too short, of an unknown version, or of a mode that
// only servers, monitors and attackers send (RFC 4330: 3 is a client, 1 a symmetric peer).
class Request {
 public:
  static std::optional<Request> parse(Bytes datagram);

  // The whole answer but its transmit timestamp. `received` is when the datagram arrived.
  Packet answer(const ClockState& clock, Moment received) const;

 private:
  explicit Request(Bytes datagram) : datagram_(datagram) {}
  unsigned char byte(std::size_t at) const { return static_cast<unsigned char>(datagram_[at]); }
  Bytes datagram_;
};

// The last thing before sending; does nothing in an answer that says "not synchronised".
void stamp_transmit(Packet& packet, Moment now);

}  // namespace polyport::services::sntp
