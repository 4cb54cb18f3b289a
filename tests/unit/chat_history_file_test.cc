// The file of the chat's history: what is in it, what is forgotten, and what is asked of it.
#include <filesystem>
#include <string>
#include <vector>

#include "services/chat/history_file.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::services::chat;
using Which = HistoryQuestion::Which;
using Texts = std::vector<std::string>;

namespace {

constexpr std::uint64_t kNow = 1'700'000'000'000;

struct Folder {
  Folder() { path = ::mkdtemp(name); }
  ~Folder() { std::filesystem::remove_all(path); }
  HistoryFile open(HistoryFile::Settings settings = {}) const {
    settings.path = path + "/chat.db";
    auto file = HistoryFile::open(settings);
    if (!file) FAIL(file.error().text());
    return std::move(*file);
  }
  char name[30] = "/tmp/polyport-test-XXXXXX";
  std::string path;
};

Message message(std::uint64_t number, const std::string& room = "#lobby", std::uint64_t ms = kNow) {
  return {.id = {ms, number},
          .time_ms = ms,
          .kind = Message::Kind::kAct,
          .room = room,
          .nick = "ann",
          .text = std::to_string(number)};
}

std::vector<Message> messages(std::uint64_t first, std::uint64_t last,
                              const std::string& room = "#lobby") {
  std::vector<Message> all;
  for (std::uint64_t number = first; number <= last; ++number)
    all.push_back(message(number, room));
  return all;
}

struct Answer {
  Texts texts;
  bool more = false;
  bool operator==(const Answer&) const = default;
};

Answer ask(HistoryFile& file, const HistoryQuestion& question, std::uint64_t now = kNow) {
  const auto page = file.read(question, now);
  REQUIRE(page);
  Answer answer{.texts = {}, .more = page->more};
  for (const Message& one : page->messages)
    answer.texts.push_back(one.text);
  return answer;
}

Answer last(HistoryFile& file, std::size_t most = 10, const std::string& room = "#lobby") {
  return ask(file, {.room = room, .most = most});
}

// Until nothing more goes.
void forget(HistoryFile& file, std::uint64_t now = kNow) {
  for (int i = 0; i < 50; ++i)
    REQUIRE(file.maintain(now));
}

}  // namespace

TEST_CASE("a history file answers for the last, and before and after an id", "[chat][history]") {
  const Folder folder;
  HistoryFile file = folder.open();
  CHECK(last(file) == Answer{});
  CHECK(*file.last_id() == MessageId{});
  REQUIRE(file.append(messages(1, 9)));
  CHECK(last(file, 3) == Answer{{"7", "8", "9"}, true});
  CHECK(last(file, 9).more == false);
  CHECK(ask(file, {"#lobby", Which::kBefore, {kNow, 4}, 2}) == Answer{{"2", "3"}, true});
  CHECK(ask(file, {"#lobby", Which::kBefore, {kNow, 3}, 2}) == Answer{{"1", "2"}, false});
  CHECK(ask(file, {"#lobby", Which::kAfter, {kNow, 7}, 2}) == Answer{{"8", "9"}, false});
  // Who was away long wants the newest.
  CHECK(ask(file, {"#lobby", Which::kAfter, {kNow, 1}, 2}) == Answer{{"8", "9"}, true});
  CHECK(ask(file, {"#lobby", Which::kAfter, {kNow - 1, 99}, 99}).texts.size() == 9);
  CHECK(ask(file, {"#lobby", Which::kAfter, {~0ULL, ~0ULL}, 9}) == Answer{});
}

TEST_CASE("a history file gives back what it was given, whatever the case of the room",
          "[chat][history]") {
  const Folder folder;
  {
    HistoryFile file = folder.open();
    REQUIRE(file.append(std::vector{message(7, "#Lab")}));
    CHECK(last(file, 9, "#lobby") == Answer{});
  }
  HistoryFile file = folder.open();
  const auto page = file.read({.room = "#LAB"}, kNow);
  REQUIRE(page);
  REQUIRE(page->messages.size() == 1);
  const Message& one = page->messages.front();
  CHECK(one.id == MessageId{kNow, 7});
  CHECK(one.time_ms == kNow);
  CHECK(one.kind == Message::Kind::kAct);
  CHECK(one.room == "#Lab");
  CHECK(one.nick == "ann");
  CHECK(one.text == "7");
  CHECK(*file.last_id() == MessageId{kNow, 7});
  CHECK(*file.rooms() == Texts{"#Lab"});
}

TEST_CASE("a group of messages is in a history file as a whole or not at all", "[chat][history]") {
  const Folder folder;
  HistoryFile file = folder.open();
  REQUIRE(file.append(messages(1, 2)));
  std::vector<Message> twice = messages(3, 5, "#new");
  twice.push_back(twice.front());
  CHECK_FALSE(file.append(twice));
  CHECK(last(file, 9, "#new") == Answer{});
  REQUIRE(file.append(messages(3, 5, "#new")));  // the room was not there
  CHECK(last(file, 9, "#new").texts.size() == 3);
  CHECK(last(file) == Answer{{"1", "2"}, false});
}

