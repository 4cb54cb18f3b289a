// The HTTP engine over loopback sockets: golden cases in every fragmentation, pipelining, answers
// that come later, backpressure, deadlines, drain, and the end of connections.
#include <map>
#include <random>

#include "core/http/server.h"
#include "tests/support/http_cases.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using namespace std::chrono_literals;
using polyport::test::Client;
using polyport::test::HttpCase;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;

namespace {

constexpr http::Header kText[] = {{"Content-Type", "text/plain"}};

// What the paths do stands in tests/data/http/requests.md; "/later" waits for the test's answer,
// "/big" streams `big_bytes`, as fast as the client takes them, and "/upload" waits for the test to
// resume.
struct TestHandler : http::Handler {
  Body on_head(http::Exchange& exchange) override {
    ++heads;
    const Bytes path = exchange.request().path;
    note("head", exchange);
    if (path == "/early") exchange.respond(200, "text/plain", "early");
    if (path == "/length" || path == "/upload") return Body::kStream;
    return path == "/drop" ? Body::kDiscard : Body::kBuffer;
  }
  void on_body(http::Exchange& exchange, Bytes piece) override {
    streamed += piece.size();
    if (exchange.request().path != "/upload") return;
    exchange.pause_body();
    uploading = &exchange;
  }
  void on_request(http::Exchange& exchange) override {
    ++requests;
    const http::Request& request = exchange.request();
    note("request", exchange);
    events.back() += " " + std::to_string(request.body.size());
    if (request.path == "/plain") {
      exchange.respond(200, kText, "Hello, World!");
    } else if (request.path == "/body") {
      exchange.respond(200, kText, std::string(request.method) + " " + std::string(request.body));
    } else if (request.path == "/length" || request.path == "/upload") {
      exchange.respond(200, kText, std::to_string(std::exchange(streamed, 0)));
    } else if (request.path == "/drop") {
      exchange.respond(200, kText, "dropped");
    } else if (request.path == "/chunks" || request.path == "/sized") {
      stream(exchange);
    } else if (request.path == "/inject") {
      constexpr http::Header kHeaders[] = {{"X-One", "a\r\nSet-Cookie: b"},
                                           {"X Two: c\r\nX-Three", "d"},
                                           {"Content-Length", "5"},
                                           {"Connection", "close"}};
      exchange.respond(204, kHeaders, "not sent");
    } else if (request.path == "/throw") {
      throw std::runtime_error("a handler that fails");
    } else if (request.path == "/large") {
      exchange.respond(200, kText, std::string(big_bytes, 'l'));
    } else if (request.path == "/later") {
      later.push_back(&exchange);
      exchange.keep();
    } else if (request.path == "/big") {
      exchange.begin(200, kText, big_bytes);
      on_writable(exchange);
    } else if (request.path != "/nothing") {
      exchange.respond_error(404, "no such path");
    }
  }
  void on_writable(http::Exchange& exchange) override {
    std::size_t& sent = big_sent[&exchange];
    static const std::string kBlock(64 * 1024, 'b');
    while (sent < big_bytes && !exchange.congested()) {
      const std::size_t size = std::min(kBlock.size(), big_bytes - sent);
      exchange.write(Bytes(kBlock).substr(0, size));
      sent += size;
    }
    if (sent < big_bytes) return;
    big_sent.erase(&exchange);
    exchange.end();
  }
  void on_abort(http::Exchange& exchange) override {
    ++aborts;
    events.push_back("abort");
    big_sent.erase(&exchange);
    std::erase(later, &exchange);
  }

  void note(const char* what, const http::Exchange& exchange) {
    const http::Request& request = exchange.request();
    events.push_back(std::string(what) + " " + std::string(request.method) + " " +
                     std::string(request.path));
  }

