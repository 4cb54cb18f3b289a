#include "services/chat/hub.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace polyport::services::chat {
namespace {

constexpr std::string_view kGuest = "guest-";

template <class... Parts>
Payload line(const Parts&... parts) {
  std::string text;
  (text.append(parts), ...);
  text += "\r\n";
  return Payload::copy(text);
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// ASCII only: letters of other scripts that look alike would let one member pass for another.
bool legal_nick(std::string_view nick) {
  return !nick.empty() && nick.size() <= Hub::kMostNickBytes && is_letter(nick.front()) &&
         std::all_of(nick.begin(), nick.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}

bool guest_nick(std::string_view lower) {
  if (!lower.starts_with(kGuest)) return false;
  lower.remove_prefix(kGuest.size());
  return std::all_of(lower.begin(), lower.end(), is_digit);
}

Payload left(std::string_view nick, std::string_view reason) {
  return line("* ", nick, " left (", reason, ")");
}

}  // namespace

Payload notice(std::string_view text) {
  return line("* ", text);
}

bool TokenBucket::take(std::uint64_t now_ms) {
  const std::uint64_t most = std::uint64_t{burst_} * 1000;
  // More than a full refill changes nothing and could overflow.
  const std::uint64_t elapsed = std::min<std::uint64_t>(now_ms - last_ms_, most);
  tokens_milli_ = std::min(most, tokens_milli_ + elapsed * per_second_);
  last_ms_ = now_ms;
  if (tokens_milli_ < 1000) return false;
  tokens_milli_ -= 1000;
  return true;
}

void Hub::join(Member& member) {
  POLYPORT_ASSERT(!member.in_room());
  member.nick_ = std::string(kGuest) + std::to_string(++guests_);
  by_nick_.emplace(member.nick_, &member);
  members_.push_back(&member);
  broadcast(line("* ", member.nick_, " joined (", member.place(), ")"), &member);
}

void Hub::leave(Member& member, std::string_view reason) {
  if (!member.in_room()) return;
  const Payload said = left(member.nick_, reason);
  std::erase(members_, &member);
  forget(member);
  broadcast(said);
}

void Hub::close(std::string_view text) {
  broadcast(notice(text));
  for (Member* member : members_) {
    member->nick_.clear();
  }
  members_.clear();
  by_nick_.clear();
}

void Hub::forget(Member& member) {
  by_nick_.erase(to_lower(member.nick_));
  member.nick_.clear();
}

void Hub::replay(Member& member) {
  if (history_.empty()) return;
  // Marked, because nobody of those who said it needs to be here any more.
  tell(member, line("* said before you came:"));
  for (const Payload& said : history_)
    tell(member, said);
  tell(member, line("* you are here now"));
}

void Hub::say(const Member& from, std::string_view text) {
  record(line(from.nick_, ": ", text));
}

void Hub::act(const Member& from, std::string_view text) {
  record(line("* ", from.nick_, " ", text));
}

Hub::Whisper Hub::whisper(Member& from, std::string_view nick, std::string_view text) {
  Member* to = find(nick);
  if (to == nullptr) return Whisper::kNobody;
  tell(from, line("[you to ", to->nick_, "] ", text));
  tell(*to, line("[", from.nick_, " to you] ", text));
  return Whisper::kSent;
}

Hub::Rename Hub::rename(Member& member, std::string_view nick) {
  if (!legal_nick(nick)) return Rename::kNotLegal;
  const std::string lower = to_lower(nick);
  Member* holder = find(nick);
  if (holder != nullptr && holder != &member) return Rename::kTaken;
  if (holder == nullptr && guest_nick(lower)) return Rename::kReserved;
  const std::string old = member.nick_;
  if (old == nick) return Rename::kDone;
  forget(member);
  member.nick_ = nick;
  by_nick_.emplace(lower, &member);
  broadcast(line("* ", old, " is now ", nick));
  return Rename::kDone;
}

Hub::Flood Hub::charge(Member& member, std::uint64_t now_ms) {
  if (member.bucket_.take(now_ms)) {
    member.told_of_flood_ = false;
    return Flood::kFine;
  }
  if (member.told_of_flood_) return Flood::kSilent;
  member.told_of_flood_ = true;
  return Flood::kTold;
}

Member* Hub::find(std::string_view nick) const {
  const auto found = by_nick_.find(to_lower(nick));
  return found == by_nick_.end() ? nullptr : found->second;
}

void Hub::tell(Member& member, const Payload& line) {
  if (member.in_room() && member.deliver(line) == Member::Delivery::kTooSlow) {
    leave(member, "too slow");
  }
}

// A member that is too slow leaves, which is one more line for all the others, which may find
// another one that is too slow: so a list of lines, and no recursion.
void Hub::broadcast(Payload first, const Member* except) {
  std::vector<Payload> lines{std::move(first)};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Payload line = lines[i];
    std::erase_if(members_, [&](Member* member) {
      if (i == 0 && member == except) return false;
      if (member->deliver(line) == Member::Delivery::kQueued) return false;
      lines.push_back(left(member->nick_, "too slow"));
      forget(*member);
      return true;
    });
  }
}

void Hub::record(Payload line) {
  if (rules_.history_lines != 0) {
    if (history_.size() == rules_.history_lines) history_.pop_front();
    history_.push_back(line);
  }
  broadcast(std::move(line));
}

}  // namespace polyport::services::chat
