// Clients of other protocols, known by their first bytes; and what only looks like them.
#include "core/observe/protocol_hint.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

using namespace polyport;
using namespace std::string_literals;

namespace {

struct First {
  std::string bytes;
  Protocol protocol;
};

void check_all(const std::vector<First>& all) {
  for (const First& first : all) {
    INFO(first.bytes);
    CHECK(name(recognise(first.bytes)) == name(first.protocol));
  }
}

}  // namespace

TEST_CASE("HTTP is known by its request line", "[protocol_hint]") {
  check_all({
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", Protocol::kHttp},
      {"POST /x?y=z HTTP/1.0\n\n", Protocol::kHttp},
      {"OPTIONS * HTTP/1.1\r\n", Protocol::kHttp},
      {"CONNECT example.org:443 HTTP/1.1\r\n", Protocol::kHttp},
      {"GET http://example.org/ HTTP/1.1\r\n", Protocol::kHttp},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol::kHttp},  // RFC 9113 section 3.4
      {"M-SEARCH * HTTP/1.1\r\n", Protocol::kUnknown},        // SSDP, and no browser
      {"GET /", Protocol::kUnknown},                          // cut in the middle
      {"GET / HTTP/1.1", Protocol::kHttp},
      {"GET / HTTP/11\r\n", Protocol::kUnknown},
      {"GET  / HTTP/1.1\r\n", Protocol::kUnknown},
      {" GET / HTTP/1.1\r\n", Protocol::kUnknown},
      {"GET HTTP/1.1\r\n", Protocol::kUnknown},
      {"hello\r\nGET / HTTP/1.1\r\n", Protocol::kUnknown},
      {"I say: use HTTP/1.1\n", Protocol::kUnknown},
      {"long live HTTP/1.1\n", Protocol::kUnknown},
      {"HTTP/1.1 200 OK\r\n", Protocol::kUnknown},
      {std::string(40, 'A') + " / HTTP/1.1\r\n", Protocol::kUnknown},
      {"OPTIONS sip:bob@example.org SIP/2.0\r\n", Protocol::kUnknown},
  });
}

TEST_CASE("TLS is known by its ClientHello", "[protocol_hint]") {
  check_all({
      {"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03"s + std::string(200, 'x'), Protocol::kTls},
      {"\x16\x03\x03\x40\x00\x01"s, Protocol::kTls},
      {"\x16\x03\x01\x00\xf4"s, Protocol::kUnknown},      // cut in the middle
      {"\x16\x03\x01\x00\xf4\x02"s, Protocol::kUnknown},  // a ServerHello
      {"\x16\x03\x05\x00\xf4\x01"s, Protocol::kUnknown},  // no such version
      {"\x16\x03\x01\x40\x01\x01"s, Protocol::kUnknown},  // longer than a record
      {"\x17\x03\x03\x00\xf4\x01"s, Protocol::kUnknown},
      {"\x16"s, Protocol::kUnknown},  // Ctrl-V
  });
}

TEST_CASE("others are known by how they begin", "[protocol_hint]") {
  check_all({
      {"SSH-2.0-OpenSSH_9.2p1\r\n", Protocol::kSsh},
      {"SSH-1.99-x\n", Protocol::kSsh},
      {"SSH is what I use\n", Protocol::kUnknown},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\n", Protocol::kProxy},
      {"PROXY UNKNOWN\r\n", Protocol::kProxy},
      {"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"s, Protocol::kProxy},
      {"PROXY me that\n", Protocol::kUnknown},
      {"\r\n\r\n", Protocol::kUnknown},
      {"\x05\x01\x00"s, Protocol::kSocks},
      {"\x05\x02\x00\x02"s, Protocol::kSocks},
      {"\x05\x02\x00"s, Protocol::kUnknown},
      {"\x05\x01\x00 and more"s, Protocol::kUnknown},
      {"\x04\x01\x00\x50\x7f\x00\x00\x01\x00"s, Protocol::kSocks},
      {"\x04\x03\x00\x50\x7f\x00\x00\x01\x00"s, Protocol::kUnknown},
      {"*1\r\n$4\r\nPING\r\n", Protocol::kRedis},
      {"*12\r\n$7\r\nCOMMAND\r\n", Protocol::kRedis},
      {"* a list\r\n$4\r\n", Protocol::kUnknown},
      {"*\r\n$4\r\n", Protocol::kUnknown},
      {"\0\0\0\x08\x04\xd2\x16\x2f"s, Protocol::kPostgresql},
      {"\0\0\0\x09\0\x03\0\0\0"s, Protocol::kPostgresql},
      {"\0\0\0\x08\0\x03\0\0"s, Protocol::kUnknown},
  });
}

TEST_CASE("ordinary bytes are nobody's", "[protocol_hint]") {
  check_all({
      {"", Protocol::kUnknown},
      {"\n", Protocol::kUnknown},
      {"hello\n", Protocol::kUnknown},
      {std::string(70'000, '\0'), Protocol::kUnknown},
      {std::string(70'000, 'x'), Protocol::kUnknown},
      {"\xff\xfb\x1f\xff\xfd\x03", Protocol::kUnknown},  // telnet's options
  });
  // No single byte, and no pair, is enough to tell.
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string both = {static_cast<char>(first), static_cast<char>(second)};
      if (recognise(both) != Protocol::kUnknown) FAIL(first << " " << second);
    }
  }
}

TEST_CASE("each protocol has its own words", "[protocol_hint]") {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kProtocols; ++i) {
    names.push_back(name(static_cast<Protocol>(i)));
    CHECK_FALSE(spoken(static_cast<Protocol>(i)).empty());
  }
  CHECK(names == std::vector<std::string_view>{"unknown", "http", "tls", "ssh", "proxy", "socks",
                                               "redis", "postgresql"});
}

TEST_CASE("a burst is worth one line, and everything is counted", "[protocol_hint]") {
  ProtocolHints hints;
  CHECK(hints.note(Protocol::kHttp, 5));
  CHECK_FALSE(hints.note(Protocol::kHttp, 5));
  CHECK(hints.note(Protocol::kTls, 6));
  std::uint64_t now = 5;
  for (int i = 0; i < 100; ++i)
    CHECK_FALSE(hints.note(Protocol::kHttp, now += 10'000));  // the burst goes on
  CHECK(hints.note(Protocol::kHttp, now += 10'001));
  CHECK(hints.count(Protocol::kHttp) == 103);
  CHECK(hints.count(Protocol::kTls) == 1);
  CHECK(hints.count(Protocol::kSsh) == 0);
}
