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
  if (!bus_.takes_more() || !store_.takes_more()) return Refusal::kTooMuchWaits;
  const std::uint64_t ticket = expect(member, reference);
  bus_.publish({.time_ms = clock_.wall_ms(),
                .kind = kind,
                .room = room->name,
                .nick = member.nick_,
                .text = std::string(text)},
               ticket);
  return Refusal::kNone;
}

void Hub::on_message(const Message& message, std::uint64_t ticket) {
  // Told first: the store may answer at once, and with that the ticket is spent.
  if (!store_.tells_when_kept()) tell_message(message, ticket);
  store_.append(message, [this, ticket](const Message& kept, bool is_kept) {
    if (store_.tells_when_kept()) tell_message(kept, ticket);
    on_kept(kept, ticket, is_kept);
  });
}

void Hub::tell_message(const Message& message, std::uint64_t ticket) {
  Room* room = find_room(message.room);
  if (room == nullptr) return;  // nobody here is in it
  // Its sender may have another name by now, and is still the one who said it. Of other processes
  // there is none.
  const auto sender = expected_.find(ticket);
  tell_room({.kind = Event::Kind::kMessage,
             .room = room,
             .from = sender == expected_.end() ? nullptr : sender->second.member,
             .message = &message,
             .nick = message.nick,
             .id = message.id});
}

// With a store that writes, later: the member or the room may have gone.
void Hub::on_kept(const Message& message, std::uint64_t ticket, bool kept) {
  const auto who = expected(ticket);
  if (!who || (who->reference.empty() && kept)) return;
  const Telling telling(*this);
  who->member->hear_kept(message, who->reference, kept);
}

Refusal Hub::whisper(Member& from, std::string_view nick, Message::Kind kind,
                     std::string_view text) {
  Member* to = find(nick);
  if (to == nullptr) return Refusal::kNobody;
  if (from.muted_) return Refusal::kMuted;
  if (text.empty()) return Refusal::kNothingSaid;
  if (text.size() > rules_.line_bytes) return Refusal::kTooLong;
  if (to->is_remote() && !bus_.reaches_others()) return Refusal::kOutOfReach;
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
  if (!bus_.share_topic(room->name, member.nick_, text)) {
    apply_topic(room->name, member.nick_, text, clock_.wall_ms());
  }
  return Refusal::kNone;
}

void Hub::apply_topic(std::string_view name, std::string_view by, std::string_view text,
                      std::uint64_t wall_ms) {
  Room* room = find_room(name);
  if (room == nullptr) return;  // nobody is in it any more
  const Telling telling(*this);
  room->topic = text;
  room->topic_by = by;
  room->topic_ms = wall_ms;
  tell_room({.kind = Event::Kind::kTopic,
             .room = room,
             .from = find(by),
             .nick = room->topic_by,
             .text = room->topic});
}

Refusal Hub::ask_history(Member& member, HistoryQuestion question) {
  const Room* room = find_room(question.room);
  if (room == nullptr || !is_in(member, *room)) return Refusal::kNotInRoom;
  question.most = std::min(question.most, HistoryQuestion::kMost);
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
  const std::uint64_t now = clock_.steady_ms();
  const std::string address = member.place().address;
  if (!guesses_.may_guess(address, now)) return Refusal::kTooManyGuesses;
  // By their hashes, so that the time tells nothing of the length either.
  const bool right = equals_in_constant_time(digest(Hash::kSha256, password),
                                             digest(Hash::kSha256, rules_.operator_password));
  if (!right) {
    guesses_.guessed_wrong(address, now);
    member.talk_.empty(rules_.talk, now);  // guessing is slow
    member.ask_.empty(rules_.ask(), now);
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
  if (bus_.share_kick(room->name, member.nick_, *target, why)) return Refusal::kNone;
  if (target->is_remote()) return Refusal::kOutOfReach;  // it would be out of the room here only
  apply_kick(room->name, member.nick_, *target, why);
  return Refusal::kNone;
}

void Hub::apply_kick(std::string_view name, std::string_view by, Member& who,
                     std::string_view why) {
  Room* room = find_room(name);
  if (room == nullptr || !is_in(who, *room)) return;
  // Told while it is still in: it hears of it like everybody else.
  const Telling telling(*this);
  tell_room({.kind = Event::Kind::kKicked,
             .room = room,
             .from = find(by),
             .to = &who,
             .nick = by,
             .other = who.nick_,
             .text = why});
  take_out(who, *room, why);
}

Refusal Hub::mute(Member& member, std::string_view nick, Mute what) {
  if (!member.operator_) return Refusal::kNotOperator;
  Member* target = find(nick);
  if (target == nullptr) return Refusal::kNobody;
  if (target->is_remote()) {
    return bus_.share_mute(*target, what == Mute::kMute) ? Refusal::kNone : Refusal::kOutOfReach;
  }
  apply_mute(*target, what);
  return Refusal::kNone;
}

void Hub::apply_mute(Member& member, Mute what) {
  member.muted_ = what == Mute::kMute;
  tell(member, {.kind = Event::Kind::kNotice,
                .text = member.muted_ ? "an operator has muted you: nobody hears what you say"
                                      : "an operator lets you talk again"});
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
