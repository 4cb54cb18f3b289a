// The demos' Lab on this kernel, and demos on a kernel that lacks something.
#include <signal.h>

#include <cerrno>

#include "app/commands/demo/demos.h"
#include "app/commands/demo/real_lab.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_lab.h"

using namespace polyport;
using namespace polyport::demo;

namespace {

const Address kHome = Address::loopback(Family::kIPv4);
constexpr milliseconds kLong{10'000};

}  // namespace

TEST_CASE("a lab's sockets answer as the kernel does") {
  RealLab lab;
  const Opened server = lab.open({.address = kHome});
  REQUIRE(server.ok());
  CHECK(server.local.port != 0);
  CHECK(lab.peer_error(server.socket) == ENOTCONN);
  const Opened taken = lab.open({.address = server.local});
  CHECK((taken.step == Step::kBind && taken.error == EADDRINUSE && taken.socket == -1));

  const Opened client = lab.connect({.peer = server.local});
  REQUIRE(client.ok());
  CHECK(client.peer == server.local);
  CHECK(lab.is_established(client.socket));
  CHECK(lab.queue(server.socket) == 1);
  const Opened child = lab.accept(server.socket, kLong);
  REQUIRE(child.ok());
  CHECK((child.peer == client.local && child.local == server.local));
  CHECK(lab.accept(server.socket, milliseconds(0)).error == ETIMEDOUT);

  CHECK(lab.hear(child.socket, milliseconds(0)).error == ETIMEDOUT);
  CHECK(lab.say(client.socket, "hello") == 0);
  CHECK(lab.hear(child.socket, kLong).bytes == "hello");
  CHECK_FALSE(lab.time_wait_left(child.local, client.local).has_value());
  lab.close(child.socket);
  const Heard end = lab.hear(client.socket, kLong);
  CHECK((end.error == 0 && end.bytes.empty()));
  lab.close(client.socket);
  const auto left = lab.time_wait_left(child.local, client.local);
  REQUIRE(left.has_value());
  CHECK((left->count() > 0 && left->count() <= 60'000));

  const Opened bare = lab.open({.address = kHome, .backlog = Wish::kUnbound});
  CHECK(lab.local(bare.socket).port == 0);
  lab.close(server.socket);
  CHECK(lab.connect({.peer = server.local}).error == ECONNREFUSED);
}

TEST_CASE("a second process holds its socket until it is ended") {
  RealLab lab;
  const Opened first = lab.open({.address = kHome, .reuse_port = true});
  REQUIRE(first.ok());
  const Held refused = lab.hold({.address = first.local}, Where::kHere);
  CHECK((refused.pid == 0 && refused.step == Step::kBind && refused.error == EADDRINUSE));
  const Held held = lab.hold({.address = first.local, .reuse_port = true}, Where::kHere);
  REQUIRE(held.ok());
  CHECK(held.local == first.local);
  lab.close(first.socket);
  // It has no copy of our sockets, and its own keeps the port.
  CHECK(lab.open({.address = first.local}).error == EADDRINUSE);
  lab.end(held);
  CHECK(::kill(held.pid, 0) == -1);
  CHECK(lab.open({.address = first.local}).ok());
}

TEST_CASE("a lab that ends takes its processes along") {
  int pid = 0;
  Address place;
  {
    RealLab lab;
    const Held held = lab.hold({.address = kHome}, Where::kHere);
    REQUIRE(held.ok());
    pid = held.pid;
    place = held.local;
    CHECK(::kill(pid, 0) == 0);
  }
  CHECK((::kill(pid, 0) == -1 && errno == ESRCH));
  RealLab other;
  CHECK(other.open({.address = place}).ok());
}

TEST_CASE("ephemeral on a kernel without IP_LOCAL_PORT_RANGE shows the same") {
  class OldKernel : public RealLab {
   public:
    Opened connect(const Dial& dial) override {
      if (dial.lent) return {-1, Step::kOption, ENOPROTOOPT, {}, {}};
      return RealLab::connect(dial);
    }
  };
  OldKernel lab;
  const Told told = play(show_ephemeral, lab);
  CHECK(told.exit_code == 0);
  CHECK(told.has("This kernel has no IP_LOCAL_PORT_RANGE"));
  CHECK(told.has("30 connections live at once on 10 source ports."));
}

TEST_CASE("one answer that is not the kernel's changes the words of a real demo") {
  class Forgetful : public RealLab {
   public:
    std::optional<milliseconds> time_wait_left(const Address&, const Address&) override {
      return std::nullopt;
    }
  };
  Forgetful lab;
  const Told told = play(show_time_wait, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("This kernel remembers nothing at the end of the server"));
  CHECK(!told.has("The kernel remembers"));
}
