// The demos with a kernel that answers as a test wants: another answer, other words.
#include <cerrno>
#include <sstream>
#include <string>

#include "app/commands/demo/demos.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_lab.h"

using namespace polyport;
using namespace polyport::demo;

namespace {

void notes(Stage& stage, Lab& lab) {
  show_notes(stage, lab);
}

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

Address network(std::string_view literal) {
  return Address::parse_ip(literal).value_or(Address());
}

// Who is reached, as the kernel of this page has it: by the listener that is open.
class Reaching : public ScriptedLab {
 public:
  Reaching() {
    networks = {network("10.1.2.3")};
    on_open = [this](const Wish& wish) {
      if (wish.backlog >= 0) listener_ = wish;
      return 0;
    };
    on_connect = [this](const Dial& dial) {
      const bool any =
          listener_.address.is_any() && (listener_.address.family == dial.peer.family ||
                                         listener_.ipv6_mode == IPv6Mode::kDualStack);
      return any || listener_.address.ip_text() == dial.peer.ip_text() ? 0 : ECONNREFUSED;
    };
  }

 private:
  Wish listener_;
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

// --- ephemeral -----------------------------------------------------------------------------------

namespace {

// Ten for each pair of an address and a destination.
std::function<int(const Dial&)> ten_each() {
  return [made = std::map<std::pair<std::string, Address>, int>(),
          first = true](const Dial& dial) mutable {
    if (std::exchange(first, false)) return 0;  // the one that finds out the method
    const auto pair = std::pair(dial.from ? dial.from->ip_text() : "", dial.peer);
    return ++made[pair] <= 10 ? 0 : EADDRNOTAVAIL;
  };
}

}  // namespace

TEST_CASE("ephemeral counts the ports and compares their numbers") {
  ScriptedLab lab;
  lab.on_connect = ten_each();
  const Told told = play(show_ephemeral, lab);
  CHECK(told.exit_code == 0);
  CHECK(told.has("This kernel lends them from 32768-60999: 28232 numbers."));
  CHECK(told.has("The ten are 60990-60999, lent by the kernel itself (IP_LOCAL_PORT_RANGE)."));
  CHECK(
      told.has("12 connects: 10 made, 2 refused with EADDRNOTAVAIL source ports: 60990 to 60999"));
  CHECK(told.has("30 connections live at once on 10 source ports."));
  CHECK(lab.open_sockets() == 2);  // the servers, which end with the lab
}

TEST_CASE("ephemeral without IP_LOCAL_PORT_RANGE binds by itself and says so") {
  ScriptedLab lab;
  lab.connect_fails_at = Step::kOption;
  std::map<std::pair<Address, Address>, int> made;
  lab.on_connect = [&](const Dial& dial) {
    if (dial.lent) return ENOPROTOOPT;
    lab.connect_fails_at = Step::kConnect;
    CHECK(dial.reuse_address);
    return ++made[{*dial.from, dial.peer}] == 1 ? 0 : EADDRNOTAVAIL;
  };
  const Told told = play(show_ephemeral, lab);
  CHECK(told.exit_code == 0);
  CHECK(
      told.has("This kernel has no IP_LOCAL_PORT_RANGE (it answers ENOPROTOOPT; Linux 6.3 brought "
               "it), so each connect is bound to them in turn"));
  CHECK(!told.has("lent by the kernel itself"));
  CHECK(told.has("30 connections live at once on 10 source ports."));
}

TEST_CASE("ephemeral with a kernel that lends without end") {
  ScriptedLab lab;
  const Told told = play(show_ephemeral, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("12 connects: 12 made, 0 refused"));
  CHECK(told.has("Expected were 10 connections, the others refused with EADDRNOTAVAIL."));
  CHECK(!told.has("Ten connections, then"));
  CHECK(!told.has("all numbers are there again"));
}

TEST_CASE("ephemeral where another port gets other numbers") {
  class Apart : public ScriptedLab {
   public:
    Opened connect(const Dial& dial) override {
      Opened made = ScriptedLab::connect(dial);
      if (made.ok() && dial.peer.port == 10'002) made.local.port += 100;
      return made;
    }
  };
  Apart lab;
  lab.on_connect = ten_each();
  const Told told = play(show_ephemeral, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("source ports: 61090 to 61099"));
  CHECK(told.has("They are not the numbers that are in use already."));
  CHECK(!told.has("the very numbers"));
}

TEST_CASE("ephemeral where the connections do not live") {
  ScriptedLab lab;
  lab.on_connect = ten_each();
  lab.established = false;
  const Told told = play(show_ephemeral, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("30 connections made, 0 established now Not all of them live."));
  CHECK(!told.has("all numbers are there again"));
}

TEST_CASE("ephemeral where no ten ports are free") {
  ScriptedLab lab;
  lab.on_open = [](const Wish& wish) { return wish.address.port == 60995 ? EADDRINUSE : 0; };
  lab.on_connect = ten_each();
  CHECK(play(show_ephemeral, lab).has("The ten are 60985-60994"));
  lab.on_open = [](const Wish& wish) { return wish.address.port % 10 == 5 ? EADDRINUSE : 0; };
  const Told told = play(show_ephemeral, lab);
  CHECK(told.exit_code == 5);
  CHECK(told.has("This cannot be shown here. No ten ports in a row are free."));
}

// --- localhost -----------------------------------------------------------------------------------

TEST_CASE("localhost tells who was reached") {
  Reaching lab;
  const Told told = play(show_localhost, lab);
  CHECK(told.exit_code == 0);
  CHECK(told.has("the resolver of this machine says 127.0.0.1."));
  CHECK(told.has("127.0.0.1 reached refused refused reached refused"));
  CHECK(told.has("[::] reached reached reached reached reached"));
  CHECK(told.has(
      "0.0.0.0 is reached by whoever calls 127.0.0.1, 127.0.0.2, localhost and 10.1.2.3."));
  CHECK(told.has("10.1.2.3 is the address under which other machines know this one."));
  CHECK(told.has("127.0.0.1 and [::1] are two doors"));
}

TEST_CASE("localhost without a network or IPv6 leaves them out") {
  Reaching lab;
  lab.has.ipv6 = false;
  lab.networks.clear();
  const Told told = play(show_localhost, lab);
  CHECK(told.exit_code == 0);
  CHECK(told.has("IPv6 is off on this machine: [::1] and [::] are left out."));
  CHECK(told.has("nobody else could call"));
  CHECK(!told.has("two doors"));
  CHECK(!told.has("[::1] is reached"));
}

TEST_CASE("localhost with a kernel that reaches everybody") {
  Reaching lab;
  lab.on_connect = [](const Dial&) { return 0; };
  const Told told = play(show_localhost, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("127.0.0.1 reached reached reached reached reached"));
  CHECK(told.has("That is not what was expected for 127.0.0.2, [::1] and 10.1.2.3."));
  CHECK(!told.has("what listens on 127.0.0.1 is not"));
  CHECK(!told.has("two doors"));
}

TEST_CASE("localhost does not take a stranger's server for its own") {
  Reaching lab;
  class Stolen : public Reaching {
   public:
    Opened accept(int, milliseconds) override { return {-1, Step::kAccept, ETIMEDOUT, {}, {}}; }
  };
  Stolen stolen;
  const Told told = play(show_localhost, stolen);
  CHECK(told.exit_code == 1);
  CHECK(told.has("127.0.0.1 another refused"));
  CHECK(told.has("127.0.0.1 is reached by nobody."));
}

TEST_CASE("localhost where the resolver has no such name") {
  Reaching lab;
  lab.localhost.clear();
  const Told told = play(show_localhost, lab);
  CHECK(told.exit_code == 0);
  CHECK(told.has("does not know localhost (Name or service not known)"));
}

// --- all of them ---------------------------------------------------------------------------------

TEST_CASE("every line fits the page") {
  Remembering one;
  ScriptedLab two;
  two.on_connect = ten_each();
  Reaching three;
  three.networks = {network("255.255.255.254")};
  ScriptedLab four;
  std::string all = play(show_time_wait, one).lines + play(show_ephemeral, two).lines +
                    play(show_localhost, three).lines + play(notes, four).lines;
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    CHECK(line.size() <= 80);
  }
}
