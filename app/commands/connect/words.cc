// The sentences about connections that live and end. Those about failures stand in
// failure_words.cc.
#include "app/commands/connect/words.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "app/commands/exit_code.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/ports/port_names.h"

namespace polyport {
namespace {

constexpr std::size_t kLabelWidth = 12;
constexpr std::string_view kArrow = "  \xE2\x86\x92  ";  // →

std::string counted(std::uint64_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

std::string range_text(std::uint16_t port) {
  switch (port_range(port)) {
    case PortRange::kSystem:
      return "the system range 0-1023";
    case PortRange::kUser:
      return "the user range 1024-49151";
    case PortRange::kDynamic:
      break;
  }
  return "the dynamic range 49152-65535";
}

std::string lent_text(EphemeralRange lent) {
  return std::to_string(lent.low) + "-" + std::to_string(lent.high);
}

std::string local_port_line(const Ends& ends, LocalPort local_port, EphemeralRange lent) {
  const std::uint16_t port = ends.local.port;
  std::string line = std::to_string(port);
  if (local_port == LocalPort::kLent) {
    return line + " is your ephemeral port: Linux lends " + lent_text(lent) +
           " (IANA says 49152-65535)";
  }
  line += " is the port you asked for with --bind";
  if (ends.transport == Transport::kTcp) line += " (SO_REUSEADDR is set)";
  line += ", in " + range_text(port);
  if (lent.contains(port)) line += "; Linux also lends it to others (" + lent_text(lent) + ")";
  return line;
}

std::string server_port_line(const Ends& ends) {
  const std::uint16_t port = ends.peer.port;
  std::string line = std::to_string(port) + " is the server's port, in " + range_text(port);
  const std::string name = port_name(port, ends.transport);
  return name.empty() ? line : line + ", registered for " + name;
}

std::string moved_text(const Ending& ending) {
  return counted(ending.bytes_out, "byte") + " out, " + std::to_string(ending.bytes_in) + " in";
}

// Whoever sends the first FIN keeps the pair of addresses for a while.
std::string time_wait_text(const Ends& ends, const Ending& ending) {
  if (ends.transport == Transport::kUnix) return " A unix socket has no port and no TIME_WAIT.";
  if (ending.bytes_unread) {
    return " Bytes of the server were left unread, so closing sent a reset (RST).";
  }
  const bool server_first = ending.cause == Ending::Cause::kServerFinished;
  if (!server_first && !ending.fin_received) return " The server has not closed its side yet.";
  const Address& keeper = server_first ? ends.peer : ends.local;
  // 60 s is Linux; what a machine elsewhere does cannot be seen from here.
  const bool here = !server_first || ends.peer.is_loopback();
  return " " + keeper.text() + " now waits " + (here ? "60 s " : "") + "in TIME_WAIT, on " +
         (server_first ? "the server's side." : "your side.");
}

std::string_view first_fin(const Ends& ends) {
  return ends.transport == Transport::kUnix ? " (end of input), " : " (FIN), ";
}

}  // namespace

std::string far_text(const Ends& ends) {
  if (ends.transport == Transport::kUnix) {
    return (ends.path.starts_with('/') ? "unix://" : "unix:") + printable(ends.path);
  }
  return (ends.transport == Transport::kUdp ? "udp " : "") + ends.peer.text();
}

std::string pair_text(const Ends& ends) {
  const std::string near =
      ends.transport == Transport::kUnix ? "you, without an address" : "you " + ends.local.text();
  return near + std::string(kArrow) + far_text(ends);
}

std::string labelled(std::string_view label, std::string_view sentence) {
  std::string line(label);
  line.append(label.size() < kLabelWidth ? kLabelWidth - label.size() : 2, ' ');
  return line + std::string(sentence) + "\n";
}

std::string opened_text(const Ends& ends, LocalPort local_port, EphemeralRange lent) {
  // A datagram socket is connected to nobody: nothing has been sent yet.
  const bool is_udp = ends.transport == Transport::kUdp;
  std::string text = labelled(is_udp ? "ready" : "connected", pair_text(ends));
  if (ends.transport == Transport::kUnix) {
    return text + labelled("",
                           "a unix socket has a path instead of ports; it never leaves this "
                           "machine");
  }
  text += labelled("", local_port_line(ends, local_port, lent));
  text += labelled("", server_port_line(ends));
  if (ends.local == ends.peer) {
    text += labelled("", "both ends are you: the system lent you the very port you called");
  }
  return text;
}

std::string closed_text(const Ends& ends, const Ending& ending) {
  const std::string moved = moved_text(ending);
  const std::string waited = human_duration(ending.waited);
  switch (ending.cause) {
    case Ending::Cause::kServerFinished:
      return labelled("closed", "by the server first" + std::string(first_fin(ends)) + moved + "." +
                                    time_wait_text(ends, ending));
    case Ending::Cause::kBroken:
      if (ending.error == ECONNRESET || ending.error == EPIPE) {
        return labelled("reset", "by the server (RST), " + moved +
                                     ". After a reset nobody waits in TIME_WAIT.");
      }
      return labelled("lost", std::string(std::strerror(ending.error)) + ", " + moved + ".");
    case Ending::Cause::kServerSilent:
      return labelled("given up", "the server has sent nothing for " + waited +
                                      " and has not closed, " + moved +
                                      ". --wait 60s waits longer, --hold without end.");
    case Ending::Cause::kServerFull:
      return labelled("given up", "the server has taken nothing for " + waited + ", " + moved +
                                      ". --wait 60s waits longer.");
    case Ending::Cause::kOutputGone:
      return labelled("closed", "you first, as " +
                                    (ending.error == EPIPE
                                         ? "nobody reads the output any more"
                                         : "the output cannot be written (" +
                                               std::string(std::strerror(ending.error)) + ")") +
                                    ", " + moved + "." + time_wait_text(ends, ending));
    case Ending::Cause::kWeFinished:
    case Ending::Cause::kInterrupted:
      break;
  }
  return labelled("closed", "you first" + std::string(first_fin(ends)) + moved + "." +
                                time_wait_text(ends, ending));
}

int closed_exit(const Ending& ending) {
  switch (ending.cause) {
    case Ending::Cause::kBroken:
    case Ending::Cause::kServerSilent:
    case Ending::Cause::kServerFull:
      return kExitNo;
    case Ending::Cause::kOutputGone:
      return ending.error == EPIPE ? kExitOk : kExitFailed;
    default:
      return kExitOk;
  }
}

std::string datagrams_closed_text(const Ends& ends, const DatagramEnding& ending) {
  const std::string sent =
      counted(ending.datagrams_out, "datagram") + " (" + counted(ending.bytes_out, "byte") + ")";
  const std::string moved = sent + " out, " + std::to_string(ending.datagrams_in) + " (" +
                            counted(ending.bytes_in, "byte") + ") in";
  if (ending.cause == DatagramEnding::Cause::kBroken) {
    if (ending.error == ECONNREFUSED) {
      return labelled("refused", far_text(ends) + ": nobody has this UDP port there (ICMP port " +
                                     "unreachable, ECONNREFUSED), " + moved + ".");
    }
    if (ending.error == EMSGSIZE) {
      return labelled("too long",
                      "a datagram takes at most 65507 bytes, less on some ways "
                      "(EMSGSIZE), " +
                          moved + ".");
    }
    return labelled("lost", std::string(std::strerror(ending.error)) + ", " + moved + ".");
  }
  if (ending.cause == DatagramEnding::Cause::kTimeOver && ending.datagrams_in == 0) {
    return labelled("no answer", "within " + human_duration(ending.waited) + " to " + sent +
                                     ". Over UDP a silent service and a lost datagram look the "
                                     "same; --wait 5s waits longer.");
  }
  return labelled("closed", moved + ". UDP knows no closing and no TIME_WAIT: " +
                                ends.local.text() + " is free at once.");
}

int datagrams_closed_exit(const DatagramEnding& ending) {
  switch (ending.cause) {
    case DatagramEnding::Cause::kBroken:
      return kExitNo;
    case DatagramEnding::Cause::kOutputGone:
      return ending.error == EPIPE ? kExitOk : kExitFailed;
    case DatagramEnding::Cause::kTimeOver:
      return ending.datagrams_in == 0 ? kExitNo : kExitOk;
    case DatagramEnding::Cause::kInterrupted:
      break;
  }
  return kExitOk;
}

std::string time_text(std::string_view four_bytes) {
  constexpr std::int64_t kSecondsFrom1900To1970 = 2'208'988'800;
  std::uint32_t number = 0;
  for (const char byte : four_bytes.substr(0, 4)) {
    number = (number << 8) | static_cast<unsigned char>(byte);
  }
  const std::time_t seconds = static_cast<std::int64_t>(number) - kSecondsFrom1900To1970;
  std::tm utc{};
  std::array<char, 40> date{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return {};
  std::strftime(date.data(), date.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  return labelled("", "four bytes are the number " + std::to_string(number) +
                          "; as seconds since 1900 (RFC 868) that is " + date.data());
}

}  // namespace polyport
