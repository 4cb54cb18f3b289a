// Ports that a host cannot have: what is told, and what on_conflict does instead. The doors for a
// lesson, and sockets that are passed to us.
#include <unistd.h>

#include <cerrno>

#include "core/ports/explanation.h"
#include "tests/support/host_fixture.h"

using namespace polyport;
using namespace polyport::test;

TEST_CASE("one port that cannot be had: nothing is left open, every failure is told") {
  HostFixture holder;
  REQUIRE(holder.host.start(plans("[services.echo]\nlisten = \"127.0.0.1:0\"\n")).empty());
  const std::string taken = holder.host.services()[0].listeners[0].bound;
  const std::size_t before = descriptors();
  {
    HostFixture fixture;
    const std::size_t with_loop = descriptors();
    const StartFailure failure =
        fixture.host.start(plans("[services.free]\ntype = \"echo\"\nlisten = \"127.0.0.1:0\"\n"
                                 "[services.one]\ntype = \"echo\"\nlisten = \"" +
                                 taken + "\"\n[services.two]\ntype = \"echo\"\nlisten = [\"" +
                                 taken + "\", \"192.0.2.1:1\"]\n"));
    CHECK(failure.errors.empty());
    REQUIRE(failure.explanations.size() == 3);
    const Explanation& one = failure.explanations[0];
    CHECK(one.attempt.service == "one");
    CHECK(one.attempt.where == "test.toml:6:10");
    CHECK(one.attempt.target.text() == taken);
    CHECK(one.verdict == Verdict::kTaken);
    REQUIRE(one.holders.size() == 1);
    REQUIRE(one.holders[0].process);
    CHECK(one.holders[0].process->pid == ::getpid());
    CHECK(failure.explanations[1].attempt.service == "two");
    CHECK(failure.explanations[2].attempt.error == EADDRNOTAVAIL);
    CHECK(failure.failed_ports == 2);
    CHECK(failure.wanted_ports == 3);
    CHECK(descriptors() == with_loop);
    CHECK(g_probe.started == 0);
    CHECK(fixture.host.services().empty());
  }
  CHECK(descriptors() == before);
}

TEST_CASE("two services of one configuration that want the same port name each other") {
  const std::string port = free_port();
  HostFixture fixture;
  const StartFailure failure = fixture.host.start(
      plans("[services.one]\ntype = \"echo\"\nlisten = \"127.0.0.1:" + port +
            "\"\n[services.two]\ntype = \"echo\"\nlisten = \"127.0.0.1:" + port + "\"\n"));
  REQUIRE(failure.explanations.size() == 1);
  const Explanation& two = failure.explanations[0];
  CHECK(two.attempt.service == "two");
  REQUIRE(two.holders.size() == 1);
  CHECK(two.holders[0].ours);
  CHECK(two.holders[0].service == "one");
  CHECK(two.holders[0].where == "test.toml:3:10");
  CHECK(two.text.find("\"one\"") != std::string::npos);
}

TEST_CASE("on_conflict = skip leaves out that service and says why; its other ports are free") {
  HostFixture holder, fixture;
  REQUIRE(holder.host.start(plans("[services.echo]\nlisten = \"127.0.0.1:0\"\n")).empty());
  const std::string taken = holder.host.services()[0].listeners[0].bound;
  const std::string port = free_port();
  REQUIRE(fixture.host
              .start(plans("[services.echo]\nlisten = [\"127.0.0.1:" + port + "\", \"" + taken +
                           "\"]\non_conflict = \"skip\"\n"
                           "[services.other]\ntype = \"echo\"\nlisten = \"127.0.0.1:" +
                           port + "\"\n"))
              .empty());
  const auto services = fixture.host.services();
  CHECK(services[0].state == ServiceState::kSkipped);
  CHECK(services[0].reason.find(taken + " is taken") == 0);
  REQUIRE(services[0].listeners.size() == 2);
  CHECK(services[0].listeners[0].state == ListenerState::kSkipped);
  CHECK_FALSE(services[0].listeners[0].explanation);
  REQUIRE(services[0].listeners[1].explanation);
  CHECK(services[0].listeners[1].explanation->attempt.target.text() == taken);
  CHECK(services[1].state == ServiceState::kLive);
  CHECK(services[1].listeners[0].bound == "127.0.0.1:" + port);
}

