// ws:// as a transport: a stream service behind WebSocket messages.
#include "core/http/websocket_stage.h"

#include <functional>
#include <utility>

#include "core/net/connection.h"
#include "tests/support/network_fixture.h"
#include "tests/support/websocket_frames.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::close_frame;
using polyport::test::frame;
using polyport::test::frame_head;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;
using polyport::test::parse_frames;
using polyport::test::ParsedFrame;
using polyport::test::text_frame;

namespace {

const std::string kRequest =
    "GET /any/path?x=1 HTTP/1.1\r\nHost: test:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

std::string binary_frame(std::string payload) {
  return frame({.opcode = 2, .payload = std::move(payload)});
}

struct Service : StreamHandler {
  void on_open(Connection& c) override {
    id = c.id();
    ++opened;
    if (open) open(c);
  }
  void on_data(Connection& c, Bytes bytes) override {
    got += bytes;
    pieces.push_back(bytes.size());
    if (data) data(c, bytes);
  }
  void on_end(Connection& c) override {
    ++ended;
    if (end) {
      end(c);
    } else {
      StreamHandler::on_end(c);
    }
  }
  void on_close(Connection&, CloseReason reason) override { closed.push_back(reason); }

  std::function<void(Connection&)> open, end;
  std::function<void(Connection&, Bytes)> data;
  ConnectionId id;
  std::string got;
  std::vector<std::size_t> pieces;
  int opened = 0, ended = 0;
  std::vector<CloseReason> closed;
};

void echo(Connection& c, Bytes bytes) {
  c.send(bytes);
}

// A service behind a ws:// listener with one client.
struct Lab {
  explicit Lab(http::WebSocketTransport transport = {}, StreamPolicy policy = {})
      : maker(std::move(transport)), door(net, service, policy) {
    Listener& listener = net.listen(door.door);
    listener.use_stages({&maker});
    client.emplace(net.connect(listener));
  }

  // The head of the answer to `request` with an empty line behind it, and `behind`.
  std::string shake_hands(const std::string& request = kRequest, const std::string& behind = {}) {
    client->send(request + "\r\n" + behind);
    REQUIRE(net.run_until([&] {
      client->pump();
      return client->received.find("\r\n\r\n") != std::string::npos;
    }));
    const std::size_t end = client->received.find("\r\n\r\n") + 4;
    std::string head = client->received.substr(0, end);
    client->received.erase(0, end);
    return head;
  }

  void open() { REQUIRE(shake_hands().starts_with("HTTP/1.1 101 ")); }

  // Sends all of it, however slowly it is taken.
  void send(std::string_view bytes, std::size_t chop = std::string::npos) {
    REQUIRE(net.run_until([&] {
      client->pump();
      const std::size_t sent = client->send(bytes.substr(0, chop));
      bytes.remove_prefix(sent);
      return bytes.empty() || client->ended;
    }));
  }

  std::vector<ParsedFrame> frames(std::size_t count) {
    REQUIRE(net.run_until([&] {
      client->pump();
      return parse_frames(client->received).size() >= count || client->ended;
    }));
    return take();
  }

  std::vector<ParsedFrame> frames_to_the_end() {
    REQUIRE(net.run_until([&] { return !client->pump(); }));
    CHECK_FALSE(client->was_reset);
    return take();
  }

  std::vector<ParsedFrame> take() {
    std::string rest;
    std::vector<ParsedFrame> found = parse_frames(client->received, &rest);
    client->received = rest;
    return found;
  }

  NetworkFixture net;
  Service service;
  http::WebSocketStageMaker maker;
  OpenDoor door;
  std::optional<Client> client;
};

ParsedFrame whole(int opcode, std::string payload) {
  return {.final = true, .opcode = opcode, .payload = std::move(payload)};
}

// The payload of a close frame.
std::string code(int number, const std::string& reason = {}) {
  return std::string{static_cast<char>(number >> 8), static_cast<char>(number & 0xff)} + reason;
}

}  // namespace

TEST_CASE("a handshake is answered as RFC 6455 section 1.3 has it") {
  Lab lab;
  const std::string head = lab.shake_hands();
  CHECK(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != std::string::npos);
  CHECK(head.find("Upgrade: websocket\r\n") != std::string::npos);
  CHECK(head.find("Connection: Upgrade\r\n") != std::string::npos);
  CHECK(head.find("Sec-WebSocket-Extensions") == std::string::npos);
  REQUIRE(lab.net.run_until([&] { return lab.service.opened == 1; }));
  const Connection& connection = *lab.net.network.find(lab.service.id);
  CHECK(connection.stages()->name() == "websocket");
  CHECK(connection.stages()->idle_bytes() <= 128);
}

