// Stages between socket and service: what goes through them, in which order, and how it ends.
#include "core/net/stage.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/net/connection.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;

namespace {

std::string turned(Bytes bytes) {
  std::string out(bytes);
  for (char& c : out)
    c = static_cast<char>(c ^ 0x20);
  return out;
}

// Every byte XOR 0x20, in both directions; "." as its last word.
class Xor : public Stage {
 public:
  std::string_view name() const override { return "xor"; }
  std::size_t idle_bytes() const override { return sizeof *this; }
  int sends = 0;

 protected:
  void receive(Bytes bytes) override { pass_up(turned(bytes)); }
  void send(const iovec* pieces, std::size_t count) override {
    ++sends;
    for (std::size_t i = 0; i < count; ++i)
      pass_down(turned({static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len}));
  }
  void shutdown() override {
    pass_down(".");
    pass_shutdown();
  }
};

// Lines only: passes up what is whole and holds back the rest. "BYE" is the peer's end, "PING" is
// answered by the stage, and "BAD" is refused with a last word. A first line "HELLO" opens it.
class Lines : public Stage {
 public:
  explicit Lines(bool greets) : greets_(greets) {}
  std::string_view name() const override { return "lines"; }
  std::size_t idle_bytes() const override { return sizeof *this; }

 protected:
  void start() override {
    if (!greets_) pass_open();
  }
  void receive(Bytes bytes) override {
    std::string text = std::exchange(kept_, {}) + std::string(bytes);
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos && !over();) {
      take(text.substr(begin, end + 1 - begin));
      begin = end + 1;
    }
    kept_ = text.substr(begin);
  }
  void send(const iovec* pieces, std::size_t count) override { pass_down(pieces, count); }
  void shutdown() override {
    if (!refused_) pass_down("<end>");
    pass_shutdown();
  }

 private:
  void take(const std::string& line) {
    if (greets_) {
      greets_ = false;
      if (line != "HELLO\n") return refuse_it();
      pass_down("WELCOME\n");
      pass_open();
    } else if (line == "PING\n") {
      pass_down("PONG\n");
    } else if (line == "BYE\n") {
      pass_end();
    } else if (line == "BAD\n") {
      refuse_it();
    } else {
      pass_up(line);
    }
  }
  void refuse_it() {
    refused_ = true;
    pass_down("GO AWAY\n");
    refuse(CloseReason::kProtocolError);
  }
  bool greets_;
  bool refused_ = false;
  std::string kept_;
};

template <class T>
struct Maker : StageMaker {
  explicit Maker(std::function<std::unique_ptr<T>()> makes) : how(std::move(makes)) {}
  std::unique_ptr<Stage> make() override {
    auto stage = how();
    last = stage.get();
    return stage;
  }
  std::function<std::unique_ptr<T>()> how;
  T* last = nullptr;
};

struct XorMaker : Maker<Xor> {
  XorMaker() : Maker([] { return std::make_unique<Xor>(); }) {}
};
struct LinesMaker : Maker<Lines> {
  explicit LinesMaker(bool greets = false)
      : Maker([greets] { return std::make_unique<Lines>(greets); }) {}
};

struct Service : StreamHandler {
  void on_open(Connection& c) override {
    id = c.id();
    ++opened;
    if (open) open(c);
  }
  void on_data(Connection& c, Bytes bytes) override {
    got += bytes;
    ++pieces;
    if (data) data(c, bytes);
  }
  void on_end(Connection& c) override {
    ++ended;
    if (end) {
      end(c);
    } else {
      StreamHandler::on_end(c);
    }
  }
  void on_writable(Connection& c) override {
    ++writable;
    if (drained) drained(c);
  }
  void on_close(Connection&, CloseReason reason) override { closed.push_back(reason); }

  std::function<void(Connection&)> open, end, drained;
  std::function<void(Connection&, Bytes)> data;
  ConnectionId id;
  std::string got;
  int opened = 0, pieces = 0, ended = 0, writable = 0;
  std::vector<CloseReason> closed;
};

Client staged(NetworkFixture& net, OpenDoor& door, StageMakers makers) {
  Listener& listener = net.listen(door.door);
  listener.use_stages(std::move(makers));
  return net.connect(listener);
}

void echo(Connection& c, Bytes bytes) {
  c.send(bytes);
}

}  // namespace

