// demo ephemeral and localhost, with a kernel that answers as a test wants.
#include <cerrno>
#include <string>

#include "app/commands/demo/demos.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_lab.h"

using namespace polyport;
using namespace polyport::demo;

namespace {

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

// --- ephemeral -----------------------------------------------------------------------------------

namespace {

// Ten for each pair of an address and a destination.
std::function<int(const Dial&)> ten_each() {
  return [made = std::map<std::pair<Address, Address>, int>()](const Dial& dial) mutable {
    return ++made[{dial.from.value_or(Address()), dial.peer}] <= 10 ? 0 : EADDRNOTAVAIL;
  };
}

}  // namespace

TEST_CASE("ephemeral counts the ports and compares their numbers") {
  ScriptedLab lab;
  lab.on_connect = ten_each();
  const Told told = play(show_ephemeral, lab);
  CHECK(told.exit_code == 0);
  CHECK(told.has("This kernel lends them from 32768-60999: 28232 numbers."));
  CHECK(told.longest_line() <= 80);
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

TEST_CASE("ephemeral takes ten ports that a stranger has none of") {
  ScriptedLab lab;
  lab.on_connect = [&, usual = ten_each()](const Dial& dial) mutable {
    return dial.lent->low == 60990 ? EADDRNOTAVAIL : usual(dial);
  };
  const Told told = play(show_ephemeral, lab);
  CHECK(told.exit_code == 0);
  CHECK(told.has("The ten are 60980-60989, lent by the kernel itself"));

  lab.on_connect = [](const Dial&) { return EADDRNOTAVAIL; };
  const Told none = play(show_ephemeral, lab);
  CHECK(none.exit_code == 5);
  CHECK(none.has("This cannot be shown here. No ten ports in a row are free."));

  lab.on_connect = [](const Dial&) { return ENETUNREACH; };
  CHECK(play(show_ephemeral, lab).has("No connection: connect answered ENETUNREACH"));
}

TEST_CASE("ephemeral binds to ten ports that a stranger has none of") {
  ScriptedLab lab;
  lab.on_open = [](const Wish& wish) { return wish.address.port == 60995 ? EADDRINUSE : 0; };
  lab.connect_fails_at = Step::kOption;
  lab.on_connect = [](const Dial& dial) { return dial.lent ? ENOPROTOOPT : 0; };
  CHECK(play(show_ephemeral, lab).has("The ten are 60989 60990 60991 60992 60993 60994 60996"));
  lab.on_open = [](const Wish& wish) { return wish.address.port != 0 ? EADDRINUSE : 0; };
  const Told told = play(show_ephemeral, lab);
  CHECK(told.exit_code == 5);
  CHECK(told.has("This cannot be shown here. No ten ports are free."));
}

// --- localhost -----------------------------------------------------------------------------------

TEST_CASE("localhost tells who was reached") {
  Reaching lab;
  const Told told = play(show_localhost, lab);
  CHECK(told.exit_code == 0);
  CHECK(told.has("the resolver of this machine says 127.0.0.1."));
  CHECK(told.longest_line() <= 80);
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
