// irc_member: a chat member behind a connection of the IRC door.
#pragma once

#include <memory>
#include <string>

#include "core/net/network.h"
#include "services/chat/clock.h"
#include "services/chat/irc_message.h"
#include "services/chat/irc_text.h"
#include "services/chat/line_member.h"
#include "services/chat/member.h"

namespace polyport::services::chat {

// What the IRC door's members share.
struct IrcShared {
  StreamLimits limits;
  const Clock* clock = nullptr;
};

class IrcMember final : public Member {
 public:
  // What came before NICK and USER were complete.
  struct Registration {
    std::string nick;
    std::string password;  // of PASS: a token
    bool has_user = false;
    bool negotiates = false;  // CAP LS or REQ came, and no CAP END
  };
  enum Cap : std::uint8_t { kServerTime = 1, kEchoMessage = 2 };

  IrcMember(Connection& connection, const IrcShared& shared);

  Delivery hear(const Event& event, Encodings& encodings) override;
  void hear_joined(const Room& room, const Page& page, Replay replay) override;
  void hear_history(const Room&, const HistoryQuestion&, const Page&) override {}
  void hear_kept(const Message&, std::string_view, bool) override {}
  void show_out(std::string_view text) override;
  Place place() const override;

  IrcReader& reader() { return reader_; }
  // Null once it is registered.
  Registration* registration() { return registration_.get(); }
  void end_registration() { registration_.reset(); }
  // Its connection ends: nothing that it sends counts any more.
  bool is_leaving() const { return !registration_ && !in_hub(); }
  bool has(Cap cap) const { return (caps_ & cap) != 0; }
  void set(Cap cap, bool on) { caps_ = static_cast<std::uint8_t>(on ? caps_ | cap : caps_ & ~cap); }
  IrcTime time() const { return has(kServerTime) ? IrcTime::kTagged : IrcTime::kNone; }

  // Whether anything has come since this was last asked.
  bool heard_since(std::uint64_t bytes_in) {
    const bool heard = bytes_in != bytes_in_;
    bytes_in_ = bytes_in;
    return heard;
  }
  bool is_pinged() const { return pinged_; }
  void set_pinged(bool pinged) { pinged_ = pinged; }

 private:
  Connection* connection() const;

  Network& network_;
  ConnectionId id_;
  const IrcShared& shared_;
  IrcReader reader_;
  std::unique_ptr<Registration> registration_ = std::make_unique<Registration>();
  std::uint64_t bytes_in_ = 0;
  std::uint8_t caps_ = 0;
  bool pinged_ = false;
};

// With its connection (272 bytes) and its places in the hub an idle member stays under 700 bytes.
static_assert(sizeof(IrcMember) <= 192);

// The lines 353 and 366: who is in a room, as far as they are listed.
std::string irc_names(std::string_view nick, const Room& room);
// The address as a word of IRC: without its port, and not beginning with a colon.
std::string irc_host(const Place& place);

}  // namespace polyport::services::chat
