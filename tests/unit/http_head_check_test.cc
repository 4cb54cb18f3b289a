// The verdict on the raw head of a request, by section of RFC 9112 and RFC 9110. Every head is
// scanned whole, byte by byte and in two parts, with the same result, and llhttp must agree with
// what passes.
#include "core/http/head_check.h"

#include <string>
#include <vector>

#include "core/http/message_parser.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::http;

namespace {

struct Verdict {
  HeadCheck::State state;
  int status;
  std::size_t length;
  bool operator==(const Verdict&) const = default;
};

Verdict verdict_of(const HeadCheck& check, HeadCheck::State state) {
  return {state, check.refusal().status, state == HeadCheck::State::kComplete ? check.length() : 0};
}

// The bytes come up to each of `ends` in turn, as in separate reads.
template <class Ends>
Verdict scan_in_steps(Bytes head, const HeadLimits& limits, const Ends& ends) {
  HeadCheck check;
  HeadCheck::State state = HeadCheck::State::kPartial;
  for (const std::size_t end : ends) {
    const std::string moved(head.substr(0, end));  // another place in memory each time
    state = check.scan(moved, limits);
    if (state != HeadCheck::State::kPartial) break;
  }
  return verdict_of(check, state);
}

// 0 where the head is complete and fine, -1 where it is not complete, else the status of the
// refusal.
int judge(Bytes head, const HeadLimits& limits = {}) {
  CAPTURE(std::string(head));
  HeadCheck whole;
  const Verdict verdict = verdict_of(whole, whole.scan(head, limits));

  std::vector<std::size_t> every;
  for (std::size_t end = 1; end <= head.size(); ++end)
    every.push_back(end);
  CHECK((scan_in_steps(head, limits, every) == verdict));
  for (std::size_t cut = 1; cut < head.size(); cut += 1 + head.size() / 50)
    CHECK((scan_in_steps(head, limits, std::vector{cut, head.size()}) == verdict));

  if (verdict.state == HeadCheck::State::kPartial) return -1;
  if (verdict.state == HeadCheck::State::kComplete) {
    MessageParser parser;
    std::vector<Header> fields;
    const Refusal second = parser.parse(head.substr(0, whole.length()), whole, fields);
    INFO("llhttp: " << std::string(second.detail));
    CHECK(second.status == 0);
    CHECK(fields.size() == whole.fields);
  }
  return verdict.status;
}

std::string with_fields(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string with_host(const std::string& host) {
  return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

std::string with_line(const std::string& line) {
  return line + "\r\nHost: a\r\n\r\n";
}

}  // namespace

TEST_CASE("a request line is method, target and version (RFC 9112 section 3)") {
  for (const char* line :
       {"GET / HTTP/1.1", "GET / HTTP/1.0", "POST /a/b?c=d&e HTTP/1.1", "brew /pot HTTP/1.1",
        "GET /?q=a|b{c}^`\"\\ HTTP/1.1", "X!#$%&'*+-.^_`|~9 / HTTP/1.1",
        "GET /%7Euser/%00 HTTP/1.1", "GET //double HTTP/1.1", "GET /?a?b HTTP/1.1"}) {
    CHECK(judge(with_line(line)) == 0);
  }
  for (const char* line : {"GET  / HTTP/1.1",
                           "GET /  HTTP/1.1",
                           " GET / HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "GET /",
                           "GET",
                           "GET\t/ HTTP/1.1",
                           "GET /\tHTTP/1.1",
                           "GET / http/1.1",
                           "GET / HTTP/1",
                           "GET / HTTP/1.",
                           "GET / HTTP/11.1",
                           "GET / HTTP/1.10",
                           "GET / HTTP/1.1x",
                           "GET / HTTP/a.b",
                           "GET / HTP/1.1",
                           "GET / RTSP/1.0",
                           "G(T / HTTP/1.1",
                           "GET HTTP/1.1",
                           "GET /a b HTTP/1.1",
                           "GET / HTTP 1.1",
                           "GET /\x01 HTTP/1.1",
                           "GET /\x7f HTTP/1.1",
                           "GET /\xc3\xa4 HTTP/1.1",
                           "GET /a\rb HTTP/1.1"}) {
    CHECK(judge(with_line(line)) == 400);
  }
}

TEST_CASE("only HTTP/1.0 and HTTP/1.1 are spoken (RFC 9110 section 2.5)") {
  for (const char* version : {"0.9", "1.2", "1.9", "2.0", "3.0", "9.9"})
    CHECK(judge(with_line("GET / HTTP/" + std::string(version))) == 505);
  CHECK(judge("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 505);
}

TEST_CASE("the target has one of the four forms (RFC 9112 section 3.2)") {
  for (const char* line :
       {"GET http://a HTTP/1.1", "GET http://a/ HTTP/1.1", "GET HTTP://a:80/b?c HTTP/1.1",
        "GET https://[::1]:8443/ HTTP/1.1", "GET http://a?x=1 HTTP/1.1", "OPTIONS * HTTP/1.1",
        "OPTIONS / HTTP/1.1", "CONNECT a:443 HTTP/1.1", "CONNECT [::1]:443 HTTP/1.1"}) {
    CHECK(judge(with_line(line)) == 0);
  }
  for (const char* line : {"GET * HTTP/1.1",
                           "GET a HTTP/1.1",
                           "GET /a#b HTTP/1.1",
                           "GET http://a/#b HTTP/1.1",
                           "GET ftp://a/ HTTP/1.1",
                           "GET http:// HTTP/1.1",
                           "GET http:///a HTTP/1.1",
                           "GET http://u@a/ HTTP/1.1",
                           "GET http://u:p@a/ HTTP/1.1",
                           "GET http://a:b/ HTTP/1.1",
                           "GET http://a:65536/ HTTP/1.1",
                           "GET http://a,b/ HTTP/1.1",
                           "GET a:443 HTTP/1.1",
                           "CONNECT / HTTP/1.1",
                           "CONNECT a HTTP/1.1",
                           "CONNECT a: HTTP/1.1",
                           "CONNECT :1 HTTP/1.1",
                           "CONNECT a:x HTTP/1.1",
                           "CONNECT [::1] HTTP/1.1",
                           "CONNECT http://a:1/ HTTP/1.1",
                           "GET /%zz HTTP/1.1",
                           "GET /%4 HTTP/1.1",
                           "GET /% HTTP/1.1",
                           "OPTIONS ** HTTP/1.1"}) {
    CHECK(judge(with_line(line)) == 400);
  }
}

TEST_CASE("the parts of a target are found") {
  const auto parts = [](const std::string& head) {
    HeadCheck check;
    REQUIRE(check.scan(head, {}) == HeadCheck::State::kComplete);
    return std::vector<std::string>{
        std::string(check.method.of(head)), std::string(check.target.of(head)),
        std::string(check.path.of(head)), std::string(check.query.of(head)),
        std::string(check.authority.of(head))};
  };
  CHECK(parts("\r\n" + with_line("GET /a%20b?c=d?e HTTP/1.1")) ==
        std::vector<std::string>{"GET", "/a%20b?c=d?e", "/a%20b", "c=d?e", ""});
  CHECK(parts(with_line("PUT http://h:81/p?q HTTP/1.1")) ==
        std::vector<std::string>{"PUT", "http://h:81/p?q", "/p", "q", "h:81"});
  CHECK(parts(with_line("GET http://h?q HTTP/1.1")) ==
        std::vector<std::string>{"GET", "http://h?q", "", "q", "h"});
  CHECK(parts(with_line("OPTIONS * HTTP/1.1")) ==
        std::vector<std::string>{"OPTIONS", "*", "*", "", ""});
}

TEST_CASE("every line ends in CR LF (RFC 9112 section 2.2)") {
  for (const char* head :
       {"GET / HTTP/1.1\n", "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n", "\nGET / HTTP/1.1\r\n", "\r\n\nGET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", "GET / HTTP/1.1x\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: ab\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nx\n"}) {
    CHECK(judge(head) == 400);
  }
}

TEST_CASE("empty lines before a request are dropped (RFC 9112 section 2.2)") {
  CHECK(judge("\r\n" + with_fields("")) == 0);
  CHECK(judge("\r\n\r\n\r\n" + with_fields("")) == 0);
  CHECK(judge("\r\n\r\n") == -1);
  HeadCheck check;
  CHECK(check.scan("\r\n\r\n", {}) == HeadCheck::State::kPartial);
  CHECK_FALSE(check.begun("\r\n\r\n"));
  CHECK(check.begun("\r\n\r\n\r"));
}

TEST_CASE("what is not HTTP is refused at its first byte") {
  CHECK(judge("\x16\x03\x01") == 400);
  CHECK(judge(Bytes("\0\0", 2)) == 400);
  CHECK(judge("\x80") == 400);
  HeadCheck check;
  check.scan("\x16\x03\x01", {});
  CHECK(check.refusal().detail.find("TLS") != Bytes::npos);
}

TEST_CASE("a field is Name: value (RFC 9112 section 5)") {
  for (const char* field :
       {"X: y\r\n", "X:y\r\n", "X:\r\n", "X: \t \r\n", "X:  y  \r\n", "x_y.z: 1\r\n", "X: a:b\r\n",
        "X: \xc3\xa4\xff\r\n", "X: a\tb\r\n", "!#$%&'*+-.^_`|~: v\r\n", "X: \"a, b\"\r\n"}) {
    CHECK(judge(with_fields(field)) == 0);
  }
  for (const char* field :
       {"X : y\r\n", "X\t: y\r\n", ": y\r\n", "X\r\n", "X y\r\n", "X(: y\r\n", "X Y: z\r\n",
        " X: y\r\n", "\tX: y\r\n", "X: a\r\n b\r\n", "X: a\r\n\tb\r\n", "X: a\x01\r\n",
        "X: a\x7f\r\n", "\xc3\xa4: y\r\n", "X\"Y: z\r\n"}) {
    CHECK(judge(with_fields(field)) == 400);
  }
  CHECK(judge(with_fields(std::string("X: a\0b\r\n", 8))) == 400);
  CHECK(judge(with_fields(std::string("X\0: b\r\n", 7))) == 400);
  CHECK(judge("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == 400);
}

TEST_CASE("HTTP/1.1 has exactly one valid Host (RFC 9112 section 3.2)") {
  for (const char* host : {"a", "a.b.c", "localhost:8080", "127.0.0.1", "[::1]", "[::1]:80", "a:",
                           "a:0", "a:65535", "a_b", "xn--bcher-kva", "a%41", "A~!$&'()*+;=-._"}) {
    CHECK(judge(with_host(host)) == 0);
  }
  for (const char* host :
       {"",     " ",        "a b",  "a,b",    "a, b",    "u@a",           "u:p@a",      "a/b",
        "a/",   "http://a", "a:b",  "a:-1",   "a:65536", "a:99999999999", "a:80:80",    ":80",
        "[::1", "::1",      "[]",   "[::1]x", "[::1]:x", "[a]",           "[::1%25lo]", "a?b",
        "a#b",  "a%4",      "a\\b", "a<b",    "\xc3\xa4"}) {
    CHECK(judge(with_host(host)) == 400);
  }
  CHECK(judge("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(judge("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == 400);
  CHECK(judge("GET / HTTP/1.1\r\nHOST: a\r\nhost: b\r\n\r\n") == 400);
  CHECK(judge("GET / HTTP/1.0\r\n\r\n") == 0);
  CHECK(judge("GET / HTTP/1.0\r\nHost: a,b\r\n\r\n") == 400);
  CHECK(judge("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n") == 0);
  CHECK(judge("GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n") == 0);
  CHECK(judge("GET http://a/ HTTP/1.1\r\n\r\n") == 400);
}

TEST_CASE("Content-Length is one decimal number (RFC 9110 section 8.6)") {
  const auto length = [](const std::string& value) {
    return with_fields("Content-Length: " + value + "\r\n");
  };
  for (const char* value : {"0", "1", "007", "9223372036854775807", "12 ", "\t5"})
    CHECK(judge(length(value)) == 0);
  for (const char* value :
       {"", "+1", "-1", "1.0", "1e3", "0x10", "1 2", "1,1", "1, 1", "a", "1a", "\"1\""})
    CHECK(judge(length(value)) == 400);
  for (const char* value :
       {"9223372036854775808", "18446744073709551616", "99999999999999999999999"})
    CHECK(judge(length(value)) == 413);
  CHECK(judge(with_fields("Content-Length: 1\r\nContent-Length: 1\r\n")) == 400);
  CHECK(judge(with_fields("Content-Length: 1\r\ncontent-length: 2\r\n")) == 400);
}

TEST_CASE("Transfer-Encoding is chunked and nothing else (RFC 9112 section 6.1)") {
  const auto coding = [](const std::string& value) {
    return with_fields("Transfer-Encoding: " + value + "\r\n");
  };
  for (const char* value : {"chunked", "Chunked", "CHUNKED", "\tchunked "})
    CHECK(judge(coding(value)) == 0);
  for (const char* value :
       {"", "identity", "gzip", "chunked, gzip", "chunked, chunked", "chunked,", ", chunked",
        "xchunked", "chunked;a=b", "chunke", "chunkedd", "\"chunked\"", "chunked chunked",
        "x, chunked", "'chunked'", "identity, chunked",
        "\x0b"
        "chunked"}) {
    CHECK(judge(coding(value)) == 400);
  }
  CHECK(judge(coding("gzip, chunked")) == 501);
  CHECK(judge(with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")) == 400);
  CHECK(judge(with_fields("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n")) == 400);
  CHECK(judge(with_fields("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")) == 400);
  CHECK(judge("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(judge(with_fields("Transfer-Encoding : chunked\r\n")) == 400);
  CHECK(judge(with_fields("Transfer-Encoding:\r\n chunked\r\n")) == 400);
}

TEST_CASE("100-continue is the one expectation (RFC 9110 section 10.1.1)") {
  CHECK(judge(with_fields("Expect: 100-continue\r\n")) == 0);
  CHECK(judge(with_fields("Expect: 100-Continue\r\n")) == 0);
  CHECK(judge(with_fields("Expect: 200-ok\r\n")) == 417);
  CHECK(judge(with_fields("Expect: 100-continue\r\nExpect: x\r\n")) == 417);
  CHECK(judge("GET / HTTP/1.0\r\nExpect: x\r\n\r\n") == 0);
}

TEST_CASE("the connection persists as both sides say (RFC 9112 section 9.3)") {
  const auto keeps_alive = [](const std::string& head) {
    HeadCheck check;
    REQUIRE(check.scan(head, {}) == HeadCheck::State::kComplete);
    return check.keeps_alive();
  };
  CHECK(keeps_alive(with_fields("")));
  CHECK_FALSE(keeps_alive(with_fields("Connection: close\r\n")));
  CHECK_FALSE(keeps_alive(with_fields("Connection: keep-alive, CLOSE\r\n")));
  CHECK_FALSE(keeps_alive(with_fields("Connection: x\r\nConnection: y ,close\r\n")));
  CHECK(keeps_alive(with_fields("Connection: closed\r\n")));
  CHECK_FALSE(keeps_alive("GET / HTTP/1.0\r\n\r\n"));
  CHECK(keeps_alive("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
  CHECK_FALSE(keeps_alive("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"));
}

TEST_CASE("each limit has its status, one above and one below") {
  HeadLimits limits;
  limits.max_request_line = 64;
  limits.max_header_bytes = 100;
  limits.max_headers = 3;
  const auto line = [](std::size_t size) {
    std::string text = "GET / HTTP/1.1";
    text.insert(5, size - text.size(), 'a');
    return with_line(text);
  };
  CHECK(judge(line(64), limits) == 0);
  CHECK(judge(line(65), limits) == 414);
  CHECK(judge(line(66), limits) == 414);
  CHECK(judge(std::string(1000, 'a'), limits) == 414);

  const auto bytes = [](std::size_t size) {
    std::string fields = "Host: a\r\nX: \r\n";
    fields.insert(12, size - fields.size(), 'x');
    return "GET / HTTP/1.1\r\n" + fields + "\r\n";
  };
  CHECK(judge(bytes(100), limits) == 0);
  CHECK(judge(bytes(101), limits) == 431);
  CHECK(judge(bytes(102), limits) == 431);
  CHECK(judge("GET / HTTP/1.1\r\n" + std::string(1000, 'a'), limits) == 431);

  CHECK(judge(with_fields("A: 1\r\nB: 2\r\n"), limits) == 0);
  CHECK(judge(with_fields("A: 1\r\nB: 2\r\nC: 3\r\n"), limits) == 431);
}
