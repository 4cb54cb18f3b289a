#include "services/chat/line_member.h"

#include "services/chat/stream_place.h"

namespace polyport::services::chat {
namespace {

// Events whose words differ from reader to reader.
bool is_personal(const Event& event, const Member& reader) {
  return event.kind == Event::Kind::kPrivate ||
         (event.kind == Event::Kind::kParted && event.from == &reader) ||
         (event.kind == Event::Kind::kKicked && event.to == &reader);
}

Encodings::Slot slot(LineStyle style) {
  switch (style) {
    case LineStyle::kHere:
      return Encodings::kLineHere;
    case LineStyle::kElsewhere:
      return Encodings::kLineElsewhere;
    case LineStyle::kPlain:
      break;
  }
  return Encodings::kLinePlain;
}

}  // namespace

LineMember::LineMember(Connection& connection, const StreamLimits& limits)
    : network_(connection.network()),
      id_(connection.id()),
      limits_(limits),
      reader_(static_cast<std::uint32_t>(limits.line_bytes)) {}

Connection* LineMember::connection() const {
  Connection* connection = network_.find(id_);
  return connection == nullptr || connection->ending() ? nullptr : connection;
}

LineStyle LineMember::style_for(const Event& event) const {
  if (plain_) return LineStyle::kPlain;
  return event.room == nullptr || event.room == room_ ? LineStyle::kHere : LineStyle::kElsewhere;
}

Member::Delivery LineMember::hear(const Event& event, Encodings& encodings) {
  Connection* const connection = this->connection();
  // Gone already: on_close, which is still to come, takes it out of the hub.
  if (connection == nullptr) return Delivery::kTaken;
  if (connection->queued_bytes() > limits_.unread_bytes) {
    connection->drop_unsent();
    connection->send(
        line_notice("you are too slow: more waited for you than the chat keeps for "
                    "one member, so what came last is lost and you are out",
                    style()));
    connection->finish(Connection::Linger::kWait, CloseReason::kSlowReader);
    return Delivery::kTooSlow;
  }
  const LineStyle style = style_for(event);
  if (is_personal(event, *this)) {
    connection->send(line_text(event, style, *this));
  } else {
    const Payload& text = encodings.payload(
        slot(style), [&] { return Payload::copy(line_text(event, style, *this)); });
    if (!text.empty()) connection->send(text);
  }
  const bool out = (event.kind == Event::Kind::kParted && event.from == this) ||
                   (event.kind == Event::Kind::kKicked && event.to == this);
  if (out) leave_room(*event.room);
  return Delivery::kTaken;
}

void LineMember::leave_room(const Room& room) {
  if (room_ != &room) return;
  room_ = nullptr;
  for (const Room* other : rooms()) {
    if (other != &room) room_ = other;  // the last one it came into
  }
}

void LineMember::hear_joined(const Room& room, const Page& page, Replay) {
  const bool first = room_ == nullptr && rooms().size() == 1;
  room_ = &room;
  Connection* const connection = this->connection();
  if (connection == nullptr) return;
  std::string text;
  if (plain_) {
    text =
        "in " + room.name + " " + std::to_string(room.members.size()) + " " + room.topic + "\r\n";
  } else {
    // Of the room that everybody begins in only what is worth a line.
    if (!first) {
      text = line_notice(
          "you are in " + room.name + " now, " + std::to_string(room.members.size()) + " in all",
          style());
    }
    if (!room.topic.empty()) {
      text += line_notice("the topic of " + room.name + ": " + room.topic, style());
    }
  }
  if (!page.messages.empty()) {
    // Marked, because nobody of those who said it needs to be here any more.
    if (!plain_) text += line_notice("said before you came:", style());
    for (const Message& message : page.messages)
      text += line_text(message, style());
    text += plain_ ? "now " + room.name + "\r\n" : line_notice("you are here now", style());
  }
  if (!text.empty()) connection->send(text);
}

void LineMember::hear_history(const Room& room, const HistoryQuestion&, const Page& page) {
  Connection* const connection = this->connection();
  if (connection == nullptr) return;
  std::string text;
  if (!plain_) text = line_notice("said in " + room.name + ":", style());
  for (const Message& message : page.messages)
    text += line_text(message, style());
  text += plain_ ? "now " + room.name + "\r\n" : line_notice("that is all I have", style());
  connection->send(text);
}

void LineMember::show_out(std::string_view text) {
  Connection* const connection = this->connection();
  if (connection == nullptr) return;
  connection->send(line_notice(text, style()));
  connection->finish();
}

Place LineMember::place() const {
  const Connection* connection = network_.find(id_);
  if (connection == nullptr) return {.address = "leaving", .door = "line"};
  return place_of(*connection, "line");
}

}  // namespace polyport::services::chat
