// What a member sees of its own message with a store that is slow or fails.
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "services/chat/hub.h"
#include "services/chat/local_bus.h"
#include "tests/support/catch.h"

using namespace polyport::services::chat;
using Lines = std::vector<std::string>;

namespace {

class StillClock final : public Clock {
 public:
  std::uint64_t steady_ms() const override { return 1'000; }
  std::uint64_t wall_ms() const override { return 1'700'000'000'000; }
};

// Keeps when it is told to.
class LateStore final : public Store {
 public:
  explicit LateStore(bool sender_waits) : sender_waits_(sender_waits) {}
  bool sender_waits() const override { return sender_waits_; }
  void append(const Message&, std::function<void(bool)> kept) override {
    waiting.push_back(std::move(kept));
  }
  void read(const HistoryQuestion&, std::function<void(Page)> answer) override { answer({}); }
  void answer(bool kept) {
    const auto first = std::move(waiting.front());
    waiting.pop_front();
    first(kept);
  }

  std::deque<std::function<void(bool)>> waiting;

 private:
  const bool sender_waits_;
};

class Somebody final : public Member {
 public:
  explicit Somebody(Hub& hub) : hub_(hub) {
    hub_.enter(*this);
    REQUIRE(hub_.join(*this, "#lobby") == Refusal::kNone);
    heard.clear();
  }
  ~Somebody() override { hub_.leave(*this, "gone", Hub::Leave::kForGood); }
  Delivery hear(const Event& event, Encodings&) override {
    if (event.kind == Event::Kind::kMessage) {
      heard.emplace_back(event.message->text);
      last_id = event.id;
    }
    return Delivery::kTaken;
  }
  void hear_joined(const Room&, const Page&, Replay) override {}
  void hear_history(const Room&, const HistoryQuestion&, const Page&) override {}
  void hear_kept(const Message& message, std::string_view reference, bool kept) override {
    heard.push_back(std::string(reference) + (kept ? " kept " : " lost ") + message.text);
  }
  void show_out(std::string_view) override {}
  Place place() const override { return {}; }

  Lines take() { return std::exchange(heard, {}); }
  Lines heard;
  MessageId last_id;

 private:
  Hub& hub_;
};

struct Chat {
  explicit Chat(bool sender_waits)
      : store(sender_waits), hub(Rules(), clock, store, bus, [] {}), ann(hub), bob(hub) {
    ann.take();
  }
  void say(const char* text, const char* reference = "") {
    REQUIRE(hub.say(ann, "#lobby", Message::Kind::kSay, text, reference) == Refusal::kNone);
  }
  StillClock clock;
  LateStore store;
  LocalBus bus;
  Hub hub;
  Somebody ann, bob;
};

}  // namespace

TEST_CASE("a member sees its message at once and hears later that it is kept", "[chat][history]") {
  Chat chat(false);
  chat.say("one", "r1");
  chat.say("two");
  CHECK(chat.bob.take() == Lines{"one", "two"});
  CHECK(chat.ann.take() == Lines{"one", "two"});
  chat.store.answer(true);
  chat.store.answer(true);
  CHECK(chat.ann.take() == Lines{"r1 kept one"});  // who did not ask is not told
  CHECK(chat.bob.take().empty());
}

TEST_CASE("where history is durable a member sees its message once it is kept, others at once",
          "[chat][history]") {
  Chat chat(true);
  chat.say("one", "r1");
  chat.say("two");
  CHECK(chat.bob.take() == Lines{"one", "two"});
  CHECK(chat.ann.take().empty());
  chat.store.answer(true);
  CHECK(chat.ann.take() == Lines{"one", "r1 kept one"});
  chat.store.answer(true);
  CHECK(chat.ann.take() == Lines{"two"});
}

TEST_CASE("a member hears that its message is not kept, whether it asked or not",
          "[chat][history]") {
  for (const bool sender_waits : {false, true}) {
    Chat chat(sender_waits);
    chat.say("one", "r1");
    chat.say("two");
    CHECK(chat.bob.take() == Lines{"one", "two"});
    if (!sender_waits) CHECK(chat.ann.take() == Lines{"one", "two"});
    chat.store.answer(false);
    chat.store.answer(false);
    CHECK(chat.ann.take() == (sender_waits ? Lines{"one", "r1 lost one", "two", " lost two"}
                                           : Lines{"r1 lost one", " lost two"}));
    CHECK(chat.bob.take().empty());
  }
}

TEST_CASE("who has gone, or left the room, is not told what became of its message",
          "[chat][history]") {
  Chat chat(true);
  chat.say("one", "r1");
  chat.say("two", "r2");
  chat.hub.part(chat.ann, "#lobby", "");
  chat.store.answer(true);
  CHECK(chat.ann.take() == Lines{"r1 kept one"});
  chat.hub.leave(chat.ann, "gone", Hub::Leave::kForGood);
  chat.store.answer(true);
  CHECK(chat.ann.take().empty());
}

TEST_CASE("ids begin above the one that the bus is told", "[chat][history]") {
  Chat chat(false);
  chat.bus.start_after({1'900'000'000'000, 7});
  chat.say("one");
  CHECK(chat.bob.last_id == MessageId{1'900'000'000'000, 8});
  chat.bus.start_after({5, 0});  // never back
  chat.say("two");
  CHECK(chat.bob.last_id == MessageId{1'900'000'000'000, 9});
}
