#include "services/chat/line_door.h"

#include <algorithm>
#include <memory>

#include "core/base/text.h"
#include "services/chat/clean.h"
#include "services/chat/fitting.h"
#include "services/chat/stream_place.h"

namespace polyport::services::chat {

// --- coming and going ----------------------------------------------------------------------------

void LineDoor::on_open(Connection& connection) {
  auto owned = std::make_unique<LineMember>(connection, limits_);
  LineMember& member = *owned;
  connection.set_session(owned.release());
  hub_.enter(member);
  const Place place = member.place();
  connection.send("You are " + member.nick() + " from " + place.address + ", through the " +
                  place.door_text() + ". /help\r\n");
  const Refusal refusal = hub_.join(member, hub_.rules().room);
  if (refusal != Refusal::kNone) {
    const Call call{connection, member, {}};
    call.tell(words(refusal, hub_.rules(), hub_.rules().room) + ": /rooms, /join ROOM");
  }
}

void LineDoor::on_close(Connection& connection, CloseReason reason) {
  const std::unique_ptr<LineMember> member(&member_of(connection));
  connection.set_session(nullptr);
  hub_.leave(*member, reason == CloseReason::kPeerClosed ? "closed the connection" : name(reason),
             Hub::Leave::kMayComeBack);
}

void LineDoor::on_deadline(Connection& connection, CloseReason reason) {
  LineMember& member = member_of(connection);
  if (reason != CloseReason::kIdleTimeout || member.is_leaving()) {
    return StreamHandler::on_deadline(connection, reason);
  }
  hub_.leave(member, name(reason), Hub::Leave::kMayComeBack);
  Call{connection, member, {}}.tell("nothing passed here for a long time: goodbye (idle_timeout)");
  connection.finish(Connection::Linger::kWait, reason);
}

Bytes LineDoor::refusal(CloseReason reason) const {
  return reason == CloseReason::kLimitAddress
             ? "* Too many of you: your address has as many connections here as it may.\r\n"
             : "* The chat is full: come again in a moment.\r\n";
}

void LineDoor::show_out(const Call& call, std::string_view why, std::string_view words) {
  hub_.leave(call.member, why, Hub::Leave::kForGood);
  call.tell(words);
  call.connection.finish();
}

// --- what members type ---------------------------------------------------------------------------

void LineDoor::on_data(Connection& connection, Bytes data) {
  LineMember& member = member_of(connection);
  while (!member.is_leaving()) {
    if (member.is_joining()) return member.held().hold(connection, data);
    const auto item = member.reader().next(data);
    if (!item) return;
    take({connection, member, item->text}, *item);
  }
}

void LineDoor::on_end(Connection& connection) {
  LineMember& member = member_of(connection);
  if (member.is_joining()) return member.held().end(connection);
  if (!member.is_leaving()) {
    if (const auto item = member.reader().end()) take({connection, member, item->text}, *item);
  }
  StreamHandler::on_end(connection);
}

void LineDoor::on_writable(Connection& connection) {
  go_on_with_held(*this, connection, member_of(connection));
}

void LineDoor::take(const Call& call, const LineItem& item) {
  switch (item.kind) {
    case LineItem::Kind::kLine:
      if (!item.text.empty()) take_line(call);
      break;
    case LineItem::Kind::kTooLong:
      if (may_go_on(call, Hub::Cost::kTalk)) answer(call, Refusal::kTooLong, {});
      break;
    case LineItem::Kind::kNotUtf8:
      if (may_go_on(call, Hub::Cost::kTalk)) call.tell("not sent: that line was not UTF-8 text");
      break;
    case LineItem::Kind::kTelnetReply:
      call.connection.send(item.text);
      break;
    case LineItem::Kind::kHttp:
      explain(call, Protocol::kHttp, "spoke HTTP",
              "this is a chat of plain lines, not an HTTP server", "web");
      break;
    case LineItem::Kind::kTls:
      explain(call, Protocol::kTls, "spoke TLS", "this is a chat of plain lines, without TLS", {});
      break;
    case LineItem::Kind::kIrc:
      explain(call, Protocol::kUnknown, "spoke IRC", "this is a chat of plain lines, not of IRC",
              "irc");
      break;
  }
}

void LineDoor::explain(const Call& call, Protocol protocol, std::string_view spoken,
                       std::string_view words, std::string_view other_door) {
  if (protocol != Protocol::kUnknown) call.connection.note_wrong_protocol(protocol);
  std::string text(words);
  text += ". Come in with: polyport connect, nc or telnet, to this port";
  const std::string other = other_door.empty() ? "" : other_door_(other_door);
  if (!other.empty()) {
    text += other_door == "web" ? "; or open http://" + other + "/" : "; or with IRC to " + other;
  }
  show_out(call, spoken, text);
}

bool LineDoor::may_go_on(const Call& call, Hub::Cost cost) {
  const Hub::Flood flood = hub_.charge(call.member, cost);
  if (flood == Hub::Flood::kTold) {
    const Rate rate = cost == Hub::Cost::kTalk ? hub_.rules().talk : hub_.rules().ask();
    call.tell("too fast: not sent. You have " + std::to_string(rate.burst) +
              " lines at once and then " + std::to_string(rate.per_second) + " a second");
  }
  if (flood != Hub::Flood::kFine) return false;
  if (cost == Hub::Cost::kTalk ||
      call.connection.queued_bytes() <= answer_bytes(limits_.unread_bytes)) {
    return true;
  }
  call.tell(kUnreadAnswers);
  return false;
}

void LineDoor::answer(const Call& call, Refusal refusal, std::string_view subject,
                      std::string_view usage) {
  if (refusal == Refusal::kNone) return;
  std::string text = words(refusal, hub_.rules(), subject);
  if (!usage.empty()) text += ": " + std::string(usage);
  if (!call.member.is_plain()) return call.tell(text);
  call.connection.send("refused " + std::string(name(refusal)) + " " + text + "\r\n");
}

void LineDoor::take_line(const Call& call) {
  const std::string_view line = call.argument;
  // "//" begins a line that is to be said with one slash at its beginning.
  const bool is_command = line.starts_with('/') && !line.starts_with("//");
  if (!is_command) {
    if (!may_go_on(call, Hub::Cost::kTalk)) return;
    const std::string_view text = line.starts_with("//") ? line.substr(1) : line;
    return talk({call.connection, call.member, text});
  }
  const Words words = split_word(line.substr(1));
  const auto found = std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& command) {
    return equals_ignoring_case(command.name, words.first);
  });
  if (found == kCommands.end()) {
    if (!may_go_on(call, Hub::Cost::kTalk)) return;
    return call.tell("there is no command /" + std::string(words.first) + ": /help lists them");
  }
  // Whoever wants to leave may.
  if (found->handler != &LineDoor::quit && !may_go_on(call, found->cost)) return;
  (this->*found->handler)({call.connection, call.member, words.rest});
}

}  // namespace polyport::services::chat