TEST_CASE("on_conflict = next moves the whole group, past what the others want") {
  // Three ports in a row, and after them one that is free.
  HostFixture holder, fixture;
  std::uint16_t first = 0;
  REQUIRE(hold_row(holder, 2, first));
  const auto port = [&](int more) { return std::to_string(first + more); };
  REQUIRE(fixture.host
              .start(plans("[services.moved]\ntype = \"echo\"\non_conflict = \"next\"\n"
                           "listen = \"127.0.0.1:" +
                           port(0) + "\"\n[services.other]\ntype = \"echo\"\nlisten = \"0.0.0.0:" +
                           port(2) + "\"\non_conflict = \"skip\"\n"))
              .empty());
  const auto services = fixture.host.services();
  const ListenerStatus& moved = services[0].listeners[0];
  CHECK(moved.address.port > first + 2);
  CHECK(moved.origin == ListenerOrigin::kMoved);
  CHECK(moved.state == ListenerState::kListening);
  CHECK(moved.configured == "tcp://127.0.0.1:" + port(0));
  REQUIRE(moved.explanation);
  CHECK(moved.explanation->attempt.target.address.port == first);
  REQUIRE(fixture.host.notes().size() == 1);
  CHECK(fixture.host.notes()[0].find("moved moved from " + port(0) + " to " +
                                     std::to_string(moved.address.port) + ": held by ") == 0);
  Client client = fixture.connect(moved);
  client.send("here");
  CHECK(fixture.run_until([&] {
    client.pump();
    return client.received == "here";
  }));
}

TEST_CASE("on_conflict = next gives up after next_attempts") {
  HostFixture holder, fixture;
  std::uint16_t first = 0;
  REQUIRE(hold_row(holder, 3, first));
  const StartFailure failure = fixture.host.start(
      plans("[services.echo]\non_conflict = \"next\"\nnext_attempts = 2\nlisten = \"127.0.0.1:" +
            std::to_string(first) + "\"\n"));
  REQUIRE(failure.explanations.size() == 1);
  CHECK(failure.explanations[0].attempt.target.address.port == first);
  REQUIRE(failure.errors.size() == 1);
  CHECK(failure.errors[0].what.find("none of the 2 ports") != std::string::npos);
}

