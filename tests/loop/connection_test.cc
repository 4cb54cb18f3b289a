// What a service relies on when it holds a connection: bytes, order, ends, lifetime.
#include "core/net/connection.h"

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;

namespace {

struct Echo : StreamHandler {
  void on_data(Connection& connection, Bytes data) override { connection.send(data); }
  void on_close(Connection&, CloseReason reason) override { ++closed[reason]; }
  std::map<CloseReason, int> closed;
};

// Calls what a test puts in.
struct Scripted : StreamHandler {
  std::function<void(Connection&)> open, end, writable;
  std::function<void(Connection&, Bytes)> data;
  std::vector<CloseReason> closed;

  void on_open(Connection& c) override {
    if (open) open(c);
  }
  void on_data(Connection& c, Bytes bytes) override {
    if (data) data(c, bytes);
  }
  void on_end(Connection& c) override { end ? end(c) : StreamHandler::on_end(c); }
  void on_writable(Connection& c) override {
    if (writable) writable(c);
  }
  void on_close(Connection&, CloseReason reason) override { closed.push_back(reason); }
};

std::string pattern(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes)
    byte = static_cast<char>(random());
  return bytes;
}

}  // namespace

TEST_CASE("what a client sends comes back, whatever the pieces") {
  NetworkFixture net;
  Echo echo;
  OpenDoor door(net, echo);
  Listener& listener = net.listen(door.door);
  const std::string sent = pattern(3'000'000);
  const auto piece = static_cast<std::size_t>(GENERATE(1, 7, 4096, 1'000'000));
  const std::string bytes = sent.substr(0, piece == 1 ? 20'000 : sent.size());
  Client client = net.connect(listener);
  std::size_t given = 0;
  REQUIRE(net.run_until([&] {
    while (given < bytes.size()) {
      const std::size_t taken = client.send(Bytes(bytes).substr(given, piece));
      if (taken == 0) break;
      given += taken;
    }
    client.pump();
    return client.received.size() >= bytes.size();
  }));
  CHECK((client.received == bytes));
  client.shut_down();
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  CHECK_FALSE(client.was_reset);
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 0; }));
  CHECK(echo.closed[CloseReason::kPeerClosed] == 1);
}

TEST_CASE("a reader that stops loses nothing and the queue stays bounded") {
  NetworkFixture net;
  Echo echo;
  OpenDoor door(net, echo);
  Listener& listener = net.listen(door.door);
  const std::string bytes = pattern(24'000'000);
  Client client = net.connect(listener);
  std::size_t given = 0, most_queued = 0;
  const auto give = [&] {
    while (given < bytes.size()) {
      const std::size_t taken = client.send(Bytes(bytes).substr(given, 65536));
      if (taken == 0) break;
      given += taken;
    }
    net.network.for_each_connection([&](Connection& connection) {
      most_queued = std::max(most_queued, connection.queued_bytes());
    });
  };
  // Nothing is read until the kernel's buffers are full on both sides.
  std::size_t before = ~std::size_t{0};
  for (int still = 0; still < 20;) {
    net.run_until([&] { return true; });
    for (int i = 0; i < 5; ++i)
      net.loop.run_ready();
    give();
    still = given == before ? still + 1 : 0;
    before = given;
  }
  CHECK(given < bytes.size());
  REQUIRE(net.run_until(
      [&] {
        give();
        client.pump();
        return client.received.size() >= bytes.size();
      },
      std::chrono::seconds(30)));
  CHECK((client.received == bytes));
  CHECK(most_queued > 0);
  CHECK(most_queued <= door.door.policy.write_high + 64 * 1024);
}

TEST_CASE("finish() delivers the last words to a client that has typed before reading") {
  NetworkFixture net;
  Scripted service;
  service.open = [](Connection& c) {
    c.send("the line\r\n");
    c.finish();
  };
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  for (int i = 0; i < 200; ++i) {
    Client client = net.connect(listener);
    REQUIRE(net.run_until([&] { return client.send("typed before reading\r\n") > 0; }));
    REQUIRE(net.run_until([&] { return !client.pump(); }));
    REQUIRE(client.received == "the line\r\n");
    REQUIRE_FALSE(client.was_reset);
    client.close();
    REQUIRE(net.run_until([&] { return net.network.open_connections() == 0; }));
  }
  CHECK(service.closed == std::vector<CloseReason>(200, CloseReason::kFinished));
}

TEST_CASE("close() flushes what the kernel takes at once, reset() sends a RST") {
  NetworkFixture net;
  Scripted service;
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  SECTION("close") {
    service.open = [](Connection& c) {
      c.send("bye");
      c.close(CloseReason::kKicked);
      c.close();          // again: nothing
      c.send("nothing");  // dropped
    };
    Client client = net.connect(listener);
    REQUIRE(net.run_until([&] { return !client.pump(); }));
    CHECK(client.received == "bye");
    CHECK_FALSE(client.was_reset);
    REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
    CHECK(service.closed == std::vector{CloseReason::kKicked});
  }
  SECTION("reset") {
    service.open = [](Connection& c) { c.reset(CloseReason::kFault); };
    Client client = net.connect(listener);
    REQUIRE(net.run_until([&] { return !client.pump(); }));
    CHECK(client.was_reset);
  }
}

