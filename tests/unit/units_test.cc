// Durations and sizes: read exactly, refused with the next step, written back as they were.
#include "core/base/units.h"

#include <limits>

#include "tests/support/catch.h"

using namespace polyport;
using std::chrono::milliseconds;

namespace {

std::int64_t ms(std::string_view text) {
  const auto result = parse_duration(text);
  INFO(text);
  REQUIRE(result);
  return result->count();
}

std::uint64_t bytes(std::string_view text) {
  const auto result = parse_size(text);
  INFO(text);
  REQUIRE(result);
  return *result;
}

std::string duration_error(std::string_view text) {
  const auto result = parse_duration(text);
  return result ? "none" : result.error().text();
}

std::string size_error(std::string_view text) {
  const auto result = parse_size(text);
  return result ? "none" : result.error().text();
}

}  // namespace

TEST_CASE("durations are read to the millisecond") {
  CHECK(ms("0s") == 0);
  CHECK(ms("250ms") == 250);
  CHECK(ms("10s") == 10'000);
  CHECK(ms("1.5s") == 1'500);
  CHECK(ms("0.001s") == 1);
  CHECK(ms("5m") == 300'000);
  CHECK(ms("1h") == 3'600'000);
  CHECK(ms("1d") == 86'400'000);
  CHECK(ms("9223372036854775807ms") == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("sizes are read to the byte") {
  CHECK(bytes("0B") == 0);
  CHECK(bytes("10B") == 10);
  CHECK(bytes("1kB") == 1000);
  CHECK(bytes("1KB") == 1000);
  CHECK(bytes("64KiB") == 65536);
  CHECK(bytes("1.5MiB") == 1'572'864);
  CHECK(bytes("1MB") == 1'000'000);
  CHECK(bytes("2TiB") == 2'199'023'255'552);
  CHECK(bytes("9223372036854775807B") == 9'223'372'036'854'775'807u);
}

TEST_CASE("a number without a unit is refused with the text to write") {
  CHECK(duration_error("10") ==
        "error: the duration \"10\" has no unit (write \"10s\", not \"10\")");
  CHECK(size_error("64") == "error: the size \"64\" has no unit (write \"64KiB\", not \"64\")");
  CHECK(duration_error("1.5") ==
        "error: the duration \"1.5\" has no unit (write \"1.5s\", not \"1.5\")");
}

TEST_CASE("a wrong unit is named together with the right ones") {
  CHECK(duration_error("10sec") ==
        "error: the duration \"10sec\" has the unknown unit \"sec\" (the units are ms, s, m, h and "
        "d)");
  CHECK(duration_error("10 s") ==
        "error: the duration \"10 s\" has the unknown unit \" s\" (write it as \"s\", right after "
        "the number)");
  CHECK(size_error("10Mb") ==
        "error: the size \"10Mb\" has the unknown unit \"Mb\" (write it as \"MB\", right after the "
        "number)");
  CHECK(duration_error("1.s").find("unknown unit \".s\"") != std::string::npos);
  CHECK(duration_error("1h30m").find("unknown unit \"h30m\"") != std::string::npos);
}

TEST_CASE("what is no quantity is refused") {
  CHECK(duration_error("") ==
        "error: a duration is missing (write a number and its unit: \"10s\")");
  CHECK(duration_error("soon") ==
        "error: \"soon\" is not a duration (write a number and its unit: \"10s\")");
  CHECK(duration_error("-5s") == "error: the duration \"-5s\" is negative (0s is the least)");
  CHECK(size_error(".5MiB") ==
        "error: \".5MiB\" is not a size (write a number and its unit: \"10KiB\")");
  CHECK(duration_error("1.5ms") ==
        "error: the duration \"1.5ms\" is not a whole number of milliseconds");
  CHECK(size_error("1.5B") == "error: the size \"1.5B\" is not a whole number of bytes");
  CHECK(duration_error("0.0000000001d") ==
        "error: the duration \"0.0000000001d\" is not a whole number of milliseconds");
}

TEST_CASE("overflow is an error in every step of the arithmetic") {
  CHECK(duration_error("9223372036854775808ms").find("too large") != std::string::npos);
  CHECK(duration_error("106751991168d").find("too large") != std::string::npos);
  CHECK(duration_error("9223372036854775.999s").find("too large") != std::string::npos);
  CHECK(duration_error("99999999999999999999999s").find("too large") != std::string::npos);
  CHECK(size_error("8388608TiB").find("too large") != std::string::npos);
  CHECK(bytes("8388607.5TiB") > bytes("8388607TiB"));
  CHECK(size_error("16777215.5TiB").find("too large") != std::string::npos);
}

TEST_CASE("quantities are written in their shortest exact form") {
  CHECK(format_duration(milliseconds(0)) == "0s");
  CHECK(format_duration(milliseconds(250)) == "250ms");
  CHECK(format_duration(milliseconds(1'500)) == "1.5s");
  CHECK(format_duration(milliseconds(90'000)) == "90s");
  CHECK(format_duration(milliseconds(300'000)) == "5m");
  CHECK(format_duration(milliseconds(86'400'000)) == "1d");
  CHECK(format_duration(milliseconds(86'400'001)) == "86400001ms");
  CHECK(format_size(0) == "0B");
  CHECK(format_size(65536) == "64KiB");
  CHECK(format_size(1'000'000) == "1MB");
  CHECK(format_size(1023) == "1023B");
}

TEST_CASE("what is written is read back as the same value") {
  for (std::int64_t value = 1; value > 0 && value < std::int64_t{1} << 53; value = value * 3 + 7) {
    CHECK(ms(format_duration(milliseconds(value))) == value);
    const auto size = static_cast<std::uint64_t>(value);
    CHECK(bytes(format_size(size)) == size);
    CHECK(bytes(format_size(size * 512)) == size * 512);
  }
}

TEST_CASE("people read short forms that never round up") {
  CHECK(human_duration(milliseconds(0)) == "0 ms");
  CHECK(human_duration(milliseconds(999)) == "999 ms");
  CHECK(human_duration(milliseconds(8'150)) == "8.1 s");
  CHECK(human_duration(milliseconds(59'999)) == "59.9 s");
  CHECK(human_duration(milliseconds(200'000)) == "3 min 20 s");
  CHECK(human_duration(milliseconds(7'500'000)) == "2 h 5 min");
  CHECK(human_duration(milliseconds(273'600'000)) == "3 d 4 h");
  CHECK(human_size(6) == "6 B");
  CHECK(human_size(1023) == "1023 B");
  CHECK(human_size(1024) == "1.0 KiB");
  CHECK(human_size(1'300'000) == "1.2 MiB");
  CHECK(human_size(1024 * 1024 - 1) == "1023.9 KiB");
  CHECK(human_size(std::numeric_limits<std::uint64_t>::max()) == "15.9 EiB");
}

TEST_CASE("a moment in RFC 3339, UTC, whatever the time zone") {
  using std::chrono::seconds;
  const auto at = [](std::int64_t unix_time) {
    return utc_text(std::chrono::system_clock::time_point(seconds(unix_time)));
  };
  CHECK(at(0) == "1970-01-01T00:00:00Z");
  CHECK(at(1'000'000'000) == "2001-09-09T01:46:40Z");
  CHECK(at(951'782'400) == "2000-02-29T00:00:00Z");
}
