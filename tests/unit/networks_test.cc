// Networks as people write them, and who is in them.
#include "core/socket/networks.h"

#include <random>

#include "tests/support/catch.h"

using namespace polyport;

namespace {

Address ip(const char* literal) {
  return *Address::parse_ip(literal);
}

bool holds(const std::vector<std::string>& networks, const char* literal) {
  return Networks(networks).contains(ip(literal));
}

std::string complaint(std::string_view text) {
  const auto result = Networks::check(text);
  return result ? "" : result.error().text();
}

// Bit by bit, as the definition of a prefix says.
bool holds_slowly(const Address& network, unsigned bits, const Address& address) {
  if (network.family != address.family) return false;
  for (unsigned bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80u >> (bit % 8);
    if (((network.ip[bit / 8] ^ address.ip[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a network holds what begins with its bits") {
  CHECK(holds({"10.0.0.0/8"}, "10.0.0.0"));
  CHECK(holds({"10.0.0.0/8"}, "10.255.255.255"));
  CHECK_FALSE(holds({"10.0.0.0/8"}, "11.0.0.0"));
  CHECK_FALSE(holds({"10.0.0.0/8"}, "9.255.255.255"));
  CHECK(holds({"192.168.1.64/26"}, "192.168.1.127"));
  CHECK_FALSE(holds({"192.168.1.64/26"}, "192.168.1.128"));
  CHECK(holds({"192.168.1.7"}, "192.168.1.7"));
  CHECK_FALSE(holds({"192.168.1.7"}, "192.168.1.6"));
  CHECK(holds({"0.0.0.0/0"}, "255.255.255.255"));
  CHECK(holds({"2001:db8::/33"}, "2001:db8:7fff::1"));
  CHECK_FALSE(holds({"2001:db8::/33"}, "2001:db8:8000::1"));
  CHECK(holds({"::1"}, "::1"));
  CHECK_FALSE(holds({}, "::1"));
  CHECK_FALSE(Networks({"0.0.0.0/0", "::/0"}).contains(Address::any(Family::kUnix)));
}

TEST_CASE("an IPv4-mapped network is the IPv4 one, and no IPv6 network holds an IPv4 address") {
  CHECK(holds({"::ffff:10.0.0.0/104"}, "10.1.2.3"));
  CHECK(holds({"::ffff:10.0.0.0/104"}, "::ffff:10.1.2.3"));
  CHECK_FALSE(holds({"::ffff:10.0.0.0/104"}, "11.1.2.3"));
  CHECK(holds({"::ffff:10.1.2.3"}, "10.1.2.3"));
  CHECK(holds({"10.0.0.0/8"}, "::ffff:10.1.2.3"));
  CHECK_FALSE(holds({"::/0"}, "10.1.2.3"));
  CHECK(holds({"::/0"}, "fe80::1"));
}

TEST_CASE("many networks, overlapping and in any order, answer as each of them would") {
  std::mt19937 random(20260101);
  const auto any = [&](bool ipv4) {
    Address address = Address::any(ipv4 ? Family::kIPv4 : Family::kIPv6);
    // Few values, so that they meet.
    for (std::size_t i = 0; i < (ipv4 ? 4u : 16u); ++i)
      address.ip[i] = static_cast<std::uint8_t>(random() % 3 == 0 ? 0x80 : random() % 2);
    address.ip[0] = 0x20;
    return address;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::pair<Address, unsigned>> written;
    std::vector<std::string> texts;
    for (unsigned i = 0; i < 1 + random() % 30; ++i) {
      const bool ipv4 = random() % 2 == 0;
      const unsigned bits = static_cast<unsigned>(random()) % (ipv4 ? 33 : 129);
      Address address = any(ipv4);
      for (unsigned bit = bits; bit < (ipv4 ? 32u : 128u); ++bit)
        address.ip[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
      written.emplace_back(address, bits);
      texts.push_back(address.ip_text() + "/" + std::to_string(bits));
    }
    const Networks networks(texts);
    for (int i = 0; i < 50; ++i) {
      const Address address = any(random() % 2 == 0);
      bool expected = false;
      for (const auto& [network, bits] : written)
        expected |= holds_slowly(network, bits, address);
      CHECK(networks.contains(address) == expected);
    }
  }
}

TEST_CASE("what is no network is told with what would be one") {
  CHECK(complaint("10.0.0.0/8").empty());
  CHECK(complaint("10.1.2.3/8") ==
        "error: \"10.1.2.3/8\" has more than the 8 bits of its network (write \"10.0.0.0/8\", or "
        "\"10.1.2.3\" for one address)");
  CHECK(complaint("::ffff:10.1.2.3/104") ==
        "error: \"::ffff:10.1.2.3/104\" has more than the 8 bits of its network (write "
        "\"10.0.0.0/8\", or \"10.1.2.3\" for one address)");
  CHECK(complaint("10.0.0.0/33") ==
        "error: \"10.0.0.0/33\" has no number of bits behind its slash (from 0 to 32)");
  CHECK(complaint("::ffff:10.0.0.0/8") ==
        "error: \"::ffff:10.0.0.0/8\" has no number of bits behind its slash (from 96 to 128)");
  CHECK(complaint("fe80::/129") ==
        "error: \"fe80::/129\" has no number of bits behind its slash (from 0 to 128)");
  for (const char* text : {"", "/8", "10.0.0/8", "localhost", "10.0.0.0/", "10.0.0.0/-1", "*",
                           "10.0.0.0/8/8", "fe80::1%1/64", "10.0.0.0 /8", "[::1]", "10.0.0.0:80"}) {
    CAPTURE(text);
    CHECK_FALSE(complaint(text).empty());
  }
}

TEST_CASE("who is served: in allow, where there is one, and not in deny") {
  const AccessList open;
  CHECK(open.empty());
  CHECK(open.admits(ip("10.1.2.3")));
  const AccessList both{Networks({"10.0.0.0/8", "::1"}), Networks({"10.1.0.0/16"})};
  CHECK(both.admits(ip("10.2.0.1")));
  CHECK(both.admits(ip("::1")));
  CHECK_FALSE(both.admits(ip("10.1.0.1")));
  CHECK_FALSE(both.admits(ip("192.0.2.1")));
  CHECK_FALSE(both.admits(ip("::2")));
}
