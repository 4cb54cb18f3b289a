// The chat's rooms without any socket: names, order, history, flood, operators, who comes back, and
// members that do not read.
#include <memory>
#include <vector>

#include "services/chat/hub.h"
#include "services/chat/line_text.h"
#include "services/chat/local_bus.h"
#include "services/chat/memory_store.h"
#include "tests/support/catch.h"

using polyport::Payload;
using namespace polyport::services::chat;
using Lines = std::vector<std::string>;

namespace {

class TestClock final : public Clock {
 public:
  std::uint64_t steady_ms() const override { return now; }
  std::uint64_t wall_ms() const override { return 1'700'000'000'000 + now; }
  std::uint64_t now = 1'000'000;
};

// A chat with nobody in it.
struct Chat {
  explicit Chat(const Rules& rules = {}, const MemoryStore::Limits& limits = {})
      : store(clock, limits), hub(rules, clock, store, bus, [this] { ++wakes; }) {}
  TestClock clock;
  MemoryStore store;
  LocalBus bus;
  int wakes = 0;
  Hub hub;
};

class Somebody final : public Member {
 public:
  explicit Somebody(Chat& chat, const char* room = "#lobby") : hub_(chat.hub) {
    hub_.enter(*this);
    if (room != nullptr) REQUIRE(hub_.join(*this, room) == Refusal::kNone);
    take();
  }
  ~Somebody() override { hub_.leave(*this, "gone", Hub::Leave::kForGood); }

  Delivery hear(const Event& event, Encodings& encodings) override {
    if (slow) return Delivery::kTooSlow;
    const Payload& text = encodings.payload(Encodings::kLineHere, [&] {
      return Payload::copy(line_text(event, LineStyle::kHere, *this));
    });
    last_address = text.bytes().data();
    if (event.kind == Event::Kind::kMessage) ids.push_back(event.id);
    add(std::string(text.bytes()));
    return Delivery::kTaken;
  }
  void hear_joined(const Room& room, const Page& page, Replay replay) override {
    add("in " + room.name);
    hear_page(page);
    if (replay == Replay::kMissed) add(page.more ? "and more" : "all");
  }
  void hear_history(const Room&, const HistoryQuestion&, const Page& page) override {
    hear_page(page);
  }
  void hear_kept(const Message& message, std::string_view reference, bool kept) override {
    add(std::string(reference) + (kept ? " kept " : " lost ") + message.id.text());
  }
  void show_out(std::string_view text) override { add("out: " + std::string(text)); }
  Place place() const override { return {.address = "here", .door = "test"}; }

  Lines take() { return std::exchange(heard, {}); }

  Lines heard;
  std::vector<MessageId> ids;
  const char* last_address = nullptr;
  bool slow = false;

 private:
  void add(std::string line) {
    if (line.ends_with("\r\n")) line.resize(line.size() - 2);
    heard.push_back(std::move(line));
  }
  void hear_page(const Page& page) {
    for (const Message& message : page.messages)
      add(line_text(message, LineStyle::kHere));
  }

  Hub& hub_;
};

Refusal say(Chat& chat, Somebody& who, const char* text, const char* room = "#lobby") {
  return chat.hub.say(who, room, Message::Kind::kSay, text);
}

}  // namespace

TEST_CASE("the chat gives guest names and tells the others who came and went", "[chat]") {
  Chat chat;
  Somebody first(chat);
  CHECK(first.nick() == "guest-1");
  {
    Somebody second(chat);
    CHECK(second.nick() == "guest-2");
    CHECK(first.take() == Lines{"* guest-2 joined (here, test door)"});
    chat.hub.leave(second, "quit", Hub::Leave::kForGood);
    CHECK_FALSE(second.in_hub());
    CHECK(second.heard.empty());
  }
  CHECK(first.take() == Lines{"* guest-2 left (quit)"});  // once, though it left twice
  CHECK(chat.hub.size() == 1);
  Somebody third(chat);
  CHECK(third.nick() == "guest-3");
}

TEST_CASE("the chat tells everybody the same bytes in the same order", "[chat]") {
  Chat chat;
  Somebody first(chat), second(chat);
  first.take();
  CHECK(say(chat, first, "hello") == Refusal::kNone);
  CHECK(first.last_address == second.last_address);
  chat.hub.say(second, "#lobby", Message::Kind::kAct, "waves");
  say(chat, second, "hi");
  const Lines said{"guest-1: hello", "* guest-2 waves", "guest-2: hi"};
  CHECK(first.heard == said);
  CHECK(second.heard == said);
}