  static void stream(http::Exchange& exchange) {
    if (exchange.request().path == "/sized") {
      exchange.begin(200, kText, 6);
      exchange.write("one");
      exchange.write("two");
      exchange.end();
      return;
    }
    exchange.begin(200, kText, std::nullopt);
    exchange.write("one");
    exchange.write("");
    exchange.write("twelve bytes");
    constexpr http::Header kTrailer[] = {{"X-Trailer", "1"}};
    exchange.end(kTrailer);
  }

  int heads = 0;
  int requests = 0;
  int aborts = 0;
  std::vector<std::string> events;  // as a golden case writes them
  std::size_t streamed = 0;
  std::size_t big_bytes = 1000;
  std::map<http::Exchange*, std::size_t> big_sent;
  std::vector<http::Exchange*> later;
  http::Exchange* uploading = nullptr;
};

http::ServerOptions test_options() {
  http::ServerOptions options;
  options.server_name = "t";
  options.max_body = 1000;
  return options;
}

// The settings a golden case names; times are in milliseconds.
http::ServerOptions options_of(const HttpCase& test) {
  http::ServerOptions options = test_options();
  for (const auto& [name, value] : test.options) {
    if (name == "header_timeout") {
      options.header_timeout = std::chrono::milliseconds(value);
    } else if (name == "body_timeout") {
      options.body_timeout = std::chrono::milliseconds(value);
    } else if (name == "keepalive_requests") {
      options.keepalive_requests = value;
    } else {
      FAIL(test.name << ": unknown option " << name);
    }
  }
  return options;
}

struct Fixture {
  explicit Fixture(http::ServerOptions options = test_options())
      : server(handler, options), door(net, server), listener(net.listen(door.door)) {}

