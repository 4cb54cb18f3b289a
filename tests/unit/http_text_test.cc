// The small parts of HTTP: dates, statuses, heads, Accept, URLs, base64, targets.
#include <string>
#include <vector>

#include "core/http/accept.h"
#include "core/http/base64.h"
#include "core/http/date.h"
#include "core/http/response_head.h"
#include "core/http/status.h"
#include "core/http/url.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::http;

TEST_CASE("a date is an IMF-fixdate (RFC 9110 section 5.6.7)") {
  DateCache cache;
  CHECK(cache.at(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(cache.at(784111778) == "Sun, 06 Nov 1994 08:49:38 GMT");
  CHECK(cache.at(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(cache.at(1709210096) == "Thu, 29 Feb 2024 12:34:56 GMT");
  CHECK(cache.at(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("statuses have the names of the registry") {
  CHECK(reason_phrase(100) == "Continue");
  CHECK(reason_phrase(200) == "OK");
  CHECK(reason_phrase(404) == "Not Found");
  CHECK(reason_phrase(413) == "Content Too Large");
  CHECK(reason_phrase(511) == "Network Authentication Required");
  CHECK(reason_phrase(299) == "Unknown");
  CHECK(reason_phrase(0) == "Unknown");
  CHECK(reason_phrase(999) == "Unknown");
  CHECK(is_bodiless(204));
  CHECK(is_bodiless(304));
  CHECK(is_bodiless(101));
  CHECK_FALSE(is_bodiless(200));
}

TEST_CASE("a head is written as given, within its bound") {
  const Header headers[] = {{"X-A", "b"}, {"Content-Type", "text/plain"}};
  ResponseHead head{.status = 200, .headers = headers};
  head.framing = ResponseHead::Framing::kLength;
  head.length = 18446744073709551615u;
  head.persistence = ResponseHead::Persistence::kKeepAlive;
  head.date = "D";
  head.server = "s";
  std::string out(size_bound(head), '\0');
  out.resize(static_cast<std::size_t>(write_head(head, out.data()) - out.data()));
  CHECK(out ==
        "HTTP/1.1 200 OK\r\nServer: s\r\nDate: D\r\nX-A: b\r\nContent-Type: text/plain\r\n"
        "Content-Length: 18446744073709551615\r\nConnection: keep-alive\r\n\r\n");
}

TEST_CASE("the longest fixed parts fit the bound of a head") {
  ResponseHead head{.status = 431};
  head.framing = ResponseHead::Framing::kLength;
  head.length = 18446744073709551615u;
  head.persistence = ResponseHead::Persistence::kKeepAlive;
  for (int status = 100; status < 600; ++status) {
    head.status = status;
    std::string out(size_bound(head) + 64, '#');
    const auto size = static_cast<std::size_t>(write_head(head, out.data()) - out.data());
    REQUIRE(size <= size_bound(head));
  }
}

TEST_CASE("no header of a handler can frame, route or break an answer") {
  const Header headers[] = {{"content-length", "1"},  {"Transfer-Encoding", "x"},
                            {"Connection", "close"},  {"Keep-Alive", "1"},
                            {"Date", "now"},          {"SERVER", "x"},
                            {"X\r\nSet-Cookie", "a"}, {"", "a"},
                            {"X-Ok", "a\r\nB: c"},    {"X-Nul", Bytes("a\0b", 3)}};
  std::string out(size_bound(headers), '\0');
  out.resize(static_cast<std::size_t>(write_fields(headers, out.data()) - out.data()));
  CHECK(out == "X-Ok: a  B: c\r\nX-Nul: a b\r\n");
}

TEST_CASE("Accept is weighed by its most specific range (RFC 9110 section 12.5.1)") {
  CHECK(quality("", "text/html") == 1000);
  CHECK(quality("*/*", "text/html") == 1000);
  CHECK(quality("text/html", "text/plain") == 0);
  CHECK(quality("text/*;q=0.3, text/html;q=0.7", "text/html") == 700);
  CHECK(quality("text/html;q=0.7, text/*;q=0.3", "text/plain") == 300);
  CHECK(quality("text/html; charset=x ; q=0.25", "text/html") == 250);
  CHECK(quality("TEXT/HTML;Q=0", "text/html") == 0);
  CHECK(quality("text/html;q=1.000", "text/html") == 1000);
  CHECK(quality("text/html;q=x", "text/html") == 1000);

  const auto chosen = [](Bytes accept) {
    return preferred_type(accept, {"text/plain", "text/html"});
  };
  CHECK(chosen("*/*") == "text/plain");  // curl
  CHECK(chosen("") == "text/plain");
  CHECK(chosen("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") == "text/html");
  CHECK(chosen("image/png") == "text/plain");
}

TEST_CASE("percent-encoding and arguments") {
  CHECK(percent_decode("a%20b%2fc") == "a b/c");
  CHECK(percent_decode("a+b") == "a+b");
  CHECK(percent_decode("a+b", Plus::kSpace) == "a b");
  CHECK(percent_decode("%") == "%");
  CHECK(percent_decode("%4") == "%4");
  CHECK(percent_decode("%zz%41") == "%zzA");
  CHECK(percent_decode("%00") == std::string(1, '\0'));

  std::vector<std::string> seen;
  for_each_argument("a=1&b&&a=2+3&c=%3D%26=&=x", [&](const std::string& name, std::string value) {
    seen.push_back(name + ":" + value);
  });
  CHECK(seen == std::vector<std::string>{"a:1", "b:", "a:2 3", "c:=&=", ":x"});
}

TEST_CASE("base64 (RFC 4648 section 10)") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\xfd") == "//79");
}
