// What an exchange offers beyond plain answers: the bytes as they arrived, trailers of a request,
// answers that are no HTTP, forced answers, headers of every answer, and the word at the end.
#include <stdexcept>
#include <utility>

#include "core/http/server.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using namespace std::chrono_literals;
using polyport::test::Client;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;

namespace {

constexpr http::Header kText[] = {{"Content-Type", "text/plain"}, {"X-Own", "1"}};

struct TestHandler : http::Handler {
  Body on_head(http::Exchange& exchange) override {
    const Bytes path = exchange.request().path;
    if (path == "/wire") exchange.record_wire();
    if (path == "/forced") exchange.force(418, "text/x-forced");
    if (path == "/early") exchange.respond(200, kText, "hello");
    return path == "/drop" ? Body::kDiscard : Body::kBuffer;
  }
  void on_request(http::Exchange& exchange) override {
    const http::Request& request = exchange.request();
    if (request.path == "/wire" || request.path == "/later") {
      waiting = &exchange;
      exchange.keep();
      if (request.path == "/wire") answer();
    } else if (request.path == "/raw") {
      exchange.begin_raw();
      exchange.write("junk\nHTTP/0.9 ");
      exchange.write("bye");
      exchange.end();
    } else if (request.path == "/stream") {
      exchange.begin(200, kText, std::nullopt);
      exchange.write("abc");
      waiting = &exchange;
    } else if (request.path == "/throw") {
      exchange.begin(200, kText, 100);
      throw std::runtime_error("a bug of the handler");
    } else {
      exchange.respond(200, kText, "hello");
    }
  }
  void answer() {
    const http::Request& request = waiting->request();
    std::string body(request.wire_head);
    body.append("|").append(request.wire_body).append("|").append(request.body).append("|");
    for (const http::Header& trailer : request.trailers)
      body.append(trailer.name).append("=").append(trailer.value).append(";");
    waiting->respond(200, kText, body);
  }
  http::CommonHeaders common_headers(const http::Exchange&) override {
    static constexpr http::Header kCommon[] = {{"X-Common", "c"}, {"x-own", "2"}};
    return {kCommon, true};
  }
  void on_answered(http::Exchange& exchange, const http::Answered& answered) override {
    said.push_back(std::string(exchange.request().path) + " " + std::to_string(answered.status) +
                   " " + std::to_string(answered.body_bytes) +
                   (answered.complete ? "" : " incomplete"));
  }

  http::Exchange* waiting = nullptr;
  std::vector<std::string> said;
};

struct Fixture {
  Fixture() : server(handler, options()), door(net, server), listener(net.listen(door.door)) {}
  static http::ServerOptions options() {
    http::ServerOptions options;
    options.server_name = "t";
    options.max_body = 100;
    return options;
  }
  // Sends the request in pieces of `step` bytes and returns the answer, once it ends with `last`.
  std::string ask(const std::string& request, const std::string& last, std::size_t step = 10'000) {
    Client client = net.connect(listener);
    for (std::size_t at = 0; at < request.size(); at += step) {
      client.send(Bytes(request).substr(at, step));
      net.loop.run_ready();
      client.pump();
    }
    CHECK(net.run_until([&] { return !client.pump() || client.received.ends_with(last); }));
    CHECK(client.received.ends_with(last));
    return client.received;
  }

  NetworkFixture net;
  TestHandler handler;
  http::Server server;
  OpenDoor door;
  Listener& listener;
};

std::string body_of(const std::string& answer) {
  return answer.substr(std::min(answer.find("\r\n\r\n") + 4, answer.size()));
}

}  // namespace

TEST_CASE("the bytes of a request are there as they arrived, its trailers too") {
  Fixture fixture;
  const std::size_t step = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{10'000});
  const std::string head =
      "POST /wire HTTP/1.1\r\nhOST:a\r\nX-Odd:   b  \r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum:  12 \r\nY:\r\n\r\n";
  const std::string answer = fixture.ask("\r\n\r\n" + head + body, "Y=;", step);
  CHECK(body_of(answer) == head + "|" + body + "|abcde|X-Sum=12;Y=;");
  const std::string plain = "POST /wire HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
  CHECK(body_of(fixture.ask(plain + "xy", "xy|", step)) == plain + "|xy|xy|");
}

TEST_CASE("what was recorded of one request is not in the next") {
  Fixture fixture;
  const std::string chunked =
      "POST /wire HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: "
      "1\r\n\r\n";
  const std::string get = "GET /wire HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string answer = fixture.ask(chunked + get, "\r\n\r\n|||");
  CHECK(answer.ends_with("\r\n\r\n" + get + "|||"));
}

TEST_CASE("a recorded body is bounded with its framing") {
  Fixture fixture;
  const auto request = [](std::size_t size) {
    return "POST /wire HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5b\r\n" +
           std::string(size, 'a') + "\r\n0\r\n\r\n";
  };
  // 4 + 91 + 2 + 3 + 2 bytes are more than max_body, 100; the piece itself is not.
  CHECK(fixture.ask(request(91), "}\n").starts_with("HTTP/1.1 413 "));
  const std::string fits =
      "POST /wire HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n59\r\n" +
      std::string(89, 'a') + "\r\n0\r\n\r\n";
  CHECK(fixture.ask(fits, "|").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("a later answer sees the wire and the trailers still") {
  Fixture fixture;
  Client client = fixture.net.connect(fixture.listener);
  const std::string head = "POST /later HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  client.send(head + "1\r\na\r\n0\r\nT: 1\r\n\r\n");
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.waiting != nullptr; }));
  Client other = fixture.net.connect(fixture.listener);
  other.send(std::string(2000, '\n'));  // overwrites the read buffer
  fixture.net.run_until([&] { return !other.pump(); });
  fixture.handler.answer();
  REQUIRE(fixture.net.run_until([&] { return client.pump() && client.received.ends_with(";"); }));
  CHECK(body_of(client.received) == head + "||a|T=1;");
}

