// Connections that we open: who is reached, who is not and why, and that nothing is left behind.
#include "core/net/dialer.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;
using namespace std::chrono_literals;

namespace {

struct Echo : StreamHandler {
  void on_open(Connection& c) override {
    peers.push_back(c.peer());
    if (open) open(c);
  }
  void on_data(Connection& c, Bytes data) override { c.send(data); }
  void on_close(Connection&, CloseReason reason) override { closed.push_back(reason); }
  std::function<void(Connection&)> open;
  std::vector<Address> peers;
  std::vector<CloseReason> closed;
};

// Our side of what is dialled.
struct Caller : DialHandler {
  void on_open(Connection& c) override {
    CHECK_FALSE(inside_dial);
    CHECK(c.is_outgoing());
    ids.push_back(c.id());
    sessions.push_back(c.session());
    if (open) open(c);
  }
  void on_data(Connection& c, Bytes bytes) override {
    got += bytes;
    if (data) data(c);
  }
  void on_close(Connection&, CloseReason reason) override { closed.push_back(reason); }
  void on_dial_failed(const DialFailure& failure) override {
    CHECK_FALSE(inside_dial);
    failures.push_back(failure);
    if (failed) failed(failure);
  }

  std::function<void(Connection&)> open, data;
  std::function<void(const DialFailure&)> failed;
  bool inside_dial = false;
  std::vector<ConnectionId> ids;
  std::vector<void*> sessions;
  std::string got;
  std::vector<CloseReason> closed;
  std::vector<DialFailure> failures;
};

class DialFixture : public NetworkFixture {
 public:
  explicit DialFixture(Network::Options options = {})
      : NetworkFixture(options),
        door{.service = "test", .handler = caller, .policy = {}},
        dialer(network.add_dialer(door, "test.upstream.0")),
        server(*this, echo) {}

  Dialer::Id dial(std::vector<DialTarget> targets, std::chrono::milliseconds timeout = 5s,
                  void* session = nullptr) {
    return dial({.targets = std::move(targets), .timeout = timeout, .session = session});
  }
  Dialer::Id dial(DialRequest request) {
    caller.inside_dial = true;
    const Dialer::Id id = dialer.dial(std::move(request));
    caller.inside_dial = false;
    return id;
  }
  bool settled() { return !caller.ids.empty() || !caller.failures.empty(); }

  Caller caller;
  Echo echo;
  DialDoor door;
  Dialer& dialer;
  OpenDoor server;  // ends the network
};

DialTarget tcp(const Address& address) {
  return {address, {}};
}
DialTarget unix_path(std::string path) {
  return {Address::any(Family::kUnix), std::move(path)};
}

// An address of this machine where nobody listens: bound, so that nobody else begins to.
class Closed {
 public:
  Closed() : fd_(sock::open_stream(Family::kIPv4)) {
    REQUIRE(sock::bind(fd_, Address::loopback(Family::kIPv4)) == 0);
    sock::local_address(fd_, address);
  }
  ~Closed() { sock::close(fd_); }
  Address address;

 private:
  int fd_;
};

// A listener that never accepts, with its queue full: who connects hears nothing.
class Silent {
 public:
  Silent() : fd_(sock::open_stream(Family::kIPv4)) {
    REQUIRE(sock::bind(fd_, Address::loopback(Family::kIPv4)) == 0);
    REQUIRE(sock::listen(fd_, 0) == 0);
    sock::local_address(fd_, address);
    for (int i = 0; i < 3; ++i) {
      clients_.emplace_back(sock::open_stream(Family::kIPv4));
      sock::connect(clients_.back().fd(), address);
    }
  }
  ~Silent() { sock::close(fd_); }
  Address address;

 private:
  int fd_;
  std::vector<Client> clients_;
};

std::size_t descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  std::size_t count = 0;
  while (::readdir(directory) != nullptr)
    ++count;
  ::closedir(directory);
  return count;
}

}  // namespace

