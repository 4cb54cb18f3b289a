// /proc/net read as text: lines as the kernel writes them (proc(5)), and what is none.
#include <array>
#include <cstdio>
#include <cstring>

#include "core/ports/socket_tables.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

constexpr SocketTable kTcp{Transport::kTcp, Family::kIPv4};
constexpr SocketTable kTcp6{Transport::kTcp, Family::kIPv6};
constexpr SocketTable kUdp{Transport::kUdp, Family::kIPv4};
constexpr SocketTable kUnix{Transport::kUnix, Family::kUnix};

constexpr std::string_view kHead =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";

// Four bytes as this machine's number, in the digits of the kernel.
std::string word(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  const std::array<std::uint8_t, 4> bytes = {a, b, c, d};
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08X", number);
  return text.data();
}

}  // namespace

TEST_CASE("a listener and a connection of /proc/net/tcp", "[proc_net]") {
  const std::string loopback = word(127, 0, 0, 1);
  const std::string text =
      std::string(kHead) + "   0: " + loopback +
      ":1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 4711 1 "
      "000000008c9c2975 100 0 0 10 0                     \n" +
      "   1: " + loopback + ":1F90 " + loopback +
      ":9C41 01 0000000A:0000000B 00:00000000 00000000     0        0 4712 1 0 20 4 0 10 -1\n";
  const auto found = parse_proc_net(kTcp, text);
  REQUIRE(found.size() == 2);
  CHECK(found[0].state == SocketState::kListening);
  CHECK(found[0].local.text() == "127.0.0.1:8080");
  CHECK(found[0].peer.family == Family::kNone);
  CHECK(found[0].uid == 1000);
  CHECK(found[0].uid_known);
  CHECK(found[0].inode == 4711);
  CHECK(found[0].receive_queue == 3);
  CHECK_FALSE(found[0].ipv6_socket);
  CHECK(found[1].state == SocketState::kEstablished);
  CHECK(found[1].peer.text() == "127.0.0.1:40001");
  CHECK(found[1].send_queue == 10);
  CHECK(found[1].receive_queue == 11);
}