TEST_CASE("ids of messages rise, whatever the clock does", "[chat]") {
  Chat chat;
  Somebody first(chat);
  for (const std::uint64_t now : {5'000u, 5'000u, 4'000u, 1u, 6'000u}) {
    chat.clock.now = now;
    say(chat, first, "x");
  }
  REQUIRE(first.ids.size() == 5);
  for (std::size_t i = 1; i < first.ids.size(); ++i)
    CHECK(first.ids[i - 1] < first.ids[i]);
  CHECK(first.ids.front().text() == "1700000005000-0");
  CHECK(first.ids[2].text() == "1700000005000-2");
  CHECK(MessageId::parse("1700000005000-2") == first.ids[2]);
  CHECK(MessageId::parse("local-3") == MessageId::provisional(3));
  CHECK(MessageId::provisional(3).text() == "local-3");
  for (const char* bad : {"", "-", "1", "1-", "-1", "0-1", "1-x", "local-", "local-0", "1-2-3"})
    CHECK_FALSE(MessageId::parse(bad));
}

TEST_CASE("whoever asked for it hears under which id a message is kept", "[chat]") {
  Chat chat;
  Somebody first(chat), second(chat);
  first.take();
  chat.hub.say(first, "#lobby", Message::Kind::kSay, "hello", "my-1");
  CHECK(first.heard.size() == 2);
  CHECK(first.heard.back() == "my-1 kept " + first.ids.front().text());
  CHECK(second.heard == Lines{"guest-1: hello"});
}

TEST_CASE("the chat replays the last messages, and only those", "[chat]") {
  Chat chat(Rules{.history_lines = 3});
  Somebody first(chat);
  for (const char* text : {"a", "b", "c", "d"})
    say(chat, first, text);
  Somebody second(chat, nullptr);
  chat.hub.join(second, "#lobby");
  CHECK(second.heard == Lines{"in #lobby", "guest-1: b", "guest-1: c", "guest-1: d"});
}

TEST_CASE("who comes back hears what was said since", "[chat]") {
  Chat chat(Rules{.history_lines = 2});
  Somebody first(chat);
  for (const char* text : {"a", "b", "c", "d", "e"})
    say(chat, first, text);
  Somebody second(chat, nullptr);
  chat.hub.join(second, "#lobby", first.ids[1]);
  CHECK(second.heard == Lines{"in #lobby", "guest-1: c", "guest-1: d", "guest-1: e", "all"});
}

TEST_CASE("history is asked for page by page, from inside the room", "[chat]") {
  Chat chat;
  Somebody first(chat), outside(chat, "#lab");
  for (const char* text : {"a", "b", "c", "d"})
    say(chat, first, text);
  first.take();
  const HistoryQuestion before{
      .room = "#Lobby", .which = HistoryQuestion::Which::kBefore, .id = first.ids[3], .most = 2};
  CHECK(chat.hub.ask_history(first, before) == Refusal::kNone);
  CHECK(first.heard == Lines{"guest-1: b", "guest-1: c"});
  CHECK(chat.hub.ask_history(outside, before) == Refusal::kNotInRoom);
}

TEST_CASE("history is bounded by messages, by age, by rooms and by bytes", "[chat]") {
  TestClock clock;
  const auto count = [](MemoryStore& store, const char* room) {
    std::size_t found = 0;
    store.read({.room = room, .most = 1000},
               [&](const Page& page) { found = page.messages.size(); });
    return found;
  };
  const auto fill = [&](MemoryStore& store, const char* room, int messages) {
    for (int i = 0; i < messages; ++i) {
      const std::uint64_t now = ++clock.now;
      store.append({.id = {now, 0},
                    .time_ms = clock.wall_ms(),
                    .room = room,
                    .nick = "ann",
                    .text = std::string(100, 'x')},
                   {});
    }
  };
  SECTION("messages") {
    MemoryStore store(clock, {.messages = 3});
    fill(store, "#lab", 10);
    CHECK(count(store, "#LAB") == 3);
  }
  SECTION("age") {
    MemoryStore store(clock, {.age_ms = 1000});
    fill(store, "#lab", 1);
    clock.now += 1000;
    CHECK(count(store, "#lab") == 1);
    clock.now += 1;
    CHECK(count(store, "#lab") == 0);
    CHECK(store.bytes() == 0);
  }
  SECTION("rooms") {
    MemoryStore store(clock, {.rooms = 2});
    fill(store, "#a", 5);
    fill(store, "#b", 5);
    fill(store, "#a", 1);
    fill(store, "#c", 1);
    CHECK(count(store, "#a") == 6);
    CHECK(count(store, "#b") == 0);
    CHECK(count(store, "#c") == 1);
  }
  SECTION("bytes") {
    MemoryStore store(clock, {.bytes = 64 * 1024});
    fill(store, "#a", 100);
    fill(store, "#b", 1000);
    CHECK(store.bytes() <= 64 * 1024);
    CHECK(count(store, "#a") == 0);
    CHECK(count(store, "#b") > 100);
  }
  SECTION("none at all") {
    MemoryStore store(clock, {.messages = 0});
    fill(store, "#a", 2);
    CHECK(count(store, "#a") == 0);
  }
}

