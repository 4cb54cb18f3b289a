// One busy client, or a flood of them, does not hold up the others: told by what was done between
// another client's byte and its answer, not by time.
#include "core/net/listener.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;

namespace {

// What others have done so far.
struct Busy : StreamHandler {
  void on_open(Connection&) override { ++opened; }
  void on_data(Connection&, Bytes data) override {
    ++callbacks;
    bytes += data.size();
    most = std::max(most, data.size());
  }
  std::size_t opened = 0, callbacks = 0, bytes = 0, most = 0;
};

// Notes how far they were when its own client was heard.
struct Witness : StreamHandler {
  explicit Witness(const Busy& busy_) : busy(busy_) {}
  void on_open(Connection&) override { open = true; }
  void on_data(Connection&, Bytes) override {
    heard = true;
    opened = busy.opened;
    bytes = busy.bytes;
  }
  const Busy& busy;
  bool open = false, heard = false;
  std::size_t opened = 0, bytes = 0;
};

}  // namespace

TEST_CASE("a flood of new connections waits after accept_budget of them for everybody else") {
  for (const std::uint32_t budget : {1u, 16u, 64u}) {
    CAPTURE(budget);
    NetworkFixture net;
    Busy busy;
    Witness witness(busy);
    OpenDoor flooded(net, busy, {.accept_budget = budget});
    OpenDoor other(net, witness);
    Listener& listener = net.listen(flooded.door);
    Client client = net.connect(net.listen(other.door));
    REQUIRE(net.run_until([&] { return witness.open; }));
    std::vector<Client> flood;
    for (int i = 0; i < 400; ++i)
      flood.push_back(net.connect(listener));
    client.send("x");
    REQUIRE(net.run_until([&] { return witness.heard && busy.opened == 400; }));
    CHECK(witness.opened <= 2 * budget);
  }
}

TEST_CASE("a client that always has more to say is read from once, up to read_budget") {
  for (const std::size_t budget : {std::size_t{1'000}, std::size_t{65'536}}) {
    CAPTURE(budget);
    NetworkFixture net;
    Busy busy;
    Witness witness(busy);
    OpenDoor loud(net, busy, {.read_budget = budget});
    OpenDoor other(net, witness);
    Client hog = net.connect(net.listen(loud.door)), client = net.connect(net.listen(other.door));
    REQUIRE(net.run_until([&] { return witness.open && busy.opened == 1; }));
    std::size_t sent = 0;
    for (int i = 0; i < 8; ++i)
      sent += hog.send(std::string(100'000, 'h'));
    REQUIRE(sent > 4 * budget);
    client.send("x");
    REQUIRE(net.run_until([&] { return witness.heard && busy.bytes == sent; }));
    CHECK(busy.most <= budget);
    CHECK(witness.bytes <= 2 * budget);
  }
}
