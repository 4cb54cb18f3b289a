// Full and overloaded: what a client meets at each limit, and that all is normal again afterwards.
#include "core/http/server.h"
#include "core/net/listener.h"
#include "core/socket/networks.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;
using namespace std::chrono_literals;

namespace {

using WhenFull = StreamPolicy::WhenFull;

// Every connection may go, unless its first byte was 'b': busy.
struct Echo : StreamHandler {
  void on_open(Connection&) override { ++opened; }
  void on_data(Connection& connection, Bytes data) override {
    if (data.front() == 'b') busy.push_back(connection.id());
    connection.send(data);
  }
  void on_close(Connection&, CloseReason reason) override { closed.push_back(reason); }
  bool may_make_room(Connection& connection) override {
    for (const ConnectionId id : busy) {
      if (id == connection.id()) return false;
    }
    return true;
  }
  Bytes refusal(CloseReason) const override { return "full, come again\n"; }
  int opened = 0;
  std::vector<ConnectionId> busy;
  std::vector<CloseReason> closed;
};

std::uint64_t refused(const Listener& listener, CloseReason reason) {
  return listener.refused()[static_cast<std::size_t>(reason)];
}

bool answers(NetworkFixture& net, Client& client, const std::string& word) {
  client.send(word);
  return net.run_until(
      [&] {
        client.pump();
        return client.received.ends_with(word);
      },
      5s);
}

}  // namespace

TEST_CASE("close_idle: at 120 % of the limit the longest idle go, and the busy stay") {
  NetworkFixture net;
  Echo echo;
  OpenDoor door(net, echo, {.when_full = WhenFull::kCloseIdle}, {.connections = 20});
  Listener& listener = net.listen(door.door);
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(net.connect(listener));
    REQUIRE(answers(net, clients.back(), i < 10 ? "busy" : "idle"));
  }
  std::vector<Client> more;
  for (int i = 0; i < 4; ++i) {
    more.push_back(net.connect(listener));
    more.back().send("busy");
  }
  REQUIRE(net.run_until([&] { return echo.opened == 24 && echo.closed.size() == 4; }));
  CHECK(echo.closed == std::vector<CloseReason>(4, CloseReason::kMadeRoom));
  CHECK(refused(listener, CloseReason::kMadeRoom) == 4);
  CHECK(refused(listener, CloseReason::kLimitConnections) == 0);
  CHECK(door.admission.open() == 20);
  for (int i = 0; i < 10; ++i)
    CHECK(answers(net, clients[static_cast<std::size_t>(i)], "still"));
  for (Client& client : more)
    CHECK(answers(net, client, "served"));
}

TEST_CASE("close_idle: nobody goes while nobody waits, and clients wait while all are busy") {
  NetworkFixture net;
  Echo echo;
  OpenDoor door(net, echo, {.when_full = WhenFull::kCloseIdle}, {.connections = 2});
  Listener& listener = net.listen(door.door);
  Client a = net.connect(listener), b = net.connect(listener);
  REQUIRE(answers(net, a, "b1"));
  REQUIRE(answers(net, b, "b2"));
  net.run_until([] { return false; }, 100ms);
  CHECK(echo.closed.empty());
  Client waiting = net.connect(listener);
  REQUIRE(net.run_until([&] { return refused(listener, CloseReason::kLimitConnections) == 1; }));
  CHECK(echo.closed.empty());
  echo.busy.clear();  // they become idle without a sign: it looks again by itself
  CHECK(answers(net, waiting, "me"));
  CHECK(echo.closed == std::vector{CloseReason::kMadeRoom});
}

TEST_CASE("close_idle at the limit of the process takes from the services that allow it") {
  NetworkFixture net({.max_connections = 2});
  Echo echo, keeps;
  OpenDoor keeping(net, keeps);
  OpenDoor door(net, echo, {.when_full = WhenFull::kCloseIdle});
  Listener& listener = net.listen(door.door);
  Listener& kept = net.listen(keeping.door);
  Client stays = net.connect(kept), goes = net.connect(listener);
  REQUIRE(answers(net, stays, "x"));
  REQUIRE(answers(net, goes, "x"));
  Client next = net.connect(listener);
  CHECK(answers(net, next, "me"));
  CHECK(answers(net, stays, "still"));
  CHECK(keeps.closed.empty());
  CHECK(echo.closed == std::vector{CloseReason::kMadeRoom});
}

