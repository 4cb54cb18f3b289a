// WebSocket connections over loopback: messages both ways, close codes on the wire, the closing
// handshake, deadlines, backpressure, broadcasts, compression, drain.
#include <sys/socket.h>

#include <random>

#include "core/http/server.h"
#include "core/http/websocket_server.h"
#include "tests/support/network_fixture.h"
#include "tests/support/websocket_frames.h"

using namespace polyport;
using namespace std::chrono_literals;
using polyport::test::Client;
using polyport::test::close_frame;
using polyport::test::frame;
using polyport::test::frame_head;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;
using polyport::test::ParsedFrame;
using polyport::test::text_frame;

namespace {

// Echoes; some texts ask for something else.
struct TestHandler : http::WebSocketHandler {
  void on_open(http::WebSocket& socket) override { sockets.push_back(&socket); }
  void on_message(http::WebSocket& socket, http::MessageKind kind, Bytes message) override {
    ++messages;
    received_bytes += message.size();
    if (message == "bye") {
      socket.close(http::CloseCode::kNormal, "as you wish");
    } else if (message == "throw") {
      throw std::runtime_error("a handler that fails");
    } else if (message == "big") {
      socket.send_binary(std::string(60'000, 'b'));
    } else if (message == "broken") {
      socket.send_text(
          "a\xff"
          "b");
    } else if (answers) {
      kind == http::MessageKind::kText ? socket.send_text(message) : socket.send_binary(message);
    }
  }
  void on_pong(http::WebSocket&, Bytes payload) override { pongs += payload; }
  void on_writable(http::WebSocket&) override { ++writable; }
  void on_close(http::WebSocket& socket, const http::WebSocketEnd& how) override {
    std::erase(sockets, &socket);
    ends.push_back(how);
  }

  std::vector<http::WebSocket*> sockets;
  std::vector<http::WebSocketEnd> ends;
  std::string pongs;
  std::size_t received_bytes = 0;
  int messages = 0;
  int writable = 0;
  bool answers = true;
};

struct Upgrader : http::Handler {
  void on_request(http::Exchange& exchange) override { server->upgrade(exchange, setup); }
  http::WebSocketServer* server = nullptr;
  http::WebSocketSetup setup;
};

// The kernel keeps no more than so much for whoever does not read; by itself it would grow to
// megabytes, how many depends on the load.
void keep_buffers_small(const Client& client) {
  constexpr int kBytes = 64 * 1024;
  for (const int option : {SO_RCVBUF, SO_SNDBUF})
    REQUIRE(::setsockopt(client.fd(), SOL_SOCKET, option, &kBytes, sizeof kBytes) == 0);
}

// A client's view of one connection: what it received behind the 101, as frames.
class Peer {
 public:
  Peer(Client connected, NetworkFixture& net) : client(std::move(connected)), net_(net) {}

  void send(const std::string& bytes) {
    Bytes rest = bytes;
    net_.run_until([&] {
      rest.remove_prefix(client.send(rest));
      client.pump();
      return rest.empty() || client.ended;
    });
  }
  std::vector<ParsedFrame> frames() {
    const std::size_t head = client.received.find("\r\n\r\n");
    if (head == std::string::npos) return {};
    return polyport::test::parse_frames(Bytes(client.received).substr(head + 4));
  }
  // Waits for that many frames.
  bool receives(std::size_t count) {
    return net_.run_until([&] {
      const bool open = client.pump();
      return frames().size() >= count || !open;
    }) && frames().size() >= count;
  }
  bool closes(std::chrono::milliseconds limit = 10s) {
    return net_.run_until([&] { return !client.pump(); }, limit);
  }
  // The code of the last frame, which is a close frame; 0 where it is none, 1005 where it has none.
  int close_code() {
    const auto all = frames();
    if (all.empty() || all.back().opcode != 8) return 0;
    const std::string& payload = all.back().payload;
    if (payload.size() < 2) return 1005;
    return static_cast<std::uint8_t>(payload[0]) << 8 | static_cast<std::uint8_t>(payload[1]);
  }
  std::string head() const { return client.received.substr(0, client.received.find("\r\n\r\n")); }

  Client client;

 private:
  NetworkFixture& net_;
};

struct Fixture {
  explicit Fixture(http::WebSocketOptions options = {}, StreamPolicy policy = {})
      : sockets(handler, std::move(options)),
        server(upgrader),
        door(net, server, policy),
        listener(net.listen(door.door)) {
    upgrader.server = &sockets;
    upgrader.setup.limits = sockets.options().limits;
  }

  Peer connect(const std::string& more = "") {
    Client client = net.connect(listener);
    sock::set_option(client.fd(), sock::Option::kNoDelay, 1);
    Peer peer(std::move(client), net);
    peer.send(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
        more + "\r\n");
    REQUIRE(net.run_until([&] {
      peer.client.pump();
      return peer.client.received.find("\r\n\r\n") != std::string::npos;
    }));
    return peer;
  }
  // Whatever must happen has happened: the server knows that the connection has ended.
  bool ended(std::size_t count = 1) {
    return net.run_until([&] { return handler.ends.size() == count; });
  }
  void settle() {
    for (int i = 0; i < 20; ++i)
      net.loop.run_ready();
  }

  NetworkFixture net;
  TestHandler handler;
  http::WebSocketServer sockets;
  Upgrader upgrader;
  http::Server server;
  OpenDoor door;
  Listener& listener;
};

std::string compressed(Bytes content) {
  http::Deflater deflater;
  std::string packed;
  deflater.add_message(content, packed);
  return packed;
}

std::string inflated(http::Inflater& inflater, Bytes packed) {
  std::string content;
  const bool fine = inflater.add(packed, content, 1 << 24) == http::Inflater::Result::kFine &&
                    inflater.end_message(content, 1 << 24) == http::Inflater::Result::kFine;
  return fine ? content : "no deflate";
}

// Text that hardly shrinks.
std::string digits(std::size_t size) {
  std::mt19937 random(1);
  std::string text;
  while (text.size() < size)
    text += std::to_string(random());
  return text.substr(0, size);
}

constexpr const char* kDeflateOffer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

}  // namespace

TEST_CASE("websocket: the handshake, a text, a binary, a close") {
  Fixture fixture;
  Peer peer = fixture.connect();
  CHECK(peer.head().starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(peer.head().find("\r\nUpgrade: websocket\r\n") != std::string::npos);
  CHECK(peer.head().find("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") !=
        std::string::npos);
  CHECK(peer.head().find("\r\nConnection: Upgrade") != std::string::npos);
  CHECK(peer.head().find("Extensions") == std::string::npos);
  peer.send(text_frame("Hello") + frame({.opcode = 2, .payload = "\xff"}));
  REQUIRE(peer.receives(2));
  CHECK(peer.frames() ==
        std::vector<ParsedFrame>{{true, 1, 0, false, "Hello"}, {true, 2, 0, false, "\xff"}});
  peer.send(close_frame(1001, "leaving"));
  CHECK(peer.closes());
  CHECK_FALSE(peer.client.was_reset);
  CHECK(peer.close_code() == 1001);
  peer.client.close();
  REQUIRE(fixture.ended());
  CHECK(fixture.handler.ends[0].code == http::CloseCode::kGoingAway);
  CHECK(fixture.handler.ends[0].clean);
  CHECK(fixture.handler.ends[0].reason == CloseReason::kPeerClosed);
  CHECK(fixture.sockets.count() == 0);
}

TEST_CASE("websocket: frames that come with the handshake are not lost") {
  Fixture fixture;
  Client client = fixture.net.connect(fixture.listener);
  Peer peer(std::move(client), fixture.net);
  peer.send(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" +
      text_frame("early"));
  REQUIRE(peer.receives(1));
  CHECK(peer.frames()[0].payload == "early");
}

TEST_CASE("websocket: pings are answered, also inside a fragmented message") {
  Fixture fixture;
  Peer peer = fixture.connect();
  peer.send(frame({.opcode = 9, .payload = std::string(125, 'p')}) +
            frame({.final = false, .opcode = 1, .payload = "frag"}) +
            frame({.opcode = 9, .payload = "between"}) + frame({.opcode = 0, .payload = "ment"}) +
            frame({.opcode = 10, .payload = "unasked"}));
  REQUIRE(peer.receives(3));
  CHECK(peer.frames() == std::vector<ParsedFrame>{{true, 10, 0, false, std::string(125, 'p')},
                                                  {true, 10, 0, false, "between"},
                                                  {true, 1, 0, false, "fragment"}});
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.pongs == "unasked"; }));
}

