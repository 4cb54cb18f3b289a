// Failed binds explained beside the loop.
#include "core/host/look_around.h"

#include <unistd.h>

#include <chrono>

#include "core/loop/loop.h"
#include "core/loop/timer.h"
#include "core/ports/port_facts.h"
#include "core/socket/socket.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace std::chrono_literals;

namespace {

// A port of this process, and what a second bind there is answered.
struct Taken {
  Taken() {
    fd = sock::open_stream(Family::kIPv4);
    REQUIRE(sock::bind(fd, Address::loopback(Family::kIPv4)) == 0);
    REQUIRE(sock::listen(fd, 1) == 0);
    BindTarget target;
    REQUIRE(sock::local_address(fd, target.address) == 0);
    attempt = try_bind(target);
    REQUIRE(attempt.error == EADDRINUSE);
  }
  ~Taken() { sock::close(fd); }
  int fd = -1;
  BindAttempt attempt;
};

}  // namespace

TEST_CASE("a failed bind is explained on another thread, and told on the loop", "[threads]") {
  const Taken taken;
  Loop loop;
  bool late = false;
  Timer limit(loop, [&] { late = true; });
  limit.start(60s);
  {
    LookAround look(loop, {.own = {{taken.attempt.target, "web", "my.toml:3:10"}},
                           .wanted = {},
                           .run_command = "polyport run",
                           .offset = 0});
    for (int round = 0; round < 2; ++round) {
      std::vector<Explanation> found;
      REQUIRE(look.ask({taken.attempt, taken.attempt},
                       [&](std::vector<Explanation> told) { found = std::move(told); }));
      CHECK(look.busy());
      CHECK(found.empty());
      while (found.empty() && !late)
        loop.run_once();
      REQUIRE(found.size() == 2);
      CHECK_FALSE(look.busy());
      for (const Explanation& each : found) {
        CHECK(each.verdict == Verdict::kTaken);
        REQUIRE(each.holders.size() == 1);
        CHECK(each.holders[0].process->pid == ::getpid());
        CHECK(each.holders[0].service == "web");
      }
    }
  }
  limit.stop();
}

TEST_CASE("whoever is gone hears no explanation, and waits for none", "[threads]") {
  const Taken taken;
  Loop loop;
  bool told = false;
  for (int i = 0; i < 20; ++i) {
    LookAround look(loop, {});
    REQUIRE(look.ask({taken.attempt}, [&](std::vector<Explanation>) { told = true; }));
  }
  loop.run_ready();
  CHECK_FALSE(told);
}