TEST_CASE("a history file forgets what is over its number for a room", "[chat][history]") {
  const Folder folder;
  HistoryFile file = folder.open({.messages = 10});
  REQUIRE(file.append(messages(1, 3'000)));
  REQUIRE(file.append(messages(1, 5, "#small")));
  REQUIRE(file.maintain(kNow));
  CHECK(last(file, 5'000).texts.size() == 2'000);  // a thousand at a time
  forget(file);
  CHECK(last(file, 5'000).texts.size() == 10);
  CHECK(last(file, 1).texts == Texts{"3000"});
  CHECK(last(file, 9, "#small").texts.size() == 5);
}

TEST_CASE("a history file keeps to its number, however often it is opened", "[chat][history]") {
  const Folder folder;
  for (std::uint64_t turn = 0; turn < 20; ++turn) {  // a tenth of it each time
    HistoryFile file = folder.open({.messages = 100});
    REQUIRE(file.append(messages(10 * turn + 1, 10 * turn + 10)));
    forget(file);
  }
  HistoryFile file = folder.open({.messages = 100});
  CHECK(last(file, 5'000).texts.size() <= 113);
}

TEST_CASE("a history file shows nothing that is too old, and forgets it, but never its last id",
          "[chat][history]") {
  const Folder folder;
  HistoryFile file = folder.open({.age_ms = 1'000});
  REQUIRE(file.append(std::vector{message(1), message(2, "#lobby", kNow + 500)}));
  CHECK(ask(file, {.room = "#lobby"}, kNow + 1'200) == Answer{{"2"}, false});
  CHECK(ask(file, {.room = "#lobby"}, kNow + 2'000) == Answer{});
  forget(file, kNow + 100'000);
  CHECK(ask(file, {.room = "#lobby"}, kNow) == Answer{{"2"}, false});
  CHECK(*file.last_id() == MessageId{kNow + 500, 2});
}

TEST_CASE("a history file forgets the rooms that were silent longest", "[chat][history]") {
  const Folder folder;
  HistoryFile file = folder.open({.rooms = 10});
  for (std::uint64_t room = 0; room < 12; ++room)
    REQUIRE(file.append(std::vector{message(room, "#r" + std::to_string(room))}));
  forget(file);
  const auto rooms = file.rooms();
  REQUIRE(rooms);
  CHECK(rooms->size() <= 10);
  CHECK(rooms->size() >= 9);
  CHECK(rooms->front() == "#r11");
  CHECK(last(file, 9, "#r0") == Answer{});
}

TEST_CASE("a history file stays under its size", "[chat][history]") {
  const Folder folder;
  constexpr std::uint64_t kMost = 1024 * 1024;
  HistoryFile file = folder.open({.messages = 1'000'000, .bytes = kMost});
  for (std::uint64_t group = 0; group < 60; ++group) {
    std::vector<Message> all = messages(group * 100, group * 100 + 99);
    for (Message& one : all)
      one.text = std::string(500, 'x') + one.text;
    REQUIRE(file.append(all));
    REQUIRE(file.maintain(kNow));
  }
  CHECK(std::filesystem::file_size(folder.path + "/chat.db") < kMost * 3 / 2);
  const Answer newest = last(file, 1);
  REQUIRE(newest.texts.size() == 1);
  CHECK(newest.texts.front().ends_with("x5999"));
  CHECK(last(file, 10'000).texts.size() > 500);
}

TEST_CASE("one page of a history file is bounded in bytes", "[chat][history]") {
  const Folder folder;
  HistoryFile file = folder.open();
  std::vector<Message> all = messages(1, 40);
  for (Message& one : all)
    one.text = std::string(60'000, 'x');
  REQUIRE(file.append(all));
  const Answer answer = last(file, 100);
  CHECK(answer.more);
  CHECK(answer.texts.size() < 20);
  CHECK(answer.texts.size() > 10);
}

TEST_CASE("a history file is had by one only", "[chat][history]") {
  const Folder folder;
  {
    const HistoryFile file = folder.open();
    const auto other = HistoryFile::open({.path = folder.path + "/chat.db", .patience_ms = 10});
    REQUIRE_FALSE(other);
    CHECK(other.error().code == ErrorCode::kConflict);
    CHECK(other.error().what == "another chat of this polyport has it open");
  }
  folder.open();
}

TEST_CASE("a history file that is gone takes nothing more", "[chat][history]") {
  const Folder folder;
  HistoryFile file = folder.open();
  REQUIRE(file.append(messages(1, 1)));
  std::filesystem::remove(folder.path + "/chat.db");
  const auto done = file.append(messages(2, 2));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == ErrorCode::kNotFound);
  CHECK(done.error().where == folder.path + "/chat.db");
}
