// Stages of connections that we open: whoever dialled hears of them when they are open, or why not.
#include "core/net/dialer.h"

#include "core/net/stage.h"
#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::NetworkFixture;
using polyport::test::OpenDoor;
using namespace std::chrono_literals;

namespace {

// Says "knock", opens at "in", and gives up at anything else.
class Knock : public Stage {
 public:
  std::string_view name() const override { return "knock"; }
  std::size_t idle_bytes() const override { return sizeof *this; }

 protected:
  void start() override { pass_down("knock"); }
  void receive(Bytes bytes) override {
    if (open_) return pass_up(bytes);
    open_ = bytes.starts_with("in");
    if (open_) {
      pass_open();
      return pass_up(bytes.substr(2));
    }
    note_failure("turned away");
    refuse(CloseReason::kProtocolError);
  }
  void send(const iovec* pieces, std::size_t count) override { pass_down(pieces, count); }

 private:
  bool open_ = false;
};

struct KnockMaker : StageMaker {
  std::unique_ptr<Stage> make() override { return std::make_unique<Knock>(); }
};

struct Porter : StreamHandler {
  void on_data(Connection& c, Bytes data) override {
    heard += data;
    if (!answer.empty()) c.send(answer);
    if (closes) c.finish();
  }
  std::string heard;
  std::string answer;
  bool closes = false;
};

struct Caller : DialHandler {
  void on_open(Connection& c) override {
    ++opened;
    c.send("hello");
  }
  void on_data(Connection&, Bytes data) override { got += data; }
  void on_close(Connection&, CloseReason) override { ++closed; }
  void on_dial_failed(const DialFailure& failure) override { failures.push_back(failure); }
  int opened = 0;
  int closed = 0;
  std::string got;
  std::vector<DialFailure> failures;
};

class StagedFixture : public NetworkFixture {
 public:
  StagedFixture()
      : door{.service = "test", .handler = caller, .policy = {.handshake_timeout = 200ms}},
        dialer(network.add_dialer(door, "test.upstream.0")),
        server(*this, porter) {
    dialer.use_stages({&maker});
  }
  // Until it is decided, and nothing of it is left where it failed.
  void dial() {
    dialer.dial({.targets = {{listen(server.door).address(), {}}}, .session = &session});
    REQUIRE(run_until([&] {
      return caller.opened > 0 ? !caller.got.empty()
                               : !caller.failures.empty() && dialer.active() == 0;
    }));
  }

  KnockMaker maker;
  Caller caller;
  Porter porter;
  DialDoor door;
  Dialer& dialer;
  int session = 0;
  OpenDoor server;
};

}  // namespace

TEST_CASE("a dialled connection is told of when its stages are open") {
  StagedFixture net;
  net.porter.answer = "in and more";
  net.dial();
  CHECK(net.caller.opened == 1);
  CHECK(net.caller.got.starts_with(" and more"));
  REQUIRE(net.run_until([&] { return net.porter.heard == "knockhello"; }));
  CHECK(net.caller.failures.empty());
}

TEST_CASE("a handshake that comes to nothing is a dial that failed") {
  StagedFixture net;
  std::string why;
  SECTION("as the stage says") {
    net.porter.answer = "out";
    net.porter.closes = true;
    why = "turned away";
  }
  SECTION("the other side closes") {
    net.porter.closes = true;
    why = "the handshake came to nothing: peer_closed";
  }
  SECTION("the other side says nothing") {
    why = "the handshake came to nothing: handshake_timeout";
  }
  net.dial();
  CHECK(net.caller.opened == 0);
  CHECK(net.caller.closed == 0);
  REQUIRE(net.caller.failures.size() == 1);
  const DialFailure& failure = net.caller.failures[0];
  CHECK(failure.session == &net.session);
  CHECK(failure.error() == DialError::kHandshake);
  CHECK(failure.handshake == why);
  CHECK(failure.text().ends_with(": " + why));
  CHECK(net.dialer.failed()[static_cast<std::size_t>(DialError::kHandshake)] == 1);
}