TEST_CASE("what is dialled is a connection like any other") {
  DialFixture net;
  Listener& listener = net.listen(net.server.door);
  int session = 0;
  net.caller.open = [](Connection& c) { c.send("there and back"); };
  net.dial({tcp(listener.address())}, 5s, &session);
  REQUIRE(net.run_until([&] { return net.caller.got == "there and back"; }));
  REQUIRE(net.caller.sessions == std::vector<void*>{&session});
  Connection* ours = net.network.find(net.caller.ids[0]);
  REQUIRE(ours != nullptr);
  CHECK(ours->peer() == listener.address());
  CHECK(ours->local() == net.echo.peers[0]);
  CHECK(&ours->source() == &net.dialer);
  CHECK(net.dialer.opened() == 1);
  CHECK(net.dialer.active() == 1);
  CHECK(net.dialer.dialing() == 0);
  const auto totals = net.network.totals();
  CHECK(totals[net.dialer.number()].bytes_in == 14);
  CHECK(totals[net.dialer.number()].bytes_out == 14);
  CHECK(listener.accepted() == 1);
  ours->finish();
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 0; }));
  CHECK(net.caller.closed == std::vector{CloseReason::kFinished});
  CHECK(net.echo.closed == std::vector{CloseReason::kPeerClosed});
  CHECK(net.dialer.closed()[static_cast<std::size_t>(CloseReason::kFinished)] == 1);
  CHECK(net.dialer.active() == 0);
  CHECK(net.dialer.bytes_in() == 14);
}

TEST_CASE("nobody listens: refused, with the address that said so") {
  DialFixture net;
  Closed closed;
  int session = 0;
  net.dial({tcp(closed.address)}, 5s, &session);
  REQUIRE(net.run_until([&] { return net.settled(); }));
  REQUIRE(net.caller.failures.size() == 1);
  const DialFailure& failure = net.caller.failures[0];
  CHECK(failure.session == &session);
  CHECK(failure.error() == DialError::kRefused);
  CHECK(failure.text() == closed.address.text() + ": Connection refused");
  CHECK(net.dialer.failed()[static_cast<std::size_t>(DialError::kRefused)] == 1);
  CHECK(net.network.open_connections() == 0);
}

TEST_CASE("targets are tried in turn, and all are named where none answers") {
  DialFixture net;
  Closed one, two;
  SECTION("the last one answers") {
    Listener& listener = net.listen(net.server.door);
    net.dial({tcp(one.address), unix_path("@nobody-listens-here"), tcp(listener.address())});
    REQUIRE(net.run_until([&] { return net.settled(); }));
    REQUIRE(net.caller.ids.size() == 1);
    CHECK(net.network.find(net.caller.ids[0])->peer() == listener.address());
  }
  SECTION("none does") {
    net.dial({tcp(one.address), unix_path("/no/such/socket"), tcp(two.address)});
    REQUIRE(net.run_until([&] { return net.settled(); }));
    REQUIRE(net.caller.failures.size() == 1);
    CHECK(net.caller.failures[0].text() ==
          one.address.text() +
              ": Connection refused; unix:/no/such/socket: No such file or "
              "directory; " +
              two.address.text() + ": Connection refused");
  }
}

TEST_CASE("a target that says nothing is given up at the deadline") {
  DialFixture net;
  Silent silent;
  net.dial({tcp(silent.address)}, 200ms);
  REQUIRE(net.run_until([&] { return net.settled(); }));
  REQUIRE(net.caller.failures.size() == 1);
  CHECK(net.caller.failures[0].error() == DialError::kTimedOut);
  CHECK(net.caller.failures[0].text() == silent.address.text() + ": Connection timed out");
}

TEST_CASE("a target that says nothing does not hold up the next one until the deadline") {
  DialFixture net;
  Silent silent;
  Listener& listener = net.listen(net.server.door);
  net.dial({tcp(silent.address), tcp(listener.address())}, 60s);
  REQUIRE(net.run_until([&] { return net.settled(); }));
  REQUIRE(net.caller.ids.size() == 1);
  CHECK(net.network.find(net.caller.ids[0])->peer() == listener.address());
  CHECK(net.dialer.dialing() == 0);
}

TEST_CASE("a server that resets what it has accepted is a connection that was reset") {
  DialFixture net;
  net.echo.open = [](Connection& c) { c.reset(); };
  Listener& listener = net.listen(net.server.door);
  net.dial({tcp(listener.address())});
  REQUIRE(net.run_until([&] { return !net.caller.closed.empty(); }));
  CHECK(net.caller.closed == std::vector{CloseReason::kResetByPeer});
  CHECK(net.caller.failures.empty());
}