TEST_CASE("a chat name is unique without regard to case and to what looks alike", "[chat]") {
  Chat chat;
  Hub& hub = chat.hub;
  Somebody first(chat), second(chat);
  first.take();
  CHECK(hub.rename(first, "Ann") == Refusal::kNone);
  CHECK(second.take() == Lines{"* guest-1 is now Ann"});
  CHECK(first.take() == Lines{"* guest-1 is now Ann"});
  CHECK(hub.rename(second, "aNN") == Refusal::kNickTaken);
  CHECK(second.nick() == "guest-2");
  CHECK(hub.rename(first, "ANN") == Refusal::kNone);  // its own, written otherwise
  first.take();
  CHECK(hub.rename(first, "ANN") == Refusal::kNone);
  CHECK(first.heard.empty());  // nothing has changed
  CHECK(hub.rename(first, "Bill-mod") == Refusal::kNone);
  for (const char* alike : {"BiII-mod", "B1ll_mod", "blll-rnod", "bill-m0d"})
    CHECK(hub.rename(second, alike) == Refusal::kNickLooksTaken);
  CHECK(hub.rename(second, "Bell-mod") == Refusal::kNone);
  CHECK(hub.find("bill-MOD") == &first);
  CHECK(hub.find("BiII-mod") == nullptr);
}

TEST_CASE("a chat name is short, plain and nobody's guest name", "[chat]") {
  Chat chat;
  Hub& hub = chat.hub;
  Somebody first(chat), second(chat);
  CHECK(hub.rename(first, std::string(20, 'a')) == Refusal::kNone);
  CHECK(hub.rename(first, "x-1_Y") == Refusal::kNone);
  for (const auto& nick : {std::string(21, 'a'), std::string(), std::string("1st"),
                           std::string("a b"), std::string("J\xc3\xb6rg"), std::string("a\x1b[2J"),
                           std::string("a:"), std::string("-a")}) {
    CAPTURE(nick);
    CHECK(hub.rename(first, nick) == Refusal::kNickNotLegal);
  }
  for (const char* reserved : {"guest-1", "GUEST-77", "guest-l", "guest_1O", "gue5t-1x"}) {
    const bool is_guest = std::string_view(reserved) != "gue5t-1x";
    CHECK((hub.rename(first, reserved) == Refusal::kNickReserved) == is_guest);
  }
  CHECK(hub.rename(first, "guest-2") == Refusal::kNickTaken);
  CHECK(hub.rename(first, "guest-x") == Refusal::kNone);
  CHECK(hub.rename(second, "Guest-2") == Refusal::kNone);
}

TEST_CASE("a chat message to one member reaches that one", "[chat]") {
  Chat chat;
  Somebody first(chat), second(chat), third(chat);
  first.take(), second.take();
  const auto whisper = [&](Somebody& from, const char* to) {
    return chat.hub.whisper(from, to, Message::Kind::kSay, "psst");
  };
  CHECK(whisper(first, "GUEST-2") == Refusal::kNone);
  CHECK(second.heard.size() == 1);
  CHECK(first.heard == Lines{"[you to guest-2] psst"});
  CHECK(third.heard.empty());
  CHECK(whisper(first, "nobody") == Refusal::kNobody);
  Somebody fourth(chat);
  CHECK(fourth.heard.empty());  // history keeps no whispers
}

