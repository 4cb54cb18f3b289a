// From endpoints to the sockets to bind, for machines with and without IPv6; and the names of
// ports.
#include "core/ports/resolve.h"

#include <string>
#include <vector>

#include "core/ports/port_names.h"
#include "tests/support/catch.h"

using polyport::Address;
using polyport::BindTarget;
using polyport::ErrorCode;
using polyport::Families;
using polyport::IPv6Mode;
using polyport::look_up;
using polyport::parse_endpoint;
using polyport::ResolvedEndpoint;
using polyport::Transport;

namespace {

constexpr Families kBoth{true, true};
constexpr Families kOnlyIPv4{true, false};
constexpr Families kOnlyIPv6{false, true};
constexpr Families kNone{false, false};

ResolvedEndpoint resolved(std::string_view text, Families families = kBoth) {
  const auto found = polyport::resolve(*parse_endpoint(text), families);
  if (!found) FAIL(found.error().text());
  return *found;
}

// The targets of a group as text, for comparing.
std::vector<std::string> texts(const ResolvedEndpoint& endpoint, std::size_t group = 0) {
  std::vector<std::string> all;
  for (const BindTarget& target : endpoint.groups.at(group).targets) {
    all.push_back(target.text());
  }
  return all;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("localhost is both loopback addresses", "[resolve]") {
  for (const char* text : {"localhost:80", "80", "lab.localhost:80", "localhost.:80"}) {
    INFO(text);
    const ResolvedEndpoint endpoint = resolved(text);
    CHECK(endpoint.groups.size() == 1);
    CHECK(texts(endpoint) == Texts{"127.0.0.1:80", "[::1]:80"});
    CHECK(endpoint.notes.empty());
    for (const BindTarget& target : endpoint.groups[0].targets) {
      CHECK(target.ipv6_mode == IPv6Mode::kOnly);
    }
  }
}

TEST_CASE("localhost leaves out a family that this machine lacks, and says so", "[resolve]") {
  const ResolvedEndpoint without = resolved("udp://localhost:80", kOnlyIPv4);
  CHECK(texts(without) == Texts{"127.0.0.1:80"});
  CHECK(without.groups[0].targets[0].transport == Transport::kUdp);
  CHECK(without.notes == Texts{"IPv6 is off on this machine: [::1] left out"});

  const ResolvedEndpoint only = resolved("localhost:80", kOnlyIPv6);
  CHECK(texts(only) == Texts{"[::1]:80"});
  CHECK(only.notes == Texts{"IPv4 is off on this machine: 127.0.0.1 left out"});

  const auto none = polyport::resolve(*parse_endpoint("localhost:80"), kNone);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == ErrorCode::kNotAvailable);
  CHECK(none.error().what == "this machine has no loopback address");
  CHECK(none.error().where == "tcp://localhost:80");
}

TEST_CASE("* is one socket for both families", "[resolve]") {
  const ResolvedEndpoint both = resolved("*:8080");
  CHECK(texts(both) == Texts{"[::]:8080"});
  CHECK(both.groups[0].targets[0].ipv6_mode == IPv6Mode::kDualStack);
  CHECK(both.notes.empty());

  const ResolvedEndpoint without = resolved("*:8080", kOnlyIPv4);
  CHECK(texts(without) == Texts{"0.0.0.0:8080"});
  CHECK(without.notes == Texts{"IPv6 is off on this machine: * is every IPv4 address"});
}

TEST_CASE("a literal is exactly itself", "[resolve]") {
  CHECK(texts(resolved("127.0.0.2:80")) == Texts{"127.0.0.2:80"});
  CHECK(texts(resolved("0.0.0.0:80")) == Texts{"0.0.0.0:80"});
  // Not dropped: whoever wrote the address shall hear that it cannot be had.
  const ResolvedEndpoint literal = resolved("[::1]:80", kOnlyIPv4);
  CHECK(texts(literal) == Texts{"[::1]:80"});
  CHECK(literal.notes.empty());
  const ResolvedEndpoint any = resolved("[::]:80");
  CHECK(texts(any) == Texts{"[::]:80"});
  CHECK(any.groups[0].targets[0].ipv6_mode == IPv6Mode::kOnly);
}

TEST_CASE("each port of a range is a group", "[resolve]") {
  const ResolvedEndpoint range = resolved("localhost:9000-9004/2");
  REQUIRE(range.groups.size() == 3);
  CHECK(texts(range, 0) == Texts{"127.0.0.1:9000", "[::1]:9000"});
  CHECK(texts(range, 1) == Texts{"127.0.0.1:9002", "[::1]:9002"});
  CHECK(texts(range, 2) == Texts{"127.0.0.1:9004", "[::1]:9004"});
  // A note is said once, not once a port.
  CHECK(resolved("localhost:9000-9004", kOnlyIPv4).notes.size() == 1);
}

TEST_CASE("a unix socket is its path", "[resolve]") {
  const ResolvedEndpoint path = resolved("unix:///run/echo.sock", kNone);
  CHECK(texts(path) == Texts{"/run/echo.sock"});
  CHECK(path.groups[0].targets[0].transport == Transport::kUnix);
  CHECK(path.groups[0].targets[0].address.family == polyport::Family::kUnix);
  CHECK(texts(resolved("unix:@echo")) == Texts{"@echo"});
}

TEST_CASE("an interface that is not there", "[resolve]") {
  const auto found = polyport::resolve(*parse_endpoint("[fe80::1%nowhere0]:80"), kBoth);
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == ErrorCode::kNotAvailable);
  CHECK(found.error().what == "this machine has no interface \"nowhere0\"");
  CHECK(found.error().hint == "`ip address` lists them");
  const auto url = polyport::resolve(*parse_endpoint("[fe80::1%25nowhere0]:80"), kBoth);
  CHECK(url.error().hint == "only in a URL is % written %25; here write %nowhere0");
}

