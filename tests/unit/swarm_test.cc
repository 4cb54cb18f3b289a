// What the sockets of a swarm say and believe, without a socket.
#include <set>

#include "app/commands/swarm/chat_speech.h"
#include "app/commands/swarm/datagram_talk.h"
#include "app/commands/swarm/echo_speech.h"
#include "app/commands/swarm/http_speech.h"
#include "app/commands/swarm/pace.h"
#include "app/commands/swarm/pattern.h"
#include "app/commands/swarm/plan.h"
#include "app/commands/swarm/report.h"
#include "app/commands/swarm/sources.h"
#include "app/commands/swarm/tally.h"
#include "app/figures.h"
#include "tests/support/catch.h"

namespace polyport::swarm {
namespace {

TEST_CASE("a pattern is the same from any offset, and another one for another key") {
  std::string whole;
  append_pattern(whole, 7, 0, 1000);
  for (const std::size_t from : {0u, 1u, 7u, 8u, 333u}) {
    std::string part;
    append_pattern(part, 7, from, 100);
    CHECK(part == whole.substr(from, 100));
    CHECK(first_difference(part, 7, from) == 100);
    CHECK(first_difference(part, 8, from) < 20);
    CHECK(first_difference(part, 7, from + 1) < 20);
  }
  whole[500] = '!';
  CHECK(first_difference(whole, 7, 0) == 500);
}

TEST_CASE("a pace is kept whatever is asked in between") {
  const Pace pace(1'000, 3, 7);
  CHECK(pace.due_by(999) == 0);
  CHECK(pace.due_by(1'000) == 1);
  CHECK(pace.due_by(1'000 + 333'333'332) == 1);
  CHECK(pace.due_by(pace.due_ns(1)) == 2);
  CHECK(pace.due_by(1'000 + 1'000'000'000) == 4);
  CHECK(pace.due_by(1'000'000'000'000) == 7);
  CHECK(Pace().due_by(1'000'000'000'000) == 0);
  const Pace fast(0, 999'983, 100'000);
  for (std::uint64_t event = 0; event < 100'000; event += 97)
    CHECK(fast.due_by(fast.due_ns(event)) >= event + 1);
}

TEST_CASE("an echo is counted message by message, however it is cut") {
  EchoSpeech speech(1, 10);
  std::string said;
  speech.say(said);
  speech.say(said);
  CHECK(said.size() == 20);
  CHECK(speech.hear(Bytes(said).substr(0, 9)).answers == 0);
  const Heard heard = speech.hear(Bytes(said).substr(9));
  CHECK(heard.answers == 2);
  CHECK(heard.verified == 11);
  CHECK(heard.wrong.empty());
  CHECK_FALSE(speech.hear("x").wrong.empty());  // nothing is due
}

TEST_CASE("an echo of somebody else's bytes is wrong") {
  EchoSpeech one(1, 64), other(2, 64);
  std::string said, others;
  one.say(said);
  other.say(others);
  const Heard heard = one.hear(others);
  CHECK(heard.answers == 0);
  CHECK_FALSE(heard.wrong.empty());
}

TEST_CASE("datagrams are recognised in any order, and others are not") {
  const DatagramTalk talk(5, 40);
  const std::string third = talk.say(3);
  CHECK(third.size() == 40);
  CHECK(talk.recognise(third) == 3u);
  CHECK(talk.recognise(talk.say(0)) == 0u);
  CHECK_FALSE(talk.recognise(third.substr(1)));
  CHECK_FALSE(talk.recognise(""));
  CHECK_FALSE(DatagramTalk(6, 40).recognise(third));
  std::string renumbered = third;
  renumbered[9] = '4';
  CHECK_FALSE(talk.recognise(renumbered));
}

std::string answer(std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

TEST_CASE("an http answer must be the one that the first request got") {
  HttpTalk talk{.host = "localhost:80", .path = "/plain", .post_bytes = {}, .body = {}};
  HttpSpeech one(talk, 1), other(talk, 2);
  std::string said;
  one.say(said);
  CHECK(said.starts_with("GET /plain HTTP/1.1\r\nHost: localhost:80\r\n"));
  CHECK_FALSE(one.may_be_closed());
  for (const char c : answer("hello"))
    CHECK(one.hear(Bytes(&c, 1)).wrong.empty());
  CHECK(one.may_be_closed());
  other.say(said);
  CHECK(other.hear(answer("hello")).answers == 1);
  other.say(said);
  CHECK_FALSE(other.hear(answer("HELLO")).wrong.empty());
  CHECK_FALSE(one.hear("x").wrong.empty());  // nobody has asked
}

TEST_CASE("an http answer with another status is wrong, and close means close") {
  HttpTalk talk{.host = "h", .path = "/", .post_bytes = {}, .body = {}};
  HttpSpeech speech(talk, 1);
  std::string said;
  speech.say(said);
  CHECK(speech.hear(answer("a", "Connection: close\r\n")).answers == 1);
  CHECK_FALSE(speech.ready());
  speech.begin_again();
  CHECK(speech.ready());
  CHECK_FALSE(speech.may_be_closed());  // a server that closes at once would be opened for ever
  speech.say(said);
  CHECK(speech.hear("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").wrong ==
        "the answer has status 503");
}

TEST_CASE("an http answer without a length ends with the connection") {
  HttpTalk talk{.host = "h", .path = "/", .post_bytes = {}, .body = {}};
  HttpSpeech speech(talk, 1);
  std::string said;
  CHECK(speech.hear_end().answers == 0);  // nobody has asked
  speech.say(said);
  CHECK(speech.hear("HTTP/1.0 200 OK\r\n\r\nabc").answers == 0);
  const Heard heard = speech.hear_end();
  CHECK(heard.answers == 1);
  CHECK(heard.verified == 3);
  CHECK(speech.may_be_closed());
  speech.begin_again();
  speech.say(said);
  CHECK(speech.hear("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nab").answers == 0);
  CHECK(speech.hear_end().answers == 0);
  CHECK_FALSE(speech.may_be_closed());
}

TEST_CASE("what is posted must stand in the answer") {
  HttpTalk talk{.host = "h", .path = "/echo", .post_bytes = 50, .body = {}};
  HttpSpeech speech(talk, 3);
  std::string said, posted;
  append_pattern(posted, 3, 0, 50);
  speech.say(said);
  CHECK(said.ends_with("\r\n\r\n" + posted));
  const Heard heard = speech.hear(answer("{\"data\":\"" + posted + "\"}"));
  CHECK(heard.answers == 1);
  CHECK(heard.verified == 50);
  speech.say(said);
  CHECK_FALSE(speech.hear(answer(posted)).wrong.empty());  // these are the last ones
}

TEST_CASE("all members of a room must hear all lines in one order") {
  ChatRoom room{.token = "swarm1", .line_bytes = 60, .said = 0, .order = {}};
  ChatSpeech one(room, 0), other(room, 1);
  std::string first, second;
  one.say(first);
  other.say(second);
  CHECK(first.size() == 60);
  CHECK(other.hear("* guest-1 joined\r\n").wrong.empty());
  const Heard heard = one.hear("* guest-2 joined\r\nguest-1: " + first + "guest-2: " + second);
  CHECK(heard.answers == 1);
  CHECK(heard.wrong.empty());
  CHECK(other.listens());
  CHECK_FALSE(other.last_word().empty());
  CHECK(other.hear("guest-2: " + second + "guest-1: " + first).wrong.empty());
  CHECK_FALSE(other.listens());
  CHECK(one.last_word().empty());
  CHECK(other.last_word() == "two members have heard the lines in different orders");
}

TEST_CASE("a member says nothing before its room has taken it in") {
  ChatRoom room{.token = "swarm1", .line_bytes = 60, .said = 0, .order = {}};
  ChatSpeech member(room, 0), elsewhere(room, 1);
  std::string said;
  member.greet(said);
  CHECK(said == "/plain off\n");
  CHECK(member.hear("You are guest-1 from 127.0.0.1:5, through the line door. /help\r\n")
            .wrong.empty());
  CHECK_FALSE(member.ready());
  CHECK(member.last_word() == "the room has never answered /plain off");
  CHECK(member.hear("* lines are for people again\r\n").wrong.empty());
  CHECK(member.ready());
  CHECK(elsewhere.hear("anna: /plain off\n").wrong.empty());  // a room without commands
  CHECK(elsewhere.welcomed());
}

TEST_CASE("a line that comes twice, or changed, or that is refused, is wrong") {
  ChatRoom room{.token = "swarm1", .line_bytes = 60, .said = 0, .order = {}};
  ChatSpeech speech(room, 0);
  std::string said;
  speech.say(said);
  std::string changed = said;
  changed[50] = changed[50] == 'a' ? 'b' : 'a';
  CHECK_FALSE(ChatSpeech(room, 1).hear("x: " + changed).wrong.empty());
  CHECK(speech.hear("x: " + said).wrong.empty());
  CHECK_FALSE(speech.hear("x: " + said).wrong.empty());
  CHECK_FALSE(ChatSpeech(room, 2).hear("* too fast: not sent.\r\n").wrong.empty());
  CHECK_FALSE(ChatSpeech(room, 3).hear(std::string(10'000, 'x')).wrong.empty());
}

TEST_CASE("source ports are read strictly") {
  CHECK(parse_source_ports("50000-50009")->count() == 10);
  CHECK(parse_source_ports("50000")->count() == 1);
  for (const char* bad : {"", "0", "9-1", "1-65536", "x", "1-2-3", "1-"})
    CHECK_FALSE(parse_source_ports(bad));
}

Sources::Request request(std::uint32_t sockets) {
  Sources::Request asked;
  asked.target = Address::loopback(Family::kIPv4, 10007);
  asked.sockets = sockets;
  asked.lendable = 28'232;
  return asked;
}

TEST_CASE("few sockets need no source, many are spread over loopback") {
  CHECK_FALSE(Sources::choose(request(20'000))->of(5));
  const auto many = Sources::choose(request(60'000));
  REQUIRE(many);
  CHECK(many->addresses().size() == 3);
  CHECK(many->note() ==
        "one address has 28,232 ephemeral ports towards 127.0.0.1:10007: the sockets come from "
        "127.0.0.1 to 127.0.0.3");
  CHECK(many->of(0)->text() == "127.0.0.1:0");
  CHECK(many->of(4)->text() == "127.0.0.2:0");
}

TEST_CASE("where nothing can be spread it is said") {
  auto asked = request(60'000);
  asked.target = Address::loopback(Family::kIPv6, 10007);
  const auto refused = Sources::choose(asked);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what ==
        "60,000 sockets are too many: one address has 28,232 ephemeral ports towards [::1]:10007");
  asked = request(60'000);
  asked.addresses = {*Address::parse_ip("127.0.0.9")};
  CHECK_FALSE(Sources::choose(asked));
}

TEST_CASE("every pair of source address and port comes before one comes again") {
  auto asked = request(12);
  asked.addresses = {*Address::parse_ip("127.0.0.2"), *Address::parse_ip("127.0.0.3")};
  asked.ports = SourceRange{50'000, 50'004};
  const auto sources = Sources::choose(asked);
  REQUIRE(sources);
  std::set<std::string> seen;
  for (std::uint32_t socket = 0; socket < 10; ++socket)
    seen.insert(sources->of(socket)->text());
  CHECK(seen.size() == 10);
  CHECK(seen.count(sources->of(10)->text()) == 1);
}

TEST_CASE("ports alone are those of whatever address suits") {
  auto asked = request(2);
  asked.ports = SourceRange{50'000, 50'004};
  CHECK(Sources::choose(asked)->of(1)->text() == "0.0.0.0:50001");
}

TEST_CASE("the reserved ports are not lent") {
  PortSet reserved;
  reserved.set(40'000);
  reserved.set(1'000);
  CHECK(lendable_ports({32'768, 60'999}, {}) == 28'232);
  CHECK(lendable_ports({32'768, 60'999}, reserved) == 28'231);
}

TEST_CASE("what may be lost is a share of what was meant to be sent") {
  Tally tally;
  tally.due = 100;
  tally.dropped = 80;
  tally.unanswered = 2;
  CHECK_FALSE(tally.lost_more_than(10));
  tally.unanswered = 3;
  CHECK(tally.lost_more_than(10));
}

TEST_CASE("a swarm whose loop or messages are late was itself the limit") {
  Plan plan;
  plan.scheduled = 1'000;
  Tally tally;
  OwnUse own{.opening_share = 0.1, .sending_share = 0.1, .lag = {}};
  own.lag.record(1'000, 197);
  own.lag.record(50'000'000, 2);
  CHECK(Report{plan, tally, own}.own_limit().find("its loop was late") == 0);
  own.lag = {};
  own.lag.record(50'000'000, 99);  // two seconds of it are too few
  CHECK(Report{plan, tally, own}.own_limit().empty());
  tally.late.record(1'000, 98);
  tally.late.record(11'000'000, 2);
  CHECK(Report{plan, tally, own}.own_limit().find("one message in a hundred left") == 0);
}

TEST_CASE("figures as a person reads them") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(28'232) == "28,232");
  CHECK(grouped(1'234'567) == "1,234,567");
  CHECK(time_text(83'000) == "0.083 ms");
  CHECK(time_text(12'400'000) == "12.4 ms");
  CHECK(time_text(1'250'000'000) == "1.25 s");
  CHECK(percent_text(0.034) == "3.4 %");
  CHECK(percent_text(0.97) == "97 %");
}

}  // namespace
}  // namespace polyport::swarm
