// What the chat shares through Redis, without Redis: where it is, what stands in its streams, what
// waits for it, and what its errors mean.
#include "services/chat/redis_address.h"
#include "services/chat/redis_entry.h"
#include "services/chat/redis_outbox.h"
#include "services/chat/redis_trouble.h"
#include "tests/support/catch.h"
#include "tests/support/chat_options.h"
#include "tests/support/redis_entry.h"

using namespace polyport::services::chat;
using polyport::test::redis_entry;
using polyport::test::redis_text;
using Kind = RedisReply::Kind;

namespace {

constexpr std::string_view kNode = "0123456789abcdef";
const RedisKey kBob{"fedcba9876543210", 12};
constexpr const char* kId = "1764075600000-3";

RedisFields said(const std::string& words) {
  return fields_of_message(
      kNode, 7, {.kind = Message::Kind::kAct, .room = "#Lab", .nick = "ann", .text = words});
}

RedisOutbox::Unsent unsent(RedisOutbox& outbox, std::size_t bytes = 10) {
  return {.sequence = outbox.next_sequence(), .fields = {std::string(bytes, 'x')}};
}

}  // namespace

TEST_CASE("the address of a Redis is read strictly", "[chat][redis]") {
  const auto plain = parse_redis_address("redis://Redis.example");
  REQUIRE(plain);
  CHECK(plain->host == "redis.example");
  CHECK(plain->port == 6379);
  CHECK(plain->db == 0);
  CHECK(plain->text() == "redis://redis.example:6379/0");
  const auto full = parse_redis_address("redis://ann:p%40ss/w@[::1]:7000/12");
  REQUIRE(full);
  CHECK(full->user == "ann");
  CHECK(full->password == "p@ss/w");
  CHECK(full->place() == "[::1]:7000");
  CHECK(full->text() == "redis://[::1]:7000/12");  // and nothing of the password
  const auto password = parse_redis_address("redis://:secret@127.0.0.1/");
  REQUIRE(password);
  CHECK(password->user.empty());
  CHECK(password->password == "secret");
  const auto path = parse_redis_address("unix:///run/redis.sock?db=3");
  REQUIRE(path);
  CHECK(path->path == "/run/redis.sock");
  CHECK(path->db == 3);
  CHECK(path->text() == "unix:/run/redis.sock?db=3");
}

TEST_CASE("what is wrong with the address of a Redis is said without its password",
          "[chat][redis]") {
  for (const char* wrong :
       {"redis.example:6379", "http://127.0.0.1", "rediss://:secret@host", "redis://", "redis:///0",
        "redis://:secret@", "redis://:secret%4@host", "redis://:secret@host:0",
        "redis://:secret@host:1-2", "redis://:secret@host:99999", "redis://:secret@host/x",
        "redis://:secret@host/-1", "redis://:secret@*:6379", "redis://:secret@a b", "unix:relative",
        "unix:/run/r.sock?secret", "unix:/run/r.sock?db=x"}) {
    INFO(wrong);
    const auto address = parse_redis_address(wrong);
    REQUIRE_FALSE(address);
    CHECK_FALSE(address.error().what.empty());
    CHECK_FALSE(address.error().hint.empty());
    CHECK(address.error().text().find("secret") == std::string::npos);
  }
}

TEST_CASE("the option backplane is checked, with its place", "[chat][redis]") {
  const auto complaint = [](const std::string& rows) {
    const auto loaded = polyport::test::load_chat(rows);
    REQUIRE(loaded.ok());
    const auto errors =
        polyport::services::chat::service_type.check(loaded.settings.services.front().values);
    return errors.empty() ? std::string() : errors.front().text();
  };
  CHECK(complaint("backplane = \"redis://localhost:6379/0\"\n").empty());
  CHECK(complaint("backplane = \"redis://localhost\"\nbackplane_password = \"x\"\n").empty());
  CHECK(complaint("backplane = \"localhost\"\n") ==
        "test.toml:2:13: error: backplane: it does not begin with redis:// or unix: (write "
        "redis://host:6379/0, or unix:/path/of/the/socket)");
  CHECK(complaint("backplane_password = \"x\"\n").find("backplane is not") != std::string::npos);
  CHECK(complaint("backplane = \"redis://:y@localhost\"\nbackplane_password = \"x\"\n")
            .find("both have a password") != std::string::npos);
}

