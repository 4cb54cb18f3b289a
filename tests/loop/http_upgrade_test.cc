// A connection leaves HTTP: the 101, who gets the bytes behind it, and every way it may end on the
// way over.
#include "core/http/server.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using namespace std::chrono_literals;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;

namespace {

// The other protocol: answers each read with "got " and the bytes.
struct Other : StreamHandler {
  void on_open(Connection& connection) override {
    ++opened;
    session = connection.session();
    connection.send("other here\n");
  }
  void on_data(Connection& connection, Bytes data) override {
    connection.send("got " + std::string(data));
  }
  void on_end(Connection& connection) override {
    ++ended;
    connection.finish();
  }
  void on_deadline(Connection&, CloseReason) override { ++deadlines; }
  bool on_drain(Connection&) override {
    ++drained;
    return false;
  }
  void on_close(Connection&, CloseReason why) override {
    ++closed;
    reason = why;
  }

  int opened = 0, ended = 0, closed = 0, drained = 0, deadlines = 0;
  void* session = nullptr;
  CloseReason reason = CloseReason::kFault;
};

struct TestHandler : http::Handler {
  void on_request(http::Exchange& exchange) override {
    const Bytes path = exchange.request().path;
    if (path == "/later") {
      later = &exchange;
      exchange.keep();
    } else if (path == "/plain") {
      exchange.respond(200, "text/plain", "plain");
    } else {
      upgrade(exchange);
      if (path == "/throw") throw std::runtime_error("after the upgrade");
      if (path == "/reset") exchange.connection().reset();
    }
  }
  void on_abort(http::Exchange&) override { ++aborts; }
  void upgrade(http::Exchange& exchange) {
    constexpr http::Header kHeaders[] = {{"Upgrade", "other"}};
    exchange.upgrade(kHeaders, other, this);
  }

  Other other;
  http::Exchange* later = nullptr;
  int aborts = 0;
};

http::ServerOptions test_options() {
  http::ServerOptions options;
  options.server_name = "";
  options.header_timeout = 300ms;
  options.keepalive_timeout = 300ms;
  return options;
}

struct Fixture {
  Fixture() : server(handler, test_options()), door(net, server), listener(net.listen(door.door)) {}

  Client connect() {
    Client client = net.connect(listener);
    sock::set_option(client.fd(), sock::Option::kNoDelay, 1);
    return client;
  }
  bool receives(Client& client, const std::string& end) {
    return net.run_until([&] {
      const bool open = client.pump();
      return client.received.ends_with(end) || !open;
    }) && client.received.ends_with(end);
  }
  void settle() {
    for (int i = 0; i < 20; ++i)
      net.loop.run_ready();
  }

  NetworkFixture net;
  TestHandler handler;
  http::Server server;
  OpenDoor door;
  Listener& listener;
};

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n";
}

}  // namespace

TEST_CASE("upgrade: 101 names the protocol, and the connection is the other's") {
  Fixture fixture;
  Client client = fixture.connect();
  client.send(get("/"));
  REQUIRE(fixture.receives(client, "other here\n"));
  CHECK(client.received.starts_with("HTTP/1.1 101 Switching Protocols\r\nDate: "));
  CHECK(client.received.find("\r\nUpgrade: other\r\n") != std::string::npos);
  CHECK(client.received.find("\r\nConnection: Upgrade\r\n") != std::string::npos);
  CHECK(client.received.find("Content-Length") == std::string::npos);
  CHECK(fixture.handler.other.session == &fixture.handler);
  CHECK(fixture.server.busy() == 0);
  client.send("GET / HTTP/1.1\r\n\r\n");
  REQUIRE(fixture.receives(client, "got GET / HTTP/1.1\r\n\r\n"));
  client.shut_down();
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.other.closed == 1; }));
  CHECK(fixture.handler.other.ended == 1);
  CHECK(fixture.handler.aborts == 0);
}

TEST_CASE("upgrade: requests before it are answered, bytes behind it are handed on") {
  Fixture fixture;
  const bool in_pieces = GENERATE(false, true);
  Client client = fixture.connect();
  const std::string sent = get("/plain") + get("/") + "behind";
  for (std::size_t at = 0; at < sent.size();) {
    at += client.send(Bytes(sent).substr(at, in_pieces ? 1 : sent.size()));
    fixture.net.loop.run_ready();
  }
  REQUIRE(fixture.receives(client, in_pieces ? "got d" : "other here\ngot behind"));
  CHECK(client.received.find("plainHTTP/1.1 101 ") != std::string::npos);
  CHECK(client.received.find("got b") != std::string::npos);
}

TEST_CASE("upgrade: it may come later, with bytes and the end waiting") {
  Fixture fixture;
  const bool half_closed = GENERATE(false, true);
  Client client = fixture.connect();
  client.send(get("/later") + "behind");
  if (half_closed) client.shut_down();
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.later != nullptr; }));
  fixture.settle();
  fixture.handler.upgrade(*fixture.handler.later);
  REQUIRE(fixture.receives(client, "other here\ngot behind"));
  if (half_closed) {
    REQUIRE(fixture.net.run_until([&] { return fixture.handler.other.closed == 1; }));
    CHECK(fixture.handler.other.ended == 1);
  } else {
    client.send(" and more");
    REQUIRE(fixture.receives(client, "got  and more"));
  }
}

TEST_CASE("upgrade: the deadlines of HTTP are over") {
  Fixture fixture;
  Client client = fixture.connect();
  client.send(get("/"));
  REQUIRE(fixture.receives(client, "other here\n"));
  bool old = false;
  REQUIRE(fixture.net.run_until([&] {
    fixture.net.network.for_each_connection(
        [&](Connection& connection) { old = connection.age() > 700ms; });
    return old || client.ended;
  }));
  CHECK(client.pump());
  CHECK(fixture.handler.other.deadlines == 0);
}

TEST_CASE("upgrade: a connection that ends on the way over tells the other once") {
  Fixture fixture;
  const bool throws = GENERATE(false, true);
  Client client = fixture.connect();
  client.send(get(throws ? "/throw" : "/reset") + "behind");
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.other.closed == 1; }));
  CHECK(fixture.handler.other.opened == 0);
  CHECK(fixture.handler.other.reason ==
        (throws ? CloseReason::kServiceError : CloseReason::kServiceClosed));
  CHECK(fixture.server.busy() == 0);
  CHECK(fixture.handler.aborts == 0);
}

TEST_CASE("upgrade: a drain asks the other") {
  Fixture fixture;
  Client client = fixture.connect();
  client.send(get("/"));
  REQUIRE(fixture.receives(client, "other here\n"));
  fixture.net.network.drain_idle();
  CHECK(fixture.handler.other.drained == 1);
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.other.closed == 1; }));
  CHECK_FALSE(client.pump());
}
