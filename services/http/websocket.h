// /websocket/echo: sends every message back as it came, under limits the client may ask for
// (go-httpbin's endpoint of that name).
#pragma once

#include <chrono>
#include <cstdint>

#include "core/http/websocket_server.h"

namespace polyport::services::http {

class WebSocketEcho final : public polyport::http::WebSocketHandler {
 public:
  struct Limits {
    std::uint64_t max_body = 1024 * 1024;            // the largest message a client may ask for
    std::chrono::milliseconds max_duration{10'000};  // of a connection; 0: no limit
  };

  explicit WebSocketEcho(const Limits& limits);

  // Answers a request with 101, or says what is wrong with it. Its query may hold
  //   max_fragment_size   bytes of one frame, either way; half of max_body where it is left out
  //   max_message_size    bytes of a message; max_body where it is left out
  //   hello=true          the first message tells the client its own address and ours, as JSON
  void answer(polyport::http::Exchange& exchange);

 private:
  void on_open(polyport::http::WebSocket& socket) override;
  void on_message(polyport::http::WebSocket& socket, polyport::http::MessageKind kind,
                  Bytes message) override;

  Limits limits_;
  polyport::http::WebSocketServer server_;
};

}  // namespace polyport::services::http