TEST_CASE("each message comes back by itself, in its own kind, however the bytes come") {
  const std::string bytes("\x00\xff\x80 bytes", 9);
  const std::string sent = text_frame("one") + binary_frame(bytes) +
                           text_frame("zwei \xe2\x82\xac") + binary_frame("plain") +
                           close_frame(1000);
  const std::vector<ParsedFrame> expected = {whole(1, "one"), whole(2, bytes),
                                             whole(1, "zwei \xe2\x82\xac"), whole(2, "plain"),
                                             whole(8, code(1000))};
  for (const std::size_t chop : {std::string::npos, std::size_t{1}, std::size_t{3}}) {
    Lab lab;
    lab.service.data = echo;
    lab.open();
    lab.send(sent, chop);
    CHECK(lab.frames_to_the_end() == expected);
    CHECK(lab.service.pieces.size() == 4);
    CHECK(lab.service.ended == 1);
  }
}

TEST_CASE("bytes behind the handshake in the same piece are not lost") {
  Lab lab;
  lab.service.data = echo;
  REQUIRE(lab.shake_hands(kRequest, text_frame("early")).starts_with("HTTP/1.1 101 "));
  CHECK(lab.frames(1) == std::vector{whole(1, "early")});
}

TEST_CASE("fragments are one message, and pings come in between") {
  Lab lab;
  lab.service.data = echo;
  lab.open();
  lab.send(frame({.final = false, .opcode = 1, .payload = "sch\xc3"}) +
           frame({.opcode = 9, .payload = "are you there"}) +
           frame({.final = false, .opcode = 0, .payload = ""}) +
           frame({.opcode = 10, .payload = "nobody asked"}) +
           frame({.opcode = 0, .payload = "\xb6n"}));
  CHECK(lab.frames(2) == std::vector{whole(10, "are you there"), whole(1, "sch\xc3\xb6n")});
  CHECK(lab.service.pieces == std::vector<std::size_t>{6});
}

TEST_CASE("a message larger than 64 KiB streams through, and no character is cut") {
  Lab lab;
  std::string content;
  while (content.size() < 1'000'000)
    content += "\xe2\x82\xac";  // 3 bytes: 65,536 is no multiple of it
  std::string back;
  lab.service.data = echo;
  lab.open();
  const std::string sent = text_frame(content) + close_frame(1000);
  lab.send(sent);
  const std::vector<ParsedFrame> frames = lab.frames_to_the_end();
  for (const ParsedFrame& each : frames) {
    if (each.opcode == 8) break;
    CHECK(each.opcode == 1);
    CHECK(each.payload.size() % 3 == 0);
    back += each.payload;
  }
  CHECK(back == content);
  CHECK(frames.back() == whole(8, code(1000)));
  for (const std::size_t piece : lab.service.pieces)
    CHECK(piece <= http::WebSocketStage::kWholeBytes);
}

TEST_CASE("a message of exactly 64 KiB is one piece") {
  Lab lab;
  lab.service.data = echo;
  lab.open();
  const std::string content(64 * 1024, 'x');
  lab.send(binary_frame(content) + binary_frame(""));
  CHECK(lab.frames(1) == std::vector{whole(2, content)});
  CHECK(lab.service.pieces == std::vector<std::size_t>{content.size()});
}

TEST_CASE("a service that speaks first says text or bytes by its nature") {
  const auto greeting = [](http::WebSocketTransport transport, std::string bytes) {
    Lab lab(std::move(transport));
    lab.service.open = [bytes](Connection& c) {
      c.send(bytes);
      c.finish();
    };
    lab.open();
    const std::vector<ParsedFrame> frames = lab.frames_to_the_end();
    REQUIRE(frames.size() == 2);
    CHECK(frames[1] == whole(8, code(1000)));
    CHECK(frames[0].payload == bytes);
    return frames[0].opcode;
  };
  using http::MessageKind;
  using Messages = http::WebSocketTransport::Messages;
  CHECK(greeting({.first = MessageKind::kText}, "a line\r\n") == 1);
  CHECK(greeting({.first = MessageKind::kText}, "\xff\xfe") == 2);
  CHECK(greeting({.first = MessageKind::kBinary}, "abcd") == 2);
  CHECK(greeting({.messages = Messages::kText}, "abcd") == 1);
  CHECK(greeting({.messages = Messages::kBinary, .first = MessageKind::kText}, "abcd") == 2);
}

