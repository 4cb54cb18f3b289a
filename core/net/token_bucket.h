// TokenBucket: at most so many a second, with one second's worth saved up.
#pragma once

#include <algorithm>
#include <cstdint>

namespace polyport {

class TokenBucket {
 public:
  // 0: no limit.
  explicit TokenBucket(std::uint64_t per_second)
      : per_second_(per_second), thousandths_(per_second * 1000) {}

  // Whether nothing may be taken at `now_ms`, which never goes back.
  bool empty(std::uint64_t now_ms) {
    if (per_second_ == 0) return false;
    const std::uint64_t elapsed = std::min<std::uint64_t>(now_ms - filled_ms_, 1000);
    filled_ms_ = now_ms;
    thousandths_ = std::min(thousandths_ + elapsed * per_second_, per_second_ * 1000);
    return thousandths_ < 1000;
  }
  void take() { thousandths_ -= std::min<std::uint64_t>(thousandths_, 1000); }

 private:
  std::uint64_t per_second_;
  std::uint64_t thousandths_;
  std::uint64_t filled_ms_ = 0;
};

}  // namespace polyport
