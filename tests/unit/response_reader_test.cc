// ResponseReader: where an answer ends, whatever the pieces it comes in.
#include "core/http/response_reader.h"

#include "tests/support/catch.h"

namespace polyport::http {
namespace {

using State = ResponseReader::State;

struct Read {
  State state = State::kNeedMore;
  std::string body;
  std::size_t used = 0;
  std::string what;
};

Read read(ResponseReader& reader, Bytes input, std::size_t piece) {
  Read read;
  while (true) {
    const Bytes given = input.substr(read.used, piece);
    const auto step = reader.next(given);
    if (step.state == State::kNeedMore) REQUIRE(step.used == given.size());
    read.used += step.used;
    read.body.append(step.piece);
    read.state = step.state;
    read.what = std::string(step.what);
    if (step.state == State::kComplete || step.state == State::kRefused) return read;
    if (step.state == State::kNeedMore && read.used == input.size()) return read;
  }
}

Read read_all(Bytes input, std::size_t piece = 1'000'000) {
  ResponseReader reader;
  return read(reader, input, piece);
}

TEST_CASE("answers end where their framing says") {
  for (const std::size_t piece : {1u, 2u, 7u, 100'000u}) {
    Read got = read_all("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP", piece);
    CHECK(got.state == State::kComplete);
    CHECK(got.body == "hello");
    CHECK(got.used == 43);
    got =
        read_all("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", piece);
    CHECK(got.state == State::kComplete);
    CHECK(got.body == "abc");
    got = read_all("HTTP/1.1 204 No Content\r\n\r\nrest", piece);
    CHECK(got.state == State::kComplete);
    CHECK(got.used == 27);
    got = read_all("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
                   piece);
    CHECK(got.state == State::kComplete);
    CHECK(got.body == "x");
  }
}

TEST_CASE("an answer without a length ends with the connection") {
  for (const std::size_t piece : {1u, 7u, 100u}) {
    ResponseReader reader;
    const Read got = read(reader, "HTTP/1.0 200 OK\r\n\r\nabc", piece);
    CHECK(got.state == State::kNeedMore);
    CHECK(got.body == "abc");
    CHECK(reader.ends_here());
    CHECK_FALSE(reader.keeps_alive());
  }
}

TEST_CASE("an answer to HEAD has no body, whatever its length") {
  ResponseReader reader;
  reader.start(ResponseReader::Method::kHead);
  CHECK(read(reader, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 100).state ==
        State::kComplete);
}

TEST_CASE("who keeps the connection") {
  const auto keeps = [](const std::string& version, const std::string& fields) {
    ResponseReader reader;
    read(reader, "HTTP/" + version + " 200 OK\r\nContent-Length: 0\r\n" + fields + "\r\n", 100);
    return reader.keeps_alive();
  };
  CHECK(keeps("1.1", ""));
  CHECK_FALSE(keeps("1.1", "Connection: Close\r\n"));
  CHECK_FALSE(keeps("1.1", "Connection: x, close\r\n"));
  CHECK_FALSE(keeps("1.0", ""));
  CHECK(keeps("1.0", "Connection: keep-alive\r\n"));
}

TEST_CASE("what is no answer is refused") {
  for (const char* bad :
       {"220 hello\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    for (const std::size_t piece : {1u, 1'000u}) {
      const Read got = read_all(bad, piece);
      CHECK(got.state == State::kRefused);
      CHECK_FALSE(got.what.empty());
    }
  }
  CHECK(read_all("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'), 999).state ==
        State::kRefused);
}

}  // namespace
}  // namespace polyport::http