TEST_CASE("a stage transforms both directions, and has the last word before our FIN") {
  NetworkFixture net;
  Service service;
  service.data = echo;
  OpenDoor door(net, service);
  XorMaker maker;
  Client client = staged(net, door, {&maker});
  client.send("HELLO");
  REQUIRE(net.run_until([&] { return client.pump(), client.received == "HELLO"; }));
  CHECK(service.got == "hello");
  CHECK(std::string(net.network.find(service.id)->stages()->name()) == "xor");
  client.shut_down();
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  CHECK(client.received == "HELLO.");
  CHECK_FALSE(client.was_reset);
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  CHECK(service.closed == std::vector{CloseReason::kPeerClosed});
  CHECK(service.ended == 1);
}

TEST_CASE("each of the ways out: the last word comes with all but reset") {
  NetworkFixture net;
  Service service;
  std::string expected = "BYE.";
  bool reset = false;
  SECTION("close") {
    service.open = [](Connection& c) {
      c.send("bye");
      c.close();
    };
  }
  SECTION("finish, with linger") {
    service.open = [](Connection& c) {
      c.send("bye");
      c.finish();
    };
  }
  SECTION("finish without linger") {
    service.open = [](Connection& c) {
      c.send("bye");
      c.finish(Connection::Linger::kSkip);
    };
  }
  SECTION("finish_sending") {
    service.open = [](Connection& c) {
      c.send("bye");
      c.finish_sending();
    };
  }
  SECTION("reset") {
    service.open = [](Connection& c) {
      c.send("bye");
      c.reset();
    };
    expected.clear();
    reset = true;
  }
  OpenDoor door(net, service);
  XorMaker maker;
  Client client = staged(net, door, {&maker});
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  CHECK(client.received == expected);
  CHECK(client.was_reset == reset);
  client.close();
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
}

TEST_CASE("what is sent from elsewhere in a turn goes through the stage at once, together") {
  NetworkFixture net;
  Service service;
  OpenDoor door(net, service);
  XorMaker maker;
  Client client = staged(net, door, {&maker});
  REQUIRE(net.run_until([&] { return service.opened == 1; }));
  maker.last->sends = 0;
  Connection& connection = *net.network.find(service.id);
  for (int i = 0; i < 20; ++i)
    connection.send("piece ");
  CHECK(connection.queued_bytes() == 120);
  REQUIRE(net.run_until([&] { return client.pump(), client.received.size() == 120; }));
  CHECK(maker.last->sends == 1);
  CHECK(connection.queued_bytes() == 0);
}

