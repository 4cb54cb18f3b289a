// chat: one room, reached with lines of text over TCP and unix sockets (nc, telnet, polyport
// connect).
//
// This file is the service: who comes in, what the commands do, what is said to clients of other
// protocols. The room itself is hub, taking lines apart is line_door, a connection in the room is
// line_member. There is no telnet feature, no password and no storage: history lives in memory.
#include <algorithm>
#include <array>
#include <memory>

#include "core/service.h"
#include "services/chat/hub.h"
#include "services/chat/line_door.h"
#include "services/chat/line_member.h"

namespace polyport::services::chat {
namespace {

constexpr std::size_t kMostListed = 200;

constexpr Bytes kHelp =
    "* what you type is said to everybody in the room. A line that begins with / is a command:\r\n"
    "*   /nick NAME       another name: a letter, then letters, digits, - and _, at most 20\r\n"
    "*   /who             everybody here, with address, port and door\r\n"
    "*   /me TEXT         \"* guest-1 TEXT\"\r\n"
    "*   /msg NAME TEXT   to one member only\r\n"
    "*   /quit            goodbye\r\n";

class Chat final : public Service {
 public:
  explicit Chat(const OptionValues& values);

  Result<void> start(ServiceContext& context) override {
    loop_ = &context.loop;
    return {};
  }
  void stop() override { hub_.close("the server is stopping, goodbye"); }

  void on_open(Connection& connection) override;
  void on_data(Connection& connection, Bytes data) override;
  void on_end(Connection& connection) override;
  void on_close(Connection& connection, CloseReason reason) override;
  // After stop() nobody is in the room: only the goodbye has to go out.
  bool on_drain(Connection& connection) override { return connection.queued_bytes() > 0; }

 private:
  using Handler = void (Chat::*)(Connection&, LineMember&, std::string_view argument);
  struct Command {
    std::string_view name;
    Handler handler;
  };
  static const std::array<Command, 6> kCommands;

  static LineMember& member_of(Connection& connection) {
    return *static_cast<LineMember*>(connection.session());
  }
  static void tell(Connection& connection, std::string_view text) { connection.send(notice(text)); }

  void take(Connection& connection, LineMember& member, const LineItem& item);
  void take_line(Connection& connection, LineMember& member, std::string_view line);
  // False where the member does too much at once; it is told.
  bool may_go_on(Connection& connection, LineMember& member);
  void show_out(Connection& connection, LineMember& member, std::string_view reason,
                std::string_view words);

  void change_nick(Connection& connection, LineMember& member, std::string_view nick);
  void list(Connection& connection, LineMember& member, std::string_view);
  void act(Connection& connection, LineMember& member, std::string_view text);
  void whisper(Connection& connection, LineMember& member, std::string_view argument);
  void quit(Connection& connection, LineMember& member, std::string_view);
  void help(Connection& connection, LineMember& member, std::string_view);

  LineLimits limits_;
  Hub hub_;
  Loop* loop_ = nullptr;
};

const std::array<Chat::Command, 6> Chat::kCommands = {{{"nick", &Chat::change_nick},
                                                       {"who", &Chat::list},
                                                       {"me", &Chat::act},
                                                       {"msg", &Chat::whisper},
                                                       {"quit", &Chat::quit},
                                                       {"help", &Chat::help}}};

Rules rules_of(const OptionValues& values) {
  return {.history_lines = static_cast<std::size_t>(values.integer("history_lines")),
          .flood_burst = static_cast<std::uint32_t>(values.integer("flood_burst")),
          .flood_per_second = static_cast<std::uint32_t>(values.integer("flood_per_second"))};
}

Chat::Chat(const OptionValues& values)
    : limits_{.line_bytes = static_cast<std::uint32_t>(values.bytes("max_line")),
              .unread_bytes = values.bytes("max_unread")},
      hub_(rules_of(values)) {}

// --- coming and going ----------------------------------------------------------------------------

void Chat::on_open(Connection& connection) {
  auto owned = std::make_unique<LineMember>(connection, hub_.rules(), limits_);
  LineMember& member = *owned;
  connection.set_session(owned.release());
  hub_.join(member);
  connection.send("You are " + member.nick() + " from " + peer_text(connection) + ", through the " +
                  door_text(connection) + ". /help\r\n");
  hub_.replay(member);
}

void Chat::on_close(Connection& connection, CloseReason reason) {
  const std::unique_ptr<LineMember> member(&member_of(connection));
  connection.set_session(nullptr);
  hub_.leave(*member, reason == CloseReason::kPeerClosed ? "closed the connection" : name(reason));
}

void Chat::show_out(Connection& connection, LineMember& member, std::string_view reason,
                    std::string_view words) {
  hub_.leave(member, reason);
  tell(connection, words);
  connection.finish();
}

// --- what members type ---------------------------------------------------------------------------

void Chat::on_data(Connection& connection, Bytes data) {
  LineMember& member = member_of(connection);
  while (member.in_room()) {
    const auto item = member.reader().next(data);
    if (!item) return;
    take(connection, member, *item);
  }
}

void Chat::on_end(Connection& connection) {
  LineMember& member = member_of(connection);
  if (member.in_room()) {
    if (const auto item = member.reader().end()) take(connection, member, *item);
  }
  Service::on_end(connection);
}

void Chat::take(Connection& connection, LineMember& member, const LineItem& item) {
  switch (item.kind) {
    case LineItem::Kind::kLine:
      if (!item.text.empty()) take_line(connection, member, item.text);
      break;
    case LineItem::Kind::kTooLong:
      if (may_go_on(connection, member)) {
        tell(connection,
             "not sent: a line has at most " + std::to_string(limits_.line_bytes) + " bytes");
      }
      break;
    case LineItem::Kind::kNotUtf8:
      if (may_go_on(connection, member)) {
        tell(connection, "not sent: that line was not UTF-8 text");
      }
      break;
    case LineItem::Kind::kTelnetReply:
      connection.send(item.text);
      break;
    case LineItem::Kind::kHttp:
      connection.note_wrong_protocol(Protocol::kHttp);
      show_out(connection, member, "spoke HTTP",
               "this is a chat of plain lines, not an HTTP server. Come in with: polyport connect, "
               "nc or telnet, to this port");
      break;
    case LineItem::Kind::kTls:
      connection.note_wrong_protocol(Protocol::kTls);
      show_out(connection, member, "spoke TLS",
               "this is a chat of plain lines, without TLS. Come in with: polyport connect, nc or "
               "telnet, to this port");
      break;
  }
}

bool Chat::may_go_on(Connection& connection, LineMember& member) {
  const Hub::Flood flood = hub_.charge(member, loop_->now_ms());
  if (flood == Hub::Flood::kTold) {
    const Rules& rules = hub_.rules();
    tell(connection, "too fast: not sent. You have " + std::to_string(rules.flood_burst) +
                         " lines at once and then " + std::to_string(rules.flood_per_second) +
                         " a second");
  }
  return flood == Hub::Flood::kFine;
}

void Chat::take_line(Connection& connection, LineMember& member, std::string_view line) {
  const bool is_command = line.front() == '/';
  const Words words = is_command ? split_word(line.substr(1)) : Words{};
  // Whoever wants to leave may.
  if (words.first != "quit" && !may_go_on(connection, member)) return;
  if (!is_command) {
    hub_.say(member, line);
    return;
  }
  const auto found = std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& command) {
    return command.name == words.first;
  });
  if (found == kCommands.end()) {
    tell(connection, "there is no command /" + std::string(words.first) + ": /help lists them");
    return;
  }
  (this->*found->handler)(connection, member, words.rest);
}

