// The host: everything opens or nothing does, status tells the truth, a drain ends.
#include "core/host/host.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "core/host/binder.h"
#include "core/ports/explanation.h"
#include "core/settings/settings.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::Client;
using namespace std::chrono_literals;

namespace {

struct Probe {  // what a service of the test did
  int started = 0, stopped = 0;
  bool refuse_to_start = false;
};
Probe g_probe;

struct Echo final : Service {
  Result<void> start(ServiceContext&) override {
    ++g_probe.started;
    if (g_probe.refuse_to_start) return failure(ErrorCode::kBadValue, "not today");
    return {};
  }
  void stop() override { ++g_probe.stopped; }
  void on_data(Connection& connection, Bytes bytes) override { connection.send(bytes); }
  void on_datagram(Datagram& datagram) override { datagram.reply(datagram.bytes()); }
};

const ServiceType kEcho = {.name = "echo", .doors = kEveryTransport, .create = make_service<Echo>};

Schema schema() {
  Schema schema;
  TypeSchema echo;
  echo.name = "echo";
  echo.default_port = 1;
  echo.options = {common_options()};
  echo.doors = {{.option = "listen", .transports = kEveryTransport[0].transports}};
  schema.health = schema.admin = echo;
  schema.health.name = "health";
  schema.admin.name = "admin";
  schema.types = {echo};
  return schema;
}

std::vector<ServicePlan> plans(std::string_view toml) {
  const LoadResult loaded = load_settings(toml, "test.toml", schema());
  for (const Error& error : loaded.errors)
    UNSCOPED_INFO(error.text());
  REQUIRE(loaded.ok());
  std::vector<ServicePlan> plans;
  for (const ServiceSettings& service : loaded.settings.services) {
    plans.push_back({service.name, &kEcho, service.values, service.where});
  }
  return plans;
}

std::size_t descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  std::size_t count = 0;
  while (::readdir(directory) != nullptr)
    ++count;
  ::closedir(directory);
  return count;
}

// A port that nobody has at the moment.
std::string free_port() {
  const auto group = open_group({{{.address = Address::loopback(Family::kIPv4)}}}, {});
  REQUIRE(group);
  return std::to_string(group->front().target.address.port);
}

struct HostFixture {
  explicit HostFixture(HostOptions options = {})
      : log(Log::silent()), host(loop, *log, events, std::move(options)) {
    g_probe = {};
  }
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit = 5s) {
    const auto give_up = std::chrono::steady_clock::now() + limit;
    Timer tick(loop, [] {});
    tick.start_every(5ms);
    while (!done()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      loop.run_once();
    }
    return true;
  }
  Client connect(const ListenerStatus& listener) {
    const int fd = sock::open_stream(listener.address.family);
    const int result = sock::connect(fd, listener.address);
    REQUIRE((result == 0 || result == -EINPROGRESS));
    return Client(fd);
  }
  Loop loop;
  Events events;
  std::unique_ptr<Log> log;
  Host host;
};

// Makes `holder` listen on `count` ports in a row, the first of which is `first`.
bool hold_row(HostFixture& holder, int count, std::uint16_t& first) {
  for (int attempt = 0; attempt < 50; ++attempt) {
    first = static_cast<std::uint16_t>(std::stoi(free_port()));
    if (first > 65'000) continue;
    const std::string range = std::to_string(first) + "-" + std::to_string(first + count - 1);
    if (holder.host.start(plans("[services.echo]\nlisten = \"127.0.0.1:" + range + "\"\n"))
            .empty()) {
      return true;
    }
  }
  return false;
}

}  // namespace

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
  CHECK(fixture.host.open_connections() == 0);
  CHECK(fixture.host.services()[0].listeners[0].accepted == 0);
  int done = 0;
  fixture.host.drain([&] { ++done; });
  REQUIRE(fixture.run_until([&] { return done == 1; }));
  REQUIRE(fixture.run_until([&] { return !clients[0].pump(); }));
  CHECK(clients[0].was_reset);
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
