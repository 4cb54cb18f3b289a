// Addresses: what is a literal, what is shown, and that IPv4 is IPv4 however it is wrapped.
#include "core/socket/address.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/support/catch.h"

using polyport::Address;
using polyport::Family;

namespace {

const sockaddr* raw(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr*>(&storage);
}

}  // namespace

TEST_CASE("an address is shown as people write it", "[address]") {
  CHECK(Address::parse_ip("127.0.0.1", 80)->text() == "127.0.0.1:80");
  CHECK(Address::parse_ip("::1", 80)->text() == "[::1]:80");
  CHECK(Address::parse_ip("2001:0db8:0:0:0:0:0:1", 65535)->text() == "[2001:db8::1]:65535");
  CHECK(Address::parse_ip("fe80::1%1", 7)->text() == "[fe80::1%1]:7");
  CHECK(Address::loopback(Family::kUnix).text() == "unix");
  CHECK(Address::any(Family::kIPv6, 8080).text() == "[::]:8080");
}

TEST_CASE("what is no literal is nothing", "[address]") {
  const std::vector<std::string> wrong = {"",
                                          "localhost",
                                          "127.1",
                                          "300.1.1.1",
                                          "1.2.3.4.5",
                                          "01.2.3.4",
                                          "[::1]",
                                          "::1::",
                                          "1.2.3.4:80",
                                          ":",
                                          "fe80::1%nowhere",
                                          "127.0.0.1%1",
                                          "127.0.0.1 ",
                                          std::string("127.0.0.1\0x", 11),
                                          std::string(5000, '1'),
                                          "::1%0"};
  for (const std::string& literal : wrong) {
    INFO(literal);
    CHECK_FALSE(Address::parse_ip(literal).has_value());
  }
}

TEST_CASE("an interface may be named or numbered", "[address]") {
  const auto named = Address::parse_ip("fe80::1%lo");
  REQUIRE(named);
  CHECK(named->scope_id == 1);  // loopback is the first interface of every Linux
  CHECK(*named == *Address::parse_ip("fe80::1%1"));
  CHECK_FALSE(*named == *Address::parse_ip("fe80::1%2"));
}

TEST_CASE("an address survives the kernel's form", "[address]") {
  for (const char* literal : {"127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1",
                              "2001:db8::abcd", "fe80::1%3", "ff02::1"}) {
    INFO(literal);
    const Address before = *Address::parse_ip(literal, 54321);
    sockaddr_storage storage;
    const socklen_t length = before.to(storage);
    CHECK(length == (before.family == Family::kIPv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)));
    CHECK(Address::from(raw(storage)) == before);
    CHECK(before.ip_text() == literal);
  }
}

TEST_CASE("the port crosses in network order", "[address]") {
  sockaddr_storage storage;
  Address::loopback(Family::kIPv4, 0x1F90).to(storage);
  sockaddr_in in;
  std::memcpy(&in, &storage, sizeof in);
  unsigned char bytes[2];
  std::memcpy(bytes, &in.sin_port, 2);
  CHECK(bytes[0] == 0x1F);
  CHECK(bytes[1] == 0x90);
}

TEST_CASE("an IPv4 address inside IPv6 is IPv4", "[address]") {
  CHECK(*Address::parse_ip("::ffff:10.1.2.3", 9) == *Address::parse_ip("10.1.2.3", 9));

  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(99);
  in.sin6_addr.s6_addr[10] = in.sin6_addr.s6_addr[11] = 0xFF;
  in.sin6_addr.s6_addr[12] = 127;
  in.sin6_addr.s6_addr[15] = 1;
  const Address mapped = Address::from(reinterpret_cast<const sockaddr*>(&in));
  CHECK(mapped == Address::loopback(Family::kIPv4, 99));
  CHECK(mapped.is_loopback());
}

TEST_CASE("a unix socket is loopback and has no number", "[address]") {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  const Address address = Address::from(reinterpret_cast<const sockaddr*>(&un));
  CHECK(address.family == Family::kUnix);
  CHECK(address.is_loopback());
  CHECK_FALSE(address.is_ip());
  CHECK(Address::from(nullptr).family == Family::kNone);
  CHECK_FALSE(Address::from(nullptr).is_loopback());
  CHECK_FALSE(Address::from(nullptr).is_any());
}

TEST_CASE("what an address stands for", "[address]") {
  const auto parse = [](const char* literal) { return *Address::parse_ip(literal); };
  CHECK(parse("127.255.0.9").is_loopback());
  CHECK_FALSE(parse("128.0.0.1").is_loopback());
  CHECK(parse("::1").is_loopback());
  CHECK_FALSE(parse("::2").is_loopback());
  CHECK(parse("0.0.0.0").is_any());
  CHECK(parse("::").is_any());
  CHECK_FALSE(parse("0.0.0.1").is_any());
  CHECK(parse("224.0.0.1").is_multicast());
  CHECK(parse("239.255.255.255").is_multicast());
  CHECK_FALSE(parse("240.0.0.1").is_multicast());
  CHECK(parse("ff02::1").is_multicast());
  CHECK_FALSE(parse("fe80::1").is_multicast());
  CHECK(parse("255.255.255.255").is_broadcast());
  CHECK_FALSE(parse("255.255.255.254").is_broadcast());
  CHECK_FALSE(parse("ffff:ffff::").is_broadcast());
}
