// The turn: fairness, deadlines, and what an idle process does not do.
#include "core/net/turn.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "core/net/deadline_wheel.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;
using namespace std::chrono_literals;

namespace {

// Never reads all that is there, so its sockets are always ready.
struct Nibbler : StreamHandler {
  void on_data(Connection& connection, Bytes) override {
    ++callbacks;
    if (std::chrono::steady_clock::now() >= due) ++callbacks_when_due;
    connection.send("n");
  }
  std::uint64_t callbacks = 0;
  std::chrono::steady_clock::time_point due = std::chrono::steady_clock::time_point::max();
  std::uint64_t callbacks_when_due = 0;
};

struct Deadline : StreamHandler {
  void on_open(Connection& connection) override {
    connection.set_deadline(after, CloseReason::kHeaderTimeout);
    if (opened) opened();
  }
  void on_deadline(Connection& connection, CloseReason reason) override {
    fired.push_back(reason);
    connection.close(reason);
    if (over) over();
  }
  std::chrono::milliseconds after{200};
  std::vector<CloseReason> fired;
  std::function<void()> opened;
  std::function<void()> over;
};

}  // namespace

TEST_CASE("4,000 always-ready sockets: 256 callbacks a turn at most, and deadlines fire in time") {
  NetworkFixture net;
  Nibbler busy;
  StreamPolicy policy;
  policy.read_budget = 1;  // one byte a wake-up: the rest keeps the socket ready
  policy.write_limit = 64 * 1024 * 1024;
  policy.write_high = policy.write_low = policy.write_limit;
  OpenDoor door(net, busy, policy);
  Listener& listener = net.listen(door.door);
  Deadline deadline;
  OpenDoor timed(net, deadline);
  Listener& timed_listener = net.listen(timed.door);

  std::vector<Client> clients;
  for (int i = 0; i < 4000; ++i) {
    clients.push_back(net.connect(listener));
    if (i % 500 == 0) net.run_until([&] { return true; });
  }
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 4000; }));
  for (Client& client : clients)
    REQUIRE(client.send(std::string(2000, 'x')) == 2000);
  constexpr auto kTicks = 125ms;  // two of the wheel: it rounds up
  deadline.opened = [&] { busy.due = std::chrono::steady_clock::now() + deadline.after + kTicks; };
  deadline.over = [&] { busy.due = std::chrono::steady_clock::time_point::max(); };
  Client timed_client = net.connect(timed_listener);
  REQUIRE(net.run_until([&] { return !deadline.fired.empty(); }));
  CHECK(busy.callbacks > 4000);
  CHECK(net.network.most_callbacks_in_a_turn() <= 256);
  // Counted, because a loaded machine has no time that could be asserted: the turn in which it is
  // due, and after a stall one more that only reads.
  CHECK(busy.callbacks_when_due <= 3 * 256);
}

TEST_CASE("a deadline can be moved later for nothing, and earlier") {
  NetworkFixture net;
  Deadline handler;
  OpenDoor door(net, handler);
  Listener& listener = net.listen(door.door);
  SECTION("later") {
    handler.after = 100ms;
    Client client = net.connect(listener);
    ConnectionId id;
    REQUIRE(net.run_until([&] {
      net.network.for_each_connection([&](Connection& c) { id = c.id(); });
      return bool(id);
    }));
    net.network.find(id)->set_deadline(600ms, CloseReason::kBodyTimeout);
    CHECK_FALSE(net.run_until([&] { return !handler.fired.empty(); }, 300ms));
    REQUIRE(net.run_until([&] { return !handler.fired.empty(); }, 3s));
    CHECK(handler.fired == std::vector{CloseReason::kBodyTimeout});
  }
  SECTION("earlier, from beyond one revolution of the wheel") {
    handler.after = 1h;
    Client client = net.connect(listener);
    ConnectionId id;
    REQUIRE(net.run_until([&] {
      net.network.for_each_connection([&](Connection& c) { id = c.id(); });
      return bool(id);
    }));
    net.network.find(id)->set_deadline(100ms, CloseReason::kBodyTimeout);
    REQUIRE(net.run_until([&] { return !handler.fired.empty(); }, 3s));
  }
  SECTION("cleared") {
    handler.after = 100ms;
    Client client = net.connect(listener);
    REQUIRE(net.run_until([&] { return net.network.open_connections() == 1; }));
    net.network.for_each_connection([&](Connection& c) { c.clear_deadline(); });
    CHECK_FALSE(net.run_until([&] { return !handler.fired.empty(); }, 400ms));
  }
}

