#include "core/base/json_value.h"

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
