#include "app/narrator.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/text.h"

namespace polyport {
namespace {

// "127.0.0.1:10007" -> {"127.0.0.1", "10007"}; a path has no port.
std::pair<std::string, std::string> parts_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || address.starts_with('/')) return {address, ""};
  return {address.substr(0, colon), address.substr(colon + 1)};
}

std::string place(const std::string& address) {
  const auto [host, port] = parts_of(address);
  if (port.empty()) return "the path " + host;
  if (port == "0") return "the port that the kernel chose on " + host;
  if (host == "0.0.0.0" || host == "[::]") return "port " + port + " on every address";
  return "port " + port + " on " + host;
}

std::string call_text(const sock::Call& call) {
  std::string text = std::string(call.name) + "(";
  const bool makes_it = call.name == "socket";
  if (!makes_it) text += std::to_string(call.fd);
  const bool shows_arguments = !call.arguments.empty() && call.name != "accept4";
  if (shows_arguments) text += (makes_it ? "" : ", ") + printable(call.arguments, 120);
  text += ") = " + std::to_string(call.result);
  if (call.result < 0) text += std::string(" ") + strerrorname_np(call.error);
  return text;
}

}  // namespace

std::string Narrator::tell(const sock::Call& call) {
  constexpr std::size_t kSentenceColumn = 44;
  std::string line = call_text(call);
  if (line.size() + 2 < kSentenceColumn) {
    line.resize(kSentenceColumn, ' ');
  } else {
    line += "  ";
  }
  // A connect that does not wait is under way, which is no failure.
  const bool failed = call.result < 0 && call.error != EINPROGRESS;
  return line + printable(failed ? failure(call) : sentence(call), 400) + "\n";
}

std::string Narrator::sentence(const sock::Call& call) {
  if (call.name == "socket") return told_socket(call);
  if (call.name == "setsockopt") return told_option(call);
  if (call.name == "bind") return told_bind(call);
  if (call.name == "accept4") return told_accept(call);
  if (call.name == "close") return told_close(call);
  if (call.name == "listen") {
    Known& known = known_[call.fd];
    known.listens = true;
    return "clients can connect to " + place(known.local) +
           " from now on: the kernel answers them and keeps them in a queue";
  }
  if (call.name == "shutdown") {
    return "we have said everything: the kernel sends our FIN to " + known_[call.fd].peer;
  }
  if (call.name == "connect") return told_connect(call);
  return "";
}

std::string Narrator::failure(const sock::Call& call) const {
  switch (call.error) {
    case EADDRINUSE:
      return "refused: another socket holds this address and port";
    case EACCES:
      return "refused: this user may not have this port";
    case EADDRNOTAVAIL:
      return "refused: this machine has no such address";
    case EAFNOSUPPORT:
      return "refused: this machine does not speak this kind of address";
    case EMFILE:
    case ENFILE:
      return "refused: no file descriptors are left; the client stays in the queue";
    case ECONNREFUSED:
      return "refused: nobody listens there";
    case ENOTCONN:
      return "the client is gone already";
    default:
      return std::string("failed: ") + std::strerror(call.error);
  }
}

std::string Narrator::told_socket(const sock::Call& call) {
  const bool datagrams = call.arguments.find("SOCK_DGRAM") != std::string::npos;
  const bool ipv6 = call.arguments.starts_with("AF_INET6");
  const bool local = call.arguments.starts_with("AF_UNIX");
  Known known{.datagrams = datagrams,
              .family = local  ? "this machine only"
                        : ipv6 ? "IPv6"
                               : "IPv4"};
  const std::string kind = local ? "unix" : datagrams ? "UDP" : "TCP";
  const std::string family = known.family;
  known_[call.result] = std::move(known);
  return "a new " + kind + " socket for " + family + ": a number (" + std::to_string(call.result) +
         ") for us, no port yet";
}

std::string Narrator::told_option(const sock::Call& call) const {
  const std::string_view option = std::string_view(call.arguments);
  const auto is = [option](std::string_view name) { return option.starts_with(name); };
  if (is("SO_REUSEADDR")) return "the port may be taken again although old connections linger";
  if (is("SO_REUSEPORT")) return "other sockets of this user may take the same port beside it";
  if (is("IPV6_V6ONLY")) return "IPv6 only: the same port stays free for IPv4";
  if (is("TCP_NODELAY")) return "small answers leave at once";
  if (is("TCP_DEFER_ACCEPT")) return "the kernel hands a client over when it has said something";
  if (is("SO_LINGER")) return "the close that follows will be a reset (RST)";
  if (is("IP_BIND_ADDRESS_NO_PORT")) return "the port is chosen when we connect, not before";
  if (is("IP_PKTINFO") || is("IPV6_RECVPKTINFO")) {
    return "each datagram will tell which of our addresses it was sent to";
  }
  if (is("SO_RXQ_OVFL")) return "the kernel will tell how many datagrams it had to drop";
  if (is("SO_RCVBUF") || is("SO_SNDBUF")) return "the size of a buffer in the kernel";
  return "an option of this socket";
}

std::string Narrator::told_bind(const sock::Call& call) {
  Known& known = known_[call.fd];
  known.local = call.arguments;
  if (parts_of(call.arguments).second == "0") {
    return "the kernel chose a free port and reserved it for this process";
  }
  const std::string reserved = "the kernel reserved " + place(call.arguments) + " for this process";
  return known.datagrams ? reserved + ": datagrams for it wait here from now on" : reserved;
}

std::string Narrator::told_connect(const sock::Call& call) {
  Known& known = known_[call.fd];
  known.peer = call.arguments;
  if (parts_of(call.arguments).second.empty()) return "we are in the queue of " + call.arguments;
  if (known.datagrams) return "from now on this socket speaks with " + call.arguments + " only";
  return "the kernel sends a SYN to " + call.arguments;
}

std::string Narrator::told_accept(const sock::Call& call) {
  const auto listener = known_.find(call.fd);
  const std::string port = listener == known_.end() ? "" : parts_of(listener->second.local).second;
  known_[call.result] = {.peer = call.arguments};
  std::string text =
      call.arguments + " leaves the queue and becomes socket " + std::to_string(call.result);
  if (!port.empty() && port != "0") text += "; our end of it is still port " + port;
  return text;
}

std::string Narrator::told_close(const sock::Call& call) {
  const auto found = known_.find(call.fd);
  if (found == known_.end()) return "the descriptor is given back";
  const Known known = std::move(found->second);
  known_.erase(found);
  if (!known.peer.empty()) return "the connection with " + known.peer + " is over";
  if (known.local.empty()) return "the socket is given back; it never had a port";
  return place(known.local) + " is free for others again";
}

}  // namespace polyport
