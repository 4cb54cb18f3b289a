// Who may be answered over UDP (docs/architecture.md, the guard's rules).
#include "core/net/udp_guard.h"

#include "tests/support/catch.h"

using namespace polyport;
using Verdict = UdpGuard::Verdict;
using Amplification = UdpGuard::Amplification;

namespace {
Address at(const char* ip, std::uint16_t port) {
  return *Address::parse_ip(ip, port);
}
const Address kLocal = at("192.0.2.1", 10007);
}  // namespace

TEST_CASE("ordinary peers are answered, those that could start a storm are not") {
  UdpGuard guard;
  guard.add_own(at("0.0.0.0", 10007));
  guard.add_own(at("127.0.0.1", 10019));
  CHECK(guard.check_peer(at("198.51.100.7", 40000), kLocal, false) == Verdict::kAllow);
  CHECK(guard.check_peer(at("127.0.0.1", 40000), kLocal, false) == Verdict::kAllow);
  CHECK(guard.check_peer(at("198.51.100.7", 0), kLocal, false) == Verdict::kPortZero);
  // One of ours, or a local address with the port of one of ours.
  CHECK(guard.check_peer(at("127.0.0.1", 10019), kLocal, false) == Verdict::kOwnListener);
  CHECK(guard.check_peer(at("127.0.0.9", 10007), kLocal, false) == Verdict::kOwnListener);
  CHECK(guard.check_peer(at("192.0.2.1", 10019), kLocal, false) == Verdict::kOwnListener);
  // The same number on another machine is nobody's of ours.
  CHECK(guard.check_peer(at("198.51.100.7", 10019), kLocal, false) == Verdict::kAllow);
  CHECK(guard.check_peer(at("224.0.0.1", 40000), kLocal, false) == Verdict::kNoUnicast);
  CHECK(guard.check_peer(at("198.51.100.7", 40000), at("255.255.255.255", 10007), false) ==
        Verdict::kNoUnicast);
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{
           7, 13, 17, 19, 37, 53, 123, 161, 389, 1900, 2049, 11211}) {
    CAPTURE(port);
    CHECK(guard.check_peer(at("198.51.100.7", port), kLocal, false) == Verdict::kServicePort);
    CHECK(guard.check_peer(at("198.51.100.7", port), kLocal, true) == Verdict::kAllow);
  }
  guard.remove_own(at("127.0.0.1", 10019));
  CHECK(guard.check_peer(at("127.0.0.1", 10019), kLocal, false) == Verdict::kAllow);
}

TEST_CASE("an answer larger than its question is paid from an allowance") {
  UdpGuard guard;
  const Address peer = at("198.51.100.7", 40000);
  const auto larger = [&](const Address& who, std::uint64_t now) {
    return guard.check_reply(who, 0, 4, Amplification::kLimit, now);
  };
  for (int i = 0; i < 10; ++i)
    CHECK(larger(peer, 1000) == Verdict::kAllow);
  CHECK(larger(peer, 1000) == Verdict::kAmplification);
  CHECK(larger(at("198.51.100.8", 1), 1000) == Verdict::kAllow);  // another source
  CHECK(larger(peer, 1100) == Verdict::kAllow);                   // 10 a second
  CHECK(larger(peer, 1100) == Verdict::kAmplification);
  // Never for what is not larger, nor on loopback.
  CHECK(guard.check_reply(peer, 4, 4, Amplification::kRefuse, 1100) == Verdict::kAllow);
  for (int i = 0; i < 100; ++i)
    CHECK(larger(at("127.0.0.1", 9), 1100) == Verdict::kAllow);
  CHECK(guard.check_reply(peer, 0, 4, Amplification::kRefuse, 9000) == Verdict::kAmplification);
  CHECK(guard.check_reply(peer, 0, 4, Amplification::kAllow, 1100) == Verdict::kAllow);
}

TEST_CASE("all sources together have an allowance too") {
  UdpGuard guard;
  int allowed = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string ip = "198.18." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    const Address peer = at(ip.c_str(), 40000);
    if (guard.check_reply(peer, 0, 4, Amplification::kLimit, 1000) == Verdict::kAllow) ++allowed;
  }
  CHECK(allowed == 1000);
}
