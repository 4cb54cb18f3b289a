// Members of other processes in a chat's rooms, without other processes: a bus of the test's own
// brings them in, and is asked to share what happens.
#include <memory>
#include <set>
#include <vector>

#include "services/chat/hub.h"
#include "services/chat/line_text.h"
#include "services/chat/memory_store.h"
#include "services/chat/redis_peers.h"
#include "tests/support/catch.h"

using namespace polyport::services::chat;
using polyport::Payload;
using Lines = std::vector<std::string>;

namespace {

class StillClock final : public Clock {
 public:
  std::uint64_t steady_ms() const override { return 1'000'000; }
  std::uint64_t wall_ms() const override { return 1'700'000'000'000; }
};

// Notes what it is told, and answers as it is set to.
class TestBus final : public Bus {
 public:
  void publish(Message message, std::uint64_t) override { said.push_back(message.text); }
  bool takes_more() const override { return takes; }
  bool reaches_others() const override { return reaches; }
  std::string_view notice() const override { return news; }
  void member_changed(Member& member, std::string_view why) override {
    changes.push_back(member.nick() + " in " + std::to_string(member.rooms().size()) +
                      (why.empty() ? "" : " (" + std::string(why) + ")"));
  }
  void member_left(Member& member, std::string_view why, std::chrono::milliseconds held) override {
    changes.push_back(member.nick() + " left (" + std::string(why) + ") " +
                      std::to_string(held.count()));
  }
  bool share_topic(std::string_view, std::string_view, std::string_view) override {
    return reaches;
  }
  bool share_kick(std::string_view, std::string_view, Member& who, std::string_view) override {
    if (reaches) changes.push_back("kick " + who.nick());
    return reaches;
  }
  bool share_mute(Member& who, bool muted) override {
    if (reaches) changes.push_back((muted ? "mute " : "unmute ") + who.nick());
    return reaches;
  }

  bool takes = true;
  bool reaches = true;
  std::string news;
  Lines said;
  Lines changes;
};

struct Chat {
  Chat() : store(clock, {}), hub(rules(), clock, store, bus, [] {}) { peers.start(hub); }
  static Rules rules() {
    Rules rules;
    rules.operator_password = "x";
    return rules;
  }
  StillClock clock;
  MemoryStore store;
  TestBus bus;
  Hub hub;
  Lines passed_on;
  RedisPeers peers{[this](const Message& message, const Member& from, const RedisKey& to,
                          std::string_view nick) {
    passed_on.push_back(from.nick() + " to " + std::string(nick) + " (" + to.first + " " +
                        std::to_string(to.second) + "): " + message.text);
  }};
};

class Somebody final : public Member {
 public:
  explicit Somebody(Chat& chat) : hub_(chat.hub) {
    hub_.enter(*this);
    REQUIRE(hub_.join(*this, "#lobby") == Refusal::kNone);
    heard.clear();
  }
  ~Somebody() override { hub_.leave(*this, "gone", Hub::Leave::kForGood); }
  Delivery hear(const Event& event, Encodings&) override {
    std::string line = line_text(event, LineStyle::kHere, *this);
    line.resize(line.size() - 2);
    heard.push_back(std::move(line));
    return Delivery::kTaken;
  }
  void hear_joined(const Room&, const Page&, Replay) override {}
  void hear_history(const Room&, const HistoryQuestion&, const Page&) override {}
  void hear_kept(const Message&, std::string_view, bool) override {}
  void show_out(std::string_view) override {}
  Place place() const override { return {.address = "here", .door = "test"}; }
  Lines take() { return std::exchange(heard, {}); }
  Lines heard;

 private:
  Hub& hub_;
};

const RedisPeers::Key kEve{"0123456789abcdef", 1};

RedisRecord record(const char* nick, std::vector<std::string> rooms) {
  return {.nick = nick,
          .door = "web",
          .port = 8090,
          .address = "10.0.0.7:5",
          .host = "box",
          .rooms = std::move(rooms)};
}

}  // namespace