  Client connect() {
    Client client = net.connect(listener);
    sock::set_option(client.fd(), sock::Option::kNoDelay, 1);
    return client;
  }
  bool closes(Client& client, std::chrono::milliseconds limit = 10s) {
    return net.run_until([&] { return !client.pump(); }, limit);
  }
  bool receives(Client& client, std::size_t bytes) {
    return net.run_until([&] { return !client.pump() || client.received.size() >= bytes; });
  }
  // Lets everything that is ready happen.
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

std::string get(const std::string& path, const std::string& more = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n";
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

// Sends the case's request in pieces of the sizes that `next_size` gives, letting the server act
// between them, and returns the whole answer.
template <class NextSize>
std::string replay(Fixture& fixture, const HttpCase& test, NextSize next_size) {
  Client client = fixture.connect();
  fixture.handler.events.clear();
  Bytes rest = test.request;
  while (!rest.empty()) {
    const std::size_t sent = client.send(rest.substr(0, next_size()));
    if (sent == 0) break;  // the server has refused it and gone
    rest.remove_prefix(sent);
    fixture.net.loop.run_ready();
    client.pump();
  }
  if (test.closes) {
    CHECK(fixture.closes(client));
    CHECK_FALSE(client.was_reset);
  } else {
    CHECK(fixture.net.run_until(
        [&] { return !client.pump() || polyport::test::matches(test.answer, client.received); },
        2s));
    fixture.settle();
    CHECK(client.pump());
  }
  if (test.events) CHECK(fixture.handler.events == *test.events);
  return client.received;
}

}  // namespace

TEST_CASE("golden cases: whole, byte by byte and in random pieces") {
  const std::vector<HttpCase> cases = polyport::test::load_http_cases();
  REQUIRE(cases.size() >= 100);
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  for (const HttpCase& test : cases) {
    INFO(test.name << ", seed " << seed);
    Fixture fixture(options_of(test));
    const std::string whole = replay(fixture, test, [&] { return test.request.size(); });
    INFO("answer: " << whole);
    CHECK(polyport::test::matches(test.answer, whole));
    const std::string expected = polyport::test::without_dates(whole);
    CHECK(polyport::test::without_dates(replay(fixture, test, [] { return 1u; })) == expected);
    for (int i = 0; i < 5; ++i) {
      const auto size = [&] { return 1 + random() % 40; };
      CHECK(polyport::test::without_dates(replay(fixture, test, size)) == expected);
    }
  }
}

TEST_CASE("a thousand pipelined requests are answered in order") {
  Fixture fixture;
  Client client = fixture.connect();
  std::string requests;
  for (int i = 0; i < 1000; ++i) {
    const std::string body = "n" + std::to_string(i);
    requests += "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body;
  }
  Bytes rest = requests;
  REQUIRE(fixture.net.run_until([&] {
    rest.remove_prefix(client.send(rest));
    client.pump();
    return client.received.ends_with("POST n999");
  }));
  CHECK(count(client.received, "HTTP/1.1 200 OK\r\n") == 1000);
  std::size_t at = 0;
  for (int i = 0; i < 1000 && at != std::string::npos; ++i)
    at = client.received.find("POST n" + std::to_string(i), at);
  CHECK(at != std::string::npos);
  CHECK(fixture.server.busy() == 0);
}

TEST_CASE("pipelined answers leave in one write") {
  Fixture fixture;
  Client client = fixture.connect();
  client.send(get("/plain"));
  REQUIRE(fixture.receives(client, 100));
  fixture.settle();
  client.received.clear();
  client.send(get("/plain") + get("/plain") + get("/plain"));
  // One read of the client after one turn of the server holds all three.
  REQUIRE(fixture.net.run_until([&] {
    client.pump();
    return !client.received.empty();
  }));
  CHECK(count(client.received, "Hello, World!") == 3);
}

TEST_CASE("an idle connection owns nothing") {
  Fixture fixture;
  Client client = fixture.connect();
  client.send("GET /pl");
  REQUIRE(fixture.net.run_until([&] { return fixture.server.busy() == 1; }));
  client.send("ain HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(fixture.receives(client, 100));
  CHECK(fixture.server.busy() == 0);
  fixture.net.network.for_each_connection(
      [](Connection& connection) { CHECK(connection.session() == nullptr); });
}

TEST_CASE("a later answer holds back the requests behind it, in order") {
  Fixture fixture;
  Client client = fixture.connect();
  const bool in_pieces = GENERATE(false, true);
  const std::string requests =
      get("/later?x=1", "X-Kept: yes\r\n") + get("/plain") + get("/later") + get("/plain");
  for (std::size_t at = 0; at < requests.size();) {
    at += client.send(Bytes(requests).substr(at, in_pieces ? 10 : requests.size()));
    fixture.net.loop.run_ready();
  }
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.later.size() == 1; }));
  fixture.settle();
  client.pump();
  CHECK(client.received.empty());
  CHECK(fixture.handler.requests == 1);

  http::Exchange* first = fixture.handler.later[0];
  CHECK(first->request().target == "/later?x=1");
  CHECK(first->request().query == "x=1");
  CHECK(first->request().value("x-kept") == "yes");
  first->respond(200, "text/plain", "first");
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.later.size() == 2; }));
  fixture.handler.later[1]->respond(200, "text/plain", "second");
  REQUIRE(fixture.net.run_until([&] {
    client.pump();
    return count(client.received, "Hello, World!") == 2;
  }));
  const std::size_t one = client.received.find("first");
  const std::size_t two = client.received.find("Hello");
  const std::size_t three = client.received.find("second");
  CHECK(one < two);
  CHECK(two < three);
  CHECK(three < client.received.rfind("Hello"));
  CHECK(fixture.server.busy() == 0);
}

TEST_CASE("a kept request keeps its body") {
  Fixture fixture;
  Client client = fixture.connect();
  client.send("POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get("/plain"));
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.later.size() == 1; }));
  Client other = fixture.connect();  // overwrites the shared read buffer
  other.send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n" + std::string(50, 'x'));
  REQUIRE(fixture.receives(other, 100));
  CHECK(fixture.handler.later[0]->request().body == "hello");
  fixture.handler.later[0]->respond(200, "text/plain", fixture.handler.later[0]->request().body);
  REQUIRE(fixture.net.run_until([&] {
    client.pump();
    return client.received.ends_with("Hello, World!");
  }));
  CHECK(client.received.find("\r\n\r\nhelloHTTP/1.1") != std::string::npos);
}

