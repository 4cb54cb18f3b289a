// The IRC door: talking, rooms, operators.
#include "core/base/text.h"
#include "services/chat/irc_door.h"

namespace polyport::services::chat {
namespace {

constexpr std::size_t kMostTargets = 4;
constexpr std::string_view kAction =
    "\x01"
    "ACTION ";

// Without mIRC's colours, whose digits would be left behind when their control character goes.
std::string without_colours(std::string_view text) {
  std::string out;
  const auto skip_number = [&](std::size_t& at) {
    const std::size_t from = at;
    while (at < text.size() && at < from + 2 && text[at] >= '0' && text[at] <= '9')
      ++at;
    return at > from;
  };
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c != '\x03') {
      out += c;
      continue;
    }
    if (!skip_number(at) || at >= text.size() || text[at] != ',') continue;
    std::size_t behind = at + 1;
    if (skip_number(behind)) at = behind;
  }
  return out;
}

}  // namespace

void IrcDoor::ping(const Call& call) {
  call.connection.send(":" + std::string(kIrcHost) + " PONG " + std::string(kIrcHost) + " :" +
                       without_controls(call.parameter(0)) + "\r\n");
}

void IrcDoor::quit(const Call& call) {
  const std::string why = without_controls(call.parameter(0));
  show_out(call.connection, call.member, why.empty() ? "quit" : "quit: " + why, "goodbye");
}

// --- talking -------------------------------------------------------------------------------------

void IrcDoor::privmsg(const Call& call) {
  talk(call, Message::Kind::kSay);
}

void IrcDoor::notice(const Call& call) {
  talk(call, Message::Kind::kNotice);
}

void IrcDoor::talk(const Call& call, Message::Kind kind) {
  if (call.parameter(0).empty()) return call.reply(irc::kNoRecipient, ":to whom?");
  std::string_view raw = call.parameter(1);
  if (raw.starts_with('\x01')) {
    if (!raw.starts_with(kAction)) {
      if (kind == Message::Kind::kSay) call.notice("not sent: of CTCP only ACTION is passed on");
      return;
    }
    raw.remove_prefix(kAction.size());
    kind = Message::Kind::kAct;
  }
  const auto text = text_of(call, without_colours(raw));
  if (!text) return;
  std::size_t count = 0;
  for (const std::string_view target : split(call.parameter(0), ',')) {
    if (++count > kMostTargets) return call.notice("not sent to more than 4 at once");
    if (!may_go_on(call, Hub::Cost::kTalk)) return;
    talk_to(call, target, kind, *text);
    if (call.member.is_leaving()) return;
  }
}

void IrcDoor::talk_to(const Call& call, std::string_view target, Message::Kind kind,
                      std::string_view text) {
  if (!target.starts_with('#')) {
    return answer(call, hub_.whisper(call.member, target, kind, text), target);
  }
  const Refusal refusal = hub_.say(call.member, target, kind, text);
  if (refusal != Refusal::kNotInRoom) return answer(call, refusal, target);
  const std::string room = without_controls(target.substr(0, 64));
  call.reply(irc::kCannotSend, room + " :not sent: you are not in " + room);
}

// --- rooms ---------------------------------------------------------------------------------------

void IrcDoor::join(const Call& call) {
  if (call.parameter(0) == "0") {  // out of all of them
    const std::vector<Room*> rooms = call.member.rooms();
    for (const Room* room : rooms)
      hub_.part(call.member, std::string(room->name), {});
    return;
  }
  for (const std::string_view room : split(call.parameter(0), ',')) {
    if (room.empty()) continue;
    if (!may_go_on(call, Hub::Cost::kAsk)) return;
    answer(call, hub_.join(call.member, room), room);
  }
}

void IrcDoor::part(const Call& call) {
  const auto why = text_of(call, call.parameter(1));
  if (!why) return;
  for (const std::string_view room : split(call.parameter(0), ','))
    if (!room.empty()) answer(call, hub_.part(call.member, room, *why), room);
}

void IrcDoor::topic(const Call& call) {
  const std::string_view name = call.parameter(0);
  if (call.message.count > 1) {
    const auto text = text_of(call, without_colours(call.parameter(1)));
    if (text && may_go_on(call, Hub::Cost::kTalk)) {
      answer(call, hub_.set_topic(call.member, name, *text), name);
    }
    return;
  }
  const Room* room = hub_.find_room(name);
  if (room == nullptr) return answer(call, Refusal::kNoSuchRoom, name);
  if (room->topic.empty()) return call.reply(irc::kNoTopic, room->name + " :there is no topic");
  call.reply(irc::kTopic, room->name + " :" + room->topic);
  call.reply(irc::kTopicBy,
             room->name + " " + room->topic_by + " " + std::to_string(room->topic_ms / 1000));
}

// --- operators -----------------------------------------------------------------------------------

void IrcDoor::kick(const Call& call) {
  const auto why = text_of(call, call.parameter(2));
  if (!why) return;
  const Refusal refusal = hub_.kick(call.member, call.parameter(0), call.parameter(1), *why);
  const bool is_room = refusal == Refusal::kNoSuchRoom;
  answer(call, refusal, call.parameter(is_room ? 0 : 1));
}

void IrcDoor::become_operator(const Call& call) {
  const Refusal refusal = hub_.become_operator(call.member, call.parameter(1));
  if (refusal != Refusal::kNone) return answer(call, refusal, {});
  call.reply(irc::kYouAreOperator, ":you are an operator: KICK, MUTE nick, UNMUTE nick");
}

void IrcDoor::mute(const Call& call) {
  set_mute(call, Hub::Mute::kMute);
}

void IrcDoor::unmute(const Call& call) {
  set_mute(call, Hub::Mute::kUnmute);
}

void IrcDoor::set_mute(const Call& call, Hub::Mute what) {
  const std::string_view nick = call.parameter(0);
  const Refusal refusal = hub_.mute(call.member, nick, what);
  if (refusal != Refusal::kNone) return answer(call, refusal, nick);
  call.notice(std::string(nick) + (what == Hub::Mute::kMute ? " is muted" : " may talk again"));
}

void IrcDoor::away(const Call& call) {
  call.reply(irc::kUnAway, ":nobody is told here that you are away");
}

}  // namespace polyport::services::chat