TEST_CASE("what is written to Redis is read back", "[chat][redis]") {
  const auto message = parse_redis_entry(redis_entry(kId, said("waves")));
  REQUIRE(message);
  CHECK(message->type == RedisEntry::Type::kMessage);
  CHECK(message->node == kNode);
  CHECK(message->sequence == 7);
  CHECK(message->message.id.text() == kId);
  CHECK(message->message.time_ms == 1764075600000);
  CHECK(message->message.kind == Message::Kind::kAct);
  CHECK(message->message.room == "#Lab");
  CHECK(message->message.text == "waves");
  const auto kick =
      parse_redis_entry(redis_entry(kId, fields_of_kick(kNode, 8, "#lab", "ann", kBob, "bob", "")));
  REQUIRE(kick);
  CHECK(kick->type == RedisEntry::Type::kKick);
  CHECK(kick->nick == "ann");
  CHECK(kick->who == kBob);
  CHECK(kick->to == "bob");
  const auto whisper = parse_redis_entry(
      redis_entry(kId, fields_of_private(kNode, 9, {.nick = "ann", .text = "psst"}, kBob, "bob")));
  REQUIRE(whisper);
  CHECK(whisper->message.room.empty());
  CHECK(whisper->who == kBob);
  CHECK(whisper->to == "bob");
  const auto mute =
      parse_redis_entry(redis_entry(kId, fields_of_mute(kNode, 10, kBob, "bob", true)));
  REQUIRE(mute);
  CHECK(mute->on);
  CHECK(mute->who == kBob);
  for (const std::size_t at : {7u, 9u, 11u}) {  // its process, its number, its name
    RedisFields fields = fields_of_mute(kNode, 10, kBob, "bob", true);
    fields[at] = "0";
    CHECK_FALSE(parse_redis_entry(redis_entry(kId, fields)));
  }
  const auto topic =
      parse_redis_entry(redis_entry(kId, fields_of_topic(kNode, 11, "#lab", "ann", "")));
  REQUIRE(topic);
  CHECK(topic->text.empty());  // a topic may be taken away
}

TEST_CASE("a record of a member is read back, and only as the chat writes it", "[chat][redis]") {
  const RedisRecord record{.nick = "ann",
                           .door = "web",
                           .port = 8090,
                           .address = "a unix socket",
                           .host = "box",
                           .rooms = {"#lobby", "#Lab"}};
  CHECK(record.text() == "ann\nann\nweb\n8090\na unix socket box\n#lobby #Lab");
  const auto back = RedisRecord::parse(record.text());
  REQUIRE(back);
  CHECK(back->text() == record.text());
  const auto nowhere = RedisRecord::parse("ann\nann\nline\n0\nx y\n");
  REQUIRE(nowhere);
  CHECK(nowhere->rooms.empty());
  for (const char* wrong :
       {"", "ann", "a b\nx\nline\n0\nx y\n", "ann\nx\nssh\n0\nx y\n", "ann\nx\nline\n99999\nx y\n",
        "ann\nx\nline\n0\nxy\n", "ann\nx\nline\n0\nx y\nlobby", "ann\nx\nline\n0\n\x1b[1m y\n",
        "ann\nx\nline\n0\nx y\n#a  #b", "ann\nx\nline\n0\nx y\n#a\n"}) {
    INFO(wrong);
    CHECK_FALSE(RedisRecord::parse(wrong));
  }
}

