// The chat on real sockets: what a member hears, who is shown out and how, and what is left at the
// end.
#include <sys/socket.h>

#include <algorithm>
#include <deque>

#include "core/service.h"
#include "tests/support/chat_options.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using test::Client;

namespace {

class NoHost final : public HostView {
 public:
  std::vector<ServiceStatus> services() const override { return {}; }
  bool draining() const override { return false; }
  std::uint64_t open_connections() const override { return 0; }
  std::string_view server_name() const override { return "test"; }
  void write_metrics(std::string&) const override {}
};

// A chat with a listener, and the people in it.
class Room {
 public:
  explicit Room(const std::string& rows = "")
      : service_(services::chat::service_type.create(
            test::chat_options("history_lines = 3\nflood_burst = 1000000\n" + rows))),
        context_{"chat", net.loop, net.network, *net.log, host_},
        door_(net, service_->stream_handler(services::chat::service_type.doors.front())),
        listener_(net.listen(door_.door)) {
    REQUIRE(service_->start(context_));
  }

  Client& enter() {
    Client& client = clients_.emplace_back(net.connect(listener_));
    REQUIRE(hears(client, ". /help\r\n"));
    return client;
  }

  // Until `client` has received `text`.
  bool hears(Client& client, std::string_view text) {
    return net.run_until([&] {
      client.pump();
      return client.received.find(text) != std::string::npos;
    });
  }
  bool ends(Client& client) {
    return net.run_until([&] {
      client.pump();
      return client.ended;
    });
  }
  std::string port() const { return std::to_string(listener_.address().port); }
  Service& service() { return *service_; }
  std::size_t open() const { return net.network.open_connections(); }

  test::NetworkFixture net;

 private:
  std::unique_ptr<Service> service_;
  NoHost host_;
  ServiceContext context_;
  test::OpenDoor door_;
  Listener& listener_;
  std::deque<Client> clients_;
};

std::string text_after(const Client& client, std::string_view mark) {
  const auto at = client.received.find(mark);
  return at == std::string::npos ? "" : client.received.substr(at + mark.size());
}

}  // namespace

TEST_CASE("the chat tells a newcomer who it is, from where, and through which door", "[chat]") {
  Room room;
  Client& ann = room.enter();
  sockaddr_storage raw{};
  socklen_t length = sizeof raw;
  REQUIRE(::getsockname(ann.fd(), reinterpret_cast<sockaddr*>(&raw), &length) == 0);
  const Address me = Address::from(reinterpret_cast<sockaddr*>(&raw));
  CHECK(ann.received == "You are guest-1 from " + me.text() + ", through the line door " +
                            room.port() + ". /help\r\n");
  Client& bob = room.enter();
  CHECK(room.hears(ann, "* guest-2 joined (127.0.0.1:"));
  CHECK(bob.received.find("joined") == std::string::npos);
}

TEST_CASE("what is said in the chat reaches everybody, in one order, however it was cut",
          "[chat]") {
  Room room;
  Client& ann = room.enter();
  Client& bob = room.enter();
  for (const char c : std::string("hello, I am Ann\r\n")) {
    REQUIRE(ann.send(Bytes(&c, 1)) == 1);
    room.net.loop.run_ready();
  }
  REQUIRE(room.hears(bob, "guest-1: hello, I am Ann\r\n"));
  bob.send("/me waves\n/nick Bob\none\ntwo\n");
  REQUIRE(room.hears(ann, "two\r\n"));
  REQUIRE(room.hears(bob, "two\r\n"));
  const std::string said = "* guest-2 waves\r\n* guest-2 is now Bob\r\nBob: one\r\nBob: two\r\n";
  CHECK(text_after(ann, "I am Ann\r\n") == said);
  CHECK(text_after(bob, "I am Ann\r\n") == said);
  Client& cid = room.enter();
  CHECK(room.hears(cid, "* guest-2 waves\r\nBob: one\r\nBob: two\r\n"));  // the last three
}

