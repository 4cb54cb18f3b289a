#include "services/chat/irc_door.h"

#include <algorithm>
#include <memory>

#include "core/base/text.h"
#include "services/chat/clean.h"

namespace polyport::services::chat {
namespace {

constexpr std::chrono::seconds kRegistrationTime{30};

}  // namespace

IrcDoor::IrcDoor(Hub& hub, const IrcSettings& settings, OtherDoor other_door)
    : hub_(hub),
      settings_(settings),
      shared_{settings.limits, &hub.clock()},
      other_door_(std::move(other_door)) {}

std::span<const IrcDoor::Command> IrcDoor::commands() {
  using W = When;
  using C = Charge;
  static constexpr Command kCommands[] = {
      {"CAP", W::kAlways, C::kFree, 1, &IrcDoor::capabilities},
      {"PASS", W::kAlways, C::kFree, 1, &IrcDoor::password},
      {"NICK", W::kAlways, C::kItself, 0, &IrcDoor::nick},
      {"USER", W::kAlways, C::kFree, 4, &IrcDoor::user},
      {"PING", W::kAlways, C::kFree, 1, &IrcDoor::ping},
      {"PONG", W::kAlways, C::kFree, 0, &IrcDoor::ignore},
      {"QUIT", W::kAlways, C::kFree, 0, &IrcDoor::quit},
      {"PRIVMSG", W::kRegistered, C::kItself, 0, &IrcDoor::privmsg},
      {"NOTICE", W::kRegistered, C::kItself, 0, &IrcDoor::notice},
      {"JOIN", W::kRegistered, C::kItself, 1, &IrcDoor::join},
      {"PART", W::kRegistered, C::kAsk, 1, &IrcDoor::part},
      {"TOPIC", W::kRegistered, C::kAsk, 1, &IrcDoor::topic},
      {"KICK", W::kRegistered, C::kAsk, 2, &IrcDoor::kick},
      {"OPER", W::kRegistered, C::kAsk, 2, &IrcDoor::become_operator},
      {"MUTE", W::kRegistered, C::kAsk, 1, &IrcDoor::mute},
      {"UNMUTE", W::kRegistered, C::kAsk, 1, &IrcDoor::unmute},
      {"NAMES", W::kRegistered, C::kAsk, 0, &IrcDoor::names},
      {"WHO", W::kRegistered, C::kAsk, 0, &IrcDoor::who},
      {"WHOIS", W::kRegistered, C::kAsk, 1, &IrcDoor::whois},
      {"LIST", W::kRegistered, C::kAsk, 0, &IrcDoor::list},
      {"MODE", W::kRegistered, C::kAsk, 1, &IrcDoor::mode},
      {"ISON", W::kRegistered, C::kAsk, 1, &IrcDoor::is_on},
      {"USERHOST", W::kRegistered, C::kAsk, 1, &IrcDoor::userhost},
      {"AWAY", W::kRegistered, C::kAsk, 0, &IrcDoor::away},
      {"MOTD", W::kRegistered, C::kAsk, 0, &IrcDoor::motd},
      {"LUSERS", W::kRegistered, C::kAsk, 0, &IrcDoor::lusers},
      {"VERSION", W::kRegistered, C::kAsk, 0, &IrcDoor::version},
  };
  return kCommands;
}

// --- coming and going ----------------------------------------------------------------------------

void IrcDoor::on_open(Connection& connection) {
  connection.set_session(new IrcMember(connection, shared_));
  connection.set_deadline(kRegistrationTime, CloseReason::kHandshakeTimeout);
}

void IrcDoor::on_close(Connection& connection, CloseReason reason) {
  const std::unique_ptr<IrcMember> member(&member_of(connection));
  connection.set_session(nullptr);
  hub_.leave(*member, reason == CloseReason::kPeerClosed ? "closed the connection" : name(reason),
             Hub::Leave::kMayComeBack);
}

void IrcDoor::show_out(Connection& connection, IrcMember& member, std::string_view why,
                       std::string_view words) {
  hub_.leave(member, why, Hub::Leave::kForGood);
  member.end_registration();
  connection.send("ERROR :Closing link: " + std::string(words) + "\r\n");
  connection.finish();
}

// Silence is asked about once, and then taken for an end.
void IrcDoor::on_deadline(Connection& connection, CloseReason) {
  IrcMember& member = member_of(connection);
  if (member.registration() != nullptr) {
    member.end_registration();
    connection.send("ERROR :Closing link: no NICK and USER came within 30 s\r\n");
    return connection.finish(Connection::Linger::kWait, CloseReason::kHandshakeTimeout);
  }
  if (member.heard_since(connection.bytes_in())) {
    member.set_pinged(false);
    return connection.set_deadline(settings_.ping_interval, CloseReason::kIdleTimeout);
  }
  if (member.is_pinged()) {
    connection.send("ERROR :Closing link: no answer to PING\r\n");
    return connection.finish(Connection::Linger::kWait, CloseReason::kIdleTimeout);
  }
  member.set_pinged(true);
  connection.send("PING :" + std::string(kIrcHost) + "\r\n");
  connection.set_deadline(settings_.ping_timeout, CloseReason::kIdleTimeout);
}

// --- what clients send ---------------------------------------------------------------------------

void IrcDoor::on_data(Connection& connection, Bytes data) {
  IrcMember& member = member_of(connection);
  while (!member.is_leaving()) {
    const auto item = member.reader().next(data);
    if (!item) return;
    take(connection, member, *item);
  }
}

void IrcDoor::take(Connection& connection, IrcMember& member, const IrcItem& item) {
  switch (item.kind) {
    case IrcItem::Kind::kLine:
      if (const auto message = parse_irc(item.text)) take_line({connection, member, *message});
      break;
    case IrcItem::Kind::kTooLong:
      // 417 of modern servers; RFC 1459 has no word for it.
      connection.send(irc_reply("417", member.nick(), ":not taken: a line has at most 512 bytes"));
      break;
    case IrcItem::Kind::kHttp:
      explain(connection, member, Protocol::kHttp, "HTTP");
      break;
    case IrcItem::Kind::kTls:
      explain(connection, member, Protocol::kTls, "TLS");
      break;
  }
}

void IrcDoor::explain(Connection& connection, IrcMember& member, Protocol protocol,
                      std::string_view spoken) {
  connection.note_wrong_protocol(protocol);
  std::string words = "this is a chat for clients of IRC, without " + std::string(spoken);
  const std::string web = protocol == Protocol::kHttp ? other_door_("web") : "";
  if (!web.empty()) words += "; its page is http://" + web + "/";
  show_out(connection, member, "spoke " + std::string(spoken), words);
}

void IrcDoor::take_line(const Call& call) {
  const auto all = commands();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Command& command) {
    return equals_ignoring_case(command.name, call.message.command);
  });
  const bool registered = call.member.registration() == nullptr;
  if (!registered && (found == all.end() || found->when == When::kRegistered)) {
    return call.reply(irc::kNotRegistered, ":say who you are first: NICK and USER");
  }
  const std::string shown = without_controls(call.message.command.substr(0, 32));
  if (found == all.end()) {
    if (!may_go_on(call, Hub::Cost::kAsk)) return;
    return call.reply(irc::kUnknownCommand, shown + " :there is no such command here");
  }
  if (found->charge == Charge::kAsk && !may_go_on(call, Hub::Cost::kAsk)) return;
  if (call.message.count < found->least) {
    return call.reply(irc::kNeedMore,
                      shown + " :it needs " + std::to_string(found->least) + " parameters");
  }
  (this->*found->handler)(call);
}

