// hub: the room of the chat. Who is in it, what was said, who may say more.
//
// It knows no socket and no clock: a door derives from Member to bring somebody in, and tells the
// time where it matters. A line is built once and every member gets a reference to the same bytes.
// Texts come in clean: doors have removed control characters and refused what is not UTF-8.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/payload.h"

namespace polyport::services::chat {

// How much may be said at once and over time: full at first, refilled evenly.
class TokenBucket {
 public:
  TokenBucket(std::uint32_t burst, std::uint32_t per_second)
      : tokens_milli_(burst * 1000), burst_(burst), per_second_(per_second) {}
  // Takes one token where there is one. `now_ms` never runs backwards.
  bool take(std::uint64_t now_ms);

 private:
  std::uint64_t tokens_milli_;
  std::uint64_t last_ms_ = 0;
  std::uint32_t burst_;
  std::uint32_t per_second_;
};

struct Rules {
  std::size_t history_lines = 20;
  std::uint32_t flood_burst = 5;
  std::uint32_t flood_per_second = 2;
};

// Somebody in the room, whatever door they came through. Leaves it (Hub::leave) before it goes
// away.
class Member {
 public:
  enum class Delivery : std::uint8_t {
    kQueued,
    kTooSlow,  // it has been told so and shown out; the hub takes it out of the room
  };

  explicit Member(const Rules& rules) : bucket_(rules.flood_burst, rules.flood_per_second) {}
  virtual ~Member() = default;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // Takes one line with its CR LF. Must not call the hub.
  virtual Delivery deliver(const Payload& line) = 0;
  // Where it is, for everybody to read: "127.0.0.1:51662, line door 10023".
  virtual std::string place() const = 0;

  const std::string& nick() const { return nick_; }
  bool in_room() const { return !nick_.empty(); }

 private:
  friend class Hub;
  std::string nick_;  // empty outside the room
  TokenBucket bucket_;
  bool told_of_flood_ = false;
};

class Hub {
 public:
  static constexpr std::size_t kMostNickBytes = 20;

  explicit Hub(const Rules& rules) : rules_(rules) {}

  const Rules& rules() const { return rules_; }
  const std::vector<Member*>& members() const { return members_; }  // in the order they came

  // Brings a member in under the next guest name and tells the others.
  void join(Member& member);
  // Tells the others "NICK left (reason)". Nothing happens where the member is not in the room.
  void leave(Member& member, std::string_view reason);
  // Everybody is told `text` and is out of the room.
  void close(std::string_view text);
  // Sends the last messages to one member.
  void replay(Member& member);

  void say(const Member& from, std::string_view text);  // "guest-1: text"
  void act(const Member& from, std::string_view text);  // "* guest-1 text"

  enum class Whisper : std::uint8_t { kSent, kNobody };
  Whisper whisper(Member& from, std::string_view nick, std::string_view text);

  enum class Rename : std::uint8_t { kDone, kTaken, kReserved, kNotLegal };
  // A nick is a letter and up to 19 letters, digits, '-' and '_', unique without regard to case;
  // "guest-" and a number belongs to the room.
  Rename rename(Member& member, std::string_view nick);

  enum class Flood : std::uint8_t {
    kFine,
    kTold,   // one too many, and the first in a row: the member must be told
    kSilent  // and again, before anything else of it was fine
  };
  // To be asked before each thing a member does.
  Flood charge(Member& member, std::uint64_t now_ms);

 private:
  Member* find(std::string_view nick) const;
  void tell(Member& member, const Payload& line);
  void broadcast(Payload line, const Member* except = nullptr);
  void record(Payload line);
  void forget(Member& member);

  Rules rules_;
  std::vector<Member*> members_;
  std::unordered_map<std::string, Member*> by_nick_;  // keys in lower case
  std::deque<Payload> history_;
  std::uint64_t guests_ = 0;
};

// One line of the room's own: "* text" and CR LF.
Payload notice(std::string_view text);

}  // namespace polyport::services::chat
