// The supervisor's side of a worker that does not speak, and what one worker does for another.
#include "core/host/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "tests/support/host_fixture.h"

using namespace polyport;
using namespace polyport::test;

namespace {

constexpr std::string_view kService = "[services.echo]\nlisten = \"127.0.0.1:0\"\n";

// What a worker gets: descriptors of its own.
std::vector<HandedService> passed_on(std::vector<HandedService> handed) {
  for (HandedService& service : handed) {
    for (HandedGroup& group : service.groups) {
      for (HandedPort& port : group.ports) {
        if (port.fd >= 0) port.fd = ::fcntl(port.fd, F_DUPFD_CLOEXEC, 0);
      }
    }
  }
  return handed;
}

// A host that has the sockets of two workers, and one of them.
struct Workers {
  Workers() {
    REQUIRE(supervisor.host.start(plans(kService)).empty());
    const auto handed = passed_on(supervisor.host.hand_over(0));
    REQUIRE(first.host.start_worker(plans(kService), handed).empty());
  }
  void foster() { first.host.foster(passed_on(supervisor.host.hand_over_to_foster(1)), 1); }

  // How many of so many clients the first worker has met.
  std::uint64_t served(int clients) {
    const std::uint64_t before = first.host.report().accepted;
    const ListenerStatus listener = supervisor.host.services()[0].listeners[0];
    std::vector<Client> all;
    for (int i = 0; i < clients; ++i)
      all.push_back(first.connect(listener));
    for (Client& client : all)
      client.send("hello");
    first.run_until(
        [&] {
          return first.host.report().accepted == before + static_cast<std::uint64_t>(clients);
        },
        500ms);
    return first.host.report().accepted - before;
  }

  HostFixture supervisor{{.workers = 2}};
  HostFixture first{{.workers = 2}};
};

}  // namespace

TEST_CASE("a worker serves for another one, gives it back, and again") {
  Workers workers;
  CHECK(workers.served(60) < 60);
  for (int round = 0; round < 3; ++round) {
    workers.foster();
    workers.foster();  // told twice, it has them once
    workers.first.run_until([] { return false; }, 20ms);
    CHECK(workers.served(60) >= 60);
    workers.first.host.give_back(1);
    workers.first.run_until([] { return false; }, 20ms);  // the loop lets go of it
  }
}

TEST_CASE("a worker that drains takes over no socket any more") {
  Workers workers;
  workers.first.host.drain([] {});
  workers.first.run_until([] { return false; }, 20ms);
  const std::size_t before = descriptors();
  workers.foster();
  workers.first.host.open_handed(passed_on(workers.supervisor.host.hand_over(0)));
  CHECK(descriptors() == before);
}

TEST_CASE("a signal to all of us finds a worker that has only begun: that is no unclean end") {
  HostFixture fixture({.workers = 2});
  REQUIRE(fixture.host.start(plans(kService)).empty());
  Supervisor supervisor(fixture.loop, *fixture.log, fixture.events,
                        {.workers = 2,
                         .program = {.file = "/bin/sleep", .arguments = {"sleep", "600"}},
                         .configuration = "{}",
                         .version = "",
                         .grace = 60s});
  supervisor.start(fixture.host, [](Errors) {});
  std::size_t unclean = 99;
  supervisor.drain([&](std::size_t count) { unclean = count; });
  const auto end_with = [&](int first, int second) {
    ::kill(supervisor.workers()[0].pid, first);
    ::kill(supervisor.workers()[1].pid, second);
    return fixture.run_until([&] { return unclean != 99; });
  };
  SECTION("as it happens") {
    REQUIRE(end_with(SIGINT, SIGTERM));
    CHECK(unclean == 0);
  }
  SECTION("others are") {
    REQUIRE(end_with(SIGINT, SIGKILL));
    CHECK(unclean == 1);
  }
}