TEST_CASE("websocket: each violation is answered with its code, and the connection ends") {
  http::WebSocketOptions options;
  options.limits = {.max_message = 1000, .max_frame = 0, .max_fragments = 3};
  Fixture fixture(options);
  const std::string part = frame({.final = false, .opcode = 0});
  const std::pair<std::string, int> cases[] = {
      {frame({.opcode = 3}), 1002},
      {frame({.rsv = 1}), 1002},
      {frame({.payload = "a", .masked = false}), 1002},
      {frame({.opcode = 9, .payload = std::string(126, 'x')}), 1002},
      {frame({.opcode = 8, .payload = "\x03"}), 1002},
      {close_frame(1005), 1002},
      {close_frame(1000, "\xff"), 1007},
      {text_frame("\xff"), 1007},
      {frame_head({.opcode = 2}, 1001), 1009},
      {frame({.final = false, .opcode = 1}) + part + part + part, 1008},
      {text_frame("throw"), 1011},
      {frame({.opcode = 8}), 1005},
      {close_frame(3999), 3999},
  };
  std::size_t count = 0;
  for (const auto& test : cases) {
    CAPTURE(test.second);
    Peer peer = fixture.connect();
    peer.send(text_frame("first") + test.first);
    CHECK(peer.closes());
    CHECK_FALSE(peer.client.was_reset);
    CHECK(peer.frames().front().payload == "first");
    CHECK(peer.close_code() == test.second);
    peer.client.close();
    CHECK(fixture.ended(++count));
    const bool ours = test.second < 3000 && test.second != 1005;
    CHECK(fixture.handler.ends.back().clean == !ours);
    CHECK(fixture.handler.ends.back().reason == (test.second == 1011 ? CloseReason::kServiceError
                                                 : ours              ? CloseReason::kProtocolError
                                                                     : CloseReason::kPeerClosed));
  }
}

