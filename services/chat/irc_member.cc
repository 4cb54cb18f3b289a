#include "services/chat/irc_member.h"

#include <algorithm>

#include "services/chat/stream_place.h"

namespace polyport::services::chat {
namespace {

constexpr std::size_t kMostNamesListed = 200;
constexpr std::size_t kNamesPerLine = 300;  // bytes of them

}  // namespace

IrcMember::IrcMember(Connection& connection, const IrcShared& shared)
    : network_(connection.network()), id_(connection.id()), shared_(shared) {}

Connection* IrcMember::connection() const {
  Connection* connection = network_.find(id_);
  return connection == nullptr || connection->ending() ? nullptr : connection;
}

Member::Delivery IrcMember::hear(const Event& event, Encodings& encodings) {
  Connection* const connection = this->connection();
  // Gone already, and on_close is still to come; or not there yet.
  if (connection == nullptr || registration_) return Delivery::kTaken;
  if (connection->queued_bytes() > shared_.limits.unread_bytes) {
    connection->drop_unsent();
    connection->send(
        "ERROR :Closing link: too slow, more waited for you than the chat keeps for one "
        "member\r\n");
    connection->finish(Connection::Linger::kWait, CloseReason::kSlowReader);
    return Delivery::kTooSlow;
  }
  const bool is_talk = event.kind == Event::Kind::kMessage || event.kind == Event::Kind::kPrivate;
  if (is_talk && event.from == this && event.to != this && !has(kEchoMessage)) {
    return Delivery::kTaken;
  }
  if (event.kind == Event::Kind::kNotice) {
    connection->send(irc_notice(nick(), event.text));
    return Delivery::kTaken;
  }
  const Payload& text = encodings.payload(
      has(kServerTime) ? Encodings::kIrcWithTime : Encodings::kIrc,
      [&] { return Payload::copy(irc_text(event, time(), shared_.clock->wall_ms())); });
  if (!text.empty()) connection->send(text);
  return Delivery::kTaken;
}

void IrcMember::hear_joined(const Room& room, const Page& page, Replay) {
  Connection* const connection = this->connection();
  if (connection == nullptr) return;
  std::string text = ":" + irc_prefix(nick()) + " JOIN " + room.name + "\r\n";
  if (!room.topic.empty()) {
    text += irc_reply(irc::kTopic, nick(), room.name + " :" + room.topic);
    text += irc_reply(irc::kTopicBy, nick(),
                      room.name + " " + room.topic_by + " " + std::to_string(room.topic_ms / 1000));
  }
  text += irc_names(nick(), room);
  // With their times the old lines tell by themselves that they are old.
  const bool marked = !page.messages.empty() && !has(kServerTime);
  if (marked) text += irc_notice(room.name, "said before you came:");
  for (const Message& message : page.messages)
    text += irc_text(message, room.name, time());
  if (marked) text += irc_notice(room.name, "you are here now");
  connection->send(text);
}

void IrcMember::show_out(std::string_view text) {
  Connection* const connection = this->connection();
  if (connection == nullptr) return;
  connection->send("ERROR :Closing link: " + std::string(text) + "\r\n");
  connection->finish();
}

Place IrcMember::place() const {
  const Connection* connection = network_.find(id_);
  if (connection == nullptr) return {.address = "leaving", .door = "irc"};
  return place_of(*connection, "irc");
}

std::string irc_names(std::string_view nick, const Room& room) {
  const std::string head = "= " + room.name + " :";
  std::string out, line;
  const std::size_t listed = std::min(room.members.size(), kMostNamesListed);
  // The last ones: whoever has just come must find itself.
  for (std::size_t i = room.members.size() - listed; i < room.members.size(); ++i) {
    const Member& member = *room.members[i];
    line +=
        (line.empty() ? "" : " ") + std::string(member.is_operator() ? "@" : "") + member.nick();
    if (line.size() < kNamesPerLine) continue;
    out += irc_reply(irc::kNames, nick, head + line);
    line.clear();
  }
  if (!line.empty()) out += irc_reply(irc::kNames, nick, head + line);
  const std::size_t more = room.members.size() - listed;
  const std::string end = more == 0 ? "that is everybody" : "and " + std::to_string(more) + " more";
  return out + irc_reply(irc::kEndOfNames, nick, room.name + " :" + end);
}

std::string irc_host(const Place& place) {
  std::string host = place.address.substr(0, place.address.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  if (host.find(' ') != std::string::npos) return "unix";
  return host.starts_with(':') ? "0" + host : host;
}

}  // namespace polyport::services::chat
