// The hub: telling its members, and those who are too slow to be told.
//
// Rooms up to presence_limit hear of each member that comes and goes. In larger ones that would be
// the square of their size: they hear numbers, at most once a second. So do small ones while
// somebody comes and goes faster than a class does, who would fill everybody's queue.
#include "core/base/assert.h"
#include "core/base/text.h"
#include "services/chat/hub.h"

namespace polyport::services::chat {
namespace {

constexpr Rate kPresence{.burst = 100, .per_second = 20};

}  // namespace

// --- answers that come later ---------------------------------------------------------------------

std::uint64_t Hub::expect(Member& member, std::string_view reference) {
  expected_.emplace(++tickets_, Expected{&member, std::string(reference)});
  tickets_of_.emplace(&member, tickets_);
  return tickets_;
}

std::optional<Hub::Expected> Hub::expected(std::uint64_t ticket) {
  auto found = expected_.extract(ticket);
  if (found.empty()) return std::nullopt;  // it has gone
  tickets_of_.erase({found.mapped().member, ticket});
  return std::move(found.mapped());
}

// Many may leave while much waits: each is to cost what is its own.
void Hub::forget_expected(const Member& member) {
  auto own = tickets_of_.lower_bound({&member, 0});
  while (own != tickets_of_.end() && own->first == &member) {
    expected_.erase(own->second);
    own = tickets_of_.erase(own);
  }
}

// --- telling -------------------------------------------------------------------------------------

void Hub::give(Member& member, const Event& event, Encodings& encodings) {
  if (member.in_hub() && member.hear(event, encodings) == Member::Delivery::kTooSlow) {
    slow_.push_back(&member);
  }
}

void Hub::tell(Member& member, const Event& event) {
  const Telling telling(*this);
  Encodings encodings;
  give(member, event, encodings);
}

void Hub::tell_room(const Event& event, const Member* except) {
  const Telling telling(*this);
  Encodings encodings;
  for (Member* member : event.room->members) {
    if (member != except) give(*member, event, encodings);
  }
}

void Hub::tell_around(const Member& member, const Event& event) {
  const Telling telling(*this);
  Encodings encodings;
  ++around_;
  for (const Room* room : member.rooms_) {
    const bool in_sum = event.kind == Event::Kind::kQuit && room->left > 0;
    if (is_large(*room) || in_sum) continue;
    for (Member* other : room->members) {
      if (other == &member || other->heard_ == around_) continue;
      other->heard_ = around_;
      give(*other, event, encodings);
    }
  }
}

// Who leaves is one more event for others, who may be too slow in turn: a list, and no recursion.
void Hub::show_out_slow() {
  while (!slow_.empty()) {
    Member* member = slow_.back();
    slow_.pop_back();
    leave(*member, "too slow", Leave::kMayComeBack);
  }
}

// What is in sum stays so until the sum is told: nobody leaves who has not come.
bool Hub::tells_each(Room& room) {
  return !is_large(room) && room.came + room.left == 0 &&
         room.presence.take(kPresence, clock_.steady_ms());
}

void Hub::tell_joined(Room& room, const Member& member) {
  if (!tells_each(room)) {
    ++room.came;
    return wake();
  }
  tell_room({.kind = Event::Kind::kJoined, .room = &room, .from = &member, .nick = member.nick()},
            &member);
}

// --- what the bus hands back ---------------------------------------------------------------------

void Hub::on_renumbered(const std::string& name, MessageId provisional, MessageId final) {
  const Room* room = find_room(name);
  if (room == nullptr) return;
  tell_room({.kind = Event::Kind::kRenumbered, .room = room, .id = provisional, .new_id = final});
}

void Hub::on_bus_notice(std::string_view text) {
  announce(text);
}

void Hub::announce(std::string_view text) {
  const Telling telling(*this);
  Encodings encodings;
  for (Member* member : by_shape_)
    give(*member, {.kind = Event::Kind::kNotice, .text = text}, encodings);
}

void Hub::inform(Member& member, std::string_view text) {
  tell(member, {.kind = Event::Kind::kNotice, .text = text});
}

// --- once a second, where there is something to do -----------------------------------------------

void Hub::wake() {
  if (awake_) return;
  awake_ = true;
  wake_();
}

void Hub::tick() {
  awake_ = false;
  identities_.expire(clock_.steady_ms());
  std::vector<std::string> changed;
  for (const auto& [key, room] : rooms_) {
    if (room->came + room->left > 0) changed.push_back(key);
  }
  for (const std::string& key : changed) {
    Room* room = find_room(key);  // somebody too slow may have been its last member
    if (room == nullptr) continue;
    const Event event{.kind = Event::Kind::kPresence,
                      .room = room,
                      .came = std::exchange(room->came, 0),
                      .left = std::exchange(room->left, 0)};
    tell_room(event);
  }
  if (!identities_.empty()) wake();
}

}  // namespace polyport::services::chat
