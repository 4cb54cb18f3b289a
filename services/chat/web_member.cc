#include "services/chat/web_member.h"

#include "services/chat/stream_place.h"
#include "services/chat/web_text.h"

namespace polyport::services::chat {

Member::Delivery WebMember::hear(const Event& event, Encodings& encodings) {
  if (socket_.closing()) return Delivery::kTaken;  // on_close takes it out of the hub
  if (socket_.connection().queued_bytes() > limits_.unread_bytes) {
    socket_.close_slow("too slow: more waited for you than the chat keeps for one member");
    return Delivery::kTooSlow;
  }
  socket_.send(encodings.web([&] { return web_text(event); }));
  return Delivery::kTaken;
}

void WebMember::hear_joined(const Room& room, const Page& page, Replay replay) {
  send(web_room(room, page, replay));
}

void WebMember::hear_history(const Room& room, const HistoryQuestion&, const Page& page) {
  send(web_history(room, page));
}

void WebMember::hear_kept(const Message& message, std::string_view reference, bool kept) {
  send(web_sent(message, reference, kept));
}

// 1008: the page does not try again by itself.
void WebMember::show_out(std::string_view text) {
  socket_.close(polyport::http::CloseCode::kPolicy, text);
}

Place WebMember::place() const {
  return place_of(socket_.connection(), "web");
}

}  // namespace polyport::services::chat
