// The chat's room without any socket: names, order, history, flood, and members that do not read.
#include <memory>
#include <vector>

#include "services/chat/hub.h"
#include "tests/support/catch.h"

using polyport::Payload;
using namespace polyport::services::chat;

namespace {

class Somebody final : public Member {
 public:
  explicit Somebody(Hub& hub) : Member(hub.rules()), hub_(hub) { hub.join(*this); }
  ~Somebody() override { hub_.leave(*this, "gone"); }

  Delivery deliver(const Payload& line) override {
    if (slow) return Delivery::kTooSlow;
    last_address = line.bytes().data();
    heard.push_back(std::string(line.bytes()));
    return Delivery::kQueued;
  }
  std::string place() const override { return "here"; }

  std::vector<std::string> take() { return std::exchange(heard, {}); }

  std::vector<std::string> heard;
  const char* last_address = nullptr;
  bool slow = false;

 private:
  Hub& hub_;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the chat gives guest names and tells the others who came and went", "[chat]") {
  Hub hub{Rules{}};
  Somebody first(hub);
  CHECK(first.nick() == "guest-1");
  CHECK(first.heard.empty());
  {
    Somebody second(hub);
    CHECK(second.nick() == "guest-2");
    CHECK(first.take() == Lines{"* guest-2 joined (here)\r\n"});
    hub.leave(second, "quit");
    CHECK_FALSE(second.in_room());
    CHECK(second.heard.empty());
  }
  CHECK(first.take() == Lines{"* guest-2 left (quit)\r\n"});  // once, though it left twice
  CHECK(hub.members() == std::vector<Member*>{&first});
  Somebody third(hub);
  CHECK(third.nick() == "guest-3");
}

TEST_CASE("the chat tells everybody the same bytes in the same order", "[chat]") {
  Hub hub{Rules{}};
  Somebody first(hub), second(hub);
  first.take();
  hub.say(first, "hello");
  CHECK(first.last_address == second.last_address);
  hub.act(second, "waves");
  hub.say(second, "hi");
  const Lines said{"guest-1: hello\r\n", "* guest-2 waves\r\n", "guest-2: hi\r\n"};
  CHECK(first.heard == said);
  CHECK(second.heard == said);
}

TEST_CASE("the chat replays the last messages, and only those", "[chat]") {
  Hub hub{Rules{.history_lines = 3}};
  Somebody first(hub);
  for (const char* text : {"a", "b", "c", "d"})
    hub.say(first, text);
  Somebody second(hub);
  hub.replay(second);
  CHECK(second.heard == Lines{"* said before you came:\r\n", "guest-1: b\r\n", "guest-1: c\r\n",
                              "guest-1: d\r\n", "* you are here now\r\n"});
}

TEST_CASE("the chat keeps no history where none is asked for", "[chat]") {
  Hub hub{Rules{.history_lines = 0}};
  Somebody first(hub);
  hub.say(first, "a");
  Somebody second(hub);
  hub.replay(second);
  CHECK(second.heard.empty());
}

TEST_CASE("a chat name is unique without regard to case", "[chat]") {
  Hub hub{Rules{}};
  Somebody first(hub), second(hub);
  first.take();
  CHECK(hub.rename(first, "Ann") == Hub::Rename::kDone);
  CHECK(second.take() == Lines{"* guest-1 is now Ann\r\n"});
  CHECK(first.take() == Lines{"* guest-1 is now Ann\r\n"});
  CHECK(hub.rename(second, "aNN") == Hub::Rename::kTaken);
  CHECK(second.nick() == "guest-2");
  CHECK(hub.rename(first, "ANN") == Hub::Rename::kDone);  // its own, written otherwise
  CHECK(first.nick() == "ANN");
  first.take();
  CHECK(hub.rename(first, "ANN") == Hub::Rename::kDone);
  CHECK(first.heard.empty());  // nothing has changed
}

TEST_CASE("a chat name is free again once its holder is called otherwise or gone", "[chat]") {
  Hub hub{Rules{}};
  Somebody first(hub), second(hub);
  REQUIRE(hub.rename(first, "Ann") == Hub::Rename::kDone);
  REQUIRE(hub.rename(first, "Bob") == Hub::Rename::kDone);
  CHECK(hub.rename(second, "Ann") == Hub::Rename::kDone);
  hub.leave(first, "quit");
  CHECK(hub.rename(second, "Bob") == Hub::Rename::kDone);
}

TEST_CASE("a chat name is short, plain and nobody's guest name", "[chat]") {
  Hub hub{Rules{}};
  Somebody first(hub), second(hub);
  CHECK(hub.rename(first, std::string(20, 'a')) == Hub::Rename::kDone);
  CHECK(hub.rename(first, "x-1_Y") == Hub::Rename::kDone);
  for (const auto& nick : {std::string(21, 'a'), std::string(), std::string("1st"),
                           std::string("a b"), std::string("J\xc3\xb6rg"), std::string("a\x1b[2J"),
                           std::string("a:"), std::string("-a")}) {
    CAPTURE(nick);
    CHECK(hub.rename(first, nick) == Hub::Rename::kNotLegal);
  }
  CHECK(hub.rename(first, "guest-1") == Hub::Rename::kReserved);
  CHECK(hub.rename(first, "GUEST-77") == Hub::Rename::kReserved);
  CHECK(hub.rename(first, "guest-2") == Hub::Rename::kTaken);
  CHECK(hub.rename(first, "guest-x") == Hub::Rename::kDone);
  CHECK(hub.rename(second, "Guest-2") == Hub::Rename::kDone);
}

TEST_CASE("a chat message to one member reaches that one", "[chat]") {
  Hub hub{Rules{}};
  Somebody first(hub), second(hub), third(hub);
  first.take();
  second.take();
  CHECK(hub.whisper(first, "GUEST-2", "psst") == Hub::Whisper::kSent);
  CHECK(second.heard == Lines{"[guest-1 to you] psst\r\n"});
  CHECK(first.heard == Lines{"[you to guest-2] psst\r\n"});
  CHECK(third.heard.empty());
  CHECK(hub.whisper(first, "nobody", "psst") == Hub::Whisper::kNobody);
  Somebody fourth(hub);
  hub.replay(fourth);
  CHECK(fourth.heard.empty());  // history keeps no whispers
}

TEST_CASE("the chat lets five lines through at once and then two a second", "[chat]") {
  Hub hub{Rules{.flood_burst = 5, .flood_per_second = 2}};
  Somebody first(hub);
  std::uint64_t now = 1'000'000;
  for (int i = 0; i < 5; ++i)
    CHECK(hub.charge(first, now) == Hub::Flood::kFine);
  CHECK(hub.charge(first, now) == Hub::Flood::kTold);
  CHECK(hub.charge(first, now) == Hub::Flood::kSilent);
  CHECK(hub.charge(first, now + 499) == Hub::Flood::kSilent);
  CHECK(hub.charge(first, now + 500) == Hub::Flood::kFine);
  CHECK(hub.charge(first, now + 500) == Hub::Flood::kTold);  // told again after something was fine
  CHECK(hub.charge(first, now + 1000) == Hub::Flood::kFine);
  now += 3'600'000;  // an hour later it is five again, not 7,200
  for (int i = 0; i < 5; ++i)
    CHECK(hub.charge(first, now) == Hub::Flood::kFine);
  CHECK(hub.charge(first, now) == Hub::Flood::kTold);
}

TEST_CASE("one member's flood is nobody else's", "[chat]") {
  Hub hub{Rules{.flood_burst = 1, .flood_per_second = 1}};
  Somebody first(hub), second(hub);
  CHECK(hub.charge(first, 5000) == Hub::Flood::kFine);
  CHECK(hub.charge(first, 5000) == Hub::Flood::kTold);
  CHECK(hub.charge(second, 5000) == Hub::Flood::kFine);
}

TEST_CASE("the chat shows out who does not read and tells the others why", "[chat]") {
  Hub hub{Rules{}};
  Somebody first(hub), second(hub), third(hub), fourth(hub);
  second.slow = fourth.slow = true;
  first.take();
  third.take();
  hub.say(first, "hello");
  const Lines told{"guest-1: hello\r\n", "* guest-2 left (too slow)\r\n",
                   "* guest-4 left (too slow)\r\n"};
  CHECK(first.heard == told);
  CHECK(third.heard == told);
  CHECK_FALSE(second.in_room());
  CHECK_FALSE(fourth.in_room());
  CHECK(hub.members() == std::vector<Member*>{&first, &third});
  CHECK(hub.rename(first, "guest-2") == Hub::Rename::kReserved);  // the name is held by nobody
}

TEST_CASE("a chat room in which nobody reads is empty in the end", "[chat]") {
  Hub hub{Rules{}};
  std::vector<std::unique_ptr<Somebody>> everybody;
  for (int i = 0; i < 1000; ++i)
    everybody.push_back(std::make_unique<Somebody>(hub));
  for (auto& somebody : everybody)
    somebody->slow = true;
  hub.say(*everybody.front(), "hello");
  CHECK(hub.members().empty());
}

TEST_CASE("a slow member learns of a whisper by leaving", "[chat]") {
  Hub hub{Rules{}};
  Somebody first(hub), second(hub);
  second.slow = true;
  first.take();
  CHECK(hub.whisper(first, "guest-2", "psst") == Hub::Whisper::kSent);
  CHECK_FALSE(second.in_room());
  CHECK(first.heard == Lines{"[you to guest-2] psst\r\n", "* guest-2 left (too slow)\r\n"});
}

TEST_CASE("a chat that closes says so once and is empty", "[chat]") {
  Hub hub{Rules{}};
  Somebody first(hub), second(hub);
  first.take();
  hub.close("goodbye");
  CHECK(first.heard == Lines{"* goodbye\r\n"});
  CHECK(second.heard == Lines{"* goodbye\r\n"});
  CHECK(hub.members().empty());
  CHECK_FALSE(first.in_room());
  hub.leave(first, "drain");
  CHECK(second.heard.size() == 1);
}
