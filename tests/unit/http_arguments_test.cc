// What the endpoints of the http service read from a request: arguments, durations, weights,
// networks, tokens; and the counters of /flaky.
#include "services/http/arguments.h"
#include "services/http/client.h"
#include "services/http/digest_auth.h"
#include "services/http/flaky.h"
#include "services/http/jwt.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::services::http;
using namespace std::chrono_literals;

TEST_CASE("durations are read as Go writes them, or as seconds") {
  CHECK(parse_go_duration("1.5s") == 1500ms);
  CHECK(parse_go_duration("1m30s") == 90s);
  CHECK(parse_go_duration("250ms") == 250ms);
  CHECK(parse_go_duration("10us") == 10us);
  CHECK(parse_go_duration("10\xc2\xb5s") == 10us);
  CHECK(parse_go_duration("7ns") == 7ns);
  CHECK(parse_go_duration("1h") == 1h);
  CHECK(parse_go_duration("2") == 2s);
  CHECK(parse_go_duration(".25") == 250ms);
  CHECK(parse_go_duration("0") == 0s);
  CHECK(parse_go_duration("-1.5s") == -1500ms);
  CHECK(parse_go_duration("+1s") == 1s);
  for (const Bytes bad : {"", "s", "1x", "1 s", "1.5.5s", "1e3s", "1s1", "--1s", "-", ".", "1d",
                          "nan", "999999999h", "1000000000000000000000s", "0x10s"}) {
    INFO(bad);
    CHECK_FALSE(parse_go_duration(bad));
  }
}

TEST_CASE("durations are written as a person would") {
  CHECK(go_duration_text(0s) == "0s");
  CHECK(go_duration_text(1500ms) == "1.5s");
  CHECK(go_duration_text(10s) == "10s");
  CHECK(go_duration_text(250ms) == "250ms");
  CHECK(go_duration_text(1500us) == "1.5ms");
  CHECK(go_duration_text(7ns) == "7ns");
  CHECK(go_duration_text(-2s) == "-2s");
  for (const auto time : {1ns, 999ns, 1001ns, 123456789ns, 3600000000001ns})
    CHECK(parse_go_duration(go_duration_text(time)) == time);
}

TEST_CASE("decimals have digits and one point") {
  CHECK(parse_decimal("0.25") == 0.25);
  CHECK(parse_decimal("1") == 1);
  CHECK(parse_decimal(".5") == 0.5);
  CHECK(parse_decimal("5.") == 5);
  for (const Bytes bad :
       {"", ".", "1e3", "-1", "+1", "inf", "nan", "0x1", "1,5", " 1", "1234567890123456789"})
    CHECK_FALSE(parse_decimal(bad));
}

TEST_CASE("weighted lists") {
  const auto choices = parse_weighted("200:0.9, 500:0.1,404");
  REQUIRE(choices);
  REQUIRE(choices->size() == 3);
  CHECK((*choices)[1].value == "500");
  CHECK((*choices)[1].weight == 0.1);
  CHECK((*choices)[2].weight == 1);
  CHECK_FALSE((*choices)[2].has_weight);
  for (const Bytes bad : {"", "a,", ",a", "a:", "a:x", "a:-1", ":1", "a:1:2"})
    CHECK_FALSE(parse_weighted(bad));
  CHECK(parse_weighted("a:0"));
  CHECK_FALSE(parse_choices("a:0,b:0"));
  CHECK(parse_choices("a:0,b:0.1"));
  std::string most = "a";
  for (int i = 1; i < 100; ++i)
    most += ",a";
  CHECK(parse_weighted(most));
  CHECK_FALSE(parse_weighted(most + ",a"));
}

TEST_CASE("choices follow their weights, and a seed") {
  std::mt19937_64 random(1);
  const auto choices = *parse_choices("a:3,b:1,c:0");
  int a = 0, b = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string& value = choose(choices, random).value;
    ++(value == "a" ? a : b);
    REQUIRE(value != "c");
  }
  CHECK(a > 2700);
  CHECK(b > 800);
  std::mt19937_64 one(7), two(7);
  for (int i = 0; i < 100; ++i)
    CHECK(&choose(choices, one) == &choose(choices, two));
}

