// permessage-deflate (RFC 7692): what a client offers in Sec-WebSocket-Extensions, and what a
// server makes of it. Other extensions are not spoken here; offering them is no fault.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace polyport::http {

enum class Deflate : std::uint8_t {
  kOff,
  // Each message for itself: no memory between two messages, and one compressed message serves all
  // who get it.
  kSingleMessages,
  // A message may refer to those before it: smaller, at up to 180 KB a connection.
  kContext,
};

// What both sides do from the 101 on.
struct DeflateAgreement {
  bool on = false;
  bool server_keeps_context = false;  // from one of its messages to the next
  bool client_keeps_context = false;
  std::uint8_t server_window_bits = 15;
  std::string answer;  // the value of Sec-WebSocket-Extensions; empty where nothing is agreed
};

// Takes the first offer in `offers`, all values of the header joined by commas, that `policy` can
// meet. False where `offers` is no list of extensions (RFC 6455 section 9.1): the handshake fails.
bool negotiate_deflate(Bytes offers, Deflate policy, DeflateAgreement& agreement);

}  // namespace polyport::http
