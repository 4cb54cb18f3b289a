// web_member: a chat member behind a WebSocket of the web door.
#pragma once

#include "core/http/websocket.h"
#include "services/chat/line_member.h"
#include "services/chat/member.h"

namespace polyport::services::chat {

class WebMember final : public Member {
 public:
  // `socket` outlives it.
  WebMember(polyport::http::WebSocket& socket, const StreamLimits& limits)
      : socket_(socket), limits_(limits) {}

  Delivery hear(const Event& event, Encodings& encodings) override;
  void hear_joined(const Room& room, const Page& page, Replay replay) override;
  void hear_history(const Room& room, const HistoryQuestion& question, const Page& page) override;
  void hear_kept(const Message& message, std::string_view reference, bool kept) override;
  void show_out(std::string_view text) override;
  Place place() const override;

  void send(Bytes json) { socket_.send_text(json); }

 private:
  polyport::http::WebSocket& socket_;
  const StreamLimits& limits_;
};

// With its connection and its WebSocket (478 bytes) and its places in the hub it stays under 700.
static_assert(sizeof(WebMember) <= 112);

}  // namespace polyport::services::chat
