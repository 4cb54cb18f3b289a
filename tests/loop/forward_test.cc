// The forward service between real sockets: what goes through, in which pieces it ends, what is
// queued meanwhile, and what a client gets when there is nobody behind it.
#include "tests/support/forwarding.h"

using namespace polyport;
using polyport::test::Client;
using polyport::test::descriptors;
using polyport::test::Forwarding;
using polyport::test::pattern;
using polyport::test::Server;
using namespace std::chrono_literals;

namespace {

// Sends all of `bytes` to one end and takes what comes from it, a step at a time.
struct Talker {
  Talker(Client& end, std::string bytes) : client(end), out(std::move(bytes)) {}
  void send_some() {
    while (sent < out.size()) {
      const std::size_t taken = client.send(Bytes(out).substr(sent, 65'536));
      if (taken == 0) return;
      sent += taken;
    }
    if (!std::exchange(finished, true)) client.shut_down();
  }
  // At most `most` bytes.
  void read_some(std::size_t most) {
    std::string buffer(most, '\0');
    const auto count = sock::receive(client.fd(), buffer.data(), buffer.size());
    if (count > 0) client.received.append(buffer, 0, static_cast<std::size_t>(count));
    if (count == 0) client.ended = true;
  }
  Client& client;
  std::string out;
  std::size_t sent = 0;
  bool finished = false;
};

}  // namespace

TEST_CASE("bytes pass through both ways, and a client's FIN leaves the answer time") {
  Server server;
  Forwarding fwd(Forwarding::to(server));
  Client client = fwd.connect();
  client.send("a question");
  Client behind = fwd.accept(server);
  REQUIRE(fwd.hears(behind, "a question"));
  client.shut_down();
  REQUIRE(fwd.ends(behind));
  CHECK_FALSE(behind.was_reset);
  fwd.run_for(50ms);
  CHECK(fwd.host.open_connections() == 2);  // half of it is still to come
  behind.send("an answer");
  behind.shut_down();
  REQUIRE(fwd.ends(client));
  CHECK(client.received == "an answer");
  CHECK_FALSE(client.was_reset);
  REQUIRE(fwd.all_closed());
  CHECK(fwd.closings.clients == std::vector{CloseReason::kPeerClosed});
  CHECK(fwd.closings.upstreams == std::vector{CloseReason::kFinished});
  const UpstreamStatus row = fwd.status().upstreams.at(0);
  CHECK(row.id == "fwd.upstream.0");
  CHECK(row.state == UpstreamStatus::State::kUp);
  CHECK(row.opened == 1);
  CHECK(row.active == 0);
  CHECK(row.bytes_in == 9);
  CHECK(row.bytes_out == 10);
}

TEST_CASE("a server's FIN leaves the client time to go on") {
  Server server;
  Forwarding fwd(Forwarding::to(server));
  Client client = fwd.connect();
  Client behind = fwd.accept(server);
  behind.send("that is all");
  behind.shut_down();
  REQUIRE(fwd.ends(client));
  CHECK(client.received == "that is all");
  client.send("not from me");
  REQUIRE(fwd.hears(behind, "not from me"));
  client.shut_down();
  REQUIRE(fwd.ends(behind));
  REQUIRE(fwd.all_closed());
  CHECK(fwd.closings.clients == std::vector{CloseReason::kFinished});
  CHECK(fwd.closings.upstreams == std::vector{CloseReason::kPeerClosed});
}

TEST_CASE("a RST of one side is a RST for the other") {
  Server server;
  Forwarding fwd(Forwarding::to(server));
  Client client = fwd.connect();
  Client behind = fwd.accept(server);
  client.send("x");
  REQUIRE(fwd.hears(behind, "x"));
  SECTION("the client's") {
    client.reset();
    REQUIRE(fwd.ends(behind));
    CHECK(behind.was_reset);
  }
  SECTION("the server's") {
    behind.reset();
    REQUIRE(fwd.ends(client));
    CHECK(client.was_reset);
    REQUIRE(fwd.all_closed());
    CHECK(fwd.closings.clients == std::vector{CloseReason::kUpstreamFailed});
  }
  REQUIRE(fwd.all_closed());
}

TEST_CASE(
    "what a client said before its FIN is delivered although it does not wait for an answer") {
  Server server;
  Forwarding fwd(Forwarding::to(server));
  Client client = fwd.connect();
  Client behind = fwd.accept(server);
  const std::string bytes = pattern(6'000'000, 3);
  std::size_t sent = 0;
  REQUIRE(fwd.run_until([&] {
    sent += client.send(Bytes(bytes).substr(sent));
    if (behind.received.size() < bytes.size() / 2) behind.pump();
    return sent == bytes.size();
  }));
  client.close();
  fwd.run_for(100ms);
  REQUIRE(fwd.ends(behind));
  CHECK((behind.received == bytes));
  CHECK_FALSE(behind.was_reset);
  // An answer finds nobody: the client's kernel says so with a RST, and that is all that is left.
  behind.send("an answer to nobody");
  behind.send("and one more");
  fwd.run_for(50ms);
  behind.close();
  REQUIRE(fwd.all_closed());
}

TEST_CASE("a client that is gone for good takes nothing back of what it had said") {
  Server server;
  Forwarding fwd(Forwarding::one("upstream = \"" + server.text() + "\"\nwrite_high = \"64MiB\""));
  Client client = fwd.connect();
  Client behind = fwd.accept(server);
  std::string bytes;
  const std::string piece = pattern(100'000, 8);
  // The server does not read, so what the kernels cannot hold lies in our queue, the FIN behind it.
  REQUIRE(fwd.run_until([&] {
    bytes += piece.substr(0, client.send(piece));
    return fwd.most_queued() > 2'000'000;
  }));
  client.close();
  fwd.run_for(100ms);
  CHECK(fwd.most_queued() > 2'000'000);
  behind.send("an answer to nobody");  // which the client's kernel answers with a RST
  REQUIRE(fwd.run_until([&] { return !fwd.closings.clients.empty(); }));
  CHECK(fwd.closings.clients == std::vector{CloseReason::kResetByPeer});
  REQUIRE(fwd.ends(behind));
  CHECK((behind.received == bytes));
  CHECK_FALSE(behind.was_reset);
  behind.close();
  REQUIRE(fwd.all_closed());
}

TEST_CASE(
    "64 MiB each way at once past slow readers: whole, in order, and hardly any of it queued") {
  Server server;
  Forwarding fwd(Forwarding::to(server));
  Client near = fwd.connect();
  Client far = fwd.accept(server);
  constexpr std::size_t kSize = std::size_t{64} << 20;
  Talker client(near, pattern(kSize, 1)), behind(far, pattern(kSize, 2));
  std::size_t most_queued = 0, moved = 0, still = 0, turns = 0;
  REQUIRE(fwd.run_until(
      [&] {
        client.send_some();
        behind.send_some();
        most_queued = std::max(most_queued, fwd.most_queued());
        // Nobody reads before everything on the way is full and nothing moves any more; then one of
        // them, a part of it.
        const std::size_t now = client.sent + behind.sent + fwd.most_queued();
        still = now == std::exchange(moved, now) ? still + 1 : 0;
        if (still < 10) return false;
        still = 0;
        Talker& reader = ++turns % 2 == 0 ? client : behind;
        for (int bites = 0; bites < 60; ++bites)
          reader.read_some(100'000);
        return near.ended && far.ended;
      },
      120s));
  CHECK((near.received == behind.out));
  CHECK((far.received == client.out));
  CHECK(most_queued > 0);
  CHECK(most_queued <= 256 * 1024 + 64 * 1024);
  REQUIRE(fwd.all_closed());
}

TEST_CASE("who does not read does not keep its own bytes back") {
  Server server;
  Forwarding fwd(Forwarding::to(server));
  Client client = fwd.connect();
  Client behind = fwd.accept(server);
  const bool is_client = GENERATE(true, false);
  CAPTURE(is_client);
  Client& deaf = is_client ? client : behind;
  Client& other = is_client ? behind : client;
  const std::string spoken = pattern(8'000'000, 4);
  const std::string unheard = pattern(16'000'000, 5);
  std::size_t given = 0, offered = 0;
  // The other side talks until everything on the way is full; the deaf one listens only afterwards.
  REQUIRE(fwd.run_until([&] {
    offered += other.send(Bytes(unheard).substr(offered));
    return fwd.most_queued() > 256 * 1024;
  }));
  REQUIRE(fwd.run_until([&] {
    given += deaf.send(Bytes(spoken).substr(given));
    other.pump();
    return other.received.size() == spoken.size();
  }));
  CHECK(offered < unheard.size());
  CHECK(deaf.received.empty());
  REQUIRE(fwd.run_until([&] {
    offered += other.send(Bytes(unheard).substr(offered));
    deaf.pump();
    return deaf.received.size() == unheard.size();
  }));
  CHECK((deaf.received == unheard));
  CHECK((other.received == spoken));
}

TEST_CASE("small marks, large pieces: the queue at its mark is no slow reader") {
  Server server;
  const std::string marks = GENERATE("write_high = \"1KiB\"\nwrite_low = \"0B\"",
                                     "write_high = \"64KiB\"\nwrite_low = \"64KiB\"");
  Forwarding fwd(Forwarding::one("upstream = \"" + server.text() + "\"\n" + marks));
  Client near = fwd.connect();
  Client far = fwd.accept(server);
  Talker client(near, pattern(12'000'000, 6));
  REQUIRE(fwd.run_until([&] {
    client.send_some();
    far.pump();
    return far.ended;
  }));
  CHECK((far.received == client.out));
}

TEST_CASE("nobody behind it: the client is reset, and the reason stands in the status") {
  Server server;
  Forwarding fwd(Forwarding::to(server));
  server.close();
  Client client = fwd.connect();
  REQUIRE(fwd.ends(client));
  CHECK(client.was_reset);
  REQUIRE(fwd.all_closed());
  CHECK(fwd.closings.clients == std::vector{CloseReason::kUpstreamFailed});
  const std::string refused = server.text() + ": Connection refused";
  CHECK(fwd.closings.failed == std::vector{refused});
  const ServiceStatus status = fwd.status();
  CHECK(status.state == ServiceState::kLive);
  CHECK(status.reason == "no upstream answers: " + refused);
  CHECK(status.upstreams[0].state == UpstreamStatus::State::kFailed);
  CHECK(status.upstreams[0].error == refused);
  CHECK(status.upstreams[0].failed == UpstreamStatus::Counts{{"refused", 1}});
  std::string page;
  fwd.host.write_metrics(page);
  CHECK(page.find("polyport_upstream_failed_total{service=\"fwd\",reason=\"refused\"} 1\n") !=
        std::string::npos);
  CHECK(page.find("polyport_connections_closed_total{service=\"fwd\",reason=\"upstream_failed\"} "
                  "1\n") != std::string::npos);
  // When it is back, nobody waits for fail_timeout: there is no other to ask.
  const Address at = server.address;
  BindRequest again;
  again.target.address = at;
  const auto fd = open_bound_socket(again);
  REQUIRE(fd);
  Client second = fwd.connect();
  REQUIRE(fwd.run_until([&] { return fwd.status().upstreams[0].opened == 1; }));
  CHECK(fwd.status().reason.empty());
  CHECK(fwd.status().upstreams[0].error.empty());
  second.close();
  sock::close(*fd);
}

TEST_CASE("clients go round, and past the one that is dead") {
  Server a, b, dead;
  Forwarding fwd(Forwarding::one("upstream = [\"" + a.text() + "\", \"" + dead.text() + "\", \"" +
                                 b.text() + "\"]\nfail_timeout = \"1h\""));
  dead.close();
  std::vector<Client> clients;
  const auto connect = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      clients.push_back(fwd.connect());
    REQUIRE(fwd.run_until([&] { return fwd.host.open_connections() == 2 * clients.size(); }));
  };
  const auto opened = [&](std::size_t index) { return fwd.status().upstreams.at(index).opened; };
  connect(3);  // one of them finds out
  CHECK(fwd.closings.failed.size() == 1);
  CHECK(opened(0) + opened(2) == 3);
  const std::uint64_t before = opened(0);
  connect(12);
  CHECK(opened(0) == before + 6);
  CHECK(opened(1) == 0);
  CHECK(fwd.closings.failed.size() == 1);  // and nobody else did
  CHECK(fwd.status().upstreams[1].state == UpstreamStatus::State::kFailed);
  CHECK(fwd.status().reason.empty());
}

TEST_CASE("with every upstream dead the client hears so only when each was asked") {
  Server a, b;
  Forwarding fwd(Forwarding::one("upstream = [\"" + a.text() + "\", \"" + b.text() + "\"]"));
  a.close();
  b.close();
  for (int round = 0; round < 2; ++round) {
    Client client = fwd.connect();
    REQUIRE(fwd.ends(client));
    CHECK(client.was_reset);
    CHECK(fwd.closings.failed.size() == 2u * (static_cast<std::size_t>(round) + 1));
  }
  const std::string reason = fwd.status().reason;
  CHECK(reason == "no upstream answers: " + a.text() + ": Connection refused; " + b.text() +
                      ": Connection refused");
}

TEST_CASE("a unix socket behind a TCP port") {
  const std::string path = "@polyport-forward-test";
  Server server(path.c_str());
  Forwarding fwd(Forwarding::one("upstream = \"unix:" + path + "\""));
  Client client = fwd.connect();
  client.send("over to unix");
  Client behind = fwd.accept(server);
  REQUIRE(fwd.hears(behind, "over to unix"));
  behind.send("and back");
  behind.close();
  REQUIRE(fwd.ends(client));
  CHECK(client.received == "and back");
}

TEST_CASE("a client that goes while its upstream is dialled takes the dial along") {
  Server full;
  {
    // Nobody accepts, and the queue has no room: connecting takes for ever.
    BindRequest request;
    request.target.address = full.address;
    full.close();
    request.backlog = 0;
    const auto fd = open_bound_socket(request);
    REQUIRE(fd);
    std::vector<Client> before;
    for (int i = 0; i < 3; ++i) {
      before.emplace_back(sock::open_stream(Family::kIPv4));
      sock::connect(before.back().fd(), full.address);
    }
    Forwarding fwd(Forwarding::one("upstream = \"" + full.text() + "\"\nconnect_timeout = \"1h\""));
    Client client = fwd.connect();
    REQUIRE(fwd.run_until([&] { return fwd.host.open_connections() == 1; }));
    fwd.run_for(50ms);
    client.reset();
    REQUIRE(fwd.all_closed());
    CHECK(fwd.closings.failed.empty());
    sock::close(*fd);
  }
}

TEST_CASE("forwarding to itself is refused at the start") {
  // By its own words the port is free to choose; what it turns out to be is known at the start.
  Forwarding first(Forwarding::one("upstream = \"127.0.0.1:1\""));
  REQUIRE(first.errors.empty());
  const std::string port = std::to_string(first.status().listeners[0].address.port);
  first.host.stop();
  Forwarding fwd("[services.fwd]\ntype = \"forward\"\nlisten = \"127.0.0.1:" + port +
                 "\"\nupstream = \"localhost:" + port + "\"\n");
  REQUIRE(fwd.errors.size() == 1);
  CHECK(fwd.errors[0].what.find("is a listener of this service") != std::string::npos);
  CHECK(fwd.errors[0].where == "test.toml:4:12");
}

TEST_CASE("two services that forward to each other end after a few hops") {
  // Free numbers: bound once, given back, and taken by the services at once.
  std::string a, b;
  {
    Server one, two;
    a = one.text();
    b = two.text();
  }
  Forwarding fwd("[services.a]\ntype = \"forward\"\nlisten = \"" + a + "\"\nupstream = \"" + b +
                 "\"\n[services.b]\ntype = \"forward\"\nlisten = \"" + b + "\"\nupstream = \"" + a +
                 "\"\n");
  REQUIRE(fwd.errors.empty());
  const std::size_t before = descriptors();
  Client client = fwd.connect("a");
  REQUIRE(fwd.ends(client));
  CHECK(client.was_reset);
  REQUIRE(fwd.all_closed());
  const ServiceStatus to_b = fwd.status("a"), to_a = fwd.status("b");
  CHECK(to_b.upstreams[0].opened + to_a.upstreams[0].opened == HopTable::kMost);
  client.close();
  CHECK(fwd.run_until([&] { return descriptors() == before; }));
}

TEST_CASE("a service may forward to another one that forwards on") {
  Server server;
  std::string b;
  {
    Server free_number;
    b = free_number.text();
  }
  Forwarding fwd("[services.a]\ntype = \"forward\"\nlisten = \"127.0.0.1:0\"\nupstream = \"" + b +
                 "\"\n[services.b]\ntype = \"forward\"\nlisten = \"" + b + "\"\nupstream = \"" +
                 server.text() + "\"\n");
  REQUIRE(fwd.errors.empty());
  for (int i = 0; i < 3; ++i) {
    Client client = fwd.connect("a");
    client.send("two hops");
    Client behind = fwd.accept(server);
    REQUIRE(fwd.hears(behind, "two hops"));
    behind.close();
    REQUIRE(fwd.ends(client));
  }
}

TEST_CASE("a drain lets what is queued go out, and ends what is idle") {
  Server server;
  Forwarding fwd(Forwarding::to(server), {.shutdown_grace = 20s});
  Client idle = fwd.connect();
  Client idle_behind = fwd.accept(server);
  Client busy = fwd.connect();
  Client behind = fwd.accept(server);
  const std::string download = pattern(16'000'000, 7);
  std::size_t down = 0;
  REQUIRE(fwd.run_until([&] {
    down += behind.send(Bytes(download).substr(down));
    return fwd.most_queued() > 0;
  }));
  bool done = false;
  fwd.host.drain([&] { done = true; });
  REQUIRE(fwd.ends(idle));
  REQUIRE(fwd.ends(idle_behind));
  CHECK_FALSE(done);
  REQUIRE(fwd.run_until([&] {
    down += behind.send(Bytes(download).substr(down));
    if (down == download.size()) behind.shut_down();
    busy.pump();
    return busy.ended;
  }));
  CHECK((busy.received == download));
  busy.close();
  REQUIRE(fwd.run_until([&] { return done; }));
}

TEST_CASE("five thousand clients, each with its upstream, leave nothing") {
  Server server;
  Forwarding fwd(Forwarding::to(server));
  const std::size_t before = descriptors();
  constexpr int kAll = 5'000;
  constexpr std::size_t kAtOnce = 50;
  std::vector<std::pair<Client, int>> open;
  std::vector<Client> behind;
  int begun = 0, over = 0;
  REQUIRE(fwd.run_until(
      [&] {
        while (begun < kAll && open.size() < kAtOnce) {
          open.emplace_back(fwd.connect(), begun++);
          open.back().first.send("x");
        }
        while (auto next = server.accept())
          behind.push_back(std::move(*next));
        std::erase_if(behind, [](Client& each) {
          each.pump();
          if (!each.received.empty()) each.send(std::exchange(each.received, {}));
          return each.ended;
        });
        std::erase_if(open, [&](auto& each) {
          each.first.pump();
          if (each.first.received.empty()) return false;
          if (each.second % 3 == 0) each.first.reset();
          ++over;
          return true;  // closed: a FIN, or the RST
        });
        return over == kAll && behind.empty() && fwd.host.open_connections() == 0;
      },
      100s));
  CHECK(fwd.status().upstreams[0].opened == kAll);
  CHECK(fwd.run_until([&] { return descriptors() == before; }));
}
