// The table `polyport run` begins with.
#include "app/table.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

using namespace polyport;

namespace {

constexpr Door kAnyTransport[] = {
    {.transports = transports(Transport::kTcp, Transport::kUdp, Transport::kUnix)}};
constexpr Door kHttp[] = {{.kind = Door::Kind::kHttp}};
constexpr Door kOnlyUdp[] = {{.transports = transports(Transport::kUdp)}};

const ServiceType kEcho = {.name = "echo", .doors = kAnyTransport};
const ServiceType kWeb = {.name = "http", .doors = kHttp, .try_it = "curl http://{host}:{port}/"};
const ServiceType kClock = {
    .name = "sntp", .doors = kOnlyUdp, .try_it = "chronyd -Q 'server {host} port {port}'"};
const ServiceType* const kTypes[] = {&kEcho, &kWeb, &kClock};

ListenerStatus listener(Transport transport, std::string_view ip, std::uint16_t port) {
  const auto address = Address::parse_ip(ip, port);
  REQUIRE(address.has_value());
  return {.door = "main", .transport = transport, .bound = address->text(), .address = *address};
}

ServiceStatus service(std::string name, std::string_view type,
                      std::vector<ListenerStatus> listeners) {
  return {.name = std::move(name),
          .type = type,
          .state = ServiceState::kLive,
          .listeners = std::move(listeners)};
}

std::string table(std::vector<ServiceStatus> services, std::vector<std::string> notes = {},
                  std::vector<Address> networks = {}, Paint paint = Paint::kPlain) {
  return start_table({.version = "1.2.3",
                      .pid = 4211,
                      .services = services,
                      .types = kTypes,
                      .notes = notes,
                      .networks = networks},
                     paint);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the table shows each service with its sockets, its reach and a line to try") {
  CHECK(table({service("web", "http", {listener(Transport::kTcp, "127.0.0.1", 8080)}),
               service("echo", "echo",
                       {listener(Transport::kTcp, "127.0.0.1", 10007),
                        listener(Transport::kUdp, "127.0.0.1", 10007)})}) ==
        "polyport 1.2.3   one process (pid 4211), one event loop, 2 services, 3 ports\n"
        "\n"
        "  service  listens on               range  reach         try it\n"
        "  web      http 127.0.0.1:8080      user   this machine  curl http://localhost:8080/\n"
        "  echo     tcp+udp 127.0.0.1:10007  user   this machine  polyport connect "
        "localhost:10007\n");
}

TEST_CASE("localhost on both families is one line, IPv4 first, and one port") {
  const std::string text = table({service(
      "echo", "echo",
      {listener(Transport::kTcp, "::1", 10007), listener(Transport::kTcp, "127.0.0.1", 10007)})});
  CHECK(has(text, "1 service, 1 port\n"));
  CHECK(has(text, "  echo     tcp 127.0.0.1:10007 [::1]:10007  user "));
}

TEST_CASE("a transport that only one address has gets a line of its own") {
  const std::string text = table({service("echo", "echo",
                                          {listener(Transport::kTcp, "127.0.0.1", 10007),
                                           listener(Transport::kUdp, "127.0.0.1", 10008)})});
  CHECK(has(text, "tcp 127.0.0.1:10007"));
  CHECK(has(text, "udp 127.0.0.1:10008"));
  CHECK(has(text, "polyport connect udp://localhost:10008\n"));
}

TEST_CASE("a service that only speaks UDP is tried as its type says") {
  CHECK(has(table({service("ntp", "sntp", {listener(Transport::kUdp, "127.0.0.1", 10123)})}),
            "chronyd -Q 'server localhost port 10123'\n"));
}

TEST_CASE("who listens on every address is told which network sees it") {
  const std::vector<Address> networks = {
      *Address::parse_ip("10.1.2.3"), *Address::parse_ip("192.168.0.9"),
      *Address::parse_ip("172.17.0.1"), *Address::parse_ip("2001:db8::7")};
  const auto wildcard = [&](std::string_view ip) {
    return table({service("web", "http", {listener(Transport::kTcp, ip, 8080)})}, {}, networks);
  };
  CHECK(has(wildcard("0.0.0.0"), "your network: 10.1.2.3 192.168.0.9 and 1 more"));
  CHECK(has(wildcard("::"), "your network: 2001:db8::7  "));
  CHECK(has(wildcard("10.1.2.3"), "your network: 10.1.2.3  curl http://10.1.2.3:8080/"));
  CHECK(has(wildcard("2001:db8::7"), "curl http://[2001:db8::7]:8080/"));
  CHECK(has(wildcard("127.0.0.2"), "this machine  curl http://127.0.0.2:8080/"));
}

TEST_CASE("one socket for both families is shown as it was written, and so is who reaches it") {
  ListenerStatus both = listener(Transport::kTcp, "::", 8080);
  both.configured = "tcp://*:8080";
  const std::vector<Address> networks = {*Address::parse_ip("10.1.2.3"),
                                         *Address::parse_ip("2001:db8::7")};
  CHECK(has(table({service("web", "http", {both})}, {}, networks),
            "http *:8080  user   your network: 10.1.2.3 2001:db8::7  curl http://localhost:8080/"));
}

TEST_CASE("without a network even every address is only this machine") {
  CHECK(has(table({service("web", "http", {listener(Transport::kTcp, "0.0.0.0", 8080)})}),
            "http 0.0.0.0:8080  user   this machine  curl http://localhost:8080/"));
}

TEST_CASE("a range of ports is one line, and a thousand scattered ones do not fill the screen") {
  std::vector<ListenerStatus> run;
  std::vector<ListenerStatus> scattered;
  for (int i = 0; i < 100; ++i) {
    run.push_back(listener(Transport::kTcp, "127.0.0.1", static_cast<std::uint16_t>(9000 + i)));
    scattered.push_back(
        listener(Transport::kTcp, "127.0.0.1", static_cast<std::uint16_t>(9000 + 2 * i)));
  }
  CHECK(has(table({service("echo", "echo", run)}), "tcp 127.0.0.1:9000-9099  user "));
  const std::string text = table({service("echo", "echo", scattered)});
  CHECK(has(text, "127.0.0.1:9010"));
  CHECK(!has(text, "127.0.0.1:9012"));
  CHECK(has(text, "and 94 more lines like these\n"));
}

TEST_CASE("the range of the number is named, on both sides of a border") {
  const auto range_of = [](std::uint16_t port) {
    return table({service("web", "http", {listener(Transport::kTcp, "127.0.0.1", port)})});
  };
  CHECK(has(range_of(1023), "  system  this machine"));
  CHECK(has(range_of(1024), "  user   this machine"));
  CHECK(has(range_of(49151), "  user   this machine"));
  CHECK(has(range_of(49152), "  dynamic  this machine"));
}

TEST_CASE("a unix socket shows its path, escaped, and no range") {
  const ServiceStatus quiet = service(
      "echo", "echo", {{.door = "main", .transport = Transport::kUnix, .bound = "/run/a\x1b[2J"}});
  const std::string text = table({quiet});
  CHECK(has(text, "unix /run/a\\x1b[2J"));
  CHECK(has(text, "polyport connect unix:/run/a"));
  CHECK(!has(text, "\x1b"));
}

TEST_CASE("notes and services that could not start stand below") {
  ServiceStatus skipped = service("web", "http", {});
  skipped.state = ServiceState::kSkipped;
  skipped.reason = "127.0.0.1:8080 is taken";
  const std::string text = table({skipped}, {"IPv6 is off on this machine: [::1] left out"});
  CHECK(has(text, "  note  IPv6 is off on this machine: [::1] left out\n"));
  CHECK(has(text, "  note  web is skipped: 127.0.0.1:8080 is taken\n"));
  CHECK(has(text, "0 services, 0 ports"));
}

TEST_CASE("a listener that is not as it was written says so in one word") {
  ListenerStatus row = listener(Transport::kTcp, "127.0.0.1", 8080);
  const auto shown = [&row] { return table({service("echo", "echo", {row})}); };
  row.origin = ListenerOrigin::kMoved;
  CHECK(has(shown(), "tcp 127.0.0.1:8080 moved  user   this machine  polyport connect"));
  CHECK(has(shown(), "1 service, 1 port"));
  row.origin = ListenerOrigin::kShared;
  CHECK(has(shown(), "tcp 127.0.0.1:8080 shared  "));
  row.origin = ListenerOrigin::kInherited;
  CHECK(has(shown(), "tcp 127.0.0.1:8080 inherited  "));
  row.accepts = false;  // which matters more
  CHECK(has(shown(), "tcp 127.0.0.1:8080 never-accepting  user   this machine"));
  // Nobody can talk to it; to be refused is worth a try.
  row.state = ListenerState::kRetrying;
  CHECK(has(shown(), "tcp 127.0.0.1:8080 retrying  user\n"));
  row.state = ListenerState::kSkipped;
  CHECK(has(shown(), "tcp 127.0.0.1:8080 skipped  user\n"));
  CHECK(has(shown(), "0 services, 0 ports"));
  row.state = ListenerState::kClosed;
  CHECK(has(shown(), "tcp 127.0.0.1:8080 closed  user   this machine  polyport connect"));
}

TEST_CASE("sockets in different states do not share a line") {
  ListenerStatus waiting = listener(Transport::kTcp, "127.0.0.1", 8081);
  waiting.state = ListenerState::kRetrying;
  const std::string text = table({service("echo", "echo",
                                          {listener(Transport::kTcp, "127.0.0.1", 8080), waiting,
                                           listener(Transport::kUdp, "127.0.0.1", 8081),
                                           listener(Transport::kTcp, "127.0.0.1", 8082)})});
  CHECK(has(text, "tcp 127.0.0.1:8080  "));
  CHECK(has(text, "tcp 127.0.0.1:8081 retrying"));
  CHECK(has(text, "udp 127.0.0.1:8081  "));
  CHECK(has(text, "1 service, 3 ports"));
}

TEST_CASE("colour is there when asked for and changes no column") {
  const std::vector<ServiceStatus> services = {
      service("web", "http", {listener(Transport::kTcp, "127.0.0.1", 8080)})};
  const std::string plain = table(services);
  std::string painted = table(services, {}, {}, Paint::kColour);
  CHECK(has(painted, "\x1b[1mweb      \x1b[0mhttp"));
  for (std::size_t at; (at = painted.find('\x1b')) != std::string::npos;) {
    painted.erase(at, painted.find('m', at) - at + 1);
  }
  CHECK(painted == plain);
}