TEST_CASE("a name that does not exist", "[resolve]") {
  // ".invalid" never exists (RFC 6761 section 6.4). Which of the two answers comes depends on
  // whether a name server can be reached.
  const auto found = look_up("nobody.invalid", kBoth);
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == ErrorCode::kNotFound);
  CHECK(found.error().what.find("\"nobody.invalid\"") != std::string::npos);
  CHECK_FALSE(found.error().hint.empty());
  CHECK(polyport::resolve(*parse_endpoint("nobody.invalid:80"), kBoth).error().where ==
        "tcp://nobody.invalid:80");
}

TEST_CASE("well known ports have their registered names", "[port_names]") {
  using polyport::port_name;
  using polyport::well_known_port;
  using polyport::well_known_port_name;
  CHECK(well_known_port_name(80, Transport::kTcp) == "http");
  CHECK(well_known_port_name(22, Transport::kTcp) == "ssh");
  CHECK(well_known_port_name(22, Transport::kUdp).empty());
  CHECK(well_known_port_name(123, Transport::kUdp) == "ntp");
  CHECK(well_known_port_name(7, Transport::kUdp) == "echo");
  CHECK(well_known_port_name(27017, Transport::kTcp) == "mongodb");
  CHECK(well_known_port_name(0, Transport::kTcp).empty());
  CHECK(well_known_port_name(65535, Transport::kTcp).empty());
  CHECK(well_known_port_name(80, Transport::kUnix).empty());
  CHECK(well_known_port("http") == 80);
  CHECK_FALSE(well_known_port("web").has_value());
  CHECK(port_name(443, Transport::kTcp) == "https");
  CHECK(port_name(80, Transport::kUnix).empty());
}

TEST_CASE("the names of all ports are those of each", "[port_names]") {
  const polyport::PortNames names;
  for (const Transport transport : {Transport::kTcp, Transport::kUdp, Transport::kUnix}) {
    for (std::uint16_t port = 0; port < 200; ++port) {
      CAPTURE(port, name(transport));
      CHECK(names.find(port, transport) == polyport::port_name(port, transport));
    }
  }
}
