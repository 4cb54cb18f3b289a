// The host: everything opens or nothing does, status tells the truth, a drain ends.
#include "core/host/host.h"

#include <sys/resource.h>

#include "tests/support/host_fixture.h"

using namespace polyport;
using namespace polyport::test;

TEST_CASE("every listener of every service is open, named, and says what it did") {
  HostFixture fixture;
  REQUIRE(fixture.host
              .start(plans("[services.a]\ntype = \"echo\"\n"
                           "listen = [\"127.0.0.1:0\", \"udp://127.0.0.1:0\"]\n"
                           "[services.b]\ntype = \"echo\"\nlisten = \"localhost:0\"\n"
                           "[services.c]\ntype = \"echo\"\nenabled = false\n"))
              .empty());
  auto services = fixture.host.services();
  REQUIRE(services.size() == 3);
  CHECK(services[0].listeners[0].id == "a.main.0");
  CHECK(services[0].listeners[1].id == "a.main.1");
  CHECK(services[0].listeners[1].transport == Transport::kUdp);
  CHECK(services[0].state == ServiceState::kLive);
  CHECK(services[2].state == ServiceState::kDisabled);
  CHECK(services[2].listeners.empty());
  CHECK(g_probe.started == 2);
  // localhost is one group with one number.
  for (const ListenerStatus& listener : services[1].listeners) {
    CHECK(listener.address.port == services[1].listeners[0].address.port);
    CHECK(listener.group == 0);
  }
  Client client = fixture.connect(services[0].listeners[0]);
  client.send("12345");
  REQUIRE(fixture.run_until([&] {
    client.pump();
    return client.received == "12345";
  }));
  const ListenerStatus now = fixture.host.services()[0].listeners[0];
  CHECK(now.accepted == 1);
  CHECK(now.active == 1);
  CHECK(now.bytes_in == 5);  // of an open connection too
  CHECK(now.bytes_out == 5);
  client.close();
  REQUIRE(fixture.run_until([&] { return fixture.host.open_connections() == 0; }));
  const ListenerStatus after = fixture.host.services()[0].listeners[0];
  CHECK(after.active == 0);
  CHECK(after.bytes_in == 5);
}

TEST_CASE("a service that does not start takes everything with it") {
  HostFixture fixture;
  g_probe.refuse_to_start = true;
  const std::size_t before = descriptors();
  const Errors errors =
      fixture.host.start(plans("[services.echo]\nlisten = \"127.0.0.1:0\"\n")).errors;
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].what == "not today");
  fixture.loop.run_ready();
  CHECK(descriptors() == before);
}

TEST_CASE("a drain: new clients are refused, the idle go, `done` comes once") {
  HostFixture fixture({.shutdown_grace = 1s});
  REQUIRE(fixture.host.start(plans("[services.echo]\nlisten = \"127.0.0.1:0\"\n")).empty());
  const ListenerStatus listener = fixture.host.services()[0].listeners[0];
  Client client = fixture.connect(listener);
  // In the backlog at most: the drain takes it before it closes the listener, and answers it.
  client.send("taken");
  int done = 0;
  fixture.host.drain([&] { ++done; });
  CHECK(fixture.host.draining());
  CHECK(g_probe.stopped == 1);
  CHECK(done == 0);
  REQUIRE(fixture.run_until([&] {
    client.pump();
    return client.received == "taken";
  }));
  Client late = fixture.connect(listener);
  REQUIRE(fixture.run_until([&] { return !late.pump(); }));
  CHECK(late.was_reset);  // ECONNREFUSED
  REQUIRE(fixture.run_until([&] { return done > 0; }, 4s));
  fixture.run_until([] { return false; }, 100ms);
  CHECK(done == 1);
  CHECK(fixture.host.services()[0].state == ServiceState::kStopped);
  CHECK(fixture.host.open_connections() == 0);
}

TEST_CASE("the process's limit holds for all services together") {
  HostFixture fixture({.max_connections = 2});
  REQUIRE(fixture.host
              .start(plans("[services.a]\ntype = \"echo\"\nlisten = \"127.0.0.1:0\"\n"
                           "[services.b]\ntype = \"echo\"\nlisten = \"127.0.0.1:0\"\n"))
              .empty());
  const auto services = fixture.host.services();
  Client one = fixture.connect(services[0].listeners[0]);
  Client two = fixture.connect(services[1].listeners[0]);
  REQUIRE(fixture.run_until([&] { return fixture.host.open_connections() == 2; }));
  Client three = fixture.connect(services[0].listeners[0]);
  Client four = fixture.connect(services[1].listeners[0]);
  three.send("3");
  four.send("4");
  fixture.run_until([] { return false; }, 100ms);
  CHECK(fixture.host.open_connections() == 2);
  one.close();
  two.close();
  REQUIRE(fixture.run_until([&] {
    three.pump();
    four.pump();
    return three.received == "3" && four.received == "4";
  }));
}

TEST_CASE("when the descriptors are gone a line says so, and health still answers") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit small = before;
  small.rlim_cur = descriptors() + 40;
  ::setrlimit(RLIMIT_NOFILE, &small);
  HostFixture fixture({.reserve_descriptors = 20});
  auto wanted = plans(
      "[services.a]\ntype = \"echo\"\nlisten = \"127.0.0.1:0\"\n"
      "[services.b]\ntype = \"echo\"\nlisten = \"127.0.0.1:0\"\n");
  ServiceType internal = kEcho;
  internal.internal = true;
  wanted[1].type = &internal;
  const StartFailure failure = fixture.host.start(std::move(wanted));
  ::setrlimit(RLIMIT_NOFILE, &before);  // the clients of this test need descriptors too
  REQUIRE(failure.empty());
  const auto services = fixture.host.services();
  std::vector<Client> clients;
  for (int i = 0; i < 40; ++i)
    clients.push_back(fixture.connect(services[0].listeners[0]));
  std::string page;
  REQUIRE(fixture.run_until([&] {
    page.clear();
    fixture.host.write_metrics(page);
    return page.find("polyport_descriptor_bursts_total 1\n") != std::string::npos;
  }));
  CHECK(fixture.host.open_connections() < 40);
  Client probe = fixture.connect(services[1].listeners[0]);
  probe.send("well?");
  CHECK(fixture.run_until([&] {
    probe.pump();
    return probe.received == "well?";
  }));
  for (int i = 0; i < 38; ++i)
    clients[static_cast<std::size_t>(i)].close();
  clients.back().send("at last");
  CHECK(fixture.run_until([&] {
    clients.back().pump();
    return clients.back().received == "at last";
  }));
}

TEST_CASE("a unix_mode that is no mode is an error at its place") {
  HostFixture fixture;
  const Errors errors =
      fixture.host.start(plans("[services.echo]\nlisten = \"127.0.0.1:0\"\nunix_mode = \"rw\"\n"))
          .errors;
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].where == "test.toml:3:13");
}

TEST_CASE("a host that is stopped during a drain calls `done` and leaves nothing") {
  HostFixture fixture({.shutdown_grace = 60s});
  REQUIRE(fixture.host.start(plans("[services.echo]\nlisten = \"127.0.0.1:0\"\n")).empty());
  Client client = fixture.connect(fixture.host.services()[0].listeners[0]);
  client.send("x");
  REQUIRE(fixture.run_until([&] { return fixture.host.open_connections() == 1; }));
  int done = 0;
  fixture.host.drain([&] { ++done; });
  fixture.host.stop();
  CHECK(done == 1);
  CHECK(fixture.host.open_connections() == 0);
}
