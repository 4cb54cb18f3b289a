// Datagrams through the forward service: who gets which answer, from where, and how long a client
// is known.
#include <netinet/in.h>
#include <sys/socket.h>

#include <set>

#include "tests/support/forwarding.h"
#include "tests/support/skip.h"

using namespace polyport;
using polyport::test::descriptors;
using polyport::test::Forwarding;
using namespace std::chrono_literals;

namespace {

struct Got {
  std::string bytes;
  Address from;
};

// A datagram socket of the test's own: a client, or the server behind.
class Peer {
 public:
  explicit Peer(const char* ip = "127.0.0.1") {
    const Address wanted = *Address::parse_ip(ip);
    fd_ = sock::open_datagram(wanted.family);
    REQUIRE(sock::bind(fd_, wanted) == 0);
    sock::local_address(fd_, address);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(); }
  void close() {
    if (fd_ >= 0) sock::close(fd_);
    fd_ = -1;
  }
  void send(const Address& to, Bytes bytes) {
    sockaddr_storage raw{};
    const socklen_t size = to.to(raw);
    REQUIRE(::sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&raw), size) ==
            static_cast<ssize_t>(bytes.size()));
  }
  std::optional<Got> receive() {
    std::string buffer(70'000, '\0');
    sockaddr_storage raw{};
    socklen_t size = sizeof raw;
    const auto count = ::recvfrom(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&raw), &size);
    if (count < 0) return std::nullopt;
    buffer.resize(static_cast<std::size_t>(count));
    return Got{std::move(buffer), Address::from(reinterpret_cast<const sockaddr*>(&raw))};
  }
  std::string text() const { return "udp://" + address.text(); }
  Address address;

 private:
  int fd_ = -1;
};

class UdpForwarding : public Forwarding {
 public:
  using Forwarding::Forwarding;
  static std::string config(const std::string& upstreams, const std::string& more = "",
                            const std::string& listen = "127.0.0.1:0") {
    return "[services.fwd]\ntype = \"forward\"\nlisten = \"udp://" + listen +
           "\"\nupstream = " + upstreams + "\n" + more + "\n";
  }
  static std::string to(const Peer& server, const std::string& more = "",
                        const std::string& listen = "127.0.0.1:0") {
    return config("\"" + server.text() + "\"", more, listen);
  }
  Address front() { return status().listeners.at(0).address; }
  Got receive(Peer& peer) {
    std::optional<Got> got;
    REQUIRE(run_until([&] { return (got = peer.receive()).has_value(); }));
    return *got;
  }
  UpstreamStatus upstream(std::size_t index = 0) { return status().upstreams.at(index); }
  static std::uint64_t count(const UpstreamStatus::Counts& counts, std::string_view reason) {
    for (const auto& [why, number] : counts) {
      if (why == reason) return number;
    }
    return 0;
  }
};

}  // namespace

TEST_CASE("each client's answers come back to it, from where it had asked") {
  Peer server, one, two;
  UdpForwarding fwd(UdpForwarding::to(server));
  std::set<Address> seen;
  for (Peer* client : {&one, &two, &one}) {
    const std::string question = "from " + client->address.text();
    client->send(fwd.front(), question);
    const Got at_server = fwd.receive(server);
    CHECK(at_server.bytes == question);
    seen.insert(at_server.from);
    server.send(at_server.from, "to " + client->address.text());
    const Got answer = fwd.receive(*client);
    CHECK(answer.bytes == "to " + client->address.text());
    CHECK(answer.from == fwd.front());
  }
  CHECK(seen.size() == 2);  // one session each
  const UpstreamStatus row = fwd.upstream();
  CHECK(row.opened == 2);
  CHECK(row.active == 2);
  CHECK(row.datagrams_in == 3);
  CHECK(row.datagrams_out == 3);
  CHECK(row.state == UpstreamStatus::State::kUp);
  CHECK(fwd.status().listeners[0].datagrams_out == 3);
}

TEST_CASE("datagrams pass whole: empty, small, the largest, many for one, and unasked") {
  Peer server, client;
  UdpForwarding fwd(UdpForwarding::to(server));
  Address session;
  for (const std::size_t size : {0u, 1u, 512u, 9'000u, 65'507u}) {
    CAPTURE(size);
    const std::string bytes(size, 'u');
    client.send(fwd.front(), bytes);
    const Got got = fwd.receive(server);
    CHECK((got.bytes == bytes));
    session = got.from;
    server.send(session, bytes);
    CHECK((fwd.receive(client).bytes == bytes));
  }
  for (int i = 0; i < 40; ++i)
    server.send(session, "answer " + std::to_string(i));
  for (int i = 0; i < 40; ++i)
    REQUIRE(fwd.receive(client).bytes == "answer " + std::to_string(i));
}