TEST_CASE("TIME_WAIT has neither file nor owner", "[proc_net]") {
  const auto found = parse_proc_net(
      kTcp,
      "   1: 020200C0:A292 507100CB:0050 06 00000000:00000000 03:00000792 00000000     0"
      "        0 0 3 000000008b8edce2                                      \n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].state == SocketState::kTimeWait);
  CHECK(found[0].inode == 0);
  CHECK_FALSE(found[0].uid_known);
}

TEST_CASE("IPv6, and IPv4 inside it", "[proc_net]") {
  const std::string zero = word(0, 0, 0, 0);
  const std::string any = zero + zero + zero + zero;
  const std::string loopback = zero + zero + zero + word(0, 0, 0, 1);
  const std::string mapped = zero + zero + word(0, 0, 0xff, 0xff) + word(127, 0, 0, 1);
  const auto line = [](const std::string& local, const std::string& peer, const char* state) {
    return "   0: " + local + ":0050 " + peer + " " + state +
           " 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n";
  };
  const auto found =
      parse_proc_net(kTcp6, line(any, any + ":0000", "0A") + line(loopback, any + ":0000", "0A") +
                                line(mapped, mapped + ":9C41", "01"));
  REQUIRE(found.size() == 3);
  CHECK(found[0].local.text() == "[::]:80");
  CHECK(found[1].local.text() == "[::1]:80");
  CHECK(found[2].local.text() == "127.0.0.1:80");
  CHECK(found[2].peer.text() == "127.0.0.1:40001");
  for (const KernelSocket& socket : found)
    CHECK(socket.ipv6_socket);
}

TEST_CASE("a UDP socket is bound, or connected", "[proc_net]") {
  const std::string loopback = word(127, 0, 0, 1);
  const std::string rest =
      " 00000000:00000000 00:00000000 00000000     0        0 5 2 0000000000000000 0\n";
  const auto found =
      parse_proc_net(kUdp, "  99: " + loopback + ":0035 00000000:0000 07" + rest +
                               "  99: " + loopback + ":0036 " + loopback + ":0035 01" + rest);
  REQUIRE(found.size() == 2);
  CHECK(found[0].state == SocketState::kBound);
  CHECK(found[0].transport == Transport::kUdp);
  CHECK(found[1].state == SocketState::kEstablished);
}

TEST_CASE("unix sockets with a name", "[proc_net]") {
  const auto found =
      parse_proc_net(kUnix,
                     "Num       RefCount Protocol Flags    Type St Inode Path\n"
                     "000000001da2dd22: 00000003 00000000 00000000 0001 03  1658\n"
                     "000000001da2dd23: 00000002 00000000 00010000 0001 01  1659 /run/a b.sock\n"
                     "000000001da2dd24: 00000003 00000000 00000000 0001 03  1660 /run/a b.sock\n"
                     "000000001da2dd25: 00000002 00000000 00000000 0002 01  1661 @abstract\n");
  REQUIRE(found.size() == 3);
  CHECK(found[0].state == SocketState::kListening);
  CHECK(found[0].path == "/run/a b.sock");
  CHECK(found[0].inode == 1659);
  CHECK_FALSE(found[0].uid_known);
  CHECK(found[0].local.family == Family::kUnix);
  CHECK(found[1].state == SocketState::kEstablished);
  CHECK(found[2].state == SocketState::kBound);
  CHECK(found[2].path == "@abstract");
}

TEST_CASE("lines that are none are passed over", "[proc_net]") {
  const std::string good =
      "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "1 1\n";
  REQUIRE(parse_proc_net(kTcp, good).size() == 1);
  for (std::size_t size = 0; size < good.size() - 5; ++size) {
    CAPTURE(size);
    CHECK(parse_proc_net(kTcp, good.substr(0, size)).empty());
  }
  for (const char* const text :
       {"", "\n\n\n", "   0: 0000000:0050 00000000:0000 0A 0:0 00:0 0 0 0 1",
        "   0: 00000000:10050 00000000:0000 0A 0:0 00:0 0 0 0 1",
        "   0: 00000000:0050 00000000:0000 63 0:0 00:0 0 0 0 1",
        "   0: 00000000:0050 00000000:0000 0A 0:0 00:0 0 4294967296 0 1",
        "   0: 0000000G:0050 00000000:0000 0A 0:0 00:0 0 0 0 1"}) {
    CAPTURE(text);
    CHECK(parse_proc_net(kTcp, text).empty());
    CHECK(parse_proc_net(kTcp6, text).empty());
  }
  CHECK(parse_proc_net(kUnix, "0: 0 0 0 0 1 5\n0: 0 0 0 0 1 5 \n0: 0 0 x 0 1 5 /p\n").empty());
}

TEST_CASE("what sock_diag tells becomes what a person calls it", "[proc_net]") {
  sock::DiagSocket told;
  told.family = Family::kIPv6;
  told.state = 7;  // TCP_CLOSE
  told.local = *Address::parse_ip("::1", 80);
  told.ipv6_only = true;
  told.uid = 5;
  told.inode = 6;
  const auto bound = from_diag(Transport::kTcp, told);
  REQUIRE(bound);
  CHECK(bound->state == SocketState::kBound);
  CHECK(bound->ipv6_socket);
  CHECK(bound->ipv6_only);
  CHECK(bound->uid == 5);
  CHECK(bound->uid_known);
  told.inode = 0;  // nobody's any more, and the kernel writes 0 for the owner
  CHECK_FALSE(from_diag(Transport::kTcp, told)->uid_known);
  told.state = 99;
  CHECK_FALSE(from_diag(Transport::kTcp, told));

  sock::DiagSocket local;
  local.family = Family::kUnix;
  local.state = 10;
  CHECK_FALSE(from_diag(Transport::kUnix, local));
  local.path = std::string("\0name", 5);
  CHECK(from_diag(Transport::kUnix, local)->path == "@name");
  local.path = std::string("/run/x\0", 7);
  CHECK(from_diag(Transport::kUnix, local)->path == "/run/x");
}
