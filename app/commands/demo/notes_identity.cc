#include <algorithm>
#include <array>
#include <cerrno>

#include "app/commands/demo/free_ports.h"
#include "app/commands/demo/notes.h"

namespace polyport::demo {
namespace {

// A listener on a number that nobody else has with any protocol or address.
Opened open_apart(Lab& lab, bool reuse_port = false) {
  return lab.open({.address = home(free_number(lab)), .reuse_port = reuse_port});
}

// A listener, clients, and the server's ends of their connections.
struct Party {
  Opened listener;
  std::vector<Opened> clients;
  std::vector<Opened> children;
};

// Nothing where the stage has been told why.
std::optional<Party> gather(Stage& stage, Lab& lab, std::size_t clients) {
  Party party;
  party.listener = lab.open({.address = home()});
  if (!stage.has("port for a server", party.listener)) return std::nullopt;
  for (std::size_t i = 0; i < clients; ++i) {
    party.clients.push_back(lab.connect({.peer = party.listener.local}));
    if (!stage.has("connection", party.clients.back())) return std::nullopt;
    party.children.push_back(lab.accept(party.listener.socket, kSoon));
    if (!stage.has("connection in the queue", party.children.back())) return std::nullopt;
  }
  return party;
}

void part(Lab& lab, const Party& party) {
  for (const Opened& client : party.clients)
    lab.reset(client.socket);
  for (const Opened& child : party.children)
    lab.close(child.socket);
  lab.close(party.listener.socket);
}

void tell_ends(Stage& stage, const Party& party) {
  for (const Opened& child : party.children)
    stage.line("server's end " + child.local.text() + ", client's end " + child.peer.text());
}

void fresh_port(Stage& stage, Lab& lab) {
  const auto party = gather(stage, lab, 3);
  if (!party) return;
  tell_ends(stage, *party);
  const Address& server = party->listener.local;
  const bool same = std::all_of(party->children.begin(), party->children.end(),
                                [&](const Opened& child) { return child.local == server; });
  stage.found(same,
              "Three connections, and the server's end of each is port " +
                  std::to_string(server.port) + ".",
              "The server's ends are not all on the port that was called.");
  stage.verdict("false",
                "The server answers from the port that was called. What differs is the "
                "port of the client.");
  part(lab, *party);
}

// Connects from three ports to one place; how many were made.
std::size_t connect_three(Lab& lab, Address from, std::span<const std::uint16_t> ports,
                          const Address& to, std::vector<int>& open) {
  std::size_t made = 0;
  for (const std::uint16_t port : ports) {
    from.port = port;
    const Opened client = lab.connect({.peer = to, .from = from, .reuse_address = true});
    if (!client.ok()) continue;
    ++made;
    open.push_back(client.socket);
  }
  return made;
}

void sixty_five_thousand(Stage& stage, Lab& lab) {
  const Opened one = lab.open({.address = home(), .backlog = 64});
  if (!stage.has("port for a server", one)) return;
  const Opened other = lab.open({.address = home(), .backlog = 64});
  if (!stage.has("port for a server", other)) return;
  const std::vector<std::uint16_t> ports = free_numbers(lab, 3);
  if (ports.size() != 3) return stage.cannot("No three ports are free");
  std::vector<std::string> numbers;
  for (const std::uint16_t port : ports)
    numbers.push_back(std::to_string(port));
  std::vector<int> open;
  struct Row {
    Address from;
    Address to;
  };
  for (const Row& row :
       {Row{home(), one.local}, Row{home(), other.local}, Row{next_door(), one.local}}) {
    const std::size_t made = connect_three(lab, row.from, ports, row.to, open);
    stage.line(row.from.ip_text() + ", ports " + listed(numbers) + ", to " + row.to.text() + ": " +
               counted(made, "connection"));
  }
  const auto alive = static_cast<std::size_t>(std::count_if(
      open.begin(), open.end(), [&](int socket) { return lab.is_established(socket); }));
  stage.found(alive == 9,
              "Nine connections live at once on three client ports, six of them on one port of a "
              "server.",
              counted(alive, "connection") + " live at once, nine were expected.");
  stage.verdict("false",
                "The numbers are limited for one pair of addresses and one port at the "
                "other end. A server has one port for all its clients.");
  for (const int socket : open)
    lab.reset(socket);
  lab.close(one.socket);
  lab.close(other.socket);
}

void names_a_process(Stage& stage, Lab& lab) {
  const Opened shared = open_apart(lab, true);
  if (!stage.has("port", shared)) return;
  const Opened second = lab.open({.address = home()});
  if (!stage.has("second port", second)) return;
  stage.line("this process listens on " + shared.local.text() + " and on " + second.local.text());
  const std::string port = std::to_string(shared.local.port);
  const Held held = lab.hold({.address = shared.local, .reuse_port = true}, Where::kHere);
  stage.answered("listen on " + shared.local.text() + " in a second process, SO_REUSEPORT on both",
                 held.error, 0,
                 "Process " + std::to_string(held.pid) +
                     " has the same port: two processes, one "
                     "port.");
  const Opened udp = lab.open({.transport = Transport::kUdp, .address = shared.local});
  stage.answered("bind " + shared.local.text() + " with UDP", udp.error, 0,
                 "The same number again, with the other protocol.");
  const Opened beside = lab.open({.address = next_door(shared.local.port)});
  stage.answered("listen on " + next_door(shared.local.port).text(), beside.error, 0,
                 "And on another address.");
  stage.verdict("half true",
                "A number, an address and a protocol lead to a socket. A process may "
                "have many sockets, and one socket may have several processes.");
  lab.end(held);
  for (const Opened& socket : {shared, second, udp, beside})
    lab.close(socket.socket);
}

void one_end(Stage& stage, Lab& lab) {
  const auto party = gather(stage, lab, 2);
  if (!party) return;
  tell_ends(stage, *party);
  const Opened& first = party->children[0];
  const Opened& second = party->children[1];
  stage.found(first.local == second.local && first.peer != second.peer,
              "Two connections, and one end is the same address and port in both.",
              "The ends are not as expected.");
  stage.verdict("false", "One end is the server's door. It takes both ends to name a connection.");
  part(lab, *party);
}

void both_ends(Stage& stage, Lab& lab) {
  const Opened one = lab.open({.address = home()});
  if (!stage.has("port for a server", one)) return;
  const Opened other = lab.open({.address = home()});
  if (!stage.has("port for a server", other)) return;
  const Opened first =
      lab.connect({.peer = one.local, .from = home(free_number(lab)), .reuse_address = true});
  if (!stage.has("connection", first)) return;
  stage.line("there is a connection from " + first.local.text() + " to " + one.local.text());
  const auto again = [&](const Address& to) {
    return lab.connect({.peer = to, .from = first.local, .reuse_address = true});
  };
  const Opened elsewhere = again(other.local);
  stage.answered("connect from " + first.local.text() + " to " + other.local.text(),
                 elsewhere.error, 0,
                 "The same client port, another server port: a new connection.");
  const Opened same = again(one.local);
  stage.answered("connect from " + first.local.text() + " to " + one.local.text() + " once more",
                 same.error, EADDRNOTAVAIL,
                 "This pair of ends exists already, and there cannot be two of it.");
  stage.verdict("true", "Both addresses and both ports, with the protocol.");
  for (const Opened& client : {first, elsewhere, same})
    lab.reset(client.socket);
  lab.close(one.socket);
  lab.close(other.socket);
}

void belongs_to_protocol(Stage& stage, Lab& lab) {
  const Opened tcp = open_apart(lab);
  if (!stage.has("port for a server", tcp)) return;
  stage.line("a TCP server listens on " + tcp.local.text());
  const Opened udp = lab.open({.transport = Transport::kUdp, .address = tcp.local});
  stage.answered("bind " + tcp.local.text() + " with UDP", udp.error, 0,
                 "TCP " + std::to_string(tcp.local.port) + " and UDP " +
                     std::to_string(tcp.local.port) + " are two ports, and both are ours.");
  stage.verdict("the wrong way round", "Each protocol has its own ports 0 to 65535.");
  lab.close(tcp.socket);
  lab.close(udp.socket);
}

// Whether a second socket may have the port of the first, told as evidence.
void nobody_else(Stage& stage, Lab& lab) {
  const Opened first = open_apart(lab, true);
  if (!stage.has("port for a server", first)) return;
  const std::string place = first.local.text();
  stage.line("a server listens on " + place + " and has set SO_REUSEPORT");
  const Opened plain = lab.open({.address = first.local});
  stage.answered("listen there without SO_REUSEPORT", plain.error, EADDRINUSE,
                 "Refused: so far the claim holds.");
  const Held process = lab.hold({.address = first.local, .reuse_port = true}, Where::kHere);
  stage.answered("listen there with SO_REUSEPORT, in another process", process.error, 0,
                 "Process " + std::to_string(process.pid) + " shares the port.");
  const Opened beside = lab.open({.address = next_door(first.local.port)});
  stage.answered("listen on " + next_door(first.local.port).text(), beside.error, 0,
                 "Another address of the same machine is another port.");
  const Opened udp = lab.open({.transport = Transport::kUdp, .address = first.local});
  stage.answered("bind " + place + " with UDP", udp.error, 0, "So is another protocol.");
  const Held elsewhere =
      lab.hold({.address = Address::any(Family::kIPv4, first.local.port)}, Where::kOtherNamespace);
  if (elsewhere.step == Step::kFork) {
    stage.line("another network namespace: not tried, this user may not make one (" +
               error_word(elsewhere.error) + ")");
  } else {
    stage.answered("listen on every address in another network namespace", elsewhere.error, 0,
                   "A container has ports of its own.");
  }
  stage.verdict("mostly true",
                "It holds for one address, one protocol and one network "
                "namespace, and where nobody has agreed to share.");
  lab.end(process);
  lab.end(elsewhere);
  for (const Opened& socket : {first, beside, udp})
    lab.close(socket.socket);
}

void door_elsewhere(Stage& stage, Lab& lab) {
  const auto party = gather(stage, lab, 1);
  if (!party) return;
  stage.answered("the far end of the listening socket on " + party->listener.local.text(),
                 lab.peer_error(party->listener.socket), ENOTCONN,
                 "It has none: nobody else is part of it.");
  stage.answered("the far end of the connection it gave", lab.peer_error(party->children[0].socket),
                 0, "That one has a far end, " + party->children[0].peer.text() + ".");
  stage.verdict("false for a socket that listens",
                "A socket is this machine's end. Only a connected one knows another.");
  part(lab, *party);
}

constexpr std::array kNotes = std::to_array<Note>({
    {1, "A server picks a new port for each client it answers.", fresh_port},
    {2, "There are 65536 ports, so there cannot be more than 65536 connections.",
     sixty_five_thousand},
    {6, "A port number names one process.", names_a_process},
    {7, "An address with a port names a connection.", one_end},
    {8, "The two ends together name a connection.", both_ends},
    {10, "Every port belongs to a protocol: it is either a TCP port or a UDP port.",
     belongs_to_protocol},
    {15, "Once a program has bound a port, nobody else can have it.", nobody_else},
    {18, "A socket is a way to a port on another machine.", door_elsewhere},
});

}  // namespace

std::span<const Note> notes_on_identity() {
  return kNotes;
}

}  // namespace polyport::demo
