// The chat's history on its thread: what is answered when, what waits, and what a bad disk does.
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "core/loop/timer.h"
#include "services/chat/clock.h"
#include "services/chat/disk_store.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::services::chat;
using Which = HistoryQuestion::Which;
using Texts = std::vector<std::string>;

namespace {

constexpr std::uint64_t kNow = 1'700'000'000'000;

class TestClock final : public Clock {
 public:
  std::uint64_t steady_ms() const override { return now; }
  std::uint64_t wall_ms() const override { return kNow + now; }
  std::uint64_t now = 1'000'000;
};

// A folder, and a loop with at most one store on it.
class Desk {
 public:
  Desk() { path = ::mkdtemp(name_); }
  ~Desk() {
    store.reset();
    std::filesystem::remove_all(path);
  }
  void open(DiskStore::Settings settings = {}) {
    settings.file.path = path + "/chat.db";
    store.reset();
    auto opened =
        DiskStore::open(loop, clock, settings, [this](std::string_view text, const Error* error) {
          told.push_back((error != nullptr ? "bad: " : "good: ") + std::string(text));
        });
    if (!opened) FAIL(opened.error().text());
    store = std::move(*opened);
  }
  void say(std::uint64_t number, const std::string& room = "#lobby") {
    store->append(
        {.id = {kNow, number},
         .time_ms = kNow,
         .room = room,
         .nick = "ann",
         .text = std::to_string(number)},
        [this, number](const Message&, bool kept) { (kept ? kept_ : lost_).push_back(number); });
  }
  void say_all(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number)
      say(number);
  }
  // Until all that was said is kept or lost.
  void settle(std::size_t count) {
    REQUIRE(run_until([&] { return kept_.size() + lost_.size() >= count; }));
  }
  void ask(const HistoryQuestion& question) {
    answered = false;
    store->read(question, [this](const Page& page) {
      answered = true;
      more = page.more;
      texts.clear();
      for (const Message& message : page.messages)
        texts.push_back(message.text);
    });
  }
  Texts answer(const HistoryQuestion& question) {
    ask(question);
    REQUIRE(run_until([&] { return answered; }));
    return texts;
  }
  bool run_until(const std::function<bool()>& done) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    Timer tick(loop, [] {});
    tick.start_every(std::chrono::milliseconds(5));
    while (!done()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      loop.run_once();
    }
    return true;
  }

  Loop loop;
  TestClock clock;
  std::string path;
  std::unique_ptr<DiskStore> store;
  std::vector<std::uint64_t> kept_, lost_;
  Texts told, texts;
  bool answered = false, more = false;

 private:
  char name_[30] = "/tmp/polyport-test-XXXXXX";
};

Texts numbers(std::uint64_t first, std::uint64_t last) {
  Texts all;
  for (std::uint64_t number = first; number <= last; ++number)
    all.push_back(std::to_string(number));
  return all;
}

// Memory for a few, so that most is asked of the file.
DiskStore::Settings small() {
  DiskStore::Settings settings;
  settings.recent.messages = 5;
  return settings;
}

}  // namespace