TEST_CASE("a kept exchange is aborted when its client goes") {
  Fixture fixture;
  Client client = fixture.connect();
  client.send(get("/later"));
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.later.size() == 1; }));
  client.reset();
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.aborts == 1; }));
  CHECK(fixture.handler.later.empty());
  CHECK(fixture.server.busy() == 0);
}

TEST_CASE("a streamed answer waits for a slow reader and loses nothing") {
  Fixture fixture;
  fixture.handler.big_bytes = 20'000'000;
  Client client = fixture.connect();
  client.send(get("/big") + get("/plain"));
  fixture.settle();
  std::size_t queued = 0;
  fixture.net.network.for_each_connection(
      [&](Connection& connection) { queued = connection.queued_bytes(); });
  CHECK(queued > 0);
  CHECK(queued < 1'000'000);
  REQUIRE(fixture.net.run_until([&] {
    client.pump();
    return client.received.ends_with("Hello, World!");
  }));
  CHECK(count(client.received, "b") == 20'000'000);
}

TEST_CASE("a client that pipelines and never reads is not read any more") {
  Fixture fixture;
  fixture.handler.big_bytes = 50'000;
  Client client = fixture.connect();
  const std::string path = GENERATE("/big", "/large");
  std::string requests;
  while (requests.size() < 8'000'000)
    requests += get(path);
  Bytes rest = requests;
  std::size_t most_queued = 0;
  for (int i = 0; i < 2000; ++i) {
    rest.remove_prefix(client.send(rest));
    fixture.net.loop.run_ready();
    fixture.net.network.for_each_connection([&](Connection& connection) {
      most_queued = std::max(most_queued, connection.queued_bytes());
    });
  }
  CHECK(rest.size() > 0);
  CHECK(most_queued < 1'000'000);
  CHECK(fixture.net.network.open_connections() == 1);
  REQUIRE(fixture.net.run_until([&] {
    client.pump();
    return client.received.size() > 10'000'000;
  }));
}

TEST_CASE("a streamed upload can be paused, and its sender feels it") {
  Fixture fixture;
  Client client = fixture.connect();
  constexpr std::size_t kSize = 30'000'000;
  client.send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kSize) +
              "\r\n\r\n");
  const std::string block(100'000, 'u');
  std::size_t sent = 0;
  const auto push = [&] {
    while (sent < kSize) {
      const std::size_t taken =
          client.send(Bytes(block).substr(0, std::min(block.size(), kSize - sent)));
      if (taken == 0) break;
      sent += taken;
    }
  };
  for (int i = 0; i < 1000; ++i) {
    push();
    fixture.net.loop.run_ready();
  }
  CHECK(sent < kSize);
  CHECK(fixture.handler.streamed <= 65536);
  REQUIRE(fixture.net.run_until(
      [&] {
        push();
        if (http::Exchange* exchange = std::exchange(fixture.handler.uploading, nullptr)) {
          exchange->resume_body();
        }
        client.pump();
        return client.received.ends_with("\r\n\r\n" + std::to_string(kSize));
      },
      30s));
}