TEST_CASE("on_conflict = retry: the others serve meanwhile, and it goes live by itself") {
  struct Watcher : EventSink {
    void on_listening(const Listening& event) override {
      heard.push_back(std::string(event.listener) + " " + event.bound);
    }
    std::vector<std::string> heard;
  } watcher;
  auto holder = std::make_unique<HostFixture>();
  HostFixture fixture;
  REQUIRE(holder->host.start(plans("[services.echo]\nlisten = \"127.0.0.1:0\"\n")).empty());
  const std::string taken = holder->host.services()[0].listeners[0].bound;
  fixture.events.add(watcher);
  REQUIRE(
      fixture.host
          .start(plans("[services.echo]\non_conflict = \"retry\"\nlisten = [\"127.0.0.1:0\", \"" +
                       taken +
                       "\", \"udp://127.0.0.1:0\"]\n"
                       "[services.late]\ntype = \"echo\"\non_conflict = \"retry\"\nlisten = \"" +
                       taken + "\"\n"))
          .empty());
  auto services = fixture.host.services();
  CHECK(services[0].state == ServiceState::kLive);
  CHECK(services[0].listeners[1].state == ListenerState::kRetrying);
  CHECK(services[0].listeners[1].explanation);
  CHECK(services[0].listeners[2].id == "echo.main.2");
  CHECK(services[1].state == ServiceState::kRetrying);
  std::string page;
  fixture.host.write_metrics(page);
  CHECK(page.find("polyport_listener_retrying{service=\"late\",listener=\"late.main.0\"} 1\n") !=
        std::string::npos);
  Client client = fixture.connect(services[0].listeners[0]);
  client.send("meanwhile");
  REQUIRE(fixture.run_until([&] {
    client.pump();
    return client.received == "meanwhile" && fixture.host.services()[0].listeners[1].retries > 0;
  }));
  holder.reset();
  // Whoever comes first has it; the other goes on waiting.
  REQUIRE(fixture.run_until([&] { return !watcher.heard.empty(); }, 60s));
  services = fixture.host.services();
  const bool echo_has_it = services[0].listeners[1].is_open();
  const ListenerStatus& opened = echo_has_it ? services[0].listeners[1] : services[1].listeners[0];
  CHECK(watcher.heard == std::vector<std::string>{opened.id + " " + taken});
  CHECK_FALSE(opened.explanation);
  Client late = fixture.connect(opened);
  late.send("at last");
  REQUIRE(fixture.run_until([&] {
    late.pump();
    return late.received == "at last";
  }));
  fixture.events.remove(watcher);
  int done = 0;
  fixture.host.drain([&] { ++done; });
  client.close();
  late.close();
  REQUIRE(fixture.run_until([&] { return done == 1; }));
  CHECK(fixture.host.services()[1].listeners[0].state == ListenerState::kStopped);
}

TEST_CASE(
    "on_conflict = share never joins a service of the same process, nor who does not allow it") {
  HostFixture holder, fixture;
  REQUIRE(holder.host
              .start(plans("[services.echo]\nlisten = \"127.0.0.1:0\"\non_conflict = \"share\"\n"))
              .empty());
  const std::string taken = holder.host.services()[0].listeners[0].bound;
  const StartFailure failure = fixture.host.start(
      plans("[services.echo]\nlisten = \"" + taken + "\"\non_conflict = \"share\"\n"));
  REQUIRE(failure.explanations.size() == 1);
  CHECK(failure.explanations[0].text.find("of one configuration do not share") !=
        std::string::npos);
}

TEST_CASE("state = closed: shown, not opened, and its number is not given to another") {
  HostFixture fixture;
  const std::string port = free_port();
  REQUIRE(fixture.host
              .start(plans("[services.shut]\ntype = \"echo\"\nstate = \"closed\"\nlisten = "
                           "[\"127.0.0.1:" +
                           port + "\", \"udp://127.0.0.1:" + port + "\"]\n"))
              .empty());
  const auto services = fixture.host.services();
  CHECK(g_probe.started == 0);
  CHECK(services[0].state == ServiceState::kPaused);
  CHECK(services[0].reason.find("state = \"closed\"") == 0);
  REQUIRE(services[0].listeners.size() == 2);
  CHECK(services[0].listeners[0].state == ListenerState::kClosed);
  CHECK(services[0].listeners[0].bound == "127.0.0.1:" + port);
  CHECK(services[0].listeners[1].state == ListenerState::kClosed);
  CHECK(fixture.host.notes().empty());
  Client client = fixture.connect(services[0].listeners[0]);
  REQUIRE(fixture.run_until([&] { return !client.pump(); }));
  CHECK(client.was_reset);  // ECONNREFUSED
}

