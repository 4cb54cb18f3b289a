// Too many bytes queued, too much memory: who holds most goes, and nobody else.
#include <algorithm>
#include <map>

#include "core/net/listener.h"
#include "core/net/memory_ledger.h"
#include "tests/support/network_fixture.h"
#include "tests/support/statm_file.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;
using polyport::test::StatmFile;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
// More than the kernel takes for one connection on loopback.
constexpr std::size_t kKernelTakes = 8 * kMiB;

// Sends as many MiB as the byte it is sent says, to all who are there where that is 'a'; echoes
// anything else.
struct Sender : StreamHandler {
  void on_open(Connection& connection) override { all.push_back(connection.id()); }
  void on_data(Connection& connection, Bytes data) override {
    const char first = data.front();
    if (first == 'a') {
      const Payload payload = Payload::copy(std::string(100'000, 'p'));
      for (const ConnectionId id : all) {
        if (Connection* other = connection.network().find(id)) other->send(payload);
      }
    } else if (first >= '0' && first <= '9') {
      const std::size_t bytes = static_cast<std::size_t>(first - '0') * 4 * kMiB + kKernelTakes;
      connection.send(Payload::copy(std::string(bytes, 'q')));
    } else {
      connection.send(data);
    }
  }
  void on_close(Connection& connection, CloseReason reason) override {
    closed[connection.id()] = reason;
  }
  void on_deadline(Connection& connection, CloseReason reason) override {
    told.push_back(connection.id());
    held.erase(connection.id());
    connection.send("short of memory\n");
    connection.finish(Connection::Linger::kWait, reason);
  }
  std::size_t held_bytes(const Connection& connection) const override {
    const auto found = held.find(connection.id());
    return found == held.end() ? 0 : found->second;
  }
  Bytes refusal(CloseReason reason) const override {
    return reason == CloseReason::kLimitMemory ? "no memory\n" : "full\n";
  }
  struct Less {
    bool operator()(ConnectionId a, ConnectionId b) const { return a.generation < b.generation; }
  };
  std::vector<ConnectionId> all, told;
  std::map<ConnectionId, CloseReason, Less> closed;
  std::map<ConnectionId, std::size_t, Less> held;
};

bool answers(NetworkFixture& net, Client& client, const std::string& word) {
  client.send(word);
  return net.run_until(
      [&] {
        client.pump();
        return client.received.ends_with(word);
      },
      5s);
}

std::vector<Client> connect(NetworkFixture& net, Listener& listener, Sender& sender, int count) {
  std::vector<Client> clients;
  for (int i = 0; i < count; ++i) {
    const std::size_t before = sender.all.size();
    clients.push_back(net.connect(listener));
    REQUIRE(net.run_until([&] { return sender.all.size() > before; }));
  }
  return clients;
}

std::uint64_t refused(const Listener& listener, CloseReason reason) {
  return listener.refused()[static_cast<std::size_t>(reason)];
}

}  // namespace

TEST_CASE("max_queued of a service: the reader with most unread goes, the others stay") {
  NetworkFixture net;
  Sender sender, other;
  QueueLedger queued{.limit = 24 * kMiB};
  OpenDoor door(net, sender, {.write_limit = 1024 * kMiB, .queued = &queued});
  OpenDoor unlimited(net, other, {.write_limit = 1024 * kMiB});
  Listener& listener = net.listen(door.door);
  std::vector<Client> clients = connect(net, listener, sender, 3);
  std::vector<Client> others = connect(net, net.listen(unlimited.door), other, 1);
  others[0].send("9");  // of another service: nobody's concern here
  clients[0].send("1");
  REQUIRE(net.run_until([&] { return queued.bytes > 0; }));
  clients[1].send("6");
  REQUIRE(net.run_until([&] { return !sender.closed.empty(); }));
  CHECK(sender.closed == std::map<ConnectionId, CloseReason, Sender::Less>{
                             {sender.all[1], CloseReason::kLimitQueued}});
  CHECK(queued.bytes > 0);
  CHECK(queued.bytes <= queued.limit);
  CHECK(answers(net, clients[2], "still"));
  // Normal again by itself: whoever reads gets all of it.
  REQUIRE(net.run_until([&] {
    clients[0].pump();
    return clients[0].received.size() == kKernelTakes + 4 * kMiB;
  }));
  CHECK(queued.bytes == 0);
  CHECK(other.closed.empty());
}

TEST_CASE("max_queued of the process is the sum over its services") {
  NetworkFixture net({.max_queued = 16 * kMiB});
  Sender one, two;
  OpenDoor first(net, one, {.write_limit = 1024 * kMiB});
  OpenDoor second(net, two, {.write_limit = 1024 * kMiB});
  std::vector<Client> a = connect(net, net.listen(first.door), one, 2);
  std::vector<Client> b = connect(net, net.listen(second.door), two, 2);
  a[0].send("1");
  b[0].send("4");
  REQUIRE(net.run_until([&] { return !two.closed.empty(); }));
  CHECK(two.closed.begin()->second == CloseReason::kLimitQueued);
  CHECK(one.closed.empty());
  CHECK(net.network.queued().bytes <= 16 * kMiB);
  CHECK(answers(net, a[1], "still"));
  CHECK(answers(net, b[1], "still"));
}

TEST_CASE("what the kernel takes at once is held against nobody, however much it is") {
  NetworkFixture net;
  Sender sender;
  QueueLedger queued{.limit = kMiB};
  OpenDoor door(net, sender, {.queued = &queued});
  std::vector<Client> clients = connect(net, net.listen(door.door), sender, 50);
  clients[0].send("a");  // 5 MB for a moment
  REQUIRE(net.run_until([&] {
    bool all = true;
    for (Client& client : clients) {
      client.pump();
      all &= client.received.size() == 100'000;
    }
    return all;
  }));
  CHECK(sender.closed.empty());
}

TEST_CASE("near memory_limit new clients wait, or are told, and are served when it is over") {
  StatmFile memory(100);
  NetworkFixture net({.memory_limit = 1600 * StatmFile::page(), .memory_file = memory.path()});
  Sender sender;
  OpenDoor waiting(net, sender);
  OpenDoor telling(net, sender, {.when_full = StreamPolicy::WhenFull::kRefuse});
  OpenDoor internal(net, sender);
  internal.door.uses_reserve = true;
  Listener& waits = net.listen(waiting.door);
  Listener& tells = net.listen(telling.door);
  std::vector<Client> before = connect(net, waits, sender, 1);
  memory.say(1450);
  net.run_until([] { return false; }, 50ms);
  Client waiter = net.connect(waits), told = net.connect(tells);
  REQUIRE(net.run_until([&] { return !told.pump(); }));
  CHECK(told.received == "no memory\n");
  REQUIRE(net.run_until([&] { return refused(waits, CloseReason::kLimitMemory) > 0; }));
  CHECK(sender.all.size() == 1);
  CHECK(answers(net, before[0], "still"));
  CHECK(connect(net, net.listen(internal.door), sender, 1).size() == 1);  // health still answers
  CHECK(sender.told.empty());                                             // nobody has to go yet
  memory.say(100);
  CHECK(answers(net, waiter, "served"));
}

TEST_CASE("over memory_limit those who hold most go, as many as it takes") {
  StatmFile memory(100);
  const std::uint64_t page = StatmFile::page();
  NetworkFixture net({.memory_limit = 1600 * page, .memory_file = memory.path()});
  Sender sender;
  OpenDoor door(net, sender);
  std::vector<Client> clients = connect(net, net.listen(door.door), sender, 4);
  sender.held[sender.all[0]] = 50 * page;
  sender.held[sender.all[1]] = 90 * page;
  sender.held[sender.all[2]] = 80 * page;
  memory.say(1550);  // 150 pages over 7/8
  CHECK(answers(net, clients[3], "wake"));
  REQUIRE(net.run_until([&] { return sender.told.size() == 2; }));
  memory.say(1380);
  CHECK(sender.told == std::vector{sender.all[1], sender.all[2]});
  REQUIRE(net.run_until([&] { return !clients[1].pump() && !clients[2].pump(); }));
  CHECK(clients[1].received == "short of memory\n");
  clients[1].close();
  clients[2].close();
  REQUIRE(net.run_until([&] { return sender.closed.size() == 2; }));
  for (const auto& [id, reason] : sender.closed)
    CHECK(reason == CloseReason::kLimitMemory);
  CHECK(answers(net, clients[0], "still"));
  CHECK(answers(net, clients[3], "still"));
}

TEST_CASE("memory_limit of a service: what is queued and what is half received count together") {
  NetworkFixture net;
  Sender sender, other;
  QueueLedger queued, others_queued;
  MemoryLedger memory(queued, 32 * kMiB), others_memory(others_queued, 1024 * kMiB);
  OpenDoor door(net, sender, {.write_limit = 1024 * kMiB, .queued = &queued, .memory = &memory});
  OpenDoor rich(net, other,
                {.write_limit = 1024 * kMiB, .queued = &others_queued, .memory = &others_memory});
  Listener& listener = net.listen(door.door);
  Listener& rich_listener = net.listen(rich.door);
  std::vector<Client> clients = connect(net, listener, sender, 4);
  std::vector<Client> others = connect(net, rich_listener, other, 2);
  other.held[other.all[1]] = 500 * kMiB;
  others[0].send("9");
  CHECK(answers(net, others[1], "mine"));
  CHECK(others_memory.bytes() >= 500 * kMiB);
  CHECK(memory.bytes() == 0);

  sender.held[sender.all[0]] = 9 * kMiB;
  CHECK(answers(net, clients[0], "half"));
  CHECK(memory.bytes() == 9 * kMiB);
  sender.held[sender.all[1]] = 17 * kMiB;
  CHECK(answers(net, clients[1], "half"));
  CHECK(memory.bytes() == 26 * kMiB);
  CHECK(sender.told.empty());
  clients[2].send("0");  // what the kernel does not take of 8 MiB makes it too much
  REQUIRE(net.run_until([&] { return !sender.told.empty(); }));
  CHECK(sender.told == std::vector{sender.all[1]});
  REQUIRE(net.run_until([&] { return !clients[1].pump(); }));
  CHECK(clients[1].received.ends_with("short of memory\n"));
  clients[1].close();
  REQUIRE(net.run_until([&] { return sender.closed.size() == 1; }));
  CHECK(sender.closed.begin()->second == CloseReason::kLimitMemory);
  CHECK(memory.bytes() == 9 * kMiB + queued.bytes);
  // Normal again by itself, and nothing is left over when they go.
  CHECK(answers(net, clients[3], "still"));
  CHECK(answers(net, others[1], "still"));
  CHECK(connect(net, listener, sender, 1).size() == 1);
  CHECK(other.closed.empty());
  clients.clear();
  REQUIRE(net.run_until([&] { return memory.bytes() == 0; }));
}

TEST_CASE("near memory_limit of a service its new clients meet when_full, and nobody else does") {
  NetworkFixture net;
  Sender sender, other;
  QueueLedger queued;
  MemoryLedger memory(queued, 32 * kMiB);
  OpenDoor waiting(net, sender, {.queued = &queued, .memory = &memory});
  OpenDoor telling(
      net, sender,
      {.when_full = StreamPolicy::WhenFull::kRefuse, .queued = &queued, .memory = &memory});
  OpenDoor elsewhere(net, other);
  Listener& waits = net.listen(waiting.door);
  Listener& tells = net.listen(telling.door);
  std::vector<Client> before = connect(net, waits, sender, 1);
  sender.held[sender.all[0]] = 29 * kMiB;
  CHECK(answers(net, before[0], "half"));
  Client waiter = net.connect(waits), told = net.connect(tells);
  REQUIRE(net.run_until([&] { return !told.pump(); }));
  CHECK(told.received == "no memory\n");
  CHECK(refused(tells, CloseReason::kLimitMemory) == 1);
  REQUIRE(net.run_until([&] { return refused(waits, CloseReason::kLimitMemory) > 0; }));
  CHECK(sender.all.size() == 1);
  CHECK(connect(net, net.listen(elsewhere.door), other, 1).size() == 1);
  CHECK(sender.told.empty());  // nobody has to go yet
  sender.held.clear();
  CHECK(answers(net, before[0], "done"));
  CHECK(memory.bytes() == 0);
  CHECK(answers(net, waiter, "served"));
}

TEST_CASE("many who hold little go too, where a service has no more memory for all of them") {
  NetworkFixture net;
  Sender sender;
  QueueLedger queued;
  MemoryLedger memory(queued, 64 * 1000);
  OpenDoor door(net, sender, {.queued = &queued, .memory = &memory});
  std::vector<Client> clients = connect(net, net.listen(door.door), sender, 12);
  std::size_t most = 0;
  for (std::size_t i = 0; i < 11; ++i) {
    sender.held[sender.all[i]] = 3'000;
    clients[i].send("half");
  }
  CHECK(answers(net, clients[11], "x"));
  CHECK(sender.told.empty());
  for (std::size_t i = 0; i < 11; ++i) {
    sender.held[sender.all[i]] = 6'000 + i;
    clients[i].send("half");
    net.run_until([] { return false; }, 1ms);
    most = std::max(most, static_cast<std::size_t>(memory.bytes()));
  }
  REQUIRE(net.run_until([&] { return !sender.told.empty(); }));
  CHECK(most <= memory.limit());
  CHECK(answers(net, clients[11], "still"));
}