TEST_CASE("what stands in Redis and is not of the chat is nothing", "[chat][redis]") {
  CHECK_FALSE(redis_id(redis_text("1-1")));
  CHECK_FALSE(redis_id(redis_entry("local-1", {})));
  CHECK_FALSE(redis_id(redis_entry("x", {})));
  CHECK(redis_id(redis_entry("1-0", {"any", "thing"})));
  CHECK_FALSE(parse_redis_entry(RedisReply{}));
  CHECK_FALSE(parse_redis_entry(redis_entry(kId, {})));
  CHECK_FALSE(parse_redis_entry(redis_entry(kId, {"t"})));
  CHECK_FALSE(parse_redis_entry(redis_entry("bad", said("x"))));
  CHECK_FALSE(
      parse_redis_entry({.kind = Kind::kList, .list = {redis_text(kId), {.kind = Kind::kNil}}}));
  CHECK_FALSE(parse_redis_entry(
      {.kind = Kind::kList,
       .list = {redis_text(kId),
                {.kind = Kind::kList, .list = {redis_text("t"), {.kind = Kind::kInteger}}}}}));
  const auto with = [](std::size_t at, std::string value) {
    RedisFields fields = said("x");
    fields[at] = std::move(value);
    return parse_redis_entry(redis_entry(kId, fields));
  };
  CHECK(with(1, "say"));
  CHECK_FALSE(with(1, "dance"));             // t
  CHECK_FALSE(with(3, "0123456789ABCDEF"));  // n
  CHECK_FALSE(with(5, "0"));                 // s
  CHECK_FALSE(with(5, "18446744073709551616"));
  CHECK_FALSE(with(7, "Lab"));  // room
  CHECK_FALSE(with(7, "#" + std::string(64, 'x')));
  CHECK_FALSE(with(9, "a\tb"));  // nick
  CHECK_FALSE(with(11, ""));     // text
  CHECK_FALSE(with(11, "\xff"));
  CHECK_FALSE(with(11, "red\x1b[31m"));
  CHECK_FALSE(with(11, " x"));
  CHECK_FALSE(with(11, std::string(64 * 1024 + 1, 'x')));
  RedisFields many = said("x");
  for (int i = 0; i < 10; ++i)
    many.insert(many.end(), {"a", "b"});
  CHECK_FALSE(parse_redis_entry(redis_entry(kId, many)));
}

TEST_CASE("what an entry says of itself is read also where the rest is nothing", "[chat][redis]") {
  const std::string node(kNode);
  RedisFields later = {"w", "12", "t", "dance", "n", node, "s", "7"};
  for (int i = 0; i < 20; ++i)
    later.insert(later.end(), {"more", "and more"});
  RedisReply reply = redis_entry(kId, later);
  reply.list[1].list.push_back({.kind = Kind::kNil});
  REQUIRE_FALSE(parse_redis_entry(reply));
  const RedisStamp stamp = redis_stamp(reply);
  CHECK(stamp.count == 12);
  CHECK(stamp.node == kNode);
  CHECK(stamp.sequence == 7);
  const RedisReply odd = redis_entry(kId, {"n", node, "w", "x", "s", "-1"});
  CHECK(redis_stamp(odd).node == kNode);
  CHECK(redis_stamp(odd).count == 0);
  CHECK(redis_stamp(odd).sequence == 0);
  for (const RedisReply& foreign :
       {redis_entry(kId, {}), redis_entry(kId, {"w"}), redis_entry(kId, {"w", "12", "s", "7"}),
        redis_entry("x", later), redis_entry(kId, {"w", "12", "n", "short"}), redis_text("w")}) {
    CHECK(redis_stamp(foreign).node.empty());
    CHECK(redis_stamp(foreign).count == 0);
  }
}

TEST_CASE("a topic is one line", "[chat][redis]") {
  const RedisTopic topic{"#lab", "ann", 5, "ports and sockets"};
  CHECK(topic.line() == "5 ann #lab ports and sockets");
  const auto back = RedisTopic::parse(topic.line());
  REQUIRE(back);
  CHECK(back->text == "ports and sockets");
  CHECK(RedisTopic::parse("5 ann #lab ")->text.empty());
  for (const char* wrong :
       {"", "5 ann", "x ann #lab y", "5 a;n #lab y", "5 ann lab y", "5 ann #lab \x1b"})
    CHECK_FALSE(RedisTopic::parse(wrong));
}

