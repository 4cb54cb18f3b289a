// TokenBucket: how much may be done at once and over time. Full at first, refilled evenly.
#pragma once

#include <algorithm>
#include <cstdint>

namespace polyport::services::chat {

struct Rate {
  std::uint32_t burst = 5;
  std::uint32_t per_second = 2;
};

// Eight bytes, because every member has two. The time is kept without its upper half: after 49 days
// of silence a bucket may be less full than it should be.
class TokenBucket {
 public:
  // Takes one token where there is one. `now_ms` never runs backwards; a burst is a million at
  // most.
  bool take(const Rate& rate, std::uint64_t now_ms) {
    const std::uint64_t elapsed = static_cast<std::uint32_t>(now_ms) - last_ms_;
    const std::uint64_t refilled = elapsed * rate.per_second;
    missing_milli_ -= static_cast<std::uint32_t>(std::min<std::uint64_t>(missing_milli_, refilled));
    last_ms_ = static_cast<std::uint32_t>(now_ms);
    if (missing_milli_ + 1000 > rate.burst * 1000) return false;
    missing_milli_ += 1000;
    return true;
  }
  void empty(const Rate& rate, std::uint64_t now_ms) {
    missing_milli_ = rate.burst * 1000;
    last_ms_ = static_cast<std::uint32_t>(now_ms);
  }

 private:
  std::uint32_t missing_milli_ = 0;
  std::uint32_t last_ms_ = 0;
};

}  // namespace polyport::services::chat