TEST_CASE("idle_timeout ends the silent and spares the busy") {
  NetworkFixture net;
  StreamHandler quiet;
  StreamPolicy policy;
  policy.idle_timeout = 500ms;
  OpenDoor door(net, quiet, policy);
  Listener& listener = net.listen(door.door);
  Client silent = net.connect(listener), busy = net.connect(listener);
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 2; }));
  REQUIRE(net.run_until(
      [&] {
        busy.send("x");
        return !silent.pump();
      },
      3s));
  CHECK(net.network.open_connections() == 1);
  REQUIRE(net.run_until([&] { return !busy.pump(); }, 3s));
}

TEST_CASE("a reader that takes nothing for write_timeout is reset") {
  NetworkFixture net;
  struct Firehose : StreamHandler {
    void on_open(Connection& c) override { c.send(std::string(20'000'000, 'x')); }
    void on_close(Connection&, CloseReason reason) override { closed.push_back(reason); }
    std::vector<CloseReason> closed;
  } firehose;
  StreamPolicy policy;
  policy.write_timeout = 300ms;
  OpenDoor door(net, firehose, policy);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  REQUIRE(net.run_until([&] { return !firehose.closed.empty(); }, 5s));
  CHECK(firehose.closed == std::vector{CloseReason::kWriteTimeout});
}

TEST_CASE("after a stall, bytes that came in time are read before a deadline fires") {
  NetworkFixture net;
  struct Refresh : Deadline {
    void on_data(Connection& c, Bytes) override {
      c.set_deadline(10s, CloseReason::kHeaderTimeout);
      got = true;
    }
    bool got = false;
  } handler;
  handler.after = 300ms;
  OpenDoor door(net, handler);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 1; }));
  client.send("in time");
  // The loop stands still for longer than the deadline, as a stopped process would.
  const auto until = std::chrono::steady_clock::now() + 1300ms;
  while (std::chrono::steady_clock::now() < until) {
  }
  REQUIRE(net.run_until([&] { return handler.got; }));
  CHECK(handler.fired.empty());
}

