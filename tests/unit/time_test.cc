// time's four bytes, against the moments that RFC 868 gives.
#include <array>
#include <chrono>
#include <cstdint>

#include "tests/support/catch.h"

namespace polyport::services::time {
std::array<char, 4> seconds_since_1900(std::chrono::system_clock::time_point now);
}

namespace {

std::uint32_t told_at(std::int64_t unix_seconds, std::chrono::milliseconds more = {}) {
  const auto bytes = polyport::services::time::seconds_since_1900(
      std::chrono::system_clock::time_point(std::chrono::seconds(unix_seconds)) + more);
  std::uint32_t value = 0;
  for (const char byte : bytes)
    value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

TEST_CASE("time counts from 1900 as RFC 868's examples do", "[services]") {
  CHECK(told_at(0) == 2'208'988'800u);            // 1 January 1970
  CHECK(told_at(189'302'400) == 2'398'291'200u);  // 1 January 1976
  CHECK(told_at(315'532'800) == 2'524'521'600u);  // 1 January 1980
  CHECK(told_at(420'595'200) == 2'629'584'000u);  // 1 May 1983
  CHECK(told_at(-2'208'988'799) == 1u);           // 1 January 1900, one second past midnight
}

TEST_CASE("time starts again at 0 in 2036", "[services]") {
  CHECK(told_at(2'085'978'495) == 0xffff'ffffu);
  CHECK(told_at(2'085'978'496) == 0u);  // 7 February 2036, 06:28:16 UTC
  CHECK(told_at(2'085'978'497) == 1u);
}

TEST_CASE("time tells the second that has begun", "[services]") {
  CHECK(told_at(10, std::chrono::milliseconds(999)) == told_at(10));
  CHECK(told_at(-1, std::chrono::milliseconds(1)) == told_at(-1));
}
