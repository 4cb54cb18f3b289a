// irc_door: the chat for clients of IRC: the part of RFC 2812 that they need, with IRCv3's
// capabilities server-time and echo-message.
//
// irc_message takes bytes apart, irc_text writes lines, irc_member is one connection in the hub;
// here is what the commands do. No services, no bans, no modes that do anything, no other servers.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "core/net/stream_handler.h"
#include "services/chat/hub.h"
#include "services/chat/irc_member.h"

namespace polyport::services::chat {

struct IrcSettings {
  StreamLimits limits;
  std::chrono::milliseconds ping_interval{60'000};  // 0: never
  std::chrono::milliseconds ping_timeout{30'000};
};

class IrcDoor final : public StreamHandler {
 public:
  using OtherDoor = std::function<std::string(std::string_view door)>;

  IrcDoor(Hub& hub, const IrcSettings& settings, OtherDoor other_door);

  void start(std::string_view server_name) { server_name_ = server_name; }

  void on_open(Connection& connection) override;
  void on_data(Connection& connection, Bytes data) override;
  void on_close(Connection& connection, CloseReason reason) override;
  void on_deadline(Connection& connection, CloseReason reason) override;
  bool on_drain(Connection& connection) override { return connection.queued_bytes() > 0; }

 private:
  // One member and the line it sent.
  struct Call {
    Connection& connection;
    IrcMember& member;
    const IrcMessage& message;

    std::string_view parameter(std::size_t i) const { return message.parameter(i); }
    std::string_view nick() const { return member.nick(); }
    void reply(std::string_view number, std::string_view rest) const {
      connection.send(irc_reply(number, member.nick(), rest));
    }
    void notice(std::string_view text) const { connection.send(irc_notice(member.nick(), text)); }
  };
  using Handler = void (IrcDoor::*)(const Call& call);
  enum class When : std::uint8_t { kAlways, kRegistered };
  enum class Charge : std::uint8_t { kFree, kAsk, kItself };  // kItself: the handler charges
  struct Command {
    std::string_view name;
    When when;
    Charge charge;
    std::size_t least;  // parameters
    Handler handler;
  };
  static std::span<const Command> commands();

  static IrcMember& member_of(Connection& connection) {
    return *static_cast<IrcMember*>(connection.session());
  }

  void take(Connection& connection, IrcMember& member, const IrcItem& item);
  void take_line(const Call& call);
  void explain(Connection& connection, IrcMember& member, Protocol protocol,
               std::string_view spoken);
  bool may_go_on(const Call& call, Hub::Cost cost);
  // Tells why not, by the number of RFC 2812 that clients know; `subject` is whom or what it is
  // about.
  void answer(const Call& call, Refusal refusal, std::string_view subject);
  void show_out(Connection& connection, IrcMember& member, std::string_view why,
                std::string_view words);
  // A text of the line, fit for others; nothing where it is none, which the member is told.
  std::optional<std::string> text_of(const Call& call, std::string_view raw);

  // irc_registration.cc
  void capabilities(const Call& call);
  void request_capabilities(const Call& call);
  void password(const Call& call);
  void nick(const Call& call);
  void user(const Call& call);
  void try_to_register(const Call& call);
  void welcome(const Call& call);
  void motd(const Call& call);
  void lusers(const Call& call);

  // irc_commands.cc
  void ping(const Call& call);
  void ignore(const Call&) {}
  void quit(const Call& call);
  void privmsg(const Call& call);
  void notice(const Call& call);
  void talk(const Call& call, Message::Kind kind);
  void talk_to(const Call& call, std::string_view target, Message::Kind kind,
               std::string_view text);
  void join(const Call& call);
  void part(const Call& call);
  void topic(const Call& call);
  void kick(const Call& call);
  void become_operator(const Call& call);
  void mute(const Call& call);
  void unmute(const Call& call);
  void set_mute(const Call& call, Hub::Mute what);
  void away(const Call& call);

  // irc_queries.cc
  void names(const Call& call);
  void who(const Call& call);
  void whois(const Call& call);
  void list(const Call& call);
  void mode(const Call& call);
  void is_on(const Call& call);
  void userhost(const Call& call);
  void version(const Call& call);

  Hub& hub_;
  IrcSettings settings_;
  IrcShared shared_;
  OtherDoor other_door_;
  std::string server_name_;
};

}  // namespace polyport::services::chat