TEST_CASE("unix sockets: reached, missing, and full until somebody accepts") {
  DialFixture net;
  BindRequest request;
  request.target.transport = Transport::kUnix;
  request.target.path = "@polyport-dialer-test-" + std::to_string(::getpid());
  const DialTarget target = unix_path(request.target.path);
  net.caller.open = [](Connection& c) { c.send("over unix"); };
  SECTION("reached") {
    const auto fd = open_bound_socket(request);
    REQUIRE(fd);
    net.network.add_listener(net.server.door, *fd, "test.main.0").start();
    net.dial({target});
    REQUIRE(net.run_until([&] { return net.caller.got == "over unix"; }));
    CHECK(net.network.find(net.caller.ids[0])->peer().family == Family::kUnix);
  }
  SECTION("nobody there") {
    net.dial({unix_path("/no/such/place")});
    net.dial({target});
    REQUIRE(net.run_until([&] { return net.caller.failures.size() == 2; }));
    CHECK(net.caller.failures[0].error() == DialError::kNotFound);
    CHECK(net.caller.failures[1].error() == DialError::kRefused);
  }
  SECTION("full") {
    request.backlog = 0;
    const auto fd = open_bound_socket(request);
    REQUIRE(fd);
    std::vector<Client> before;
    for (bool full = false; !full && before.size() < 10;) {
      before.emplace_back(sock::open_stream(Family::kUnix));
      full = sock::connect_unix(before.back().fd(), request.target.path) == -EAGAIN;
    }
    net.dial({target}, 60s);
    net.run_until([] { return false; }, 50ms);
    CHECK_FALSE(net.settled());
    net.network.add_listener(net.server.door, *fd, "test.main.0").start();
    REQUIRE(net.run_until([&] { return net.caller.got == "over unix"; }));
  }
}

TEST_CASE("a dial can say where it comes from") {
  DialFixture net;
  Listener& listener = net.listen(net.server.door);
  net.dial({.targets = {tcp(listener.address())}, .source = Address::parse_ip("127.0.0.5")});
  REQUIRE(net.run_until([&] { return !net.echo.peers.empty(); }));
  CHECK(net.echo.peers[0].ip_text() == "127.0.0.5");
  net.dial({.targets = {tcp(listener.address())}, .source = Address::parse_ip("192.0.2.1")});
  REQUIRE(net.run_until([&] { return !net.caller.failures.empty(); }));
  CHECK(net.caller.failures[0].error() == DialError::kLocalAddress);
}

TEST_CASE("a connection that meets itself has reached nobody") {
  DialFixture net;
  Address lonely;
  {
    Closed closed;
    lonely = closed.address;
  }
  net.dial({.targets = {tcp(lonely)}, .source = lonely});
  REQUIRE(net.run_until([&] { return net.settled(); }));
  REQUIRE(net.caller.failures.size() == 1);
  CHECK(net.caller.failures[0].error() == DialError::kRefused);
}

TEST_CASE("a dial that is cancelled calls nobody, and the server sees a connection go") {
  DialFixture net;
  Listener& listener = net.listen(net.server.door);
  Silent silent;
  const std::size_t before = descriptors();
  const Dialer::Id at_once = net.dial({tcp(listener.address())});
  const Dialer::Id waiting = net.dial({tcp(silent.address)});
  net.dialer.cancel(at_once);
  net.run_until([] { return false; }, 100ms);
  net.dialer.cancel(waiting);
  net.dialer.cancel(waiting);
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 0; }));
  CHECK_FALSE(net.settled());
  CHECK(net.dialer.dialing() == 0);
  CHECK(descriptors() == before);
}

TEST_CASE("a dial that fails may be followed by another from the same callback") {
  DialFixture net;
  Closed closed;
  Listener& listener = net.listen(net.server.door);
  int rounds = 0;
  net.caller.failed = [&](const DialFailure&) {
    ++rounds;
    net.dial({tcp(rounds < 40 ? closed.address : listener.address())});
  };
  net.dial({tcp(closed.address)});
  REQUIRE(net.run_until([&] { return !net.caller.ids.empty(); }));
  CHECK(rounds == 40);
  CHECK(net.dialer.failed()[static_cast<std::size_t>(DialError::kRefused)] == 40);
}

TEST_CASE("an exception in on_dial_failed costs that dial only") {
  DialFixture net;
  Closed closed;
  Listener& listener = net.listen(net.server.door);
  net.caller.failed = [](const DialFailure&) { throw std::runtime_error("a bug in a service"); };
  net.dial({tcp(closed.address)});
  net.dial({tcp(listener.address())});
  REQUIRE(net.run_until([&] { return !net.caller.ids.empty(); }));
  CHECK(net.caller.failures.size() == 1);
}

