#include "app/watch.h"

#include <array>
#include <chrono>
#include <ctime>

#include "core/base/units.h"

namespace polyport {
namespace {

std::string clock_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 16> text{};
  std::strftime(text.data(), text.size(), "%H:%M:%S", &local);
  return text.data();
}

// "#1  127.0.0.1:51658" came to us, "#2  → 127.0.0.1:5432" we went to.
std::string who(std::uint64_t number, const Address& peer, EventSink::Way way) {
  const bool outgoing = way == EventSink::Way::kOutgoing;
  return "#" + std::to_string(number) + "  " + (outgoing ? "→ " : "") + peer.text();
}

}  // namespace

Watch::Watch(Loop& loop, Events& events, Terminal& terminal, Paint paint)
    : loop_(loop), events_(events), terminal_(terminal), paint_(paint), count_(loop, [this] {
        show_counts();
      }) {
  events_.add(*this);
}

Watch::~Watch() {
  show_counts();
  events_.remove(*this);
}

void Watch::on_opened(const Opened& event) {
  const std::uint64_t number = ++last_number_;
  numbers_[event.conn] = number;
  if (may_show()) {
    show(event.service, who(number, event.peer, event.way) + "  open");
  } else {
    ++hidden_opened_;
  }
}

void Watch::on_closed(const Closed& event) {
  const auto found = numbers_.find(event.conn);
  if (found == numbers_.end()) return;
  const std::uint64_t number = found->second;
  numbers_.erase(found);
  if (!may_show()) {
    ++hidden_closed_;
    return;
  }
  const std::chrono::milliseconds age(event.age_ms);
  show(event.service, who(number, event.peer, event.way) + "  " +
                          std::string(close_sentence(event.reason, event.way)) + ", " +
                          human_duration(age) + ", " + human_size(event.bytes_in) + " in, " +
                          human_size(event.bytes_out) + " out");
}

void Watch::on_wrong_protocol(const WrongProtocol& event) {
  const auto found = numbers_.find(event.conn);
  if (found == numbers_.end() || !may_show()) return;
  show(event.service, who(found->second, event.peer, Way::kAccepted) + "  speaks " +
                          std::string(spoken(event.protocol)) + ": is it the right port?");
}

void Watch::on_dial_failed(const DialFailed& event) {
  if (may_show()) {
    show(event.service, "→ " + event.text);
  } else {
    ++hidden_failed_;
  }
}

void Watch::on_listening(const Listening& event) {
  show(event.service, event.bound + "  has its port now");
}

bool Watch::may_show() {
  if (loop_.now_ms() - second_began_ms_ >= 1000) {
    second_began_ms_ = loop_.now_ms();
    shown_ = 0;
  }
  if (shown_ < kLinesPerSecond) {
    ++shown_;
    return true;
  }
  if (!count_.active()) count_.start(std::chrono::seconds(1));
  return false;
}

void Watch::show(std::string_view service, const std::string& what) {
  const bool colour = paint_ == Paint::kColour;
  std::string line = clock_text() + "  ";
  line += colour ? "\x1b[1m" + std::string(service) + "\x1b[0m" : std::string(service);
  line += "  " + what + "\n";
  terminal_.write(line);
}

void Watch::show_counts() {
  if (hidden_opened_ == 0 && hidden_closed_ == 0 && hidden_failed_ == 0) return;
  std::string line = clock_text() + "  and " + std::to_string(hidden_opened_) + " more opened, " +
                     std::to_string(hidden_closed_) + " more closed";
  if (hidden_failed_ > 0) line += ", " + std::to_string(hidden_failed_) + " more not reached";
  terminal_.write(line + "; " + std::to_string(numbers_.size()) + " are open\n");
  hidden_opened_ = 0;
  hidden_closed_ = 0;
  hidden_failed_ = 0;
}

namespace {

// What it is called where we are the client; empty where it is called the same.
std::string_view outgoing_sentence(CloseReason reason) {
  switch (reason) {
    case CloseReason::kPeerClosed:
      return "closed by the upstream";
    case CloseReason::kFinished:
    case CloseReason::kServiceClosed:
      return "closed by us";
    case CloseReason::kResetByPeer:
      return "reset by the upstream (RST)";
    case CloseReason::kWriteTimeout:
      return "reset: the upstream did not read";
    case CloseReason::kSlowReader:
      return "closed: the upstream reads too slowly";
    default:
      return "";
  }
}

}  // namespace

std::string_view close_sentence(CloseReason reason, EventSink::Way way) {
  if (way == EventSink::Way::kOutgoing) {
    if (const std::string_view sentence = outgoing_sentence(reason); !sentence.empty()) {
      return sentence;
    }
  }
  switch (reason) {
    case CloseReason::kPeerClosed:
      return "closed by the client";
    case CloseReason::kFinished:
    case CloseReason::kServiceClosed:
      return "closed by the server";
    case CloseReason::kResetByPeer:
      return "reset by the client (RST)";
    case CloseReason::kIdleTimeout:
      return "closed: idle for too long";
    case CloseReason::kHeaderTimeout:
      return "closed: the request's head took too long";
    case CloseReason::kBodyTimeout:
      return "closed: the request's body came too slowly";
    case CloseReason::kWriteTimeout:
      return "reset: the client did not read";
    case CloseReason::kHandshakeTimeout:
      return "closed: the handshake took too long";
    case CloseReason::kSlowReader:
      return "closed: the client reads too slowly";
    case CloseReason::kProtocolError:
      return "closed: the client broke the protocol";
    case CloseReason::kTlsError:
      return "closed: TLS failed";
    case CloseReason::kLimitConnections:
      return "refused: too many connections";
    case CloseReason::kLimitAddress:
      return "refused: too many connections from this address";
    case CloseReason::kLimitRate:
      return "refused: too many connections at once";
    case CloseReason::kLimitMemory:
      return "closed: the server is short of memory, and this one held much";
    case CloseReason::kLimitQueued:
      return "closed: too many bytes wait to be sent, most of them to this one";
    case CloseReason::kDescriptorLimit:
      return "refused: no file descriptors left";
    case CloseReason::kDenied:
      return "refused: allow and deny say so";
    case CloseReason::kMadeRoom:
      return "closed: idle, to make room for others";
    case CloseReason::kDrain:
      return "closed: the server stops";
    case CloseReason::kKicked:
      return "closed by the administrator";
    case CloseReason::kFault:
      return "closed: an injected fault";
    case CloseReason::kServiceError:
      return "closed: the service failed";
    case CloseReason::kUpstreamFailed:
      return "reset: the upstream did not answer, or broke off";
  }
  return name(reason);
}

}  // namespace polyport
