// daytime's five ways to write a moment, against the examples of RFC 867 and of the formats' own
// papers.
#include <cstdlib>
#include <ctime>
#include <string>

#include "tests/support/catch.h"

namespace polyport::services::daytime {
std::string line(std::string_view format, std::time_t now);
}

using polyport::services::daytime::line;

namespace {

// A zone for the length of a test.
class Zone {
 public:
  explicit Zone(const char* name) {
    const char* old = std::getenv("TZ");
    if (old != nullptr) old_ = old;
    had_one_ = old != nullptr;
    set(name);
  }
  ~Zone() { set(had_one_ ? old_.c_str() : nullptr); }

 private:
  static void set(const char* name) {
    if (name == nullptr) {
      ::unsetenv("TZ");
    } else {
      ::setenv("TZ", name, 1);
    }
    ::tzset();
  }
  std::string old_;
  bool had_one_;
};

constexpr std::time_t kRfcMoment =
    383'276'263;  // 1982-02-23 01:37:43 UTC, 22 February in California
constexpr std::time_t kSummer = 1'751'371'200;  // 2025-07-01 12:00:00 UTC

}  // namespace

TEST_CASE("daytime writes the server's zone as ctime, ISO 8601 and SMTP do", "[services]") {
  const Zone california("PST8PDT");
  CHECK(line("ctime", kRfcMoment) == "Mon Feb 22 17:37:43 1982\r\n");
  CHECK(line("iso8601", kRfcMoment) == "1982-02-22T17:37:43-08:00\r\n");
  // RFC 867: "02 FEB 82 07:59:01 PST"
  CHECK(line("smtp", 381'513'541) == "02 FEB 82 07:59:01 PST\r\n");
  CHECK(line("smtp", kSummer) == "01 JUL 25 05:00:00 PDT\r\n");
}

TEST_CASE("daytime pads the day of ctime with a space", "[services]") {
  const Zone utc("UTC0");
  CHECK(line("ctime", 0) == "Thu Jan  1 00:00:00 1970\r\n");
}

TEST_CASE("daytime writes UTC as RFC 1123 and NIST do, whatever the zone", "[services]") {
  const Zone zone(GENERATE("UTC0", "PST8PDT", "CET-1CEST,M3.5.0,M10.5.0/3"));
  CHECK(line("rfc1123", kRfcMoment) == "Tue, 23 Feb 1982 01:37:43 GMT\r\n");
  CHECK(line("nist", kRfcMoment) == "45023 82-02-23 01:37:43 00 0 0   0.0 UTC(LOCL) *\r\n");
}

TEST_CASE("daytime's nist line tells daylight saving", "[services]") {
  const Zone california("PST8PDT");
  CHECK(line("nist", kSummer) == "60857 25-07-01 12:00:00 50 0 0   0.0 UTC(LOCL) *\r\n");
}