TEST_CASE("on_close comes once, last, and never from inside close()") {
  NetworkFixture net;
  Scripted service;
  bool inside = false;
  service.data = [&](Connection& c, Bytes) {
    inside = true;
    c.close();
    CHECK(service.closed.empty());
    CHECK(net.network.find(c.id()) == nullptr);  // the id is retired at once
    inside = false;
  };
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  client.send("x");
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  net.run_until([&] { return net.network.open_connections() == 0; });
  CHECK(service.closed.size() == 1);
}

TEST_CASE("an id outlives its connection and never names another") {
  NetworkFixture net;
  Scripted service;
  std::vector<ConnectionId> ids;
  service.open = [&](Connection& c) { ids.push_back(c.id()); };
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  for (int i = 0; i < 3; ++i) {
    Client client = net.connect(listener);
    REQUIRE(net.run_until([&] { return ids.size() == static_cast<std::size_t>(i) + 1; }));
    CHECK(net.network.find(ids.back()) != nullptr);
    client.close();
    REQUIRE(net.run_until([&] { return net.network.open_connections() == 0; }));
  }
  CHECK(ids[0].index == ids[2].index);  // the same slot, lowest free first
  for (const ConnectionId id : ids)
    CHECK(net.network.find(id) == nullptr);
}

TEST_CASE("half-close: the peer's FIN ends its half only") {
  NetworkFixture net;
  Scripted service;
  ConnectionId id;
  service.end = [&](Connection& c) { id = c.id(); };  // stays open
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  client.shut_down();
  REQUIRE(net.run_until([&] { return bool(id); }));
  // A peer that has finished must not make the loop spin.
  const std::uint64_t turns = net.network.turns();
  net.run_until([] { return false; }, std::chrono::milliseconds(200));
  CHECK(net.network.turns() - turns < 200);
  Connection* connection = net.network.find(id);
  REQUIRE(connection != nullptr);
  connection->send("still here");
  connection->finish();
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  CHECK(client.received == "still here");
}

TEST_CASE("bytes before a RST are delivered, and the reason is the peer's") {
  NetworkFixture net;
  Scripted service;
  std::string got;
  service.data = [&](Connection&, Bytes bytes) { got += bytes; };
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 1; }));
  client.send(std::string(1000, 'x'));
  client.reset();
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }));
  CHECK(got == std::string(1000, 'x'));
  CHECK(service.closed == std::vector{CloseReason::kResetByPeer});
}

TEST_CASE("a paused connection hears of a RST within two seconds") {
  NetworkFixture net;
  Scripted service;
  service.open = [](Connection& c) { c.pause_reading(); };
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 1; }));
  client.reset();
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }, std::chrono::seconds(3)));
  CHECK(service.closed == std::vector{CloseReason::kResetByPeer});
}

TEST_CASE("pausing stops on_data, resuming loses nothing") {
  NetworkFixture net;
  Scripted service;
  std::string got;
  ConnectionId id;
  service.data = [&](Connection& c, Bytes bytes) {
    got += bytes;
    id = c.id();
    c.pause_reading();
  };
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  client.send("one");
  REQUIRE(net.run_until([&] { return got == "one"; }));
  client.send("two");
  net.run_until([] { return false; }, std::chrono::milliseconds(100));
  CHECK(got == "one");
  net.network.find(id)->resume_reading();
  REQUIRE(net.run_until([&] { return got == "onetwo"; }));
}

TEST_CASE("on_writable comes after the queue was over its high mark, once it is low") {
  NetworkFixture net;
  Scripted service;
  const std::string chunk = pattern(256 * 1024);
  std::size_t queued_at_writable = ~std::size_t{0};
  int chunks = 0, writable = 0;
  const auto fill = [&](Connection& c) {
    while (c.queued_bytes() <= 256 * 1024 && chunks < 64) {
      c.send(chunk);
      ++chunks;
    }
    if (chunks == 64) c.finish();
  };
  service.open = fill;
  service.writable = [&](Connection& c) {
    ++writable;
    queued_at_writable = std::min(queued_at_writable, c.queued_bytes());
    fill(c);
  };
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  REQUIRE(net.run_until([&] { return !client.pump(); }, std::chrono::seconds(30)));
  CHECK(client.received.size() == 64 * chunk.size());
  CHECK((client.received.substr(0, chunk.size()) == chunk));
  CHECK(writable > 0);
  CHECK(queued_at_writable <= door.door.policy.write_low);
}