TEST_CASE("a member of another process comes, changes and goes as the bus says", "[chat][redis]") {
  Chat chat;
  Somebody ann(chat);
  chat.peers.set(kEve, record("Eve", {"#lobby"}), {});
  CHECK(ann.take() == Lines{"* Eve joined (10.0.0.7:5, web door 8090 of box)"});
  chat.peers.set(kEve, record("Eve", {"#lobby"}), {});  // the same again
  CHECK(ann.take().empty());
  chat.peers.set(kEve, record("Evelyn", {"#lobby", "#lab"}), {});
  CHECK(ann.take() == Lines{"* Eve is now Evelyn"});
  CHECK(chat.hub.find_room("#lab") != nullptr);
  chat.peers.set(kEve, record("Evelyn", {"#lab"}), "lunch");
  CHECK(ann.take() == Lines{"* Evelyn left #lobby (lunch)"});
  CHECK(chat.hub.find("evelyn") != nullptr);
  chat.peers.gone(kEve, "quit");
  CHECK(chat.hub.find("evelyn") == nullptr);
  CHECK(chat.hub.find_room("#lab") == nullptr);
  CHECK(chat.bus.changes == Lines{"guest-1 in 0", "guest-1 in 1"});  // nothing of the other's
}

TEST_CASE("whoever leaves on another server has left, however long the reason is there",
          "[chat][redis]") {
  Chat chat;
  Somebody ann(chat);
  chat.peers.set(kEve, record("Eve", {"#lobby"}), {});
  ann.take();
  chat.peers.set(kEve, record("Eve", {}), std::string(Chat::rules().line_bytes + 1, 'x'));
  CHECK(ann.take() == Lines{"* Eve left #lobby"});
}

TEST_CASE("what a muted member gives as its reason is not for the other servers either",
          "[chat][redis]") {
  Chat chat;
  Somebody ann(chat), bob(chat);
  REQUIRE(chat.hub.become_operator(ann, "x") == Refusal::kNone);
  REQUIRE(chat.hub.mute(ann, bob.nick(), Hub::Mute::kMute) == Refusal::kNone);
  chat.bus.changes.clear();
  CHECK(chat.hub.part(bob, "#lobby", "a last word") == Refusal::kNone);
  CHECK(chat.bus.changes == Lines{bob.nick() + " in 0"});
}

TEST_CASE("a process that is lost takes its members along, and only those", "[chat][redis]") {
  Chat chat;
  Somebody ann(chat);
  const RedisPeers::Key other{"fedcba9876543210", 1};
  chat.peers.set(kEve, record("Eve", {"#lobby"}), {});
  chat.peers.set({kEve.first, 2}, record("Bob", {"#lobby"}), {});
  chat.peers.set(other, record("Cid", {"#lobby"}), {});
  ann.take();
  chat.peers.lost(kEve.first, "its server is gone");
  CHECK(ann.take().size() == 2);
  CHECK(chat.peers.size() == 1);
  chat.peers.keep({other});
  CHECK(ann.take().empty());
  chat.peers.keep({});
  CHECK(ann.take() == Lines{"* Cid left (left)"});
}

TEST_CASE("a name that was given to another process is lost here", "[chat][redis]") {
  Chat chat;
  Somebody ann(chat);
  REQUIRE(chat.hub.rename(ann, "Ann") == Refusal::kNone);
  ann.take();
  chat.peers.set(kEve, record("aNN", {"#lobby"}), {});
  CHECK(ann.nick() == "guest-2");
  CHECK(ann.take() == Lines{"* somebody on another server of this chat is called Ann: you have "
                            "another name now",
                            "* Ann is now guest-2",
                            "* aNN joined (10.0.0.7:5, web door 8090 of box)"});
  // And what a guest is called elsewhere no guest is called here.
  chat.peers.set({kEve.first, 2}, record("guest-3", {}), {});
  Somebody bob(chat);
  CHECK(bob.nick() == "guest-4");
}

