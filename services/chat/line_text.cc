#include "services/chat/line_text.h"

namespace polyport::services::chat {
namespace {

using Kind = Event::Kind;

template <class... Parts>
std::string line(const Parts&... parts) {
  std::string text;
  (text.append(parts), ...);
  text += "\r\n";
  return text;
}

std::string because(std::string_view why) {
  return why.empty() ? "" : " (" + std::string(why) + ")";
}

std::string presence(const Event& event) {
  std::string text;
  if (event.came > 0) text += std::to_string(event.came) + " came";
  if (event.left > 0) text += (text.empty() ? "" : " and ") + std::to_string(event.left) + " left";
  return text;
}

std::string private_text(const Event& event, const Member& reader) {
  const bool sent = &reader == event.from && &reader != event.to;
  const std::string head = sent ? "[you to " + std::string(event.other) + "] "
                                : "[" + std::string(event.nick) + " to you] ";
  if (event.message->kind != Message::Kind::kAct) return line(head, event.message->text);
  return line(head, "* ", event.nick, " ", event.message->text);
}

std::string for_people(const Event& event, LineStyle style, const Member& reader) {
  const std::string_view room = event.room == nullptr ? "" : std::string_view(event.room->name);
  const std::string elsewhere =
      style == LineStyle::kElsewhere ? " " + std::string(room) : std::string();
  switch (event.kind) {
    case Kind::kMessage:
      return line_text(*event.message, style);
    case Kind::kPrivate:
      return private_text(event, reader);
    case Kind::kJoined:
      return line("* ", event.nick, " joined", elsewhere, " (", event.from->place().text(), ")");
    case Kind::kParted:
      if (event.from == &reader) return line("* you left ", room, because(event.text));
      return line("* ", event.nick, " left ", room, because(event.text));
    case Kind::kQuit:
      return line("* ", event.nick, " left", because(event.text));
    case Kind::kNick:
      return line("* ", event.nick, " is now ", event.other);
    case Kind::kTopic:
      if (event.text.empty()) return line("* ", event.nick, " took the topic of ", room, " away");
      return line("* ", event.nick, " set the topic of ", room, ": ", event.text);
    case Kind::kKicked:
      return line("* ", event.nick, " put ", event.to == &reader ? "you" : event.other, " out of ",
                  room, because(event.text));
    case Kind::kPresence:
      return line("* ", presence(event), ": ", std::to_string(event.room->members.size()),
                  " are in ", room);
    case Kind::kNotice:
      return line("* ", event.text);
    case Kind::kRenumbered:
      return {};
  }
  return {};
}

std::string plain(const Event& event) {
  const std::string_view room = event.room == nullptr ? "" : std::string_view(event.room->name);
  switch (event.kind) {
    case Kind::kMessage:
      return line_text(*event.message, LineStyle::kPlain);
    case Kind::kPrivate:
      return line("private ", name(event.message->kind), " ", event.nick, " ", event.other, " ",
                  event.message->text);
    case Kind::kJoined:
      return line("joined ", room, " ", event.nick, " ", event.from->place().text());
    case Kind::kParted:
      return line("parted ", room, " ", event.nick, " ", event.text);
    case Kind::kQuit:
      return line("quit ", event.nick, " ", event.text);
    case Kind::kNick:
      return line("nick ", event.nick, " ", event.other);
    case Kind::kTopic:
      return line("topic ", room, " ", event.nick, " ", event.text);
    case Kind::kKicked:
      return line("kicked ", room, " ", event.nick, " ", event.other, " ", event.text);
    case Kind::kPresence:
      return line("presence ", room, " ", std::to_string(event.came), " ",
                  std::to_string(event.left), " ", std::to_string(event.room->members.size()));
    case Kind::kNotice:
      return line("chat ", event.text);
    case Kind::kRenumbered:
      return line("renumbered ", room, " ", event.id.text(), " ", event.new_id.text());
  }
  return {};
}

}  // namespace

std::string line_text(const Event& event, LineStyle style, const Member& reader) {
  return style == LineStyle::kPlain ? plain(event) : for_people(event, style, reader);
}

std::string line_text(const Message& message, LineStyle style) {
  if (style == LineStyle::kPlain) {
    return line(name(message.kind), " ", message.room, " ", message.id.text(), " ", message.nick,
                " ", message.text);
  }
  const std::string room =
      style == LineStyle::kElsewhere ? "[" + message.room + "] " : std::string();
  if (message.kind == Message::Kind::kAct) {
    return line(room, "* ", message.nick, " ", message.text);
  }
  return line(room, message.nick, ": ", message.text);
}

std::string line_notice(std::string_view text, LineStyle style) {
  return line(style == LineStyle::kPlain ? "chat " : "* ", text);
}

}  // namespace polyport::services::chat
