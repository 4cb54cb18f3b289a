// The opening handshake of WebSocket (RFC 6455 section 4), the server's side: whether a request is
// one, and what the 101 must say.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/http/handler.h"
#include "core/http/websocket_extension.h"

namespace polyport::http {

struct WebSocketHandshake {
  // 101, or why not: 400 for a handshake that is none, 426 for a request that asks for no upgrade
  // or for another version. Both are answered with websocket_refusal_headers().
  int status = 101;
  Bytes detail;        // of a refusal: what is wrong and what would be right
  std::string accept;  // the value of Sec-WebSocket-Accept
  Bytes protocol;      // the one of `protocols` that was chosen; empty: none
  DeflateAgreement deflate;
};

// Judges `request`. Of `protocols` the client's first choice is taken.
WebSocketHandshake check_websocket_handshake(const Request& request,
                                             std::span<const std::string_view> protocols,
                                             Deflate deflate);

// What a server must answer to a client's Sec-WebSocket-Key (section 4.2.2).
std::string websocket_accept(Bytes key);

// "Upgrade: websocket" and "Sec-WebSocket-Version: 13".
std::span<const Header> websocket_refusal_headers();

}  // namespace polyport::http
