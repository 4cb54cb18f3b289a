// UdpGuard: who may be answered over UDP, and how much.
//
// Two servers that answer each other never stop (CERT CA-1996-01), and an answer larger than its
// question is a weapon against whoever's address was forged on it. The rules are in
// docs/architecture.md; this class holds no socket and decides from addresses alone.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "core/socket/address.h"

namespace polyport {

class UdpGuard {
 public:
  enum class Verdict : std::uint8_t {
    kAllow,
    kPortZero,       // nobody can be reached there
    kOwnListener,    // one of our own UDP sockets, or something that claims to be
    kServicePort,    // a port that other responders live on
    kNoUnicast,      // broadcast or multicast, source or destination
    kAmplification,  // the answer is larger than the question, and the allowance is used up
    kDenied,         // by the service's allow and deny lists: UdpSocket says so, not the guard
  };
  static constexpr std::size_t kVerdicts = 7;

  enum class Amplification : std::uint8_t { kLimit, kRefuse, kAllow };

  // `sharers`: processes that answer on the same ports, among which the allowance is divided.
  explicit UdpGuard(int sharers = 1);

  void add_own(const Address& local);
  void remove_own(const Address& local);

  // May `peer`, who wrote to `local`, be answered at all? A `loop_free` protocol can never be drawn
  // into a storm (its answer is never a question), so the ports of other responders may ask it.
  Verdict check_peer(const Address& peer, const Address& local, bool loop_free) const;

  // May it be answered with that many bytes? Loopback may always. Larger answers are paid from 10 a
  // second for each source and 1,000 a second in all.
  Verdict check_reply(const Address& peer, std::size_t request_bytes, std::size_t reply_bytes,
                      Amplification policy, std::uint64_t now_ms);

 private:
  struct Bucket {
    std::uint64_t filled_ms = 0;
    double tokens = 0;
    bool take(double rate, double burst, std::uint64_t now_ms);
  };
  // Sources share a bucket where their hashes meet: a bound on memory that errs towards refusing.
  static constexpr std::size_t kBuckets = 4096;

  bool is_local(const Address& peer, const Address& local) const;

  const double sharers_;
  std::multiset<Address> own_;
  std::multiset<std::uint16_t> own_ports_;
  std::vector<Address> interfaces_;  // this machine's addresses, port 0
  std::vector<Bucket> buckets_;
  Bucket all_;
};

std::string_view name(UdpGuard::Verdict verdict);

}  // namespace polyport
