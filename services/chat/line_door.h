// line_door: the chat for people with nc, telnet or `polyport connect`, and for scripts.
//
// line_reader takes bytes apart, line_member is one connection in the hub; here is what the lines
// mean: talk, or commands.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "core/net/stream_handler.h"
#include "services/chat/hub.h"
#include "services/chat/line_member.h"

namespace polyport::services::chat {

class LineDoor final : public StreamHandler {
 public:
  // Where the other doors are, for those who are wrong here: "localhost:8090", empty: there is
  // none.
  using OtherDoor = std::function<std::string(std::string_view door)>;

  LineDoor(Hub& hub, const StreamLimits& limits, OtherDoor other_door)
      : hub_(hub), limits_(limits), other_door_(std::move(other_door)) {}

  void on_open(Connection& connection) override;
  void on_data(Connection& connection, Bytes data) override;
  void on_end(Connection& connection) override;
  void on_writable(Connection& connection) override;
  void on_close(Connection& connection, CloseReason reason) override;
  void on_deadline(Connection& connection, CloseReason reason) override;
  Bytes refusal(CloseReason reason) const override;
  // After the goodbye nobody is in the hub: only that has to go out.
  bool on_drain(Connection& connection) override { return connection.queued_bytes() > 0; }

 private:
  // One member and what it typed.
  struct Call {
    Connection& connection;
    LineMember& member;
    std::string_view argument;

    void tell(std::string_view text) const { connection.send(line_notice(text, member.style())); }
    std::string room() const { return member.room() == nullptr ? "" : member.room()->name; }
  };
  using Handler = void (LineDoor::*)(const Call& call);
  struct Command {
    std::string_view name;
    Hub::Cost cost;
    Handler handler;
  };
  static const std::array<Command, 18> kCommands;

  static LineMember& member_of(Connection& connection) {
    return *static_cast<LineMember*>(connection.session());
  }

  void take(const Call& call, const LineItem& item);
  void take_line(const Call& call);
  void explain(const Call& call, Protocol protocol, std::string_view spoken, std::string_view words,
               std::string_view other_door);
  // False where the member does too much at once; it is told.
  bool may_go_on(const Call& call, Hub::Cost cost);
  void show_out(const Call& call, std::string_view why, std::string_view words);
  // Tells why not; `subject` is whom or what it is about.
  void answer(const Call& call, Refusal refusal, std::string_view subject,
              std::string_view usage = {});

  // line_commands.cc
  void talk(const Call& call);
  void act(const Call& call);
  void whisper(const Call& call);
  void change_nick(const Call& call);
  void who(const Call& call);
  void rooms(const Call& call);
  void join(const Call& call);
  void part(const Call& call);
  void topic(const Call& call);
  void history(const Call& call);
  void token(const Call& call);
  void resume(const Call& call);
  void plain(const Call& call);
  void become_operator(const Call& call);
  void kick(const Call& call);
  void mute(const Call& call);
  void unmute(const Call& call);
  void set_mute(const Call& call, Hub::Mute what);
  void quit(const Call& call);
  void help(const Call& call);

  Hub& hub_;
  StreamLimits limits_;
  OtherDoor other_door_;
};

}  // namespace polyport::services::chat
