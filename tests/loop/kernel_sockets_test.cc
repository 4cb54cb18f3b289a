// The kernel's sockets, asked for real: sockets of this test, found by each of the two sources.
#include "core/ports/kernel_sockets.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "core/ports/socket_tables.h"
#include "core/socket/socket.h"
#include "tests/support/catch.h"

using namespace polyport;
using Source = KernelSockets::Source;

namespace {

// A descriptor that ends with the test.
struct Socket {
  explicit Socket(int descriptor) : fd(descriptor) { REQUIRE(fd >= 0); }
  ~Socket() { end(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void end() {
    if (fd >= 0) sock::close(fd);
    fd = -1;
  }
  Address local() const {
    Address address;
    REQUIRE(sock::local_address(fd, address) == 0);
    return address;
  }

  int fd;
};

void bind_to(const Socket& socket, const Address& address) {
  REQUIRE(sock::bind(socket.fd, address) == 0);
}

std::uint16_t listen_on(const Socket& socket, const Address& address, int backlog = 5) {
  bind_to(socket, address);
  REQUIRE(sock::listen(socket.fd, backlog) == 0);
  return socket.local().port;
}

void await_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  REQUIRE(::poll(&entry, 1, 10'000) == 1);
}

bool is_own(std::uint64_t inode) {
  for (int fd = 0; fd < 256; ++fd) {
    struct stat facts {};
    if (::fstat(fd, &facts) == 0 && S_ISSOCK(facts.st_mode) && facts.st_ino == inode) return true;
  }
  return false;
}

// Other programs may have sockets with the same port at other addresses: clients from 127.0.0.2.
void drop_others(std::vector<KernelSocket>& found) {
  std::erase_if(found, [](const KernelSocket& each) {
    if (each.transport == Transport::kUnix) return false;
    if (each.inode != 0) return !is_own(each.inode);
    return each.local.family == Family::kIPv4 && each.local.ip_text() != "127.0.0.1";
  });
}

std::vector<KernelSocket> ask(bool (*source)(const SocketTable&, const SocketQuery&,
                                             std::vector<KernelSocket>&),
                              const SocketTable& table, const SocketQuery& query) {
  std::vector<KernelSocket> found;
  REQUIRE(source(table, query, found));
  drop_others(found);
  return found;
}

SocketQuery at_port(std::uint16_t port) {
  SocketQuery query;
  query.local_port = port;
  return query;
}

constexpr SocketTable kTcp{Transport::kTcp, Family::kIPv4};
constexpr SocketTable kTcp6{Transport::kTcp, Family::kIPv6};
constexpr SocketTable kUdp{Transport::kUdp, Family::kIPv4};
constexpr SocketTable kUnix{Transport::kUnix, Family::kUnix};

const Address kLoopback = Address::loopback(Family::kIPv4);

// Listener, client and accepted connection over loopback.
struct Pair {
  Pair() {
    port = listen_on(listener, kLoopback);
    const int result = sock::connect(client.fd, Address::loopback(Family::kIPv4, port));
    REQUIRE((result == 0 || result == -EINPROGRESS));
    await_readable(listener.fd);
  }
  Socket accept() {
    Address peer;
    return Socket(sock::accept(listener.fd, peer));
  }

  Socket listener{sock::open_stream(Family::kIPv4)};
  Socket client{sock::open_stream(Family::kIPv4)};
  std::uint16_t port = 0;
};

}  // namespace

TEST_CASE("a listener is found by both sources", "[kernel_sockets]") {
  const auto source = GENERATE(read_by_sock_diag, read_from_proc);
  Socket listener(sock::open_stream(Family::kIPv4));
  const std::uint16_t port = listen_on(listener, kLoopback);
  const auto found = ask(source, kTcp, at_port(port));
  REQUIRE(found.size() == 1);
  CHECK(found[0].state == SocketState::kListening);
  CHECK(found[0].local.text() == "127.0.0.1:" + std::to_string(port));
  CHECK(found[0].peer.family == Family::kNone);
  CHECK(found[0].uid == ::geteuid());
  CHECK(found[0].uid_known);
  CHECK(found[0].inode != 0);
  CHECK(found[0].receive_queue == 0);
  if (source == read_by_sock_diag) CHECK(found[0].send_queue == 5);
}

TEST_CASE("a connection that waits to be accepted, then lives, then lingers", "[kernel_sockets]") {
  const auto source = GENERATE(read_by_sock_diag, read_from_proc);
  Pair pair;
  const auto of_state = [&](SocketState state) {
    std::vector<KernelSocket> found = ask(source, kTcp, at_port(pair.port));
    std::erase_if(found, [&](const KernelSocket& each) { return each.state != state; });
    return found;
  };
  REQUIRE(of_state(SocketState::kListening).size() == 1);
  CHECK(of_state(SocketState::kListening)[0].receive_queue == 1);
  const auto waiting = of_state(SocketState::kEstablished);
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].inode == 0);  // no descriptor yet, and so no owner
  CHECK_FALSE(waiting[0].uid_known);
  CHECK(waiting[0].peer == pair.client.local());

