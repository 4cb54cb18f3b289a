// Bodies as RFC 9112 sections 6 and 7 frame them, whole and byte by byte.
#include <string>

#include "core/http/body_decoder.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::http;

namespace {

struct Decoded {
  std::string body;
  std::string rest;  // what follows the message
  int status = 0;    // of a refusal
  bool complete = false;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(BodyDecoder decoder, Bytes input, std::size_t step_size) {
  Decoded result;
  std::size_t at = 0;
  while (at < input.size() && !decoder.complete()) {
    const Bytes part = input.substr(at, step_size);
    const BodyDecoder::Step step = decoder.next(part);
    REQUIRE(step.used <= part.size());
    REQUIRE((step.used > 0 || step.state == BodyDecoder::State::kRefused));
    result.body.append(step.piece);
    at += step.used;
    if (step.state == BodyDecoder::State::kRefused) {
      result.status = step.refusal.status;
      return result;
    }
  }
  result.complete = decoder.complete();
  result.rest = input.substr(at);
  return result;
}

Decoded decode_both_ways(const BodyDecoder& decoder, Bytes input) {
  CAPTURE(std::string(input));
  const Decoded whole = decode(decoder, input, input.size() + 1);
  CHECK((decode(decoder, input, 1) == whole));
  CHECK((decode(decoder, input, 3) == whole));
  return whole;
}

Decoded chunked(Bytes input) {
  BodyDecoder decoder;
  decoder.start_chunked();
  return decode_both_ways(decoder, input);
}

}  // namespace

TEST_CASE("a body with a length ends where the length says") {
  BodyDecoder decoder;
  decoder.start_length(5);
  CHECK((decode_both_ways(decoder, "helloGET /") == Decoded{"hello", "GET /", 0, true}));
  CHECK((decode_both_ways(decoder, "hel") == Decoded{"hel", "", 0, false}));
  decoder.start_length(0);
  CHECK(decoder.complete());
}

TEST_CASE("chunks are put together") {
  CHECK((chunked("5\r\nhello\r\n0\r\n\r\nX") == Decoded{"hello", "X", 0, true}));
  CHECK((chunked("0\r\n\r\n") == Decoded{"", "", 0, true}));
  CHECK((chunked("000\r\n\r\n") == Decoded{"", "", 0, true}));
  CHECK((chunked("1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n") == Decoded{"a0123456789", "", 0, true}));
  CHECK((chunked("00a\r\n0123456789\r\n0\r\n\r\n") == Decoded{"0123456789", "", 0, true}));
  CHECK((chunked("2\r\n\r\n\r\n0\r\n\r\n") == Decoded{"\r\n", "", 0, true}));
  CHECK((chunked("5\r\nhel") == Decoded{"hel", "", 0, false}));
}

TEST_CASE("chunk extensions follow their grammar and are dropped") {
  for (const char* extension :
       {";a", ";a=b", ";a=\"b;\\\"c\"", ";a;b=c", " ;a", ";\ta = b", ";a=b ;c", ";a=\"\""}) {
    CHECK((chunked("1" + std::string(extension) + "\r\nx\r\n0\r\n\r\n") ==
           Decoded{"x", "", 0, true}));
  }
  for (const char* extension :
       {";", " ", "\t", ";=b", ";a=", ";a=b=c", ";a b", ";a;", ";a=\"b", ";a=\"b\"c", ";a=\n",
        ";\r", "a;", ",", ";a\x01", ";a=\"\x01\"", ";a "}) {
    CHECK(chunked("1" + std::string(extension) + "\r\nx\r\n0\r\n\r\n").status == 400);
  }
}

TEST_CASE("what is no chunk is refused") {
  for (const char* input :
       {"\r\n", "g\r\n", " 1\r\nx\r\n", "+1\r\nx\r\n", "-1\r\n", "0x1\r\nx\r\n", "1\nx\r\n",
        "1\rx\r\n", "1\r\nx\n0\r\n\r\n", "1\r\nxy\r\n", "1\r\nx0\r\n\r\n", "1\r\nx\r0\r\n",
        "0\r\n\n", "0\n\r\n", "0\r\n\rx", "1_0\r\n", "1.0\r\n", "fffffffffffffffff\r\n",
        "0000000000000001\r\n"}) {
    CHECK(chunked(input).status == 400);
  }
}

TEST_CASE("trailers are fields, and none that frame or route") {
  CHECK((chunked("0\r\nX: y\r\n\r\nZ") == Decoded{"", "Z", 0, true}));
  CHECK((chunked("0\r\nX:\r\nY: a b\r\n\r\n") == Decoded{"", "", 0, true}));
  for (const char* trailer :
       {"X\r\n", ": y\r\n", "X : y\r\n", " X: y\r\n", "X: y\n", "X: y\r\n z\r\n", "X: \x01\r\n",
        "X: a\rb\r\n", "Content-Length: 5\r\n", "content-LENGTH: 5\r\n",
        "Transfer-Encoding: chunked\r\n", "Host: a\r\n"}) {
    CHECK(chunked("0\r\n" + std::string(trailer) + "\r\n").status == 400);
  }
  CHECK((
      chunked(
          "0\r\nContent-Length-X: 5\r\nHosts: b\r\nTransfer-Encoding-Of-Great-Length: 1\r\n\r\n") ==
      Decoded{"", "", 0, true}));
  const std::string limit(BodyDecoder::kMaxTrailerBytes, 'a');
  CHECK(chunked("0\r\n" + limit + ": 1\r\n\r\n").status == 431);
}

TEST_CASE("a body of framing and hardly any data is refused") {
  std::string small;
  for (int i = 0; i < 100'000; ++i)
    small += "1\r\nx\r\n";
  BodyDecoder decoder;
  decoder.start_chunked();
  CHECK(decode(decoder, small, small.size()).status == 400);
  CHECK(decode(decoder, small, 7).status == 400);
  std::string fair;
  for (int i = 0; i < 20'000; ++i)
    fair += "10\r\n0123456789abcdef\r\n";
  fair += "0\r\n\r\n";
  const Decoded decoded = decode(decoder, fair, fair.size());
  CHECK(decoded.complete);
  CHECK(decoded.body.size() == 320'000);
}

TEST_CASE("a chunk's line is bounded") {
  const auto with_extension = [](std::size_t size) {
    return "1;" + std::string(size, 'a') + "\r\nx\r\n0\r\n\r\n";
  };
  CHECK(chunked(with_extension(BodyDecoder::kMaxChunkLine - 3)).complete);
  CHECK(chunked(with_extension(BodyDecoder::kMaxChunkLine)).status == 400);
}