TEST_CASE("a chat line that a FIN ends is said, and what was queued still arrives", "[chat]") {
  Room room;
  Client& ann = room.enter();
  Client& bob = room.enter();
  bob.send("I am off");
  bob.shut_down();
  CHECK(room.hears(ann, "guest-2: I am off\r\n* guest-2 left (closed the connection)\r\n"));
  CHECK(room.ends(bob));
  CHECK_FALSE(bob.was_reset);
  CHECK(text_after(bob, "/help\r\n") == "guest-2: I am off\r\n");
}

TEST_CASE("/quit says goodbye, and what was typed behind it is not said", "[chat]") {
  Room room;
  Client& ann = room.enter();
  Client& bob = room.enter();
  bob.send("one\n/quit\ntwo\n");
  CHECK(room.ends(bob));
  CHECK(text_after(bob, "/help\r\n") == "guest-2: one\r\n* goodbye\r\n");
  CHECK(room.hears(ann, "guest-2: one\r\n* guest-2 left (quit)\r\n"));
  CHECK(ann.received.find("two") == std::string::npos);
}

TEST_CASE("a chat member that resets its connection is gone", "[chat]") {
  Room room;
  Client& ann = room.enter();
  Client& bob = room.enter();
  bob.reset();
  CHECK(room.hears(ann, "* guest-2 left (reset_by_peer)\r\n"));
  ann.send("/who\n");
  CHECK(room.hears(ann, "* 1 here:\r\n"));
}

TEST_CASE("HTTP and TLS clients hear in words that this is a chat", "[chat]") {
  Room room;
  Client& ann = room.enter();
  Client& web = room.enter();
  web.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(room.ends(web));
  CHECK_FALSE(web.was_reset);
  CHECK(web.received.find("not an HTTP server") != std::string::npos);
  CHECK(web.received.find("polyport connect") != std::string::npos);
  Client& secure = room.enter();
  secure.send(Bytes("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  CHECK(room.ends(secure));
  CHECK(secure.received.find("without TLS") != std::string::npos);
  CHECK(room.hears(ann, "* guest-3 left (spoke TLS)\r\n"));
  CHECK(ann.received.find("* guest-2 left (spoke HTTP)\r\n") != std::string::npos);
  CHECK(ann.received.find("Host:") == std::string::npos);
}

TEST_CASE("a chat member that does not read hears why it is out", "[chat]") {
  Room room("max_unread = \"16KiB\"\n");
  Client& ann = room.enter();
  Client& slow = room.enter();
  const std::string line(1000, 'x');
  // The kernel takes some megabytes before the queue grows.
  const bool out = room.net.run_until([&] {
    ann.send(line + "\n");
    ann.pump();
    return ann.received.find("* guest-2 left (too slow)\r\n") != std::string::npos;
  });
  REQUIRE(out);
  const auto said = std::count(ann.received.begin(), ann.received.end(), '\n');
  CHECK(room.ends(slow));
  CHECK_FALSE(slow.was_reset);
  const std::string last = slow.received.substr(slow.received.rfind("* "));
  CHECK(last.find("you are too slow") != std::string::npos);
  CHECK(last.ends_with("\r\n"));
  // Whole lines only, up to the one that says it.
  CHECK(slow.received.find(line + "\r\n* you are too slow") != std::string::npos);
  // What waited was dropped: at least fifteen of the sixteen KiB.
  CHECK(std::count(slow.received.begin(), slow.received.end(), '\n') < said - 10);
  ann.send("still here\n");
  CHECK(room.hears(ann, "guest-1: still here\r\n"));
}

TEST_CASE("a chat that stops says so to everybody", "[chat]") {
  Room room;
  Client& ann = room.enter();
  Client& bob = room.enter();
  room.service().stop();
  CHECK(room.hears(ann, "* the server is stopping, goodbye\r\n"));
  CHECK(room.hears(bob, "* the server is stopping, goodbye\r\n"));
  CHECK(room.net.run_until([&] { return room.net.network.drain_idle() == 0; }));
  CHECK(room.ends(ann));
  CHECK(room.ends(bob));
  CHECK(ann.received.find("left") == std::string::npos);
}