TEST_CASE("messages are kept in their order, and each is told so once",
          "[chat][history][threads]") {
  Desk desk;
  desk.open();
  desk.say_all(1, 1'000);
  CHECK(desk.kept_.empty());  // nothing is written before the call comes back
  desk.settle(1'000);
  for (std::size_t i = 0; i < desk.kept_.size(); ++i)
    REQUIRE(desk.kept_[i] == i + 1);
  CHECK(desk.lost_.empty());
  CHECK(desk.told.empty());
}

TEST_CASE("what came in before an answer is part of it", "[chat][history][threads]") {
  Desk desk;
  desk.open(small());
  desk.say_all(1, 100);
  desk.ask({.room = "#lobby", .most = 20});
  CHECK_FALSE(desk.answered);  // memory has five, the file is asked
  desk.say_all(101, 103);      // behind the question
  REQUIRE(desk.run_until([&] { return desk.answered; }));
  CHECK(desk.texts == numbers(84, 103));
  CHECK(desk.more);
  // More than memory holds came in meanwhile: the end of it, and word that some is missing.
  desk.ask({.room = "#lobby", .most = 20});
  desk.say_all(104, 150);
  REQUIRE(desk.run_until([&] { return desk.answered; }));
  REQUIRE_FALSE(desk.texts.empty());
  CHECK(desk.texts.back() == "150");
  CHECK(desk.more);
}

TEST_CASE("what memory has does not wait for the disk", "[chat][history][threads]") {
  Desk desk;
  desk.open(small());
  desk.ask({.room = "#lobby", .most = 20});
  CHECK(desk.answered);  // the file is empty, and that is known
  desk.say_all(1, 3);
  desk.ask({.room = "#LOBBY", .most = 20});
  CHECK(desk.answered);
  CHECK(desk.texts == numbers(1, 3));
  CHECK_FALSE(desk.more);
  desk.say_all(4, 100);
  desk.ask({.room = "#lobby", .most = 5});
  CHECK(desk.answered);
  CHECK(desk.texts == numbers(96, 100));
  CHECK(desk.more);
  desk.ask({"#lobby", Which::kAfter, {kNow, 97}, 50});
  CHECK(desk.answered);
  CHECK(desk.texts == numbers(98, 100));
  CHECK_FALSE(desk.more);
  desk.ask({"#lobby", Which::kAfter, {kNow, 90}, 50});
  CHECK_FALSE(desk.answered);
  REQUIRE(desk.run_until([&] { return desk.answered; }));
  CHECK(desk.texts == numbers(91, 100));
  CHECK_FALSE(desk.more);
  CHECK(desk.answer({"#lobby", Which::kBefore, {kNow, 50}, 3}) == numbers(47, 49));
  CHECK(desk.more);
}

TEST_CASE("history is there again, and what waited at the end is written",
          "[chat][history][threads]") {
  Desk desk;
  desk.open();
  desk.say_all(1, 500);
  desk.store.reset();  // without a turn of the loop
  CHECK(desk.kept_.empty());
  desk.open(small());
  CHECK(desk.store->last_id() == MessageId{kNow, 500});
  desk.ask({.room = "#lobby", .most = 5});
  CHECK(desk.answered);  // the newest were read at the start
  CHECK(desk.texts == numbers(496, 500));
  CHECK(desk.answer({.room = "#lobby", .most = 1'000}) == numbers(1, 500));
}

TEST_CASE("the end does not wait for a slow disk, and what is written then is whole",
          "[chat][history][threads]") {
  Desk desk;
  DiskStore::Settings settings = small();
  settings.thread.patience = std::chrono::milliseconds(0);
  settings.thread.group = 10;
  settings.file.messages = 10'000;
  desk.open(settings);
  desk.say_all(1, 2'000);
  desk.store.reset();
  settings.file.patience_ms = 20'000;  // until the thread has let go of it
  desk.open(settings);
  const std::uint64_t last = desk.store->last_id().number;
  CHECK(desk.answer({.room = "#lobby", .most = 5'000}) == numbers(1, last));
}

TEST_CASE("what waits for the disk is bounded, and what is too much is told",
          "[chat][history][threads]") {
  Desk desk;
  DiskStore::Settings settings = small();
  settings.thread.messages = 10;
  settings.thread.questions = 2;
  desk.open(settings);
  desk.say_all(1, 12);  // the loop has no turn, so none of them is answered
  CHECK(desk.lost_ == std::vector<std::uint64_t>{11, 12});
  CHECK(desk.told ==
        Texts{"bad: history cannot be written: the disk is too slow, too much waits to be written; "
              "what is said now is not kept"});
  std::size_t answers = 0;
  for (int i = 0; i < 5; ++i)
    desk.store->read({.room = "#lobby", .most = 9}, [&](const Page&) { ++answers; });
  CHECK(answers == 3);  // by what memory has
  desk.settle(12);
  REQUIRE(desk.run_until([&] { return answers == 5; }));
  CHECK(desk.kept_.size() == 10);
  desk.say(13);
  desk.settle(13);
  CHECK(desk.told.size() == 1);  // it is not believed yet
  desk.clock.now += 6'000;
  desk.say(14);
  desk.settle(14);
  CHECK(desk.told.back() == "good: history is written again; 2 messages were not kept");
  CHECK(desk.store->trouble().empty());
}

TEST_CASE("the chat goes on where the file is gone", "[chat][history][threads]") {
  Desk desk;
  desk.open(small());
  desk.say_all(1, 50);
  desk.settle(50);
  std::filesystem::remove(desk.path + "/chat.db");
  desk.say_all(51, 60);
  desk.settle(60);
  CHECK(desk.lost_.size() == 10);
  CHECK(desk.told.size() == 1);
  CHECK(desk.store->trouble() ==
        "history cannot be written: the file was deleted or moved while it was in use");
  CHECK(desk.answer({.room = "#lobby", .most = 5}) == numbers(56, 60));
}

TEST_CASE("rooms that memory has no place for are asked of the file", "[chat][history][threads]") {
  Desk desk;
  DiskStore::Settings settings;
  settings.recent.rooms = 2;
  desk.open(settings);
  for (std::uint64_t number = 1; number <= 4; ++number)
    desk.say(number, "#r" + std::to_string(number));
  desk.settle(4);
  for (const bool again : {false, true}) {
    for (std::uint64_t number = 1; number <= 4; ++number)
      CHECK(desk.answer({.room = "#r" + std::to_string(number)}) == numbers(number, number));
    if (!again) desk.open(settings);
  }
}
