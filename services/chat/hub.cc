// The hub: coming and going.
#include "services/chat/hub.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "services/chat/names.h"

namespace polyport::services::chat {

std::size_t Hub::ByShape::operator()(const Member* member) const {
  return (*this)(std::string_view(shape(member->nick())));
}
bool Hub::ByShape::operator()(const Member* left, const Member* right) const {
  return left == right || shape(left->nick()) == shape(right->nick());
}
bool Hub::ByShape::operator()(std::string_view shape, const Member* member) const {
  return shape == chat::shape(member->nick());
}
bool Hub::ByShape::operator()(const Member* member, std::string_view shape) const {
  return shape == chat::shape(member->nick());
}

Hub::Hub(const Rules& rules, const Clock& clock, Store& store, Bus& bus, std::function<void()> wake)
    : rules_(rules), clock_(clock), store_(store), bus_(bus), wake_(std::move(wake)) {
  bus_.set_listener(*this);
}

// --- finding -------------------------------------------------------------------------------------

Member* Hub::find(std::string_view nick) const {
  const auto found = by_shape_.find(std::string_view(shape(nick)));
  if (found == by_shape_.end() || !equals_ignoring_case((*found)->nick(), nick)) return nullptr;
  return *found;
}

Room* Hub::find_room(std::string_view name) const {
  const auto found = rooms_.find(to_lower(name));
  return found == rooms_.end() ? nullptr : found->second.get();
}

bool Hub::is_in(const Member& member, const Room& room) const {
  return std::find(member.rooms_.begin(), member.rooms_.end(), &room) != member.rooms_.end();
}

// --- nicks ---------------------------------------------------------------------------------------

void Hub::set_nick(Member& member, std::string nick) {
  if (member.in_hub()) by_shape_.erase(&member);
  member.nick_ = std::move(nick);
  const bool inserted = by_shape_.insert(&member).second;
  POLYPORT_ASSERT(inserted);
  if (!member.is_remote()) bus_.member_changed(member, {});
}

std::string Hub::guest_name() {
  for (;;) {  // the numbers rise, and there are only so many members
    std::string nick = "guest-" + std::to_string(bus_.next_guest());
    const std::string wanted = shape(nick);
    if (!by_shape_.contains(std::string_view(wanted)) && !identities_.holds(wanted)) return nick;
  }
}

void Hub::enter(Member& member) {
  POLYPORT_ASSERT(!member.in_hub());
  member.number_ = ++members_;
  set_nick(member, guest_name());
}

Refusal Hub::check_nick(const Member& member, std::string_view nick) const {
  if (!is_legal_nick(nick, rules_.nick_bytes)) return Refusal::kNickNotLegal;
  const std::string wanted = shape(nick);
  const auto found = by_shape_.find(std::string_view(wanted));
  if (found != by_shape_.end() && *found != &member) {
    return equals_ignoring_case((*found)->nick(), nick) ? Refusal::kNickTaken
                                                        : Refusal::kNickLooksTaken;
  }
  if (found == by_shape_.end() && is_guest_shape(wanted)) return Refusal::kNickReserved;
  return identities_.holds(wanted) ? Refusal::kNickHeld : Refusal::kNone;
}

Refusal Hub::rename(Member& member, std::string_view nick) {
  const Refusal refusal = check_nick(member, nick);
  if (refusal != Refusal::kNone || member.nick_ == nick) return refusal;
  if (member.muted_) return Refusal::kMuted;  // a new name would be a way to go on
  change_nick(member, std::string(nick));
  return Refusal::kNone;
}

void Hub::change_nick(Member& member, std::string nick) {
  const Telling telling(*this);
  const std::string old = member.nick_;
  set_nick(member, std::move(nick));
  const Event event{
      .kind = Event::Kind::kNick, .from = &member, .nick = old, .other = member.nick_};
  tell(member, event);
  tell_around(member, event);
}

// --- coming back ---------------------------------------------------------------------------------

std::string Hub::token(Member& member) {
  member.has_token_ = true;
  return identities_.token(member.number_);
}

bool Hub::resume(Member& member, std::string_view token) {
  POLYPORT_ASSERT(member.in_hub());
  const auto number = identities_.check(token);
  if (!number) return false;
  if (*number == member.number_) return true;
  const Telling telling(*this);
  auto held = identities_.take(*number);
  const auto there = std::find_if(by_shape_.begin(), by_shape_.end(),
                                  [&](const Member* other) { return other->number_ == *number; });
  if (there != by_shape_.end()) {  // its old connection has not noticed yet that it is cut off
    Member& old = **there;
    held = Identities::Held{old.nick_, old.operator_, old.muted_};
    leave(old, "came back through another connection", Leave::kForGood);
    old.show_out("you came back through another connection, so this one ends");
  }
  if (!held) return false;
  const std::string before = member.nick_;
  set_nick(member, std::move(held->nick));
  member.number_ = *number;
  member.operator_ = held->is_operator;
  member.muted_ = held->is_muted;
  member.has_token_ = true;
  tell_around(member,
              {.kind = Event::Kind::kNick, .from = &member, .nick = before, .other = member.nick_});
  return true;
}

void Hub::leave(Member& member, std::string_view why, Leave how) {
  if (!member.in_hub()) return;
  const Telling telling(*this);
  const bool held = how == Leave::kMayComeBack && member.has_token_ && rules_.nick_hold.count() > 0;
  if (held) {
    identities_.hold(member.number_, {member.nick_, member.operator_, member.muted_},
                     clock_.steady_ms() + static_cast<std::uint64_t>(rules_.nick_hold.count()));
    wake();
  }
  if (!member.is_remote()) {
    bus_.member_left(member, why, held ? rules_.nick_hold : std::chrono::milliseconds(0));
  }
  for (Room* room : member.rooms_) {
    if (tells_each(*room)) continue;
    ++room->left;
    wake();
  }
  tell_around(member,
              {.kind = Event::Kind::kQuit, .from = &member, .nick = member.nick_, .text = why});
  for (Room* room : member.rooms_) {
    std::erase(room->members, &member);
    drop_if_empty(*room);
  }
  forget(member);
}

void Hub::forget(Member& member) {
  by_shape_.erase(&member);
  forget_expected(member);
  member.joins_ = 0;
  member.rooms_ = {};
  member.nick_ = {};
}

void Hub::close(std::string_view text) {
  const Telling telling(*this);
  Encodings encodings;
  const std::vector<Member*> members(by_shape_.begin(), by_shape_.end());
  for (Member* member : members)
    give(*member, {.kind = Event::Kind::kNotice, .text = text}, encodings);
  slow_.clear();  // everybody goes, and nobody is told of anybody
  for (Member* member : members)
    forget(*member);
  rooms_.clear();
}

// --- rooms ---------------------------------------------------------------------------------------

Refusal Hub::check_join(const Member& member, std::string_view name) const {
  if (!is_legal_room(name, rules_.room_bytes)) return Refusal::kRoomNotLegal;
  if (member.rooms_.size() >= rules_.rooms_of_a_member) return Refusal::kTooManyRoomsOfMember;
  const Room* room = find_room(name);
  if (room == nullptr) {
    return rooms_.size() >= rules_.rooms ? Refusal::kTooManyRooms : Refusal::kNone;
  }
  return room->members.size() >= rules_.members_of_a_room ? Refusal::kRoomFull : Refusal::kNone;
}

Refusal Hub::join(Member& member, std::string_view name, std::optional<MessageId> after) {
  const Room* room = find_room(name);
  if (room != nullptr && is_in(member, *room)) return Refusal::kNone;
  const Refusal refusal = check_join(member, name);
  if (refusal != Refusal::kNone) return refusal;
  HistoryQuestion question{.room = std::string(name), .most = rules_.history_lines};
  if (after) {
    question.which = HistoryQuestion::Which::kAfter;
    question.id = *after;
    question.most = HistoryQuestion::kMost;
  }
  const auto replay = after ? Member::Replay::kMissed : Member::Replay::kLast;
  const std::uint64_t ticket = expect(member, {});
  ++member.joins_;
  store_.read(question, [this, ticket, name = question.room, replay](const Page& page) {
    const auto who = expected(ticket);
    if (!who) return;
    --who->member->joins_;
    admit(*who->member, name, page, replay);
    if (!who->member->is_joining()) who->member->hear_joins_over();
  });
  return Refusal::kNone;
}

// The answer may have taken a while: what was possible then is asked again.
void Hub::admit(Member& member, const std::string& name, const Page& page, Member::Replay replay) {
  const Room* there = find_room(name);
  if (there != nullptr && is_in(member, *there)) return;
  const Refusal refusal = check_join(member, name);
  if (refusal != Refusal::kNone) {
    const std::string text = words(refusal, rules_, name);
    return tell(member, {.kind = Event::Kind::kNotice, .text = text});
  }
  const Telling telling(*this);
  Room& room = open_room(name);
  room.members.push_back(&member);
  member.rooms_.push_back(&room);
  member.hear_joined(room, page, replay);
  tell_joined(room, member);
  bus_.member_changed(member, {});
  if (const std::string_view text = bus_.notice(); !text.empty() && member.rooms_.size() == 1) {
    tell(member, {.kind = Event::Kind::kNotice, .text = text});
  }
}

Room& Hub::open_room(std::string_view name) {
  auto& room = rooms_[to_lower(name)];
  if (!room) {
    room = std::make_unique<Room>();
    room->name = name;
  }
  return *room;
}

Refusal Hub::part(Member& member, std::string_view name, std::string_view why) {
  Room* room = find_room(name);
  if (room == nullptr || !is_in(member, *room)) return Refusal::kNotInRoom;
  const bool too_long = why.size() > rules_.line_bytes;
  // Another process may allow longer ones; whoever has left there is not kept here for that.
  if (too_long && !member.is_remote()) return Refusal::kTooLong;
  if (too_long || member.muted_) why = {};
  const Telling telling(*this);
  const Event event{.kind = Event::Kind::kParted,
                    .room = room,
                    .from = &member,
                    .nick = member.nick_,
                    .text = why};
  if (tells_each(*room)) {
    tell_room(event);
  } else {
    tell(member, event);
    ++room->left;
    wake();
  }
  take_out(member, *room, why);
  return Refusal::kNone;
}

void Hub::take_out(Member& member, Room& room, std::string_view why) {
  std::erase(room.members, &member);
  std::erase(member.rooms_, &room);
  if (!member.is_remote()) bus_.member_changed(member, why);
  drop_if_empty(room);
}

void Hub::drop_if_empty(const Room& room) {
  // Where everybody begins stays, with its topic.
  if (!room.members.empty() || equals_ignoring_case(room.name, rules_.room)) return;
  const std::string key = to_lower(room.name);  // the room goes while it is looked up
  rooms_.erase(key);
}

}  // namespace polyport::services::chat
