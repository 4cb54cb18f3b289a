// The demos with a kernel that answers as a test wants: another answer, other words.
#include <cerrno>
#include <string>

#include "app/commands/demo/demos.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_lab.h"

using namespace polyport;
using namespace polyport::demo;

namespace {

// The kernel of demo time-wait: a port that was connected on is kept.
class Remembering : public ScriptedLab {
 public:
  Remembering() {
    on_open = [this](const Wish& wish) {
      if (wish.address.port == 0) {
        old_reuse_ = wish.reuse_address;
        return 0;
      }
      if (frees) return 0;
      return wish.reuse_address && old_reuse_ ? 0 : EADDRINUSE;
    };
  }
  // Whether the server's port is free again; in the demo's third chapter it is.
  bool frees = false;

  std::optional<milliseconds> time_wait_left(const Address& local, const Address&) override {
    frees = local.port > 40'000;  // the client's end
    return time_wait;
  }
  Opened accept(int listener, milliseconds wait) override {
    frees = false;
    return ScriptedLab::accept(listener, wait);
  }

 private:
  bool old_reuse_ = false;
};

}  // namespace

// --- the stage -----------------------------------------------------------------------------------

TEST_CASE("a sentence is told for the expected answer only") {
  ScriptedLab lab;
  const auto one = [](int answer, int expected) {
    return [=](Stage& stage, Lab&) {
      stage.title("try");
      stage.answered("bind", answer, expected, "So it is.");
      stage.therefore("Therefore.");
      stage.verdict("true", "It is.");
    };
  };
  const Told usual = play(one(EADDRINUSE, EADDRINUSE), lab);
  CHECK(usual.lines ==
        "\ntry\n\n  bind: EADDRINUSE\n    So it is.\n\nTherefore.\n"
        "  verdict  true. It is.\n");
  CHECK(usual.exit_code == 0);
  const Told other = play(one(0, EADDRINUSE), lab);
  CHECK(other.lines ==
        "\ntry\n\n  bind: ok\n"
        "    This kernel answered otherwise: ok, where EADDRINUSE was expected.\n"
        "  verdict  open. What this kernel answered does not decide it.\n");
  CHECK(other.exit_code == 1);
}

TEST_CASE("what cannot be shown is said, with the reason") {
  ScriptedLab lab;
  lab.on_open = [](const Wish&) { return EMFILE; };
  lab.open_fails_at = Step::kSocket;
  for (const auto demo : {show_time_wait, show_ephemeral, show_localhost, show_backlog}) {
    const Told told = play(demo, lab);
    CHECK(told.has("This cannot be shown here. No "));
    CHECK(told.has("socket answered EMFILE (Too many open files)."));
    CHECK(told.exit_code == 5);
  }
}

// --- time-wait -----------------------------------------------------------------------------------

TEST_CASE("time-wait tells who keeps the port, as far as the kernel does") {
  Remembering usual;
  const Told told = play(show_time_wait, usual);
  CHECK(told.exit_code == 0);
  CHECK(told.longest_line() <= 80);
  CHECK(
      told.has("A server listens on 127.0.0.1:10001, without SO_REUSEADDR. A client comes from "
               "127.0.0.1:40001. The server closes first"));
  CHECK(told.has("127.0.0.1:10001 with 127.0.0.1:40001: TIME_WAIT, 59.9 s left"));
  CHECK(
      told.has("bind on 127.0.0.1:10001 with SO_REUSEADDR: EADDRINUSE SO_REUSEADDR on the new "
               "socket alone does not help"));
  CHECK(told.has("Whoever closes first pays with its port."));
  CHECK(told.has("3 connections of this demo stay in TIME_WAIT for up to 59.9 s more."));
  CHECK(!told.has("otherwise"));
  CHECK(usual.open_sockets() == 0);
}

TEST_CASE("time-wait with a kernel that gives the port away") {
  Remembering generous;
  generous.on_open = [](const Wish&) { return 0; };
  const Told told = play(show_time_wait, generous);
  CHECK(told.exit_code == 1);
  CHECK(
      told.has("bind and listen on 127.0.0.1:10001 without SO_REUSEADDR: ok This kernel answered "
               "otherwise: ok, where EADDRINUSE was expected."));
  CHECK(!told.has("The port is taken"));
  CHECK(!told.has("This is why a server that was stopped"));
  CHECK(told.has("Whoever closes first pays with its port."));  // that answer was the usual one
}

TEST_CASE("time-wait with a kernel that remembers nothing") {
  Remembering forgetful;
  forgetful.time_wait.reset();
  const Told told = play(show_time_wait, forgetful);
  CHECK(told.exit_code == 1);
  CHECK(told.has("127.0.0.1:10001 with 127.0.0.1:40001: nothing This kernel remembers nothing"));
  CHECK(!told.has("The kernel remembers the connection"));
  CHECK(!told.has("stay in TIME_WAIT"));
}

TEST_CASE("time-wait tells which call refused") {
  Remembering late;
  late.open_fails_at = Step::kListen;
  CHECK(
      play(show_time_wait, late).has("listen on 127.0.0.1:10001 without SO_REUSEADDR: EADDRINUSE"));
}

// --- backlog -------------------------------------------------------------------------------------

TEST_CASE("backlog counts who got in") {
  ScriptedLab lab;
  int clients = 0;  // the first one only tries the loopback interface
  lab.on_connect = [&](const Dial&) { return ++clients <= 4 ? 0 : ETIMEDOUT; };
  lab.on_hear = [&](int socket) {
    return socket == 103 ? Heard{ETIMEDOUT, ""} : Heard{0, "hello\n"};
  };
  const Told told = play(show_backlog, lab);
  CHECK(told.exit_code == 0);
  CHECK(told.has("client 3: connect: ok client 4: no answer yet: SYN-SENT"));
  CHECK(told.has("3 clients of 5 are connected to a server that has not accepted one"));
  CHECK(told.has("send to the server: ok The kernel takes the bytes"));
  CHECK(told.has("client 4, who was left outside: ok There is room for one more."));
}

TEST_CASE("backlog with a kernel that takes everybody") {
  ScriptedLab lab;
  const Told told = play(show_backlog, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("5 clients of 5 are connected and 5 wait in the queue; expected were 3."));
  CHECK(!told.has("has not accepted one"));
  CHECK(!told.has("A full queue looks like a slow network"));
}

TEST_CASE("backlog with a kernel that refuses whom it has no room for") {
  ScriptedLab lab;
  int clients = 0;  // the first one only tries the loopback interface
  lab.on_connect = [&](const Dial&) { return ++clients <= 4 ? 0 : ECONNRESET; };
  const Told told = play(show_backlog, lab);
  CHECK(told.has("client 4: connect: ECONNRESET"));
  CHECK(!told.has("SYN-SENT"));
}

TEST_CASE("backlog where the one outside never gets in") {
  ScriptedLab lab;
  int clients = 0;  // the first one only tries the loopback interface
  lab.on_connect = [&](const Dial&) { return ++clients <= 4 ? 0 : ETIMEDOUT; };
  lab.late_connect = ETIMEDOUT;
  lab.on_hear = [&](int socket) {
    return socket == 103 ? Heard{ETIMEDOUT, ""} : Heard{0, "hello\n"};
  };
  const Told told = play(show_backlog, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("client 4, who was left outside: ETIMEDOUT This kernel answered otherwise"));
  CHECK(!told.has("There is room for one more"));
  CHECK(!told.has("A full queue"));
}