  Socket accepted = pair.accept();
  CHECK(of_state(SocketState::kListening)[0].receive_queue == 0);
  CHECK(of_state(SocketState::kEstablished).at(0).inode != 0);

  // Who closes first keeps the port.
  REQUIRE(sock::shutdown_write(accepted.fd) == 0);
  await_readable(pair.client.fd);
  // Whether the FIN has been acknowledged yet is the kernel's business.
  const auto closing = ask(source, kTcp, at_port(pair.port));
  CHECK(std::count_if(closing.begin(), closing.end(), [](const KernelSocket& each) {
          return each.state == SocketState::kFinWait1 || each.state == SocketState::kFinWait2;
        }) == 1);
  pair.client.end();
  await_readable(accepted.fd);
  accepted.end();
  const auto lingering = of_state(SocketState::kTimeWait);
  REQUIRE(lingering.size() == 1);
  CHECK(lingering[0].inode == 0);
}

TEST_CASE("one port of many, and servers of all", "[kernel_sockets]") {
  const auto source = GENERATE(read_by_sock_diag, read_from_proc);
  Pair pair;
  Socket other(sock::open_stream(Family::kIPv4));
  const std::uint16_t other_port = listen_on(other, kLoopback);
  const auto has_port = [](const std::vector<KernelSocket>& found, std::uint16_t port) {
    return std::any_of(found.begin(), found.end(),
                       [&](const KernelSocket& each) { return each.local.port == port; });
  };
  SocketQuery query = at_port(pair.port);
  CHECK(ask(source, kTcp, query).size() == 2);
  query.which = SocketQuery::Which::kServers;
  CHECK(ask(source, kTcp, query).size() == 1);
  query.local_port.reset();
  const auto servers = ask(source, kTcp, query);
  CHECK(has_port(servers, pair.port));
  CHECK(has_port(servers, other_port));
  CHECK_FALSE(has_port(servers, pair.client.local().port));
}

TEST_CASE("IPv6 alone, and with IPv4", "[kernel_sockets]") {
  Socket both(sock::open_stream(Family::kIPv6));
  Socket only(sock::open_stream(Family::kIPv6));
  REQUIRE(sock::set_option(both.fd, sock::Option::kIpv6Only, 0) == 0);
  REQUIRE(sock::set_option(only.fd, sock::Option::kIpv6Only, 1) == 0);
  const std::uint16_t both_port = listen_on(both, Address::any(Family::kIPv6));
  const std::uint16_t only_port = listen_on(only, Address::any(Family::kIPv6));
  const auto of_both = ask(read_by_sock_diag, kTcp6, at_port(both_port));
  const auto of_only = ask(read_by_sock_diag, kTcp6, at_port(only_port));
  REQUIRE(of_both.size() == 1);
  REQUIRE(of_only.size() == 1);
  CHECK_FALSE(of_both[0].ipv6_only);
  CHECK(of_only[0].ipv6_only);
  CHECK(of_both[0].ipv6_socket);
  CHECK(ask(read_from_proc, kTcp6, at_port(only_port)).size() == 1);
}

TEST_CASE("UDP bound and connected", "[kernel_sockets]") {
  const auto source = GENERATE(read_by_sock_diag, read_from_proc);
  Socket server(sock::open_datagram(Family::kIPv4));
  Socket client(sock::open_datagram(Family::kIPv4));
  bind_to(server, kLoopback);
  REQUIRE(sock::connect(client.fd, server.local()) == 0);
  const auto bound = ask(source, kUdp, at_port(server.local().port));
  REQUIRE(bound.size() == 1);
  CHECK(bound[0].state == SocketState::kBound);
  CHECK(bound[0].transport == Transport::kUdp);
  SocketQuery query = at_port(client.local().port);
  CHECK(ask(source, kUdp, query).at(0).peer == server.local());
  query.which = SocketQuery::Which::kServers;
  CHECK(ask(source, kUdp, query).empty());
}

TEST_CASE("a TCP socket that is bound only: told of where the kernel can", "[kernel_sockets]") {
  Socket bound(sock::open_stream(Family::kIPv4));
  Socket second(sock::open_stream(Family::kIPv4));
  bind_to(bound, kLoopback);
  bind_to(second, kLoopback);  // the kernel does not pass over this one by itself
  const std::uint16_t port = bound.local().port;
  KernelSockets answer = read_kernel_sockets(at_port(port));
  drop_others(answer.sockets);
  CHECK(answer.source == Source::kSockDiag);
  CHECK(answer.sockets.size() == (answer.shows_bound_tcp ? 1u : 0u));
  if (answer.shows_bound_tcp) {
    CHECK(answer.sockets[0].state == SocketState::kBound);
    CHECK(answer.sockets[0].inode != 0);
    CHECK(answer.sockets[0].local == bound.local());
  }
  CHECK(ask(read_from_proc, kTcp, at_port(port)).empty());
}

TEST_CASE("asking leaves no socket and no port behind, and is not narrated", "[kernel_sockets]") {
  int calls = 0;
  sock::set_trace([](void* count, const sock::Call&) { ++*static_cast<int*>(count); }, &calls);
  read_kernel_sockets({});
  sock::set_trace(nullptr, nullptr);
  CHECK(calls == 0);
  const int before = ::dup(0);
  ::close(before);
  for (int i = 0; i < 10; ++i)
    read_kernel_sockets(at_port(1));
  const int after = ::dup(0);
  ::close(after);
  CHECK(after == before);
}

TEST_CASE("only the transports that were asked for", "[kernel_sockets]") {
  SocketQuery query;
  query.transports = transports(Transport::kUdp);
  const KernelSockets answer = read_kernel_sockets(query);
  CHECK_FALSE(answer.shows_bound_tcp);
  for (const KernelSocket& each : answer.sockets)
    CHECK(each.transport == Transport::kUdp);
  query.transports = 0;
  CHECK(read_kernel_sockets(query).source == Source::kNone);
}

TEST_CASE("unix sockets by their name", "[kernel_sockets]") {
  const auto source = GENERATE(read_by_sock_diag, read_from_proc);
  Socket listener(sock::open_stream(Family::kUnix));
  Socket nameless(sock::open_stream(Family::kUnix));
  const std::string path = "@polyport-test-" + std::to_string(::getpid());
  REQUIRE(sock::bind_unix(listener.fd, path, 0600) == 0);
  REQUIRE(sock::listen(listener.fd, 7) == 0);
  auto found = ask(source, kUnix, at_port(1));
  for (const KernelSocket& each : found)
    REQUIRE_FALSE(each.path.empty());
  std::erase_if(found, [&](const KernelSocket& each) { return each.path != path; });
  REQUIRE(found.size() == 1);
  CHECK(found[0].state == SocketState::kListening);
  CHECK(found[0].inode != 0);
  if (source == read_by_sock_diag && found[0].uid_known) CHECK(found[0].uid == ::geteuid());
  if (source == read_by_sock_diag) CHECK(found[0].send_queue == 7);
}
