#include <algorithm>
#include <array>
#include <cerrno>

#include "app/commands/demo/notes.h"
#include "core/ports/port_names.h"
#include "core/ports/ranges.h"

namespace polyport::demo {
namespace {

constexpr std::uint16_t kFirstDynamic = 49152;  // by IANA
constexpr std::uint16_t kFirstUser = 1024;

std::string range_text(EphemeralRange range) {
  return std::to_string(range.low) + "-" + std::to_string(range.high);
}

// The ports that so many clients were lent, each by another listener: the kernel looks for a free
// number from a place that depends on where the call goes. Nothing where the stage has been told.
struct Lent {
  Opened listener;  // of the last
  std::vector<std::uint16_t> ports;
};
std::optional<Lent> lend(Stage& stage, Lab& lab, std::size_t clients) {
  Lent lent;
  for (std::size_t i = 0; i < clients; ++i) {
    lab.close(lent.listener.socket);
    lent.listener = lab.open({.address = home()});
    if (!stage.has("port for a server", lent.listener)) return std::nullopt;
    const Opened client = lab.connect({.peer = lent.listener.local});
    if (!stage.has("connection", client)) return std::nullopt;
    lent.ports.push_back(client.local.port);
    lab.reset(client.socket);
  }
  return lent;
}

std::string numbers(const std::vector<std::uint16_t>& ports) {
  std::string text;
  for (const std::uint16_t port : ports)
    text += (text.empty() ? "" : " ") + std::to_string(port);
  return text;
}

void example_32767(Stage& stage, Lab& lab) {
  constexpr std::uint16_t kExample = 32767;
  const EphemeralRange range = lab.ephemeral();
  const auto lent = lend(stage, lab, 1);
  if (!lent) return;
  stage.line("ip_local_port_range: " + range_text(range) + "; a client here was lent " +
             numbers(lent->ports));
  const bool below = range.low == kExample + 1;
  stage.found(!range.contains(kExample),
              below ? "32767 is the last number below the range: it is never lent."
                    : "32767 is outside the range: it is never lent.",
              "32767 is within the range of this machine.");
  stage.verdict("false on this machine",
                below ? "Off by one, of all numbers." : "The kernel lends from its own range.");
  lab.close(lent->listener.socket);
}

void from_49152(Stage& stage, Lab& lab) {
  const EphemeralRange range = lab.ephemeral();
  const auto lent = lend(stage, lab, 8);
  if (!lent) return;
  lab.close(lent->listener.socket);
  stage.line("ip_local_port_range: " + range_text(range));
  stage.line("8 clients were lent: " + numbers(lent->ports));
  const bool inside = std::all_of(lent->ports.begin(), lent->ports.end(),
                                  [&](std::uint16_t port) { return range.contains(port); });
  const auto below = static_cast<std::size_t>(std::count_if(
      lent->ports.begin(), lent->ports.end(), [](auto port) { return port < kFirstDynamic; }));
  if (!stage.found(inside,
                   "All lie in the range of this kernel, " + std::to_string(below) +
                       " of the 8 below 49152.",
                   "Not all lie in the range of this kernel.")) {
    return stage.verdict("", "");
  }
  if (range.low >= kFirstDynamic) {
    return stage.verdict("true on this machine", "Its range lies within 49152-65535.");
  }
  stage.verdict("false on this machine",
                "49152-65535 is what IANA set aside. This kernel lends " + range_text(range) + ".");
}

void at_start(Stage& stage, Lab& lab) {
  const Opened bare = lab.open({.address = home(), .backlog = Wish::kUnbound});
  if (!stage.has("socket", bare)) return;
  const std::uint16_t none = lab.local(bare.socket).port;
  stage.line("this program is running, and a new socket of it has port " + std::to_string(none));
  stage.found(none == 0,
              "Port 0 stands for none: neither starting a program nor making a socket "
              "takes a port.",
              "The new socket has a port already.");
  const auto lent = lend(stage, lab, 1);
  if (!lent) return;
  stage.line("a server of it has port " + std::to_string(lent->listener.local.port) +
             " by bind, a client port " + numbers(lent->ports) + " by connect");
  stage.found(lent->ports.front() != 0, "A port comes with bind or with connect.",
              "The connection has no port.");
  stage.verdict("false",
                "A client's port comes with its connection, a server chooses its own. Port mapping "
                "is another thing, and only a word here: a router or a container host that passes "
                "one port on to another.");
  lab.close(bare.socket);
  lab.close(lent->listener.socket);
}

// What an ordinary user is answered for a port: by us, or as root by a process that is nobody.
Held try_as_user(Lab& lab, std::uint16_t port) {
  const Held held = lab.hold({.address = home(port), .backlog = Wish::kBindOnly},
                             lab.is_root() ? Where::kAsNobody : Where::kHere);
  lab.end(held);
  return held;
}

std::string user_text(Lab& lab) {
  return lab.is_root() ? " as the user nobody" : "";
}

// Whether an ordinary user may have a port below the border, and the one at it.
bool tell_border(Stage& stage, Lab& lab, std::uint16_t port, std::uint16_t border) {
  const Held held = try_as_user(lab, port);
  if (held.step == Step::kFork) {
    stage.untried("an ordinary user", held.error);
    return false;
  }
  const std::string call = "bind port " + std::to_string(port) + user_text(lab);
  if (port < border) {
    return stage.answered(call, held.error, EACCES, "Refused: a privilege is missing.");
  }
  const bool taken = held.error == EADDRINUSE;  // by somebody who was allowed to
  return stage.answered(call, taken ? EADDRINUSE : held.error, taken ? EADDRINUSE : 0,
                        taken ? "Taken by somebody, but no privilege is missing."
                              : "Allowed, without any privilege.");
}

void up_to_1024(Stage& stage, Lab& lab) {
  const std::uint16_t border = lab.unprivileged_start();
  stage.line("ip_unprivileged_port_start: " + std::to_string(border));
  if (!tell_border(stage, lab, kFirstUser - 1, border)) return stage.verdict("", "");
  if (!tell_border(stage, lab, kFirstUser, border)) return stage.verdict("", "");
  const bool iana = port_range(kFirstUser - 1) == PortRange::kSystem &&
                    port_range(kFirstUser) == PortRange::kUser;
  stage.found(iana, "By IANA 1023 is the last system port, 1024 the first user port.",
              "The ranges are not those of IANA.");
  stage.verdict("off by one", border == kFirstUser
                                  ? "The border lies between 1023 and 1024."
                                  : "IANA's border lies between 1023 and 1024; on this machine an "
                                    "ordinary user may have every port from " +
                                        std::to_string(border) + " up.");
}

void not_for_you(Stage& stage, Lab& lab) {
  constexpr std::uint16_t kSystem = kFirstUser - 1;
  const std::uint16_t border = lab.unprivileged_start();
  stage.line("ip_unprivileged_port_start: " + std::to_string(border));
  if (!tell_border(stage, lab, kSystem, border)) return stage.verdict("", "");
  if (lab.is_root()) {
    Opened own;
    std::uint16_t port = kSystem;
    for (; port > kSystem - 20; --port) {
      own = lab.open({.address = home(port), .backlog = Wish::kBindOnly});
      if (own.error != EADDRINUSE) break;
    }
    stage.answered("bind port " + std::to_string(port) + " as root", own.error, 0,
                   "Allowed: root has the privilege CAP_NET_BIND_SERVICE.");
    lab.close(own.socket);
  }
  stage.verdict(border > kSystem ? "a matter of privilege" : "false on this machine",
                border > kSystem ? "No law keeps these ports: who has the privilege may bind them, "
                                   "and the machine's owner may move the border."
                                 : "The owner of this machine, or its container, moved the border "
                                   "down.");
}

// The first of some registered ports that is free here.
Opened open_registered(Lab& lab) {
  Opened last;
  constexpr std::array<std::uint16_t, 5> kRegistered = {5432, 3306, 6379, 11211, 8080};
  for (const std::uint16_t port : kRegistered) {
    for (const Address& address : {home(port), next_door(port)}) {
      last = lab.open({.address = address});
      if (last.error != EADDRINUSE) return last;
    }
  }
  return last;
}

void must_register(Stage& stage, Lab& lab) {
  const Opened server = open_registered(lab);
  if (!stage.has("registered port that is free", server)) return;
  const std::string name(well_known_port_name(server.local.port, Transport::kTcp));
  stage.line("port " + std::to_string(server.local.port) + " is registered for " + name);
  stage.answered("listen on " + server.local.text(), server.error, 0, "Allowed, and nobody asked.");
  const Opened client = lab.connect({.peer = server.local});
  if (!stage.has("connection", client)) return;
  const Opened child = lab.accept(server.socket, kSoon);
  if (!stage.has("connection in the queue", child)) return;
  lab.say(client.socket, "hello\n");
  const Heard request = lab.hear(child.socket, kSoon);
  lab.say(child.socket, request.bytes);
  const Heard echo = lab.hear(client.socket, kSoon);
  stage.found(echo.bytes == "hello\n",
              "It sends back what it hears: an echo server, not " + name + ".",
              "No echo came back.");
  stage.verdict("false", "A registration is an agreement among people. Nothing enforces it.");
  lab.reset(client.socket);
  lab.close(child.socket);
  lab.close(server.socket);
}

// An outgoing connection whose lent port is a registered number (1024 to 49151), and its server.
struct Outgoing {
  Opened server;
  Opened client;
};
std::optional<Outgoing> connect_from_registered(Stage& stage, Lab& lab) {
  constexpr int kMostTries = 60;
  for (int i = 0; i < kMostTries; ++i) {
    Outgoing pair;
    pair.server = lab.open({.address = home()});
    if (!stage.has("port for a server", pair.server)) return std::nullopt;
    pair.client = lab.connect({.peer = pair.server.local});
    if (!stage.has("connection", pair.client)) return std::nullopt;
    if (port_range(pair.client.local.port) == PortRange::kUser) return pair;
    lab.reset(pair.client.socket);
    lab.close(pair.server.socket);
  }
  stage.cannot("No connection was lent a registered port");
  return std::nullopt;
}

void no_interference(Stage& stage, Lab& lab) {
  const EphemeralRange range = lab.ephemeral();
  stage.line("registered are 1024-49151, lent to clients are " + range_text(range));
  if (range.low >= kFirstDynamic) {
    return stage.verdict("true on this machine", "The two ranges do not meet here.");
  }
  const auto pair = connect_from_registered(stage, lab);
  if (!pair) return;
  const Opened& client = pair->client;
  stage.line("an outgoing connection was lent port " + std::to_string(client.local.port));
  const Opened wanted = lab.open({.address = client.local, .reuse_address = true});
  stage.answered("listen on " + client.local.text() + " with SO_REUSEADDR", wanted.error,
                 EADDRINUSE,
                 "Taken, although nobody listens on it: a client has it for the moment.");
  stage.verdict("false on Linux",
                "A server on a port of the lent range may one day not start, "
                "because some client was lent its number.");
  lab.close(wanted.socket);
  lab.reset(client.socket);
  lab.close(pair->server.socket);
}

void port_zero(Stage& stage, Lab& lab) {
  const Opened server = lab.open({.address = home(0)});
  const std::string given = std::to_string(server.local.port);
  stage.answered("listen on " + home(0).text(), server.error, 0,
                 "The server has port " + given + ": to a bind 0 means any free one.");
  stage.found(server.local.port != 0, "Nothing listens on port 0 itself.", "It has port 0.");
  const Opened client = lab.connect({.peer = home(0)});
  stage.answered("connect to " + home(0).text(), client.error, ECONNREFUSED,
                 "Nobody can be reached there.");
  stage.verdict("half true", "The number is in the range and in the header, but no socket has it.");
  lab.close(server.socket);
  lab.close(client.socket);
}

constexpr std::array kNotes = std::to_array<Note>({
    {3, "The port of your browser is a number like 32767.", example_32767},
    {4, "Clients get their ports from 49152 to 65535.", from_49152},
    {5, "A program is given a port when it starts, which is called port mapping.", at_start},
    {9, "The ports up to and including 1024 are reserved.", up_to_1024},
    {12, "The ports 0 to 1023 are not for you.", not_for_you},
    {13, "Whoever uses a port from 1024 to 49151 has to register it.", must_register},
    {14, "A server on a registered port is not disturbed by clients.", no_interference},
    {20, "Port 0 is a port like the others.", port_zero},
});

}  // namespace

std::span<const Note> notes_on_numbers() {
  return kNotes;
}

}  // namespace polyport::demo
