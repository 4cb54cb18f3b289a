// The hub: what members say and do.
#include "core/base/assert.h"
#include "core/base/digest.h"
#include "services/chat/hub.h"

namespace polyport::services::chat {

Refusal Hub::say(Member& member, std::string_view name, Message::Kind kind, std::string_view text,
                 std::string_view reference) {
  Room* room = find_room(name);
  if (room == nullptr || !is_in(member, *room)) return Refusal::kNotInRoom;
  if (member.muted_) return Refusal::kMuted;
  if (text.empty()) return Refusal::kNothingSaid;
  if (text.size() > rules_.line_bytes) return Refusal::kTooLong;
  const std::uint64_t ticket = reference.empty() ? 0 : expect(member, reference);
  bus_.publish({.time_ms = clock_.wall_ms(),
                .kind = kind,
                .room = room->name,
                .nick = member.nick_,
                .text = std::string(text)},
               ticket);
  return Refusal::kNone;
}

void Hub::on_message(const Message& message, std::uint64_t ticket) {
  Room* room = find_room(message.room);
  // Kept first: whoever comes in while it is told must find it.
  store_.append(message, [this, ticket, message](bool kept) {
    if (ticket == 0) return;
    if (const auto who = expected(ticket)) {
      who->member->hear_kept(message, who->reference, kept);
    }
  });
  if (room == nullptr) return;  // nobody here is in it
  tell_room({.kind = Event::Kind::kMessage,
             .room = room,
             .from = find(message.nick),
             .message = &message,
             .nick = message.nick,
             .id = message.id});
}

Refusal Hub::whisper(Member& from, std::string_view nick, Message::Kind kind,
                     std::string_view text) {
  Member* to = find(nick);
  if (to == nullptr) return Refusal::kNobody;
  if (from.muted_) return Refusal::kMuted;
  if (text.empty()) return Refusal::kNothingSaid;
  if (text.size() > rules_.line_bytes) return Refusal::kTooLong;
  const Message message{.time_ms = clock_.wall_ms(),
                        .kind = kind,
                        .room = {},
                        .nick = from.nick_,
                        .text = std::string(text)};
  const Telling telling(*this);
  const Event event{.kind = Event::Kind::kPrivate,
                    .from = &from,
                    .to = to,
                    .message = &message,
                    .nick = message.nick,
                    .other = to->nick_};
  tell(from, event);
  if (to != &from) tell(*to, event);
  return Refusal::kNone;
}

Refusal Hub::set_topic(Member& member, std::string_view name, std::string_view text) {
  Room* room = find_room(name);
  if (room == nullptr || !is_in(member, *room)) return Refusal::kNotInRoom;
  if (member.muted_) return Refusal::kMuted;
  if (text.size() > rules_.line_bytes) return Refusal::kTooLong;
  const Telling telling(*this);
  room->topic = text;
  room->topic_by = member.nick_;
  room->topic_ms = clock_.wall_ms();
  tell_room({.kind = Event::Kind::kTopic,
             .room = room,
             .from = &member,
             .nick = member.nick_,
             .text = room->topic});
  return Refusal::kNone;
}

Refusal Hub::ask_history(Member& member, HistoryQuestion question) {
  const Room* room = find_room(question.room);
  if (room == nullptr || !is_in(member, *room)) return Refusal::kNotInRoom;
  question.most = std::min(question.most, kMostMissed);
  const std::uint64_t ticket = expect(member, {});
  store_.read(question, [this, ticket, question](const Page& page) {
    const auto who = expected(ticket);
    const Room* there = find_room(question.room);
    if (who && there != nullptr && is_in(*who->member, *there)) {
      who->member->hear_history(*there, question, page);
    }
  });
  return Refusal::kNone;
}

// --- operators -----------------------------------------------------------------------------------

Refusal Hub::become_operator(Member& member, std::string_view password) {
  if (rules_.operator_password.empty()) return Refusal::kNoOperators;
  // By their hashes, so that the time tells nothing of the length either.
  const bool right = equals_in_constant_time(digest(Hash::kSha256, password),
                                             digest(Hash::kSha256, rules_.operator_password));
  if (!right) {
    member.talk_.empty(rules_.talk, clock_.steady_ms());  // guessing is slow
    member.ask_.empty(rules_.ask(), clock_.steady_ms());
    return Refusal::kWrongPassword;
  }
  member.operator_ = true;
  return Refusal::kNone;
}

Refusal Hub::kick(Member& member, std::string_view name, std::string_view nick,
                  std::string_view why) {
  if (!member.operator_) return Refusal::kNotOperator;
  Room* room = find_room(name);
  if (room == nullptr) return Refusal::kNoSuchRoom;
  Member* target = find(nick);
  if (target == nullptr) return Refusal::kNobody;
  if (!is_in(*target, *room)) return Refusal::kNotThere;
  if (why.size() > rules_.line_bytes) return Refusal::kTooLong;
  // Told while it is still in: it hears of it like everybody else.
  const Telling telling(*this);
  tell_room({.kind = Event::Kind::kKicked,
             .room = room,
             .from = &member,
             .to = target,
             .nick = member.nick_,
             .other = target->nick_,
             .text = why});
  take_out(*target, *room);
  return Refusal::kNone;
}

Refusal Hub::mute(Member& member, std::string_view nick, Mute what) {
  if (!member.operator_) return Refusal::kNotOperator;
  Member* target = find(nick);
  if (target == nullptr) return Refusal::kNobody;
  target->muted_ = what == Mute::kMute;
  tell(*target, {.kind = Event::Kind::kNotice,
                 .text = target->muted_ ? "an operator has muted you: nobody hears what you say"
                                        : "an operator lets you talk again"});
  return Refusal::kNone;
}

// --- how much ------------------------------------------------------------------------------------

Hub::Flood Hub::charge(Member& member, Cost cost) {
  const std::uint64_t now = clock_.steady_ms();
  const bool fine = cost == Cost::kTalk ? member.talk_.take(rules_.talk, now)
                                        : member.ask_.take(rules_.ask(), now);
  if (fine) {
    member.told_of_flood_ = false;
    return Flood::kFine;
  }
  if (member.told_of_flood_) return Flood::kSilent;
  member.told_of_flood_ = true;
  return Flood::kTold;
}

}  // namespace polyport::services::chat