TEST_CASE("a long answer through a stage arrives whole behind a slow reader") {
  NetworkFixture net;
  Service service;
  std::string answer;
  for (int i = 0; answer.size() < 6'000'000; ++i)
    answer += "line " + std::to_string(i) + "\n";
  SECTION("from its own callback, as one payload") {
    service.data = [&](Connection& c, Bytes) {
      c.send(Payload::copy(answer));
      c.send("END");
    };
  }
  SECTION("from its own callback, as bytes") {
    service.data = [&](Connection& c, Bytes) {
      c.send(answer);
      c.send("END");
    };
  }
  SECTION("piece by piece, with backpressure") {
    auto sent = std::make_shared<std::size_t>(0);
    const auto more = [&, sent](Connection& c) {
      while (*sent < answer.size() && !c.is_congested()) {
        const Bytes piece = Bytes(answer).substr(*sent, 10'000);
        *sent += piece.size();
        c.send(piece);
      }
      if (*sent == answer.size()) {
        ++*sent;
        c.send("END");
      }
    };
    service.data = [=](Connection& c, Bytes) { more(c); };
    service.drained = more;
  }
  OpenDoor door(net, service, {.write_limit = 100'000'000});
  XorMaker maker;
  Client client = staged(net, door, {&maker});
  client.send("GO");
  REQUIRE(net.run_until([&] { return service.pieces == 1; }));
  for (int i = 0; i < 50; ++i)
    net.loop.run_ready();
  Connection& connection = *net.network.find(service.id);
  CHECK(connection.queued_bytes() > 0);
  CHECK(connection.is_congested());
  REQUIRE(
      net.run_until([&] { return client.pump(), client.received.size() >= answer.size() + 3; }));
  CHECK((turned(client.received) == answer + "END"));
  REQUIRE(net.run_until([&] { return connection.queued_bytes() == 0; }));
  CHECK_FALSE(connection.is_congested());
  CHECK(net.run_until([&] { return service.writable > 0; }));
}

TEST_CASE("what a stage holds back is passed up when it is whole") {
  NetworkFixture net;
  Service service;
  service.data = echo;
  OpenDoor door(net, service);
  LinesMaker maker;
  Client client = staged(net, door, {&maker});
  REQUIRE(net.run_until([&] { return service.opened == 1; }));
  client.send("half a ");
  net.run_until([] { return false; }, std::chrono::milliseconds(30));
  CHECK(service.got.empty());
  client.send("line\nPING\nand more\n");
  REQUIRE(net.run_until([&] { return client.pump(), client.received.size() == 26; }));
  CHECK(client.received == "half a line\nPONG\nand more\n");
}

TEST_CASE("a service that does not read gets nothing, and all of it in order later, with the end") {
  NetworkFixture net;
  Service service;
  service.data = [](Connection& c, Bytes) { c.pause_reading(); };
  service.end = [](Connection& c) { c.finish(); };
  OpenDoor door(net, service);
  LinesMaker maker;
  Client client = staged(net, door, {&maker});
  client.send("one\ntwo\nthree\nBYE\nfour\n");
  REQUIRE(net.run_until([&] { return service.pieces == 1; }));
  client.send("five\n");
  net.run_until([] { return false; }, std::chrono::milliseconds(50));
  CHECK(service.got == "one\n");
  CHECK(service.ended == 0);
  Connection& connection = *net.network.find(service.id);
  CHECK_FALSE(connection.peer_finished());
  SECTION("resumed") {
    service.data = nullptr;
    connection.resume_reading();
    REQUIRE(net.run_until([&] { return !client.pump(); }));
    CHECK(service.got == "one\ntwo\nthree\n");  // nothing after the end
    CHECK(service.ended == 1);
    CHECK(client.received == "<end>");
    CHECK_FALSE(client.was_reset);
  }
  SECTION("finished without reading") {
    connection.finish();
    REQUIRE(net.run_until([&] { return !client.pump(); }));
    CHECK_FALSE(client.was_reset);
    CHECK(service.got == "one\n");
    client.close();
    REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  }
}

TEST_CASE("the service knows of a connection once the handshake is over") {
  NetworkFixture net;
  Service service;
  service.open = [](Connection& c) { c.send("welcome by the service\n"); };
  service.data = echo;
  OpenDoor door(net, service);
  LinesMaker maker(true);
  Client client = staged(net, door, {&maker});
  net.run_until([] { return false; }, std::chrono::milliseconds(30));
  CHECK(service.opened == 0);
  CHECK(net.network.open_connections() == 1);
  client.send("HELLO\nfirst\n");
  REQUIRE(net.run_until([&] { return client.pump(), client.received.ends_with("first\n"); }));
  CHECK(client.received == "WELCOME\nwelcome by the service\nfirst\n");
  CHECK(service.opened == 1);
}

TEST_CASE("a handshake that comes to nothing is no business of the service") {
  NetworkFixture net;
  Service service;
  OpenDoor door(net, service, {.handshake_timeout = std::chrono::milliseconds(200)});
  LinesMaker maker(true);
  Client client = staged(net, door, {&maker});
  const auto count = [&](CloseReason reason) {
    return door.door.closed[static_cast<std::size_t>(reason)];
  };
  SECTION("refused, with a last word") {
    client.send("WHAT\n");
    REQUIRE(net.run_until([&] { return !client.pump(); }));
    CHECK(client.received == "GO AWAY\n");
    CHECK_FALSE(client.was_reset);
    client.close();
    REQUIRE(net.run_until([&] { return count(CloseReason::kProtocolError) == 1; }));
  }
  SECTION("too slow") {
    client.send("HEL");
    REQUIRE(net.run_until([&] { return !client.pump(); }));
    REQUIRE(net.run_until([&] { return count(CloseReason::kHandshakeTimeout) == 1; }));
  }
  SECTION("given up by the client") {
    client.send("HEL");
    client.shut_down();
    REQUIRE(net.run_until([&] { return count(CloseReason::kPeerClosed) == 1; }));
  }
  SECTION("drained") {
    REQUIRE(net.run_until([&] { return net.network.open_connections() == 1; }));
    CHECK(net.network.drain_idle() == 0);
    REQUIRE(net.run_until([&] { return count(CloseReason::kDrain) == 1; }));
  }
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 0; }));
  CHECK(service.opened == 0);
  CHECK(service.closed.empty());
}