TEST_CASE("dials under way end with the network") {
  DialFixture net;
  Silent silent;
  Listener& listener = net.listen(net.server.door);
  for (int i = 0; i < 10; ++i) {
    net.dial({tcp(silent.address)}, 60s);
    net.dial({tcp(listener.address())}, 60s);
  }
  SECTION("watched") {
    net.run_until([] { return false; }, 50ms);
  }
  SECTION("not looked at yet") {}
  net.end();  // aborts where a handle is left
  CHECK(net.caller.failures.empty());
}

TEST_CASE("what is dialled counts as a descriptor, not as a client") {
  SECTION("clients") {
    DialFixture net({.max_connections = 2});
    Listener& listener = net.listen(net.server.door);
    for (int i = 0; i < 2; ++i)
      net.dial({tcp(listener.address())});
    REQUIRE(net.run_until([&] { return listener.accepted() == 2; }));
    CHECK(net.network.open_connections() == 4);
    net.dial({tcp(listener.address())});
    net.run_until([] { return false; }, 100ms);
    CHECK(listener.accepted() == 2);
  }
  SECTION("descriptors") {
    DialFixture net({.descriptors = 3});
    Listener& listener = net.listen(net.server.door);
    for (int i = 0; i < 4; ++i)
      net.dial({tcp(listener.address())});
    REQUIRE(net.run_until([&] { return net.caller.failures.size() == 1; }));
    CHECK(net.caller.failures[0].error() == DialError::kDescriptors);
    CHECK(net.caller.ids.size() == 3);
    CHECK(listener.accepted() == 0);  // none is left to accept with
    net.network.find(net.caller.ids[0])->close();
    REQUIRE(net.run_until([&] { return listener.accepted() == 1; }));
  }
}

TEST_CASE("a door whose clients need two descriptors each takes none it cannot serve") {
  DialFixture net({.descriptors = 5});
  net.server.door.descriptors = 2;
  Silent silent;
  net.echo.open = [&](Connection&) { net.dial({tcp(silent.address)}, 60s); };
  Listener& listener = net.listen(net.server.door);
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i)
    clients.push_back(net.connect(listener));
  REQUIRE(net.run_until([&] { return listener.accepted() == 2; }));
  net.run_until([] { return false; }, 100ms);
  CHECK(listener.accepted() == 2);
  CHECK(net.caller.failures.empty());
  net.dialer.cancel(1);
  clients[0].close();
  REQUIRE(net.run_until([&] { return listener.accepted() == 3; }));
}

TEST_CASE("who is accepted from ourselves is known by its hops") {
  DialFixture net;
  Listener& listener = net.listen(net.server.door);
  std::vector<int> hops;
  net.echo.open = [&](Connection& c) { hops.push_back(c.hops()); };
  net.dial({.targets = {tcp(listener.address())}, .hops = 3});
  REQUIRE(net.run_until([&] { return hops.size() == 1; }));
  net.dial({tcp(listener.address())});
  REQUIRE(net.run_until([&] { return hops.size() == 2; }));
  Client stranger = net.connect(listener);
  REQUIRE(net.run_until([&] { return hops.size() == 3; }));
  CHECK(hops == std::vector<int>{3, 0, 0});
}

TEST_CASE("five thousand connections opened and closed leave nothing") {
  DialFixture net;
  Listener& listener = net.listen(net.server.door);
  Closed closed;
  const std::size_t before = descriptors();
  constexpr int kAll = 5'000;
  constexpr std::size_t kAtOnce = 100;
  int begun = 0, answered = 0;
  net.caller.open = [](Connection& c) { c.send("x"); };
  net.caller.data = [&](Connection& c) {
    ++answered;
    c.reset();  // leaves no TIME_WAIT behind
  };
  net.caller.failed = [&](const DialFailure&) { ++answered; };
  REQUIRE(net.run_until(
      [&] {
        while (begun < kAll && net.dialer.dialing() + net.dialer.active() < kAtOnce) {
          net.dial({tcp(begun % 10 == 0 ? closed.address : listener.address())});
          ++begun;
        }
        return answered == kAll && net.network.open_connections() == 0;
      },
      60s));
  CHECK(net.dialer.opened() == kAll * 9 / 10);
  CHECK(net.dialer.active() == 0);
  CHECK(net.dialer.dialing() == 0);
  REQUIRE(net.run_until([&] { return descriptors() == before; }));
  CHECK(net.network.table().chunks() <= 1);
}