TEST_CASE("a closed port that somebody else serves is told; one without a number is an error") {
  HostFixture holder, fixture, wrong;
  const std::string free = free_port();
  REQUIRE(holder.host.start(plans("[services.echo]\nlisten = \"127.0.0.1:0\"\n")).empty());
  const std::string taken = holder.host.services()[0].listeners[0].bound;
  REQUIRE(
      fixture.host.start(plans("[services.echo]\nstate = \"closed\"\nlisten = \"" + taken + "\"\n"))
          .empty());
  REQUIRE(fixture.host.notes().size() == 1);
  CHECK(fixture.host.notes()[0].find("echo is closed on purpose, but " + taken + " is taken") == 0);
  CHECK(fixture.host.services()[0].listeners[0].explanation);
  const StartFailure failure =
      wrong.host.start(plans("[services.echo]\nstate = \"closed\"\nlisten = \"127.0.0.1:0\"\n"));
  REQUIRE(failure.errors.size() == 1);
  CHECK(failure.errors[0].what.find("needs the number of a port") != std::string::npos);
}

TEST_CASE("accept = never: clients wait in the backlog, and a drain does not wait for them") {
  HostFixture fixture({.shutdown_grace = 60s});
  REQUIRE(fixture.host
              .start(plans("[services.echo]\naccept = \"never\"\nlisten = [\"127.0.0.1:0\", "
                           "\"udp://127.0.0.1:0\"]\n"))
              .empty());
  const auto before = fixture.host.services()[0].listeners;
  CHECK(before[0].state == ListenerState::kListening);
  CHECK_FALSE(before[0].accepts);
  CHECK(before[1].accepts);  // a datagram socket has nothing to accept
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(fixture.connect(before[0]));
    clients.back().send("anybody there?");
  }
  REQUIRE(
      fixture.run_until([&] { return fixture.host.services()[0].listeners[0].accept_queue == 3; }));
  // The kernel is asked by who answers, not for every report of a worker.
  const HostReport report = fixture.host.report();
  CHECK(report.services[0].listeners[0].accept_queue == 0);
  CHECK(report.load.most_backlog == 0);
  CHECK(report.load.now_ns > 0);
  CHECK(fixture.host.load().most_backlog > 0);
  CHECK(fixture.host.open_connections() == 0);
  CHECK(fixture.host.services()[0].listeners[0].accepted == 0);
  int done = 0;
  fixture.host.drain([&] { ++done; });
  REQUIRE(fixture.run_until([&] { return done == 1; }));
  REQUIRE(fixture.run_until([&] { return !clients[0].pump(); }));
  CHECK(clients[0].was_reset);
}

TEST_CASE("sockets that were passed to us are used in place of binding") {
  auto given = open_group({{{.address = Address::loopback(Family::kIPv4)}}}, {});
  auto datagrams = open_group(
      {{{.transport = Transport::kUdp, .address = Address::loopback(Family::kIPv4)}}}, {});
  auto stranger = open_group({{{.address = Address::loopback(Family::kIPv4)}}}, {});
  REQUIRE((given && datagrams && stranger));
  const std::string bound = given->front().target.text();
  const std::string udp = datagrams->front().target.text();
  HostFixture fixture;
  REQUIRE(fixture.host
              .start(plans("[services.a]\ntype = \"echo\"\nlisten = \"127.0.0.1:0\"\n"
                           "[services.b]\ntype = \"echo\"\nlisten = [\"127.0.0.1:0\", \"udp://" +
                           udp + "\"]\n"),
                     {{.fd = given->front().take_descriptor(), .name = "b.main"},
                      {.fd = datagrams->front().take_descriptor(), .name = "unknown"},
                      {.fd = stranger->front().take_descriptor(), .name = "a"}})
              .empty());
  const auto services = fixture.host.services();
  CHECK(services[1].listeners[0].bound == bound);
  CHECK(services[1].listeners[0].origin == ListenerOrigin::kInherited);
  CHECK(services[1].listeners[1].bound == udp);
  CHECK(services[1].listeners[1].origin == ListenerOrigin::kInherited);
  CHECK(services[0].listeners[0].origin == ListenerOrigin::kInherited);
  Client client = fixture.connect(services[1].listeners[0]);
  client.send("through");
  CHECK(fixture.run_until([&] {
    client.pump();
    return client.received == "through";
  }));
}