TEST_CASE("the kind can be fixed, whatever the client sends") {
  Lab lab({.messages = http::WebSocketTransport::Messages::kBinary});
  lab.service.data = echo;
  lab.open();
  lab.send(text_frame("one"));
  CHECK(lab.frames(1) == std::vector{whole(2, "one")});
}

TEST_CASE("a character that the service cuts goes with its rest") {
  Lab lab({.first = http::MessageKind::kText});
  int step = 0;
  const std::vector<std::string> steps = {"a\xf0", "\x9f", "\x98", "\x80z", "end\xe2\x82"};
  lab.open();
  REQUIRE(lab.net.run_until([&] { return lab.service.opened == 1; }));
  for (; step < 5; ++step) {
    lab.net.network.find(lab.service.id)->send(steps[static_cast<std::size_t>(step)]);
    REQUIRE(lab.net.run_until(
        [&] { return lab.net.network.find(lab.service.id)->queued_bytes() == 0; }));
  }
  lab.net.network.find(lab.service.id)->finish();
  CHECK(lab.frames_to_the_end() == std::vector{whole(1, "a"), whole(1, "\xf0\x9f\x98\x80z"),
                                               whole(1, "end"), whole(2, "\xe2\x82"),
                                               whole(8, code(1000))});
}

TEST_CASE("the peer's close frame is its FIN: the service may say the rest") {
  Lab lab;
  lab.service.end = [](Connection& c) {
    c.send("last words");
    c.finish();
  };
  lab.open();
  lab.send(close_frame(3456, "bye") + text_frame("not heard"));
  CHECK(lab.frames_to_the_end() == std::vector{whole(2, "last words"), whole(8, code(3456))});
  CHECK(lab.service.got.empty());
  CHECK(lab.service.ended == 1);
  lab.client->close();
  REQUIRE(lab.net.run_until([&] { return !lab.service.closed.empty(); }));
}

TEST_CASE("a close frame without a code is answered by one without") {
  Lab lab;
  lab.open();
  lab.send(frame({.opcode = 8}));
  CHECK(lab.frames_to_the_end() == std::vector{whole(8, "")});
}

TEST_CASE("an end without a close frame is the end all the same") {
  Lab lab;
  lab.service.data = echo;
  lab.open();
  lab.send(text_frame("half a conversation"));
  lab.client->shut_down();
  CHECK(lab.frames_to_the_end() ==
        std::vector{whole(1, "half a conversation"), whole(8, code(1000))});
  CHECK(lab.service.ended == 1);
}

TEST_CASE("what breaks the rules is answered with its code, and the service hears of no end") {
  struct Case {
    const char* what;
    std::string sent;
    int code;
  };
  const std::vector<Case> cases = {
      {"not masked", frame({.payload = "x", .masked = false}), 1002},
      {"reserved bit", frame({.payload = "x", .rsv = 4}), 1002},
      {"unknown opcode", frame({.opcode = 3}), 1002},
      {"continuation of nothing", frame({.opcode = 0, .payload = "x"}), 1002},
      {"a message inside a message",
       frame({.final = false, .payload = "x"}) + frame({.payload = "y"}), 1002},
      {"a fragmented ping", frame({.final = false, .opcode = 9}), 1002},
      {"a long ping", frame({.opcode = 9, .payload = std::string(126, 'x')}), 1002},
      {"a length in a longer form", frame({.payload = "x", .length_form = 8}), 1002},
      {"a length of 2^63", frame_head({.opcode = 2, .length_form = 8}, std::uint64_t{1} << 63),
       1002},
      {"text that is not UTF-8", text_frame("\xc0\xaf"), 1007},
      {"text that ends in half a character", text_frame("\xe2\x82"), 1007},
      {"half a character in fragments",
       frame({.final = false, .payload = "\xe2"}) + frame({.opcode = 0, .payload = "x"}), 1007},
      {"a close code that must not be sent", close_frame(1005), 1002},
      {"half a close code", frame({.opcode = 8, .payload = "\x03"}), 1002},
      {"a close reason that is not UTF-8", close_frame(1000, "\xff"), 1007},
  };
  for (const Case& each : cases) {
    for (const std::size_t chop : {std::string::npos, std::size_t{1}}) {
      INFO(each.what << ", chopped " << (chop == 1));
      Lab lab;
      lab.service.data = echo;
      lab.open();
      lab.send(text_frame("before") + each.sent, chop);
      const std::vector<ParsedFrame> frames = lab.frames_to_the_end();
      REQUIRE(frames.size() == 2);
      CHECK(frames[0] == whole(1, "before"));
      CHECK(frames[1].opcode == 8);
      CHECK(frames[1].payload.substr(0, 2) == code(each.code));
      CHECK(lab.service.ended == 0);
      lab.client->close();
      REQUIRE(lab.net.run_until([&] { return !lab.service.closed.empty(); }));
      CHECK(lab.service.closed == std::vector{CloseReason::kProtocolError});
    }
  }
}

