// What the chat makes of the histories that Redis keeps, without Redis.
#include "services/chat/redis_missed.h"
#include "tests/support/catch.h"
#include "tests/support/redis_entry.h"

using namespace polyport::services::chat;
using polyport::test::redis_entry;

namespace {

constexpr std::string_view kNode = "0123456789abcdef";

RedisReply said(std::uint64_t ms, const std::string& text, const std::string& room = "#lab") {
  const Message message{.room = room, .nick = "ann", .text = text};
  return redis_entry(std::to_string(ms) + "-0", fields_of_message(kNode, 1, message));
}

RedisReply list(std::vector<RedisReply> all) {
  return {.kind = RedisReply::Kind::kList, .list = std::move(all)};
}

}  // namespace

TEST_CASE("what was missed comes from 64 rooms at a time, in the order of ids", "[chat][redis]") {
  RedisMissed missed({100, 0}, {200, 0}, 7, std::vector<std::string>(130, "#lab"));
  CHECK(missed.next_rooms().size() == 64);
  for (int i = 0; i < 63; ++i)
    CHECK_FALSE(missed.take(list({})));
  // As Redis answers: the newest first, and one of them it has not been asked for.
  CHECK(missed.take(list({said(201, "later"), said(150, "second"), said(110, "first"),
                          redis_entry("120-0", {"a", "b"}), said(100, "known")})));
  CHECK(missed.next_rooms().size() == 64);
  for (int i = 0; i < 63; ++i)
    CHECK_FALSE(missed.take({.kind = RedisReply::Kind::kNil}));
  CHECK(missed.take(list({said(130, "between", "#other"), said(150, "twice", "#other")})));
  CHECK(missed.next_rooms().size() == 2);
  CHECK_FALSE(missed.take(list({said(200, "last")})));
  CHECK(missed.take(list({})));
  CHECK(missed.next_rooms().empty());
  for (const char* text : {"first", "between", "second", "last"}) {
    const auto entry = missed.next();
    REQUIRE(entry);
    CHECK(entry->message.text == text);
  }
  CHECK_FALSE(missed.next());
  CHECK(missed.bytes() == 0);
}

TEST_CASE("what was missed is bounded, and the newest stays", "[chat][redis]") {
  constexpr std::size_t kText = 60'000;
  RedisMissed missed({1, 0}, {10'000, 0}, 7, {"#lab"});
  missed.next_rooms();
  std::vector<RedisReply> all;
  for (std::uint64_t ms = 500; ms > 1; --ms)
    all.push_back(said(ms, std::string(kText, 'x')));
  CHECK(missed.take(list(std::move(all))));
  CHECK(missed.bytes() <= RedisMissed::kMostBytes);
  CHECK(missed.bytes() > RedisMissed::kMostBytes - 2 * kText);
  MessageId last;
  std::size_t count = 0;
  for (; const auto entry = missed.next(); ++count)
    last = entry->id;
  CHECK(count > 250);
  CHECK(count < 300);
  CHECK(last == MessageId{500, 0});
}
