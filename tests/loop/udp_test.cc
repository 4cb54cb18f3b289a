// Datagrams through a real socket: answers from the right address, bounds, batches, the guard's
// counts.
#include <sys/socket.h>

#include <cstring>

#include "tests/support/network_fixture.h"

using namespace polyport;
using polyport::test::NetworkFixture;
using namespace std::chrono_literals;

namespace {

struct Echo : DatagramHandler {
  void on_datagram(Datagram& datagram) override {
    locals.push_back(datagram.local());
    datagram.reply(datagram.bytes());
  }
  std::vector<Address> locals;
};

class UdpFixture {
 public:
  explicit UdpFixture(DatagramHandler& handler, const char* ip = "127.0.0.1")
      : door{.service = "test", .handler = handler, .guard = guard} {
    BindRequest request;
    request.target.transport = Transport::kUdp;
    request.target.address = *Address::parse_ip(ip);
    request.target.ipv6_mode = IPv6Mode::kDualStack;
    const auto fd = open_bound_socket(request);
    REQUIRE(fd);
    socket = &net.network.add_udp_socket(door, *fd, "test.main.0");
    socket->start();
  }
  ~UdpFixture() { net.end(); }

  int client(const char* ip = "127.0.0.1") {
    const int fd = sock::open_datagram(Address::parse_ip(ip)->family);
    REQUIRE(sock::bind(fd, *Address::parse_ip(ip)) == 0);
    fds.push_back(fd);
    return fd;
  }
  void send(int fd, Bytes bytes, const char* to = "127.0.0.1") {
    sockaddr_storage raw{};
    const Address address = *Address::parse_ip(to, socket->address().port);
    const socklen_t size = address.to(raw);
    REQUIRE(::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&raw), size) ==
            static_cast<ssize_t>(bytes.size()));
  }
  // The next datagram, and who sent it. Nothing within the limit: nullopt.
  std::optional<std::pair<std::string, Address>> receive(int fd,
                                                         std::chrono::milliseconds limit = 2s) {
    std::optional<std::pair<std::string, Address>> got;
    net.run_until(
        [&] {
          std::string buffer(70'000, '\0');
          sockaddr_storage raw{};
          socklen_t size = sizeof raw;
          const auto count = ::recvfrom(fd, buffer.data(), buffer.size(), MSG_DONTWAIT,
                                        reinterpret_cast<sockaddr*>(&raw), &size);
          if (count < 0) return false;
          buffer.resize(static_cast<std::size_t>(count));
          got = {buffer, Address::from(reinterpret_cast<sockaddr*>(&raw))};
          return true;
        },
        limit);
    return got;
  }

  NetworkFixture net;
  UdpGuard guard;
  UdpDoor door;
  UdpSocket* socket = nullptr;
  std::vector<int> fds;
};

}  // namespace

TEST_CASE("datagrams come back whole: empty, small, the largest") {
  Echo echo;
  UdpFixture udp(echo);
  const int fd = udp.client();
  for (const std::size_t size : {0u, 1u, 512u, 9'000u, 65'507u}) {
    CAPTURE(size);
    const std::string bytes(size, 'u');
    udp.send(fd, bytes);
    const auto got = udp.receive(fd);
    REQUIRE(got);
    CHECK((got->first == bytes));
    CHECK(got->second == udp.socket->address());
  }
  CHECK(udp.socket->counters().received == 5);
  CHECK(udp.socket->counters().sent == 5);
  sock::close(fd);
}

TEST_CASE("a wildcard socket answers from the address it was asked on") {
  Echo echo;
  const char* any = GENERATE("0.0.0.0", "::");
  UdpFixture udp(echo, any);
  for (const char* ip : {"127.0.0.1", "127.0.0.2", "127.1.2.3"}) {
    CAPTURE(any, ip);
    const int fd = udp.client();
    udp.send(fd, "who?", ip);
    const auto got = udp.receive(fd);
    REQUIRE(got);
    CHECK(got->second == *Address::parse_ip(ip, udp.socket->address().port));
    CHECK(echo.locals.back() == got->second);
    sock::close(fd);
  }
}

TEST_CASE("a burst is answered in order, a batch at a time") {
  Echo echo;
  UdpFixture udp(echo);
  const int fd = udp.client();
  for (int i = 0; i < 100; ++i)
    udp.send(fd, "number " + std::to_string(i));
  for (int i = 0; i < 100; ++i) {
    const auto got = udp.receive(fd);
    REQUIRE(got);
    REQUIRE(got->first == "number " + std::to_string(i));
  }
  sock::close(fd);
}

TEST_CASE("two of our own sockets never answer each other") {
  Echo echo;
  UdpFixture udp(echo);
  // A client that sits on a port we call our own, as a forged source would claim.
  const int fd = udp.client();
  Address own;
  sock::local_address(fd, own);
  udp.guard.add_own(own);
  udp.send(fd, "storm?");
  CHECK_FALSE(udp.receive(fd, 300ms));
  CHECK(udp.socket->counters().refused[static_cast<std::size_t>(UdpGuard::Verdict::kOwnListener)] ==
        1);
  sock::close(fd);
}

TEST_CASE("an exception in a datagram handler costs that answer only") {
  struct Bad : DatagramHandler {
    void on_datagram(Datagram& datagram) override {
      if (datagram.bytes() == "bad") throw std::runtime_error("a bug in a service");
      datagram.reply("fine");
    }
  } bad;
  UdpFixture udp(bad);
  const int fd = udp.client();
  udp.send(fd, "bad");
  udp.send(fd, "good");
  const auto got = udp.receive(fd);
  REQUIRE(got);
  CHECK(got->first == "fine");
  sock::close(fd);
}

TEST_CASE("over IPv6 a datagram may be larger than any over IPv4, and still nothing breaks") {
  Echo echo;
  UdpFixture udp(echo, "::1");
  const int fd = udp.client("::1");
  for (const std::size_t size : {65'508u, 65'527u}) {
    CAPTURE(size);
    const std::string bytes(size, '6');
    udp.send(fd, bytes, "::1");
    const auto got = udp.receive(fd);
    REQUIRE(got);
    CHECK((got->first == bytes));
  }
  sock::close(fd);
}

TEST_CASE("a datagram to a broadcast address is not answered") {
  Echo echo;
  UdpFixture udp(echo, "0.0.0.0");
  const int fd = udp.client("0.0.0.0");
  const int allowed = 1;
  REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &allowed, sizeof allowed) == 0);
  udp.send(fd, "anybody?", "127.255.255.255");
  CHECK_FALSE(udp.receive(fd, 300ms));
  CHECK(udp.socket->counters().refused[static_cast<std::size_t>(UdpGuard::Verdict::kNoUnicast)] ==
        1);
  sock::close(fd);
}
