// What the HTTP engine remembers of heads must be what reading and writing them anew would give.
#include "core/http/head_memory.h"

#include <string>
#include <vector>

#include "core/http/head_writer.h"
#include "core/http/message_parser.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::http;

namespace {

struct Read {
  HeadCheck check;
  std::vector<Header> fields;
};

Read read(Bytes head) {
  Read result;
  REQUIRE(result.check.scan(head, {}) == HeadCheck::State::kComplete);
  MessageParser parser;
  REQUIRE_FALSE(bool(parser.parse(head, result.check, result.fields)));
  return result;
}

// Whether both say the same, each of its own bytes.
void compare(const Read& left, Bytes left_head, const Read& right, Bytes right_head) {
  CHECK(left.check.length() == right.check.length());
  CHECK(left.check.start() == right.check.start());
  CHECK(left.check.method.of(left_head) == right.check.method.of(right_head));
  CHECK(left.check.path.of(left_head) == right.check.path.of(right_head));
  CHECK(left.check.query.of(left_head) == right.check.query.of(right_head));
  CHECK(left.check.content_length == right.check.content_length);
  CHECK(left.check.keeps_alive() == right.check.keeps_alive());
  REQUIRE(left.fields.size() == right.fields.size());
  for (std::size_t i = 0; i < left.fields.size(); ++i) {
    CHECK(left.fields[i].name == right.fields[i].name);
    CHECK(left.fields[i].value == right.fields[i].value);
  }
}

std::string request(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string fresh(const ResponseHead& head) {
  std::string out(size_bound(head), '\0');
  out.resize(static_cast<std::size_t>(write_head(head, out.data()) - out.data()));
  return out;
}

}  // namespace

TEST_CASE("a head with credentials is not remembered") {
  for (const char* const field : {"Authorization: Basic YTpi\r\n", "COOKIE: a=b\r\n",
                                  "Proxy-Authorization: Basic YTpi\r\n"}) {
    HeadMemory memory;
    const std::string head = request("/plain", field);
    const Read once = read(head);
    memory.keep(head, once.check, once.fields);
    Read again;
    CHECK_FALSE(memory.recall(head, again.check, again.fields));
  }
}

TEST_CASE("a head that is known is recalled as reading it would give it") {
  HeadMemory memory;
  for (const std::string& head :
       {request("/plain"), request("/a?b=c", "X-Empty:\r\nX: y \r\n"), "\r\n" + request("/late"),
        request("/z", "Connection: close\r\nContent-Length: 5\r\n")}) {
    CAPTURE(head);
    const Read first = read(head);
    memory.keep(head, first.check, first.fields);
    const std::string again = head + "and what comes behind it";
    Read recalled;
    REQUIRE(memory.recall(again, recalled.check, recalled.fields));
    compare(first, head, recalled, again);
    for (const Header& field : recalled.fields) {
      CHECK(field.name.data() >= again.data());  // of the new bytes, not of the kept ones
      CHECK(field.name.data() < again.data() + again.size());
    }
  }
}

TEST_CASE("a head that differs in one byte, or is not whole, is not known") {
  HeadMemory memory;
  const std::string head = request("/plain", "X: y\r\n");
  const Read first = read(head);
  memory.keep(head, first.check, first.fields);
  Read recalled;
  for (std::size_t at = 0; at < head.size(); ++at) {
    std::string other = head;
    other[at] = static_cast<char>(other[at] ^ 1);
    CHECK_FALSE(memory.recall(other, recalled.check, recalled.fields));
    CHECK_FALSE(memory.recall(Bytes(head).substr(0, at), recalled.check, recalled.fields));
  }
  CHECK(memory.recall(head, recalled.check, recalled.fields));
}

TEST_CASE("many heads take each other's places, and a long one is never kept") {
  HeadMemory memory;
  int known = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string head = request("/" + std::to_string(i * 7919));
    const Read first = read(head);
    memory.keep(head, first.check, first.fields);
    Read recalled;
    REQUIRE(memory.recall(head, recalled.check, recalled.fields));
    compare(first, head, recalled, head);
  }
  for (int i = 0; i < 200; ++i) {
    Read recalled;
    const std::string head = request("/" + std::to_string(i * 7919));
    known += memory.recall(head, recalled.check, recalled.fields) ? 1 : 0;
  }
  CHECK(known > 1);
  CHECK(known <= 16);

  const std::string large = request("/" + std::string(HeadMemory::kMostBytes, 'x'));
  const Read first = read(large);
  memory.keep(large, first.check, first.fields);
  Read recalled;
  CHECK_FALSE(memory.recall(large, recalled.check, recalled.fields));
}