TEST_CASE("an error answer under a continuing upload is seen") {
  Fixture fixture;
  for (int i = 0; i < 50; ++i) {
    Client client = fixture.connect();
    const std::string start =
        i % 2 == 0 ? "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n"
                   : "GET / HTTP/1.1\r\nHost: a b\r\n\r\n";
    const std::string bytes = start + std::string(200'000, 'x');
    Bytes rest = bytes;
    REQUIRE(fixture.net.run_until([&] {
      rest.remove_prefix(client.send(rest));
      client.pump();
      return rest.empty() || client.ended;
    }));
    client.shut_down();
    CHECK(fixture.closes(client));
    CHECK_FALSE(client.was_reset);
    CHECK(client.received.starts_with(i % 2 == 0 ? "HTTP/1.1 413 " : "HTTP/1.1 400 "));
  }
}

TEST_CASE("a body of unknown length is cut at max_body") {
  Fixture fixture;
  const auto send_body = [&](int chunks) {
    Client client = fixture.connect();
    std::string request = "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < chunks; ++i)
      request += "64\r\n" + std::string(100, 'c') + "\r\n";
    client.send(request + "0\r\n\r\n");
    CHECK(fixture.receives(client, 100));
    return client.received.substr(0, 13);
  };
  CHECK(send_body(10) == "HTTP/1.1 200 ");
  CHECK(send_body(11) == "HTTP/1.1 413 ");
  CHECK(fixture.handler.aborts == 1);
}

TEST_CASE("slow heads and bodies get 408, and waiting connections end") {
  http::ServerOptions options = test_options();
  options.header_timeout = 300ms;
  options.body_timeout = 300ms;
  options.keepalive_timeout = 300ms;
  Fixture fixture(options);
  Client head = fixture.connect();
  head.send("GET /plain HTTP/1.1\r\n");
  Client body = fixture.connect();
  body.send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n");
  Client silent = fixture.connect();
  Client idle = fixture.connect();
  idle.send(get("/plain"));
  Client second = fixture.connect();
  second.send(get("/plain") + "GET /pla");
  Client later = fixture.connect();
  later.send(get("/later"));
  // A byte now and then does not help a body.
  Timer drip(fixture.net.loop, [&] { body.send("x"); });
  drip.start_every(50ms);
  CHECK(fixture.closes(head, 3s));
  CHECK(fixture.closes(body, 3s));
  CHECK(fixture.closes(silent, 3s));
  CHECK(fixture.closes(idle, 3s));
  CHECK(fixture.closes(second, 3s));
  CHECK(head.received.starts_with("HTTP/1.1 408 "));
  CHECK(body.received.starts_with("HTTP/1.1 408 "));
  CHECK(silent.received.starts_with("HTTP/1.1 408 "));
  CHECK(idle.received.starts_with("HTTP/1.1 200 "));
  CHECK(idle.received.ends_with("Hello, World!"));
  CHECK(count(second.received, "HTTP/1.1 408 ") == 1);
  CHECK(later.pump());  // a handler may take its time
  CHECK(fixture.handler.aborts == 1);
}

TEST_CASE("a body above the minimum rate may take longer than body_timeout") {
  http::ServerOptions options = test_options();
  options.body_timeout = 300ms;
  Fixture fixture(options);
  Client client = fixture.connect();
  client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n");
  int left = 20;
  Timer drip(fixture.net.loop, [&] {
    if (left-- > 0) client.send(std::string(200, 'x'));  // 4,000 bytes a second
  });
  drip.start_every(50ms);
  REQUIRE(fixture.receives(client, 100));
  CHECK(client.received.starts_with("HTTP/1.1 200 "));
}

TEST_CASE("half-close: the answer comes, and an unfinished request is told so") {
  Fixture fixture;
  Client whole = fixture.connect();
  whole.send(get("/plain"));
  whole.shut_down();
  CHECK(fixture.closes(whole));
  CHECK(whole.received.ends_with("Hello, World!"));
  CHECK_FALSE(whole.was_reset);

  Client kept = fixture.connect();
  kept.send(get("/later") + get("/plain"));
  kept.shut_down();
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.later.size() == 1; }));
  fixture.handler.later[0]->respond(200, "text/plain", "late");
  CHECK(fixture.closes(kept));
  CHECK(kept.received.find("\r\n\r\nlate") != std::string::npos);
  CHECK(kept.received.ends_with("Hello, World!"));

  Client head = fixture.connect();
  head.send("GET /plain HTTP/1.1\r\nHost: a\r\n");
  head.shut_down();
  CHECK(fixture.closes(head));
  CHECK(head.received.find("empty line") != std::string::npos);

  Client body = fixture.connect();
  body.send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
  body.shut_down();
  CHECK(fixture.closes(body));
  CHECK(body.received.starts_with("HTTP/1.1 400 "));
  REQUIRE(fixture.net.run_until([&] { return fixture.net.network.open_connections() == 0; }));
}

