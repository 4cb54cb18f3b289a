// The 48 bytes of an SNTP answer, field by field (RFC 4330 sections 4 to 6).
#include <cstring>
#include <string>

#include "services/sntp/packet.h"
#include "tests/support/catch.h"

namespace sntp = polyport::services::sntp;
using sntp::Moment;
using sntp::Packet;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

namespace {

constexpr std::uint64_t kUnixEpoch = 2'208'988'800;

std::string question(int first_byte, std::size_t size = 48) {
  std::string bytes(size, '\0');
  bytes[0] = static_cast<char>(first_byte);
  bytes[2] = 6;
  for (std::size_t i = 0; i < 8 && 40 + i < size; ++i)
    bytes[40 + i] = static_cast<char>(0xf0 + i);
  return bytes;
}

std::uint64_t number(const Packet& packet, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value = value << 8 | static_cast<unsigned char>(packet[at + i]);
  }
  return value;
}

constexpr int kClientVersion4 = 4 << 3 | 3;
const sntp::ClockState kGood{.stratum = 2, .reference_id = "GPS", .dispersion = milliseconds(500)};
const Moment kNoon{seconds(1'700'000'000) + milliseconds(250)};

Packet answer(const std::string& bytes, const sntp::ClockState& clock, Moment received,
              Moment sent) {
  const auto request = sntp::Request::parse(bytes);
  REQUIRE(request);
  Packet packet = request->answer(clock, received);
  sntp::stamp_transmit(packet, sent);
  return packet;
}

}  // namespace

TEST_CASE("sntp's timestamps are seconds since 1900 and their 2^32nds", "[services]") {
  CHECK(sntp::ntp_timestamp(Moment(seconds(0))) == kUnixEpoch << 32);
  CHECK(sntp::ntp_timestamp(Moment(milliseconds(500))) == (kUnixEpoch << 32 | 0x8000'0000u));
  CHECK(sntp::ntp_timestamp(Moment(nanoseconds(999'999'999))) ==
        (kUnixEpoch << 32 | 4'294'967'291u));
  CHECK(sntp::ntp_timestamp(Moment(milliseconds(-500))) == ((kUnixEpoch - 1) << 32 | 0x8000'0000u));
  // Era 1 begins on 7 February 2036 at 06:28:16.
  CHECK(sntp::ntp_timestamp(Moment(seconds(2'085'978'496))) == 0);
}

TEST_CASE("sntp answers clients and symmetric peers of version 1 to 4, and nobody else",
          "[services]") {
  for (int version = 0; version < 8; ++version) {
    for (int mode = 0; mode < 8; ++mode) {
      CAPTURE(version, mode);
      const bool fine = version >= 1 && version <= 4 && (mode == 3 || mode == 1);
      CHECK(sntp::Request::parse(question(version << 3 | mode)).has_value() == fine);
    }
  }
}

TEST_CASE("sntp drops what is shorter than a header and ignores what is behind it", "[services]") {
  CHECK_FALSE(sntp::Request::parse(""));
  CHECK_FALSE(sntp::Request::parse(question(kClientVersion4, 1)));
  CHECK_FALSE(sntp::Request::parse(question(kClientVersion4, 47)));
  CHECK(sntp::Request::parse(question(kClientVersion4, 68)));
  CHECK(sntp::Request::parse(question(kClientVersion4, 65'507)));
}

TEST_CASE("sntp's answer of a synchronised clock has every field in its place", "[services]") {
  const Packet packet = answer(question(kClientVersion4), kGood, kNoon, kNoon + microseconds(40));
  CHECK(number(packet, 0, 1) == (4u << 3 | 4u));  // LI 0, version 4, mode server
  CHECK(number(packet, 1, 1) == 2);
  CHECK(number(packet, 2, 1) == 6);     // the client's poll
  CHECK(number(packet, 3, 1) == 0xec);  // -20
  CHECK(number(packet, 4, 4) == 0);
  CHECK(number(packet, 8, 4) == 0x8000);  // half a second as 16.16
  CHECK(std::string(&packet[12], 4) == std::string("GPS\0", 4));
  CHECK(number(packet, 24, 8) == 0xf0f1'f2f3'f4f5'f6f7u);  // the client's transmit, bit for bit
  const std::uint64_t received = sntp::ntp_timestamp(kNoon);
  CHECK(number(packet, 16, 8) <= received);
  CHECK(number(packet, 16, 8) > 0);
  CHECK(number(packet, 32, 8) == received);
  CHECK(number(packet, 40, 8) == sntp::ntp_timestamp(kNoon + microseconds(40)));
}

TEST_CASE("sntp copies the version and answers mode 1 with mode 2", "[services]") {
  CHECK(number(answer(question(3 << 3 | 3), kGood, kNoon, kNoon), 0, 1) == (3u << 3 | 4u));
  CHECK(number(answer(question(1 << 3 | 1), kGood, kNoon, kNoon), 0, 1) == (1u << 3 | 2u));
  // The client's leap indicator is its own affair.
  CHECK(number(answer(question(3 << 6 | kClientVersion4), kGood, kNoon, kNoon), 0, 1) ==
        (4u << 3 | 4u));
}

TEST_CASE("sntp says so where its clock is not synchronised", "[services]") {
  const Packet packet = answer(question(kClientVersion4), sntp::ClockState{}, kNoon, kNoon);
  CHECK(number(packet, 0, 1) == (3u << 6 | 4u << 3 | 4u));
  CHECK(number(packet, 1, 1) == 0);
  CHECK(std::string(&packet[12], 4) == "INIT");
  CHECK(number(packet, 8, 4) == 0);
  CHECK(number(packet, 16, 8) == 0);
  CHECK(number(packet, 24, 8) == 0xf0f1'f2f3'f4f5'f6f7u);
  CHECK(number(packet, 32, 8) == 0);
  CHECK(number(packet, 40, 8) == 0);
}

TEST_CASE("sntp's dispersion stops at what 16.16 can say", "[services]") {
  sntp::ClockState clock = kGood;
  clock.dispersion = seconds(70'000);
  CHECK(number(answer(question(kClientVersion4), clock, kNoon, kNoon), 8, 4) == 0xffff'ffffu);
}