TEST_CASE("a raw answer is what was written and the end of the connection") {
  Fixture fixture;
  Client client = fixture.net.connect(fixture.listener);
  const bool head_request = GENERATE(false, true);
  const std::string method = head_request ? "HEAD" : "GET";
  client.send(method + " /raw HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(fixture.net.run_until([&] { return !client.pump(); }));
  CHECK_FALSE(client.was_reset);
  CHECK(client.received == "junk\nHTTP/0.9 bye");
  CHECK(fixture.handler.said == std::vector<std::string>{"/raw 0 17"});
}

TEST_CASE("a forced answer keeps its body and changes its face") {
  Fixture fixture;
  const std::string answer = fixture.ask(
      "GET /forced HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "hello");
  CHECK(answer.starts_with("HTTP/1.1 418 I'm a teapot\r\n"));
  const std::string second = answer.substr(answer.find("HTTP/1.1", 5));
  CHECK(answer.find("Content-Type: text/x-forced\r\n") < answer.find("hello"));
  CHECK(answer.find("text/plain") > answer.find("hello"));
  CHECK(second.starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("every answer has the common headers, and its own before them") {
  Fixture fixture;
  const std::string answer = fixture.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "hello");
  CHECK(answer.find("X-Common: c\r\n") != std::string::npos);
  CHECK(answer.find("X-Own: 1\r\n") != std::string::npos);
  CHECK(answer.find("x-own") == std::string::npos);
  CHECK(fixture.ask("nonsense\r\n\r\n", "}\n").find("X-Common: c\r\n") != std::string::npos);
}

TEST_CASE("each answer is told once, in full or not") {
  Fixture fixture;
  fixture.ask(
      "GET /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n",
      "}\n");
  REQUIRE(fixture.handler.said.size() == 3);
  CHECK(fixture.handler.said[0] == "/a 200 5");
  CHECK(fixture.handler.said[1] == "/b 200 0");
  CHECK(fixture.handler.said[2].starts_with(" 400 "));
  fixture.handler.said.clear();
  {
    Client client = fixture.net.connect(fixture.listener);
    client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(fixture.net.run_until([&] {
      client.pump();
      return client.received.find("abc") != std::string::npos;
    }));
    client.reset();
  }
  REQUIRE(fixture.net.run_until([&] { return fixture.net.network.open_connections() == 0; }));
  CHECK(fixture.handler.said == std::vector<std::string>{"/stream 200 3 incomplete"});
}

TEST_CASE("the end of an exchange is told with its own request, whatever was read since") {
  Fixture fixture;
  const std::string later = "GET /later HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string early = "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n";
  const std::string body(60'000, 'z');
  const auto ask = [&](Bytes first, Bytes rest) {
    Client client = fixture.net.connect(fixture.listener);
    client.send(first);
    REQUIRE(fixture.net.run_until([&] {
      client.pump();
      if (fixture.handler.waiting != nullptr) {
        http::Exchange* const waiting = std::exchange(fixture.handler.waiting, nullptr);
        waiting->respond(200, kText, "later");
      }
      return client.received.ends_with("hello");
    }));
    client.send(rest);
    REQUIRE(fixture.net.run_until(
        [&] { return fixture.handler.said.size() == (first.starts_with("GET") ? 2u : 1u); }));
    CHECK(fixture.handler.said.back() == "/early 200 5");
    fixture.handler.said.clear();
  };
  ask(early + body.substr(0, 10), Bytes(body).substr(10));
  // Behind another one it is read from a buffer that is given back in between.
  ask(later + early + body.substr(0, 40'000), Bytes(body).substr(40'000));
}

TEST_CASE("a handler that throws is told the end of the request it was asked") {
  Fixture fixture;
  Client client = fixture.net.connect(fixture.listener);
  client.send("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(fixture.net.run_until([&] { return !fixture.handler.said.empty(); }));
  CHECK(fixture.handler.said.back() == "/throw 200 0 incomplete");
}
