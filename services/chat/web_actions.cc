// What the web door does for each kind of request.
#include <algorithm>
#include <array>

#include "core/base/assert.h"
#include "services/chat/web_door.h"
#include "services/chat/web_text.h"

namespace polyport::services::chat {

using Kind = WebRequest::Kind;

const WebDoor::Action& WebDoor::action_for(Kind kind) {
  static constexpr std::array<Action, 14> kActions = {
      {{Kind::kSay, Hub::Cost::kTalk, &WebDoor::say},
       {Kind::kAct, Hub::Cost::kTalk, &WebDoor::act},
       {Kind::kMsg, Hub::Cost::kTalk, &WebDoor::whisper},
       {Kind::kNick, Hub::Cost::kTalk, &WebDoor::change_nick},
       {Kind::kTopic, Hub::Cost::kTalk, &WebDoor::topic},
       {Kind::kOp, Hub::Cost::kTalk, &WebDoor::become_operator},
       {Kind::kJoin, Hub::Cost::kAsk, &WebDoor::join},
       {Kind::kPart, Hub::Cost::kAsk, &WebDoor::part},
       {Kind::kWho, Hub::Cost::kAsk, &WebDoor::who},
       {Kind::kRooms, Hub::Cost::kAsk, &WebDoor::rooms},
       {Kind::kHistory, Hub::Cost::kAsk, &WebDoor::history},
       {Kind::kKick, Hub::Cost::kAsk, &WebDoor::kick},
       {Kind::kMute, Hub::Cost::kAsk, &WebDoor::mute},
       {Kind::kUnmute, Hub::Cost::kAsk, &WebDoor::unmute}}};
  const auto* const found = std::find_if(kActions.begin(), kActions.end(),
                                         [&](const Action& action) { return action.kind == kind; });
  POLYPORT_ASSERT(found != kActions.end());
  return *found;
}

void WebDoor::hello(const Call& call) {
  WebMember& member = call.member;
  const WebRequest& request = call.request;
  hub_.enter(member);
  const bool resumed = !request.token.empty() && hub_.resume(member, request.token);
  member.send(web_welcome(member, hub_.token(member), hub_.rules(), server_name_));
  if (!resumed && !request.nick.empty()) {
    answer(call, hub_.rename(member, request.nick), request.nick);
  }
  if (request.rooms.empty()) {
    return answer(call, hub_.join(member, hub_.rules().room), hub_.rules().room);
  }
  for (const WebRequest::Wanted& wanted : request.rooms) {
    // A provisional id orders nothing: the last lines tell more.
    const bool useful = wanted.after && !wanted.after->is_provisional();
    const Refusal refusal =
        hub_.join(member, wanted.room, useful ? wanted.after : std::optional<MessageId>());
    if (refusal == Refusal::kNone) continue;
    answer(call, refusal, wanted.room);
    if (refusal == Refusal::kTooManyRoomsOfMember) break;
  }
}

void WebDoor::say(const Call& call) {
  const WebRequest& request = call.request;
  answer(call,
         hub_.say(call.member, request.room, Message::Kind::kSay, request.text, request.reference),
         request.room);
}

void WebDoor::act(const Call& call) {
  const WebRequest& request = call.request;
  answer(call,
         hub_.say(call.member, request.room, Message::Kind::kAct, request.text, request.reference),
         request.room);
}

void WebDoor::whisper(const Call& call) {
  const WebRequest& request = call.request;
  answer(call, hub_.whisper(call.member, request.nick, Message::Kind::kSay, request.text),
         request.nick);
}

void WebDoor::join(const Call& call) {
  answer(call, hub_.join(call.member, call.request.room), call.request.room);
}

void WebDoor::part(const Call& call) {
  answer(call, hub_.part(call.member, call.request.room, call.request.text), call.request.room);
}

void WebDoor::change_nick(const Call& call) {
  answer(call, hub_.rename(call.member, call.request.nick), call.request.nick);
}

void WebDoor::topic(const Call& call) {
  answer(call, hub_.set_topic(call.member, call.request.room, call.request.text),
         call.request.room);
}

void WebDoor::who(const Call& call) {
  const Room* room = hub_.find_room(call.request.room);
  if (room == nullptr) return answer(call, Refusal::kNoSuchRoom, call.request.room);
  call.member.send(web_members(*room));
}

void WebDoor::rooms(const Call& call) {
  std::vector<const Room*> rooms;
  hub_.for_each_room([&](const Room& room) { rooms.push_back(&room); });
  std::sort(rooms.begin(), rooms.end(), [](const Room* left, const Room* right) {
    return left->members.size() > right->members.size();
  });
  if (rooms.size() > kMostMembersListed) rooms.resize(kMostMembersListed);
  call.member.send(web_rooms(rooms));
}

void WebDoor::history(const Call& call) {
  answer(call, hub_.ask_history(call.member, call.request.question), call.request.room);
}

void WebDoor::become_operator(const Call& call) {
  const Refusal refusal = hub_.become_operator(call.member, call.request.password);
  if (refusal != Refusal::kNone) return answer(call, refusal, {});
  call.member.send(web_notice("you are an operator"));
}

void WebDoor::kick(const Call& call) {
  const WebRequest& request = call.request;
  answer(call, hub_.kick(call.member, request.room, request.nick, request.text), request.nick);
}

void WebDoor::mute(const Call& call) {
  const Refusal refusal = hub_.mute(call.member, call.request.nick, Hub::Mute::kMute);
  if (refusal != Refusal::kNone) return answer(call, refusal, call.request.nick);
  call.member.send(web_notice(call.request.nick + " is muted"));
}

void WebDoor::unmute(const Call& call) {
  const Refusal refusal = hub_.mute(call.member, call.request.nick, Hub::Mute::kUnmute);
  if (refusal != Refusal::kNone) return answer(call, refusal, call.request.nick);
  call.member.send(web_notice(call.request.nick + " may talk again"));
}

}  // namespace polyport::services::chat
