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