TEST_CASE("websocket: a kind that is not taken gets 1003") {
  http::WebSocketOptions options;
  options.takes = http::MessageReader::Takes::kText;
  Fixture fixture(options);
  Peer peer = fixture.connect();
  peer.send(frame({.opcode = 2}));
  CHECK(peer.closes());
  CHECK(peer.close_code() == 1003);
}

TEST_CASE("websocket: the service closes, the peer agrees, and what it says meanwhile is dropped") {
  Fixture fixture;
  Peer peer = fixture.connect();
  peer.send(text_frame("bye"));
  REQUIRE(peer.receives(1));
  CHECK(peer.close_code() == 1000);
  CHECK(peer.frames()[0].payload.substr(2) == "as you wish");
  peer.send(text_frame("still here") + frame({.opcode = 9}) + text_frame("throw"));
  fixture.settle();
  CHECK(peer.client.pump());
  CHECK(fixture.handler.messages == 1);
  peer.send(close_frame(1000));
  CHECK(peer.closes());
  CHECK(peer.frames().size() == 1);
  peer.client.close();
  REQUIRE(fixture.ended());
  CHECK(fixture.handler.ends[0].clean);
  CHECK(fixture.handler.ends[0].reason == CloseReason::kServiceClosed);
}

TEST_CASE("websocket: a peer that never says goodbye is waited for, but not for ever") {
  http::WebSocketOptions options;
  options.close_timeout = 200ms;
  Fixture fixture(options);
  Peer peer = fixture.connect();
  peer.send(text_frame("bye"));
  CHECK(peer.closes(3s));
  REQUIRE(fixture.ended());
  CHECK_FALSE(fixture.handler.ends[0].clean);
}

TEST_CASE("websocket: an end without a close frame is abnormal") {
  Fixture fixture;
  const bool reset = GENERATE(false, true);
  Peer peer = fixture.connect();
  peer.send(frame({.final = false, .opcode = 1, .payload = "half"}));
  if (reset) {
    peer.client.reset();
  } else {
    peer.client.shut_down();
    CHECK(peer.closes());
  }
  REQUIRE(fixture.ended());
  CHECK(fixture.handler.ends[0].code == http::CloseCode::kAbnormal);
  CHECK_FALSE(fixture.handler.ends[0].clean);
}

