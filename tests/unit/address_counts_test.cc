// How many connections each address has.
#include "core/net/address_counts.h"

#include <map>
#include <random>

#include "tests/support/catch.h"

using namespace polyport;

namespace {

Address ip(const std::string& literal) {
  return *Address::parse_ip(literal);
}

Address user(std::uint8_t uid) {
  Address address = Address::any(Family::kUnix);
  address.ip[0] = uid;
  return address;
}

}  // namespace

TEST_CASE("an address has as many as it may, and again when one has gone") {
  AddressCounts counts;
  CHECK(counts.add(ip("192.0.2.1"), 2));
  CHECK(counts.add(ip("192.0.2.1"), 2));
  CHECK_FALSE(counts.add(ip("192.0.2.1"), 2));
  CHECK(counts.add(ip("192.0.2.2"), 2));
  counts.remove(ip("192.0.2.1"));
  CHECK(counts.add(ip("192.0.2.1"), 2));
  CHECK(counts.addresses() == 2);
  counts.remove(ip("198.51.100.1"));  // never seen
  CHECK(counts.addresses() == 2);
}

TEST_CASE("of IPv6 a /64 counts as one, and families are never mixed up") {
  AddressCounts counts;
  CHECK(counts.add(ip("2001:db8::1"), 1));
  CHECK_FALSE(counts.add(ip("2001:db8::ffff:ffff:ffff:ffff"), 1));
  CHECK(counts.add(ip("2001:db8:0:1::1"), 1));
  CHECK(counts.add(ip("1.0.0.0"), 1));
  CHECK(counts.add(user(1), 1));
  CHECK_FALSE(counts.add(user(1), 1));
  CHECK(counts.add(ip("100::"), 1));  // the bytes of 1.0.0.0 behind each other, as IPv6
}

TEST_CASE("the table grows and shrinks, and no address is lost on the way") {
  AddressCounts counts;
  std::map<std::string, std::uint64_t> expected;
  std::mt19937 random(7);
  const auto check = [&] {
    CHECK(counts.addresses() == expected.size());
    for (const auto& [text, count] : expected) {
      CAPTURE(text);
      CHECK_FALSE(counts.add(ip(text), count));  // exactly so many
    }
  };
  const std::size_t least = counts.capacity();
  for (unsigned round = 0; round < 20'000; ++round) {
    const std::string text =
        "10.0." + std::to_string(random() % 8) + "." + std::to_string(random() % 256);
    // More come than go at first, then the other way round.
    if (random() % 4 < (round < 10'000 ? 3u : 1u)) {
      CHECK(counts.add(ip(text), 1'000'000));
      ++expected[text];
    } else if (const auto found = expected.find(text); found != expected.end()) {
      counts.remove(ip(text));
      if (--found->second == 0) expected.erase(found);
    }
    if (round % 5'000 == 4'999) check();
    if (round == 9'999) CHECK(counts.capacity() >= 2 * counts.addresses());
  }
  while (!expected.empty()) {
    const auto entry = expected.begin();
    for (; entry->second > 0; --entry->second)
      counts.remove(ip(entry->first));
    expected.erase(entry);
  }
  CHECK(counts.addresses() == 0);
  CHECK(counts.capacity() == least);
}

TEST_CASE("clients of ever new addresses that come and go make the table no larger") {
  AddressCounts counts;
  const std::size_t least = counts.capacity();
  for (unsigned i = 0; i < 10'000; ++i) {
    Address address = Address::any(Family::kIPv4);
    address.ip[0] = 10;
    address.ip[2] = static_cast<std::uint8_t>(i / 256);
    address.ip[3] = static_cast<std::uint8_t>(i % 256);
    CHECK(counts.add(address, 1));
    counts.remove(address);
  }
  CHECK(counts.addresses() == 0);
  CHECK(counts.capacity() == least);
}
