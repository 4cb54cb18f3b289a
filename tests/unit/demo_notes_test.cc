// The claims of demo notes: each verdict hangs on the answers.
#include <cerrno>
#include <set>
#include <string>

#include "app/commands/demo/demos.h"
#include "app/commands/demo/notes.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_lab.h"

using namespace polyport;
using namespace polyport::demo;

namespace {

// A kernel as Linux is, as far as the claims ask.
class Usual : public ScriptedLab {
 public:
  Usual() {
    on_open = [this](const Wish& wish) {
      if (wish.transport == Transport::kUdp || wish.address.port == 0) return 0;
      if (wish.address.port < 1024) return root ? 0 : EACCES;
      return used_.contains(wish.address) && !wish.reuse_port ? EADDRINUSE : 0;
    };
    on_connect = [this](const Dial& dial) {
      if (dial.peer.port == 0) return ECONNREFUSED;
      if (!dial.from || dial.from->port == 0) return 0;
      return pairs_.insert({*dial.from, dial.peer}).second ? 0 : EADDRNOTAVAIL;
    };
    on_hold = [](const Wish& wish, Where) {
      const bool refused = wish.address.port != 0 && wish.address.port < 1024;
      return refused ? Held{0, Step::kBind, EACCES, {}} : Held{4711, Step::kNone, 0, wish.address};
    };
  }

  Opened open(const Wish& wish) override {
    const Opened made = ScriptedLab::open(wish);
    if (made.ok() && wish.transport == Transport::kTcp) used_.insert(made.local);
    return made;
  }

  Opened connect(const Dial& dial) override {
    const Opened made = ScriptedLab::connect(dial);
    if (!made.ok()) return made;
    pairs_.insert({made.local, dial.peer});
    used_.insert(made.local);
    return made;
  }

 private:
  std::set<Address> used_;  // by a listener or a client
  std::set<std::pair<Address, Address>> pairs_;
};

Told one(unsigned number, Lab& lab) {
  return play([number](Stage& stage, Lab& it) { show_notes(stage, it, number); }, lab);
}

}  // namespace

TEST_CASE("there are twenty claims, each with its number once") {
  CHECK(count_notes() == 20);
  std::set<unsigned> numbers;
  for (const auto notes : {notes_on_identity(), notes_on_numbers(), notes_on_listening()}) {
    for (const Note& note : notes)
      numbers.insert(note.number);
  }
  CHECK(numbers.size() == 20);
  CHECK((*numbers.begin() == 1 && *numbers.rbegin() == 20));
}

TEST_CASE("with the usual kernel each claim has its verdict") {
  Usual lab;
  const Told told = play([](Stage& stage, Lab& it) { show_notes(stage, it); }, lab);
  INFO(told.lines);
  CHECK(told.exit_code == 0);
  CHECK(told.longest_line() <= 80);
  CHECK(!told.has("otherwise"));
  CHECK(!told.has("verdict open"));
  std::size_t verdicts = 0;
  for (std::size_t at = 0; (at = told.lines.find("\n  verdict  ", at)) != std::string::npos; ++at)
    ++verdicts;
  CHECK(verdicts == 20);
}

TEST_CASE("one claim alone") {
  Usual lab;
  const Told told = one(1, lab);
  CHECK(told.exit_code == 0);
  CHECK(told.lines.starts_with("\n1. \""));
  CHECK(!told.has("2. \""));
  CHECK(told.has("Three connections, and the server's end of each is port 10002."));
  CHECK(told.has("verdict false. The server answers from the port that was called."));
}

TEST_CASE("a server that answers from another port leaves claim 1 open") {
  class Moving : public Usual {
   public:
    Opened accept(int listener, milliseconds wait) override {
      Opened child = Usual::accept(listener, wait);
      ++child.local.port;
      return child;
    }
  };
  Moving lab;
  const Told told = one(1, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("The server's ends are not all on the port that was called."));
  CHECK(told.has("verdict open. What this kernel answered does not decide it."));
}

TEST_CASE("the lent range decides claims 3, 4 and 14") {
  Usual lab;
  CHECK(one(3, lab).has("32767 is the last number below the range"));
  CHECK(one(4, lab).has("8 of the 8 below 49152."));
  CHECK(one(14, lab).has("verdict false on Linux."));

  Usual as_iana;
  as_iana.range = {49152, 65535};
  as_iana.on_connect = [](const Dial&) { return 0; };
  CHECK(one(3, as_iana).has("32767 is outside the range"));
  CHECK(one(14, as_iana).has("verdict true on this machine. The two ranges do not meet here."));
  class Dynamic : public Usual {
   public:
    Opened connect(const Dial& dial) override {
      Opened made = Usual::connect(dial);
      made.local.port = 50'000;
      return made;
    }
  };
  Dynamic dynamic;
  dynamic.range = {49152, 65535};
  CHECK(one(4, dynamic).has("verdict true on this machine. Its range lies within 49152-65535."));

  Usual wide;
  wide.range = {1024, 65535};
  const Told told = one(3, wide);
  CHECK(told.exit_code == 1);
  CHECK(told.has("32767 is within the range of this machine."));
  CHECK(told.has("verdict open"));
}