TEST_CASE("what was noted about a head is there again with the head, and goes with it") {
  HeadMemory memory;
  const HeadNote about = {nullptr, &memory};
  Read once;
  const auto recalled = [&](const std::string& head) {
    return memory.recall(head, once.check, once.fields);
  };
  const std::string head = request("/plain");
  const Read first = read(head);
  HeadNote* const noted = memory.keep(head, first.check, first.fields);
  REQUIRE(noted != nullptr);
  CHECK(noted->what == nullptr);
  *noted = about;
  CHECK(recalled(head)->what == &memory);

  int others = 0;  // until one of them takes its place
  while (recalled(head) != nullptr && others < 1000) {
    const std::string other = request("/" + std::to_string(++others));
    const Read read_other = read(other);
    CHECK(memory.keep(other, read_other.check, read_other.fields)->what == nullptr);
  }
  CHECK(others < 1000);
  CHECK(memory.keep(head, first.check, first.fields)->what == nullptr);
}

TEST_CASE("a head that was written before goes out the same, with the date of now") {
  HeadWriter writer;
  const std::string value = "text/plain";
  const Header headers[] = {{"Content-Type", value}};
  const Header common[] = {{"X-Served-By", "web"}};
  ResponseHead head{.status = 200, .headers = headers, .common = {common}};
  head.framing = ResponseHead::Framing::kLength;
  head.length = 5;
  head.server = "polyport";
  for (const Bytes date : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"}) {
    head.date = date;
    const HeadWriter::Written written = writer.write(head, "hello");
    CHECK(written.has_body);
    CHECK(written.bytes == fresh(head) + "hello");
  }
  CHECK(writer.write(head, "HELLO").bytes == fresh(head) + "HELLO");
}

TEST_CASE("a head that differs anywhere is written anew") {
  HeadWriter writer;
  std::string value = "text/plain";
  Header headers[] = {{"Content-Type", value}, {"X-A", "b"}};
  Header common[] = {{"X-Served-By", "web"}};
  ResponseHead head{.status = 200, .headers = headers, .common = {common}};
  head.framing = ResponseHead::Framing::kLength;
  head.length = 5;
  head.server = "polyport";
  head.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  const auto check = [&] {
    for (int i = 0; i < 2; ++i)
      CHECK(writer.write(head, {}).bytes == fresh(head));
  };
  check();
  value[0] = 'T';  // in the same place in memory
  check();
  headers[1].value = "c";
  check();
  headers[1].name = "X-B";
  check();
  common[0].value = "wob";
  check();
  head.headers = std::span(headers).first(1);
  check();
  head.status = 201;
  check();
  head.length = 13;  // of the same slot
  check();
  head.persistence = ResponseHead::Persistence::kClose;
  check();
  head.framing = ResponseHead::Framing::kChunked;
  check();
  head.server = "poliport";
  check();
  head.date = "";
  check();
}

TEST_CASE("common headers that are fixed are known by their place, others by their bytes") {
  HeadWriter writer;
  std::string value = "web";
  const Header common[] = {{"X-Served-By", value}, {"X-Other", "x"}};
  ResponseHead head{.status = 200, .common = {common, true}};
  head.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  const std::string first = fresh(head);
  CHECK(writer.write(head, {}).bytes == first);
  value = "wob";  // which is against what was promised, and shows that nobody looks
  CHECK(writer.write(head, {}).bytes == first);
  head.common.fields = std::span(common).first(1);
  CHECK(writer.write(head, {}).bytes == fresh(head));
  value = "wib";
  head.common.fixed = false;
  CHECK(writer.write(head, {}).bytes == fresh(head));
}

TEST_CASE("a value of any length that differs in any byte is written anew") {
  HeadWriter writer;
  for (std::size_t size = 1; size <= 80; ++size) {
    std::string value(size, 'x');
    const Header header{"X-A", value};
    ResponseHead head{.status = 200, .headers = {&header, 1}};
    head.date = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (char& byte : value) {
      REQUIRE(writer.write(head, {}).bytes == fresh(head));
      byte = 'y';
      REQUIRE(writer.write(head, {}).bytes == fresh(head));
    }
  }
}

TEST_CASE("a body that is not short, and a head that is long, go out by themselves") {
  HeadWriter writer;
  ResponseHead head{.status = 200};
  head.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  const std::string large(100'000, 'x');
  const HeadWriter::Written written = writer.write(head, large);
  CHECK_FALSE(written.has_body);
  CHECK(written.bytes == fresh(head));

  const Header header{"X-Large", large};
  head.headers = {&header, 1};
  for (int i = 0; i < 2; ++i) {
    const HeadWriter::Written long_head = writer.write(head, "body");
    CHECK_FALSE(long_head.has_body);
    CHECK(long_head.bytes == fresh(head));
  }
}