TEST_CASE("websocket: silence is met with a ping, and silence after it with the end") {
  http::WebSocketOptions options;
  options.ping_interval = 200ms;
  options.pong_timeout = 200ms;
  Fixture fixture(options);
  Peer answers = fixture.connect();
  Peer silent = fixture.connect();
  for (std::size_t pings = 1; pings <= 4; ++pings) {
    REQUIRE(answers.receives(pings));
    CHECK(answers.frames().back().opcode == 9);
    answers.send(frame({.opcode = 10}));
  }
  CHECK(silent.closes(5s));
  CHECK(silent.frames().size() == 2);
  CHECK(silent.frames()[0].opcode == 9);
  CHECK(silent.close_code() == 1001);
  CHECK(answers.client.pump());
  silent.client.close();
  REQUIRE(fixture.ended());
  CHECK(fixture.handler.ends[0].reason == CloseReason::kIdleTimeout);
}

TEST_CASE("websocket: a lifetime ends a busy connection too") {
  Fixture fixture;
  fixture.upgrader.setup.lifetime = 400ms;
  Peer peer = fixture.connect();
  Timer talk(fixture.net.loop, [&] { peer.client.send(text_frame("x")); });
  talk.start_every(20ms);
  CHECK(peer.closes());
  bool said = false;
  for (const ParsedFrame& each : peer.frames())
    said = said || (each.opcode == 8 && each.payload.starts_with("\x03\xe9"));
  CHECK(said);
}

