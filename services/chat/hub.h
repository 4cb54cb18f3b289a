// hub: the rooms of the chat. Who is in them, what is said, who may say more.
//
// It knows no socket: a door derives from Member to bring somebody in. Something that is said is
// encoded once for each kind of door and every member gets a reference to the same bytes. Order and
// ids come from the Bus, history from the Store. Texts come in clean (clean.h).
//
// hub.cc: coming and going; hub_talk.cc: what members say and do; hub_fan_out.cc: telling them;
// hub_remote.cc: members of other processes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "services/chat/bus.h"
#include "services/chat/clock.h"
#include "services/chat/guesses.h"
#include "services/chat/identity.h"
#include "services/chat/member.h"
#include "services/chat/refusal.h"
#include "services/chat/room.h"
#include "services/chat/rules.h"
#include "services/chat/store.h"

namespace polyport::services::chat {

class Hub final : private Bus::Listener {
 public:
  // All must outlive the hub. `wake` asks for tick() within a second.
  Hub(const Rules& rules, const Clock& clock, Store& store, Bus& bus, std::function<void()> wake);

  const Rules& rules() const { return rules_; }
  const Clock& clock() const { return clock_; }
  std::size_t size() const { return by_shape_.size(); }
  std::size_t room_count() const { return rooms_.size(); }
  Member* find(std::string_view nick) const;  // case is ignored
  Room* find_room(std::string_view name) const;
  bool is_in(const Member& member, const Room& room) const;
  template <class Visit>
  void for_each_room(Visit visit) const {
    for (const auto& entry : rooms_)
      visit(static_cast<const Room&>(*entry.second));
  }

  // --- coming and going --------------------------------------------------------------------------
  // In under the next guest name, and in no room yet.
  void enter(Member& member);
  // Proves later that a connection belongs to this member. From now on its nick is held for
  // nick_hold where it goes without having said goodbye.
  std::string token(Member& member);
  // Makes a member the one that the token was given to: its nick, its rights. Where that one is
  // still there it is shown out. False where the token is no good (any more).
  bool resume(Member& member, std::string_view token);
  enum class Leave : std::uint8_t { kForGood, kMayComeBack };
  // Tells the others why. Nothing happens where the member is not in.
  void leave(Member& member, std::string_view why, Leave how);
  // Everybody is told `text` and is out; their connections are the doors' to end.
  void close(std::string_view text);

  // Opens the room where there is none. With `after`, what was said since that message is shown in
  // place of the last lines. Joining a room one is in does nothing.
  Refusal join(Member& member, std::string_view room, std::optional<MessageId> after = {});
  Refusal part(Member& member, std::string_view room, std::string_view why);

  // --- talking -----------------------------------------------------------------------------------
  // Where there is a `reference`, Member::hear_kept follows; else only where it cannot be kept.
  Refusal say(Member& member, std::string_view room, Message::Kind kind, std::string_view text,
              std::string_view reference = {});
  Refusal whisper(Member& from, std::string_view nick, Message::Kind kind, std::string_view text);
  Refusal rename(Member& member, std::string_view nick);
  Refusal set_topic(Member& member, std::string_view room, std::string_view text);
  // Member::hear_history follows. The member must be in the room.
  Refusal ask_history(Member& member, HistoryQuestion question);

  // --- operators ---------------------------------------------------------------------------------
  Refusal become_operator(Member& member, std::string_view password);
  Refusal kick(Member& member, std::string_view room, std::string_view nick, std::string_view why);
  enum class Mute : std::uint8_t { kMute, kUnmute };
  Refusal mute(Member& member, std::string_view nick, Mute what);

  // --- how much ----------------------------------------------------------------------------------
  enum class Cost : std::uint8_t { kTalk, kAsk };
  enum class Flood : std::uint8_t {
    kFine,
    kTold,   // one too many, and the first in a row: the member must be told
    kSilent  // and again, before anything else of it was fine
  };
  // To be asked before each thing a member does.
  Flood charge(Member& member, Cost cost);

  // Tells everybody.
  void announce(std::string_view text);
  // And one of this process.
  void inform(Member& member, std::string_view text);