TEST_CASE("what is for a member of another process is passed on, or refused", "[chat][redis]") {
  Chat chat;
  Somebody ann(chat);
  chat.peers.set(kEve, record("Eve", {"#lobby"}), {});
  ann.take();
  CHECK(chat.hub.whisper(ann, "eve", Message::Kind::kSay, "psst") == Refusal::kNone);
  CHECK(chat.passed_on == Lines{"guest-1 to Eve (0123456789abcdef 1): psst"});
  CHECK(ann.take() == Lines{"[you to Eve] psst"});
  chat.hub.become_operator(ann, "x");
  CHECK(chat.hub.mute(ann, "Eve", Hub::Mute::kMute) == Refusal::kNone);
  CHECK(chat.bus.changes.back() == "mute Eve");
  chat.hub.set_topic(ann, "#lobby", "shared");
  CHECK(chat.hub.find_room("#lobby")->topic.empty());  // until it comes back
  chat.bus.reaches = false;
  CHECK(chat.hub.whisper(ann, "eve", Message::Kind::kSay, "psst") == Refusal::kOutOfReach);
  CHECK(chat.hub.mute(ann, "Eve", Hub::Mute::kMute) == Refusal::kOutOfReach);
  chat.hub.set_topic(ann, "#lobby", "here only");
  CHECK(chat.hub.find_room("#lobby")->topic == "here only");
  CHECK(chat.passed_on.size() == 1);
  chat.hub.deliver({.nick = "Eve", .text = "hello"}, ann);
  CHECK(ann.heard.back() == "[Eve to you] hello");
}

TEST_CASE("a member of another process is kicked by all processes or by none", "[chat][redis]") {
  Chat chat;
  Somebody ann(chat), bob(chat);
  chat.peers.set(kEve, record("Eve", {"#lobby"}), {});
  chat.hub.become_operator(ann, "x");
  CHECK(chat.hub.kick(ann, "#lobby", "Eve", "noise") == Refusal::kNone);
  CHECK(chat.bus.changes.back() == "kick Eve");
  const Member* eve = chat.hub.find("Eve");
  REQUIRE(eve != nullptr);
  CHECK(eve->rooms().size() == 1);  // until it comes back
  chat.bus.reaches = false;
  ann.take();
  CHECK(chat.hub.kick(ann, "#lobby", "Eve", "noise") == Refusal::kOutOfReach);
  CHECK(eve->rooms().size() == 1);
  CHECK(ann.take().empty());
  CHECK(chat.hub.kick(ann, "#lobby", bob.nick(), "noise") == Refusal::kNone);
  CHECK(bob.rooms().empty());
}

TEST_CASE("a member of another process is found by its number, whatever its name",
          "[chat][redis]") {
  Chat chat;
  chat.peers.set(kEve, record("Eve", {"#lobby"}), {});
  chat.peers.set({kEve.first, 2}, record("Bob", {"#lobby"}), {});
  Member* eve = chat.peers.find(kEve);
  REQUIRE(eve != nullptr);
  CHECK(RedisPeers::key(*eve) == kEve);
  chat.peers.set(kEve, record("Evelyn", {"#lobby"}), {});
  chat.peers.set({kEve.first, 2}, record("Eve", {"#lobby"}), {});
  CHECK(chat.peers.find(kEve) == eve);
  CHECK(eve->nick() == "Evelyn");
  chat.peers.gone(kEve, "left");
  CHECK(chat.peers.find(kEve) == nullptr);
}

TEST_CASE("a bus that is full takes nothing, and newcomers hear its news", "[chat][redis]") {
  Chat chat;
  chat.bus.news = "apart";
  Somebody first(chat);
  chat.bus.takes = false;
  CHECK(chat.hub.say(first, "#lobby", Message::Kind::kSay, "x") == Refusal::kTooMuchWaits);
  CHECK(chat.bus.said.empty());
  REQUIRE(chat.hub.join(first, "#lab") == Refusal::kNone);
  CHECK(first.heard.empty());  // it knows
  first.take();
  chat.hub.part(first, "#lab", "bye");
  CHECK(chat.bus.changes.back() == "guest-1 in 1 (bye)");
  chat.hub.leave(first, "quit", Hub::Leave::kForGood);
  CHECK(chat.bus.changes.back() == "guest-1 left (quit) 0");
}