TEST_CASE("a wildcard listener answers from the address that was asked") {
  Peer server, client("127.0.0.9");
  const std::string listen = GENERATE("0.0.0.0:0", "*:0");
  CAPTURE(listen);
  UdpForwarding fwd(UdpForwarding::to(server, "", listen));
  for (const char* ip : {"127.0.0.1", "127.0.0.2", "127.1.2.3"}) {
    const Address asked = *Address::parse_ip(ip, fwd.front().port);
    client.send(asked, "who?");
    const Got at_server = fwd.receive(server);
    server.send(at_server.from, ip);
    const Got answer = fwd.receive(client);
    CHECK(answer.bytes == ip);
    CHECK(answer.from == asked);
  }
  CHECK(fwd.upstream().opened == 3);  // to whom it spoke is part of who it is
}

TEST_CASE("a stranger who writes to a session's port is not heard") {
  Peer server, client, stranger;
  UdpForwarding fwd(UdpForwarding::to(server));
  client.send(fwd.front(), "question");
  const Got at_server = fwd.receive(server);
  stranger.send(at_server.from, "forged answer");
  server.send(at_server.from, "answer");
  CHECK(fwd.receive(client).bytes == "answer");
  fwd.run_for(50ms);
  CHECK_FALSE(client.receive());
}

TEST_CASE("who is silent for the session's time is forgotten, and welcome again") {
  Peer server, client;
  UdpForwarding fwd(UdpForwarding::to(server, "udp_session_timeout = \"1s\""));
  client.send(fwd.front(), "first");
  const Address before = fwd.receive(server).from;
  REQUIRE(fwd.run_until([&] { return fwd.upstream().active == 0; }));
  CHECK(fwd.count(fwd.upstream().closed, "idle_timeout") == 1);
  server.send(before, "too late");
  client.send(fwd.front(), "second");
  const Got again = fwd.receive(server);
  CHECK(again.bytes == "second");
  server.send(again.from, "in time");
  CHECK(fwd.receive(client).bytes == "in time");
  CHECK(fwd.upstream().opened == 2);
}

TEST_CASE("answers keep a session alive, as questions do") {
  Peer server, client;
  UdpForwarding fwd(UdpForwarding::to(server, "udp_session_timeout = \"1s\""));
  client.send(fwd.front(), "subscribe");
  const Address session = fwd.receive(server).from;
  for (int i = 0; i < 8; ++i) {
    fwd.run_for(250ms);
    server.send(session, "tick");
    CHECK(fwd.receive(client).bytes == "tick");
  }
  CHECK(fwd.upstream().opened == 1);
}

TEST_CASE("the table of sessions is bounded: only who has been silent yields") {
  Peer server, one, two, three;
  UdpForwarding fwd(UdpForwarding::to(server, "max_udp_sessions = 2"));
  one.send(fwd.front(), "1");
  two.send(fwd.front(), "2");
  fwd.receive(server);
  fwd.receive(server);
  three.send(fwd.front(), "3");
  fwd.run_for(100ms);
  CHECK(fwd.upstream().opened == 2);
  CHECK_FALSE(server.receive());
  // A second later the one that has not spoken since gives its place away.
  REQUIRE(fwd.run_until([&] {
    two.send(fwd.front(), "2");
    three.send(fwd.front(), "3");
    while (const auto got = server.receive()) {
      if (got->bytes == "3") return true;
    }
    return false;
  }));
  CHECK(fwd.upstream().active == 2);
  CHECK(fwd.count(fwd.upstream().closed, "made_room") == 1);
}