// --- commands ------------------------------------------------------------------------------------

void Chat::change_nick(Connection& connection, LineMember& member, std::string_view nick) {
  switch (hub_.rename(member, nick)) {
    case Hub::Rename::kDone:
      break;
    case Hub::Rename::kTaken:
      tell(connection, "somebody here is called " + std::string(nick) + " already");
      break;
    case Hub::Rename::kReserved:
      tell(connection, "guest-N is given by the room: choose another name");
      break;
    case Hub::Rename::kNotLegal:
      tell(connection, "a name is a letter, then letters, digits, - and _, at most " +
                           std::to_string(Hub::kMostNickBytes) + " in all: /nick NAME");
      break;
  }
}

void Chat::list(Connection& connection, LineMember&, std::string_view) {
  const auto& members = hub_.members();
  tell(connection, std::to_string(members.size()) + " here:");
  const std::size_t listed = std::min(members.size(), kMostListed);
  for (std::size_t i = 0; i < listed; ++i) {
    tell(connection, "  " + members[i]->nick() + "  " + members[i]->place());
  }
  if (members.size() > listed) {
    tell(connection, "  and " + std::to_string(members.size() - listed) + " more");
  }
}

void Chat::act(Connection& connection, LineMember& member, std::string_view text) {
  if (text.empty()) {
    tell(connection, "what do you do? /me TEXT");
    return;
  }
  hub_.act(member, text);
}

void Chat::whisper(Connection& connection, LineMember& member, std::string_view argument) {
  const Words words = split_word(argument);
  if (words.rest.empty()) {
    tell(connection, "to whom, and what? /msg NAME TEXT");
  } else if (hub_.whisper(member, words.first, words.rest) == Hub::Whisper::kNobody) {
    tell(connection,
         "nobody here is called " + std::string(words.first) + ": /who lists everybody");
  }
}

void Chat::quit(Connection& connection, LineMember& member, std::string_view) {
  show_out(connection, member, "quit", "goodbye");
}

void Chat::help(Connection& connection, LineMember&, std::string_view) {
  connection.send(Payload::literal(kHelp));
}

// --- the type ------------------------------------------------------------------------------------

constexpr Door kDoors[] = {
    {.transports = transports(Transport::kTcp, Transport::kUnix, Transport::kTls)}};

constexpr OptionSpec kOptions[] = {
    {.name = "history_lines",
     .type = OptionType::kInt,
     .fallback = "20",
     .help = "messages shown to whoever comes in",
     .max = 10'000},
    {.name = "max_line",
     .type = OptionType::kSize,
     .fallback = "1KiB",
     .help = "longest line that is taken",
     .min = 64,
     .max = 64 * 1024},
    {.name = "flood_burst",
     .type = OptionType::kInt,
     .fallback = "5",
     .help = "lines a member may send at once",
     .min = 1,
     .max = 1'000'000},
    {.name = "flood_per_second",
     .type = OptionType::kInt,
     .fallback = "2",
     .help = "lines a second after that",
     .min = 1,
     .max = 1'000'000},
    {.name = "max_unread",
     .type = OptionType::kSize,
     .fallback = "256KiB",
     .help = "bytes that may wait for a member before it is out; less than write_limit",
     .min = 1024},
};

}  // namespace

extern const ServiceType service_type = {
    .name = "chat",
    .summary = "one room for everybody, lines of text",
    .default_port = 10023,
    .doors = kDoors,
    .options = kOptions,
    .speaks_text = true,
    .create = make_service<Chat>,
};

}  // namespace polyport::services::chat