TEST_CASE("what waits for Redis is bounded, by number and by bytes", "[chat][redis]") {
  RedisOutbox outbox;
  for (std::size_t i = 0; i < RedisOutbox::kMost; ++i) {
    REQUIRE_FALSE(outbox.is_full());
    outbox.add(unsent(outbox));
  }
  CHECK(outbox.is_full());
  REQUIRE(outbox.take(1));
  CHECK_FALSE(outbox.is_full());
  RedisOutbox large;
  std::size_t count = 0;
  for (; !large.is_full(); ++count)
    large.add(unsent(large, 1 << 20));
  CHECK(count == 16);
  for (std::uint64_t sequence = 1; sequence <= count; ++sequence)
    REQUIRE(large.take(sequence));
  CHECK(large.bytes() == 0);
}

TEST_CASE("what waits for Redis is found by its number, in any order", "[chat][redis]") {
  RedisOutbox outbox;
  for (int i = 0; i < 5; ++i)
    outbox.add(unsent(outbox));
  CHECK(outbox.first_sequence() == 1);
  CHECK(outbox.take(3));
  CHECK_FALSE(outbox.take(3));
  CHECK(outbox.find(3) == nullptr);
  CHECK(outbox.take(1));
  CHECK(outbox.first_sequence() == 2);
  outbox.find(2)->provisional = 1;  // shown, in their order; 5 is not yet
  outbox.find(4)->provisional = 3;
  CHECK(outbox.find_provisional(1)->sequence == 2);
  CHECK(outbox.find_provisional(3)->sequence == 4);
  CHECK(outbox.find_provisional(2) == nullptr);
  CHECK(outbox.find_provisional(4) == nullptr);
  for (const std::uint64_t sequence : {2u, 4u, 5u})
    CHECK(outbox.take(sequence));
  CHECK(outbox.first_sequence() == 6);
  CHECK(outbox.next_sequence() == 6);
}

TEST_CASE("direct messages that Redis does not have are taken back", "[chat][redis]") {
  RedisOutbox outbox;
  for (int i = 0; i < 6; ++i) {
    RedisOutbox::Unsent& each = outbox.add(unsent(outbox));
    each.from = i % 2 == 0 ? 0 : 7;
    each.was_sent = i < 2;
  }
  const auto taken = outbox.take_private();
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].sequence == 4);
  CHECK(taken[1].sequence == 6);
  for (const std::uint64_t sequence : {1u, 2u, 3u, 5u})
    CHECK(outbox.take(sequence));
  CHECK(outbox.bytes() == 0);
  CHECK(outbox.next_sequence() == 7);
}

TEST_CASE("an error of Redis says where, what and what to do", "[chat][redis]") {
  const auto told = [](const char* answer) { return trouble_of_answer(answer, "box:6379").text(); };
  CHECK(told("WRONGPASS invalid username-password pair or user is disabled.") ==
        "the Redis at box:6379 refuses the password (WRONGPASS invalid username-password pair or "
        "user is disabled.) (check backplane or backplane_password, and ACL LIST of Redis)");
  CHECK(told("NOAUTH Authentication required.").find("wants a password") != std::string::npos);
  CHECK(told("READONLY You can't write against a read only replica.").find("name the master") !=
        std::string::npos);
  CHECK(told("OOM command not allowed when used memory > 'maxmemory'.").find("no memory left") !=
        std::string::npos);
  CHECK(told("ERR Error running script: @user_script:9: Unknown Redis command called from Lua "
             "script")
            .find("5.0 or later") != std::string::npos);
  CHECK(told("ERR something \x1b[31melse") ==
        "the Redis at box:6379 answers: ERR something [31melse");
  CHECK(trouble_of_protocol("\"H\"", "box:80").text().find("is no Redis") != std::string::npos);
}
