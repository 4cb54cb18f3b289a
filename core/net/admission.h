// Admission: how many connections a service may hold, in all and from one address, and how many
// it may take a second.
//
// Knows numbers only: whoever accepts asks first, and says when one has gone. What a refused client
// gets is the listener's business.
#pragma once

#include <cstdint>

#include "core/net/address_counts.h"
#include "core/net/token_bucket.h"
#include "core/socket/address.h"

namespace polyport {

class Admission {
 public:
  struct Limits {
    std::uint64_t connections = 0;  // 0: no limit
    std::uint64_t per_address = 0;  // 0: no limit
    std::uint64_t per_second = 0;   // 0: no limit
  };

  explicit Admission(Limits limits) : limits_(limits), rate_(limits.per_second) {}

  bool full() const { return limits_.connections != 0 && open_ >= limits_.connections; }
  // Whether it has taken as many new ones as it may by now.
  bool too_fast(std::uint64_t now_ms) { return rate_.empty(now_ms); }
  // False where that address holds as many as it may; else the connection counts from now on.
  bool admit(const Address& peer);
  void leave(const Address& peer);
  std::uint64_t open() const { return open_; }
  const Limits& limits() const { return limits_; }

 private:
  Limits limits_;
  TokenBucket rate_;
  std::uint64_t open_ = 0;
  AddressCounts per_address_;
};

}  // namespace polyport
