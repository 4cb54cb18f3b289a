// Which pages may open a WebSocket to a service.
#include "core/http/websocket_origin.h"

#include "tests/support/catch.h"

using polyport::http::is_origin_pattern;
using polyport::http::may_open_websocket;

namespace {

bool may(const char* origin, const char* authority, std::vector<std::string> allowed = {}) {
  INFO(origin << " to " << authority);
  return may_open_websocket(origin, authority, allowed);
}

}  // namespace

TEST_CASE("programs, and pages of this machine, may connect") {
  CHECK(may("", "localhost:1"));
  CHECK(may("http://localhost", "localhost:1"));
  CHECK(may("http://localhost:5173", "127.0.0.1:1"));
  CHECK(may("https://App.LocalHost:8443", "example.com"));
  CHECK(may("http://127.0.0.1:3000", "localhost:1"));
  CHECK(may("http://127.9.9.9", "localhost:1"));
  CHECK(may("http://[::1]:3000", "localhost:1"));
}

TEST_CASE("pages of the host itself may connect, by a name that is nobody else's") {
  CHECK(may("http://192.168.1.20:8080", "192.168.1.20:10007"));
  CHECK(may("http://[fd00::1]", "[fd00::1]:10007"));
  CHECK(may("http://nas", "nas:10007"));
  CHECK(may("http://NAS.local", "nas.local:10007"));
  CHECK(may("https://a.internal", "a.internal"));
  CHECK_FALSE(may("http://192.168.1.21", "192.168.1.20:10007"));
  CHECK_FALSE(may("http://nas", "other:10007"));
  // Whoever owns the name could let it point here.
  CHECK_FALSE(may("http://rebound.example:10007", "rebound.example:10007"));
}

TEST_CASE("other pages may connect where they are named") {
  CHECK_FALSE(may("https://example.com", "localhost:1"));
  CHECK_FALSE(may("null", "localhost:1"));
  CHECK_FALSE(may("file://", "localhost:1"));
  CHECK_FALSE(may("https://localhost.example.com", "localhost:1"));
  CHECK_FALSE(may("https://localhost@example.com", "localhost:1"));
  CHECK_FALSE(may("https://example.com/://localhost", "localhost:1"));
  CHECK_FALSE(may("localhost", "localhost:1"));
  CHECK(may("https://example.com", "localhost:1", {"https://example.com"}));
  CHECK(may("https://Example.com", "localhost:1", {"http://x", "https://example.com"}));
  CHECK_FALSE(may("http://example.com", "localhost:1", {"https://example.com"}));
  CHECK_FALSE(may("https://example.com:8443", "localhost:1", {"https://example.com"}));
  CHECK(may("null", "localhost:1", {"null"}));
  CHECK(may("https://anything", "localhost:1", {"*"}));
}

TEST_CASE("what may be written as an origin") {
  for (const char* const good :
       {"*", "null", "http://localhost", "https://example.com:8443", "http://[::1]:80"}) {
    INFO(good);
    CHECK(is_origin_pattern(good));
  }
  for (const char* const bad : {"", "example.com", "ftp://x", "https://", "https://x/",
                                "https://a b", "https://x:99999", "*.example.com"}) {
    INFO(bad);
    CHECK_FALSE(is_origin_pattern(bad));
  }
}