TEST_CASE("websocket: half a message must go on") {
  http::WebSocketOptions options;
  options.message_timeout = 300ms;
  options.message_min_rate = 1000;
  Fixture fixture(options);
  Peer stands = fixture.connect();
  stands.send(frame({.final = false, .opcode = 1, .payload = "half"}));
  Peer drips = fixture.connect();
  drips.send(frame_head({.opcode = 2}, 1000));
  Timer drip(fixture.net.loop, [&] { drips.client.send("x"); });
  drip.start_every(20ms);
  Peer idle = fixture.connect();
  Peer fast = fixture.connect();
  fast.send(frame_head({.opcode = 2, .mask = 0}, 20'000));
  int left = 20;
  Timer flow(fixture.net.loop, [&] {
    if (left-- > 0) fast.client.send(std::string(1000, 'f'));
  });
  flow.start_every(50ms);
  CHECK(stands.closes(5s));
  CHECK(drips.closes(5s));
  CHECK(stands.close_code() == 1008);
  CHECK(drips.close_code() == 1008);
  REQUIRE(fast.receives(1));
  CHECK(fast.frames()[0].payload == std::string(20'000, 'f'));
  CHECK(idle.client.pump());
}

TEST_CASE("websocket: a large message leaves in fragments where that was asked for") {
  Fixture fixture;
  fixture.upgrader.setup.max_sent_frame = 1000;
  const bool deflate = GENERATE(false, true);
  Peer peer = fixture.connect(deflate ? kDeflateOffer : "");
  const std::string message = digits(3500);
  peer.send(text_frame(message) + text_frame("end"));
  REQUIRE(fixture.net.run_until([&] {
    peer.client.pump();
    const auto all = peer.frames();
    return !all.empty() && all.back().payload == "end";
  }));
  std::string content;
  const auto all = peer.frames();
  REQUIRE(all.size() >= 3);
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    CHECK(all[i].payload.size() <= 1000);
    CHECK(all[i].opcode == (i == 0 ? 1 : 0));
    CHECK(all[i].rsv == (i == 0 && deflate ? 4 : 0));
    CHECK(all[i].final == (i + 2 == all.size()));
    content += all[i].payload;
  }
  http::Inflater inflater;
  CHECK((deflate ? inflated(inflater, content) : content) == message);
}

TEST_CASE("websocket: a peer that does not read is not read, and loses nothing") {
  Fixture fixture;
  Peer peer = fixture.connect();
  keep_buffers_small(peer.client);
  std::string sent;
  for (int i = 0; i < 4000; ++i)
    sent += frame({.opcode = 2, .payload = std::string(4000, static_cast<char>('a' + i % 26))});
  Bytes rest = sent;
  std::size_t most_queued = 0;
  for (int i = 0; i < 4000; ++i) {
    rest.remove_prefix(peer.client.send(rest));
    fixture.net.loop.run_ready();
    fixture.net.network.for_each_connection([&](Connection& connection) {
      most_queued = std::max(most_queued, connection.queued_bytes());
    });
  }
  CHECK(rest.size() > 0);
  CHECK(most_queued < 1'000'000);
  REQUIRE(fixture.net.run_until(
      [&] {
        rest.remove_prefix(peer.client.send(rest));
        peer.client.pump();
        return peer.client.received.size() >= 4000 * 4004;
      },
      120s));
  const auto all = peer.frames();
  REQUIRE(all.size() == 4000);
  bool same = true;
  for (std::size_t i = 0; i < all.size(); ++i)
    same = same && all[i].payload == std::string(4000, static_cast<char>('a' + i % 26));
  CHECK(same);
}

TEST_CASE("websocket: a ping flood from a peer that does not read is bounded") {
  Fixture fixture;
  Peer peer = fixture.connect();
  keep_buffers_small(peer.client);
  std::string pings;
  while (pings.size() < 20'000'000)
    pings += frame({.opcode = 9, .payload = std::string(125, 'p')});
  Bytes rest = pings;
  std::size_t most_queued = 0;
  for (int i = 0; i < 2000; ++i) {
    rest.remove_prefix(peer.client.send(rest));
    fixture.net.loop.run_ready();
    fixture.net.network.for_each_connection([&](Connection& connection) {
      most_queued = std::max(most_queued, connection.queued_bytes());
    });
  }
  CHECK(rest.size() > 0);
  CHECK(most_queued < 1'000'000);
}

TEST_CASE("websocket: much work in one read is done in turns, and others come between") {
  Fixture fixture;
  fixture.handler.answers = false;
  Peer busy = fixture.connect(kDeflateOffer);
  Peer other = fixture.connect();
  // Each of these is 900,000 bytes inflated; sixty come in one read.
  const std::string bomb =
      frame({.opcode = 2, .payload = compressed(std::string(900'000, '\0')), .rsv = 4});
  std::string bombs;
  while (bombs.size() + bomb.size() < 60'000)
    bombs += bomb;
  const auto count = static_cast<int>(bombs.size() / bomb.size());
  busy.client.send(bombs);
  other.client.send(frame({.opcode = 9, .payload = "me too"}));
  REQUIRE(other.receives(1));
  CHECK(fixture.handler.messages < count);
  REQUIRE(fixture.net.run_until([&] { return fixture.handler.messages == count; }));
  CHECK(fixture.handler.received_bytes == static_cast<std::size_t>(count) * 900'000);
}

TEST_CASE("websocket: a deflate bomb gets 1009 before it is large") {
  Fixture fixture;
  Peer peer = fixture.connect(kDeflateOffer);
  peer.send(frame({.opcode = 2, .payload = compressed(std::string(20'000'000, '\0')), .rsv = 4}));
  CHECK(peer.closes());
  CHECK(peer.close_code() == 1009);
  CHECK(fixture.handler.messages == 0);
}

TEST_CASE("websocket: compression without context, each message for itself") {
  Fixture fixture;
  Peer peer = fixture.connect(kDeflateOffer);
  CHECK(peer.head().find("Sec-WebSocket-Extensions: permessage-deflate; "
                         "server_no_context_takeover; client_no_context_takeover") !=
        std::string::npos);
  const std::string message = "words, words, words, words, words, words, words, words, words";
  const std::string long_message = message + message;
  peer.send(frame({.payload = compressed(long_message), .rsv = 4}) + text_frame(long_message) +
            text_frame("short"));
  REQUIRE(peer.receives(3));
  http::Inflater one, two;
  CHECK(peer.frames()[0].rsv == 4);
  CHECK(inflated(one, peer.frames()[0].payload) == long_message);
  CHECK(inflated(two, peer.frames()[1].payload) == long_message);
  CHECK(peer.frames()[2] == ParsedFrame{true, 1, 0, false, "short"});
  CHECK(fixture.sockets.contexts() == 0);
}

TEST_CASE("websocket: compression with context, for as many as may have it") {
  http::WebSocketOptions options;
  options.deflate = http::Deflate::kContext;
  options.max_contexts = 1;
  Fixture fixture(options);
  Peer first = fixture.connect(kDeflateOffer);
  CHECK(first.head().find("takeover") == std::string::npos);
  Peer second = fixture.connect(kDeflateOffer);
  CHECK(second.head().find("server_no_context_takeover") != std::string::npos);
  CHECK(fixture.sockets.contexts() == 1);
  const std::string noise = digits(2000);
  first.send(text_frame(noise) + text_frame(noise));
  REQUIRE(first.receives(2));
  http::Inflater inflater;
  CHECK(inflated(inflater, first.frames()[0].payload) == noise);
  CHECK(inflated(inflater, first.frames()[1].payload) == noise);
  CHECK(first.frames()[1].payload.size() * 5 < first.frames()[0].payload.size());
  first.send(close_frame(1000));
  CHECK(first.closes());
  first.client.close();
  REQUIRE(fixture.ended());
  CHECK(fixture.sockets.contexts() == 0);
}

TEST_CASE("websocket: one message to many is built once, compressed once") {
  Fixture fixture;
  std::vector<Peer> peers;
  for (int i = 0; i < 10; ++i)
    peers.push_back(fixture.connect(i % 2 == 0 ? kDeflateOffer : ""));
  REQUIRE(fixture.handler.sockets.size() == 10);
  const std::string line = "a line that is long enough to be worth compressing, compressing it is";
  http::SharedMessage message(http::MessageKind::kText, line);
  for (http::WebSocket* socket : fixture.handler.sockets)
    socket->send(message);
  http::WebSocketMemory unused;
  CHECK(message.compressed(unused, 15).bytes().size() < message.plain().bytes().size());
  for (std::size_t i = 0; i < peers.size(); ++i) {
    REQUIRE(peers[i].receives(1));
    const ParsedFrame got = peers[i].frames()[0];
    http::Inflater inflater;
    CHECK(got.rsv == (i % 2 == 0 ? 4 : 0));
    CHECK((i % 2 == 0 ? inflated(inflater, got.payload) : got.payload) == line);
  }
  CHECK(message.content() == line);
  CHECK(http::SharedMessage(http::MessageKind::kText,
                            "a\xff"
                            "b")
            .content() ==
        "a\xef\xbf\xbd"
        "b");
}

TEST_CASE("websocket: text that is not UTF-8 does not leave as it is") {
  Fixture fixture;
  Peer peer = fixture.connect();
  peer.send(text_frame("broken"));
  REQUIRE(peer.receives(1));
  CHECK(peer.frames()[0].payload ==
        "a\xef\xbf\xbd"
        "b");
}

TEST_CASE("websocket: a reader that is too slow is told so in a whole frame") {
  Fixture fixture;
  fixture.handler.answers = false;
  Peer peer = fixture.connect();
  REQUIRE(fixture.handler.sockets.size() == 1);
  http::WebSocket& socket = *fixture.handler.sockets[0];
  int sent = 0;
  const std::string block(60'000, 'b');
  // From outside its callbacks, as a broadcast does.
  while (!socket.congested()) {
    socket.send_binary(block);
    ++sent;
    fixture.settle();
    REQUIRE(sent < 1000);
  }
  socket.close_slow("more waits for you than is kept");
  CHECK(socket.closing());
  CHECK(peer.closes());
  const auto all = peer.frames();
  REQUIRE(all.size() > 2);
  CHECK(all.size() < static_cast<std::size_t>(sent));
  CHECK(peer.close_code() == 1013);
  for (std::size_t i = 0; i + 1 < all.size(); ++i)
    CHECK(all[i].payload == block);
  peer.client.close();
  REQUIRE(fixture.ended());
  CHECK(fixture.handler.ends[0].reason == CloseReason::kSlowReader);
}

TEST_CASE("websocket: a frame that the kernel has half of is not cut by the last word") {
  Fixture fixture;
  Peer peer = fixture.connect();
  REQUIRE(fixture.handler.sockets.size() == 1);
  http::WebSocket& socket = *fixture.handler.sockets[0];
  // Sent from inside the callback, so that what the kernel leaves is the rest of a write.
  for (int i = 0; i < 1000 && socket.connection().queued_bytes() == 0; ++i) {
    peer.client.send(text_frame("big"));
    fixture.settle();
  }
  REQUIRE(socket.connection().queued_bytes() > 0);
  REQUIRE(socket.connection().queued_bytes() < 60'000);
  socket.close_slow("too slow");
  CHECK(peer.closes());
  const auto all = peer.frames();
  REQUIRE(all.size() > 2);
  CHECK(peer.close_code() == 1013);
  for (std::size_t i = 0; i + 1 < all.size(); ++i)
    CHECK(all[i].payload == std::string(60'000, 'b'));
}

TEST_CASE("websocket: small questions with large answers are taken as the answers leave") {
  Fixture fixture;
  Peer peer = fixture.connect();
  std::string questions;
  for (int i = 0; i < 1000; ++i)
    questions += text_frame("big");
  peer.client.send(questions);
  std::size_t most_queued = 0;
  for (int i = 0; i < 200; ++i) {
    fixture.net.loop.run_ready();
    fixture.net.network.for_each_connection([&](Connection& connection) {
      most_queued = std::max(most_queued, connection.queued_bytes());
    });
  }
  CHECK(fixture.handler.messages < 1000);
  CHECK(most_queued < 500'000);
  REQUIRE(fixture.net.run_until(
      [&] { return !peer.client.pump() || peer.client.received.size() > 1000 * 60'000; }));
  CHECK(peer.frames().size() == 1000);
}

TEST_CASE("websocket: what is held back does not hide the peer's close frame") {
  Fixture fixture;
  Peer peer = fixture.connect();
  REQUIRE(fixture.handler.sockets.size() == 1);
  http::WebSocket& socket = *fixture.handler.sockets[0];
  std::string questions;
  for (int i = 0; i < 1000; ++i)
    questions += text_frame("big");
  peer.client.send(questions + close_frame(1000));
  // How much the kernel takes before it is full is its own affair.
  REQUIRE(fixture.net.run_until([&] { return socket.connection().is_congested(); }));
  REQUIRE(fixture.handler.messages < 1000);
  socket.close();
  fixture.settle();
  CHECK(socket.connection().ending());  // although the client has read nothing
  CHECK(peer.closes());
  peer.client.close();
  REQUIRE(fixture.ended());
  CHECK(fixture.handler.ends[0].clean);
}

TEST_CASE("websocket: an origin may be refused, and a protocol is agreed on") {
  http::WebSocketOptions options;
  options.protocols = {"chat", "lines"};
  options.allows_origin = [](Bytes origin, const http::Request& request) {
    return origin.empty() || origin == "http://" + std::string(request.authority);
  };
  Fixture fixture(options);
  CHECK(fixture.connect("Origin: http://evil\r\n").head().starts_with("HTTP/1.1 403 "));
  Peer own = fixture.connect("Origin: http://a\r\n");
  CHECK(own.head().starts_with("HTTP/1.1 101 "));
  Peer peer = fixture.connect("Sec-WebSocket-Protocol: x, lines\r\n");
  CHECK(peer.head().find("\r\nSec-WebSocket-Protocol: lines") != std::string::npos);
  REQUIRE(fixture.handler.sockets.size() == 2);
  CHECK(fixture.handler.sockets[0]->protocol().empty());
  CHECK(fixture.handler.sockets[1]->protocol() == "lines");
}

TEST_CASE("websocket: a refusal leaves an HTTP connection that goes on") {
  Fixture fixture;
  Client client = fixture.net.connect(fixture.listener);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(fixture.net.run_until([&] {
    client.pump();
    const std::size_t first = client.received.find("HTTP/1.1 426 ");
    return first != std::string::npos &&
           client.received.find("HTTP/1.1 426 ", first + 1) != std::string::npos;
  }));
  CHECK(client.received.find("\r\nUpgrade: websocket\r\n") != std::string::npos);
  CHECK(client.received.find("\r\nConnection: Upgrade\r\n") != std::string::npos);
  CHECK(client.received.find("\r\nSec-WebSocket-Version: 13\r\n") != std::string::npos);
}

TEST_CASE("websocket: drain tells the peer, and waits for its answer") {
  Fixture fixture;
  Peer polite = fixture.connect();
  Peer silent = fixture.connect();
  const std::size_t left = fixture.net.network.drain_idle();
  CHECK(left == 2);
  REQUIRE(polite.receives(1));
  CHECK(polite.close_code() == 1001);
  polite.send(close_frame(1001));
  CHECK(polite.closes());
  // The other has a second.
  CHECK(silent.closes(5s));
  CHECK(silent.close_code() == 1001);
  polite.client.close();
  REQUIRE(fixture.ended(2));
  for (const http::WebSocketEnd& end : fixture.handler.ends)
    CHECK(end.reason == CloseReason::kDrain);
}