TEST_CASE("percentages leave the rest to chance") {
  std::mt19937_64 random(1);
  const auto choices = *parse_weighted("10ms:50,100ms:5");
  int none = 0;
  for (int i = 0; i < 1000; ++i)
    none += choose_percent(choices, random) == nullptr ? 1 : 0;
  CHECK(none > 350);
  CHECK(none < 550);
  const auto always = *parse_weighted("5s");
  const auto never = *parse_weighted("5s:0");
  for (int i = 0; i < 100; ++i) {
    CHECK(choose_percent(always, random) == &always[0]);
    CHECK(choose_percent(never, random) == nullptr);
  }
  CHECK(choose_percent({}, random) == nullptr);
}

TEST_CASE("arguments keep their order; the first of a name counts") {
  const Arguments arguments("b=1&a=2&b=3&c");
  CHECK(arguments.all().size() == 4);
  CHECK(arguments.value("b") == "1");
  CHECK(arguments.value("c").empty());
  CHECK(arguments.find("c") != nullptr);
  CHECK(arguments.find("d") == nullptr);
}

TEST_CASE("networks contain addresses bit by bit") {
  const auto contains = [](const std::string& network, const char* address) {
    const auto networks = Networks::parse({network});
    REQUIRE(networks);
    return networks->contain(*Address::parse_ip(address));
  };
  CHECK(contains("10.0.0.0/8", "10.255.1.2"));
  CHECK_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  CHECK(contains("192.0.2.128/25", "192.0.2.255"));
  CHECK_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  CHECK(contains("192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(contains("192.0.2.1", "192.0.2.2"));
  CHECK(contains("0.0.0.0/0", "1.2.3.4"));
  CHECK_FALSE(contains("0.0.0.0/0", "::1"));
  CHECK(contains("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
  CHECK(contains("::1/128", "::1"));
  Address socket;
  socket.family = Family::kUnix;
  CHECK(Networks::parse({"unix"})->contain(socket));
  CHECK_FALSE(Networks::parse({"0.0.0.0/0"})->contain(socket));
  CHECK(Networks::parse({})->empty());
  for (const char* bad : {"", "10", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "a/8",
                          "10.0.0.0/-1", "[::1]"})
    CHECK_FALSE(Networks::parse({bad}));
}

TEST_CASE("a token is three parts, two of them objects") {
  const auto jwt = parse_jwt("eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.sig");
  REQUIRE(jwt);
  CHECK(jwt->header == "{\"alg\":\"none\"}");
  CHECK(jwt->payload == "{\"sub\":\"me\"}");
  CHECK(jwt->signature == "sig");
  for (const Bytes bad : {"", "..", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9",
                          "eyJhbGciOiJub25lIn0.WzFd.sig", "eyJhbGciOiJub25lIn0.!.sig"})
    CHECK_FALSE(parse_jwt(bad));
}

// What it accepts is tested with a client that computes its answer
// (tests/program/test_http_auth.py).
TEST_CASE("a digest challenge names its algorithm and has a new nonce each time") {
  std::string_view name;
  CHECK(digest_hash("sha-256", name) == Hash::kSha256);
  CHECK(name == "SHA-256");
  CHECK(digest_hash("MD5", name) == Hash::kMd5);
  CHECK_FALSE(digest_hash("SHA-1", name));
  const DigestAuth auth;
  const std::string challenge = auth.challenge({.algorithm = "MD5"}, true);
  CHECK(challenge.find("stale=true") != std::string::npos);
  CHECK(challenge != auth.challenge({.algorithm = "MD5"}, true));
}

TEST_CASE("flaky counts each key, and forgets the one asked for longest ago") {
  Flaky flaky;
  CHECK(flaky.count("a") == 1);
  CHECK(flaky.count("b") == 1);
  CHECK(flaky.count("a") == 2);
  flaky.forget("a");
  flaky.forget("never seen");
  CHECK(flaky.count("a") == 1);
  for (std::size_t i = 0; i < Flaky::kMostKeys - 1; ++i)
    flaky.count("key " + std::to_string(i));
  CHECK(flaky.size() == Flaky::kMostKeys);
  CHECK(flaky.count("a") == 2);
  CHECK(flaky.count("b") == 1);
  CHECK(flaky.size() == Flaky::kMostKeys);
}
