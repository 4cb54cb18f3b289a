// The line door's commands.
#include <algorithm>

#include "core/base/text.h"
#include "services/chat/clean.h"
#include "services/chat/line_door.h"

namespace polyport::services::chat {
namespace {

constexpr std::size_t kMostListed = 200;
constexpr std::int64_t kMostHistory{HistoryQuestion::kMost};

constexpr Bytes kHelp =
    "* what you type is said to everybody in the room. A line that begins with / is a command:\r\n"
    "*   /nick NAME         another name: a letter, then letters, digits, - and _\r\n"
    "*   /who [ROOM]        everybody in the room, with address, port and door\r\n"
    "*   /me TEXT           \"* guest-1 TEXT\"\r\n"
    "*   /msg NAME TEXT     to one member only\r\n"
    "*   /rooms             all rooms\r\n"
    "*   /join ROOM         into another room as well; what you type goes there then\r\n"
    "*   /part [ROOM]       out of it\r\n"
    "*   /topic [TEXT]      what the room is about; /topic - takes it away\r\n"
    "*   /history [N]       the last N lines again\r\n"
    "*   /token             what proves that you are you, should you be cut off\r\n"
    "*   /resume TOKEN      you are who you were\r\n"
    "*   /plain [off]       lines for programs in place of those for people\r\n"
    "*   /op PASSWORD       to be an operator: /kick NAME [WHY], /mute NAME, /unmute NAME\r\n"
    "*   /quit              goodbye\r\n"
    "* a line that begins with // is said with one /\r\n";

// "lab" means "#lab".
std::string room_named(std::string_view argument) {
  return (argument.starts_with('#') ? "" : "#") + std::string(argument);
}

}  // namespace

const std::array<LineDoor::Command, 18> LineDoor::kCommands = {
    {{"nick", Hub::Cost::kTalk, &LineDoor::change_nick},
     {"who", Hub::Cost::kAsk, &LineDoor::who},
     {"me", Hub::Cost::kTalk, &LineDoor::act},
     {"msg", Hub::Cost::kTalk, &LineDoor::whisper},
     {"rooms", Hub::Cost::kAsk, &LineDoor::rooms},
     {"join", Hub::Cost::kAsk, &LineDoor::join},
     {"part", Hub::Cost::kAsk, &LineDoor::part},
     {"topic", Hub::Cost::kTalk, &LineDoor::topic},
     {"history", Hub::Cost::kAsk, &LineDoor::history},
     {"token", Hub::Cost::kAsk, &LineDoor::token},
     {"resume", Hub::Cost::kTalk, &LineDoor::resume},
     {"plain", Hub::Cost::kAsk, &LineDoor::plain},
     {"op", Hub::Cost::kTalk, &LineDoor::become_operator},
     {"kick", Hub::Cost::kAsk, &LineDoor::kick},
     {"mute", Hub::Cost::kAsk, &LineDoor::mute},
     {"unmute", Hub::Cost::kAsk, &LineDoor::unmute},
     {"quit", Hub::Cost::kAsk, &LineDoor::quit},
     {"help", Hub::Cost::kAsk, &LineDoor::help}}};

// --- talking -------------------------------------------------------------------------------------

void LineDoor::talk(const Call& call) {
  if (call.member.room() == nullptr) return call.tell("you are in no room: /rooms, /join ROOM");
  answer(call, hub_.say(call.member, call.room(), Message::Kind::kSay, call.argument), call.room());
}

void LineDoor::act(const Call& call) {
  if (call.member.room() == nullptr) return call.tell("you are in no room: /rooms, /join ROOM");
  if (call.argument.empty()) return call.tell("what do you do? /me TEXT");
  answer(call, hub_.say(call.member, call.room(), Message::Kind::kAct, call.argument), call.room());
}

void LineDoor::whisper(const Call& call) {
  const Words words = split_word(call.argument);
  if (words.rest.empty()) return call.tell("to whom, and what? /msg NAME TEXT");
  const Refusal refusal = hub_.whisper(call.member, words.first, Message::Kind::kSay, words.rest);
  answer(call, refusal, words.first, refusal == Refusal::kNobody ? "/who lists everybody" : "");
}

void LineDoor::change_nick(const Call& call) {
  const Refusal refusal = hub_.rename(call.member, call.argument);
  answer(call, refusal, call.argument, refusal == Refusal::kNickNotLegal ? "/nick NAME" : "");
}

// --- rooms ---------------------------------------------------------------------------------------

void LineDoor::who(const Call& call) {
  const Room* room =
      call.argument.empty() ? call.member.room() : hub_.find_room(room_named(call.argument));
  if (room == nullptr) {
    if (call.argument.empty()) return call.tell("you are in no room: /who ROOM");
    return answer(call, Refusal::kNoSuchRoom, room_named(call.argument), "/rooms lists them");
  }
  const auto& members = room->members;
  const bool here = room == call.member.room();
  const std::size_t listed = std::min(members.size(), kMostListed);
  std::string text;
  if (call.member.is_plain()) {
    for (std::size_t i = 0; i < listed; ++i) {
      text += "who " + room->name + " " + members[i]->nick() + " " + members[i]->place().text() +
              "\r\n";
    }
    text += "members " + room->name + " " + std::to_string(members.size()) + "\r\n";
    return call.connection.send(text);
  }
  text = line_notice(std::to_string(members.size()) + (here ? " here:" : " in " + room->name + ":"),
                     LineStyle::kHere);
  for (std::size_t i = 0; i < listed; ++i) {
    const Member& member = *members[i];
    text += line_notice("  " + member.nick() + "  " + member.place().text() +
                            (member.is_operator() ? ", operator" : ""),
                        LineStyle::kHere);
  }
  if (members.size() > listed) {
    text +=
        line_notice("  and " + std::to_string(members.size() - listed) + " more", LineStyle::kHere);
  }
  call.connection.send(text);
}

void LineDoor::rooms(const Call& call) {
  std::vector<const Room*> rooms;
  hub_.for_each_room([&](const Room& room) { rooms.push_back(&room); });
  std::sort(rooms.begin(), rooms.end(), [](const Room* left, const Room* right) {
    if (left->members.size() != right->members.size()) {
      return left->members.size() > right->members.size();
    }
    return left->name < right->name;
  });
  call.tell(std::to_string(rooms.size()) + (rooms.size() == 1 ? " room:" : " rooms:"));
  const std::size_t listed = std::min(rooms.size(), kMostListed);
  for (std::size_t i = 0; i < listed; ++i) {
    const Room& room = *rooms[i];
    call.tell("  " + room.name + "  " + std::to_string(room.members.size()) +
              (room.topic.empty() ? "" : "  " + brief(room.topic)));
  }
  if (rooms.size() > listed) {
    call.tell("  and " + std::to_string(rooms.size() - listed) + " more");
  }
}

void LineDoor::join(const Call& call) {
  if (call.argument.empty()) return call.tell("which room? /join ROOM");
  const std::string name = room_named(call.argument);
  const Room* room = hub_.find_room(name);
  if (room != nullptr && hub_.is_in(call.member, *room)) {
    call.member.set_room(*room);
    return call.tell("what you type goes to " + room->name + " now");
  }
  answer(call, hub_.join(call.member, name), name);
}

void LineDoor::part(const Call& call) {
  const std::string room = call.argument.empty() ? call.room() : room_named(call.argument);
  if (room.empty()) return call.tell("you are in no room");
  const Room* const before = call.member.room();
  answer(call, hub_.part(call.member, room, {}), room);
  if (call.member.is_leaving() || call.member.room() == before) return;
  if (call.member.room() == nullptr) return call.tell("you are in no room now: /rooms, /join ROOM");
  call.tell("what you type goes to " + call.room() + " now");
}

void LineDoor::topic(const Call& call) {
  const Room* room = call.member.room();
  if (room == nullptr) return call.tell("you are in no room: /rooms, /join ROOM");
  if (call.argument.empty()) {
    if (room->topic.empty()) return call.tell(room->name + " has no topic: /topic TEXT");
    return call.tell("the topic of " + room->name + ", by " + room->topic_by + ": " + room->topic);
  }
  const std::string_view text = call.argument == "-" ? "" : call.argument;
  answer(call, hub_.set_topic(call.member, room->name, text), room->name);
}

void LineDoor::history(const Call& call) {
  if (call.member.room() == nullptr) return call.tell("you are in no room: /rooms, /join ROOM");
  const std::int64_t fallback = static_cast<std::int64_t>(hub_.rules().history_lines);
  const auto count = call.argument.empty()
                         ? std::optional(fallback)
                         : parse_number(call.argument, std::int64_t{1}, kMostHistory);
  if (!count) return call.tell("how many? /history N, from 1 to " + std::to_string(kMostHistory));
  answer(call,
         hub_.ask_history(call.member,
                          {.room = call.room(), .most = static_cast<std::size_t>(*count)}),
         call.room());
}

// --- who one is ----------------------------------------------------------------------------------

void LineDoor::token(const Call& call) {
  const std::string token = hub_.token(call.member);
  if (call.member.is_plain()) return call.connection.send("token " + token + "\r\n");
  call.tell("should you be cut off, come back and say: /resume " + token);
}

void LineDoor::resume(const Call& call) {
  if (!hub_.resume(call.member, call.argument)) {
    return call.tell("that token is no good, or no good any more: a name is kept for " +
                     std::to_string(hub_.rules().nick_hold.count() / 1000) + " s");
  }
  call.tell("you are " + call.member.nick() + " again");
}

void LineDoor::plain(const Call& call) {
  if (!call.argument.empty() && call.argument != "off" && call.argument != "on") {
    return call.tell("/plain, or /plain off");
  }
  call.member.set_plain(call.argument != "off");
  call.tell(call.member.is_plain() ? "plain" : "lines are for people again");
}

void LineDoor::quit(const Call& call) {
  const bool says_why = !call.argument.empty() && !call.member.is_muted();
  const std::string why = says_why ? "quit: " + std::string(call.argument) : "quit";
  show_out(call, why, "goodbye");
}

void LineDoor::help(const Call& call) {
  call.connection.send(Payload::literal(kHelp));
}

// --- operators -----------------------------------------------------------------------------------

void LineDoor::become_operator(const Call& call) {
  const Refusal refusal = hub_.become_operator(call.member, call.argument);
  if (refusal != Refusal::kNone) return answer(call, refusal, {});
  call.tell("you are an operator: /kick NAME [WHY], /mute NAME, /unmute NAME");
}

void LineDoor::kick(const Call& call) {
  const Words words = split_word(call.argument);
  if (words.first.empty()) return call.tell("whom? /kick NAME [WHY]");
  if (call.member.room() == nullptr) return call.tell("out of which room? /join it first");
  answer(call, hub_.kick(call.member, call.room(), words.first, words.rest), words.first);
}

void LineDoor::mute(const Call& call) {
  set_mute(call, Hub::Mute::kMute);
}

void LineDoor::unmute(const Call& call) {
  set_mute(call, Hub::Mute::kUnmute);
}

void LineDoor::set_mute(const Call& call, Hub::Mute what) {
  if (call.argument.empty()) return call.tell("whom? /mute NAME, /unmute NAME");
  const Refusal refusal = hub_.mute(call.member, call.argument, what);
  if (refusal != Refusal::kNone) return answer(call, refusal, call.argument);
  call.tell(std::string(call.argument) +
            (what == Hub::Mute::kMute ? " is muted" : " may talk again"));
}

}  // namespace polyport::services::chat