TEST_CASE("a reader that is too slow is cut at the limit, and only that one") {
  NetworkFixture net;
  Scripted service;
  std::vector<ConnectionId> members;
  service.open = [&](Connection& c) { members.push_back(c.id()); };
  StreamPolicy policy;
  policy.slow_reader = StreamPolicy::SlowReader::kDisconnect;
  policy.write_limit = 512 * 1024;
  OpenDoor door(net, service, policy);
  Listener& listener = net.listen(door.door);
  Client stuck = net.connect(listener);
  REQUIRE(net.run_until([&] { return members.size() == 1; }));
  Client good = net.connect(listener);
  REQUIRE(net.run_until([&] { return members.size() == 2; }));
  const Payload line = Payload::copy(pattern(10'000));
  std::size_t broadcast = 0;
  REQUIRE(net.run_until([&] {
    for (const ConnectionId id : members) {
      if (Connection* member = net.network.find(id)) member->send(line);
    }
    broadcast += line.size();
    good.pump();
    return !service.closed.empty();
  }));
  CHECK(service.closed == std::vector{CloseReason::kSlowReader});
  REQUIRE(net.run_until([&] {
    good.pump();
    return good.received.size() == broadcast;
  }));
}

TEST_CASE("drop_unsent keeps what is begun, so a last word arrives whole") {
  NetworkFixture net;
  Scripted service;
  ConnectionId id;
  service.open = [&](Connection& c) { id = c.id(); };
  StreamPolicy policy;
  policy.slow_reader = StreamPolicy::SlowReader::kDisconnect;
  policy.write_limit = 64 * 1024 * 1024;
  OpenDoor door(net, service, policy);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  REQUIRE(net.run_until([&] { return bool(id); }));
  const std::string line = std::string(9'999, 'a') + "\n";
  const Payload payload = Payload::copy(line);
  REQUIRE(net.run_until([&] {
    Connection* c = net.network.find(id);
    for (int i = 0; i < 100; ++i)
      c->send(payload);
    return c->queued_bytes() > 2'000'000;
  }));
  Connection* connection = net.network.find(id);
  connection->drop_unsent();
  CHECK(connection->queued_bytes() < line.size());
  connection->send("the end\n");
  connection->finish();
  REQUIRE(net.run_until([&] { return !client.pump(); }));
  CHECK(client.received.ends_with("a\nthe end\n"));
  CHECK((client.received.size() - 8) % line.size() == 0);
}

TEST_CASE("a callback that throws costs its own connection only") {
  NetworkFixture net;
  Scripted service;
  service.data = [](Connection& c, Bytes bytes) {
    if (bytes == "bad") throw std::runtime_error("a bug in a service");
    c.send(bytes);
  };
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  Client bad = net.connect(listener), good = net.connect(listener);
  bad.send("bad");
  REQUIRE(net.run_until([&] { return !bad.pump() && !service.closed.empty(); }));
  CHECK(service.closed == std::vector{CloseReason::kServiceError});
  good.send("good");
  REQUIRE(net.run_until([&] {
    good.pump();
    return good.received == "good";
  }));
}

TEST_CASE("send to another connection and from a timer arrives without further events") {
  NetworkFixture net;
  Scripted service;
  std::vector<ConnectionId> ids;
  service.open = [&](Connection& c) { ids.push_back(c.id()); };
  service.data = [&](Connection&, Bytes bytes) { net.network.find(ids[0])->send(bytes); };
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  Client first = net.connect(listener);
  REQUIRE(net.run_until([&] { return ids.size() == 1; }));
  Client second = net.connect(listener);
  second.send("over");
  REQUIRE(net.run_until([&] {
    first.pump();
    return first.received == "over";
  }));
  Timer timer(net.loop, [&] { net.network.find(ids[1])->send("tick"); });
  timer.start(std::chrono::milliseconds(1));
  REQUIRE(net.run_until([&] {
    second.pump();
    return second.received == "tick";
  }));
}

TEST_CASE("small answers of one callback leave in one system call") {
  NetworkFixture net;
  Scripted service;
  service.data = [](Connection& c, Bytes) {
    for (int i = 0; i < 200; ++i)
      c.send("answer\n");  // copied next to each other
    c.send(Payload::literal("literal\n"));
    c.send(std::string(300'000, 'z'));  // larger than the scratch
    c.send("end\n");
  };
  OpenDoor door(net, service);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  client.send("x");
  std::string expected;
  for (int i = 0; i < 200; ++i)
    expected += "answer\n";
  expected += "literal\n" + std::string(300'000, 'z') + "end\n";
  REQUIRE(net.run_until([&] {
    client.pump();
    return client.received.size() >= expected.size();
  }));
  CHECK((client.received == expected));
}

TEST_CASE("a paused connection with unread bytes, or a finished peer, is still found dead") {
  NetworkFixture net;
  Scripted service;
  int heard = 0;
  const bool paused = GENERATE(true, false);
  service.open = [&](Connection& c) {
    if (paused) c.pause_reading();
  };
  service.end = [&](Connection&) { ++heard; };  // stays open
  OpenDoor door(net, service);
  Client client = net.connect(net.listen(door.door));
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 1; }));
  if (paused) {
    client.send("unread");
  } else {
    client.shut_down();
    REQUIRE(net.run_until([&] { return heard == 1; }));
    net.network.for_each_connection([](Connection& c) { c.send("unread by the client"); });
    net.run_until([] { return false; }, std::chrono::milliseconds(50));
  }
  client.reset();
  REQUIRE(net.run_until([&] { return !service.closed.empty(); }, std::chrono::seconds(4)));
  CHECK(service.closed == std::vector{CloseReason::kResetByPeer});
}