TEST_CASE("a pair that can be had twice leaves claim 8 open") {
  Usual lab;
  CHECK(one(8, lab).has("once more: EADDRNOTAVAIL This pair of ends exists already"));
  Usual twice;
  twice.on_connect = [](const Dial&) { return 0; };
  const Told told = one(8, twice);
  CHECK(told.exit_code == 1);
  CHECK(told.has("once more: ok This kernel answered otherwise"));
  CHECK(!told.has("verdict true"));
}

TEST_CASE("the border of privilege is the one of this machine") {
  Usual lab;
  Told told = one(9, lab);
  CHECK(told.has("bind port 1023: EACCES Refused"));
  CHECK(told.has("bind port 1024: ok Allowed"));
  CHECK(told.has("verdict off by one. The border lies between 1023 and 1024."));
  CHECK(one(12, lab).has("verdict a matter of privilege."));

  Usual root;
  root.root = true;
  told = one(12, root);
  CHECK(told.has("bind port 1023 as the user nobody: EACCES"));
  CHECK(told.has("bind port 1023 as root: ok Allowed"));

  // A container: everybody may have every port.
  Usual container;
  container.first_unprivileged = 0;
  container.on_hold = [](const Wish& wish, Where) { return Held{1, Step::kNone, 0, wish.address}; };
  told = one(9, container);
  CHECK(told.exit_code == 0);
  CHECK(told.has("an ordinary user may have every port from 0 up"));
  CHECK(one(12, container).has("verdict false on this machine."));

  // A user with the privilege.
  Usual privileged;
  privileged.on_hold = container.on_hold;
  told = one(12, privileged);
  CHECK(told.exit_code == 1);
  CHECK(told.has("bind port 1023: ok This kernel answered otherwise"));
  CHECK(told.has("verdict open"));
}

TEST_CASE("what may not be tried is no proof") {
  Usual lab;
  lab.root = true;
  lab.on_hold = [](const Wish&, Where where) {
    return where == Where::kHere ? Held{4711, Step::kNone, 0, {}} : Held{0, Step::kFork, EPERM, {}};
  };
  const Told alone = one(9, lab);
  CHECK(alone.has("an ordinary user: not tried, EPERM (Operation not permitted)"));
  CHECK(alone.has("verdict open"));
  CHECK(alone.exit_code == 5);
  const Told namespaces = one(15, lab);
  CHECK(namespaces.has("another network namespace: not tried, this user may not make one (EPERM)"));
  CHECK(namespaces.exit_code == 0);
}

TEST_CASE("claims 6 and 15 need a second process that may share") {
  Usual lab;
  CHECK(one(6, lab).has("Process 4711 has the same port: two processes, one port."));
  CHECK(one(15, lab).has("verdict mostly true."));
  lab.on_hold = [](const Wish&, Where) { return Held{0, Step::kBind, EADDRINUSE, {}}; };
  CHECK(one(6, lab).has("verdict open"));
  const Told told = one(15, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("in another process: EADDRINUSE This kernel answered otherwise"));
  CHECK(!told.has("shares the port"));
}

TEST_CASE("a registered port that is taken makes room for another") {
  Usual lab;
  lab.on_open = [](const Wish& wish) { return wish.address.port == 5432 ? EADDRINUSE : 0; };
  CHECK(one(13, lab).has("port 3306 is registered for mysql"));
  lab.on_hear = [](int) { return Heard{ETIMEDOUT, ""}; };
  CHECK(one(13, lab).has("No echo came back."));
}

TEST_CASE("who watches the port is counted in the queue") {
  Usual lab;
  CHECK(one(16, lab).has("3 connections wait in the queue, and the program has looked at none."));
  lab.queued = 0;
  const Told told = one(16, lab);
  CHECK(told.exit_code == 1);
  CHECK(told.has("0 connections wait in the queue, 3 were expected."));
}

TEST_CASE("the order of names is the one of this machine") {
  Usual lab;
  CHECK(one(19, lab).has(
      "hosts: files and dns The file is one source of names and DNS another, asked "
      "after it."));
  lab.nsswitch = "hosts:\tmymachines dns [!UNAVAIL=return] files\n";
  CHECK(one(19, lab).has("DNS is one source of names and the file another"));
  lab.nsswitch = "hosts: files\n";
  CHECK(one(19, lab).has("The file is asked, and DNS is not"));
  lab.nsswitch = "hosts: dns\n";
  CHECK(one(19, lab).exit_code == 1);
  lab.nsswitch = "";
  const Told told = one(19, lab);
  CHECK(told.has("/etc/nsswitch.conf has no line for hosts"));
  CHECK(told.has("verdict not decided here."));
  lab.nsswitch = "hosts: \x1b[2J files\n";
  CHECK(!one(19, lab).has("\x1b"));
}

TEST_CASE("port 0 that answers leaves claim 20 open") {
  Usual lab;
  CHECK(one(20, lab).has("verdict half true."));
  lab.on_connect = [](const Dial&) { return 0; };
  CHECK(one(20, lab).has("connect to 127.0.0.1:0: ok This kernel answered otherwise"));
}