TEST_CASE("lingering ends by itself, also with a peer that never stops sending") {
  Network::Options options;
  options.linger = 300ms;
  options.linger_kib = 64;
  NetworkFixture net(options);
  struct Farewell : StreamHandler {
    void on_open(Connection& c) override {
      c.send("bye");
      c.finish();
    }
    void on_close(Connection&, CloseReason reason) override { closed.push_back(reason); }
    std::vector<CloseReason> closed;
  } farewell;
  OpenDoor door(net, farewell);
  Listener& listener = net.listen(door.door);
  Client client = net.connect(listener);
  SECTION("silent") {}
  SECTION("sending") {
    REQUIRE(net.run_until([&] {
      client.send(std::string(10'000, 'x'));
      return !farewell.closed.empty();
    }));
  }
  REQUIRE(net.run_until([&] { return !farewell.closed.empty(); }, 3s));
  CHECK(farewell.closed == std::vector{CloseReason::kFinished});
}

TEST_CASE("an endless sender with a reader as fast as itself does not starve the others") {
  NetworkFixture net;
  struct Endless : StreamHandler {
    void on_open(Connection& c) override { fill(c); }
    void on_writable(Connection& c) override { fill(c); }
    void fill(Connection& c) {
      while (c.queued_bytes() <= 256 * 1024 && !c.ending())
        c.send(chunk);
    }
    Payload chunk = Payload::copy(std::string(16 * 1024, 'e'));
  } endless;
  OpenDoor firehose(net, endless);
  Listener& firehose_listener = net.listen(firehose.door);
  struct Echo : StreamHandler {
    void on_data(Connection& c, Bytes bytes) override { c.send(bytes); }
  } echo;
  OpenDoor door(net, echo);
  Listener& listener = net.listen(door.door);

  const int fd = sock::open_stream(Family::kIPv4);
  sock::connect(fd, firehose_listener.address());
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> drained = 0;
  std::thread reader([&] {
    std::vector<char> buffer(1 << 20);
    while (!stop) {
      pollfd ready{fd, POLLIN, 0};
      ::poll(&ready, 1, 100);
      const auto count = sock::receive(fd, buffer.data(), buffer.size());
      if (count > 0) drained += static_cast<std::uint64_t>(count);
    }
  });
  REQUIRE(net.run_until([&] { return drained > 10'000'000; }));
  Client client = net.connect(listener);
  for (int i = 0; i < 50; ++i) {
    client.received.clear();
    client.send("ping");
    REQUIRE(net.run_until([&] {
      client.pump();
      return client.received == "ping";
    }));
  }
  stop = true;
  reader.join();
  sock::close(fd);
}

TEST_CASE("inside a callback everything it has sent counts as queued") {
  NetworkFixture net;
  struct Sender : StreamHandler {
    void on_open(Connection& c) override {
      c.send(std::string(60'000, 's'));
      inside = c.queued_bytes();
    }
    std::size_t inside = 0;
  } sender;
  OpenDoor door(net, sender);
  Client client = net.connect(net.listen(door.door));
  REQUIRE(net.run_until([&] {
    client.pump();
    return client.received.size() == 60'000;
  }));
  CHECK(sender.inside == 60'000);
}

TEST_CASE("idleness does not spend a deadline of the handler's own") {
  NetworkFixture net;
  struct Keeper : StreamHandler {
    void on_open(Connection& c) override { c.set_deadline(700ms, CloseReason::kBodyTimeout); }
    void on_deadline(Connection&, CloseReason reason) override { fired.push_back(reason); }
    std::vector<CloseReason> fired;
  } keeper;
  StreamPolicy policy;
  policy.idle_timeout = 300ms;
  OpenDoor door(net, keeper, policy);
  Client client = net.connect(net.listen(door.door));
  CHECK(net.run_until(
      [&] {
        return std::count(keeper.fired.begin(), keeper.fired.end(), CloseReason::kBodyTimeout) == 1;
      },
      3s));
  CHECK(keeper.fired.front() == CloseReason::kIdleTimeout);
}

TEST_CASE("after a stall every connection that wrote in time is read, however many there are") {
  NetworkFixture net;
  struct Reader : StreamHandler {
    void on_data(Connection&, Bytes) override { ++read; }
    void on_close(Connection&, CloseReason) override { ++closed; }
    int read = 0, closed = 0;
  } reader;
  StreamPolicy policy;
  policy.idle_timeout = 1s;
  OpenDoor door(net, reader, policy);
  Listener& listener = net.listen(door.door);
  std::vector<Client> clients;
  for (int i = 0; i < 600; ++i)
    clients.push_back(net.connect(listener));
  REQUIRE(net.run_until([&] { return net.network.open_connections() == 600; }));
  for (Client& client : clients)
    client.send("in time");
  const auto until = std::chrono::steady_clock::now() + 1500ms;
  while (std::chrono::steady_clock::now() < until) {
  }
  REQUIRE(net.run_until([&] { return reader.read + reader.closed >= 600; }));
  CHECK(reader.closed == 0);
}
