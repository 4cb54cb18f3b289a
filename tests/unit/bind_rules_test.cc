// The rules of sharing a port, held against what Linux 6.18 was seen to do: a socket that listens
// on the row, a second one for the column.
#include "core/ports/bind_rules.h"

#include <array>
#include <string>
#include <string_view>

#include "tests/support/catch.h"

using namespace polyport;

namespace {

struct Side {
  std::string_view name;
  Address address;
  IPv6Mode mode = IPv6Mode::kOnly;
};

Address ip(std::string_view text, std::uint16_t port = 80) {
  return *Address::parse_ip(text, port);
}

const std::array<Side, 6> kSides = {{{"0.0.0.0", ip("0.0.0.0")},
                                     {"127.0.0.1", ip("127.0.0.1")},
                                     {"127.0.0.2", ip("127.0.0.2")},
                                     {"[::] dual", ip("::"), IPv6Mode::kDualStack},
                                     {"[::] v6only", ip("::")},
                                     {"[::1]", ip("::1")}}};

constexpr auto kSame = BindRule::kSameEndpoint;
constexpr auto kOver = BindRule::kWildcardOverSpecific;
constexpr auto kUnder = BindRule::kSpecificUnderWildcard;
constexpr auto kDual = BindRule::kDualStackOverIpv4;
constexpr auto kUnderDual = BindRule::kIpv4UnderDualStack;
constexpr auto kFree = BindRule::kNone;

// [holder][wanted]
constexpr BindRule kExpected[6][6] = {
    {kSame, kUnder, kUnder, kDual, kFree, kFree},
    {kOver, kSame, kFree, kDual, kFree, kFree},
    {kOver, kFree, kSame, kDual, kFree, kFree},
    {kUnderDual, kUnderDual, kUnderDual, kSame, kSame, kUnder},
    {kFree, kFree, kFree, kSame, kSame, kUnder},
    {kFree, kFree, kFree, kOver, kOver, kSame},
};

BindTarget target(Transport transport, const Address& address, IPv6Mode mode = IPv6Mode::kOnly) {
  return {.transport = transport, .address = address, .path = {}, .ipv6_mode = mode};
}

KernelSocket listening(const Address& address) {
  KernelSocket socket;
  socket.state = SocketState::kListening;
  socket.local = address;
  socket.ipv6_socket = address.family == Family::kIPv6;
  return socket;
}

KernelSocket connected(const Address& local, const Address& peer) {
  KernelSocket socket = listening(local);
  socket.state = SocketState::kEstablished;
  socket.peer = peer;
  return socket;
}

}  // namespace

TEST_CASE("two addresses overlap as the kernel says", "[bind_rules]") {
  for (std::size_t holder = 0; holder < kSides.size(); ++holder) {
    for (std::size_t wanted = 0; wanted < kSides.size(); ++wanted) {
      CAPTURE(kSides[holder].name, kSides[wanted].name);
      const auto rule = overlap(kSides[wanted].address, kSides[wanted].mode, kSides[holder].address,
                                kSides[holder].mode);
      CHECK(rule.value_or(kFree) == kExpected[holder][wanted]);
    }
  }
}

TEST_CASE("what can never be in each other's way", "[bind_rules]") {
  const BindTarget tcp = target(Transport::kTcp, ip("127.0.0.1"));
  CHECK(overlap(tcp, tcp) == kSame);
  CHECK_FALSE(overlap(tcp, target(Transport::kUdp, ip("127.0.0.1"))));
  CHECK_FALSE(overlap(tcp, target(Transport::kTcp, ip("127.0.0.1", 81))));
  const BindTarget any_port = target(Transport::kTcp, ip("127.0.0.1", 0));
  CHECK_FALSE(overlap(any_port, any_port));
  // One link-local address is another on another interface.
  BindTarget first = target(Transport::kTcp, ip("fe80::1"));
  BindTarget second = first;
  first.address.scope_id = 1;
  second.address.scope_id = 2;
  CHECK_FALSE(overlap(first, second));
  BindTarget socket = target(Transport::kUnix, Address::any(Family::kUnix));
  socket.path = "/run/x";
  CHECK(overlap(socket, socket) == BindRule::kPathInUse);
  BindTarget other = socket;
  other.path = "/run/y";
  CHECK_FALSE(overlap(socket, other));
}

TEST_CASE("which holder explains a refusal", "[bind_rules]") {
  const EphemeralRange lent{32768, 60999};
  const BindTarget wanted = target(Transport::kTcp, ip("127.0.0.1", 8080));
  const auto rule = [&](const KernelSocket& holder, std::vector<KernelSocket> all = {}) {
    all.push_back(holder);
    return explains_refusal(wanted, holder, {all, lent}).value_or(kFree);
  };
  CHECK(rule(listening(ip("127.0.0.1", 8080))) == kSame);
  CHECK(rule(listening(ip("0.0.0.0", 8080))) == kUnder);
  CHECK(rule(listening(ip("::", 8080))) == kUnderDual);
  KernelSocket only_ipv6 = listening(ip("::", 8080));
  only_ipv6.ipv6_only = true;
  CHECK(rule(only_ipv6) == kFree);
  CHECK(rule(listening(ip("127.0.0.1", 8081))) == kFree);
  KernelSocket bound = listening(ip("127.0.0.1", 8080));
  bound.state = SocketState::kBound;
  CHECK(rule(bound) == BindRule::kBoundNotListening);
  KernelSocket gone = connected(ip("127.0.0.1", 8080), ip("127.0.0.1", 40000));
  CHECK(rule(gone) == BindRule::kLiveChild);
  gone.state = SocketState::kTimeWait;
  CHECK(rule(gone) == BindRule::kTimeWait);
  KernelSocket udp = listening(ip("127.0.0.1", 8080));
  udp.transport = Transport::kUdp;
  CHECK(rule(udp) == kFree);
  KernelSocket elsewhere = listening(*Address::parse_ip("::", 8090));
  elsewhere.interface = 3;
  BindTarget link_local = target(Transport::kTcp, ip("fe80::5", 8090));
  link_local.address.scope_id = 2;
  CHECK_FALSE(explains_refusal(link_local, elsewhere, {}));
  elsewhere.interface = 2;
  CHECK(explains_refusal(link_local, elsewhere, {}) == kUnder);
  // Somebody listens at its far end: it went out from here, whatever its number.
  CHECK(rule(connected(ip("127.0.0.1", 8080), ip("127.0.0.1", 40000)),
             {listening(ip("0.0.0.0", 40000))}) == BindRule::kEphemeralLocalPort);
}

TEST_CASE("an outgoing connection is known by its numbers", "[bind_rules]") {
  const Surroundings alone{{}, {32768, 60999}};
  CHECK(is_outgoing(connected(ip("10.0.0.1", 40001), ip("10.0.0.2", 443)), alone));
  CHECK_FALSE(is_outgoing(connected(ip("10.0.0.1", 443), ip("10.0.0.2", 40001)), alone));
  CHECK_FALSE(is_outgoing(connected(ip("10.0.0.1", 40001), ip("10.0.0.2", 40002)), alone));
}

TEST_CASE("every rule has its word, and its sentence", "[bind_rules]") {
  CHECK(name(BindRule::kNone) == "none");
  CHECK(sentence(BindRule::kNone).empty());
  for (auto rule = BindRule::kSameEndpoint; rule <= BindRule::kDescriptorLimit;
       rule = static_cast<BindRule>(static_cast<int>(rule) + 1)) {
    CAPTURE(name(rule));
    CHECK_FALSE(sentence(rule).empty());
    CHECK_FALSE(sentence(rule).ends_with('.'));
  }
}