TEST_CASE("drain: a busy connection is answered and told, an idle one ends") {
  Fixture fixture;
  Client busy = fixture.connect();
  busy.send(get("/later"));
  Client fresh = fixture.connect();
  fresh.send(get("/plain"));
  REQUIRE(fixture.receives(fresh, 100));
  fresh.received.clear();
  fixture.net.network.stop_accepting();
  CHECK(fixture.net.network.drain_idle() == 2);
  // Its next request was on the way: it is answered, and told.
  fresh.send(get("/plain"));
  CHECK(fixture.closes(fresh));
  CHECK(fresh.received.find("Connection: close\r\n") != std::string::npos);
  CHECK(fresh.received.ends_with("Hello, World!"));
  REQUIRE(fixture.handler.later.size() == 1);
  fixture.handler.later[0]->respond(200, "text/plain", "done");
  CHECK(fixture.closes(busy));
  CHECK(busy.received.find("Connection: close\r\n") != std::string::npos);
  CHECK(busy.received.ends_with("done"));
}

TEST_CASE("drain: a connection that has been idle for a second ends at once") {
  Fixture fixture;
  Client client = fixture.connect();
  client.send(get("/plain"));
  REQUIRE(fixture.receives(client, 100));
  REQUIRE(fixture.net.run_until([&] {
    bool idle = false;
    fixture.net.network.for_each_connection(
        [&](Connection& connection) { idle = connection.idle_time() > 1s; });
    return idle;
  }));
  fixture.net.network.drain_idle();
  CHECK(fixture.closes(client, 1s));
}

TEST_CASE("keepalive_requests ends a connection with its last answer") {
  http::ServerOptions options = test_options();
  options.keepalive_requests = 2;
  Fixture fixture(options);
  Client client = fixture.connect();
  client.send(get("/plain") + get("/plain") + get("/plain"));
  CHECK(fixture.closes(client));
  CHECK(count(client.received, "HTTP/1.1 200 OK") == 2);
  CHECK(count(client.received, "Connection: close\r\n") == 1);
}

TEST_CASE("a handler that throws costs its own connection and nothing else") {
  Fixture fixture;
  Client client = fixture.connect();
  client.send(get("/plain") + get("/throw") + get("/plain"));
  CHECK(fixture.closes(client));
  CHECK(count(client.received, "Hello, World!") == 1);
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.aborts == 1; }));
  CHECK(fixture.server.busy() == 0);
  Client other = fixture.connect();
  other.send(get("/plain"));
  CHECK(fixture.receives(other, 100));
}

TEST_CASE("a timeout of zero never ends a connection") {
  http::ServerOptions options = test_options();
  options.header_timeout = 0ms;
  options.body_timeout = 0ms;
  options.keepalive_timeout = 200ms;
  Fixture fixture(options);
  Client head = fixture.connect();
  head.send(get("/plain") + "GET /plain HTTP/1.1\r\n");
  Client body = fixture.connect();
  body.send(get("/plain") + "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
  Client idle = fixture.connect();
  idle.send(get("/plain"));
  CHECK(fixture.closes(idle, 3s));
  CHECK(head.pump());
  CHECK(body.pump());
  body.send("b");
  REQUIRE(fixture.net.run_until([&] {
    body.pump();
    return body.received.ends_with("POST ab");
  }));
}

TEST_CASE("a later answer to a client that asked to close ends the connection") {
  Fixture fixture;
  Client client = fixture.connect();
  client.send(get("/later", "Connection: close\r\n"));
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.later.size() == 1; }));
  fixture.handler.later[0]->respond(200, "text/plain", "late");
  CHECK(fixture.closes(client));
  CHECK(client.received.ends_with("late"));
  REQUIRE(fixture.net.run_until([&] { return fixture.net.network.open_connections() == 0; }));
}
