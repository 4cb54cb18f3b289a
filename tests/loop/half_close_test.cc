// finish_sending(): one direction is over, the other goes on, and the second FIN ends it.
#include <sys/un.h>

#include "core/net/connection.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;

namespace {

// Keeps a connection open after the peer's FIN, and remembers what happened.
struct Keeper : StreamHandler {
  void on_open(Connection& c) override {
    id = c.id();
    if (open) open(c);
  }
  void on_data(Connection&, Bytes bytes) override { got += bytes; }
  void on_end(Connection& c) override {
    ++ended;
    if (end) end(c);
  }
  void on_close(Connection&, CloseReason reason) override { closed.push_back(reason); }

  std::function<void(Connection&)> open, end;
  ConnectionId id;
  std::string got;
  int ended = 0;
  std::vector<CloseReason> closed;
};

}  // namespace

TEST_CASE("finish_sending: the client hears our FIN and can go on sending") {
  NetworkFixture net;
  Keeper service;
  service.open = [](Connection& c) {
    c.send("all I have to say");
    c.finish_sending();
    c.send("and this is too late");
    CHECK(c.has_finished_sending());
    CHECK_FALSE(c.ending());
  };
  OpenDoor door(net, service);
  Client client = net.connect(net.listen(door.door));
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  CHECK(client.received == "all I have to say");
  CHECK_FALSE(client.was_reset);
  const std::string more(300'000, 'm');
  std::size_t sent = 0;
  REQUIRE(net.run_until([&] {
    if (sent < more.size()) sent += client.send(Bytes(more).substr(sent));
    return service.got.size() == more.size();
  }));
  CHECK(service.closed.empty());
  client.shut_down();
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  CHECK(service.ended == 1);
  CHECK(service.closed == std::vector{CloseReason::kFinished});  // ours came first
  CHECK(net.run_until([&] { return net.network.open_connections() == 0; }));
}

TEST_CASE("finish_sending: behind the peer's FIN it ends the connection, with everything sent") {
  NetworkFixture net;
  Keeper service;
  const std::string answer(2'000'000, 'a');
  service.end = [&](Connection& c) {
    c.send(Payload::copy(answer));
    c.finish_sending();
  };
  OpenDoor door(net, service);
  Client client = net.connect(net.listen(door.door));
  client.shut_down();
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  CHECK((client.received == answer));
  CHECK_FALSE(client.was_reset);
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  CHECK(service.closed == std::vector{CloseReason::kPeerClosed});
}

TEST_CASE("finish_sending waits for what is queued, and the loop does not spin afterwards") {
  NetworkFixture net;
  Keeper service;
  const std::string answer(8'000'000, 'q');
  OpenDoor door(net, service);
  Client client = net.connect(net.listen(door.door));
  REQUIRE(net.run_until([&] { return bool(service.id); }));
  Connection* connection = net.network.find(service.id);
  connection->send(Payload::copy(answer));
  connection->finish_sending();
  // The kernel's buffers are full long before: the FIN is still ours to send.
  for (int i = 0; i < 20; ++i)
    net.loop.run_ready();
  CHECK(connection->queued_bytes() > 0);
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  CHECK((client.received == answer));
  const std::uint64_t turns = net.network.turns();
  net.run_until([] { return false; }, std::chrono::milliseconds(200));
  CHECK(net.network.turns() - turns < 200);
  CHECK(net.network.find(service.id) == connection);  // half open, for as long as the client likes
}

TEST_CASE("finish, close and reset still work after finish_sending") {
  NetworkFixture net;
  Keeper service;
  service.open = [](Connection& c) { c.finish_sending(); };
  OpenDoor door(net, service);
  Client client = net.connect(net.listen(door.door));
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  client.ended = false;
  Connection* connection = net.network.find(service.id);
  REQUIRE(connection != nullptr);
  SECTION("finish lingers for the peer") {
    connection->finish(Connection::Linger::kWait, CloseReason::kKicked);
    net.run_until([] { return false; }, std::chrono::milliseconds(50));
    CHECK(net.network.find(service.id) != nullptr);
    client.send("dropped");
    client.shut_down();
    REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
    CHECK(service.closed == std::vector{CloseReason::kKicked});
    CHECK(service.got.empty());
  }
  SECTION("close") {
    connection->close(CloseReason::kKicked);
    REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  }
  SECTION("reset") {
    connection->reset(CloseReason::kKicked);
    REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
    client.send("x");
    REQUIRE(net.run_until([&] { return client.send("x") == 0; }));
  }
}

TEST_CASE("a paused connection with both FINs on the wire keeps its unread bytes") {
  NetworkFixture net;
  Keeper service;
  service.open = [](Connection& c) {
    c.pause_reading();
    c.finish_sending();
  };
  OpenDoor door(net, service);
  Client client = net.connect(net.listen(door.door));
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  client.send("read me later");
  client.close();
  // Longer than the sweep that looks for dead connections nobody waits for.
  net.run_until([] { return false; }, std::chrono::milliseconds(2'500));
  CHECK(service.closed.empty());
  Connection* connection = net.network.find(service.id);
  REQUIRE(connection != nullptr);
  connection->resume_reading();
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  CHECK(service.got == "read me later");
  CHECK(service.closed == std::vector{CloseReason::kFinished});
}

TEST_CASE("a unix client that has sent and gone does not take its unread bytes along") {
  NetworkFixture net;
  Keeper service;
  service.open = [](Connection& c) { c.pause_reading(); };
  service.end = [](Connection& c) { c.finish(); };
  OpenDoor door(net, service);
  BindRequest request;
  request.target.transport = Transport::kUnix;
  request.target.path = "@polyport-half-close-test";
  const auto fd = open_bound_socket(request);
  REQUIRE(fd);
  net.network.add_listener(door.door, *fd, "test.main.0").start();
  Client client(sock::open_stream(Family::kUnix));
  REQUIRE(sock::connect_unix(client.fd(), request.target.path) == 0);
  client.send("read me later");
  client.close();
  net.run_until([] { return false; }, std::chrono::milliseconds(2'500));
  REQUIRE(net.network.find(service.id) != nullptr);
  net.network.find(service.id)->resume_reading();
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  CHECK(service.got == "read me later");
}