  // --- for a bus: what happens in other processes (hub_remote.cc) --------------------------------
  // Whoever has that name here gets another one. leave() and part() are as for everybody.
  void bring_in(Member& remote, std::string_view nick);
  void rename_remote(Member& remote, std::string_view nick);
  // Nothing happens where there are as many rooms as there may be.
  void put_in(Member& remote, std::string_view room);
  // Its name is somebody else's: it is a guest from now on, and told so.
  void lose_name(Member& member);
  void apply_topic(std::string_view room, std::string_view by, std::string_view text,
                   std::uint64_t wall_ms);
  void apply_kick(std::string_view room, std::string_view by, Member& who, std::string_view why);
  void apply_mute(Member& member, Mute what);
  // To a member of this process, from one of another.
  void deliver(const Message& message, Member& to);

  // Tells large rooms who came and left, and forgets nicks that were held long enough.
  void tick();

 private:
  // Members by what their nicks look like, without a second copy of the nick.
  struct ByShape {
    using is_transparent = void;
    std::size_t operator()(std::string_view shape) const {
      return std::hash<std::string_view>()(shape);
    }
    std::size_t operator()(const Member* member) const;
    bool operator()(const Member* left, const Member* right) const;
    bool operator()(std::string_view shape, const Member* member) const;
    bool operator()(const Member* member, std::string_view shape) const;
  };
  // Somebody who waits for an answer of the store or the bus.
  struct Expected {
    Member* member;
    std::string reference;
  };

  // Coming and going.
  void set_nick(Member& member, std::string nick);
  Refusal check_nick(const Member& member, std::string_view nick) const;
  Refusal check_join(const Member& member, std::string_view room) const;
  Room& open_room(std::string_view name);
  std::string guest_name();
  void make_way(std::string_view nick, const Member& for_whom);
  void change_nick(Member& member, std::string nick);
  void admit(Member& member, const std::string& room, const Page& page, Member::Replay replay);
  void take_out(Member& member, Room& room, std::string_view why);
  void drop_if_empty(const Room& room);
  void forget(Member& member);

  // What is asked of others and answered later.
  std::uint64_t expect(Member& member, std::string_view reference);
  std::optional<Expected> expected(std::uint64_t ticket);
  void forget_expected(const Member& member);

  // Telling members.
  void tell(Member& member, const Event& event);
  void tell_room(const Event& event, const Member* except = nullptr);
  // Everybody who shares a room with `member`, once each.
  void tell_around(const Member& member, const Event& event);
  void give(Member& member, const Event& event, Encodings& encodings);
  void show_out_slow();
  // While one is there nobody is taken out for being too slow, so that rooms and members stay what
  // they are; the last one sees to it.
  class Telling {
   public:
    explicit Telling(Hub& hub) : hub_(hub) { ++hub_.telling_; }
    ~Telling() {
      if (hub_.telling_ == 1) hub_.show_out_slow();
      --hub_.telling_;
    }
    Telling(const Telling&) = delete;
    Telling& operator=(const Telling&) = delete;

   private:
    Hub& hub_;
  };
  bool is_large(const Room& room) const { return room.members.size() > rules_.presence_limit; }
  // Whether that one more came or left `room` is told by itself; else it goes into the sum.
  bool tells_each(Room& room);
  void tell_joined(Room& room, const Member& member);
  void wake();

  void on_message(const Message& message, std::uint64_t ticket) override;
  void tell_message(const Message& message, std::uint64_t ticket);
  void on_kept(const Message& message, std::uint64_t ticket, bool kept);
  void on_renumbered(const std::string& room, MessageId provisional, MessageId final) override;
  void on_bus_notice(std::string_view text) override;

  Rules rules_;
  const Clock& clock_;
  Store& store_;
  Bus& bus_;
  std::function<void()> wake_;
  std::unordered_set<Member*, ByShape, ByShape> by_shape_;
  std::unordered_map<std::string, std::unique_ptr<Room>> rooms_;  // by name in lower case
  std::unordered_map<std::uint64_t, Expected> expected_;          // by ticket
  std::set<std::pair<const Member*, std::uint64_t>> tickets_of_;  // the same
  std::vector<Member*> slow_;  // to be taken out once everybody has been told
  Identities identities_;
  Guesses guesses_;            // of the operators' password
  std::uint64_t members_ = 0;  // numbers given
  std::uint64_t tickets_ = 0;
  std::uint32_t around_ = 0;  // events told to several rooms
  std::uint32_t telling_ = 0;
  bool awake_ = false;
};

}  // namespace polyport::services::chat