TEST_CASE("who comes without a handshake is told what this is") {
  const auto answer = [](const std::string& sent) {
    Lab lab({.service = "talk"});
    lab.client->send(sent);
    REQUIRE(lab.net.run_until([&] { return !lab.client->pump(); }));
    CHECK_FALSE(lab.client->was_reset);
    CHECK(lab.service.opened == 0);
    lab.client->close();
    REQUIRE(lab.net.run_until([&] { return lab.net.network.open_connections() == 0; }));
    CHECK(lab.service.closed.empty());
    return lab.client->received;
  };
  const std::string get = answer("GET / HTTP/1.1\r\nHost: box:10007\r\n\r\n");
  CHECK(get.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
  CHECK(get.find("\r\nUpgrade: websocket\r\n") != std::string::npos);
  CHECK(get.find("new WebSocket(\"ws://box:10007/\")") != std::string::npos);
  CHECK(get.find("of the service talk") != std::string::npos);
  const std::string head = answer("HEAD / HTTP/1.1\r\nHost: box\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 426 "));
  CHECK(head.ends_with("\r\n\r\n"));
  CHECK(answer("hello\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(answer("GET / HTTP/1.1\nHost: x\n\n").starts_with("HTTP/1.1 400 "));
  CHECK(answer(std::string("\x16\x03\x01\x02\x00\x01", 6)).find("connect with ws://, not wss://") !=
        std::string::npos);
  CHECK(answer("GET /" + std::string(9000, 'x')).starts_with("HTTP/1.1 414 "));
  CHECK(answer("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(17000, 'x'))
            .starts_with("HTTP/1.1 431 "));
  const std::string old =
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  CHECK(answer(old + "Sec-WebSocket-Version: 8\r\n\r\n").starts_with("HTTP/1.1 426 "));
  CHECK(answer(old + "\r\n").starts_with("HTTP/1.1 426 "));
  CHECK(answer(kRequest + "Content-Length: 5\r\n\r\nhello").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("pages of others are refused, and told how they would not be") {
  const auto status = [](std::vector<std::string> origins, const std::string& origin) {
    Lab lab({.service = "talk", .origins = std::move(origins)});
    const std::string head = lab.shake_hands(kRequest + "Origin: " + origin + "\r\n");
    if (head.starts_with("HTTP/1.1 403")) {
      REQUIRE(lab.net.run_until([&] { return !lab.client->pump(); }));
      CHECK(lab.client->received.find("[services.talk.websocket] origins = [\"" + origin + "\"]") !=
            std::string::npos);
    }
    return head.substr(9, 3);
  };
  CHECK(status({}, "http://localhost:5173") == "101");
  CHECK(status({}, "https://example.com") == "403");
  CHECK(status({}, "null") == "403");
  CHECK(status({"https://example.com"}, "https://example.com") == "101");
  CHECK(status({"*"}, "https://example.com") == "101");
}

TEST_CASE("a handshake that does not end has a deadline") {
  StreamPolicy policy;
  policy.handshake_timeout = std::chrono::milliseconds(100);
  Lab lab({}, policy);
  lab.client->send("GET / HTTP/1.1\r\n");
  REQUIRE(lab.net.run_until([&] { return !lab.client->pump(); }));
  CHECK(lab.service.opened == 0);
}

TEST_CASE("a client that asks for pongs and reads none is a slow reader") {
  StreamPolicy policy;
  policy.write_high = 16 * 1024;
  policy.write_low = 1024;
  policy.write_limit = 64 * 1024;
  Lab lab({}, policy);
  lab.open();
  std::string pings;
  for (int i = 0; i < 2000; ++i)
    pings += frame({.opcode = 9, .payload = std::string(125, 'p')});
  // Reading stops, so the kernel takes no more; or the limit ends the connection.
  std::size_t sent = 0;
  int idle = 0;
  REQUIRE(lab.net.run_until([&] {
    const std::size_t now = lab.client->send(pings);
    idle = now == 0 ? idle + 1 : 0;
    sent += now;
    return idle > 50 || sent > (64u << 20) || !lab.service.closed.empty();
  }));
  CHECK(sent < (64u << 20));
}