TEST_CASE("rooms are apart, and end with their last member", "[chat]") {
  Chat chat(Rules{.rooms = 3, .rooms_of_a_member = 2, .members_of_a_room = 2});
  Hub& hub = chat.hub;
  Somebody first(chat), second(chat);
  CHECK(hub.join(first, "#Lab") == Refusal::kNone);
  CHECK(hub.join(first, "#lab") == Refusal::kNone);  // is in it
  CHECK(first.rooms().size() == 2);
  first.take(), second.take();
  CHECK(say(chat, first, "hi", "#lab") == Refusal::kNone);
  CHECK(first.take() == Lines{"guest-1: hi"});
  CHECK(second.heard.empty());
  CHECK(say(chat, second, "hi", "#lab") == Refusal::kNotInRoom);
  CHECK(hub.join(first, "#more") == Refusal::kTooManyRoomsOfMember);
  for (const char* bad : {"", "#", "lab", "#a b", "#\xc3\xa4", "#a\x07"})
    CHECK(hub.join(second, bad) == Refusal::kRoomNotLegal);
  CHECK(hub.join(second, "#" + std::string(32, 'a')) == Refusal::kRoomNotLegal);
  CHECK(hub.join(second, "#third") == Refusal::kNone);
  Somebody third(chat, nullptr);
  CHECK(hub.join(third, "#fourth") == Refusal::kTooManyRooms);
  CHECK(hub.join(third, "#lobby") == Refusal::kRoomFull);
  CHECK(hub.part(second, "#third", std::string(5'000, 'x')) == Refusal::kTooLong);
  CHECK(hub.part(second, "#THIRD", "bye") == Refusal::kNone);
  CHECK(hub.part(second, "#third", "bye") == Refusal::kNotInRoom);
  CHECK(hub.room_count() == 2);
  CHECK(hub.join(third, "#fourth") == Refusal::kNone);
}

TEST_CASE("who shares several rooms hears once that somebody left or has another name", "[chat]") {
  Chat chat;
  Somebody first(chat), second(chat);
  for (Somebody* who : {&first, &second})
    chat.hub.join(*who, "#lab");
  first.take();
  chat.hub.rename(second, "Bob");
  CHECK(first.take() == Lines{"* guest-2 is now Bob"});
  chat.hub.leave(second, "quit", Hub::Leave::kForGood);
  CHECK(first.take() == Lines{"* Bob left (quit)"});
}

TEST_CASE("a large room hears in sum who came and left", "[chat]") {
  Chat chat(Rules{.presence_limit = 3});
  std::vector<std::unique_ptr<Somebody>> everybody;
  for (int i = 0; i < 50; ++i)
    everybody.push_back(std::make_unique<Somebody>(chat));
  Somebody& first = *everybody.front();
  CHECK(first.take() ==
        Lines{"* guest-2 joined (here, test door)", "* guest-3 joined (here, test door)"});
  everybody.pop_back();
  chat.hub.part(*everybody.back(), "#lobby", {});
  chat.hub.rename(*everybody[1], "Bob");
  CHECK(first.heard.empty());
  CHECK(chat.wakes == 1);
  chat.hub.tick();
  CHECK(first.take() == Lines{"* 47 came and 2 left: 48 are in #lobby"});
  chat.hub.tick();
  CHECK(first.heard.empty());
  say(chat, *everybody[1], "hi");  // what is said reaches everybody all the same
  CHECK(first.take() == Lines{"Bob: hi"});
}

TEST_CASE("who comes and goes without end does not fill the queues of a small room", "[chat]") {
  Chat chat;
  Somebody ann(chat), bob(chat);
  ann.take(), bob.take();
  for (int i = 0; i < 1000; ++i)
    const Somebody passing(chat);
  CHECK(ann.heard.size() < 110);  // and not 2,000
  CHECK(ann.take() == bob.take());
  chat.hub.tick();
  const Lines sum = ann.take();
  REQUIRE(sum.size() == 1);
  CHECK(sum.front().ends_with(" left: 2 are in #lobby"));
  // A while later each is told by itself again.
  chat.clock.now += 5'000;
  { const Somebody passing(chat); }
  CHECK(ann.take() == Lines{"* guest-1003 joined (here, test door)", "* guest-1003 left (gone)"});
}

TEST_CASE("the chat lets five lines through at once and then two a second", "[chat]") {
  Chat chat(Rules{.talk = {.burst = 5, .per_second = 2}});
  Somebody first(chat), second(chat);
  const auto charge = [&](Somebody& who) { return chat.hub.charge(who, Hub::Cost::kTalk); };
  for (int i = 0; i < 5; ++i)
    CHECK(charge(first) == Hub::Flood::kFine);
  CHECK(charge(first) == Hub::Flood::kTold);
  CHECK(charge(first) == Hub::Flood::kSilent);
  CHECK(charge(second) == Hub::Flood::kFine);  // one member's flood is nobody else's
  chat.clock.now += 499;
  CHECK(charge(first) == Hub::Flood::kSilent);
  chat.clock.now += 1;
  CHECK(charge(first) == Hub::Flood::kFine);
  CHECK(charge(first) == Hub::Flood::kTold);  // told again after something was fine
  chat.clock.now += 3'600'000;                // an hour later it is five again, not 7,200
  for (int i = 0; i < 5; ++i)
    CHECK(charge(first) == Hub::Flood::kFine);
  CHECK(charge(first) == Hub::Flood::kTold);
  for (int i = 0; i < 20; ++i)  // questions are counted by themselves
    CHECK(chat.hub.charge(first, Hub::Cost::kAsk) == Hub::Flood::kFine);
  CHECK(chat.hub.charge(first, Hub::Cost::kAsk) != Hub::Flood::kFine);
}

TEST_CASE("the chat shows out who does not read and tells the others why", "[chat]") {
  Chat chat;
  Somebody first(chat), second(chat), third(chat), fourth(chat);
  second.slow = fourth.slow = true;
  first.take(), third.take();
  say(chat, first, "hello");
  REQUIRE(first.heard.size() == 3);
  CHECK(first.heard.front() == "guest-1: hello");
  CHECK(std::count(first.heard.begin(), first.heard.end(), "* guest-2 left (too slow)") == 1);
  CHECK(std::count(first.heard.begin(), first.heard.end(), "* guest-4 left (too slow)") == 1);
  CHECK(third.heard == first.heard);
  CHECK_FALSE(second.in_hub());
  CHECK_FALSE(fourth.in_hub());
  CHECK(chat.hub.size() == 2);
}

TEST_CASE("a chat room in which nobody reads is empty in the end", "[chat]") {
  Chat chat(Rules{.presence_limit = 1000});
  std::vector<std::unique_ptr<Somebody>> everybody;
  for (int i = 0; i < 300; ++i)
    everybody.push_back(std::make_unique<Somebody>(chat));
  for (auto& somebody : everybody)
    chat.hub.join(*somebody, "#lab");
  chat.hub.tick();  // so many at once are told in sum
  chat.clock.now += 60'000;
  for (auto& somebody : everybody)
    somebody->slow = true;
  SECTION("by a message") {
    say(chat, *everybody.front(), "hello");
  }
  SECTION("by a topic") {
    chat.hub.set_topic(*everybody.front(), "#lobby", "hello");
  }
  SECTION("by somebody who parts") {
    chat.hub.part(*everybody.front(), "#lobby", {});
    CHECK_FALSE(everybody.back()->in_hub());
  }
  SECTION("by somebody who leaves") {
    chat.hub.leave(*everybody.front(), "quit", Hub::Leave::kForGood);
  }
  CHECK(chat.hub.size() == 0);
  CHECK(chat.hub.room_count() == 1);  // where everybody begins
  CHECK(chat.hub.find_room("#lobby")->members.empty());
}

TEST_CASE("a member who is cut off finds its name again by its token", "[chat]") {
  Chat chat(Rules{.nick_hold = std::chrono::milliseconds(10'000), .operator_password = "secret"});
  Hub& hub = chat.hub;
  Somebody other(chat);
  auto first = std::make_unique<Somebody>(chat);
  REQUIRE(hub.rename(*first, "Ann") == Refusal::kNone);
  REQUIRE(hub.become_operator(*first, "secret") == Refusal::kNone);
  const std::string token = hub.token(*first);
  SECTION("in time") {
    hub.leave(*first, "reset", Hub::Leave::kMayComeBack);
    CHECK(hub.rename(other, "Ann") == Refusal::kNickHeld);
    CHECK(hub.rename(other, "ANN") == Refusal::kNickHeld);
    Somebody again(chat, nullptr);
    CHECK_FALSE(hub.resume(again, token + "0"));
    CHECK_FALSE(hub.resume(again, "2-" + std::string(32, '0')));
    CHECK(hub.resume(again, token));
    CHECK(again.nick() == "Ann");
    CHECK(again.is_operator());
    CHECK(hub.token(again) == token);
    Somebody thief(chat, nullptr);
    CHECK(hub.resume(thief, token));  // whoever has the token is that member: the other one goes
    CHECK_FALSE(again.in_hub());
  }
  SECTION("while the old connection is still there") {
    first->take();
    Somebody again(chat);
    other.take();
    CHECK(hub.resume(again, token));
    CHECK_FALSE(first->in_hub());
    CHECK(first->heard.back().starts_with("out: you came back"));
    CHECK(again.nick() == "Ann");
    CHECK(other.take() ==
          Lines{"* Ann left (came back through another connection)", "* guest-3 is now Ann"});
  }
  SECTION("too late") {
    hub.leave(*first, "reset", Hub::Leave::kMayComeBack);
    CHECK(chat.wakes == 1);
    chat.clock.now += 9'999;
    hub.tick();
    CHECK(hub.rename(other, "Ann") == Refusal::kNickHeld);
    chat.clock.now += 1;
    hub.tick();
    CHECK(hub.rename(other, "Ann") == Refusal::kNone);
    Somebody again(chat);
    CHECK_FALSE(hub.resume(again, token));
  }
  SECTION("never, having said goodbye") {
    hub.leave(*first, "quit", Hub::Leave::kForGood);
    CHECK(hub.rename(other, "Ann") == Refusal::kNone);
  }
}

TEST_CASE("names are not held without end", "[chat]") {
  Identities identities;
  for (std::uint64_t i = 1; i <= Identities::kMostHeld + 10; ++i)
    identities.hold(i, {.nick = "n-" + std::to_string(i)}, i);
  CHECK_FALSE(identities.holds("n-2"));
  CHECK(identities.take(Identities::kMostHeld).has_value());
  CHECK_FALSE(identities.take(10).has_value());
  identities.expire(Identities::kMostHeld + 10);
  CHECK(identities.empty());
}

TEST_CASE("an operator puts members out and mutes them", "[chat]") {
  Chat chat(Rules{.operator_password = "secret"});
  Hub& hub = chat.hub;
  Somebody boss(chat), first(chat), second(chat);
  CHECK(hub.kick(first, "#lobby", "guest-3", {}) == Refusal::kNotOperator);
  CHECK(hub.mute(first, "guest-3", Hub::Mute::kMute) == Refusal::kNotOperator);
  CHECK(hub.become_operator(boss, "Secret") == Refusal::kWrongPassword);
  CHECK(hub.charge(boss, Hub::Cost::kTalk) == Hub::Flood::kTold);  // guessing is slow
  CHECK(hub.become_operator(boss, "secret") == Refusal::kNone);
  first.take(), second.take();
  CHECK(hub.mute(boss, "guest-2", Hub::Mute::kMute) == Refusal::kNone);
  CHECK(say(chat, first, "x") == Refusal::kMuted);
  CHECK(hub.whisper(first, "guest-3", Message::Kind::kSay, "x") == Refusal::kMuted);
  CHECK(hub.set_topic(first, "#lobby", "x") == Refusal::kMuted);
  CHECK(hub.rename(first, "x") == Refusal::kMuted);
  CHECK(second.heard.empty());
  CHECK(hub.part(first, "#lobby", "and another thing") == Refusal::kNone);
  CHECK(hub.join(first, "#lobby") == Refusal::kNone);
  CHECK(second.take() == Lines{"* guest-2 left #lobby", "* guest-2 joined (here, test door)"});
  CHECK(hub.mute(boss, "guest-2", Hub::Mute::kUnmute) == Refusal::kNone);
  CHECK(say(chat, first, "y") == Refusal::kNone);
  CHECK(hub.kick(boss, "#lab", "guest-2", {}) == Refusal::kNoSuchRoom);
  CHECK(hub.kick(boss, "#lobby", "nobody", {}) == Refusal::kNobody);
  second.take();
  CHECK(hub.kick(boss, "#lobby", "guest-2", "loud") == Refusal::kNone);
  CHECK(second.take() == Lines{"* guest-1 put guest-2 out of #lobby (loud)"});
  CHECK(first.rooms().empty());
  CHECK(hub.kick(boss, "#lobby", "guest-2", {}) == Refusal::kNotThere);
  Chat without;
  Somebody nobody(without);
  CHECK(without.hub.become_operator(nobody, "") == Refusal::kNoOperators);
}

TEST_CASE("a chat that closes says so once and is empty", "[chat]") {
  Chat chat;
  Somebody first(chat), second(chat), third(chat);
  third.slow = true;
  first.take(), second.take();
  chat.hub.close("goodbye");
  CHECK(first.heard == Lines{"* goodbye"});
  CHECK(second.heard == Lines{"* goodbye"});
  CHECK(chat.hub.size() == 0);
  CHECK_FALSE(first.in_hub());
}
