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
  explicit LateStore(bool tells_when_kept) : tells_when_kept_(tells_when_kept) {}
  bool tells_when_kept() const override { return tells_when_kept_; }
  bool takes_more() const override { return !full; }
  void append(const Message& message, Kept kept) override {
    if (at_once) return kept(message, true);
    waiting.emplace_back(message, std::move(kept));
  }
  void read(const HistoryQuestion&, std::function<void(Page)> answer) override { answer({}); }
  void answer(bool is_kept) {
    const auto first = std::move(waiting.front());
    waiting.pop_front();
    first.second(first.first, is_kept);
  }

  std::deque<std::pair<Message, Kept>> waiting;
  bool at_once = false;
  bool full = false;

 private:
  const bool tells_when_kept_;
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
      last_from = event.from;
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
  const Member* last_from = nullptr;

 private:
  Hub& hub_;
};

struct Chat {
  explicit Chat(bool tells_when_kept)
      : store(tells_when_kept), hub(Rules(), clock, store, bus, [] {}), ann(hub), bob(hub) {
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

TEST_CASE("where history is durable nobody hears a message before it is kept", "[chat][history]") {
  Chat chat(true);
  chat.say("one", "r1");
  chat.say("two");
  CHECK(chat.bob.take().empty());
  CHECK(chat.ann.take().empty());
  chat.store.answer(true);
  CHECK(chat.bob.take() == Lines{"one"});
  CHECK(chat.ann.take() == Lines{"one", "r1 kept one"});
  chat.store.answer(true);
  CHECK(chat.bob.take() == Lines{"two"});
  CHECK(chat.ann.take() == Lines{"two"});
}

TEST_CASE("whoever has another name when its message is kept is still its sender",
          "[chat][history]") {
  Chat chat(true);
  chat.say("one");
  REQUIRE(chat.hub.rename(chat.ann, "Ann") == Refusal::kNone);
  chat.store.answer(true);
  CHECK(chat.ann.take() == Lines{"one"});
  CHECK(chat.ann.last_from == &chat.ann);
  CHECK(chat.bob.last_from == &chat.ann);
}

// As the ids of a chat of several processes do.
class LateBus final : public Bus {
 public:
  void publish(Message message, std::uint64_t ticket) override {
    waiting.emplace_back(std::move(message), ticket);
  }
  void deliver() {
    auto [message, ticket] = std::move(waiting.front());
    waiting.pop_front();
    message.id = {message.time_ms, ++last_};
    listener().on_message(message, ticket);
  }

  std::deque<std::pair<Message, std::uint64_t>> waiting;

 private:
  std::uint64_t last_ = 0;
};

TEST_CASE("whoever has another name when its message comes back is its sender, and nobody else is",
          "[chat][history]") {
  const StillClock clock;
  LateStore store(false);
  store.at_once = true;
  LateBus bus;
  Hub hub(Rules(), clock, store, bus, [] {});
  Somebody ann(hub), bob(hub);
  REQUIRE(hub.rename(ann, "Ann") == Refusal::kNone);
  REQUIRE(hub.say(ann, "#lobby", Message::Kind::kSay, "one", "r1") == Refusal::kNone);
  REQUIRE(hub.rename(ann, "Eve") == Refusal::kNone);
  REQUIRE(hub.rename(bob, "Ann") == Refusal::kNone);
  ann.take();
  bus.deliver();
  CHECK(ann.last_from == &ann);
  CHECK(bob.last_from == &ann);
  CHECK(ann.take() == Lines{"one", "r1 kept one"});
}

TEST_CASE("where history is durable and the disk too slow, nothing more is said",
          "[chat][history]") {
  Chat chat(true);
  chat.store.full = true;
  CHECK(chat.hub.say(chat.ann, "#lobby", Message::Kind::kSay, "one") == Refusal::kTooMuchWaits);
  CHECK(chat.store.waiting.empty());
  chat.store.full = false;
  chat.say("two");
  CHECK(chat.store.waiting.size() == 1);
}

TEST_CASE("a member hears that its message is not kept, whether it asked or not",
          "[chat][history]") {
  for (const bool tells_when_kept : {false, true}) {
    Chat chat(tells_when_kept);
    chat.say("one", "r1");
    chat.say("two");
    if (!tells_when_kept) CHECK(chat.ann.take() == Lines{"one", "two"});
    chat.store.answer(false);
    chat.store.answer(false);
    CHECK(chat.ann.take() == (tells_when_kept ? Lines{"one", "r1 lost one", "two", " lost two"}
                                              : Lines{"r1 lost one", " lost two"}));
    CHECK(chat.bob.take() == Lines{"one", "two"});
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
  CHECK(chat.bob.take() == Lines{"one"});
  chat.hub.leave(chat.ann, "gone", Hub::Leave::kForGood);
  chat.store.answer(true);
  CHECK(chat.ann.take().empty());
  CHECK(chat.bob.take() == Lines{"two"});  // said is said
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
