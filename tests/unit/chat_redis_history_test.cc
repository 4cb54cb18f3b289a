// What the chat makes of the histories that Redis keeps, without Redis.
#include "services/chat/redis_missed.h"
#include "services/chat/redis_page.h"
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

std::string texts(const Page& page) {
  std::string all;
  for (const Message& message : page.messages)
    all += message.text + " ";
  return all + (page.more ? "more" : "all");
}

using Which = HistoryQuestion::Which;

HistoryQuestion ask(Which which, MessageId id = {}, std::size_t most = 3) {
  return {.room = "#Lab", .which = which, .id = id, .most = most};
}

}  // namespace

TEST_CASE("history is asked for as far as the wire has been read", "[chat][redis]") {
  const auto range = [](const HistoryQuestion& question) {
    const RedisRange wanted = redis_range(question, {50, 2});
    CHECK(wanted.key == "polyport:chat:room:#lab");
    CHECK(wanted.count == "4");
    return wanted.end + " " + wanted.begin;
  };
  const std::string last = "18446744073709551615";
  CHECK(range(ask(Which::kLast)) == "50-2 -");
  CHECK(range(ask(Which::kBefore, {20, 0})) == "19-" + last + " -");
  CHECK(range(ask(Which::kBefore, {20, 7})) == "20-6 -");
  CHECK(range(ask(Which::kBefore, {60, 0})) == "50-2 -");  // known from another process
  CHECK(range(ask(Which::kBefore, MessageId::provisional(3))) == "50-2 -");
  CHECK(range(ask(Which::kAfter, {20, 0})) == "50-2 20-1");
  CHECK(range(ask(Which::kAfter, {20, ~0ull})) == "50-2 21-0");
}

TEST_CASE("a page says that there is more exactly where there may be", "[chat][redis]") {
  const HistoryQuestion question = ask(Which::kLast);
  const auto page = [&](std::vector<RedisReply> all) {
    Page got = redis_page(question, list(std::move(all)), 100);
    keep_newest(got, question.most);
    return texts(got);
  };
  const RedisReply foreign = redis_entry("150-0", {"a", "b"});
  CHECK(page({}) == "all");
  CHECK(page({said(103, "c"), said(102, "b"), said(101, "a")}) == "a b c all");
  CHECK(page({said(104, "d"), said(103, "c"), said(102, "b"), said(101, "a")}) == "b c d more");
  // What is too old is no more, and what is of another program hides nothing.
  CHECK(page({said(103, "c"), said(102, "b"), said(99, "a"), said(98, "x")}) == "b c all");
  CHECK(page({said(153, "c"), foreign, said(102, "b"), said(101, "a")}) == "a b c more");
  CHECK(page({said(153, "c"), said(152, "b"), said(151, "a"), foreign}) == "a b c more");
  CHECK(page({said(153, "c"), foreign, said(102, "b")}) == "b c all");
}

TEST_CASE("what was heard meanwhile is added once, and only what was asked for", "[chat][redis]") {
  const auto heard = [](std::uint64_t ms, const char* text) {
    return Message{.id = {ms, 0}, .time_ms = ms, .room = "#lab", .nick = "ann", .text = text};
  };
  const std::vector<Message> since = {heard(102, "b"), heard(103, "c"), heard(104, "d")};
  const auto page = [&](const HistoryQuestion& question, std::vector<RedisReply> all) {
    Page got = redis_page(question, list(std::move(all)), 0);
    add_since(got, question, since);
    keep_newest(got, question.most);
    return texts(got);
  };
  CHECK(page(ask(Which::kLast), {said(102, "b"), said(101, "a")}) == "b c d more");
  CHECK(page(ask(Which::kLast, {}, 4), {said(102, "b"), said(101, "a")}) == "a b c d all");
  // A browser may know more, from another process, than this one had read when it was asked.
  CHECK(page(ask(Which::kAfter, {103, 0}), {}) == "d all");
}

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
