#include "core/base/json_value.h"

#include <cstdint>
#include <iterator>
#include <string>

#include "tests/support/catch.h"

using namespace polyport;

TEST_CASE("what is JSON and what only looks like it") {
  for (const char* text : {"{}", "[1, 2.5e3, null]", "\"text\"", " true ", "{\"a\":{\"b\":[]}}"}) {
    CAPTURE(text);
    CHECK(is_json(text));
  }
  for (const char* text : {"", "{", "{a:1}", "[1,]", "1 2", "'x'", "\"\xff\"", "\"\x01\"", "nul"}) {
    CAPTURE(text);
    CHECK_FALSE(is_json(text));
  }
  // A million brackets are no million stack frames.
  CHECK(is_json(std::string(1'000'000, '[') + std::string(1'000'000, ']')));
}

// Our own pass over the bytes and nlohmann's reader must be of one mind.
TEST_CASE("what is_json takes is what the other reader takes") {
  const std::string seeds[] = {
      R"({"user": "ada", "numbers": [1, -2.5e+3, 0, 0.1E-7], "deep": {"er": [[], {}, null]}})",
      R"(["\u00e9\uD83D\uDE00\n\"\\\/\b\f\r\t", "é€😀", true, false, 1e400, 1e-400])",
      " \t\r\n[\"" + std::string(40, 'x') + "\", " + std::string(310, '9') + "]",
      "\xEF\xBB\xBF{\"a\":\"\\uD83Dx\",\"b\":\"\\uDE00\"}"};
  std::uint32_t state = 1;
  const auto next = [&state](std::size_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
  };
  const std::string bytes = "{}[]\",:\\ue019.-+Eatrfn \t\x01\x7f\x80\xC3\xE2\xED\xF0\xFF";
  int taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seeds[next(std::size(seeds))];
    for (std::size_t changes = next(4); changes > 0; --changes) {
      const std::size_t at = next(text.size());
      if (next(3) == 0) {
        text.erase(at, 1 + next(5));
      } else if (next(2) == 0) {
        text[at] = bytes[next(bytes.size())];
      } else {
        text.insert(at, 1, bytes[next(bytes.size())]);
      }
      if (text.empty()) text = "0";
    }
    CAPTURE(text);
    const bool ours = is_json(text);
    REQUIRE(ours == JsonValue::parse(text).has_value());
    taken += ours ? 1 : 0;
  }
  CHECK(taken > 1000);
}

TEST_CASE("a NUL is no end of a JSON text") {
  CHECK_FALSE(is_json(Bytes("1\0x", 3)));
  CHECK_FALSE(is_json(Bytes("1\0", 2)));
}

TEST_CASE("a JSON text as a tree") {
  const auto root = JsonValue::parse(
      R"({"name":"web","n":42,"deep":{"list":[true,null,-7,1.5,"é"]},"n":43,"big":18446744073709551615})");
  REQUIRE(root);
  CHECK(root->kind() == JsonValue::Kind::kObject);
  CHECK(root->text_of("name") == "web");
  CHECK(root->find("n")->integer() == 43);  // the last of one name
  CHECK_FALSE(root->find("big")->integer());
  CHECK(root->find("nothing") == nullptr);
  CHECK(root->text_of("n").empty());
  const auto& list = root->find("deep")->find("list")->items();
  REQUIRE(list.size() == 5);
  CHECK(list[0].is_true());
  CHECK(list[1].kind() == JsonValue::Kind::kNull);
  CHECK(list[2].integer() == -7);
  CHECK_FALSE(list[3].integer());
  CHECK(list[4].text() == "é");
  CHECK(list[4].find("x") == nullptr);
}

TEST_CASE("JSON that is no tree for us") {
  for (const char* text : {"", "{", "[1,]", "1 2", "\"\xff\""}) {
    CAPTURE(text);
    CHECK_FALSE(JsonValue::parse(text));
  }
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(JsonValue::parse(nested(JsonValue::kMaxDepth)));
  CHECK_FALSE(JsonValue::parse(nested(JsonValue::kMaxDepth + 1)));
  CHECK_FALSE(JsonValue::parse(nested(1'000'000)));
}