TEST_CASE("a port that is closed is noticed, and another upstream takes over") {
  Peer dead, alive, client;
  const std::string upstreams = "[\"" + dead.text() + "\", \"" + alive.text() + "\"]";
  UdpForwarding fwd(UdpForwarding::config(upstreams, "fail_timeout = \"1h\""));
  dead.close();
  // The first one is lost, as UDP has it; a client that asks again is served.
  int asked = 0;
  std::optional<Got> got;
  REQUIRE(fwd.run_until([&] {
    if (++asked % 4 == 1) client.send(fwd.front(), "anybody?");
    return (got = alive.receive()).has_value();
  }));
  alive.send(got->from, "me");
  CHECK(fwd.receive(client).bytes == "me");
  CHECK(fwd.upstream(0).state == UpstreamStatus::State::kFailed);
  CHECK(fwd.upstream(0).error == dead.address.text() + ": Connection refused");
  CHECK(fwd.count(fwd.upstream(0).failed, "refused") >= 1);
  CHECK(fwd.status().reason.empty());
  for (int i = 0; i < 5; ++i) {
    Peer another;
    another.send(fwd.front(), "and me?");
    CHECK(fwd.receive(alive).bytes == "and me?");
  }
  CHECK(fwd.upstream(0).opened == 1);
}

TEST_CASE("with nobody behind the status says so, until somebody answers") {
  Peer server, client;
  UdpForwarding fwd(UdpForwarding::to(server));
  const Address place = server.address;
  server.close();
  client.send(fwd.front(), "anybody?");
  REQUIRE(fwd.run_until([&] { return !fwd.status().reason.empty(); }));
  CHECK(fwd.status().reason == "no UDP upstream answers: " + place.text() + ": Connection refused");
  const int fd = sock::open_datagram(Family::kIPv4);
  REQUIRE(sock::bind(fd, place) == 0);
  client.send(fwd.front(), "anybody now?");
  char buffer[64];
  sockaddr_storage raw{};
  socklen_t size = sizeof raw;
  ssize_t count = -1;
  REQUIRE(fwd.run_until([&] {
    count = ::recvfrom(fd, buffer, sizeof buffer, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&raw),
                       &size);
    return count >= 0;
  }));
  CHECK(Bytes(buffer, static_cast<std::size_t>(count)) == "anybody now?");
  ::sendto(fd, "yes", 3, 0, reinterpret_cast<sockaddr*>(&raw), size);
  CHECK(fwd.receive(client).bytes == "yes");
  CHECK(fwd.status().reason.empty());
  sock::close(fd);
}

TEST_CASE("localhost: the address of the two that answers is found") {
  if (!probe_families().ipv6) SKIP_TEST("IPv6 is off on this machine");
  Peer server("::1"), client;
  UdpForwarding fwd(
      UdpForwarding::config("\"udp://localhost:" + std::to_string(server.address.port) + "\""));
  int asked = 0;
  REQUIRE(fwd.run_until([&] {
    if (++asked % 4 == 1) client.send(fwd.front(), "where are you?");
    return server.receive().has_value();
  }));
  CHECK(fwd.status().reason.empty());
}

TEST_CASE("two services that forward datagrams to each other stop after a few hops") {
  std::string a, b;
  {
    Peer one, two;
    a = one.text();
    b = two.text();
  }
  UdpForwarding fwd("[services.fwd]\ntype = \"forward\"\nlisten = \"" + a + "\"\nupstream = \"" +
                    b + "\"\n[services.b]\ntype = \"forward\"\nlisten = \"" + b +
                    "\"\nupstream = \"" + a + "\"\n");
  REQUIRE(fwd.errors.empty());
  Peer client;
  for (int i = 0; i < 10; ++i)
    client.send(fwd.front(), "round and round");
  fwd.run_for(300ms);
  const UpstreamStatus to_b = fwd.upstream(), to_a = fwd.status("b").upstreams.at(0);
  CHECK(to_b.opened + to_a.opened == HopTable::kMost);
  CHECK(to_b.datagrams_out + to_a.datagrams_out == 10 * HopTable::kMost);
}

TEST_CASE("sessions end with the service, and leave no descriptor") {
  Peer server;
  std::vector<std::unique_ptr<Peer>> clients;
  for (int i = 0; i < 50; ++i)
    clients.push_back(std::make_unique<Peer>());
  UdpForwarding fwd(UdpForwarding::to(server));
  const std::size_t before = descriptors();
  for (auto& client : clients)
    client->send(fwd.front(), "hello");
  for (std::size_t i = 0; i < clients.size(); ++i)
    fwd.receive(server);
  CHECK(descriptors() == before + clients.size());
  bool done = false;
  fwd.host.drain([&] { done = true; });
  REQUIRE(fwd.run_until([&] { return done; }));
  CHECK(fwd.count(fwd.upstream().closed, "drain") == clients.size());
  CHECK(descriptors() < before);  // its listener is gone too
}