TEST_CASE("refuse: told in words and closed, without a reset; served again when one goes") {
  NetworkFixture net;
  Echo echo;
  OpenDoor door(net, echo, {.when_full = WhenFull::kRefuse}, {.connections = 5});
  Listener& listener = net.listen(door.door);
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(net.connect(listener));
    if (i < 5) REQUIRE(answers(net, clients.back(), "x"));
  }
  REQUIRE(net.run_until([&] { return !clients[5].pump(); }));
  CHECK(clients[5].received == "full, come again\n");
  CHECK_FALSE(clients[5].was_reset);
  CHECK(refused(listener, CloseReason::kLimitConnections) == 1);
  clients.erase(clients.begin());
  REQUIRE(net.run_until([&] { return door.admission.open() == 4; }));
  Client again = net.connect(listener);
  CHECK(answers(net, again, "back"));
}

TEST_CASE("new connections a second: the rest waits in the backlog and all are served") {
  NetworkFixture net;
  Echo echo;
  OpenDoor door(net, echo, {}, {.per_second = 10});
  Listener& listener = net.listen(door.door);
  std::vector<Client> clients;
  for (int i = 0; i < 12; ++i)
    clients.push_back(net.connect(listener));
  REQUIRE(net.run_until([&] { return refused(listener, CloseReason::kLimitRate) > 0; }));
  CHECK(echo.opened >= 10);
  for (Client& client : clients)
    CHECK(answers(net, client, "served"));
  CHECK(echo.opened == 12);
}

TEST_CASE("new connections a second of the process, refused in words") {
  NetworkFixture net({.per_second = 5});
  Echo echo;
  OpenDoor door(net, echo, {.when_full = WhenFull::kRefuse});
  Listener& listener = net.listen(door.door);
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i)
    clients.push_back(net.connect(listener));
  REQUIRE(net.run_until(
      [&] { return listener.accepted() + refused(listener, CloseReason::kLimitRate) == 50; }));
  CHECK(refused(listener, CloseReason::kLimitRate) >= 1);
  CHECK(listener.accepted() >= 5);
}

TEST_CASE("a client that is refused and still sends hears why, and not only a reset") {
  NetworkFixture net;
  Echo echo;
  OpenDoor door(net, echo, {.when_full = WhenFull::kRefuse}, {.connections = 1});
  Listener& listener = net.listen(door.door);
  Client first = net.connect(listener);
  REQUIRE(answers(net, first, "x"));
  std::vector<Client> more;
  // More than are waited for: the oldest of those go.
  for (int i = 0; i < 40; ++i) {
    more.push_back(net.connect(listener));
    REQUIRE(net.run_until(
        [&] { return refused(listener, CloseReason::kLimitConnections) == more.size(); }));
    more.back().send("what was on its way");
    CHECK_FALSE(more.back().pump());
    CHECK(more.back().received == "full, come again\n");
    CHECK_FALSE(more.back().was_reset);
  }
  CHECK(answers(net, first, "still"));
}

TEST_CASE("close_idle: nobody goes for a client that is not let in") {
  NetworkFixture net;
  Echo echo;
  const AccessList access{{}, Networks({"127.0.0.2"})};
  OpenDoor door(net, echo, {.when_full = WhenFull::kCloseIdle},
                {.connections = 2, .per_address = 2});
  door.door.access = &access;
  Listener& listener = net.listen(door.door);
  Client a = net.connect(listener), b = net.connect(listener);
  REQUIRE(answers(net, a, "idle"));
  REQUIRE(answers(net, b, "idle"));
  Client denied = net.connect(listener, "127.0.0.2");
  Client third = net.connect(listener);  // of an address that has two
  REQUIRE(net.run_until([&] { return !denied.pump() && !third.pump(); }));
  CHECK(refused(listener, CloseReason::kDenied) == 1);
  CHECK(refused(listener, CloseReason::kLimitAddress) == 1);
  CHECK(echo.closed.empty());
  Client welcome = net.connect(listener, "127.0.0.3");
  CHECK(answers(net, welcome, "me"));
  CHECK(echo.closed == std::vector{CloseReason::kMadeRoom});
}

TEST_CASE("close_idle: who comes too fast gets nobody closed") {
  NetworkFixture net;
  Echo echo;
  OpenDoor door(net, echo, {.when_full = WhenFull::kCloseIdle},
                {.connections = 5, .per_second = 10});
  Listener& listener = net.listen(door.door);
  std::vector<Client> clients;
  for (int i = 0; i < 30; ++i)
    clients.push_back(net.connect(listener));
  REQUIRE(net.run_until([&] { return refused(listener, CloseReason::kLimitRate) > 0; }));
  // The bucket had ten, and not more than a few have come into it.
  CHECK(refused(listener, CloseReason::kMadeRoom) >= 5);
  CHECK(refused(listener, CloseReason::kMadeRoom) < 20);
}
