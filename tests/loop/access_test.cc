// Who may come in at all: allow and deny, and how many from one address.
#include "core/net/listener.h"
#include "core/socket/networks.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;

namespace {

struct Greeter : StreamHandler {
  void on_open(Connection& connection) override { connection.send("welcome\n"); }
  Bytes refusal(CloseReason) const override { return "too many of you\n"; }
};

// What the client has heard when it was greeted or closed.
std::string hears(NetworkFixture& net, Client& client) {
  net.run_until([&] { return !client.pump() || !client.received.empty(); });
  return client.was_reset ? "RST" : client.received;
}

std::uint64_t refused(const Listener& listener, CloseReason reason) {
  return listener.refused()[static_cast<std::size_t>(reason)];
}

}  // namespace

TEST_CASE("who is denied is reset without a word, and counted; the others are served") {
  NetworkFixture net;
  Greeter greeter;
  const AccessList access{Networks({"127.0.0.0/30"}), Networks({"127.0.0.2"})};
  OpenDoor door(net, greeter);
  door.door.access = &access;
  Listener& listener = net.listen(door.door);
  Client fine = net.connect(listener), denied = net.connect(listener, "127.0.0.2");
  Client outside = net.connect(listener, "127.0.0.4"),
         also_fine = net.connect(listener, "127.0.0.3");
  CHECK(hears(net, fine) == "welcome\n");
  CHECK(hears(net, denied) == "RST");
  CHECK(hears(net, outside) == "RST");
  CHECK(hears(net, also_fine) == "welcome\n");
  CHECK(refused(listener, CloseReason::kDenied) == 2);
  CHECK(listener.accepted() == 2);
  CHECK(door.admission.open() == 2);
}

TEST_CASE("connections from one address, over all services of the process") {
  NetworkFixture net({.per_address = 2});
  Greeter greeter;
  OpenDoor one(net, greeter), two(net, greeter), health(net, greeter);
  health.door.uses_reserve = true;
  Listener& first = net.listen(one.door);
  Listener& second = net.listen(two.door);
  Listener& internal = net.listen(health.door);
  Client a = net.connect(first), b = net.connect(second);
  CHECK(hears(net, a) == "welcome\n");
  CHECK(hears(net, b) == "welcome\n");
  Client third = net.connect(second), elsewhere = net.connect(second, "127.0.0.2");
  CHECK(hears(net, third) == "too many of you\n");
  CHECK(hears(net, elsewhere) == "welcome\n");
  Client ill = net.connect(internal);
  CHECK(hears(net, ill) == "welcome\n");
  CHECK(refused(second, CloseReason::kLimitAddress) == 1);
  CHECK(two.admission.open() == 2);
  a.close();
  REQUIRE(net.run_until([&] { return one.admission.open() == 0; }));
  Client again = net.connect(second);
  CHECK(hears(net, again) == "welcome\n");
}

TEST_CASE("a client over its address's limit of a service takes nothing from the process's") {
  NetworkFixture net({.per_address = 2});
  Greeter greeter;
  OpenDoor strict(net, greeter, {}, {.per_address = 1}), open(net, greeter);
  Listener& listener = net.listen(strict.door);
  Client one = net.connect(listener), two = net.connect(listener), three = net.connect(listener);
  CHECK(hears(net, one) == "welcome\n");
  CHECK(hears(net, two) == "too many of you\n");
  CHECK(hears(net, three) == "too many of you\n");
  Client other = net.connect(net.listen(open.door));
  CHECK(hears(net, other) == "welcome\n");
}
