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

TEST_CASE("a text as a tree") {
  const auto tree = read_json(
      R"({"name":"web","on":true,"n":[1,-2,2.5,null,"\u00fc"],"in":{"a":{}},"name":"twice"})");
  REQUIRE(tree);
  CHECK(tree->kind == JsonValue::Kind::kObject);
  CHECK(tree->items.size() == 5);
  CHECK(tree->items[4].name == "name");
  CHECK(tree->text_of("name") == "web");  // the first of two
  CHECK(tree->find("on")->truth);
  const JsonValue& numbers = *tree->find("n");
  REQUIRE(numbers.items.size() == 5);
  CHECK(numbers.items[1].number == -2);
  CHECK(numbers.items[2].number == 2.5);
  CHECK(numbers.items[3].kind == JsonValue::Kind::kNull);
  CHECK(numbers.items[4].text == "\xc3\xbc");
  CHECK(tree->find("in")->find("a")->kind == JsonValue::Kind::kObject);
  CHECK(read_json("7")->number == 7);
}

TEST_CASE("what is not there, or is no string, reads as nothing") {
  const auto tree = read_json(R"({"n":1})");
  REQUIRE(tree);
  CHECK(tree->find("name") == nullptr);
  CHECK(tree->text_of("name").empty());
  CHECK(tree->text_of("n").empty());
  CHECK(tree->find("n")->find("x") == nullptr);
}

TEST_CASE("no tree of what is no JSON, or too deep") {
  for (const char* text : {"", "{", "[1,]", "1 2", "\"\xff\"", "nul", "1e999"}) {
    CAPTURE(text);
    CHECK_FALSE(read_json(text));
  }
  CHECK(read_json(std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']')));
  CHECK_FALSE(read_json(std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']')));
  CHECK_FALSE(read_json(std::string(1'000'000, '[')));
}
