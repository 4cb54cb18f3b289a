#include "services/chat/irc_text.h"

#include <algorithm>
#include <chrono>

#include "core/base/text.h"
#include "core/base/units.h"

namespace polyport::services::chat {
namespace {

using Kind = Event::Kind;

constexpr std::size_t kMostLine = 510;  // without its CR LF

// How much of `text` goes into `room` bytes, whole characters, and a word's end where one is near.
std::size_t fitting(std::string_view text, std::size_t room) {
  if (text.size() <= room) return text.size();
  std::size_t end = room;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  const std::size_t space = text.substr(0, end).rfind(' ');
  return space != std::string_view::npos && space > end / 2 ? space + 1 : end;
}

std::string cut(std::string line) {
  line.resize(fitting(line, kMostLine));
  return line + "\r\n";
}

// "@time=2026-11-25T09:14:52.123Z "
std::string tag(IrcTime time, std::uint64_t ms) {
  if (time == IrcTime::kNone) return {};
  const std::string seconds =
      utc_text(std::chrono::system_clock::time_point(std::chrono::milliseconds(ms)));
  const std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
  return "@time=" + seconds.substr(0, seconds.size() - 1) + "." + fraction + "Z ";
}

template <class... Parts>
std::string line_from(std::string_view nick, const Parts&... parts) {
  std::string text = ":" + irc_prefix(nick) + " ";
  (text.append(parts), ...);
  return cut(std::move(text));
}

std::string presence(const Event& event) {
  std::string text;
  if (event.came > 0) text += std::to_string(event.came) + " came";
  if (event.left > 0) text += (text.empty() ? "" : ", ") + std::to_string(event.left) + " left";
  return ":" + std::string(kIrcHost) + " NOTICE " + event.room->name + " :" + text + ": " +
         std::to_string(event.room->members.size()) + " are here";
}

// Without a time.
std::string lines(const Event& event) {
  switch (event.kind) {
    case Kind::kJoined:
      return line_from(event.nick, "JOIN ", event.room->name);
    case Kind::kParted:
      return line_from(event.nick, "PART ", event.room->name, " :", event.text);
    case Kind::kQuit:
      return line_from(event.nick, "QUIT :", event.text);
    case Kind::kNick:
      return line_from(event.nick, "NICK ", event.other);
    case Kind::kTopic:
      return line_from(event.nick, "TOPIC ", event.room->name, " :", event.text);
    case Kind::kKicked:
      return line_from(event.nick, "KICK ", event.room->name, " ", event.other, " :", event.text);
    case Kind::kPresence:
      return cut(presence(event));
    case Kind::kNotice:
    case Kind::kMessage:
    case Kind::kPrivate:
    case Kind::kRenumbered:
      break;
  }
  return {};
}

}  // namespace

std::string irc_prefix(std::string_view nick) {
  const std::string name(nick);
  return name + "!" + name + "@" + std::string(kIrcHost);
}

std::string irc_text(const Message& message, std::string_view target, IrcTime time) {
  const bool is_act = message.kind == Message::Kind::kAct;
  const std::string_view command = message.kind == Message::Kind::kNotice ? "NOTICE " : "PRIVMSG ";
  std::string head = ":" + irc_prefix(message.nick) + " " + std::string(command) +
                     std::string(target) + " :" +
                     (is_act ? "\x01"
                               "ACTION "
                             : "");
  const std::string_view end = is_act ? "\x01\r\n" : "\r\n";
  const std::string time_tag = tag(time, message.time_ms);
  const std::size_t room = kMostLine - head.size() - (is_act ? 1 : 0);
  std::string out;
  for (std::string_view rest = message.text; !rest.empty();) {
    const std::size_t piece = fitting(rest, room);
    out.append(time_tag).append(head).append(rest.substr(0, piece)).append(end);
    rest.remove_prefix(piece);
  }
  return out;
}

std::string irc_text(const Event& event, IrcTime time, std::uint64_t now_ms) {
  if (event.kind == Kind::kMessage) return irc_text(*event.message, event.room->name, time);
  if (event.kind == Kind::kPrivate) return irc_text(*event.message, event.other, time);
  std::string text = lines(event);
  return text.empty() ? text : tag(time, now_ms) + text;
}

std::string irc_reply(std::string_view number, std::string_view nick, std::string_view rest) {
  std::string line = ":" + std::string(kIrcHost) + " ";
  line.append(number).append(" ").append(nick.empty() ? "*" : nick).append(" ").append(rest);
  return cut(std::move(line));
}

std::string irc_notice(std::string_view nick, std::string_view text) {
  std::string line = ":" + std::string(kIrcHost) + " NOTICE ";
  line.append(nick.empty() ? "*" : nick).append(" :").append(text);
  return cut(std::move(line));
}

}  // namespace polyport::services::chat