bool IrcDoor::may_go_on(const Call& call, Hub::Cost cost) {
  const Hub::Flood flood = hub_.charge(call.member, cost);
  if (flood == Hub::Flood::kTold) {
    const Rate rate = cost == Hub::Cost::kTalk ? hub_.rules().talk : hub_.rules().ask();
    call.notice("too fast: not sent. You have " + std::to_string(rate.burst) +
                " lines at once and then " + std::to_string(rate.per_second) + " a second");
  }
  return flood == Hub::Flood::kFine;
}

std::optional<std::string> IrcDoor::text_of(const Call& call, std::string_view raw) {
  auto text = clean(raw);
  if (!text) call.notice("not sent: that line was not UTF-8 text");
  return text;
}

void IrcDoor::answer(const Call& call, Refusal refusal, std::string_view subject) {
  if (refusal == Refusal::kNone) return;
  std::string_view number;
  switch (refusal) {
    case Refusal::kNone:
      return;
    case Refusal::kNickNotLegal:
      number = irc::kBadNick;
      break;
    case Refusal::kNickTaken:
    case Refusal::kNickLooksTaken:
    case Refusal::kNickHeld:
    case Refusal::kNickReserved:
      number = irc::kNickInUse;
      break;
    case Refusal::kRoomNotLegal:
      number = irc::kBadChannel;
      break;
    case Refusal::kNoSuchRoom:
      number = irc::kNoSuchChannel;
      break;
    case Refusal::kNotInRoom:
      number = irc::kNotOnChannel;
      break;
    case Refusal::kRoomFull:
      number = irc::kChannelFull;
      break;
    case Refusal::kTooManyRooms:
    case Refusal::kTooManyRoomsOfMember:
      number = irc::kTooManyChannels;
      break;
    case Refusal::kNobody:
      number = irc::kNoSuchNick;
      break;
    case Refusal::kNotThere:
      number = irc::kNotInChannel;
      break;
    case Refusal::kNothingSaid:
      return call.reply(irc::kNoText, ":there is nothing in it");
    case Refusal::kTooLong:
    case Refusal::kMuted:
      number = irc::kCannotSend;
      break;
    case Refusal::kNotOperator:
      return call.reply(irc::kNotOperator, ":only an operator may do that");
    case Refusal::kNoOperators:
      number = irc::kNoOperators;
      break;
    case Refusal::kWrongPassword:
      return call.reply(irc::kWrongPassword, ":that is not the password");
  }
  // A word of the line goes back as one word.
  std::string word = without_controls(subject.substr(0, 64));
  if (word.empty() || word.starts_with(':') || word.find(' ') != std::string::npos) word = "*";
  call.reply(number, word + " :" + words(refusal, hub_.rules(), subject));
}

}  // namespace polyport::services::chat
