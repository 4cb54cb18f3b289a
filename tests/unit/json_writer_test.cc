// The JSON writer: what it writes is JSON whatever bytes it is given.
#include "core/base/json_writer.h"

#include <cmath>
#include <limits>

#include "tests/support/catch.h"

using polyport::JsonWriter;

namespace {

std::string string_of(polyport::Bytes bytes) {
  std::string out;
  polyport::append_json_string(out, bytes);
  return out;
}

template <class Value>
std::string json_of(const Value& value) {
  std::string out;
  JsonWriter(out).value(value);
  return out;
}

void write_sample(JsonWriter& json) {
  json.begin_object();
  json.field("name", "web");
  json.key("list");
  json.begin_array();
  json.value(1);
  json.value(nullptr);
  json.begin_object();
  json.end_object();
  json.end_array();
  json.key("empty");
  json.begin_array();
  json.end_array();
  json.field("live", true);
  json.end_object();
}

}  // namespace

TEST_CASE("compact JSON has commas where they belong and nothing else") {
  std::string out = "before ";
  JsonWriter json(out);
  CHECK_FALSE(json.complete());
  write_sample(json);
  CHECK(json.complete());
  CHECK(out == R"(before {"name":"web","list":[1,null,{}],"empty":[],"live":true})");
}

TEST_CASE("indented JSON is for people") {
  std::string out;
  JsonWriter json(out, JsonWriter::Style::kIndented);
  write_sample(json);
  CHECK(out ==
        "{\n"
        "  \"name\": \"web\",\n"
        "  \"list\": [\n"
        "    1,\n"
        "    null,\n"
        "    {}\n"
        "  ],\n"
        "  \"empty\": [],\n"
        "  \"live\": true\n"
        "}");
}

TEST_CASE("JSON numbers keep their value") {
  CHECK(json_of(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(json_of(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(json_of(std::uint8_t{65}) == "65");
  CHECK(json_of(0.1) == "0.1");
  CHECK(json_of(-2.0) == "-2");
  CHECK(json_of(1e300) == "1e+300");
  CHECK(json_of(std::nan("")) == "null");
  CHECK(json_of(std::numeric_limits<double>::infinity()) == "null");
}

TEST_CASE("a JSON string of any bytes is valid") {
  using namespace std::string_view_literals;
  CHECK(string_of("") == R"("")");
  CHECK(string_of("plain") == R"("plain")");
  CHECK(string_of("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(string_of("\n\r\t\0\x1f\x7f"sv) == "\"\\n\\r\\t\\u0000\\u001f\x7f\"");
  CHECK(string_of("gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\x99") ==
        "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\x99\"");
}

TEST_CASE("bytes that are not UTF-8 become U+FFFD, one each") {
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(string_of("a\xFFz") == "\"a" + bad + "z\"");
  CHECK(string_of("\xC3") == "\"" + bad + "\"");
  CHECK(string_of("\xC3\"") == "\"" + bad + "\\\"\"");
  CHECK(string_of("\xC0\xAF") == "\"" + bad + bad + "\"");
  CHECK(string_of("\xED\xA0\x80") == "\"" + bad + bad + bad + "\"");
  CHECK(string_of("\xF4\x90\x80\x80") == "\"" + bad + bad + bad + bad + "\"");
}

TEST_CASE("keys are escaped and raw JSON is passed on") {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.field("a\"b", std::string("c"));
  json.key("raw");
  json.raw("[1,2]");
  json.field("last", 3u);
  json.end_object();
  CHECK(out == R"({"a\"b":"c","raw":[1,2],"last":3})");
}

TEST_CASE("JSON nests down to its bound") {
  std::string out;
  JsonWriter json(out);
  for (unsigned depth = 0; depth < JsonWriter::kMaxDepth; ++depth)
    json.begin_array();
  for (unsigned depth = 0; depth < JsonWriter::kMaxDepth; ++depth)
    json.end_array();
  CHECK(json.complete());
  CHECK(out == std::string(JsonWriter::kMaxDepth, '[') + std::string(JsonWriter::kMaxDepth, ']'));
}