TEST_CASE(
    "a peer that breaks the rules later: the service is told, what it had queued is dropped") {
  NetworkFixture net;
  Service service;
  service.data = echo;
  OpenDoor door(net, service);
  LinesMaker maker;
  Client client = staged(net, door, {&maker});
  client.send("good\nBAD\nlost\n");
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  CHECK(client.received == "good\nGO AWAY\n");
  CHECK_FALSE(client.was_reset);
  CHECK(service.got == "good\n");
  client.close();
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  CHECK(service.closed == std::vector{CloseReason::kProtocolError});
}

TEST_CASE("several stages in a row: each sees what the one below has made of it") {
  NetworkFixture net;
  Service service;
  service.data = [](Connection& c, Bytes bytes) {
    c.send(bytes);
    if (bytes == "quit\n") c.finish();
  };
  OpenDoor door(net, service);
  XorMaker lower;
  LinesMaker upper(true);
  Client client = staged(net, door, {&lower, &upper});
  client.send(turned("HELLO\nPING\nquit\n"));
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  CHECK(turned(client.received) == "WELCOME\nPONG\nquit\n<end>" + turned("."));
  CHECK(service.got == "quit\n");
}

TEST_CASE("one connection ends another while its own bytes are being led through") {
  NetworkFixture net;
  Service service;
  std::vector<ConnectionId> ids;
  service.open = [&](Connection& c) { ids.push_back(c.id()); };
  service.data = [&](Connection& c, Bytes) {
    c.send("mine");
    Connection* other = net.network.find(ids[ids[0] == c.id() ? 1 : 0]);
    if (other == nullptr) return;
    other->send("yours");
    other->close();
    c.send(" too");
  };
  OpenDoor door(net, service);
  XorMaker maker;
  Listener& listener = net.listen(door.door);
  listener.use_stages({&maker});
  Client one = net.connect(listener);
  Client two = net.connect(listener);
  REQUIRE(net.run_until([&] { return ids.size() == 2; }));
  one.send("x");
  REQUIRE(net.run_until([&] { return !two.pump() && (one.pump(), one.received.size() >= 8); }));
  CHECK(turned(one.received) == "mine too");
  CHECK(turned(two.received) == "yours" + turned("."));
}

TEST_CASE("a service that throws ends its connection, whatever the stage was doing") {
  NetworkFixture net;
  Service service;
  service.data = [](Connection&, Bytes) { throw std::runtime_error("on purpose"); };
  OpenDoor door(net, service);
  LinesMaker maker;
  Client client = staged(net, door, {&maker});
  client.send("one\ntwo\n");
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  CHECK(service.closed == std::vector{CloseReason::kServiceError});
  CHECK(service.pieces == 1);
}

TEST_CASE("a flood of pings that nobody reads ends at the limit") {
  NetworkFixture net;
  Service service;
  StreamPolicy policy;
  policy.slow_reader = StreamPolicy::SlowReader::kDisconnect;
  OpenDoor door(net, service, policy);
  LinesMaker maker;
  Client client = staged(net, door, {&maker});
  std::string pings;
  for (int i = 0; i < 10'000; ++i)
    pings += "PING\n";
  std::size_t sent = 0;
  REQUIRE(net.run_until([&] {
    sent += client.send(pings);
    return !service.closed.empty() || sent > 400'000'000;
  }));
  CHECK(service.closed == std::vector{CloseReason::kSlowReader});
}

TEST_CASE("at most 64 handshakes in a turn, and all of them in the end") {
  NetworkFixture net;
  Service service;
  OpenDoor door(net, service);
  LinesMaker maker(true);
  Listener& listener = net.listen(door.door);
  listener.use_stages({&maker});
  std::vector<Client> clients;
  for (int i = 0; i < 200; ++i)
    clients.push_back(net.connect(listener));
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 200; }));
  for (Client& client : clients)
    client.send("HELLO\n");
  int most = 0;
  REQUIRE(net.run_until([&] {
    static int before = 0;
    static std::uint64_t turns = 0;
    const auto passed = static_cast<int>(net.network.turns() - turns);
    if (passed > 0) most = std::max(most, (service.opened - before) / passed);
    before = service.opened;
    turns = net.network.turns();
    return service.opened == 200;
  }));
  CHECK(most <= 64);
}
