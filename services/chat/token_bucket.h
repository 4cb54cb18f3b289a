// TokenBucket: how much may be done at once and over time. Full at first, refilled evenly.
#pragma once

#include <algorithm>
#include <cstdint>

namespace polyport::services::chat {

struct Rate {
  std::uint32_t burst = 5;
  std::uint32_t per_second = 2;
};

class TokenBucket {
 public:
  // Takes one token where there is one. `now_ms` never runs backwards.
  bool take(const Rate& rate, std::uint64_t now_ms) {
    const std::uint64_t most = std::uint64_t{rate.burst} * 1000;
    // More than a full refill changes nothing and could overflow.
    const std::uint64_t elapsed = std::min(now_ms - last_ms_, most);
    missing_milli_ -= std::min(missing_milli_, elapsed * rate.per_second);
    last_ms_ = now_ms;
    if (missing_milli_ + 1000 > most) return false;
    missing_milli_ += 1000;
    return true;
  }
  void empty(const Rate& rate, std::uint64_t now_ms) {
    missing_milli_ = std::uint64_t{rate.burst} * 1000;
    last_ms_ = now_ms;
  }

 private:
  std::uint64_t missing_milli_ = 0;
  std::uint64_t last_ms_ = 0;
};

}  // namespace polyport::services::chat
