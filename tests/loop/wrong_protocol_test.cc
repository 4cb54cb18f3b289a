// Clients that speak another protocol are noted, and nothing else changes.
#include "core/base/text.h"
#include "tests/support/network_fixture.h"

using namespace polyport;

namespace {

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

struct EchoHandler : StreamHandler {
  void on_data(Connection& connection, Bytes data) override { connection.send(data); }
};

// Speaks first and finishes at once, as daytime does: what the client says is dropped.
struct FinishHandler : StreamHandler {
  void on_open(Connection& connection) override {
    connection.send("now\r\n");
    connection.finish();
  }
};

struct Sink : EventSink {
  void on_wrong_protocol(const WrongProtocol& event) override {
    seen.push_back(std::string(event.service) + " " + std::string(event.listener) + " " +
                   event.peer.ip_text() + " " + std::string(name(event.protocol)));
    conns.push_back(event.conn);
  }
  std::vector<std::string> seen;
  std::vector<std::string> conns;
};

StreamPolicy any_byte() {
  StreamPolicy policy;
  policy.answers_any_byte = true;
  return policy;
}

}  // namespace

TEST_CASE("HTTP on echo is noted once a connection, and comes back unchanged", "[net]") {
  test::NetworkFixture net;
  EchoHandler handler;
  test::OpenDoor door(net, handler, any_byte());
  Listener& listener = net.listen(door.door);
  Sink sink;
  net.events.add(sink);
  test::Client web = net.connect(listener);
  test::Client plain = net.connect(listener);
  std::string sent;
  for (int round = 0; round < 3; ++round) {  // only the first piece is looked at
    web.send(kRequest);
    sent += kRequest;
    REQUIRE(net.run_until([&] { return web.pump() && web.received.size() >= sent.size(); }));
  }
  CHECK(web.received == sent);
  plain.send("hello\n");
  REQUIRE(net.run_until([&] { return plain.pump() && plain.received.size() >= 6; }));
  plain.send(kRequest);  // too late: an echo of anything is legitimate
  REQUIRE(net.run_until([&] { return plain.pump() && plain.received.size() > 6; }));
  CHECK(sink.seen == std::vector<std::string>{"test test.main.0 127.0.0.1 http"});
  CHECK(listener.protocol_hints().count(Protocol::kHttp) == 1);
  net.events.remove(sink);
}

TEST_CASE("it is noted too where the service has finished before the client spoke", "[net]") {
  test::NetworkFixture net;
  FinishHandler handler;
  test::OpenDoor door(net, handler, any_byte());
  Listener& listener = net.listen(door.door);
  test::Client web = net.connect(listener);
  REQUIRE(net.run_until([&] { return !web.pump(); }));
  CHECK(web.received == "now\r\n");
  web.send(kRequest);
  REQUIRE(net.run_until([&] { return listener.protocol_hints().count(Protocol::kHttp) == 1; }));
}

TEST_CASE("a service that can say so itself is left alone", "[net]") {
  test::NetworkFixture net;
  EchoHandler handler;
  test::OpenDoor door(net, handler);
  Listener& listener = net.listen(door.door);
  test::Client web = net.connect(listener);
  web.send(kRequest);
  REQUIRE(net.run_until([&] { return web.pump() && web.received.size() >= kRequest.size(); }));
  CHECK(listener.protocol_hints().count(Protocol::kHttp) == 0);
}
