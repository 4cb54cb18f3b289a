// The hub: members of other processes, and what happens there.
#include "core/base/assert.h"
#include "services/chat/hub.h"
#include "services/chat/names.h"

namespace polyport::services::chat {

// Redis (or whoever keeps the names for all) has given this one to `for_whom`.
void Hub::make_way(std::string_view nick, const Member& for_whom) {
  const auto found = by_shape_.find(std::string_view(shape(nick)));
  if (found == by_shape_.end() || *found == &for_whom) return;
  Member& other = **found;
  if (other.is_remote()) return leave(other, "has lost its name", Leave::kForGood);
  lose_name(other);
}

void Hub::lose_name(Member& member) {
  const std::string text = "somebody on another server of this chat is called " + member.nick_ +
                           ": you have another name now";
  tell(member, {.kind = Event::Kind::kNotice, .text = text});
  if (member.in_hub()) change_nick(member, guest_name());
}

void Hub::bring_in(Member& remote, std::string_view nick) {
  POLYPORT_ASSERT(remote.is_remote() && !remote.in_hub());
  make_way(nick, remote);
  remote.number_ = ++members_;
  set_nick(remote, std::string(nick));
}

void Hub::rename_remote(Member& remote, std::string_view nick) {
  if (remote.nick_ == nick) return;
  make_way(nick, remote);
  change_nick(remote, std::string(nick));
}

void Hub::put_in(Member& remote, std::string_view name) {
  const Room* there = find_room(name);
  if (there == nullptr ? rooms_.size() >= rules_.rooms : is_in(remote, *there)) return;
  const Telling telling(*this);
  Room& room = open_room(name);
  room.members.push_back(&remote);
  remote.rooms_.push_back(&room);
  tell_joined(room, remote);
}

void Hub::deliver(const Message& message, Member& to) {
  tell(to, {.kind = Event::Kind::kPrivate,
            .to = &to,
            .message = &message,
            .nick = message.nick,
            .other = to.nick_});
}

}  // namespace polyport::services::chat
